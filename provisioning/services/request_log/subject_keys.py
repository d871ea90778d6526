"""Subject: whom a request is about, as the request log keeps and searches it."""

from collections.abc import Iterable
from dataclasses import dataclass

from core.addresses import fold

# Of one name, in characters, and of the names of one request.
LONGEST = 254
MOST = 8


@dataclass(frozen=True, slots=True)
class Subject:
    """``label`` is for people; ``names`` are all that were sent, at most MOST of LONGEST characters each.

    ``user_id`` is a user's id where a filter looks for that.
    """

    label: str = ""
    names: tuple[str, ...] = ()
    user_id: str = ""


NOBODY = Subject()


def key(names: Iterable[str]) -> str:
    """The names as a search compares them: each on a line of its own, so that a whole one can be told from a part."""
    folded = dict.fromkeys(name for each in names if (name := " ".join(fold(each).split())))
    return "".join([f"\n{name}" for name in folded]) + "\n" if folded else ""


def whole(name: str) -> str:
    """What the key has in it of which this is one of the names."""
    return key([name])
