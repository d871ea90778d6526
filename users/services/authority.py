"""How far somebody's own role reaches: nobody gives, changes or takes away a role that may do more than theirs."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q

from audit.actors import Actor
from organizations.refusals import ProofNeeded, Refusal
from users.models import Role, User


class BeyondOwnRights(Refusal):
    """What was asked for needs rights that whoever asks does not have."""

    code = "beyond-own-rights"


@dataclass(frozen=True, slots=True)
class Authority:
    """What somebody may hand on. ``is_whole``: everything, also the Admin role."""

    permissions: frozenset[str] = frozenset()
    is_whole: bool = False

    def covers(self, role: Role | None) -> bool:
        """Whether a role may do no more than this."""
        return self.is_whole or (role is not None and not role.is_admin and role.permissions <= self.permissions)

    def require(self, *roles: Role | None) -> None:
        """Raises BeyondOwnRights at the first role that may do more."""
        for role in roles:
            if not self.covers(role):
                raise BeyondOwnRights(f"The role {role} may do more than yours. Ask an Admin of your organization.")


def of(user: User | None) -> Authority:
    """What a person may hand on."""
    match user:
        case User(is_active=True, is_superuser=True):
            return Authority(is_whole=True)
        case User(is_active=True, role=Role() as role):
            return Authority(role.permissions, role.is_admin)
    return Authority()


def behind(by: Actor) -> Authority:
    """What an actor may hand on: a person as much as the present role has, in one query.

    Operators' commands and identity providers act for no person; they have rules of their own.
    """
    if by.user_id is None:
        return Authority(is_whole=True)
    people = User.objects.filter(Q(organization_id=by.organization_id) | Q(organization_id=None))
    return of(people.select_related("role").filter(pk=by.user_id).first())


def require_proof(*given: Role | None, by: Actor) -> None:
    """Make sure that the password was given a short while ago before somebody gets the Admin role. Raises ProofNeeded.

    Every verb asks it that gives a role, or lets others give it, before it changes anything.
    """
    if not by.is_proven and any(role is not None and role.is_admin for role in given):
        raise ProofNeeded
