"""Settings > Users > SSO > Test this set-up: the form, a play as it goes, and what its end says."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from uuid_utils.compat import uuid7

from provisioning.models import Connection, IdentityProvider, RunState, TestRun, Token
from provisioning.services import test_runs
from provisioning.services.connections import connections
from provisioning.simulator.scripts import SCRIPTS
from provisioning.simulator.simulator import Result, StepResult
from tests.provisioning.views.connections.test_section import log, plain
from tests.signed_in import SignedIn, htmx
from tests.tenants import Tenant
from users.models import Source
from users.permissions import BuiltIn

PAGE = "/settings/users/"
FORM = {"client": "jumpcloud", "email": "test.user@acme.example"}


@pytest.fixture
def client(acme: Tenant, signed_in: SignedIn) -> Client:
    return signed_in(acme)


def a_test_run(tenant: Tenant, *outcomes: StepResult, **fields: Any) -> TestRun:
    """A play of JumpCloud's script that has come as far as these steps."""
    now = timezone.now()
    given = {
        "connection_id": Connection.objects.of(tenant.id).earliest("created_at").pk,
        "token_id": uuid7(),
        "acted_as": "SCIM token smgr_abcdef…",
        "script": "jumpcloud",
        "email": f"test.user@{tenant.domain}",
        "groups": False,
        "started_by_label": "Ada Moreau",
        "started_at": now,
        "seen_at": now,
        "outcomes": [test_runs.as_kept(outcome) for outcome in outcomes],
    }
    return TestRun.objects.create(organization=tenant.organization, **{**given, **fields})


def outcomes(number: int) -> list[StepResult]:
    """The script's first steps, as they pass."""
    steps = SCRIPTS["jumpcloud"].steps[:number]
    return [StepResult(step.words, step.method, step.path, Result.PASSED, 200, 2.5) for step in steps]


def start_of(tenant: Tenant) -> str:
    return f"/settings/users/scim/{tenant.connection.pk}/test/"


def address_of(test_run: TestRun) -> str:
    return f"/settings/users/scim/test/{test_run.pk}/"


# The form


def test_the_form_proposes_an_address_and_leads_to_the_play(acme: Tenant, client: Client) -> None:
    page = client.get(PAGE).content.decode()
    assert 'value="scim.test@acme.example"' in page
    assert "Test this set-up" in page
    answer = client.post(start_of(acme), FORM)
    test_run = TestRun.objects.get()
    assert answer.headers["Location"] == address_of(test_run)
    assert (test_run.script, test_run.email, test_run.started_by_label) == (
        "jumpcloud",
        FORM["email"],
        "admin@acme.example",
    )


@pytest.mark.parametrize(
    ("provider", "proposed"),
    [("okta", "okta"), ("entra", "entra"), ("google", "jumpcloud"), ("jumpcloud", "jumpcloud")],
)
def test_the_connections_own_identity_provider_is_proposed(
    provider: str, proposed: str, acme: Tenant, client: Client
) -> None:
    Connection.objects.update(identity_provider=provider)
    assert f'<option value="{proposed}" selected>' in client.get(PAGE).content.decode()


def test_each_of_several_connections_is_tested_by_itself(acme: Tenant, client: Client) -> None:
    other = connections.add("Subsidiary", IdentityProvider.OKTA, by=acme.by)
    page = client.get(PAGE, {"connection": str(other.pk)}).content.decode()
    assert "It tests the connection Subsidiary." in plain(page)
    assert f'action="/settings/users/scim/{other.pk}/test/"' in page
    client.post(f"/settings/users/scim/{other.pk}/test/", {**FORM, "client": "okta"})
    test_run = TestRun.objects.get()
    assert test_run.connection_id == other.pk
    assert address_of(test_run) not in client.get(PAGE).content.decode()
    TestRun.objects.update(state=RunState.PASSED)
    assert 'id="test-again"' in client.get(address_of(test_run)).content.decode()
    connections.remove(other, replacement=None, by=acme.by)
    assert 'id="test-again"' not in client.get(address_of(test_run)).content.decode()


def test_without_a_domain_with_the_checkmark_the_page_says_what_to_do(acme: Tenant, client: Client) -> None:
    acme.tick(acme.domain, False)
    page = client.get(PAGE).content.decode()
    assert 'id="test-start"' not in page
    assert "Tick one under Domains" in page


def test_a_taken_address_is_refused_and_what_was_typed_stays(acme: Tenant, client: Client) -> None:
    acme.add("grace", source=Source.MANUAL)
    page = client.post(start_of(acme), {"client": "okta", "email": "grace@acme.example"}).content.decode()
    assert "Nothing was sent." in page
    assert 'value="grace@acme.example"' in page
    assert '<option value="okta" selected>Okta</option>' in page
    assert not TestRun.objects.exists()


@pytest.mark.parametrize("form", [{}, {"client": "x"}, {"email": "x"}, {**FORM, "email": "a\x00<b>@acme.example"}])
def test_rubbish_starts_nothing_and_comes_back_harmless(form: dict[str, str], acme: Tenant, client: Client) -> None:
    answer = client.post(start_of(acme), form)
    assert answer.status_code == 200
    assert "Nothing was sent." in answer.content.decode()
    assert "<b>@" not in answer.content.decode()
    assert not TestRun.objects.exists() and not Token.objects.exists()


def test_a_second_press_shows_the_play_that_runs(acme: Tenant, client: Client) -> None:
    running = a_test_run(acme)
    page = client.post(start_of(acme), {**FORM, "email": "other@acme.example"}, follow=True)
    assert page.redirect_chain == [(address_of(running), 302)]
    assert "A test is running already." in page.content.decode()
    assert TestRun.objects.count() == 1


def test_who_may_only_read_sees_plays_and_starts_none(acme: Tenant, signed_in: SignedIn) -> None:
    test_run = a_test_run(acme, *outcomes(2), state=RunState.FAILED, finished_at=timezone.now())
    client = signed_in(acme, BuiltIn.READ_ONLY)
    page = client.get(PAGE).content.decode()
    assert 'id="test-start"' not in page and address_of(test_run) in page
    assert 'id="test-again"' not in client.get(address_of(test_run)).content.decode()


def test_another_organizations_play_is_not_there(globex: Tenant, client: Client) -> None:
    test_run = a_test_run(globex)
    assert client.get(address_of(test_run)).status_code == 404
    assert str(test_run.pk) not in client.get(PAGE).content.decode()


# A play as it goes


def test_a_running_play_shows_each_step_and_asks_on(acme: Tenant, client: Client) -> None:
    test_run = a_test_run(acme, *outcomes(2))
    html = client.get(address_of(test_run)).content.decode()
    assert "Step 3 of 9 is on its way." in plain(html)
    assert html.count(">Passed</span>") == 2
    assert html.count(">Now</span>") == 1 and html.count(">To come</span>") == 6
    assert f'<a class="without-script" href="{address_of(test_run)}">Show how far it is</a>' in html
    part = client.get(address_of(test_run), **htmx("test-run")).content.decode()
    assert part.lstrip().startswith('<section class="card" id="test-run"') and "data-poll" in part


def test_a_play_that_passed_says_so_and_asks_no_more(acme: Tenant, client: Client) -> None:
    test_run = a_test_run(acme, *outcomes(9), state=RunState.PASSED, finished_at=timezone.now())
    html = client.get(address_of(test_run)).content.decode()
    assert "All 9 requests came through, in 22.5 ms. The test user is gone again." in plain(html)
    assert "data-poll" not in html


def test_a_failed_step_shows_the_logs_verdict_and_its_mend(acme: Tenant, client: Client) -> None:
    identity = uuid7()
    row = log(
        acme, id=identity, request_id=str(identity), method="GET", status=401, cause="scim-off",
        result="Refused: Enable SCIM is off.",
    )  # fmt: skip
    words = "Test Connection: read the list of users"
    failed = StepResult(words, "GET", "/Users", Result.FAILED, 401, 3.0, ("No.",), str(identity))
    test_run = a_test_run(acme, failed, state=RunState.FAILED, finished_at=timezone.now())
    html = client.get(address_of(test_run)).content.decode()
    assert f'<a href="/settings/users/scim/log/{row.pk}/">Refused: Enable SCIM is off.</a>' in html
    assert f'href="/settings/users/scim/log/{row.pk}/#fix">Enable SCIM…</a>' in html
    assert "It went wrong at “Test Connection: read the list of users”: mend that first, then test again." in plain(
        html
    )


def test_until_the_log_is_written_the_steps_own_words_stand_there_and_the_page_asks_on(
    acme: Tenant, client: Client
) -> None:
    failed = StepResult("Create the test user", "POST", "/Users", Result.FAILED, 400, 3.0, ("Why not.",), str(uuid7()))
    test_run = a_test_run(acme, failed, state=RunState.FAILED, finished_at=timezone.now())
    html = client.get(address_of(test_run)).content.decode()
    assert "Why not." in html and "data-poll" in html
    TestRun.objects.update(finished_at=timezone.now() - timedelta(seconds=6))
    assert "data-poll" not in client.get(address_of(test_run)).content.decode()


def test_an_id_that_is_none_of_ours_is_no_error(acme: Tenant, client: Client) -> None:
    failed = StepResult(
        "Create the test user", "POST", "/Users", Result.FAILED, 502, 3.0, ("Bad gateway.",), "<proxy-7>"
    )
    test_run = a_test_run(acme, failed, state=RunState.FAILED, finished_at=timezone.now())
    assert "Bad gateway." in client.get(address_of(test_run)).content.decode()


def test_a_server_that_can_not_reach_itself_is_told_of_the_setting(acme: Tenant, client: Client) -> None:
    failed = StepResult("Test Connection", "GET", "/Users", Result.FAILED, None, 0.0, ("No answer: nothing listens.",))
    test_run = a_test_run(acme, failed, state=RunState.FAILED, finished_at=timezone.now())
    html = plain(client.get(address_of(test_run)).content.decode())
    assert "No answer: nothing listens." in html
    assert "sets SCIM_TEST_RUN_URL" in html
    assert html.count("Not played") == 8


def test_a_play_whose_process_died_is_told_after_a_minute(acme: Tenant, client: Client) -> None:
    test_run = a_test_run(acme, *outcomes(3))
    TestRun.objects.update(seen_at=timezone.now() - timedelta(seconds=61))
    html = client.get(address_of(test_run)).content.decode()
    assert "The test broke off after 3 of 9 requests" in plain(html)
    assert "data-poll" not in html and 'id="test-again"' in html
