"""The trail as a stream that programs follow, oldest first, without gaps or repeats.

An event's place is its id, a UUIDv7 made by whichever process wrote it, and it can be read only when its transaction
has ended. So an event may turn up before others that are there already. The stream ends where that can no longer be.
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import models
from django.db.models import OuterRef, Q, Subquery, Value
from django.db.models.expressions import Combinable, RawSQL
from django.utils import timezone

from audit.actions import Action, wording
from audit.models import AuditEvent
from core import dialects
from core.ids import first_id_at
from core.parsing import id_of

# How far the clocks of our machines may be apart, and how long a process may take from an id to its row.
DELAY = timedelta(seconds=5)

BEGINNING = UUID(int=0)

# The least id that a transaction still under way could write, by the database's clock. On SQLite one writer works at a
# time, and ids are made while it does.
_UNSETTLED_ON_POSTGRESQL = """
(SELECT (lpad(to_hex(floor(extract(epoch FROM least(clock_timestamp(), min(xact_start))) * 1000)::bigint - %s), 12, '0')
         || repeat('0', 20))::uuid
   FROM pg_stat_activity
  WHERE datname = current_database() AND backend_xid IS NOT NULL AND pid <> pg_backend_pid())
"""


class Unreadable(Exception):
    """A parameter that makes no sense; the message says what it should be."""


def settled_id(organization_id: OuterRef) -> Subquery:
    """The id of the newest event of an organization that no other can come before any more; None without one."""
    settled = AuditEvent.objects.filter(organization_id=organization_id, id__lt=_unsettled()).order_by("-id")
    return Subquery(settled.values("id")[:1])


def _unsettled() -> Combinable:
    if dialects.current().concurrent:
        delay = int(DELAY.total_seconds() * 1000)
        return RawSQL(_UNSETTLED_ON_POSTGRESQL, [delay], models.UUIDField())  # noqa: S611
    return Value(first_id_at(timezone.now() - DELAY), models.UUIDField())


# What is asked for


@dataclass(frozen=True, slots=True)
class Filter:
    """Which events are wanted: of each kind of term any one must fit. No terms fit everything."""

    actions: tuple[str, ...] = ()
    actors: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()

    def condition(self) -> Q:
        """The filter for the database."""
        condition = Q()
        if self.actions:
            exact = [action for action in self.actions if not action.endswith("*")]
            starts = [action[:-1] for action in self.actions if action.endswith("*")]
            either = Q(action__in=exact)
            for start in starts:
                either |= Q(action__startswith=start)
            condition &= either
        if self.actors:
            ids = [found for found in map(id_of, self.actors) if found]
            condition &= Q(actor_id__in=ids) | Q(actor_label__in=self.actors)
        if self.targets:
            condition &= Q(target_id__in=self.targets)
        return condition


def parse_filter(text: str) -> Filter:
    """Read terms such as ``action=user.created,action=domain.*``, with commas between. Raises Unreadable.

    ``action`` takes an action, or the first word of several and ``.*``; ``actor`` a person's id, or the label of who
    has none; ``target`` an id.
    """
    terms: dict[str, list[str]] = {"action": [], "actor": [], "target": []}
    for term in text.split(",") if text else []:
        name, _, value = (part.strip() for part in term.partition("="))
        if name not in terms or not value or not value.isprintable():
            raise Unreadable(
                f"Each term of the filter is action=, actor= or target= with a value, not '{term.strip()}'."
            )
        if name == "action" and not _is_action(value):
            raise Unreadable(f"'{value}' is no action such as user.created, nor a group of them such as user.*.")
        terms[name].append(value)
    if sum(map(len, terms.values())) > MOST_TERMS:
        raise Unreadable(f"A filter has at most {MOST_TERMS} terms.")
    return Filter(*map(tuple, terms.values()))


MOST_TERMS = 50
_GROUPS = {f"{action.partition('.')[0]}.*" for action in Action.values}


def _is_action(text: str) -> bool:
    return text in Action.values or text in _GROUPS


def read_cursor(text: str) -> UUID:
    """The place that a cursor stands for: the last id that was looked at. Raises Unreadable."""
    try:
        place = UUID(bytes=urlsafe_b64decode(f"{text}=="))
    except (binascii.Error, ValueError):
        place = None
    if place is None or write_cursor(place) != text:
        raise Unreadable("This cursor is none that was given out. Take 'next' of the last answer, or leave it out.")
    return place


def write_cursor(place: UUID) -> str:
    """The text of a cursor."""
    return urlsafe_b64encode(place.bytes).decode().rstrip("=")


# What is given


@dataclass(frozen=True, slots=True)
class EventPage:
    """Some events in a row, the place up to which everything has been looked at, and whether more is there now."""

    events: list[AuditEvent]
    place: UUID
    has_more: bool


def read(
    organization_id: UUID,
    wanted: Filter,
    *,
    after: UUID,
    settled: UUID | None,
    since: datetime | None,
    until: datetime | None,
    limit: int,
) -> EventPage:
    """The next events of an organization after a place, oldest first, up to what ``settled_id`` gave before."""
    if settled is None or settled <= after:
        return EventPage([], after, False)
    found = AuditEvent.objects.of(organization_id).between(since, until).filter(wanted.condition())
    events = list(found.filter(id__gt=after, id__lte=settled).order_by("id")[: limit + 1])
    if len(events) > limit:
        return EventPage(events[:limit], events[limit - 1].pk, True)
    return EventPage(events, settled, False)


def represent(event: AuditEvent) -> Mapping[str, Any]:
    """An event as programs get it."""
    return {
        "id": str(event.pk),
        "time": event.created_at.isoformat().replace("+00:00", "Z"),
        "action": event.action,
        "text": wording(event.action).format(actor=event.actor_label, target=event.target_label),
        "channel": event.channel,
        "actor": {"id": event.actor_id and str(event.actor_id), "label": event.actor_label, "address": event.address},
        "target": {"type": event.target_type, "id": event.target_id, "label": event.target_label},
        "changes": event.changes,
        "request_id": event.request_id,
    }
