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

from console.actions import Outcome, Shown, action
from console.requests import actor_of, is_htmx
from console.sections import Context, Page, Section, shows
from core.parsing import id_of
from core.refusals import Refusal
from organizations.views.current import organization_of
from provisioning.models import RequestLog, RunState, TestRun
from provisioning.services import test_runs
from provisioning.services.connections import connections, granted_permissions
from provisioning.services.test_runs import AlreadyRunning, RunStep
from provisioning.simulator.scripts import SCRIPTS
from provisioning.simulator.simulator import Result
from provisioning.views import which_connection
from provisioning.views.request_log.fixes import ProposedFix, Situation
from provisioning.views.which_connection import SCIM
from users.services import authority
from users.services.authority import BeyondOwnRights
from users.views.current import user_of

LONGEST_ADDRESS = 254
LATEST = 3

# The log is written behind the answers: for so long after a test run's end, its last results may still come.
STRAGGLERS = timedelta(seconds=5)

# Where messages about one test run belong.
TEST_RUN_MESSAGES = "test-run"

CLIENTS = {key: script.client for key, script in SCRIPTS.items()}
BADGES = {
    Result.PASSED: ("Passed", "good"),
    Result.FAILED: ("Failed", "bad"),
    Result.SKIPPED: ("Skipped", ""),
    Result.CLEANED: ("Cleaned up", "good"),
}
STATES = {
    RunState.RUNNING: ("Running", ""),
    RunState.PASSED: ("Passed", "good"),
    RunState.FAILED: ("Failed", "bad"),
    RunState.BROKEN_OFF: ("Broken off", "warn"),
}


@dataclass(frozen=True, slots=True)
class ShownStep:
    """A step as the page shows it: what became of it, what the log says of its request, and what fixes that."""

    step: RunStep
    label: str
    badge: str
    row: RequestLog | None
    proposed_fix: ProposedFix | None

    @property
    def result(self) -> str:
        """What the log says, where that is more than "done"."""
        return self.row.result if self.row else ""

    @property
    def duration_us(self) -> int:
        """How long the answer took."""
        return int(self.step.milliseconds * 1000)


TEST = Section(
    page=Page.USERS,
    key="scim-test",
    title="Test this set-up",
    lead="This server sends itself what an identity provider would: a test user is created, changed and removed again.",
    position=55,
    permission="sign-in.view",
    within="single-sign-on",
    template="settings/test_runs/section.html",
    query=SCIM.query,
)


@shows(TEST)
def _context(request: HttpRequest) -> Context:
    organization = organization_of(request)
    present = connections.of_organization(organization.pk)
    connection = which_connection.among(present, request)
    latest = test_runs.latest(connection, LATEST)
    provider = connection.identity_provider
    asker = user_of(request)
    return {
        "connection": connection,
        "beyond": granted_permissions.beyond(connection, authority.of(asker), act=test_runs.TESTING),
        "is_one_of_several": len(present) > 1,
        "clients": CLIENTS.items(),
        "client": provider if provider in CLIENTS else next(iter(CLIENTS)),
        "proposed": (proposed := test_runs.proposed_address(organization.pk)),
        "address": proposed,
        "test_runs": [(test_run, *_state(test_run)) for test_run in latest],
        "may_edit": request.user.has_perm("sign-in.edit"),
        "may_see_domains": request.user.has_perm("domains.view"),
    }


def _state(test_run: TestRun) -> tuple[str, str, str]:
    """Whose requests a test run sends, and how it stands: a word and its colour."""
    state = RunState.BROKEN_OFF if test_runs.is_broken_off(test_run) else RunState(test_run.state)
    return (CLIENTS.get(test_run.script, test_run.script), *STATES[state])


@action(TEST, "users/scim/<uuid:connection_id>/test/", "scim-test", permission="sign-in.edit")
def start(request: HttpRequest, connection_id: UUID) -> Outcome:
    """Begin a test run and show it; one that is running already is shown instead."""
    actor = actor_of(request)
    client = request.POST.get("client", "")
    email = request.POST.get("email", "").replace("\x00", "").strip()[: LONGEST_ADDRESS + 1]
    try:
        test_run = test_runs.start(which_connection.chosen(request), client, email, by=actor)
    except AlreadyRunning as running:
        messages.warning(request, running.message, extra_tags=TEST_RUN_MESSAGES)
        test_run = running.test_run
    except BeyondOwnRights:
        raise
    except Refusal as refusal:
        extra = {"refusal": refusal.message, "address": email, "client": client}
        return Shown(extra)
    return redirect("settings:scim-test-run", test_run.pk)


@action(TEST, "users/scim/test/<uuid:test_run_id>/", "scim-test-run", permission="sign-in.view", reads=True)
def show(request: HttpRequest, test_run_id: UUID) -> HttpResponse:
    """A test run as far as it is; the page's script asks for the part of it that changes."""
    test_run = test_runs.find(test_run_id, organization_id=organization_of(request).pk)
    if test_run is None:
        raise Http404("There is no such test in your organization. It may have been too old, and forgotten.")
    client, state, badge = _state(test_run)
    context: dict[str, Any] = {
        **_progress(request, test_run),
        "test_run": test_run,
        "client": client,
        "state": state,
        "badge": badge,
        "may_test": request.user.has_perm("sign-in.edit") and _is_present(test_run),
    }
    if is_htmx(request):
        return render(request, "settings/test_runs/steps.html", context)
    whole = {
        **context,
        "title": "Test of the set-up",
        "lead": f"What {client} sends when a set-up is tried out, with the test user {test_run.email}.",
        "page": Page.USERS,
        "notices": [each for each in messages.get_messages(request) if each.extra_tags == TEST_RUN_MESSAGES],
    }
    return render(request, "settings/test_runs/test_run.html", whole)


def _is_present(test_run: TestRun) -> bool:
    """Whether the connection that was tested is still there."""
    return test_run.connection_id in {each.pk for each in connections.of_organization(test_run.organization_id)}


def _progress(request: HttpRequest, test_run: TestRun) -> dict[str, Any]:
    steps = test_runs.steps(test_run)
    rows = _rows(test_run, steps)
    situation = Situation(rows.values(), test_run.organization_id)
    running = test_run.state == RunState.RUNNING and not test_runs.is_broken_off(test_run)
    lines: list[ShownStep] = []
    for step in steps:
        row = rows.get(step.request_id)
        proposed_fix = situation.proposed_fix(row) if row and step.result == Result.FAILED else None
        label, badge = BADGES[Result(step.result)] if step.result else _still_to_come(running, lines)
        allowed = proposed_fix if proposed_fix and proposed_fix.is_for(request.user) else None
        lines.append(ShownStep(step, label, badge, row, allowed))
    cleanings = [step for step in steps if step.words == test_runs.CLEAN_UP]
    late = test_run.finished_at is not None and test_run.finished_at > timezone.now() - STRAGGLERS
    known = all(step.request_id in rows for step in steps if step.request_id)
    return {
        "lines": lines,
        "running": running,
        "waiting": running or (late and not known),
        "finished_run": sum(step.result in (Result.PASSED, Result.FAILED) for step in steps),
        "passed": sum(step.result == Result.PASSED for step in steps),
        "failed": [line for line in lines if line.step.result == Result.FAILED],
        "total": sum(step.words != test_runs.CLEAN_UP for step in steps),
        "silent": any(step.result == Result.FAILED and step.status is None for step in steps),
        "milliseconds": sum(step.milliseconds for step in steps) * 1000,
        "all_cleaned": all(step.result != Result.FAILED for step in cleanings),
    }


def _still_to_come(running: bool, lines: list[ShownStep]) -> tuple[str, str]:
    if not running:
        return "Not played", ""
    is_next = not lines or bool(lines[-1].step.result)
    return ("Now", "warn") if is_next else ("To come", "")


def _rows(test_run: TestRun, steps: list[RunStep]) -> dict[str, RequestLog]:
    """The log's rows of the test run's requests, by the ids that the server gave them."""
    # Whatever stood in the way of the server may have put its own id there.
    ids = [found for step in steps if (found := id_of(step.request_id))]
    rows = RequestLog.objects.of(test_run.organization_id).filter(pk__in=ids) if ids else ()
    return {str(row.pk): row for row in rows}
