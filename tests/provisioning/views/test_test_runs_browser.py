"""Test this set-up in Chromium: steps that come in by themselves, the keyboard, no script, and no fault of axe."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from provisioning.models import RunState, TestRun
from provisioning.services import test_runs
from tests.console.test_browser import give_session
from tests.everybody import assert_for_everybody
from tests.provisioning.views.test_test_runs import a_test_run, address_of, outcomes
from tests.signed_in import SignedIn
from tests.tenants import Tenant

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def admins(
    acme: Tenant, signed_in: SignedIn, live_server: LiveServer, page: Page, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Page]:
    """The organization's Admin; a test that is begun waits until the test here writes what became of its steps."""
    monkeypatch.setattr(test_runs, "in_background", lambda work: None)
    give_session(page.context, signed_in(acme), live_server)
    page.goto(f"{live_server.url}/settings/users/")
    yield page
    page.goto("about:blank")  # so that nothing asks the server while the database is emptied


def advance(number: int, **fields: Any) -> None:
    """The play has come as far as that many steps."""
    came = [test_runs.as_kept(outcome) for outcome in outcomes(number)]
    TestRun.objects.update(outcomes=came, seen_at=timezone.now(), groups=False, **fields)


def test_steps_come_in_by_themselves_with_the_keyboard_alone(admins: Page) -> None:
    admins.get_by_label("Address of the test user").press("Enter")
    expect(admins.get_by_text("Step 1 of")).to_be_visible()
    advance(4)
    expect(admins.get_by_text("Step 5 of 9 is on its way.")).to_be_visible()
    advance(9, state=RunState.PASSED, finished_at=timezone.now())
    expect(admins.locator("#test-run").get_by_text("All 9 requests came through")).to_be_visible()
    expect(admins.locator("[data-poll]")).to_have_count(0)


def test_without_script_a_link_shows_how_far_it_is(admins: Page, browser: Browser, live_server: LiveServer) -> None:
    context = browser.new_context(storage_state=admins.context.storage_state(), java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{live_server.url}/settings/users/")
    page.get_by_role("button", name="Test this set-up").click()
    advance(2)
    page.get_by_role("link", name="Show how far it is").click()
    expect(page.get_by_text("Step 3 of 9 is on its way.")).to_be_visible()
    context.close()


def test_a_refusal_stands_where_it_was_caused_and_the_field_has_the_focus(admins: Page, acme: Tenant) -> None:
    acme.add("grace")
    admins.get_by_label("Address of the test user").fill("grace@acme.example")
    admins.get_by_role("button", name="Test this set-up").click()
    expect(admins.get_by_text("Nothing was sent.")).to_be_in_viewport()
    expect(admins.get_by_label("Address of the test user")).to_be_focused()
    expect(admins.get_by_label("Address of the test user")).to_have_value("grace@acme.example")


def test_it_is_for_everybody(admins: Page, acme: Tenant, live_server: LiveServer) -> None:
    for test_run in (a_test_run(acme, *outcomes(3)), a_test_run(acme, *outcomes(1), state=RunState.BROKEN_OFF)):
        admins.goto(live_server.url + address_of(test_run))
        assert_for_everybody(admins)
