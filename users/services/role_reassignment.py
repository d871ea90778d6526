"""Reassign the users of a role, a thousand at a time, when it goes or changes its name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from audit.actions import Action
from audit.services import trail
from core import dialects, sql
from core.actors import Actor, Channel
from organizations.services.organizations import lock
from users import profile as profiles
from users.models import GivenBy, Role, User
from users.profile import Profile
from users.services import orphaned_invitations
from users.services.own_addresses import is_demotion

# So many people are locked, read and written together; what one statement takes stays far below the time-outs.
TOGETHER = 1000

# Under what name the trail says what gave a role, among the changes of an event.
REASON = "reason"

Entries = Callable[[list[Profile]], list[Profile]]

_WRITTEN = ("role", "document", "search", "version", "updated_at")
_READ = (
    "id", "organization_id", "role_id", "user_name", "display_name", "document", "search", "version", "created_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Award:
    """A role for a person, read and locked by ``locked``: by what it comes, and what the trail says about that."""

    user: User
    role: Role
    given_by: GivenBy
    reason: str


def locked(user_ids: Sequence[UUID], *, organization_id: UUID) -> list[User]:
    """Some people as ``award`` takes them, locked in one order until the transaction ends; who is gone is left out."""
    people = User.objects.of(organization_id).filter(pk__in=user_ids).select_related("role").order_by("pk")
    return list(people.select_for_update(of=("self",), no_key=True).only(*_READ, "role_given_by", "is_active", "role"))


def award(awards: Sequence[Award], *, by: Actor) -> None:
    """Give people their roles, each with an event, in as many statements for a thousand as for one.

    Call in a transaction that has made sure of the last active Admin.
    """
    changed: list[tuple[User, dict[str, list[Any]]]] = []
    demoted: list[UUID] = []
    inviters = [each.user.pk for each in awards if orphaned_invitations.could_invite(each.user.role)]
    for each in awards:
        present = profiles.with_present_name(profiles.read(each.user), each.user.role)
        before, after = present.get("roles", []), profiles.role_entries(each.role)
        if by.channel == Channel.SCIM and is_demotion(each.user.role, each.role):
            demoted.append(each.user.pk)
        each.user.role, each.user.role_given_by = each.role, each.given_by
        each.user.version += 1
        changed.append((each.user, {"roles": [before or None, after], REASON: [None, each.reason]}))
        profiles.write_roles(each.user, after)
    _write(changed, (*_WRITTEN, "role_given_by"), Action.USER_ROLE_CHANGED, by)
    if demoted:
        User.objects.of(by.organization_id).filter(pk__in=demoted).update(demoted_at=timezone.now())
    if inviters:
        orphaned_invitations.end_invitations(inviter_ids=inviters, by=by)


def is_in_use(role: Role) -> bool:
    """Whether anybody has a role, or is to get it."""
    return any(found.exists() for found, _name in _references(role))


def reassign_all(former: Role, replacement: Role, *, by: Actor) -> int:
    """Give everybody who has one role another, as ``accounts.change_role`` would; tells how many they were.

    What is to give the role to somebody later gives the other one. Call in a transaction that holds the former role,
    which is never Admin.
    """
    entries = profiles.role_entries(replacement)
    moved = sum(
        _rewrite(people, lambda _before: entries, replacement, Action.USER_ROLE_CHANGED, by)
        for people in _holders(former, by)
    )
    # After people and before invitations, which is the order in which everybody locks them.
    lock(by.organization_id)
    for rows_elsewhere, name in _references(former):
        if rows_elsewhere.model is not User:
            rows_elsewhere.update(**{name: replacement})
    # Of those who had the role, and of those who were invited to it.
    orphaned_invitations.end_invitations(by=by)
    return moved


def reassign_some(former: Role, replacement: Role, *, by: Actor) -> int:
    """Give a part of those who have one role another, as ``reassign_all`` does with everybody; returns how many.

    Nobody, once so few are left that ``reassign_all`` takes no time. Whoever asks for it stays among these, to be able
    to ask again. Call in a transaction that holds the former role.
    """
    others = User.objects.of(by.organization_id).filter(role=former).exclude(pk=by.user_id)
    some = list(others.order_by("pk").values_list("pk", flat=True)[: TOGETHER + 1])
    if len(some) <= TOGETHER:
        return 0
    entries, people = profiles.role_entries(replacement), _lock(others, some[:TOGETHER])
    moved = _rewrite(people, lambda _before: entries, replacement, Action.USER_ROLE_CHANGED, by)
    if orphaned_invitations.could_invite(former):
        orphaned_invitations.end_invitations(inviter_ids=[user.pk for user in people], by=by)
    return moved


def takes_steps(role: Role) -> bool:
    """Whether a role has more people than are rewritten together."""
    return User.objects.of(role.organization_id).filter(role=role).order_by()[: TOGETHER + 1].count() > TOGETHER


def rename(role: Role, *, by: Actor) -> None:
    """Let the profiles of all who have a role say its name in place of its former one. Call in a transaction."""
    for people in _holders(role, by):
        _rewrite(people, _renamed(role), role, Action.USER_UPDATED, by)
    role.former_name, role.reached = "", None


def rename_some(role: Role, *, by: Actor) -> int:
    """Do a part of what ``rename`` does, from where the last part ended; tells for how many people.

    The role, which is not yet saved, says how far that is. Call in a transaction that holds it.
    """
    people = User.objects.of(by.organization_id).filter(role=role)
    if role.reached:
        people = people.filter(pk__gt=role.reached)
    some = list(people.order_by("pk").values_list("pk", flat=True)[: TOGETHER + 1])
    _rewrite(_lock(people, some[:TOGETHER]), _renamed(role), role, Action.USER_UPDATED, by)
    if len(some) > TOGETHER:
        role.reached = some[TOGETHER - 1]
    else:
        role.former_name, role.reached = "", None
    return len(some[:TOGETHER])


def _renamed(role: Role) -> Entries:
    return lambda entries: profiles.renamed(entries, role)


def _references(role: Role) -> Iterator[tuple[QuerySet[Any], str]]:
    """The rows of each table that refer to a role, people first of all, and the name of the field that does."""
    for relation in Role._meta.related_objects:
        name = relation.field.name
        found = relation.related_model._base_manager.filter(organization_id=role.organization_id)
        yield found.filter(**{name: role}), name


def _holders(role: Role, by: Actor) -> Iterator[list[User]]:
    """Everybody who has a role, locked part by part in one order; also who got it while others were written."""
    everybody = User.objects.of(by.organization_id).filter(role=role).order_by("pk")
    seen: set[UUID] = set()
    while fresh := [pk for pk in everybody.values_list("pk", flat=True) if pk not in seen]:
        seen.update(fresh)
        for start in range(0, len(fresh), TOGETHER):
            yield _lock(everybody, fresh[start : start + TOGETHER])


def _lock(people: QuerySet[User], ids: list[UUID]) -> list[User]:
    """Those of the people who have one of the ids and are still among them, in one order."""
    return list(people.order_by("pk").select_for_update(of=("self",)).only(*_READ).filter(pk__in=ids))


def _rewrite(people: list[User], entries: Entries, role: Role, action: Action, by: Actor) -> int:
    changed: list[tuple[User, dict[str, list[Any]]]] = []
    for user in people:
        before = profiles.read(user).get("roles", [])
        after = entries(before)
        if after == before and user.role_id == role.pk:
            continue
        user.role = role
        user.version += 1
        changed.append((user, {"roles": [before or None, after]}))
        profiles.write_roles(user, after)
    _write(changed, _WRITTEN, action, by)
    return len(changed)


def _write(
    changed: Sequence[tuple[User, dict[str, list[Any]]]], names: tuple[str, ...], action: Action, by: Actor
) -> None:
    sql.update_many([user for user, _changes in changed], names)
    trail.record_many(action, changed, by=by)
    if dialects.current().concurrent:
        # Else each person's new role is looked up at the commit, which has no more time than any other statement.
        connection.check_constraints()
