"""How far an actor's own role reaches.

Nobody gives, changes or takes away a role that may do more than theirs.

Asked again whenever something takes effect that somebody has begun, see decision 46.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q

from core.actors import Actor
from core.refusals import ReauthenticationRequired, Refusal
from users.models import Role, User

EDIT_USERS = "users.edit"
EDIT_SIGN_IN = "sign-in.edit"


class BeyondOwnRights(Refusal):
    """What was asked for needs rights that whoever asks does not have."""

    code = "beyond-own-rights"


@dataclass(frozen=True, slots=True)
class Authority:
    """What somebody may hand on. ``is_whole``: everything, also the Admin role.

    With ``is_gone``, of somebody who is suspended or removed: nothing, not even a role without permissions.
    """

    permissions: frozenset[str] = frozenset()
    is_whole: bool = False
    is_gone: bool = False

    def covers(self, role: Role | None) -> bool:
        """Whether a role may do no more than this."""
        if self.is_whole or self.is_gone or role is None:
            return self.is_whole
        return not role.is_admin and role.permissions <= self.permissions

    def may(self, code: str) -> bool:
        """Whether the role grants a permission such as ``users.edit``."""
        return self.is_whole or code in self.permissions

    def may_invite_as(self, role: Role) -> bool:
        """Whether somebody may let a new user in with a role."""
        return self.may(EDIT_USERS) and self.covers(role)

    def require_edit_users(self) -> None:
        """Raises BeyondOwnRights unless users may be changed at all; a page has asked that when its request began."""
        if not self.may(EDIT_USERS):
            raise BeyondOwnRights("You may no longer change users. Ask an Admin of your organization.")

    def require_invite_as(self, role: Role) -> None:
        """Raises BeyondOwnRights unless somebody may let a new user in with a role."""
        self.require_edit_users()
        self.require(role)

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
    return Authority(is_gone=True)


def of_actor(by: Actor) -> Authority:
    """What an actor may hand on: a person as much as the present role has, in one query.

    Operators' commands and identity providers act for no person; they have rules of their own.
    """
    return of_maker(by.user_id, organization_id=by.organization_id)


def of_maker(user_id: UUID | None, *, organization_id: UUID) -> Authority:
    """What the maker of something may hand on by now: a user who is gone nothing, no person everything."""
    return (
        Authority(is_whole=True) if user_id is None else of_makers([user_id], organization_id=organization_id)[user_id]
    )


def of_makers(user_ids: Iterable[UUID], *, organization_id: UUID) -> Mapping[UUID, Authority]:
    """The same of several people, by id."""
    wanted = set(user_ids)
    found = makers(wanted, organization_id=organization_id)
    return {user_id: of(found.get(user_id)) for user_id in wanted}


def require_reauthentication(*given: Role | None, by: Actor, act: str = "give the role {role}") -> None:
    """Make sure that the password was given a short while ago before somebody gets the Admin role.

    Raises ReauthenticationRequired.

    Every verb asks it that gives a role, or lets others give it, before it changes anything. ``act`` says what that is.
    """
    admin = next((role for role in given if role is not None and role.is_admin), None)
    if admin is not None and not by.is_reauthenticated:
        raise ReauthenticationRequired(act.format(role=admin))


def makers(user_ids: Iterable[UUID], *, organization_id: UUID) -> dict[UUID, User]:
    """The users and operators who are still there of some who made something in an organization, with their roles."""
    users = User.objects.filter(Q(organization_id=organization_id) | Q(organization_id=None))
    return {user.pk: user for user in users.select_related("role").filter(pk__in=set(user_ids))}
