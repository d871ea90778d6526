"""Settings > Users > Single Sign-On (SSO) > "Test this set-up": a test run, step by step."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from console import responses
from console.requests import actor_of, is_htmx
from console.sections import Context, Control, Page, Section
from core.parsing import id_of
from core.refusals import Refusal
from organizations.views.current import organization_of
from provisioning.models import Play, PlayState, RequestLog
from provisioning.services import test_runs
from provisioning.services.connections import connections, reach
from provisioning.services.test_runs import AlreadyRunning, Shown
from provisioning.simulator.player import Result
from provisioning.simulator.scripts import SCRIPTS
from provisioning.views import which_connection
from provisioning.views.connections.section import SCIM
from provisioning.views.request_log.fixes import Offer, Situation
from users.services import authority
from users.services.authority import BeyondOwnRights

LONGEST_ADDRESS = 254
LATEST = 3

# The log is written behind the answers: for so long after a play's end, its last verdicts may still come.
STRAGGLERS = timedelta(seconds=5)

# Where messages about one play belong.
OF_A_PLAY = "play"

CLIENTS = {key: script.client for key, script in SCRIPTS.items()}
BADGES = {
    Result.PASSED: ("Passed", "good"),
    Result.FAILED: ("Failed", "bad"),
    Result.SKIPPED: ("Skipped", ""),
    Result.CLEANED: ("Cleaned up", "good"),
}
STATES = {
    PlayState.RUNNING: ("Running", ""),
    PlayState.PASSED: ("Passed", "good"),
    PlayState.FAILED: ("Failed", "bad"),
    PlayState.BROKEN_OFF: ("Broken off", "warn"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """A step as the page shows it: what became of it, what the log says of its request, and what mends that."""

    step: Shown
    label: str
    badge: str
    row: RequestLog | None
    offer: Offer | None

    @property
    def verdict(self) -> str:
        """What the log says, where that is more than "done"."""
        return self.row.verdict if self.row else ""

    @property
    def duration_us(self) -> int:
        """How long the answer took."""
        return int(self.step.milliseconds * 1000)


def _context(request: HttpRequest) -> Context:
    organization = organization_of(request)
    present = connections.of_organization(organization.pk)
    connection = which_connection.among(present, request)
    latest = test_runs.latest(connection, LATEST)
    provider = connection.identity_provider
    asker: Any = request.user
    return {
        "connection": connection,
        "beyond": reach.beyond(connection, authority.of(asker), act=test_runs.TESTING),
        "is_one_of_several": len(present) > 1,
        "clients": CLIENTS.items(),
        "client": provider if provider in CLIENTS else next(iter(CLIENTS)),
        "proposed": (proposed := test_runs.proposed_address(organization.pk)),
        "address": proposed,
        "plays": [(play, *_state(play)) for play in latest],
        "may_edit": request.user.has_perm("sign-in.edit"),
        "may_see_domains": request.user.has_perm("domains.view"),
    }


def _state(play: Play) -> tuple[str, str, str]:
    """Whose requests a play sends, and how it stands: a word and its colour."""
    state = PlayState.BROKEN_OFF if test_runs.is_broken_off(play) else PlayState(play.state)
    return (CLIENTS.get(play.script, play.script), *STATES[state])


def start(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """Begin a play and show it; one that is running already is shown instead."""
    actor = actor_of(request)
    client = request.POST.get("client", "")
    email = request.POST.get("email", "").replace("\x00", "").strip()[: LONGEST_ADDRESS + 1]
    try:
        play = test_runs.start(which_connection.chosen(request), client, email, by=actor)
    except AlreadyRunning as running:
        messages.warning(request, running.message, extra_tags=OF_A_PLAY)
        play = running.play
    except BeyondOwnRights:
        raise
    except Refusal as refusal:
        extra = {"refusal": refusal.message, "address": email, "client": client}
        return responses.show(request, Page.USERS, {TEST.key: extra})
    return redirect("settings:scim-play", play.pk)


def show(request: HttpRequest, play_id: UUID) -> HttpResponse:
    """A play as far as it is; the page's script asks for the part of it that changes."""
    play = test_runs.find(play_id, organization_id=organization_of(request).pk)
    if play is None:
        raise Http404("There is no such test in your organization. It may have been too old, and forgotten.")
    client, state, badge = _state(play)
    context: dict[str, Any] = {
        **_progress(request, play),
        "play": play,
        "client": client,
        "state": state,
        "badge": badge,
        "may_test": request.user.has_perm("sign-in.edit") and _is_present(play),
    }
    if is_htmx(request):
        return render(request, "settings/test_runs/steps.html", context)
    whole = {
        **context,
        "title": "Test of the set-up",
        "lead": f"What {client} sends when a set-up is tried out, with the test user {play.email}.",
        "page": Page.USERS,
        "notices": [each for each in messages.get_messages(request) if each.extra_tags == OF_A_PLAY],
    }
    return render(request, "settings/test_runs/test_run.html", whole)


def _is_present(play: Play) -> bool:
    """Whether the connection that was tested is still there."""
    return play.connection_id in {each.pk for each in connections.of_organization(play.organization_id)}


def _progress(request: HttpRequest, play: Play) -> dict[str, Any]:
    steps = test_runs.steps(play)
    rows = _rows(play, steps)
    situation = Situation(rows.values(), play.organization_id)
    running = play.state == PlayState.RUNNING and not test_runs.is_broken_off(play)
    lines: list[Line] = []
    for step in steps:
        row = rows.get(step.request_id)
        offer = situation.offer(row) if row and step.result == Result.FAILED else None
        label, badge = BADGES[Result(step.result)] if step.result else _still_to_come(running, lines)
        allowed = offer if offer and offer.is_for(request.user) else None
        lines.append(Line(step, label, badge, row, allowed))
    cleanings = [step for step in steps if step.words == test_runs.CLEAN_UP]
    late = play.finished_at is not None and play.finished_at > timezone.now() - STRAGGLERS
    known = all(step.request_id in rows for step in steps if step.request_id)
    return {
        "lines": lines,
        "running": running,
        "waiting": running or (late and not known),
        "played": sum(step.result in (Result.PASSED, Result.FAILED) for step in steps),
        "passed": sum(step.result == Result.PASSED for step in steps),
        "failed": [line for line in lines if line.step.result == Result.FAILED],
        "total": sum(step.words != test_runs.CLEAN_UP for step in steps),
        "silent": any(step.result == Result.FAILED and step.status is None for step in steps),
        "milliseconds": sum(step.milliseconds for step in steps) * 1000,
        "all_cleaned": all(step.result != Result.FAILED for step in cleanings),
    }


def _still_to_come(running: bool, lines: list[Line]) -> tuple[str, str]:
    if not running:
        return "Not played", ""
    is_next = not lines or bool(lines[-1].step.result)
    return ("Now", "warn") if is_next else ("To come", "")


def _rows(play: Play, steps: list[Shown]) -> dict[str, RequestLog]:
    """The log's rows of the play's requests, by the ids that the server gave them."""
    # Whatever stood in the way of the server may have put its own id there.
    ids = [found for step in steps if (found := id_of(step.request_id))]
    rows = RequestLog.objects.of(play.organization_id).filter(pk__in=ids) if ids else ()
    return {str(row.pk): row for row in rows}


TEST = Section(
    page=Page.USERS,
    key="scim-test",
    title="Test this set-up",
    lead="This server sends itself what an identity provider would: a test user is created, changed and removed again.",
    position=55,
    permission="sign-in.view",
    within="single-sign-on",
    template="settings/test_runs/section.html",
    context=_context,
    query=SCIM.query,
    controls=(
        Control("users/scim/<uuid:connection_id>/test/", "scim-test", "sign-in.edit", start),
        Control("users/scim/test/<uuid:play_id>/", "scim-play", "sign-in.view", show, reads=True),
    ),
)
