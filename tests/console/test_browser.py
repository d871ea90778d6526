"""The pages in Chromium: switches that flip back, a token shown once, the keyboard, axe, and no script at all."""

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect
from pytest_django.live_server_helper import LiveServer

import domains.services
from core.bearer_tokens import digest
from domains.models import Domain
from provisioning.models import RequestLog, Token
from provisioning.services.connections import connections
from provisioning.services.request_log import writer
from provisioning.simulator import client
from tests.signed_in import PASSWORD, SignedIn
from tests.tenants import Tenant
from users.permissions import BuiltIn

pytestmark = pytest.mark.django_db(transaction=True)

Open = Callable[[str], Page]

EXPECTED = ("Failed to load resource", "Response Status Error", "htmx:sendError", "htmx:afterRequest")


def give_session(context: BrowserContext, client: Client, server: LiveServer) -> None:
    """Let the browser go on where the test's client signed in."""
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": server.url}])


@pytest.fixture
def lived_in(acme: Tenant) -> Tenant:
    """An organization with something in every list."""
    domains.services.add("labs.example", verified=True, by=acme.by)
    domains.services.add("new.example", by=acme.by)
    for number in range(27):
        acme.add(f"person{number:02}")
    acme.update(acme.add("sue"), active=False)
    connections.generate_token(acme.connection, by=acme.by)
    for status, result in ((200, "Found 3 users"), (400, "The domain is not here"), (401, "Unknown token")):
        RequestLog.objects.create(
            organization=acme.organization, created_at=timezone.now(), request_id="r", method="GET", path="/Users",
            query="filter=" + "x" * 300, status=status, result=result, duration_us=3400, token_label="smgr_abcdef",
            client="JumpCloud",
        )  # fmt: skip
    return acme


@pytest.fixture
def open_page(lived_in: Tenant, signed_in: SignedIn, live_server: LiveServer, page: Page) -> Iterator[Open]:
    """Open an address as the organization's Admin."""
    give_session(page.context, signed_in(lived_in), live_server)

    def open_(address: str) -> Page:
        page.goto(live_server.url + address)
        return page

    yield open_
    page.goto("about:blank")  # so that nothing asks the server while the database is emptied


def switch_of(page: Page, domain: str) -> Any:
    return page.get_by_role("switch", name=f"User requests for {domain}")


# Switches


def test_a_click_saves_says_so_and_can_be_undone(open_page: Open, lived_in: Tenant) -> None:
    page = open_page("/settings/organization/")
    switch = switch_of(page, "acme.example")
    expect(switch).to_be_checked()
    switch.click()
    expect(switch).not_to_be_checked()
    expect(switch).to_be_focused()
    expect(page.get_by_role("row", name="acme.example")).to_contain_text("User requests are off for acme.example.")
    expect(page.locator("#live")).to_have_text("User requests are off for acme.example.")
    assert Domain.objects.get(name="acme.example").user_requests is False
    page.get_by_role("button", name="Undo").click()
    expect(switch).to_be_checked()
    assert Domain.objects.get(name="acme.example").user_requests is True
    page.reload()
    expect(switch).to_be_checked()


def test_the_offer_to_undo_goes_away_after_ten_seconds_but_not_from_under_a_hand(open_page: Open) -> None:
    page = open_page("/settings/organization/")
    page.clock.install()
    page.reload()
    switch_of(page, "acme.example").click()
    undo = page.get_by_role("button", name="Undo")
    expect(undo).to_be_visible()
    undo.focus()
    page.clock.run_for(12_000)
    expect(undo).to_be_visible()
    switch_of(page, "labs.example").focus()
    page.clock.run_for(2_000)
    expect(undo).to_have_count(0)


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        ("refused", "Verify new.example before you allow User requests for it."),
        ("broken", "Something went wrong on our side, so nothing was saved."),
        ("forbidden", "Your role does not allow this."),
        ("offline", "The server can't be reached, so nothing was saved."),
    ],
)
def test_a_switch_flips_back_and_says_why(
    trouble: str, reason: str, open_page: Open, lived_in: Tenant, complaints: list[str]
) -> None:
    page = open_page("/settings/organization/")
    name = "new.example" if trouble == "refused" else "acme.example"
    before = Domain.objects.get(name=name).user_requests
    if trouble == "broken":
        page.route("**/user-requests/", lambda route: route.fulfill(status=500, body="<h1>Server Error</h1>"))
    if trouble == "forbidden":
        hr, admin = lived_in.role(BuiltIn.HR), lived_in.role(BuiltIn.ADMIN)
        admin.users.update(role=hr)
    if trouble == "offline":
        page.context.set_offline(True)
    switch = switch_of(page, name)
    switch.click()
    row = page.get_by_role("row", name=name)
    expect(row).to_contain_text(reason)
    expect(page.locator("#live")).to_contain_text(reason)
    expect(switch).to_be_checked(checked=before)
    expect(switch).to_be_focused()
    assert Domain.objects.get(name=name).user_requests is before
    page.context.set_offline(False)
    # The browser names failed requests itself, and so does htmx; nothing else may be there.
    assert [text for text in complaints if not any(words in text for words in EXPECTED)] == []
    complaints.clear()


def test_a_switch_works_again_after_it_failed(open_page: Open, complaints: list[str]) -> None:
    page = open_page("/settings/organization/")
    page.context.set_offline(True)
    switch = switch_of(page, "acme.example")
    switch.click()
    expect(page.get_by_text("The server can't be reached")).to_have_count(2)  # in the row, and read out
    page.context.set_offline(False)
    switch.click()
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    expect(switch).not_to_be_checked()
    complaints.clear()


def test_each_click_counts_while_an_earlier_one_is_on_its_way(open_page: Open) -> None:
    page = open_page("/settings/users/")
    held: list[Route] = []
    page.route("**/switch/", lambda route: held.append(route))  # noqa: PLW0108  (it marks what it is given)
    switches = [page.get_by_role("switch", name=f"The role {name} can be given") for name in ("HR", "IT")]
    for switch in switches:
        switch.click()
        expect(switch).not_to_be_checked()
    assert len(held) == 1
    with page.expect_request("**/switch/"):
        held.pop().continue_()
    expect(switches[0]).not_to_be_checked()
    held.pop().continue_()
    expect(page.locator("#roles [data-say]")).to_contain_text("IT")
    for switch in switches:
        expect(switch).not_to_be_checked()
    page.reload()
    for switch in switches:
        expect(switch).not_to_be_checked()


# The token


def test_a_token_is_shown_once_with_the_focus_on_it_and_can_be_copied(
    open_page: Open, lived_in: Tenant, live_server: LiveServer
) -> None:
    page = open_page("/settings/users/#scim")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=live_server.url)
    page.get_by_role("button", name="Generate Token").click()
    field = page.get_by_label("Bearer token", exact=True)
    expect(field).to_be_focused()
    text = field.input_value()
    assert Token.objects.filter(digest=digest(text)).exists()
    page.get_by_role("button", name="Copy Bearer token").click()
    expect(page.get_by_role("button", name="Copy Bearer token")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == text
    page.get_by_role("button", name="Copy Base URL").click()
    expect(page.locator("#live")).to_have_text("Base URL copied")
    assert page.evaluate("navigator.clipboard.readText()").endswith("/scim/acme/v2")

    page.get_by_role("switch", name="Enable SCIM").click()
    expect(page.get_by_role("switch", name="Enable SCIM")).to_be_checked()
    expect(page.get_by_role("switch", name="Enable SCIM")).to_be_focused()
    expect(field).to_have_value(text)

    page.reload()
    expect(page.get_by_role("switch", name="Enable SCIM")).to_be_checked()
    expect(field).to_have_count(0)
    assert text not in page.content()
    assert text not in str(page.evaluate("[JSON.stringify(localStorage), JSON.stringify(sessionStorage)]"))
    page.go_back()
    assert text not in page.content()


def test_copying_works_without_the_clipboards_api(open_page: Open) -> None:
    page = open_page("/settings/users/#scim")
    page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    page.get_by_role("button", name="Copy Base URL").click()
    expect(page.get_by_role("button", name="Copy Base URL")).to_have_text("Copied")


def test_revoking_asks_first(open_page: Open, lived_in: Tenant) -> None:
    page = open_page("/settings/users/#scim")
    token = Token.objects.of(lived_in.id).get()
    revoke = page.get_by_role("button", name="Revoke this token")
    expect(revoke).to_be_hidden()
    page.get_by_text("Revoke", exact=False).first.click()
    revoke.click()
    expect(page.get_by_text("There is no token yet.")).to_be_visible()
    token.refresh_from_db()
    assert token.revoked_at is not None


def test_a_request_shows_up_by_itself(open_page: Open, lived_in: Tenant, live_server: LiveServer) -> None:
    connections.set_enabled(lived_in.connection, True, by=lived_in.by)
    _, text = connections.generate_token(lived_in.connection, by=lived_in.by)
    page = open_page("/settings/users/#scim")
    asked = "/scim/acme/v2/Users?count=7"
    expect(page.get_by_text(asked)).to_have_count(0)
    with closing(client.Client(f"{live_server.url}/scim/acme/v2", text)) as provider:
        assert provider("GET", "/Users?count=7", {}, None).status == 200
    writer.flush()
    expect(page.get_by_text(asked)).to_be_visible()
    expect(page.locator("#scim-state")).to_contain_text("GET → 200")


def test_the_checklist_turns_green_by_itself(open_page: Open, lived_in: Tenant, live_server: LiveServer) -> None:
    connections.set_enabled(lived_in.connection, True, by=lived_in.by)
    _, text = connections.generate_token(lived_in.connection, by=lived_in.by)
    page = open_page("/settings/users/#scim")
    line = page.locator("#step-list")
    expect(line).to_contain_text("Waiting")
    page.evaluate("window.stays = true")
    with closing(client.Client(f"{live_server.url}/scim/acme/v2", text)) as provider:
        assert provider("GET", "/Users", {}, None).status == 200
    writer.flush()
    expect(line).to_have_class("done")
    expect(line).to_contain_text("s ago")
    assert page.evaluate("window.stays"), "without a reload"


# Lists


def test_searching_as_one_types_keeps_the_cursor_and_the_address(open_page: Open) -> None:
    page = open_page("/settings/users/")
    field = page.get_by_label("Search by name or e-mail")
    field.press_sequentially("person07")
    expect(page.get_by_role("table", name="People of this organization").get_by_role("row")).to_have_count(2)
    expect(field).to_be_focused()
    expect(field).to_have_value("person07")
    expect(page).to_have_url(re.compile("q=person07"))
    page.get_by_label("Status").select_option("Suspended")
    expect(page.locator("#users").get_by_text("Nobody fits.")).to_be_visible()
    page.get_by_role("link", name="Show all 29").click()
    page.get_by_role("link", name="Next").click()
    expect(page.locator("#users").get_by_text("26–29 of 29")).to_be_visible()
    page.go_back()
    expect(page.locator("#users").get_by_text("1–25 of 29")).to_be_visible()


def test_admin_as_the_default_role_is_warned_about(open_page: Open, lived_in: Tenant) -> None:
    page = open_page("/settings/users/")
    section = page.locator("#default-role")
    section.get_by_label("Default role").select_option("Admin")
    section.get_by_role("button", name="Save").click()
    confirmed = section.get_by_role("button", name="Make Admin the default role")
    expect(confirmed).to_be_focused()
    confirmed.click()
    expect(section).to_contain_text("Saved. New users get the role Admin.")
    assert lived_in.role(BuiltIn.ADMIN).is_default is True


# For everybody


def test_axe_finds_nothing_when_something_was_said(open_page: Open, complaints: list[str]) -> None:
    page = open_page("/settings/organization/")
    switch_of(page, "acme.example").click()
    switch_of(page, "new.example").click()
    expect(page.get_by_text("Verify new.example before").first).to_be_visible()
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    page = open_page("/settings/users/#scim")
    page.get_by_role("button", name="Generate Token").click()
    expect(page.get_by_label("Bearer token", exact=True)).to_be_focused()
    page.get_by_text("Revoke", exact=False).first.click()
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    complaints.clear()


def test_the_keyboard_reaches_everything_and_the_focus_is_seen(open_page: Open) -> None:
    page = open_page("/settings/organization/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_in_viewport()
    page.keyboard.press("Enter")
    adding = [page.get_by_label("Add a domain"), page.get_by_role("button", name="Add domain")]
    details = [page.get_by_label("Name", exact=True), page.get_by_label("Time zone")]
    switch = switch_of(page, "acme.example")
    link = page.get_by_role("link", name="acme.example", exact=True)
    for action in (*details, page.get_by_role("button", name="Save"), *adding, link, switch):
        # What stands between them is reached too, and counted by the test of every control.
        for _ in range(6):
            page.keyboard.press("Tab")
            if action.evaluate("control => control === document.activeElement"):
                break
        expect(action).to_be_focused()
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Undo")).to_be_focused()
    page.keyboard.press("Enter")
    expect(switch).to_be_checked()


def test_every_control_is_in_the_tab_order_with_a_ring_and_room(open_page: Open) -> None:
    page = open_page("/settings/users/")
    waiting = page.evaluate(
        "[...document.querySelectorAll('a, button, select, summary, input:not([type=hidden])')]"
        ".filter(e => e.checkVisibility()).length"
    )
    seen: set[str] = set()
    for _ in range(waiting + 5):
        page.keyboard.press("Tab")
        found = page.evaluate(
            "(() => { const e = document.activeElement, s = getComputedStyle(e), r = e.getBoundingClientRect();"
            " return [e.tagName + '#' + e.id + ' ' + e.textContent.trim() + (e.href || ''), s.outlineStyle,"
            " Math.round(r.height)] })()"
        )
        if found[0].startswith("BODY"):
            break
        seen.add(found[0])
        assert found[1] == "solid", found
        assert found[2] >= 24 or found[0].startswith("A# "), found  # links in running text are as high as it is
    assert len(seen) >= waiting - 1


def test_less_motion_and_forced_colours_are_heeded(open_page: Open) -> None:
    page = open_page("/settings/organization/")
    page.emulate_media(reduced_motion="reduce", forced_colors="active")
    style = "getComputedStyle(document.querySelector('.switch'))"
    assert page.evaluate(f"{style}.transitionDuration") == "0s"
    on, off = (
        page.evaluate(f"getComputedStyle(document.querySelector('.switch[aria-checked={state}]')).backgroundColor")
        for state in ("true", "false")
    )
    assert on != off


# Without script


@pytest.fixture
def no_script(browser: Browser, lived_in: Tenant, live_server: LiveServer) -> Iterator[Page]:
    context = browser.new_context(java_script_enabled=False)
    yield context.new_page()
    context.close()


def test_everything_works_without_script(
    no_script: Page, lived_in: Tenant, signed_in: SignedIn, live_server: LiveServer
) -> None:
    page = no_script
    signed_in(lived_in)  # makes the Admin
    page.goto(f"{live_server.url}/settings/organization/")
    page.get_by_label("E-mail address").fill("admin@acme.example")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_label("E-mail address")).to_have_value("admin@acme.example")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()

    switch_of(page, "acme.example").click()
    expect(switch_of(page, "acme.example")).not_to_be_checked()
    page.get_by_role("button", name="Undo").click()
    expect(switch_of(page, "acme.example")).to_be_checked()
    switch_of(page, "new.example").click()
    expect(page.get_by_role("alert")).to_have_text("Verify new.example before you allow User requests for it.")

    page.get_by_role("link", name="Users").click()
    page.get_by_label("Search by name or e-mail").fill("person07")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_text("1–1 of 1")).to_be_visible()
    page.get_by_label("Default role").select_option("HR")
    page.locator("#default-role").get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved. New users get the role HR.")).to_be_visible()

    expect(page.get_by_role("button", name="Copy Base URL")).to_be_hidden()
    page.get_by_role("button", name="Generate Token").click()
    text = page.get_by_label("Bearer token", exact=True).input_value()
    assert Token.objects.filter(digest=digest(text)).exists()
    page.reload()  # sends the form again
    expect(page.get_by_text("This token has already been shown, and no other was made.")).to_be_visible()
    assert text not in page.content()
    assert Token.objects.of(lived_in.id).count() == 2
    page.get_by_role("switch", name="Enable SCIM").click()
    expect(page.get_by_role("switch", name="Enable SCIM")).to_be_checked()

    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in to Acme")).to_be_visible()
