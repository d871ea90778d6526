"""The list of who is mailed about account requests in Chromium: by keyboard, without script, and as axe sees it."""

import pytest
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from tests.console.test_browser import Open, give_session, lived_in, open_page
from tests.everybody import assert_for_everybody
from tests.signed_in import SignedIn
from tests.tenants import Tenant
from users.permissions import BuiltIn
from users.services import accounts, request_notifications

__all__ = ["lived_in", "open_page"]

pytestmark = pytest.mark.django_db(transaction=True)

SECTION = "#account-request-notifications"


def test_somebody_is_added_and_removed_with_the_keyboard_alone(open_page: Open, lived_in: Tenant) -> None:
    page = open_page("/settings/users/")
    section, search = page.locator(SECTION), page.get_by_label("Find somebody to add")
    search.focus()
    page.keyboard.type("person07")
    expect(section.get_by_role("button", name="Add person07@acme.example")).to_be_visible()
    # Quicker hands would send the form without the script, and get the whole page anew.
    expect(page.locator(".htmx-added")).to_have_count(0)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(section.get_by_text("person07@acme.example is mailed about account requests.")).to_be_visible()
    expect(page.locator("#live")).to_have_text("person07@acme.example is mailed about account requests.")
    expect(search).to_be_focused()
    expect(search).to_have_value("")
    section.get_by_role("button", name="Remove person07@acme.example").focus()
    page.keyboard.press("Enter")
    expect(section.get_by_text("person07@acme.example is no longer mailed about account requests.")).to_be_visible()
    expect(search).to_be_focused()
    assert not request_notifications.listed(lived_in.id).exists()


def test_somebody_is_added_and_removed_without_script(
    lived_in: Tenant, signed_in: SignedIn, live_server: LiveServer, browser: Browser
) -> None:
    context = browser.new_context(java_script_enabled=False)
    give_session(context, signed_in(lived_in), live_server)
    page = context.new_page()
    page.goto(f"{live_server.url}/settings/users/")
    page.get_by_label("Find somebody to add").fill("person07")
    page.get_by_role("button", name="Find").click()
    page.get_by_role("button", name="Add person07@acme.example").click()
    expect(page.get_by_text("person07@acme.example is mailed about account requests.")).to_be_in_viewport()
    page.get_by_role("button", name="Remove person07@acme.example").click()
    expect(page.get_by_text("person07@acme.example is no longer mailed about account requests.")).to_be_in_viewport()
    context.close()
    assert not request_notifications.listed(lived_in.id).exists()


def test_it_is_for_everybody(open_page: Open, lived_in: Tenant) -> None:
    name = {"displayName": "Wolfeschlegelsteinhausenbergerdorff " * 2}
    people = [
        lived_in.add("ann", BuiltIn.ADMIN, profile={"displayName": "Ann Moss"}),
        lived_in.add("person-of-the-longest-name", BuiltIn.READ_ONLY, profile=name),
        lived_in.add("person99", BuiltIn.ADMIN),
    ]
    for person in people:
        request_notifications.add(person.pk, by=lived_in.by)
    accounts.set_active(people[2].pk, False, by=lived_in.by)
    for query in ("?notify=person", "?notify=nobody"):
        assert_for_everybody(open_page(f"/settings/users/{query}"))
