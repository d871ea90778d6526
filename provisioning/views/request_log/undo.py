"""The undo of a logged request: its changes, found in the audit trail, are reverted step by step."""

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

from audit.models import AppendOnlyQuerySet, AuditEvent
from audit.views.changes import FieldChange, lines
from console import sections
from console.actions import action
from console.forms import ActionForm, IdField, NumberField
from console.requests import actor_of, is_htmx
from core.actors import Actor
from core.ids import first_id_at
from core.refusals import Malformed
from provisioning.models import RequestLog
from provisioning.views.request_log.additional_logging import find
from provisioning.views.which_connection import SCIM
from users.services import authority
from users.services import undo as undoing
from users.services.undo import UndoKind, UndoPlan, UndoState
from users.views.current import user_of
from users.views.undo import address
from users.views.user import HISTORY_KEY

PER_PAGE = 50

# How far the clock may have been set back while a request was served, in milliseconds.
CLOCK_SET_BACK = 1_000

# This much of what an event changed is shown without a click.
FEW_LINES = 4

# So many changes are named before they are all undone, and so many refusals after it. A bulk request can have made a
# thousand.
NAMED = 100
FEW_REFUSALS = 20

# So long does one request undo, in seconds, until it answers and the next one goes on.
UNDOES_FOR = 3.0

# What the script of the page that shows how far it is replaces at each step.
CARD = "undoing"


@dataclass(frozen=True, slots=True)
class Change:
    """An event of a request, as its page shows it. ``undo`` is where it is undone; ``message`` why it need not be."""

    event: AuditEvent
    lines: list[FieldChange]
    undo: str
    message: str

    @property
    def folded(self) -> bool:
        """Whether its lines are too many to be shown at once."""
        return len(self.lines) > FEW_LINES


MESSAGES: Mapping[UndoState, str] = {
    UndoState.OPEN: "",
    UndoState.BACK: "All of this is as it was before.",
    UndoState.REMOVED: "This person has been removed since.",
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
    user = user_of(request)
    may_undo = user.has_perm("users.edit")
    if row.status >= 400 or not (may_undo or user.has_perm("audit-log.view")):
        return {}
    list_page: Page[AuditEvent] = Paginator(events_of(row), PER_PAGE).get_page(request.GET.get("page"))
    return {
        "changes": _changes(request, row, list(list_page), may_undo),
        "list_page": list_page,
        "may_undo_all": may_undo and list_page.paginator.count > 1,
        "history": sections.notices(request, HISTORY_KEY),
    }


def _changes(request: HttpRequest, row: RequestLog, events: list[AuditEvent], may_undo: bool) -> list[Change]:
    back = reverse("settings:logged-request", args=[row.pk])
    found = {plan.event.pk: plan for plan in _plans(events, row.organization_id)}
    asker = user_of(request)
    reach = authority.of(asker)
    changes = []
    for event in events:
        undo, message = "", ""
        if plan := found.get(event.pk):
            allowed = may_undo and (plan.user is None or reach.covers(plan.user.role))
            undo = address(event, back) if allowed and plan.state is UndoState.OPEN else ""
            message = MESSAGES[plan.state]
        changes.append(Change(event, lines(event.changes), undo, message))
    return changes


def _plans(events: list[AuditEvent], organization_id: UUID) -> list[UndoPlan]:
    return undoing.plans(events, people=undoing.people_of(events, organization_id=organization_id))


@action(SCIM, "users/scim/log/<uuid:request_id>/undo/", "undo-request", permission="users.edit", reads=True)
def ask(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """What undoing all of a request comes to; nothing has happened yet."""
    row = find(request, request_id)
    left = _left(row, actor_of(request))
    kinds = [plan.kind for plan in left if plan.state is UndoState.OPEN]
    context = {
        "title": "Undo all of this request?",
        "page": sections.Page.USERS,
        "row": row,
        "plans": left[:NAMED],
        "more": max(0, len(left) - NAMED),
        "made": kinds.count(UndoKind.CREATION),
        "removed": kinds.count(UndoKind.REMOVAL),
        "changed": kinds.count(UndoKind.CHANGE),
        "back": _back(row),
    }
    return render(request, "settings/request_log/undo.html", context)


@dataclass(frozen=True, slots=True)
class _Run:
    """How far it is: the last event that a former step came to, and what became of those until then.

    The figures are for the person to read; nothing depends on them.
    """

    place: UUID | None
    done: int
    refused: int


class RunForm(ActionForm):
    """What the page that shows how far it is sends back, and any other page does not."""

    place = IdField(required=False)
    done = NumberField(required=False)
    refused = NumberField(required=False)


@action(SCIM, "users/scim/log/<uuid:request_id>/undo/all/", "undo-all", permission="users.edit", form=RunForm)
def undo(request: HttpRequest, form: RunForm, request_id: UUID) -> HttpResponse:
    """Undo all of a request that there is to undo, or go on with it from where the form says. Raises Malformed.

    What takes longer than a request may shows how far it is, and goes on by itself. What was refused on the way is not
    tried again.
    """
    row, by = find(request, request_id), actor_of(request)
    run = _Run(form.cleaned_data["place"], form.cleaned_data["done"], form.cleaned_data["refused"])
    left = _left(row, by, run.place)
    report = undoing.revert_many([plan.event for plan in left], within=UNDOES_FOR, by=by)
    done, refused = run.done + len(report.done), run.refused + len(report.refused)
    # What former steps have left to be said; whoever looks at other pages meanwhile does not lose it.
    key = f"refusals-{row.pk}"
    kept = request.session.pop(key, [])
    message = [*(kept if run.place else ()), *(refusal.message for refusal in report.refused)][:FEW_REFUSALS]
    if report.count < len(left):
        if message:
            request.session[key] = message
        now = _Run(left[report.count - 1].event.pk, done, refused)
        return _progress(request, row, now, left=len(left) - report.count)
    if done or not refused:
        messages.success(request, f"{_were(done)} undone.", extra_tags=HISTORY_KEY)
    if refused > FEW_REFUSALS:
        message.append(f"{_were(refused - FEW_REFUSALS)} refused, too. Undo those one by one to see why.")
    for words in message:
        messages.error(request, words, extra_tags=HISTORY_KEY)
    return HttpResponse(headers={"HX-Redirect": _back(row)}) if is_htmx(request) else redirect(_back(row))


def _progress(request: HttpRequest, row: RequestLog, run: _Run, *, left: int) -> HttpResponse:
    """The page, or to its script what it replaces: so many are undone, and so many are left."""
    total = run.done + run.refused + left
    context = {
        "title": "Undoing all of this request",
        "page": sections.Page.USERS,
        "card": CARD,
        "row": row,
        "run": run,
        "progress": f"{run.done:,} of {total:,} changes are undone",
        "come_to": run.done + run.refused,
        "total": total,
        "refused": f"{_were(run.refused)} refused; why is said at the end." if run.refused else "",
        "back": _back(row),
    }
    template = (
        "settings/request_log/undo_progress_card.html"
        if is_htmx(request)
        else "settings/request_log/undo_progress.html"
    )
    return render(request, template, context)


def _left(row: RequestLog, by: Actor, place: UUID | None = None) -> list[UndoPlan]:
    """What is left to undo of a request after that place, in the order in which it is undone. Raises Malformed.

    Of people with whom anything is left, it is all: what is behind a removal shows only when that is undone.
    """
    events = undoing.in_order(events_of(row), by=by)
    if place:
        ids = [event.pk for event in events]
        if place not in ids:
            raise Malformed
        events = events[ids.index(place) + 1 :]
    plans = _plans(events, row.organization_id)
    unfinished = {plan.event.target_id for plan in plans if plan.state is UndoState.OPEN}
    return [plan for plan in plans if plan.event.target_id in unfinished]


def _back(row: RequestLog) -> str:
    return f"{reverse('settings:logged-request', args=[row.pk])}#{HISTORY_KEY}"


def _were(number: int) -> str:
    return "No change was" if not number else "1 change was" if number == 1 else f"{number:,} changes were"
