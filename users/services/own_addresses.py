"""A change of userName or primary e-mail address: when it counts, and who is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.utils import timezone

from core.actors import Actor
from core.addresses import AddressError, canonical, check_mailable, same_mailbox
from core.refusals import Refusal
from organizations.services import outbox
from users import profile as profiles
from users.models import RESET_BLOCKED_FOR, Role, User
from users.profile import Profile

# How long a user from whom an identity provider has taken a privileged role keeps the own addresses, as though the user
# still had it: else two requests would do what one may not.
PROTECTED_AFTER_DEMOTION = timedelta(hours=72)


class AddressProtected(Refusal):
    """The connection may not give a user of this role another userName or primary e-mail address."""

    code = "address-protected"


@dataclass(frozen=True, slots=True)
class OwnAddresses:
    """The userName and the primary e-mail address, as they are spelled."""

    user_name: str
    email: str

    @classmethod
    def of(cls, profile: Profile) -> OwnAddresses:
        """Those of a profile."""
        return cls(profile["userName"], profiles.primary_email(profile))

    def is_same(self, other: OwnAddresses) -> bool:
        """Whether both lead to the same two mailboxes."""
        return same_mailbox(self.user_name, other.user_name) and same_mailbox(self.email, other.email)

    def moves_mail(self, other: OwnAddresses) -> bool:
        """Whether mail goes to another mailbox with the other addresses; password links go to either of the two."""
        return not same_mailbox(self.email, other.email)

    def notified_about(self, other: OwnAddresses) -> list[str]:
        """Those of the addresses given up for the other ones that mail reaches: they are told of the change."""
        return [address for address in self.given_up_for(other) if _is_reachable(address)]

    def given_up_for(self, other: OwnAddresses) -> list[str]:
        """Those of these addresses in whose place the other ones have another."""
        pairs = ((self.email, other.email), (self.user_name, other.user_name))
        gone = {canonical(before): before for before, after in pairs if not same_mailbox(before, after)}
        return list(gone.values())


@dataclass(frozen=True, slots=True)
class ByProvider:
    """A change that a connection of an identity provider makes; ``manages_admins`` is its switch."""

    manages_admins: bool

    def spares(self, user: User, role: Role | None) -> bool:
        """Whether a user keeps the own addresses: one who has, gets, or has lately lost a privileged role."""
        if self.manages_admins:
            return False
        return _is_privileged(user.role) or _is_privileged(role) or _was_demoted_lately(user)


def is_demotion(former: Role | None, role: Role | None) -> bool:
    """Whether a change of role takes a privileged one away."""
    return _is_privileged(former) and not _is_privileged(role)


def _is_privileged(role: Role | None) -> bool:
    return role is not None and role.is_privileged


def _was_demoted_lately(user: User) -> bool:
    return user.demoted_at is not None and user.demoted_at > timezone.now() - PROTECTED_AFTER_DEMOTION


@dataclass(frozen=True, slots=True)
class Protection:
    """What protects a user's addresses: it is kept with a removal, so that undoing that does not end it."""

    moments: Mapping[str, datetime]

    COLUMNS: ClassVar = ("address_changed_at", "password_reset_blocked_until", "demoted_at")

    @classmethod
    def of(cls, user: User) -> Protection:
        """That of a user who is there."""
        return cls({name: moment for name in cls.COLUMNS if (moment := getattr(user, name))})

    @classmethod
    def from_json(cls, kept: Mapping[str, str] | None) -> Protection:
        """That of a user who was removed, as ``as_json`` wrote it."""
        return cls({name: datetime.fromisoformat(text) for name, text in (kept or {}).items() if name in cls.COLUMNS})

    def as_json(self) -> dict[str, str]:
        """The moments by the names of their columns, in ISO 8601."""
        return {name: moment.isoformat() for name, moment in self.moments.items()}

    def put_on(self, user: User) -> None:
        """Give it to a user who is not saved yet."""
        for name, moment in self.moments.items():
            setattr(user, name, moment)


def protected(user: User, role: Role | None, wanted: OwnAddresses) -> AddressProtected:
    """The refusal that names both the user and the address that was sent, for an Admin who wants to apply it.

    ``role`` is the one that the user has or gets.
    """
    privileged = next((each for each in (user.role, role) if _is_privileged(each)), None)
    new = " and ".join(wanted.given_up_for(OwnAddresses(user.user_name, user.email)))
    why = (
        f"{user.user_name} {'has' if privileged == user.role else 'would get'} the role {privileged}, so this "
        f"connection can't change their userName or primary email to {new}."
        if privileged
        else f"SCIM has taken a role from {user.user_name} that may change users or sign-in, so for "
        f"{_hours(PROTECTED_AFTER_DEMOTION)} hours from then this connection can't change their userName or primary "
        f"email to {new}."
    )
    return AddressProtected(
        f"{why} An Admin can apply the new address in the request log.",
        about={
            "why": why,
            "user_id": str(user.pk),
            "user": user.user_name,
            "email_before": user.email,
            "user_name": wanted.user_name,
            "email": wanted.email,
        },
    )


def note_change(user: User, *, blocks_reset: bool) -> tuple[str, ...]:
    """Put on a user, before it is saved, that an address was changed just now; returns the columns that say so.

    ``blocks_reset``: no password is set by mail for RESET_BLOCKED_FOR from now.
    """
    user.address_changed_at = timezone.now()
    if not blocks_reset:
        return ("address_changed_at",)
    user.password_reset_blocked_until = user.address_changed_at + RESET_BLOCKED_FOR
    return ("address_changed_at", "password_reset_blocked_until")


def tell_former(
    user: User, before: OwnAddresses, after: OwnAddresses, *, provider: bool, reset_blocked: bool, by: Actor
) -> None:
    """Mail to each address that a user no longer has in its place; what no mail can reach is passed over."""
    context: dict[str, Any] = {
        "user": user,
        "organization": user.organization,
        "before": before,
        "after": after,
        "moves_mail": before.moves_mail(after),
        "at": user.address_changed_at,
        "by_provider": provider,
        "by": by.label,
        "hours": _hours(RESET_BLOCKED_FOR) if reset_blocked else 0,
    }
    letters = [(address, context) for address in before.notified_about(after)]
    if letters:
        outbox.send_many("address_changed", letters, organization_id=user.organization_id, counted=True)


def _hours(duration: timedelta) -> int:
    return int(duration.total_seconds() // 3600)


def _is_reachable(address: str) -> bool:
    """Whether mail to it can leave: that of a user whom Entra has deleted may have too long a local part."""
    try:
        check_mailable(address)
    except AddressError:
        return False
    return True


def address_called(user: User, address: str) -> str:
    """Return the stored userName if ``address`` spells it, else the stored email; the userName where there is none."""
    return user.user_name if user.user_name_key == canonical(address) else user.email or user.user_name
