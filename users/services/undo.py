"""Undo: what the identity provider did to a person is taken back by the audit event that tells of it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db import transaction

from audit.actions import Action
from audit.models import AuditEvent
from audit.services import trail
from core.actors import Actor, Channel
from core.addresses import fold
from core.refusals import Kind, Refusal, StaleVersion
from organizations.services.organizations import lock
from users import profile as profiles
from users.models import GivenBy, Role, Source, User
from users.profile import Profile
from users.services import accounts, authority, groups, roles
from users.services.authority import Authority, BeyondOwnRights
from users.services.own_addresses import Protection
from users.services.role_reassignment import REASON
from users.services.user_actions import ActionReport

# What can be gone back behind, if SCIM did it or if it is an undo itself.
ACTIONS = frozenset(
    {
        Action.USER_CREATED, Action.USER_UPDATED, Action.USER_ADOPTED, Action.USER_SUSPENDED, Action.USER_RESTORED,
        Action.USER_ROLE_CHANGED, Action.USER_DELETED, Action.USER_CHANGE_UNDONE,
    }
)  # fmt: skip

# In an event's changes: the id of the event that it undoes.
UNDOES = "undoes"

# What goes back only together with something else.
_WITH: Mapping[str, str] = {"role": "roles", "managed_by": "source"}


# What tells whether an organization still has a connection of that id.
IsThere = Callable[[UUID, UUID], bool]
_connections: list[IsThere] = []


def register_connections(is_there: IsThere) -> None:
    """Let undo know the connections of an app further up; it does so once, in ``AppConfig.ready()``."""
    _connections.append(is_there)


class EventUnknown(Refusal):
    """No such event in this organization, or none that can be undone."""

    code = "event-unknown"
    kind = Kind.UNKNOWN


class NotRecorded(Refusal):
    """The trail does not tell how it was before."""

    code = "not-recorded"


class RemovedSince(Refusal):
    """The person of the change is no longer here, or was removed once more."""

    code = "removed-since"


class RoleGone(Refusal):
    """The role of before can't be given any more."""

    code = "role-gone"


class UndoKind(StrEnum):
    """What an event did to its person, and so what it takes to undo it."""

    CHANGE = "change"
    CREATION = "creation"
    REMOVAL = "removal"


class UndoState(StrEnum):
    """How things stand with an event: whether there is anything to undo."""

    OPEN = "open"
    BACK = "back"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class ChangedAttribute:
    """One attribute that an event changed. ``fields`` has its former, its changed and its present value by name.

    ``is_lost``: the trail does not tell the former value.
    """

    name: str
    fields: Mapping[str, tuple[Any, Any, Any]]
    is_lost: bool = False

    @property
    def is_back(self) -> bool:
        """Whether it is now what it was before."""
        return not self.is_lost and all(before == now for before, _after, now in self.fields.values())

    @property
    def has_moved(self) -> bool:
        """Whether somebody has given it yet another value since."""
        return not self.is_back and any(after != now for _before, after, now in self.fields.values())


@dataclass(frozen=True, slots=True)
class UndoPlan:
    """What undoing an event comes to, as things are now. ``user`` is the event's person, if they are here."""

    event: AuditEvent
    kind: UndoKind
    user: User | None
    parts: tuple[ChangedAttribute, ...] = ()

    @property
    def state(self) -> UndoState:
        """Whether there is anything to undo."""
        match self.kind:
            case UndoKind.CREATION:
                return UndoState.OPEN if self.user else UndoState.BACK
            case UndoKind.REMOVAL:
                return UndoState.BACK if self.user else UndoState.OPEN
        if self.user is None:
            return UndoState.REMOVED
        return UndoState.BACK if all(part.is_back for part in self.parts) else UndoState.OPEN

    @property
    def version(self) -> int:
        """What the form sends back, to tell whether the person was changed meanwhile; 0 for who is not here."""
        return self.user.version if self.user else 0


@dataclass(frozen=True, slots=True)
class UndoOutcome:
    """What an undo came to. ``changed``: not all was so already; ``groups_gone``: those that can't be joined again."""

    label: str
    kind: UndoKind
    changed: bool
    groups_gone: tuple[str, ...] = ()


def can_be_undone(event: AuditEvent) -> bool:
    """Whether an event tells of something that SCIM did to a person, or of an undo of such a thing."""
    return event.action in ACTIONS and (event.channel == Channel.SCIM or UNDOES in event.changes)


def find(event_id: UUID, *, organization_id: UUID) -> AuditEvent:
    """The organization's event of that id. Raises EventUnknown, also where it can't be undone."""
    event = AuditEvent.objects.of(organization_id).filter(pk=event_id).first()
    if event is None or not can_be_undone(event):
        raise EventUnknown("There is no change of that id that could be undone.")
    return event


def kind_of(event: AuditEvent) -> UndoKind:
    """What an event did to its person."""
    match event.changes.get("profile"):
        case [None, _]:
            return UndoKind.CREATION
        case [_, None]:
            return UndoKind.REMOVAL
    return UndoKind.CHANGE


def people_of(events: Iterable[AuditEvent], *, organization_id: UUID) -> list[User]:
    """Whom the events are about, as far as they are here; one query."""
    ids = {event.target_id for event in events if can_be_undone(event)}
    return list(User.objects.of(organization_id).select_related("role").filter(pk__in=ids)) if ids else []


def plans(events: Iterable[AuditEvent], *, people: Iterable[User]) -> list[UndoPlan]:
    """What undoing comes to, for those of the events that can be undone; ``people`` as ``people_of`` finds them."""
    by_id = {str(user.pk): user for user in people}
    return [_plan(event, by_id.get(event.target_id)) for event in events if can_be_undone(event)]


def role_before(event: AuditEvent, *, organization_id: UUID) -> tuple[str, Role | None]:
    """How the role of before an event is called, and the role, if it can still be given; ("", None): none to give."""
    names = _names_of_role_before(event)
    found = Role.objects.of(organization_id).filter(is_enabled=True)
    by_key = {role.name_key: role for role in found.filter(name_key__in=[fold(name) for name in names])}
    return next(iter(names), ""), next((by_key[fold(name)] for name in names if fold(name) in by_key), None)


def person_of(event: AuditEvent) -> str:
    """What the person of an event was called then."""
    if event.action == Action.USER_CHANGE_UNDONE:
        profile: Profile = next((each for each in event.changes.get("profile", ()) if each), {})
        return str(profile.get("userName", "The person of this change"))
    return event.target_label


@transaction.atomic
def revert(
    event_id: UUID, *, names: Collection[str] | None = None, expected_version: int | None = None, by: Actor
) -> UndoOutcome:
    """Go back to how a person was before an event: the attributes of those names, or with None all that it changed.

    Where there is nothing to undo any more, nothing happens, whatever was seen. With None an attribute that somebody
    has changed again is refused; named, it goes back all the same. ``expected_version`` is the ``UndoPlan.version``
    that was looked at. Nobody goes back to more than the actor's own rights. Who was made is removed; who was removed
    is there again, under the same id. Raises EventUnknown, StaleVersion, NotRecorded, RemovedSince, RoleGone,
    BeyondOwnRights, ReauthenticationRequired, and what the verbs of ``accounts`` do.
    """
    event = find(event_id, organization_id=by.organization_id)
    name, role = role_before(event, organization_id=by.organization_id)
    if role is not None:
        roles.lock_role(role, by=by)
    user: User | None
    try:
        user = accounts.find(UUID(event.target_id), organization_id=by.organization_id)
    except accounts.UserUnknown:
        user = None
    if user is None and kind_of(event) is UndoKind.REMOVAL:
        # Groups before the organization, as everybody locks them who changes a group.
        _lock_groups(event, by)
        # Two who undo it at once have both found nobody. Who is back by now is not locked: the organization is, and
        # everybody locks people first.
        lock(by.organization_id)
        user = User.objects.of(by.organization_id).select_related("role").filter(pk=event.target_id).first()
    plan = _plan(event, user)
    reach = authority.of_actor(by)
    match plan.kind, plan.state:
        case kind, UndoState.BACK:
            return UndoOutcome(str(user) if user else person_of(event), kind, changed=False)
    reach.require_edit_users()
    match plan.kind, plan.state:
        case UndoKind.REMOVAL, _:
            return _bring_back(event, name, role, reach, by)
    if user is None:
        raise RemovedSince(f"{person_of(event)} has been removed since. Undo the removal first.")
    if not reach.covers(user.role):
        raise BeyondOwnRights(
            f"{user} has the role {user.role}, which may do more than yours. Ask an Admin of your organization."
        )
    if plan.kind is UndoKind.CREATION:
        _refuse_unless_expected(user, expected_version)
        label = str(user)
        accounts.delete(user, by=by, undoes=event)
        return UndoOutcome(label, plan.kind, changed=True)
    parts = [part for part in plan.parts if not part.is_back and (names is None or part.name in names)]
    if not parts:
        return UndoOutcome(str(user), plan.kind, changed=False)
    _refuse_unless_expected(user, expected_version)
    _go_back(user, parts, event, (name, role), reach, by, whole=names is None)
    return UndoOutcome(str(user), plan.kind, changed=True)


def in_order(events: Iterable[AuditEvent], *, by: Actor) -> list[AuditEvent]:
    """Several events as they are undone: the last one first, but the actor's own after all others.

    Whoever undoes what gave them their rights has them until then.
    """
    return sorted(events, key=lambda each: (each.target_id == str(by.user_id), -each.pk.int))


def revert_many(events: Iterable[AuditEvent], *, within: float = math.inf, by: Actor) -> ActionReport:
    """Undo several events ``in_order``; each is all or nothing, and a refusal of one leaves the others alone.

    After so many seconds it stops: the report counts those that it has come to, which is one at least.
    """
    until = time.monotonic() + within
    report = ActionReport()
    for event in in_order(events, by=by):
        if report.count and time.monotonic() >= until:
            break
        try:
            outcome = revert(event.pk, by=by)
        except Refusal as refusal:
            report.refused.append(refusal)
        else:
            (report.done if outcome.changed else report.already).append(outcome.label)
    return report


# What an event did


def _plan(event: AuditEvent, user: User | None) -> UndoPlan:
    kind = kind_of(event)
    return UndoPlan(event, kind, user, _parts(event, user) if kind is UndoKind.CHANGE and user else ())


def _parts(event: AuditEvent, user: User) -> tuple[ChangedAttribute, ...]:
    present: dict[str, Any] = {
        **profiles.read(user),
        "role": user.role and user.role.name,
        "source": user.source,
        "managed_by": user.managed_by and str(user.managed_by),
    }
    found: dict[str, dict[str, tuple[Any, Any, Any]]] = {}
    for name, (before, after) in event.changes.items():
        if name not in (UNDOES, REASON):
            found.setdefault(_WITH.get(name, name), {})[name] = before, after, present.get(name)
    lost = {name for name, fields in found.items() if any(trail.is_masked(each) for each in fields)}
    if event.action == Action.USER_ROLE_CHANGED and not _names_of_role_before(event):
        lost.add("roles")
    if event.action == Action.USER_ADOPTED and "source" not in found:
        found["source"] = {"source": (None, Source.SCIM, user.source)}
        lost.add("source")
    return tuple(ChangedAttribute(name, fields, name in lost) for name, fields in found.items())


def _names_of_role_before(event: AuditEvent) -> list[str]:
    """By which names the role of before is known: the one that was kept as such, else those of the profile's entry."""
    profile: Profile = (event.changes.get("profile") or [None])[0] or {}
    kept = (event.changes.get("role") or [None])[0]
    if kept:
        return [kept]
    entries = profile.get("roles") or (event.changes.get("roles") or [None])[0] or []
    if "role" in event.changes or not entries:
        return []
    chosen = next((entry for entry in entries if entry.get("primary") is True), entries[0])
    return [chosen[name] for name in ("value", "display") if isinstance(chosen.get(name), str)]


# What is done about it


def _refuse_unless_expected(user: User, expected_version: int | None) -> None:
    if expected_version is not None and expected_version != user.version:
        raise StaleVersion(
            f"{user} has been changed by somebody else since you opened the page. Look at what is new, then try again."
        )


def _go_back(
    user: User,
    parts: list[ChangedAttribute],
    event: AuditEvent,
    former: tuple[str, Role | None],
    reach: Authority,
    by: Actor,
    *,
    whole: bool,
) -> None:
    lost = [part.name for part in parts if part.is_lost]
    if lost:
        raise NotRecorded(f"The audit log does not keep what {', '.join(lost)} of {user} was before. Set it by hand.")
    moved = [part.name for part in parts if part.has_moved]
    if whole and moved:
        raise StaleVersion(
            f"{user}: {', '.join(moved)} has been changed again since. Undo this change by itself, and choose there "
            "what goes back."
        )
    wanted = {name: before for part in parts for name, (before, _after, _now) in part.fields.items()}
    source = Source(wanted.pop("source")) if "source" in wanted else None
    wanted.pop("role", None)
    managed_by = wanted.pop("managed_by", None)
    if source == Source.SCIM:
        user.managed_by = _managed_by(managed_by, by)
    role = _given_back(*former, reach, by) if any(part.name == "roles" for part in parts) else None
    profile = {**profiles.read(user), **wanted}
    profile = {name: value for name, value in profile.items() if value is not None}
    # What somebody went back to by hand, no rule takes away again.
    given_by = GivenBy.MANUAL if role else None
    accounts.update(user, profile, role=role, given_by=given_by, source=source, by=by, undoes=event)


def _given_back(name: str, role: Role | None, reach: Authority, by: Actor) -> Role | None:
    if role is not None:
        reach.require(role)
        authority.require_reauthentication(role, by=by)
    elif name:
        raise RoleGone(f"There is no role '{name}' to give any more. Leave the role as it is, or give another by hand.")
    return role


def _bring_back(event: AuditEvent, name: str, role: Role | None, reach: Authority, by: Actor) -> UndoOutcome:
    of_person = AuditEvent.objects.of(by.organization_id).filter(target_id=event.target_id)
    last = of_person.filter(action=Action.USER_DELETED).first()
    if last is not None and last.pk != event.pk:
        raise RemovedSince(f"{person_of(event)} has been removed once more since. Undo the last removal.")
    if role is None:
        raise RoleGone(
            f"{person_of(event)} had the role '{name}', which can't be given any more. Make a role of that name first, "
            "or invite the person anew."
        )
    reach.require(role)
    authority.require_reauthentication(role, by=by)
    former = {name: before for name, (before, _after) in event.changes.items()}
    source, created = former.get("source"), former.get("created")
    user = accounts.bring_back(
        UUID(event.target_id),
        former["profile"],
        role=role,
        source=Source(source or Source.SCIM),
        managed_by=_managed_by(former.get("managed_by"), by),
        # Every version has an event.
        version=of_person.count() + 1,
        created_at=datetime.fromisoformat(created) if created else None,
        protection=Protection.from_json(former.get("protection")),
        by=by,
        undoes=event,
    )
    return UndoOutcome(str(user), UndoKind.REMOVAL, changed=True, groups_gone=_join_again(user, event, by))


def _managed_by(connection_id: str | None, by: Actor) -> UUID | None:
    """The connection that is to keep a person again; nobody keeps those whose connection is gone."""
    found = UUID(connection_id) if connection_id else None
    return found if found and any(is_there(by.organization_id, found) for is_there in _connections) else None


def _lock_groups(event: AuditEvent, by: Actor) -> None:
    for entry in _groups_before(event):
        with suppress(groups.GroupUnknown):
            groups.find(UUID(entry["value"]), organization_id=by.organization_id)


def _groups_before(event: AuditEvent) -> list[dict[str, str]]:
    """The groups that a person was in who was removed, in the order in which they are locked."""
    return sorted((event.changes.get("groups") or [[]])[0], key=lambda each: each["value"])


def _join_again(user: User, event: AuditEvent, by: Actor) -> tuple[str, ...]:
    """Put a person back into the groups that they were in; tells which of them are gone."""
    gone = []
    for entry in _groups_before(event):
        try:
            group = groups.find(UUID(entry["value"]), organization_id=by.organization_id)
        except groups.GroupUnknown:
            gone.append(entry["display"])
            continue
        groups.change(
            group,
            display_name=group.display_name,
            external_id=group.external_id,
            steps=[groups.Add((user.pk,))],
            by=by,
        )
    return tuple(gone)
