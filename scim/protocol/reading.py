"""How one body is read: what is tolerated, what is refused, and the advice that comes up on the way."""

from collections.abc import Iterable
from dataclasses import dataclass

from scim.protocol.attributes import Attribute
from scim.protocol.errors import Forbidden, InvalidValue, ScimError, shown_name

_MOST_NOTICES = 20


def distinct(notices: Iterable[str]) -> tuple[str, ...]:
    """Every sentence once, in the order of their coming; no more than a person would read."""
    return tuple(dict.fromkeys(notices))[:_MOST_NOTICES]


@dataclass(frozen=True, slots=True)
class Leniency:
    """How far this server goes to meet its client.

    ``tolerates``: a quirk, see ``scim.protocol.quirks``, is read as it was meant; without, it is refused.
    ``drops_passwords``: passwords are passed over; without, they are refused.
    """

    tolerates: bool = True
    drops_passwords: bool = True


NOT_STRICT = Leniency()
STRICT = Leniency(tolerates=False)


@dataclass(frozen=True, slots=True)
class Quirk:
    """What a client got wrong, what was made of it (two clauses of one sentence), and what strict mode calls it."""

    wrong: str
    made: str
    error: type[ScimError] = InvalidValue

    def __str__(self) -> str:
        return f"{self.wrong}; {self.made}."


class Reading:
    """One body on its way in.

    ``unsent`` are the places, as member names from the resource down, of attributes that were sent without any value:
    what is stored there stays, whatever replaces the rest.
    """

    __slots__ = ("_notices", "leniency", "unsent")

    def __init__(self, leniency: Leniency = NOT_STRICT, notices: tuple[str, ...] = ()) -> None:
        self.leniency = leniency
        self._notices = list(notices)
        self.unsent: set[tuple[str, ...]] = set()

    @property
    def notices(self) -> tuple[str, ...]:
        """The sentences for the request log."""
        return distinct(self._notices)

    def tolerate(self, quirk: Quirk) -> None:
        """Go on with what was made of it. In strict mode raises the quirk's error."""
        if not self.leniency.tolerates:
            raise quirk.error(f"{quirk.wrong}. Strict mode is on, so that is refused.", cause="strict-mode")
        self._notices.append(str(quirk))

    def leave_out(self, name: str) -> None:
        """Pass over a member that no schema defines, as RFC 7644 section 3.3 lets a server do."""
        self._notices.append(f"'{shown_name(name)}' is not an attribute of this resource and was left out.")

    def take_as_unsent(self, *place: str) -> None:
        """Pass over an attribute that was sent without any value, which asks for no change."""
        self.unsent.add(place)
        self._notices.append(f"'{place[-1]}' was sent without a value, so it changes nothing.")

    def drop(self, attribute: Attribute) -> None:
        """Take a password and do not keep it. Raises Forbidden where that would mislead."""
        if not self.leniency.drops_passwords:
            raise Forbidden(f"'{attribute.name}' can't be changed here; the sign-in page can.", cause="not-yours")
        self._notices.append(f"'{attribute.name}' was not kept; this server has no use for it.")
