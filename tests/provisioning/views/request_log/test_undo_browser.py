"""Undo of a large request in Chromium: how far it is, by itself and without script, and axe."""

import re

import pytest
from playwright.sync_api import Page, Route, expect
from pytest_django.live_server_helper import LiveServer

from provisioning.models import RequestLog
from provisioning.views.request_log import undo
from tests.console.test_browser import Open, give_session, lived_in, no_script, open_page
from tests.everybody import assert_for_everybody
from tests.identity_provider import Idp
from tests.provisioning.views.request_log.test_undo import bulk, idp, making, page_of_request
from tests.signed_in import SignedIn
from tests.tenants import Tenant
from tests.users.views.test_roles_browser import let_wait_once
from users.models import User

__all__ = ["idp", "lived_in", "no_script", "open_page"]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def large(idp: Idp, monkeypatch: pytest.MonkeyPatch) -> RequestLog:
    """A request of four changes, which is large where a step is one."""
    monkeypatch.setattr(undo, "UNDOES_FOR", 0)
    return bulk(idp, *(making(f"large{number}") for number in range(4)))


def undo_all(page: Page) -> None:
    page.get_by_role("link", name="Undo all…").click()
    page.get_by_role("button", name="Undo all of it").click()


def are_there() -> int:
    return User.objects.filter(user_name_key__startswith="large").count()


def test_a_page_shows_how_far_it_is_and_goes_on_by_itself(open_page: Open, large: RequestLog) -> None:
    page = open_page(page_of_request(large))
    paused: list[Route] = []
    page.route(lambda address: address.endswith("/undo/all/"), lambda route: let_wait_once(route, paused))
    undo_all(page)
    expect(page.get_by_role("heading", name="1 of 4 changes are undone")).to_be_visible()
    expect(page.get_by_role("button", name="Go on")).to_be_hidden()
    assert_for_everybody(page)
    paused[0].continue_()
    expect(page.get_by_text("4 changes were undone.")).to_be_visible()
    expect(page).to_have_url(re.compile(rf"{page_of_request(large)}#history$"))
    assert not are_there()


def test_the_page_can_be_left_and_the_rest_undone_later(open_page: Open, large: RequestLog) -> None:
    page = open_page(page_of_request(large))
    paused: list[Route] = []
    page.route(lambda address: address.endswith("/undo/all/"), lambda route: let_wait_once(route, paused))
    undo_all(page)
    page.get_by_role("link", name="the request's page").click()
    expect(page.get_by_text("All of this is as it was before.")).to_have_count(1)
    assert are_there() == 3
    # Where the page was left before its script asked for anything, nothing was held.
    page.unroute_all()
    undo_all(page)
    expect(page.get_by_text("3 changes were undone.")).to_be_visible()
    assert not are_there()


def test_without_script_a_button_goes_on(
    no_script: Page, large: RequestLog, lived_in: Tenant, signed_in: SignedIn, live_server: LiveServer
) -> None:
    page = no_script
    give_session(page.context, signed_in(lived_in), live_server)
    page.goto(live_server.url + page_of_request(large))
    undo_all(page)
    for number in (1, 2, 3):
        expect(page.get_by_role("heading", name=f"{number} of 4 changes are undone")).to_be_visible()
        page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("4 changes were undone.")).to_be_visible()
    assert not are_there()
