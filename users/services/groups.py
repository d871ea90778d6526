"""Verbs on groups: create, change name and members, delete.

Each is one transaction with its audit event.

Members change by set operations on rows, so that one member costs the same whatever the size of the group.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import orjson
from django.db import models, transaction
from django.db.models import Exists, OuterRef, Q

from audit.actions import Action
from audit.services import trail
from core import sql
from core.actors import Actor
from core.addresses import fold, is_blank
from core.refusals import Kind, Refusal
from organizations.services.organizations import lock
from users import profile as profiles
from users.models import Group, GroupMember, User
from users.services.user_sql import groups_of_users

GROUP_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:Group"

MAX_NAME, MAX_NAME_KEY = 256, 400

# The groups that a user is in, by name, with 1 for a direct membership. Values: the user's id, the organization's.
_GROUPS_OF_USER = (
    f"WITH RECURSIVE {groups_of_users('= %s')}"  # noqa: S608
    " SELECT g.display_name, MAX(memberships.direct) FROM memberships JOIN users_group g ON g.id = memberships.id"
    " WHERE g.organization_id = %s GROUP BY g.id, g.display_name, g.display_name_key ORDER BY g.display_name_key"
)

# Ids in one statement; both databases take many more.
_AT_ONCE = 1000


class GroupUnknown(Refusal):
    """No such group in this organization."""

    code = "group-unknown"
    kind = Kind.UNKNOWN


class GroupNameTaken(Refusal):
    """Another group has the name."""

    code = "group-name-taken"


class GroupInvalid(Refusal):
    """The name is empty or too long."""

    code = "group-invalid"


class MemberUnknown(Refusal):
    """Somebody who is to be a member is neither a user nor a group of this organization."""

    code = "member-unknown"
    kind = Kind.UNKNOWN


class GroupCycle(Refusal):
    """A group would be within itself."""

    code = "group-cycle"


@dataclass(frozen=True, slots=True)
class Add:
    """Make these users and groups members; those who are already stay so."""

    members: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class Remove:
    """Take these out; who is no member is passed over."""

    members: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class Replace:
    """Make these the only members."""

    members: tuple[UUID, ...]


Step = Add | Remove | Replace


@dataclass(frozen=True, slots=True)
class Changed:
    """What a change came to: the users and groups that came or went, net, and whether the name now is another."""

    members: tuple[UUID, ...]
    renamed: bool


@dataclass(slots=True)
class _Difference:
    """What steps have come to so far: who came and who went, net."""

    came: dict[UUID, None] = field(default_factory=dict)
    went: dict[UUID, None] = field(default_factory=dict)

    def add(self, ids: Iterable[UUID]) -> None:
        for each in ids:
            if each in self.went:
                del self.went[each]
            else:
                self.came[each] = None

    def remove(self, ids: Iterable[UUID]) -> None:
        for each in ids:
            if each in self.came:
                del self.came[each]
            else:
                self.went[each] = None

    def __bool__(self) -> bool:
        return bool(self.came or self.went)

    def as_change(self) -> list[list[str]]:
        return [[str(each) for each in self.went], [str(each) for each in self.came]]


def find(group_id: UUID, *, organization_id: UUID) -> Group:
    """The organization's group of that id, locked until the transaction ends. Raises GroupUnknown."""
    # Not its key: who puts this group into another one need not wait.
    group = Group.objects.of(organization_id).select_for_update(no_key=True).filter(pk=group_id).first()
    if group is None:
        raise GroupUnknown("This group is no longer here.")
    return group


@transaction.atomic
def create(display_name: str, *, external_id: str = "", members: Sequence[UUID] = (), by: Actor) -> Group:
    """Add a group. Raises GroupNameTaken, GroupInvalid and MemberUnknown."""
    group = Group(organization_id=by.organization_id)
    _write(group, display_name, external_id)
    _refuse_taken_name(group)
    group.save(force_insert=True)
    difference = _Difference()
    _add(group, members, difference)
    changes: dict[str, list[object]] = {"displayName": [None, display_name]}
    if external_id:
        changes["externalId"] = [None, external_id]
    if difference:
        changes["members"] = [*difference.as_change()]
    trail.record(Action.GROUP_CREATED, group, changes, by=by)
    return group


@transaction.atomic
def change(
    group: Group, *, display_name: str, external_id: str, steps: Sequence[Step] = (), by: Actor
) -> Changed | None:
    """Give a group, locked by ``find``, another name and external id, and take its members through the steps in order.

    What comes to no change leaves version and trail alone, and returns None. In the trail, a change of
    members is who went and who came. Raises GroupNameTaken, GroupInvalid, MemberUnknown and GroupCycle.
    """
    before = group.display_name, group.external_id, group.display_name_key
    difference = _Difference()
    for step in steps:
        match step:
            case Add(members):
                _add(group, members, difference)
            case Remove(members):
                _remove(group, members, difference)
            case Replace(members):
                wanted = set(members)
                _remove(group, [each for each in members_of(group) if each not in wanted], difference)
                _add(group, members, difference)
    changes: dict[str, list[object]] = {}
    if display_name != before[0]:
        changes["displayName"] = [before[0], display_name]
    if external_id != before[1]:
        changes["externalId"] = [before[1] or None, external_id or None]
    action = Action.GROUP_UPDATED if changes else Action.GROUP_MEMBERS_CHANGED
    if difference:
        changes["members"] = [*difference.as_change()]
    if not changes:
        return None
    group.version += 1
    _write(group, display_name, external_id)
    if group.display_name_key != before[2]:
        _refuse_taken_name(group)
    group.save(force_update=True)
    trail.record(action, group, changes, by=by)
    return Changed((*difference.went, *difference.came), group.display_name_key != before[2])


@transaction.atomic
def delete(group: Group, *, by: Actor) -> None:
    """Remove a group, locked by ``find``, for good; its members stay, as users and groups of their own."""
    # Its key too: from here on nobody puts it into a group of whose new version nobody would hear.
    Group.objects.of(by.organization_id).select_for_update().filter(pk=group.pk).first()
    members = [str(each) for each in members_of(group)]
    trail.record(
        Action.GROUP_DELETED,
        group,
        {"displayName": [group.display_name, None], "members": [members, []]},
        by=by,
    )
    _touch_holders(Q(members__member_group=group), by.organization_id)
    group.delete()


@dataclass(frozen=True, slots=True)
class Membership:
    """A group in which somebody is, as a member of their own or because a group of theirs is in it."""

    name: str
    is_direct: bool


def memberships_of(user: User) -> list[Membership]:
    """The groups that a user is in, at any depth, by name."""
    assert user.organization_id is not None  # noqa: S101  (operators are in no group)
    found = sql.select(_GROUPS_OF_USER, [sql.key(user.pk), sql.key(user.organization_id)])
    return [Membership(name, bool(direct)) for name, direct in found]


def member_leaves(user: User) -> list[Group]:
    """Take a user who is about to be deleted out of every group; tells which those are."""
    assert user.organization_id is not None  # noqa: S101  (operators are in no group)
    return _touch_holders(Q(members__user=user), user.organization_id)


def _touch_holders(condition: Q, organization_id: UUID) -> list[Group]:
    holders = list(Group.objects.of(organization_id).select_for_update(of=("self",), no_key=True).filter(condition))
    for group in holders:
        group.version += 1
        _write(group, group.display_name, group.external_id)
        group.save(force_update=True)
    return holders


def _write(group: Group, display_name: str, external_id: str) -> None:
    """Put name and external id on a group, and the document that follows from them. Saves nothing."""
    key = fold(display_name).strip()
    if is_blank(key):
        raise GroupInvalid("'displayName' is required.")
    if len(display_name) > MAX_NAME or len(key) > MAX_NAME_KEY:
        raise GroupInvalid(f"'displayName' is longer than {MAX_NAME} characters.")
    group.display_name, group.display_name_key, group.external_id = display_name, key, external_id
    group.updated_at = profiles.now()
    group.created_at = group.created_at or group.updated_at
    group.document = orjson.dumps(
        {
            "schemas": [GROUP_SCHEMA],
            "id": str(group.pk),
            **({"externalId": external_id} if external_id else {}),
            "displayName": display_name,
            "meta": {
                "resourceType": "Group",
                "created": profiles.timestamp(group.created_at),
                "lastModified": profiles.timestamp(group.updated_at),
                "version": profiles.etag(group.version),
                "location": f"/Groups/{group.pk}",
            },
        }
    ).decode()


def _refuse_taken_name(group: Group) -> None:
    same = Group.objects.of(group.organization_id).filter(display_name_key=group.display_name_key)
    if same.exclude(pk=group.pk).exists():
        raise GroupNameTaken(f"A group with the displayName '{group.display_name}' exists already.")


def members_of(group: Group) -> list[UUID]:
    """The users and groups that are direct members, in the order in which they came."""
    rows = GroupMember.objects.of(group.organization_id).filter(group=group).order_by("pk")
    return [user_id or group_id for user_id, group_id in rows.values_list("user_id", "member_group_id")]


def _add(group: Group, ids: Sequence[UUID], difference: _Difference) -> None:
    for some in _in_parts(tuple(dict.fromkeys(ids))):
        users = _present(User.objects.of(group.organization_id), "user", group, some)
        no_users = [each for each in some if each not in users]
        groups = _present(Group.objects.of(group.organization_id), "member_group", group, no_users)
        unknown = next((each for each in no_users if each not in groups), None)
        if unknown is not None:
            raise MemberUnknown(f"'members': there is no user and no group '{unknown}' in this organization.")
        new = [each for each in some if not (users.get(each) or groups.get(each))]
        if any(each in groups for each in new):
            _refuse_cycles(group, groups)
        GroupMember.objects.bulk_create(
            GroupMember(
                organization_id=group.organization_id,
                group=group,
                user_id=each if each in users else None,
                member_group_id=each if each in groups else None,
            )
            for each in new
        )
        difference.add(new)


def _present(
    candidates: models.QuerySet[User] | models.QuerySet[Group], role: str, group: Group, ids: Sequence[UUID]
) -> dict[UUID, bool]:
    """Those of the ids that exist, and whether each is a member already."""
    if not ids:
        return {}
    already = GroupMember.objects.filter(group=group, **{role: OuterRef("pk")})
    return dict(candidates.filter(pk__in=ids).annotate(already=Exists(already)).values_list("pk", "already"))


def _remove(group: Group, ids: Sequence[UUID], difference: _Difference) -> None:
    for some in _in_parts(tuple(dict.fromkeys(ids))):
        # Two halves, of which each has an index that leads to its few rows; for an "or" SQLite reads all members.
        rows = GroupMember.objects.of(group.organization_id).filter(group=group)
        rows = rows.filter(user_id__in=some).union(rows.filter(member_group_id__in=some), all=True)
        found = list(rows.values_list("pk", "user_id", "member_group_id"))
        if found:
            GroupMember.objects.filter(pk__in=[pk for pk, _user, _group in found]).delete()
            difference.remove(user_id or group_id for _pk, user_id, group_id in found)


def _refuse_cycles(group: Group, within: Iterable[UUID]) -> None:
    """Raise GroupCycle if the group lies, at any depth, within one of those that are to be its members."""
    # Two that put each other's group into their own at once would otherwise both find nothing.
    lock(group.organization_id)
    above = {group.pk}
    level = above
    while level:
        holders = GroupMember.objects.of(group.organization_id).filter(member_group_id__in=level)
        level = set(holders.values_list("group_id", flat=True)) - above
        above = above | level
    circular = next((each for each in within if each in above), None)
    if circular is not None:
        raise GroupCycle(f"'members': the group '{circular}' contains this group, or is this group.")


def _in_parts(ids: Sequence[UUID]) -> Iterator[Sequence[UUID]]:
    for start in range(0, len(ids), _AT_ONCE):
        yield ids[start : start + _AT_ONCE]
