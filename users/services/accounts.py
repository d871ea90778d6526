"""Verbs on users: create, update, suspend, restore, delete, give a role.

Their rules hold for pages, commands and SCIM alike.

Each verb is one transaction with its audit event. The last active Admin stays, and addresses that a write adds or
changes must lie in the domains that the organization lets in.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from audit.actions import Action
from audit.models import AuditEvent
from audit.services import trail
from core import sql
from core.actors import Actor
from core.addresses import AddressError, canonical, check_address
from core.refusals import Kind, Refusal
from domains.services import AddressPolicy
from organizations.services.organizations import lock
from users import profile as profiles
from users.models import GivenBy, Role, Source, User, UserValue
from users.profile import Profile
from users.services import groups, inactive_addresses, orphaned_invitations
from users.services.own_addresses import AddressProtected as AddressProtected
from users.services.own_addresses import ByProvider as ByProvider
from users.services.own_addresses import (
    OwnAddresses,
    Protection,
    is_demotion,
    note_change,
    protected,
    tell_former,
)
from users.services.role_reassignment import REASON
from users.services.unique_names import ExternalIdTaken as ExternalIdTaken
from users.services.unique_names import Names, claims, naming
from users.services.unique_names import NameTaken as NameTaken
from users.services.user_sql import locked, revoke_personal_tokens

# A user with more addresses than that is written in several statements.
_MOST_VALUES_AT_ONCE = 20

# What a change of a user may write.
_CHANGED = (
    *(*profiles.COLUMNS, "role", "role_given_by", "source", "managed_by", "claims_external_id"),
    *("version", "session_epoch"),
)


class AddressInvalid(Refusal):
    """The userName or an e-mail address is none."""

    code = "address-invalid"


class CompanionRefused(Refusal):
    """Somebody who was to come with this person was refused."""

    code = "companion-refused"


class LastAdmin(Refusal):
    """The organization would be left without anybody who may do everything."""

    code = "last-admin"


class UserUnknown(Refusal):
    """No such person in this organization."""

    code = "user-unknown"
    kind = Kind.UNKNOWN


@dataclass(frozen=True, slots=True)
class NewUser:
    """A user to be created: a valid profile, a role, and where both come from.

    Without ``roles`` the profile gets the entry of ``role``. ``user_id`` is the id to use, if others refer to it
    already. ``needs`` are such ids, of users before this one: if one of them is refused, so is this one.
    ``managed_by`` is the connection that keeps the profile. ``reason`` says in the trail what gave the role, where
    that is more than the ``given_by``. Without a ``password`` nobody can sign in by one. The addresses of an
    ``outsider`` may lie in any domain.
    """

    profile: Profile
    role: Role
    source: Source
    user_id: UUID | None = None
    needs: frozenset[UUID] = frozenset()
    managed_by: UUID | None = None
    given_by: GivenBy = GivenBy.MANUAL
    reason: str = ""
    password: str | None = field(default=None, repr=False)
    outsider: bool = False


def find(user_id: UUID, *, organization_id: UUID) -> User:
    """The organization's user of that id, locked until the transaction ends. Raises UserUnknown."""
    found = locked(user_id, organization_id)
    if found is None:
        raise UserUnknown("This person is no longer here. Reload the page.")
    return found


def create(new: NewUser, *, secondary_anywhere: bool = False, by: Actor) -> User:
    """Add a person.

    ``secondary_anywhere`` lets in addresses that are neither the userName nor the primary e-mail, whatever their
    domain. Raises NameTaken, AddressInvalid and ``domains.services.AddressRefused``.
    """
    user, profile = _enrolled(new, by)
    try:
        with transaction.atomic():
            _check_addresses(profile, anywhere=new.outsider, secondary_anywhere=secondary_anywhere, by=by)
            _refuse_taken_names(user)
            _add([(user, profile, new.reason)], by)
    except IntegrityError:
        _refuse_taken_names(user)
        raise
    return user


@transaction.atomic
def create_many(wanted: Sequence[NewUser], *, secondary_anywhere: bool = False, by: Actor) -> list[User | Refusal]:
    """Add people at once, in as many statements for a thousand as for one.

    Comes to the same as to ``create`` one after the other: each is let in or refused by the rules, with regard to those
    before. Raises IntegrityError if somebody else takes one of the names meanwhile; then none of them is there.
    """
    enrolled = [_enrolled(new, by) for new in wanted]
    addresses = (address for _user, profile in enrolled for address in profiles.addresses(profile).values())
    address_policy = AddressPolicy(addresses, organization_id=by.organization_id)
    names = Names([user for user, _profile in enrolled], by.organization_id)
    outcomes: list[User | Refusal] = []
    admitted: dict[UUID, tuple[User, Profile, str]] = {}
    for new, (user, profile) in zip(wanted, enrolled, strict=True):
        try:
            if not new.needs <= admitted.keys():
                raise CompanionRefused("Somebody who was to be added before was refused.")
            _check_addresses(
                profile,
                anywhere=new.outsider,
                address_policy=address_policy,
                secondary_anywhere=secondary_anywhere,
                by=by,
            )
            names.claim(user)
        except Refusal as refusal:
            outcomes.append(refusal)
        else:
            admitted[user.pk] = user, profile, new.reason
            outcomes.append(user)
    if admitted:
        _add(admitted.values(), by)
    return outcomes


def update(
    user: User,
    profile: Profile,
    *,
    role: Role | None = None,
    source: Source | None = None,
    given_by: GivenBy | None = None,
    reason: str = "",
    by: Actor,
    action: Action | None = None,
    secondary_anywhere: bool = False,
    provider: ByProvider | None = None,
    undoes: AuditEvent | None = None,
) -> tuple[str, ...]:
    """Give a person, locked by ``find``, another profile and, where they are given, another role and source.

    ``given_by`` is by what they have the role from now on, ``reason`` what the trail says about that. A profile and
    role like the present ones change nothing: no version, no event, unless there is an ``action``. No connection keeps
    a person whose source is not SCIM. ``undoes`` is the event that this goes back behind: then secondary addresses,
    which have been let in before, come back from anywhere, as ``secondary_anywhere`` lets them in for ``create``.
    ``provider`` says that an identity provider asks for it, and how far it may go; where that leaves the person
    inactive, addresses that it may not give are left out, which the sentences that are returned say. An address that
    the person had is told by mail that it is no longer theirs. Raises NameTaken, AddressInvalid, AddressProtected,
    LastAdmin, ExternalIdTaken and ``domains.services.AddressRefused``.
    """
    before, former_role, former_source = profiles.read(user), user.role, user.source
    role = role or former_role
    if role != former_role:
        before = profiles.with_present_name(before, former_role)
    if undoes is not None:
        action = Action.USER_CHANGE_UNDONE
    # Of what a suspended person was before, silence means the opposite of suspended.
    is_active = profile.get("active", undoes is not None or user.is_active)
    spared = provider is not None and provider.spares(user, role)
    left_out: tuple[str, ...] = ()
    if provider is not None and not is_active:
        profile, left_out = inactive_addresses.permitted(
            profile,
            before,
            user,
            spared=spared,
            secondary_anywhere=secondary_anywhere,
            organization_id=by.organization_id,
        )
    if profile == before and role == former_role and action is None:
        return left_out
    was_active, names_before, email_before = user.is_active, (user.user_name_key, user.email_key), user.email
    own_before, own = OwnAddresses.of(before), OwnAddresses.of(profile)
    moved = not own.is_same(own_before)
    if moved and spared:
        # An address that nobody may be given is refused as such, for no Admin could apply it.
        _check_addresses(profile, before, secondary_anywhere=secondary_anywhere, by=by)
        raise protected(user, role, own)
    renamed = (canonical(own.user_name), canonical(own.email)) != names_before
    external_id, its_source = profile.get("externalId", ""), source or Source(former_source)
    may_claim = is_active and external_id != "" and its_source == Source.SCIM and user.managed_by is not None
    claims_anew = may_claim and (external_id != user.external_id or not was_active or its_source != former_source)
    try:
        # A savepoint, to come back to from what is taken: nothing else can be refused by the database.
        with transaction.atomic() if renamed or claims_anew else nullcontext():
            user.role, user.role_given_by = role, given_by or user.role_given_by
            user.source = its_source
            former_managed_by = user.managed_by
            if user.source != Source.SCIM:
                user.managed_by = None
            user.version += 1
            user.is_active = is_active
            profiles.write(user, profile)
            if _is_admin(former_role) and was_active and not (user.is_active and _is_admin(role)):
                _keep_one_admin(user)
            _check_addresses(
                profile,
                before,
                secondary_anywhere=secondary_anywhere or undoes is not None,
                any_local_length=provider is not None and not user.is_active,
                comes_back=provider is not None and user.is_active and not was_active,
                by=by,
            )
            user.claims_external_id = claims_anew or (may_claim and user.claims_external_id)
            if renamed or claims_anew:
                _refuse_taken_names(user, external_id=claims_anew)
            if was_active and not user.is_active:
                user.session_epoch += 1
                revoke_personal_tokens(user.pk, by.organization_id)
            blocks_reset = moved and provider is not None and _is_worth_protecting(user, former_role)
            noted = note_change(user, blocks_reset=blocks_reset) if moved else ()
            if provider is not None and is_demotion(former_role, role):
                user.demoted_at = timezone.now()
                noted = (*noted, "demoted_at")
            pending = [sql.updating(user, (*_CHANGED, *noted))]
            if orphaned_invitations.could_invite(former_role) and (
                role != former_role or (was_active and not user.is_active)
            ):
                # It asks what the user may do now.
                sql.run(pending)
                pending = []
                orphaned_invitations.end_invitations(inviter_ids=[user.pk], by=by)
            if profile.get("emails") != before.get("emails"):
                UserValue.objects.filter(user=user).delete()
                UserValue.objects.bulk_create(profiles.value_rows(user))
            if user.email != email_before:
                EmailAddress.objects.filter(user=user).update(email=user.email.lower())
            changes: dict[str, list[Any]] = {
                name: [before.get(name), profile.get(name)]
                for name in {**before, **profile}
                if before.get(name) != profile.get(name)
            }
            if reason:
                changes[REASON] = [None, reason]
            if role != former_role and not (before.get("roles") and profile.get("roles")):
                changes["role"] = [former_role and former_role.name, role and role.name]
            if user.source != former_source:
                changes["source"] = [former_source, user.source]
                if former_managed_by is not None:
                    managed_by = str(former_managed_by)
                    changes["managed_by"] = [None, managed_by] if user.managed_by else [managed_by, None]
            label = str(undoes) if undoes else ""
            action = action or _action(was_active, user, former_role)
            sql.run([*pending, *trail.recording(action, user, changes | _undoing(undoes), by=by, label=label)])
            if moved:
                by_provider = provider is not None
                tell_former(user, own_before, own, provider=by_provider, reset_blocked=blocks_reset, by=by)
    except IntegrityError:
        _refuse_taken_names(user, external_id=claims_anew)
        raise
    return left_out


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
        profile = {**profiles.read(user), "roles": profiles.role_entries(role)}
        update(user, profile, role=role, given_by=GivenBy.MANUAL, by=by)
    return user


@transaction.atomic
def delete(user: User, *, by: Actor, undoes: AuditEvent | None = None) -> None:
    """Remove a person, locked by ``find``; the audit event keeps all that ``bring_back`` needs. Raises LastAdmin.

    ``undoes`` is the event by which the person came.
    """
    if _is_admin(user.role) and user.is_active:
        _keep_one_admin(user)
    left = [{"value": str(group.pk), "display": group.display_name} for group in groups.member_leaves(user)]
    gone: dict[str, Any] = {
        "profile": profiles.with_present_name(profiles.read(user), user.role),
        "role": user.role and user.role.name,
        "source": user.source,
        "managed_by": user.managed_by and str(user.managed_by),
        "created": profiles.timestamp(user.created_at),
        "groups": left,
        "protection": Protection.of(user).as_json(),
    }
    changes = {name: [value, None] for name, value in gone.items() if value} | _undoing(undoes)
    trail.record(Action.USER_DELETED, user, changes, by=by)
    user_id, could_invite = user.pk, orphaned_invitations.could_invite(user.role)
    user.delete()
    if could_invite:
        orphaned_invitations.end_invitations(inviter_ids=[user_id], by=by)
    _count(by.organization_id, -1)


def bring_back(
    user_id: UUID,
    profile: Profile,
    *,
    role: Role,
    source: Source,
    managed_by: UUID | None,
    version: int,
    created_at: datetime | None,
    protection: Protection,
    by: Actor,
    undoes: AuditEvent,
) -> User:
    """Let a person who was removed by the event ``undoes`` be there again under the same id, without a password.

    ``protection`` is that of the addresses when the person was removed. ``version`` is above any that the person had.
    Raises NameTaken, AddressInvalid and ``domains.services.AddressRefused``.
    """
    user = User(pk=user_id, organization_id=by.organization_id, role=role, source=source, managed_by=managed_by)
    user.version, user.created_at = version, created_at
    user.password = _no_password()
    protection.put_on(user)
    profiles.write(user, profile)
    user.claims_external_id = bool(claims([user]))
    changes: dict[str, list[Any]] = {"profile": [None, profile], "role": [None, role.name], "source": [None, source]}
    try:
        with transaction.atomic():
            _check_addresses(profile, secondary_anywhere=True, by=by)
            _refuse_taken_names(user)
            sql.insert(User, [user])
            sql.insert(UserValue, list(profiles.value_rows(user)))
            trail.record(Action.USER_CHANGE_UNDONE, user, changes | _undoing(undoes), by=by, label=str(undoes))
            _count(by.organization_id, 1)
    except IntegrityError:
        _refuse_taken_names(user)
        raise
    return user


@transaction.atomic
def allow_password_reset(user: User, *, by: Actor) -> None:
    """Let a person, locked by ``find``, set a password by mail again at once, after a change of their address."""
    blocked_until = user.password_reset_blocked_until
    user.password_reset_blocked_until = None
    user.save(update_fields=["password_reset_blocked_until"])
    changes = {"reset_blocked_until": [blocked_until and blocked_until.isoformat(), None]}
    trail.record(Action.USER_RESET_ALLOWED, user, changes, by=by)


def _is_worth_protecting(user: User, former_role: Role | None) -> bool:
    """Whether a stranger who gets the person's mail would get more by it than the account of a new user."""
    return any(role is not None and role.permissions for role in (former_role, user.role)) or user.has_usable_password()


def _action(was_active: bool, user: User, former_role: Role | None) -> Action:
    if was_active != user.is_active:
        return Action.USER_RESTORED if user.is_active else Action.USER_SUSPENDED
    return Action.USER_ROLE_CHANGED if user.role != former_role else Action.USER_UPDATED


def _undoing(event: AuditEvent | None) -> dict[str, list[Any]]:
    """What an event says of the one that it undoes."""
    return {"undoes": [None, str(event.pk)]} if event else {}


def _is_admin(role: Role | None) -> bool:
    return role is not None and role.is_admin


def is_last_admin(user: User) -> bool:
    """Whether nobody else who can sign in may do everything; so it stays until the transaction ends."""
    assert user.organization_id is not None  # noqa: S101  (operators have no role)
    lock(user.organization_id)
    return not User.objects.of(user.organization_id).active_admins().exclude(pk=user.pk).exists()


def _keep_one_admin(user: User) -> None:
    if is_last_admin(user):
        raise LastAdmin(
            f"{user.user_name} is the last active Admin. Make somebody else Admin before you suspend, demote or remove "
            "this one.",
            about=naming(user.pk, user.user_name),
        )


def _enrolled(new: NewUser, by: Actor) -> tuple[User, Profile]:
    """The user that comes of it, not yet saved, and the whole profile."""
    user = User(
        organization_id=by.organization_id,
        role=new.role,
        role_given_by=new.given_by,
        source=new.source,
        managed_by=new.managed_by,
    )
    if new.user_id is not None:
        user.pk = new.user_id
    if new.password is None:
        user.password = _no_password()
    else:
        user.set_password(new.password)
    profile = {"active": True, **new.profile}
    if not profile.get("roles"):
        profile["roles"] = profiles.role_entries(new.role)
    profiles.write(user, profile)
    user.claims_external_id = bool(claims([user]))
    return user, profile


def _no_password() -> str:
    """What set_password(None) does, which takes longer over its random letters than all the rest does here."""
    return UNUSABLE_PASSWORD_PREFIX + secrets.token_urlsafe(30)


def _add(admitted: Collection[tuple[User, Profile, str]], by: Actor) -> None:
    """Write people of whom the rules have nothing to say, each with an event and, in that, why they have the role."""
    # In one order everywhere, so that of two who add the same people at once one waits for the other.
    users = sorted((user for user, _profile, _reason in admitted), key=lambda user: user.user_name_key)
    values = [value for user in users for value in profiles.value_rows(user)]
    events = [(user, _first_changes(profile, reason)) for user, profile, reason in admitted]
    if len(users) == 1 and len(values) <= _MOST_VALUES_AT_ONCE:
        ((user, changes),) = events
        recording = trail.recording(Action.USER_CREATED, user, changes, by=by)
        sql.run([*sql.inserting(User, users), *sql.inserting(UserValue, values), *recording])
    else:
        sql.insert(User, users)
        sql.insert(UserValue, values)
        trail.record_many(Action.USER_CREATED, events, by=by)
    _count(by.organization_id, len(admitted))


def _first_changes(profile: Profile, reason: str) -> trail.Changes:
    changes: dict[str, list[object]] = {"profile": [None, profile]}
    if reason:
        changes[REASON] = [None, reason]
    return changes


def _check_addresses(
    profile: Profile,
    before: Profile | None = None,
    *,
    anywhere: bool = False,
    secondary_anywhere: bool = False,
    any_local_length: bool = False,
    comes_back: bool = False,
    address_policy: AddressPolicy | None = None,
    by: Actor,
) -> None:
    """Let in what a profile adds to the one before, and what it makes an address to sign in with or to write to.

    Of somebody who ``comes_back`` both are asked as though they were new.
    """
    known, own_before = (profiles.addresses(before), profiles.own_addresses(before)) if before else ({}, set())
    addresses, own = profiles.addresses(profile), profiles.own_addresses(profile)
    if comes_back:
        known, own_before = {key: spelling for key, spelling in known.items() if key not in own}, set()
    added = {key: spelling for key, spelling in addresses.items() if key not in known}
    promoted = [addresses[key] for key in own - own_before if key in known]
    spelled_before = profiles.spellings(before) if before else {}
    if comes_back:
        spelled_before = {spelling: None for spelling in spelled_before if canonical(spelling) not in own}
    try:
        # Each spelling, since another one of an address that is there already is stored as it was sent.
        for spelling in profiles.spellings(profile):
            if spelling not in spelled_before:
                check_address(spelling, any_local_length=any_local_length)
    except AddressError as error:
        then = f" Send a valid userName and primary e-mail together with 'active'. {str(error)}" if comes_back else ""
        raise AddressInvalid(f"The user was not let in again.{then}" if then else str(error)) from None
    if anywhere or not (added or promoted):
        return
    address_policy = address_policy or AddressPolicy((*added.values(), *promoted), organization_id=by.organization_id)
    for key, spelling in added.items():
        if key in own:
            address_policy.check([spelling])
        elif not secondary_anywhere:
            address_policy.check_secondary(spelling)
    address_policy.check_registered(promoted)


def _refuse_taken_names(user: User, *, external_id: bool = True) -> None:
    assert user.organization_id is not None  # noqa: S101  (operators are made by a command of their own)
    Names([user], user.organization_id, external_ids=external_id).claim(user)


def refuse_taken_names(address: str, *, organization_id: UUID) -> None:
    """Make sure that nobody has an address yet, neither as userName nor as e-mail. Raises NameTaken."""
    user = User(organization_id=organization_id)
    profiles.write(user, {"userName": address})
    _refuse_taken_names(user)


def _count(organization_id: UUID, difference: int) -> None:
    """Keep the headcount; last in the transaction, for its row is locked until the commit."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO users_headcount (organization_id, users) VALUES (%s, %s)"
            " ON CONFLICT (organization_id) DO UPDATE SET users = users_headcount.users + %s",
            [sql.key(organization_id), max(difference, 0), difference],
        )
