"""Verbs on roles: the built-in ones of a new organization, and the default role."""

from uuid import UUID

from django.db import transaction

from audit import trail
from audit.actions import Action
from audit.actors import Actor
from domains.addresses import fold
from organizations.refusals import Refusal
from users.models import Role
from users.permissions import NAMES, BuiltIn


class RoleUnknown(Refusal):
    """No such role in this organization."""

    code = "role-unknown"


def create_built_in(organization_id: UUID) -> dict[BuiltIn, Role]:
    """Give a new organization the roles that everyone has, App management being the default."""
    roles = [
        Role(
            organization_id=organization_id,
            key=key,
            name=name,
            name_key=fold(name),
            is_default=key == BuiltIn.APP_MANAGEMENT,
        )
        for key, name in NAMES.items()
    ]
    return {BuiltIn(role.key): role for role in Role.objects.bulk_create(roles)}


def default_role(organization_id: UUID) -> Role:
    """The role of users who are given none."""
    return Role.objects.of(organization_id).get(is_default=True)


def find(role_id: UUID, *, organization_id: UUID) -> Role:
    """The organization's role of that id. Raises RoleUnknown."""
    role = Role.objects.of(organization_id).filter(pk=role_id, is_enabled=True).first()
    if role is None:
        raise RoleUnknown("This role no longer exists. Reload the page and choose another.")
    return role


@transaction.atomic
def make_default(role: Role, *, by: Actor) -> None:
    """Let new users get this role from now on; people who are there keep theirs."""
    former = Role.objects.of(by.organization_id).select_for_update().filter(is_default=True).first()
    if former == role:
        return
    if former:
        former.is_default = False
        former.save(update_fields=["is_default"])
    role.is_default = True
    role.save(update_fields=["is_default"])
    trail.record(Action.DEFAULT_ROLE_CHANGED, role, {"default role": [former and former.name, role.name]}, by=by)
