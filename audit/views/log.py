"""Settings > Audit log: the changes of an organization, newest first, with filters, search and CSV."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from itertools import groupby
from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from audit.actions import Action, title, wording
from audit.models import AppendOnlyQuerySet, AuditEvent
from audit.views import exports, links
from audit.views.changes import FieldChange, lines
from console import csv_download, newest_first
from console.actions import action
from console.moments import MomentField
from console.requests import tenant_of
from console.sections import Context, Page, Section, shows
from core.actors import Channel
from core.search_keys import sought

PER_PAGE = 25

# This much of what an event changed is shown without a click.
FEW_LINES = 2

CHANNELS: Mapping[str, str] = {
    Channel.PAGE: "Settings",
    Channel.SCIM: "SCIM",
    Channel.API: "Personal token",
    Channel.SIGN_IN: "Sign-in",
    Channel.COMMAND: "Command line",
    Channel.OPERATOR: "Operators' pages",
    Channel.SUPPORT: "Support",
}
HEADER = (
    "Time", "Event", "Action", "Actor", "Actor id", "Door", "Address", "Target type", "Target", "Target id", "Changes",
    "Request id", "Id",
)  # fmt: skip

# A text is looked for among so many events, the newest that the other filters leave; more would take seconds.
LOOKED_THROUGH = 1_000_000

_TEXTS = frozenset({"q", "actor", "target"})


def _choices() -> list[Any]:
    kinds = groupby(sorted(Action.values), key=lambda action: action.partition(".")[0])
    groups = [(title(kind), [(action, title(action)) for action in actions]) for kind, actions in kinds]
    return [("", "All actions"), *groups]


class EventsForm(forms.Form):
    """What the log is narrowed to; a value that makes no sense narrows nothing, and the page says so."""

    q = forms.CharField(label="Search", required=False, max_length=320)
    action = forms.ChoiceField(label="Action", choices=_choices, required=False)
    actor = forms.CharField(label="Actor", required=False, max_length=320)
    target = forms.CharField(label="Target", required=False, max_length=320)
    since = MomentField("From")
    until = MomentField("Until", ends=True)

    def __init__(self, data: Any) -> None:
        super().__init__(data, auto_id="events-%s")

    def reach(self, events: AppendOnlyQuerySet) -> UUID | None:
        """The event behind which a page does not look for a text, which no index has; None where it looks at all."""
        if not self.given.keys() & _TEXTS:
            return None
        newest = self._indexed(events).order_by("-id").values_list("pk", flat=True)
        last: UUID | None = newest[LOOKED_THROUGH : LOOKED_THROUGH + 1].first()
        return last

    def narrow(self, events: AppendOnlyQuerySet, reach: UUID | None = None) -> AppendOnlyQuerySet:
        """The events that fit every value given, of those after ``reach``."""
        given = self.given
        events = self._indexed(events if reach is None else events.filter(pk__gt=reach))
        if text := given.get("q"):
            events = events.filter(sought(text, "actor_key", "target_key"))
        for name in given.keys() & {"actor", "target"}:
            events = events.filter(sought(given[name], f"{name}_key"))
        return events

    def _indexed(self, events: AppendOnlyQuerySet) -> AppendOnlyQuerySet:
        given = self.given
        if action := given.get("action"):
            events = events.filter(action=action)
        return events.between(given.get("since"), given.get("until"))

    @property
    def given(self) -> dict[str, Any]:
        """The values that make sense."""
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value}

    @property
    def narrows(self) -> bool:
        """Whether anything is asked for."""
        return any(self.cleaned_data.values())


@dataclass(frozen=True, slots=True)
class _Row:
    """An event as the page shows it; ``undo`` leads to where it is undone, if it can be."""

    event: AuditEvent
    sentence: SafeString
    channel: str
    lines: list[FieldChange]
    undo: str

    @property
    def folded(self) -> bool:
        """Whether its changes are too much to be shown at once."""
        return len(self.lines) > FEW_LINES


def _rows(request: HttpRequest, events: list[AuditEvent]) -> list[_Row]:
    kinds: dict[str, set[str]] = {}
    for event in events:
        kinds.setdefault(event.target_type, set()).add(event.target_id)
    undos = links.undos(request, events)
    addresses = {kind: links.links(request, kind, ids) for kind, ids in kinds.items()}
    return [
        _Row(
            event,
            _sentence(event, addresses[event.target_type].get(event.target_id)),
            channel_name(event.channel),
            lines(event.changes),
            undos.get(event.pk, ""),
        )
        for event in events
    ]


def channel_name(channel: str) -> str:
    """By what a change came, in words."""
    return CHANNELS.get(channel, channel)


def _sentence(event: AuditEvent, address: str | None) -> SafeString:
    target = (
        format_html('<a href="{}">{}</a>', address, event.target_label)
        if address
        else format_html("<b>{}</b>", event.target_label)
    )
    return format_html(wording(event.action), actor=format_html("<b>{}</b>", event.actor_label), target=target)


AUDIT_LOG = Section(
    page=Page.AUDIT_LOG,
    key="audit-log",
    title="Events",
    position=10,
    permission="audit-log.view",
    template="settings/audit_log/section.html",
)


@shows(AUDIT_LOG)
def _context(request: HttpRequest) -> Context:
    organization = tenant_of(request)
    form = EventsForm(request.GET)
    events = AuditEvent.objects.of(organization.pk)
    reach = form.reach(events)
    log_page = newest_first.page_of(request.GET, newest_first.by_id(form.narrow(events, reach)), PER_PAGE)
    return {
        "form": form,
        "looked_through": LOOKED_THROUGH if reach else 0,
        "time_zone": organization.time_zone,
        "may_export": csv_download.is_open_to(request),
        "log_page": log_page,
        "rows": _rows(request, log_page.rows),
        "query": log_page.query.urlencode(),
    }


# The file


@action(AUDIT_LOG, "audit-log/export.csv", "audit-log-export", permission="audit-log.view", reads=True)
def export(request: HttpRequest) -> StreamingHttpResponse:
    """The events that the filters leave, newest first, as a CSV file."""
    organization = tenant_of(request)
    form = EventsForm(request.GET)
    events = newest_first.all_of(newest_first.by_id(form.narrow(AuditEvent.objects.of(organization.pk))))
    zone = timezone.get_current_timezone()
    name = f"audit-log-{organization.slug}-{timezone.localdate()}.csv"
    taken = exports.Export(Action.AUDIT_LOG_EXPORTED, form.given)
    return exports.csv_file(request, taken, name, HEADER, (_cells(event, zone) for event in events))


def _cells(event: AuditEvent, zone: tzinfo) -> tuple[str, ...]:
    return (
        event.created_at.astimezone(zone).isoformat(),
        str(event),
        event.action,
        event.actor_label,
        str(event.actor_id or ""),
        channel_name(event.channel),
        event.address or "",
        event.target_type,
        event.target_label,
        event.target_id,
        json.dumps(event.changes, ensure_ascii=False) if event.changes else "",
        event.request_id,
        str(event.pk),
    )
