"""The two addresses that stand for a user, userName and primary e-mail: when they change, and who hears of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils import timezone

from audit.actors import Actor
from domains.addresses import AddressError, canonical, check_address, same_mailbox
from organizations import outbox
from organizations.refusals import Refusal
from users import profile as profiles
from users.models import Role, User
from users.profile import Profile

# How long a new address that an identity provider sent gets no link to set a password.
RESET_BLOCKED_FOR = timedelta(hours=72)


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

    def given_up_for(self, other: OwnAddresses) -> list[str]:
        """Those of these addresses in whose place the other ones have another."""
        pairs = ((self.email, other.email), (self.user_name, other.user_name))
        gone = {canonical(before): before for before, after in pairs if not same_mailbox(before, after)}
        return list(gone.values())


@dataclass(frozen=True, slots=True)
class ByProvider:
    """A change that a connection of an identity provider makes; ``manages_admins`` is its switch."""

    manages_admins: bool

    def spares(self, *roles: Role | None) -> bool:
        """Whether users who have, or get, one of these roles keep their own addresses."""
        return not self.manages_admins and any(role is not None and role.is_privileged for role in roles)


def protected(user: User, role: Role | None, wanted: OwnAddresses) -> AddressProtected:
    """The refusal that names both the user and the address that was sent, for an Admin who wants to apply it."""
    return AddressProtected(
        f"{user.user_name} has the role {role}, and this connection can't change the userName or primary e-mail "
        "address of users with that role. An Admin can apply the new address: open this request in the request log.",
        about={
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
        "at": user.address_changed_at,
        "by_provider": provider,
        "by": by.label,
        "hours": int(RESET_BLOCKED_FOR.total_seconds() // 3600) if reset_blocked else 0,
    }
    letters = [(address, context) for address in before.given_up_for(after) if _is_reachable(address)]
    if letters:
        outbox.send_many("address_changed", letters, organization_id=user.organization_id)


def _is_reachable(address: str) -> bool:
    """Whether it is an address at all: that of a user whom Entra has deleted may have too long a local part."""
    try:
        check_address(address)
    except AddressError:
        return False
    return True
