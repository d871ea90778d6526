"""Verbs on roles: those of a new organization, its own, those offered, and the default one.

Whoever acts as a person stays within their own rights, see ``authority``.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q

from audit.actions import Action
from audit.services import trail
from core.actors import Actor
from core.addresses import fold
from core.parsing import id_of
from core.refusals import Kind, Refusal, StaleVersion
from organizations.services.organizations import lock
from users.models import Role, User
from users.permissions import NAMES, Area, BuiltIn, Level, spelled
from users.services import authority, orphaned_invitations, role_reassignment

# How many roles of its own an organization may have: each is a line in every list of roles.
MOST_OWN = 50

Levels = Mapping[Area, Level]

_GONE = "This role no longer exists. Reload the page and choose another."


class RoleUnknown(Refusal):
    """No such role in this organization."""

    code = "role-unknown"
    kind = Kind.UNKNOWN


class RoleInvalid(Refusal):
    """The name can't be used, or there are too many roles."""

    code = "role-invalid"


class RoleFixed(Refusal):
    """A built-in role, or the default one, can't be changed in that way."""

    code = "role-fixed"


class RoleInUse(Refusal):
    """People have the role, and nobody said which one they are to get."""

    code = "role-in-use"


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
    """The organization's role of that id, if it can be given. Raises RoleUnknown."""
    role = Role.objects.of(organization_id).filter(pk=role_id, is_enabled=True).first()
    if role is None:
        raise RoleUnknown(_GONE)
    return role


def find_for(role_id: UUID | str, *, by: Actor) -> Role:
    """The role of that id, which may come from a form, if the actor may give it to somebody.

    Raises RoleUnknown and ``authority.BeyondOwnRights``.
    """
    role = find(_id(role_id), organization_id=by.organization_id)
    authority.of_actor(by).require(role)
    return role


def lock_role(role: Role, *, by: Actor) -> None:
    """Keep a role from being deleted, switched off or renamed until the transaction ends. Raises RoleUnknown."""
    found = Role.objects.of(by.organization_id).filter(pk=role.pk, is_enabled=True)
    locked = found.select_for_update(no_key=True).first()
    if locked is None:
        raise RoleUnknown(_GONE)
    # Whoever gets it is to have the name that it has by now, and whoever gives it is judged by what it may do by now.
    role.name, role.name_key, role.rights = locked.name, locked.name_key, locked.rights


def offered_to(user: User) -> list[Role]:
    """The roles that a person may give to others, by name."""
    assert user.organization_id is not None  # noqa: S101  (only who is signed in to an organization is asked about)
    reach = authority.of(user)
    return [role for role in Role.objects.of(user.organization_id).filter(is_enabled=True) if reach.covers(role)]


@transaction.atomic
def make_default(role: Role, *, by: Actor) -> None:
    """Let new users get this role from now on; people who are there keep theirs.

    Raises RoleUnknown, ``authority.BeyondOwnRights`` and ReauthenticationRequired.
    """
    # In one order, so that of two who choose at once one waits for the other.
    wanted = Q(is_default=True) | Q(pk=role.pk)
    found = Role.objects.of(by.organization_id).filter(wanted).order_by("pk")
    locked = {each.pk: each for each in found.select_for_update()}
    former = next((each for each in locked.values() if each.is_default), None)
    if former == role:
        return
    if role.pk not in locked or not locked[role.pk].is_enabled:
        raise RoleUnknown(_GONE)
    authority.of_actor(by).require(locked[role.pk])
    authority.require_reauthentication(locked[role.pk], by=by)
    if former:
        former.is_default = False
        former.save(update_fields=["is_default"])
    role.is_default = True
    role.save(update_fields=["is_default"])
    trail.record(Action.DEFAULT_ROLE_CHANGED, role, {"default role": [former and former.name, role.name]}, by=by)


@transaction.atomic
def create(name: str, levels: Levels, *, by: Actor) -> Role:
    """Make a role of the organization's own. Raises RoleInvalid and ``authority.BeyondOwnRights``."""
    role = Role(organization_id=by.organization_id, rights=spelled(levels))
    _give_name(role, name)
    authority.of_actor(by).require(role)
    # Held while they are counted, so that two at once don't make one too many.
    lock(by.organization_id)
    if Role.objects.of(by.organization_id).filter(key="").count() >= MOST_OWN:
        raise RoleInvalid(f"There are {MOST_OWN} roles of your own, and there can be no more. Delete one first.")
    _save(role, insert=True)
    trail.record(Action.ROLE_CREATED, role, {"name": [None, role.name], "rights": [None, role.rights]}, by=by)
    return role


@transaction.atomic
def update(role_id: UUID, name: str, levels: Levels, *, expected_version: int, by: Actor) -> Role:
    """Change name and rights of a role of the organization's own; ``expected_version`` is that of the form.

    Its people have the new rights at once, and so do their profiles have the new name, unless these are too many: then
    the role has a ``former_name``, and ``rename_some`` goes on. Raises RoleUnknown, RoleFixed, StaleVersion,
    RoleInvalid and ``authority.BeyondOwnRights``.
    """
    role = _own(role_id, expected_version, by)
    former = {"name": role.name, "rights": role.rights}
    role.rights = spelled(levels)
    _give_name(role, name)
    changes = {field: [was, getattr(role, field)] for field, was in former.items() if was != getattr(role, field)}
    if not changes:
        return role
    authority.of_actor(by).require(role)
    if "name" in changes:
        if role.former_name:
            raise RoleInvalid(
                f"Some of its people's profiles still call it '{role.former_name}'. Go on with that change of name "
                "first, then choose another one."
            )
        role.former_name = former["name"]
    role.version += 1
    _save(role)
    if "name" in changes and not role_reassignment.takes_steps(role):
        role_reassignment.rename(role, by=by)
        _keep_place(role)
    trail.record(Action.ROLE_UPDATED, role, changes, by=by)
    if "rights" in changes:
        # Of those who have the role, and of those who were invited to it.
        orphaned_invitations.end_invitations(by=by)
    return role


@transaction.atomic
def rename_some(role_id: UUID, *, by: Actor) -> tuple[Role, int]:
    """Let the profiles of the next of a role's people say its new name, after ``update`` has changed it.

    Call it until the role that it gives has no ``former_name``. Gives also how many people these were. Raises
    RoleUnknown, RoleFixed and ``authority.BeyondOwnRights``.
    """
    role = _own(role_id, None, by)
    if not role.former_name:
        return role, 0
    done = role_reassignment.rename_some(role, by=by)
    _keep_place(role)
    return role, done


def _keep_place(role: Role) -> None:
    role.save(update_fields=["former_name", "reached"])


def delete(role_id: UUID, *, replacement_id: UUID | None = None, expected_version: int, by: Actor) -> tuple[Role, int]:
    """Take a role of the organization's own away; its people get the role ``replacement_id``, all or nobody.

    Gives what the role was, and how many people got another. Raises RoleUnknown, RoleFixed, StaleVersion, RoleInUse and
    ``authority.BeyondOwnRights``.
    """
    try:
        return _delete(role_id, replacement_id, expected_version, by)
    except IntegrityError:
        raise RoleInUse("Somebody has just been given this role. Nothing has changed; try again.") from None


@transaction.atomic
def _delete(role_id: UUID, replacement_id: UUID | None, expected_version: int, by: Actor) -> tuple[Role, int]:
    role = _own(role_id, expected_version, by)
    moved = _reassign(role, replacement_id, by)
    trail.record(Action.ROLE_DELETED, role, {"name": [role.name, None], "rights": [role.rights, None]}, by=by)
    gone = Role(pk=role.pk, name=role.name)
    role.delete()
    return gone, moved


@transaction.atomic
def reassign(role_id: UUID, *, replacement_id: UUID, expected_version: int | None, by: Actor) -> int:
    """Give a part of a role's people the role ``replacement_id``, and tell how many; the role itself stays as it is.

    For roles with many people, ahead of ``delete``, or with ``expected_version`` None of ``set_enabled``: call it until
    it tells 0, then that verb has little left to do. Whenever it ends before, everybody has one of the two roles.
    Raises what these verbs do.
    """
    role = _optional(role_id, by) if expected_version is None else _own(role_id, expected_version, by)
    return role_reassignment.reassign_some(role, _replacement(role, replacement_id, by), by=by)


@transaction.atomic
def set_enabled(role_id: UUID, wanted: bool, *, replacement_id: UUID | None = None, by: Actor) -> tuple[Role, int]:
    """Let one of the optional roles be given, or not; asking for what is so already changes nothing.

    While it is off nobody gets it, and those who had it have the role ``replacement_id``. Gives also how many these
    are. Raises RoleUnknown, RoleFixed, RoleInUse and ``authority.BeyondOwnRights``.
    """
    role = _optional(role_id, by)
    if role.is_enabled == wanted:
        return role, 0
    moved = 0 if wanted else _reassign(role, replacement_id, by)
    role.is_enabled = wanted
    role.save(update_fields=["is_enabled"])
    action = Action.ROLE_SWITCHED_ON if wanted else Action.ROLE_SWITCHED_OFF
    trail.record(action, role, {"offered": [not wanted, wanted]}, by=by)
    return role, moved


def _id(text: UUID | str) -> UUID:
    found = text if isinstance(text, UUID) else id_of(text)
    if found is None:
        raise RoleUnknown(_GONE)
    return found


def _locked(role_id: UUID, by: Actor) -> Role:
    role = Role.objects.of(by.organization_id).select_for_update().filter(pk=role_id).first()
    if role is None:
        raise RoleUnknown(_GONE)
    return role


def _own(role_id: UUID, expected_version: int | None, by: Actor) -> Role:
    """The organization's own role, locked, if the actor may change it; any version for ``expected_version`` None."""
    role = _locked(role_id, by)
    if role.is_built_in:
        raise RoleFixed(f"The role {role} is built in: it can be neither changed nor deleted.")
    authority.of_actor(by).require(role)
    if expected_version is not None and role.version != expected_version:
        raise StaleVersion(
            f"Somebody else has changed this role meanwhile: it is called '{role}' now, with these rights: "
            f"{role.rights or 'none'}. Nothing of yours is saved yet. Save again to replace it."
        )
    return role


def _optional(role_id: UUID, by: Actor) -> Role:
    """A role that can be switched off, locked, if the actor may do that."""
    role = _locked(role_id, by)
    if not role.is_optional:
        raise RoleFixed(f"The role {role} can't be switched off.")
    authority.of_actor(by).require(role)
    return role


def _keep_default(role: Role) -> None:
    if role.is_default:
        raise RoleFixed(f"{role} is the default role. Choose another default role first.")


def _reassign(role: Role, replacement_id: UUID | None, by: Actor) -> int:
    _keep_default(role)
    if not role_reassignment.is_in_use(role):
        return 0
    return role_reassignment.reassign_all(role, _replacement(role, replacement_id, by), by=by)


def _replacement(role: Role, replacement_id: UUID | None, by: Actor) -> Role:
    """The role that a role's people get in its place, locked, if the actor may give it."""
    _keep_default(role)
    if replacement_id is None or replacement_id == role.pk:
        raise RoleInUse(f"People have the role {role}. Choose the role that they get instead.")
    replacement = _locked(replacement_id, by)
    if not replacement.is_enabled:
        raise RoleUnknown(_GONE)
    authority.of_actor(by).require(replacement)
    authority.require_reauthentication(replacement, by=by)
    return replacement


def _give_name(role: Role, name: str) -> None:
    name = " ".join(name.split())
    if not name:
        raise RoleInvalid("Give the role a name.")
    if not name.isprintable():
        raise RoleInvalid("Write the name without control characters.")
    key, longest = fold(name), 60
    if max(len(name), len(key)) > longest:
        raise RoleInvalid(f"The name has more than {longest} characters. Shorten it.")
    if key != role.name_key:
        _keep_former_names(key, role)
    role.name, role.name_key = name, key


def _keep_former_names(key: str, role: Role) -> None:
    """Raises RoleInvalid where profiles still say a name of another role, whose people would seem to have this one."""
    for other in Role.objects.of(role.organization_id).exclude(former_name="").exclude(pk=role.pk):
        if fold(other.former_name) == key:
            raise RoleInvalid(
                f"Some people's profiles still call the role {other} '{other.former_name}'. Choose another name, or "
                f"first let all of them say {other}: its page goes on with that."
            )


def _save(role: Role, *, insert: bool = False) -> None:
    try:
        with transaction.atomic():
            role.save(force_insert=insert)
    except IntegrityError:
        raise RoleInvalid(f"There is a role named '{role.name}' already. Choose another name.") from None
