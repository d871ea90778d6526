"""What a logged request changed, found in the audit trail, and the undo of all of it at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from audit.changes import Line, lines
from audit.models import AppendOnlyQuerySet, AuditEvent, first_id_at
from organizations import pages
from scim.models import RequestLog
from users.person import HISTORY_KEY
from users.services import authority, undoing
from users.services.undoing import Kind, Plan, State
from users.undo import address

PER_PAGE = 50

# How far the clock may have been set back while a request was served, in milliseconds.
CLOCK_SET_BACK = 1_000

# This much of what an event changed is shown without a click.
FEW_LINES = 4

# So many changes are named before they are all undone, and so many refusals after it. A bulk request can have made a
# thousand.
NAMED = 100
FEW_REFUSALS = 20


@dataclass(frozen=True, slots=True)
class Change:
    """An event of a request, as its page shows it. ``undo`` is where it is undone; ``said`` why it need not be."""

    event: AuditEvent
    lines: list[Line]
    undo: str
    said: str

    @property
    def folded(self) -> bool:
        """Whether its lines are too many to be shown at once."""
        return len(self.lines) > FEW_LINES


SAID: Mapping[State, str] = {
    State.OPEN: "",
    State.BACK: "All of this is as it was before.",
    State.REMOVED: "This person has been removed since.",
}


def events_of(row: RequestLog) -> AppendOnlyQuerySet:
    """What a request did to people, in the order in which it was done.

    No index has the request's id, but the events' own ids have the time in them: few others were made between the
    request's beginning and its end.
    """
    end = row.created_at + timedelta(microseconds=row.duration_us)
    around = AuditEvent.objects.of(row.organization_id).filter(
        id__gte=first_id_at(row.created_at, -CLOCK_SET_BACK), id__lt=first_id_at(end, CLOCK_SET_BACK)
    )
    return around.filter(request_id=row.request_id, target_type="user").order_by("id")


def changed_by(request: HttpRequest, row: RequestLog) -> Mapping[str, Any]:
    """What the page of a request shows of its changes, to those who may see what was before."""
    user: Any = request.user
    may_undo = user.has_perm("users.edit")
    if row.status >= 400 or not (may_undo or user.has_perm("audit-log.view")):
        return {}
    leaf: Page[AuditEvent] = Paginator(events_of(row), PER_PAGE).get_page(request.GET.get("page"))
    return {
        "changes": _changes(request, row, list(leaf), may_undo),
        "leaf": leaf,
        "may_undo_all": may_undo and leaf.paginator.count > 1,
        "history": pages.notices(request, HISTORY_KEY),
    }


def _changes(request: HttpRequest, row: RequestLog, events: list[AuditEvent], may_undo: bool) -> list[Change]:
    back = reverse("settings:logged-request", args=[row.pk])
    found = {plan.event.pk: plan for plan in _plans(events, row.organization_id)}
    asker: Any = request.user
    reach = authority.of(asker)
    changes = []
    for event in events:
        undo, said = "", ""
        if plan := found.get(event.pk):
            allowed = may_undo and (plan.user is None or reach.covers(plan.user.role))
            undo = address(event, back) if allowed and plan.state is State.OPEN else ""
            said = SAID[plan.state]
        changes.append(Change(event, lines(event.changes), undo, said))
    return changes


def _plans(events: list[AuditEvent], organization_id: UUID) -> list[Plan]:
    return undoing.plans(events, people=undoing.people_of(events, organization_id=organization_id))


def ask(request: HttpRequest, row: RequestLog) -> HttpResponse:
    """What undoing all of a request comes to; nothing has happened yet."""
    left = _left(row)
    kinds = [plan.kind for plan in left if plan.state is State.OPEN]
    context = {
        "title": "Undo all of this request?",
        "page": pages.Page.USERS,
        "row": row,
        "plans": left[:NAMED],
        "more": max(0, len(left) - NAMED),
        "made": kinds.count(Kind.CREATION),
        "removed": kinds.count(Kind.REMOVAL),
        "changed": kinds.count(Kind.CHANGE),
        "back": f"{reverse('settings:logged-request', args=[row.pk])}#{HISTORY_KEY}",
    }
    return render(request, "settings/requests/undo.html", context)


def undo(request: HttpRequest, row: RequestLog) -> HttpResponse:
    """Undo all of a request that there is to undo, the last change first."""
    report = undoing.revert_many([plan.event for plan in _left(row)], by=pages.actor_of(request))
    refused = report.refused
    if report.done or not refused:
        messages.success(request, f"{_were(len(report.done))} undone.", extra_tags=HISTORY_KEY)
    for refusal in refused[:FEW_REFUSALS]:
        messages.error(request, refusal.message, extra_tags=HISTORY_KEY)
    if len(refused) > FEW_REFUSALS:
        rest = f"{_were(len(refused) - FEW_REFUSALS)} refused, too. Undo those one by one to see why."
        messages.error(request, rest, extra_tags=HISTORY_KEY)
    return redirect(f"{reverse('settings:logged-request', args=[row.pk])}#{HISTORY_KEY}")


def _left(row: RequestLog) -> list[Plan]:
    """What is left to undo of a request, the last change first.

    Of people with whom anything is left, it is all: what is behind a removal shows only when that is undone.
    """
    plans = _plans(list(events_of(row)), row.organization_id)
    unfinished = {plan.event.target_id for plan in plans if plan.state is State.OPEN}
    return [plan for plan in reversed(plans) if plan.event.target_id in unfinished]


def _were(number: int) -> str:
    return "No change was" if not number else "1 change was" if number == 1 else f"{number} changes were"
