"""Tests of a set-up: played through the real HTTP stack with a token of their own, and nothing of them stays."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.test import Client as Browser
from django.utils import timezone

from audit.actions import Action
from organizations.models import Mail
from provisioning.models import RequestLog, RunState, Streak, TestRun, Token
from provisioning.services import test_runs
from provisioning.services.connections import connections, mails
from provisioning.services.request_log import setup_steps, writer
from provisioning.services.test_runs import AddressUnfit, AlreadyRunning, ScriptUnknown
from provisioning.simulator import simulator
from provisioning.simulator.client import NAME
from provisioning.simulator.scripts import SCRIPTS
from provisioning.simulator.simulator import Answer, Result, Unreachable
from tests.servers import Server
from tests.tenants import Tenant, open_tenant
from tests.users.services.test_races import ROUNDS, at_once
from users.models import Group, Source, User
from users.permissions import BuiltIn
from users.services.accounts import NameTaken

Send = Callable[[str, str, Mapping[str, str], Any], Answer]


class Inside:
    """Sends a play's requests to this process, over Django's own client: no server is needed."""

    def __init__(self, base_url: str, token: str, host: str = "") -> None:
        self._prefix = base_url.removeprefix("http://testserver")
        self._browser = Browser(HTTP_AUTHORIZATION=f"Bearer {token}", HTTP_USER_AGENT=NAME)

    def __call__(self, method: str, path: str, headers: Mapping[str, str], body: Any) -> Answer:
        sent = "" if body is None else json.dumps(body)
        answer = self._browser.generic(method, self._prefix + path, sent, content_type="application/scim+json")
        read = json.loads(answer.content) if answer.content else None
        return Answer(answer.status_code, {name.lower(): value for name, value in answer.headers.items()}, read)

    def close(self) -> None:
        pass


@pytest.fixture
def inside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plays are played at once, in this thread and within this process."""
    monkeypatch.setattr(test_runs, "Client", Inside)
    monkeypatch.setattr(test_runs, "in_background", lambda work: work())


@pytest.fixture
def ready(acme: Tenant) -> Tenant:
    """SCIM is on, as for an identity provider that is at work."""
    connections.generate_token(acme.connection, by=acme.by)
    connections.set_enabled(acme.connection, True, by=acme.by)
    acme.connection.refresh_from_db()
    Mail.objects.all().delete()
    return acme


Commits = Any


def finished_run(
    tenant: Tenant, commits: Commits, script: str = "jumpcloud", email: str = "test.user@acme.example"
) -> TestRun:
    """A play that has come to its end."""
    with commits(execute=True):
        test_run = test_runs.start(tenant.connection, script, email, by=tenant.by)
    test_run.refresh_from_db()
    return test_run


def died_after(
    tenant: Tenant, words: str, monkeypatch: pytest.MonkeyPatch, commits: Commits, script: str = "jumpcloud"
) -> TestRun:
    """A play whose process was killed after the step of that name."""

    def note(test_run: TestRun, outcome: simulator.StepResult) -> None:
        keep(test_run, outcome)
        if outcome.words == words:
            raise SystemExit

    keep = test_runs._note
    with monkeypatch.context() as patch:
        patch.setattr(test_runs, "_note", note)
        # What a killed process can't do: neither the play's own clean-up, nor the end of it.
        patch.setattr(simulator, "_cleaned", lambda *_: None)
        patch.setattr(test_runs, "_settle", lambda *_: None)
        with pytest.raises(SystemExit), commits(execute=True):
            test_runs.start(tenant.connection, script, "test.user@acme.example", by=tenant.by)
    TestRun.objects.update(seen_at=timezone.now() - timedelta(seconds=61))
    return TestRun.objects.get()


# What a play does


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_script_passes_with_groups_and_nothing_of_it_stays(
    script: str, ready: Tenant, inside: None, django_capture_on_commit_callbacks: Commits
) -> None:
    before = set(User.objects.of(ready.id))
    test_run = finished_run(ready, django_capture_on_commit_callbacks, script)
    shown = test_runs.steps(test_run)
    assert [step for step in shown if step.result not in (Result.PASSED, Result.CLEANED)] == []
    assert len([step for step in shown if step.words != test_runs.CLEAN_UP]) == len(SCRIPTS[script].steps)
    assert test_run.state == RunState.PASSED and test_run.finished_at is not None
    assert set(User.objects.of(ready.id)) == before
    assert not Group.objects.of(ready.id).exists()
    assert all(step.request_id for step in shown)


def test_the_test_user_and_the_admins_get_no_mail(
    ready: Tenant, inside: None, django_capture_on_commit_callbacks: Commits
) -> None:
    ready.add("ada", BuiltIn.ADMIN)
    finished_run(ready, django_capture_on_commit_callbacks)
    mails.warn_of_expiring_tokens()
    assert not Mail.objects.exists()


def test_its_token_ends_with_it_and_is_none_of_those_that_are_counted_and_shown(
    ready: Tenant, inside: None, django_capture_on_commit_callbacks: Commits
) -> None:
    for _ in range(connections.MAX_LIVE_TOKENS - 1):
        connections.generate_token(ready.connection, by=ready.by)
    shown = connections.live_tokens(ready.connection)
    test_run = finished_run(ready, django_capture_on_commit_callbacks)
    assert test_run.state == RunState.PASSED
    token = Token.objects.get(pk=test_run.token_id)
    assert token.revoked_at is not None
    assert token.expires_at is not None and token.expires_at <= test_run.started_at + timedelta(minutes=5)
    assert connections.live_tokens(ready.connection) == shown


def test_the_trail_says_who_tested_and_as_whom_its_requests_were_made(
    ready: Tenant, inside: None, django_capture_on_commit_callbacks: Commits
) -> None:
    test_run = finished_run(ready, django_capture_on_commit_callbacks)
    events = [event for event in ready.events() if event.action == Action.SCIM_TESTED]
    assert [str(event.target_label) for event in events] == ["JumpCloud's requests"]
    assert events[0].changes == {
        "address": [None, "test.user@acme.example"],
        "requests made as": [None, test_run.acted_as],
    }
    created = next(event for event in ready.events() if event.action == Action.USER_CREATED)
    assert created.actor_label == test_run.acted_as
    assert Action.TOKEN_GENERATED not in {event.action for event in ready.events()[:20] if event.pk > events[0].pk}


def test_it_ticks_no_step_of_the_set_up_and_counts_in_no_streak_of_failures(
    ready: Tenant, inside: None, django_capture_on_commit_callbacks: Commits
) -> None:
    finished_run(ready, django_capture_on_commit_callbacks)
    ready.tick(ready.domain, False)
    for _ in range(3):
        finished_run(ready, django_capture_on_commit_callbacks)
    writer.flush()
    assert RequestLog.objects.of(ready.id).filter(status=400).count() >= 3
    assert setup_steps.of(ready.connection) == {}
    assert not Streak.objects.exists()


def test_while_scim_is_off_the_first_step_fails_and_says_so(
    acme: Tenant, inside: None, django_capture_on_commit_callbacks: Commits
) -> None:
    test_run = finished_run(acme, django_capture_on_commit_callbacks)
    first = test_runs.steps(test_run)[0]
    assert test_run.state == RunState.FAILED
    assert (first.result, first.status) == (Result.FAILED, 401)
    assert "SCIM is turned off for this organization." in first.why[0]


def test_without_groups_none_is_played(
    ready: Tenant, inside: None, django_capture_on_commit_callbacks: Commits
) -> None:
    connections.set_groups_enabled(ready.connection, False, by=ready.by)
    ready.connection.refresh_from_db()
    test_run = finished_run(ready, django_capture_on_commit_callbacks, "entra")
    assert test_run.state == RunState.PASSED
    assert not any("/Groups" in step.request for step in test_runs.steps(test_run))


def test_a_server_that_never_answers_is_asked_once_only(
    ready: Tenant, inside: None, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Commits
) -> None:
    asked = []

    class Deaf(Inside):
        def __call__(self, method: str, path: str, headers: Mapping[str, str], body: Any) -> Answer:
            asked.append(path)
            raise Unreachable("No answer from saas.example.com within 15 seconds.")

    monkeypatch.setattr(test_runs, "Client", Deaf)
    test_run = finished_run(ready, django_capture_on_commit_callbacks)
    assert asked == ["/Users"]
    assert test_run.state == RunState.FAILED
    assert [step.result for step in test_runs.steps(test_run)][:2] == [Result.FAILED, ""]


def test_a_play_that_takes_too_long_is_ended(
    ready: Tenant, inside: None, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Commits
) -> None:
    monkeypatch.setattr(test_runs, "LONGEST", timedelta())
    test_run = finished_run(ready, django_capture_on_commit_callbacks)
    assert test_run.state == RunState.FAILED
    assert len(test_run.outcomes) == 1


def test_a_fault_of_this_server_breaks_it_off_and_nothing_stays(
    ready: Tenant, inside: None, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Commits
) -> None:
    def note(test_run: TestRun, outcome: simulator.StepResult) -> None:
        if outcome.words == "Change the name":
            raise ValueError

    monkeypatch.setattr(test_runs, "_note", note)
    test_run = finished_run(ready, django_capture_on_commit_callbacks)
    assert test_run.state == RunState.BROKEN_OFF
    assert not User.objects.of(ready.id).exists()


# What it refuses


def test_an_address_that_somebody_has_is_refused_before_anything_is_sent(ready: Tenant) -> None:
    ready.add("grace", source=Source.MANUAL)
    for taken in ("grace@acme.example", "GRACE@Acme.Example"):
        with pytest.raises(NameTaken):
            test_runs.start(ready.connection, "okta", taken, by=ready.by)
    for unfit in ("", "nobody", "a b@acme.example", "x" * 300 + "@acme.example"):
        with pytest.raises(AddressUnfit):
            test_runs.start(ready.connection, "okta", unfit, by=ready.by)
    with pytest.raises(ScriptUnknown):
        test_runs.start(ready.connection, "../etc", "test.user@acme.example", by=ready.by)
    assert not TestRun.objects.exists() and not Token.objects.filter(is_test=True).exists()


def test_one_at_a_time_is_played_and_the_second_press_finds_the_first(ready: Tenant, globex: Tenant) -> None:
    first = test_runs.start(ready.connection, "okta", "one@acme.example", by=ready.by)
    with pytest.raises(AlreadyRunning) as refused:
        test_runs.start(ready.connection, "jumpcloud", "two@acme.example", by=ready.by)
    assert refused.value.test_run == first
    assert test_runs.start(globex.connection, "okta", "one@globex.example", by=globex.by) != first


def test_the_proposed_address_lies_in_a_domain_with_the_checkmark_and_is_free(acme: Tenant) -> None:
    assert test_runs.proposed_address(acme.id) == "scim.test@acme.example"
    acme.add("Scim.Test", source=Source.MANUAL)
    assert test_runs.proposed_address(acme.id) == "scim.test1@acme.example"
    acme.tick("acme.example", False)
    assert test_runs.proposed_address(acme.id) == ""


# What it leaves when it dies


def test_what_a_dead_play_left_is_removed_by_the_next_and_nothing_else_is(
    ready: Tenant, inside: None, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Commits
) -> None:
    bystander = ready.add("grace")
    dead = died_after(ready, "Create the test user", monkeypatch, django_capture_on_commit_callbacks)
    assert User.objects.of(ready.id).filter(user_name="test.user@acme.example").exists()
    assert test_runs.is_broken_off(dead)
    test_run = finished_run(ready, django_capture_on_commit_callbacks, email="other@acme.example")
    assert test_run.state == RunState.PASSED
    dead.refresh_from_db()
    assert dead.state == RunState.BROKEN_OFF
    assert [step.why for step in test_runs.steps(dead) if step.words == test_runs.CLEAN_UP] == [(test_runs.SWEPT,)]
    assert Token.objects.get(pk=dead.token_id).revoked_at is not None
    assert list(User.objects.of(ready.id)) == [bystander]


def test_a_person_who_got_the_test_users_address_later_stays(
    ready: Tenant, inside: None, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Commits
) -> None:
    died_after(ready, "Look the test user up", monkeypatch, django_capture_on_commit_callbacks)
    person = ready.add("test.user")
    test_runs.prune()
    assert list(User.objects.of(ready.id)) == [person]


def test_a_group_and_its_member_left_behind_go_both(
    ready: Tenant, inside: None, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Commits
) -> None:
    died_after(ready, "Put the user into the group", monkeypatch, django_capture_on_commit_callbacks, "entra")
    assert Group.objects.of(ready.id).exists()
    test_runs.prune()
    assert not Group.objects.of(ready.id).exists()
    assert not User.objects.of(ready.id).exists()


def test_what_scim_does_not_let_a_play_clean_up_is_removed_all_the_same(
    ready: Tenant, inside: None, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Commits
) -> None:
    keep = test_runs._note

    def note(test_run: TestRun, outcome: simulator.StepResult) -> None:
        keep(test_run, outcome)
        if outcome.words == "Create the test user":
            connections.set_enabled(ready.connection, False, by=ready.by)

    monkeypatch.setattr(test_runs, "_note", note)
    test_run = finished_run(ready, django_capture_on_commit_callbacks)
    assert test_run.state == RunState.FAILED
    assert [step.why for step in test_runs.steps(test_run) if step.words == test_runs.CLEAN_UP] == [(test_runs.SWEPT,)]
    assert not User.objects.of(ready.id).exists()


def test_the_daily_command_forgets_plays_after_thirty_days_and_settles_dead_ones(
    ready: Tenant, inside: None, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Commits
) -> None:
    lasting = Token.objects.get()
    dead = died_after(ready, "Create the test user", monkeypatch, django_capture_on_commit_callbacks)
    call_command("prune_request_log", stdout=StringIO())
    dead.refresh_from_db()
    assert dead.state == RunState.BROKEN_OFF
    assert not User.objects.of(ready.id).exists()
    long_ago = timezone.now() - timedelta(days=31)
    TestRun.objects.update(started_at=long_ago)
    Token.objects.update(created_at=long_ago)
    printed = StringIO()
    call_command("prune_request_log", stdout=printed)
    assert "1 tests of a set-up forgotten." in printed.getvalue()
    assert not TestRun.objects.exists()
    assert list(Token.objects.all()) == [lasting]


# Over the wire


@pytest.fixture
def away(transactional_db: None, real_server: Server, settings: Any) -> Iterator[Tenant]:
    """An organization whose Base URL leads to the real server; of its own slug, for that may still write its log."""
    settings.BASE_URL = settings.SCIM_TEST_RUN_URL = real_server.url
    tenant = open_tenant(f"play-{uuid4().hex[:8]}")
    connections.generate_token(tenant.connection, by=tenant.by)
    connections.set_enabled(tenant.connection, True, by=tenant.by)
    yield tenant
    writer.flush()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("elsewhere", [False, True])
def test_it_goes_to_the_server_over_http_and_asks_by_its_public_name(
    elsewhere: bool,
    away: Tenant,
    real_server: Server,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if elsewhere:
        # This name the server does not answer to.
        settings.SCIM_TEST_RUN_URL = real_server.url.replace("127.0.0.1", "localhost")
    monkeypatch.setattr(test_runs, "in_background", lambda work: work())
    test_run = test_runs.start(away.connection, "okta", f"test.user@{away.domain}", by=away.by)
    test_run.refresh_from_db()
    assert [step.why for step in test_runs.steps(test_run) if step.why] == []
    assert test_run.state == RunState.PASSED
    assert not User.objects.of(away.id).exists()


@pytest.mark.django_db(transaction=True)
def test_a_thread_plays_while_the_page_has_long_been_answered(away: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    test_run = test_runs.start(away.connection, "jumpcloud", f"test.user@{away.domain}", by=away.by)
    (thread,) = [each for each in threading.enumerate() if each.name == "scim-test-run"]
    thread.join(60)
    test_run.refresh_from_db()
    assert test_run.state == RunState.PASSED


@pytest.mark.django_db(transaction=True)
def test_of_two_who_press_in_the_same_moment_one_begins_and_the_other_is_shown_it(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(test_runs, "in_background", lambda work: None)
    for number in range(ROUNDS):
        begin = lambda: test_runs.start(acme.connection, "okta", "test.user@acme.example", by=acme.by)  # noqa: E731
        refusals = at_once(begin, begin)
        assert [type(refusal) for refusal in refusals if refusal] == [AlreadyRunning], f"round {number}"
        assert TestRun.objects.count() == Token.objects.filter(is_test=True).count() == number + 1
        TestRun.objects.update(state=RunState.PASSED)
