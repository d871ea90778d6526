"""Verbs on people: create, update, suspend, restore, delete, give a role; the rules hold at every door.

Each verb is one transaction with its audit event. The last active Admin stays, and addresses that a write adds or
changes must lie in the domains that the organization lets in.
"""

from __future__ import annotations

from contextlib import nullcontext
from uuid import UUID

from allauth.account.models import EmailAddress
from django.db import IntegrityError, connection, transaction
from django.db.models import Q

from audit import rows, trail
from audit.actions import Action
from audit.actors import Actor
from domains.addresses import AddressError, canonical, check_address
from domains.services import check_addresses
from organizations.refusals import Refusal
from organizations.services import lock
from users import profile as profiles
from users.models import PersonalToken, Role, Source, User, UserValue
from users.profile import Profile
from users.services import groups
from users.statements import locked

# What a change of a user may write.
_CHANGED = (*profiles.COLUMNS, "role", "source", "version", "session_epoch")


class NameTaken(Refusal):
    """The userName or e-mail address belongs to a colleague."""

    code = "name-taken"


class AddressInvalid(Refusal):
    """The userName or an e-mail address is none."""

    code = "address-invalid"


class LastAdmin(Refusal):
    """The organization would be left without anybody who may do everything."""

    code = "last-admin"


class UserUnknown(Refusal):
    """No such person in this organization."""

    code = "user-unknown"


def find(user_id: UUID, *, organization_id: UUID) -> User:
    """The organization's user of that id, locked until the transaction ends. Raises UserUnknown."""
    found = locked(user_id, organization_id)
    if found is None:
        raise UserUnknown("This person is no longer here. Reload the page.")
    return found


def create(
    profile: Profile, *, role: Role, source: Source, by: Actor, password: str | None = None, outsider: bool = False
) -> User:
    """Add a person.

    ``profile`` is a valid profile; without ``roles`` it gets the entry of ``role``. An ``outsider`` is let in whatever
    the domain. Raises NameTaken, AddressInvalid and ``domains.services.AddressRefused``.
    """
    user = User(organization_id=by.organization_id, role=role, source=source)
    user.set_password(password)
    profile = {"active": True, **profile}
    if not profile.get("roles"):
        profile["roles"] = profiles.role_entries(role)
    profiles.write(user, profile)
    try:
        with transaction.atomic():
            _check_addresses(profiles.addresses(profile), anywhere=outsider, by=by)
            _refuse_taken_names(user)
            user.save(force_insert=True)
            UserValue.objects.bulk_create(profiles.value_rows(user))
            trail.record(Action.USER_CREATED, user, {"profile": [None, profile]}, by=by)
            _count(by.organization_id, 1)
    except IntegrityError:
        _refuse_taken_names(user)
        raise
    return user


def update(user: User, profile: Profile, *, role: Role | None = None, by: Actor, action: Action | None = None) -> None:
    """Give a person, locked by ``find``, another profile and, where ``role`` is given, another role.

    A profile and role like the present ones change nothing: no version, no event. Raises NameTaken, AddressInvalid,
    LastAdmin and ``domains.services.AddressRefused``.
    """
    before, former_role = profiles.read(user), user.role
    role = role or former_role
    if profile == before and role == former_role and action is None:
        return
    was_active, names_before, email_before = user.is_active, (user.user_name_key, user.email_key), user.email
    renamed = (canonical(profile["userName"]), canonical(profiles.primary_email(profile))) != names_before
    try:
        # A savepoint, to come back to from a name that is taken: nothing else can be refused by the database.
        with transaction.atomic() if renamed else nullcontext():
            user.role = role
            user.version += 1
            profiles.write(user, profile)
            if _is_admin(former_role) and was_active and not (user.is_active and _is_admin(role)):
                _keep_one_admin(user)
            known = profiles.addresses(before)
            added = {key: address for key, address in profiles.addresses(profile).items() if key not in known}
            _check_addresses(added, by=by)
            if renamed:
                _refuse_taken_names(user)
            if was_active and not user.is_active:
                user.session_epoch += 1
                PersonalToken.objects.of(by.organization_id).filter(user=user, revoked_at=None).update(
                    revoked_at=profiles.now()
                )
            rows.update(user, _CHANGED)
            if profile.get("emails") != before.get("emails"):
                UserValue.objects.filter(user=user).delete()
                UserValue.objects.bulk_create(profiles.value_rows(user))
            if user.email != email_before:
                EmailAddress.objects.filter(user=user).update(email=user.email.lower())
            changes = {
                name: [before.get(name), profile.get(name)]
                for name in {**before, **profile}
                if before.get(name) != profile.get(name)
            }
            trail.record(action or _action(was_active, user, former_role), user, changes, by=by)
    except IntegrityError:
        _refuse_taken_names(user)
        raise


@transaction.atomic
def set_active(user_id: UUID, wanted: bool, *, by: Actor) -> User:
    """Suspend a person, which ends all their sessions and personal tokens at once, or let them in again.

    Raises LastAdmin, UserUnknown.
    """
    user = find(user_id, organization_id=by.organization_id)
    update(user, {**profiles.read(user), "active": wanted}, by=by)
    return user


@transaction.atomic
def change_role(user_id: UUID, role: Role, *, by: Actor) -> User:
    """Give a person another role. Raises LastAdmin, UserUnknown."""
    user = find(user_id, organization_id=by.organization_id)
    if user.role != role:
        update(user, {**profiles.read(user), "roles": profiles.role_entries(role)}, role=role, by=by)
    return user


@transaction.atomic
def delete(user: User, *, by: Actor) -> None:
    """Remove a person, locked by ``find``, for good; the audit event keeps the document. Raises LastAdmin."""
    if _is_admin(user.role) and user.is_active:
        _keep_one_admin(user)
    trail.record(Action.USER_DELETED, user, {"profile": [profiles.read(user), None]}, by=by)
    groups.member_leaves(user)
    user.delete()
    _count(by.organization_id, -1)


@transaction.atomic
def set_password(user: User, password: str, *, by: Actor) -> None:
    """Set a new password; the old one's sessions end with it."""
    user.set_password(password)
    user.save(update_fields=["password"])
    trail.record(Action.USER_PASSWORD_CHANGED, user, by=by)


def _action(was_active: bool, user: User, former_role: Role | None) -> Action:
    if was_active != user.is_active:
        return Action.USER_RESTORED if user.is_active else Action.USER_SUSPENDED
    return Action.USER_ROLE_CHANGED if user.role != former_role else Action.USER_UPDATED


def _is_admin(role: Role | None) -> bool:
    return role is not None and role.is_admin


def _keep_one_admin(user: User) -> None:
    assert user.organization_id is not None  # noqa: S101  (operators have no role)
    lock(user.organization_id)
    if not User.objects.of(user.organization_id).active_admins().exclude(pk=user.pk).exists():
        raise LastAdmin(
            f"{user.user_name} is the last active Admin. Make somebody else Admin before you suspend, demote or remove "
            "this one."
        )


def _check_addresses(added: dict[str, str], *, anywhere: bool = False, by: Actor) -> None:
    try:
        for spelling in added.values():
            check_address(spelling)
    except AddressError as error:
        raise AddressInvalid(str(error)) from None
    if not anywhere:
        check_addresses(added.values(), organization_id=by.organization_id)


def _refuse_taken_names(user: User) -> None:
    user_name, email = canonical(user.user_name), canonical(user.email)
    either = (user_name, email)
    colleague = (
        User.objects.of(user.organization_id)
        .filter(Q(user_name_key__in=either) | Q(email_key__in=either))
        .exclude(pk=user.pk)
        .first()
    )
    if colleague is None:
        return
    if colleague.user_name_key == user_name:
        raise NameTaken(f"A user with the userName '{user.user_name}' exists already.")
    taken = user.user_name if colleague.email_key == user_name else user.email
    raise NameTaken(f"The e-mail address '{taken}' belongs to another user, '{colleague.user_name}'.")


def _count(organization_id: UUID, difference: int) -> None:
    """Keep the headcount; last in the transaction, for its row is locked until the commit."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO users_headcount (organization_id, users) VALUES (%s, %s)"
            " ON CONFLICT (organization_id) DO UPDATE SET users = users_headcount.users + %s",
            [_key(organization_id), max(difference, 0), difference],
        )


def _key(value: UUID) -> UUID | str:
    return value if connection.features.has_native_uuid_field else value.hex
