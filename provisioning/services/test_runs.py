"""Test runs: an identity provider's script, run against the organization's own address.

A test run goes through the real HTTP stack, from a thread of this process, with a token of its own. Each step is
written down as it comes, so that any process can show it. What a test run made is known from the audit trail, and
whatever of it is still there is removed when it ends; where its process died, by the next test run or by ``prune``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import count
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connection as database
from django.db import transaction
from django.utils import timezone

from audit.actions import Action
from audit.models import AuditEvent
from audit.services import trail
from core.actors import Actor, Channel
from core.addresses import AddressError, check_address
from core.ids import first_id_at
from core.refusals import Refusal
from domains.models import Domain
from organizations.models import Organization
from organizations.services.organizations import lock
from provisioning.models import Connection, RunState, TestRun, Token
from provisioning.services.connections import connections, granted_permissions
from provisioning.simulator import simulator
from provisioning.simulator.client import Client
from provisioning.simulator.scripts import SCRIPTS, Step
from provisioning.simulator.simulator import Result, StepResult
from users.services import accounts, groups

log = structlog.get_logger(__name__)

# How long a test run's token is valid, after how long the next step is not begun, and how long one is silent that has
# died.
LIFE = timedelta(minutes=5)
LONGEST = timedelta(minutes=4)
SILENCE = timedelta(minutes=1)

KEPT = timedelta(days=30)

CLEAN_UP = simulator.CLEAN_UP
# What starting a test is called in a refusal.
TESTING = "test its set-up"
SWEPT = "Removed by this server itself, without SCIM."


class ScriptUnknown(Refusal):
    """Nobody has written that script."""

    code = "malformed"


class AddressUnfit(Refusal):
    """The test user can't have that address."""

    code = "test-address-unfit"


class AlreadyRunning(Refusal):
    """Somebody's test run is under way; ``test_run`` is that one."""

    code = "test-run-running"

    def __init__(self, message: str, test_run: TestRun) -> None:
        super().__init__(message)
        self.test_run = test_run


@dataclass(frozen=True, slots=True)
class RunStep:
    """A step of a test run as it is kept. ``result`` is a simulator's Result, and empty for one that was not run."""

    words: str
    request: str
    result: str = ""
    status: int | None = None
    milliseconds: float = 0.0
    why: tuple[str, ...] = ()
    request_id: str = ""


def proposed_address(organization_id: UUID) -> str:
    """An address that nobody has, in a domain with the User requests checkmark; empty if no domain has it."""
    domain = Domain.objects.of(organization_id).filter(user_requests=True).order_by("name").first()
    if domain is None:
        return ""
    names = (f"scim.test{number or ''}@{domain.readable}" for number in count())
    return next(name for name in names if _is_free(name, organization_id))


def start(connection: Connection, script: str, email: str, *, by: Actor) -> TestRun:
    """Begin to run a script, with groups if the connection offers them; its steps come in behind this.

    The test user gets what the connection gives, with an address that the actor chooses, so it is for those who may
    make tokens. Raises ScriptUnknown, AddressUnfit, ``accounts.NameTaken``, AlreadyRunning and BeyondOwnRights.
    """
    if script not in SCRIPTS:
        raise ScriptUnknown("The page sent a form that can't be read. Reload it and try again.")
    granted_permissions.require(connection, by=by, act=TESTING)
    _check(email, by.organization_id)
    with transaction.atomic():
        # One at a time: whoever else begins waits here, and then finds this one.
        lock(by.organization_id)
        for test_run in TestRun.objects.of(by.organization_id).filter(state=RunState.RUNNING):
            if not is_broken_off(test_run):
                raise AlreadyRunning("A test is running already. This is how far it is.", test_run)
            _settle(test_run, RunState.BROKEN_OFF)
        test_run, text = _begin(connection, script, email, by)
        trail.record(
            Action.SCIM_TESTED,
            test_run,
            {"address": [None, email], "requests made as": [None, test_run.acted_as]},
            by=by,
            label=f"{SCRIPTS[script].client}'s requests",
        )
        transaction.on_commit(partial(in_background, partial(perform, test_run, text)))
    return test_run


def find(test_run_id: UUID, *, organization_id: UUID) -> TestRun | None:
    """A test run of the organization."""
    return TestRun.objects.of(organization_id).filter(pk=test_run_id).first()


def latest(connection: Connection, number: int) -> list[TestRun]:
    """The connection's test runs, newest first."""
    return list(TestRun.objects.of(connection.organization_id).filter(connection_id=connection.pk)[:number])


def is_broken_off(test_run: TestRun) -> bool:
    """Whether the process that ran it has died, as far as can be told."""
    if test_run.state == RunState.RUNNING:
        return test_run.seen_at < timezone.now() - SILENCE
    return test_run.state == RunState.BROKEN_OFF


def steps(test_run: TestRun) -> list[RunStep]:
    """Every step: those that were run, and then those that are still to come or never came."""
    reached = [RunStep(**{**kept, "why": tuple(kept["why"])}) for kept in test_run.outcomes]
    cleaned = [step for step in reached if step.words == CLEAN_UP]
    before = [step for step in reached if step.words != CLEAN_UP]
    known = {"email:quoted": quote(test_run.email, safe="")}
    missing = [
        RunStep(step.words, f"{step.method} {simulator.filled(step.path, known)}")
        for step in _steps_of(test_run)[len(before) :]
    ]
    return [*before, *missing, *cleaned]


def prune() -> int:
    """Settle the test runs that have died, forget those of more than 30 days ago; returns how many were forgotten."""
    for test_run in TestRun.objects.filter(state=RunState.RUNNING, seen_at__lt=timezone.now() - SILENCE):
        _settle(test_run, RunState.BROKEN_OFF)
    limit = timezone.now() - max(KEPT, timedelta(days=settings.SCIM_LOG_RETENTION_DAYS)) - LIFE
    with database.cursor() as cursor:
        # The rows of the log that named these tokens are gone; to look for more would be a walk through all of it.
        cursor.execute(
            "DELETE FROM provisioning_token WHERE is_test AND created_at < %s",
            [database.ops.adapt_datetimefield_value(limit)],
        )
    return TestRun.objects.filter(started_at__lt=limit).delete()[0]


# Before it starts


def _check(email: str, organization_id: UUID) -> None:
    try:
        check_address(email)
    except AddressError as error:
        raise AddressUnfit(str(error)) from None
    accounts.refuse_taken_names(email, organization_id=organization_id)


def _is_free(email: str, organization_id: UUID) -> bool:
    try:
        _check(email, organization_id)
    except Refusal:
        return False
    return True


def _begin(connection: Connection, script: str, email: str, by: Actor) -> tuple[TestRun, str]:
    now = timezone.now()
    token = Token(
        organization_id=by.organization_id,
        connection=connection,
        name="Test",
        created_by_id=by.user_id,
        created_by_label=by.label,
        expires_at=now + LIFE,
        is_test=True,
    )
    text = token.draw()
    token.save(force_insert=True)
    test_run = TestRun(
        organization_id=by.organization_id,
        connection_id=connection.pk,
        token_id=token.pk,
        acted_as=f"SCIM token {token}",
        script=script,
        email=email,
        groups=connection.groups_enabled,
        started_by_label=by.label,
        started_at=now,
        seen_at=now,
    )
    test_run.save(force_insert=True)
    return test_run, text


# While it is run


def in_background(work: Callable[[], None]) -> None:
    """Do something in a thread of this process, with a database connection of its own."""

    def do() -> None:
        try:
            work()
        finally:
            database.close()

    threading.Thread(target=do, name="scim-test-run", daemon=True).start()


def perform(test_run: TestRun, token: str) -> None:
    """Run it to its end, whatever happens."""
    state = RunState.BROKEN_OFF
    try:
        state = _sent(test_run, token)
    except Exception:
        # There is nobody to tell but the page, and the log.
        log.exception("scim_test_run_failed", test_run=str(test_run.pk))
    finally:
        _settle(test_run, state)


def address(organization: Organization) -> tuple[str, str]:
    """Where this server finds itself, and by which name it asks; nobody but its operator has a say in it."""
    base_url = connections.base_url(organization)
    return f"{settings.SCIM_TEST_RUN_URL}{base_url.removeprefix(settings.BASE_URL)}", urlsplit(base_url).netloc


def _sent(test_run: TestRun, token: str) -> RunState:
    base_url, host = address(test_run.organization)
    with closing(Client(base_url, token, host)) as client:
        running_step = simulator.simulate(
            SCRIPTS[test_run.script], email=test_run.email, send=client, groups=test_run.groups
        )
        with closing(running_step):
            for outcome in running_step:
                _note(test_run, outcome)
                if outcome.result is Result.FAILED and outcome.status is None:
                    # Nobody answers: each further step would wait as long as this one.
                    break
                if timezone.now() > test_run.started_at + LONGEST:
                    break
    return RunState.FAILED if _has_failed(test_run) else RunState.PASSED


def _has_failed(test_run: TestRun) -> bool:
    results = {kept["result"] for kept in test_run.outcomes}
    return bool(results & {Result.FAILED, Result.SKIPPED}) or len(test_run.outcomes) < len(_steps_of(test_run))


def _note(test_run: TestRun, outcome: StepResult) -> None:
    test_run.outcomes = [*test_run.outcomes, as_kept(outcome)]
    test_run.seen_at = timezone.now()
    TestRun.objects.filter(pk=test_run.pk).update(outcomes=test_run.outcomes, seen_at=test_run.seen_at)


def as_kept(outcome: StepResult) -> dict[str, Any]:
    """A step as a row of test runs has it."""
    return {
        "words": outcome.words,
        "request": f"{outcome.method} {outcome.path}".strip(),
        "result": outcome.result.value,
        "status": outcome.status,
        "milliseconds": round(outcome.milliseconds, 1),
        "why": list(outcome.why),
        "request_id": outcome.request_id,
    }


def _steps_of(test_run: TestRun) -> list[Step]:
    return [step for step in SCRIPTS[test_run.script].steps if step.groups <= test_run.groups]


# When it has ended


@transaction.atomic
def _settle(test_run: TestRun, state: RunState) -> None:
    """End a test run and its token, and remove what it made and left; once, whoever comes first."""
    found = TestRun.objects.select_for_update().filter(pk=test_run.pk, state=RunState.RUNNING).first()
    if found is None:
        return
    now = timezone.now()
    Token.objects.of(test_run.organization_id).filter(pk=test_run.token_id, revoked_at=None).update(revoked_at=now)
    if removed := _sweep(found):
        # What the test run itself could not clean up is done now.
        found.outcomes = [kept for kept in found.outcomes if kept["words"] != CLEAN_UP or not kept["why"]]
        found.outcomes += [as_kept(StepResult(CLEAN_UP, "", "", Result.CLEANED, why=(SWEPT,)))] * removed
    found.state, found.finished_at = state, now
    found.save(update_fields=["state", "finished_at", "outcomes"])


def _sweep(test_run: TestRun) -> int:
    """Remove the users and groups that the test run's token made, by what the audit trail says of it; returns how
    many."""
    by = Actor(test_run.organization_id, f"{test_run.acted_as} (test of the set-up)", Channel.SCIM)
    made = AuditEvent.objects.of(test_run.organization_id).filter(
        action__in=_REMOVERS,
        pk__gte=first_id_at(test_run.started_at, -_CLOCKS_DIFFER),
        pk__lt=first_id_at(test_run.started_at + LIFE, _CLOCKS_DIFFER),
        actor_label=test_run.acted_as,
    )
    # Newest first, as they stand: a group before those who are in it.
    return sum(_is_removed(Action(action), UUID(target_id), by) for action, target_id in made.values_list(*_WHAT))


def _is_removed(action: Action, target_id: UUID, by: Actor) -> bool:
    try:
        _REMOVERS[action](target_id, by)
    except (accounts.UserUnknown, groups.GroupUnknown):
        return False
    except Refusal as refusal:
        log.warning("scim_test_run_left_something", id=str(target_id), reason=refusal.message)
        return False
    return True


def _remove_user(user_id: UUID, by: Actor) -> None:
    accounts.delete(accounts.find(user_id, organization_id=by.organization_id), by=by)


def _remove_group(group_id: UUID, by: Actor) -> None:
    groups.delete(groups.find(group_id, organization_id=by.organization_id), by=by)


_WHAT = ("action", "target_id")
_REMOVERS: Mapping[Action, Callable[[UUID, Actor], None]] = {
    Action.USER_CREATED: _remove_user,
    Action.GROUP_CREATED: _remove_group,
}
# Milliseconds.
_CLOCKS_DIFFER = 60_000
