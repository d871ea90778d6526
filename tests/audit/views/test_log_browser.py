"""The audit log in Chromium: searching as one types, the keyboard, axe, narrow and dark, and no script at all."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from pytest_django.live_server_helper import LiveServer

import domains.services
from audit.models import AuditEvent
from tests.everybody import assert_for_everybody
from tests.signed_in import PASSWORD, SignedIn
from tests.tenants import Tenant

pytestmark = pytest.mark.django_db(transaction=True)

ADDRESS = "/settings/audit-log/"


@pytest.fixture
def lived_in(acme: Tenant) -> Tenant:
    """An organization whose log has more than a page, with long and short changes in it."""
    for number in range(30):
        acme.add(f"person{number:02}")
    acme.update(acme.add("sue", profile={"title": "x" * 200}), title="y" * 200, emails=[{"value": "sue@acme.example"}])
    domains.services.add("labs.example", verified=True, by=acme.by)
    return acme


@pytest.fixture
def log(lived_in: Tenant, signed_in: SignedIn, live_server: LiveServer, page: Page) -> Iterator[Page]:
    """The page as the organization's Admin sees it."""
    session = signed_in(lived_in).cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    page.goto(live_server.url + ADDRESS)
    yield page
    page.goto("about:blank")  # so that nothing asks the server while the database is emptied


def rows_of(page: Page) -> Locator:
    return page.get_by_role("table", name="Events of this organization").locator("tbody tr")


def test_it_is_for_everybody(log: Page) -> None:
    for details in log.locator("details.fold").all()[:6]:
        details.locator("summary").first.click()
    assert_for_everybody(log)
    log.goto(f"{log.url}?q=nobody&since=tomorrow")
    expect(log.locator("#audit-log").get_by_text("No event fits.")).to_be_visible()
    assert_for_everybody(log)


def test_searching_as_one_types_keeps_the_cursor_and_the_address(log: Page) -> None:
    field = log.get_by_label("Search by actor or target")
    field.press_sequentially("labs")
    expect(rows_of(log)).to_have_count(1)
    expect(field).to_be_focused()
    expect(field).to_have_value("labs")
    expect(log).to_have_url(re.compile("q=labs"))
    log.get_by_label("Action").select_option("Domain removed")
    expect(log.locator("#audit-log").get_by_text("No event fits.")).to_be_visible()
    expect(log.locator("#live")).to_have_text("No event fits.")
    log.get_by_role("link", name="Show all events").click()
    expect(rows_of(log)).to_have_count(25)


def test_everything_can_be_done_with_the_keyboard(log: Page, lived_in: Tenant) -> None:
    log.get_by_role("link", name="Export CSV").focus()
    for name in ("Search by actor or target", "Action", "Actor", "Target", "From"):
        log.keyboard.press("Tab")
        expect(log.get_by_label(name, exact=True)).to_be_focused()
    fold = log.locator("details.fold").first
    fold.locator("summary").first.focus()
    outline = fold.locator("summary").first.evaluate("element => getComputedStyle(element).outlineStyle")
    assert outline == "solid"
    log.keyboard.press("Enter")
    expect(fold.locator("dl, pre").first).to_be_visible()
    log.get_by_role("link", name="Older").focus()
    log.keyboard.press("Enter")
    count = AuditEvent.objects.of(lived_in.id).count()
    expect(rows_of(log)).to_have_count(min(25, count - 25))
    expect(log.get_by_role("link", name="Newer")).to_be_visible()


def test_the_whole_of_a_long_value_is_one_click_away(log: Page) -> None:
    row = rows_of(log).filter(has_text="changed sue@acme.example")
    expect(row.get_by_text("x" * 200)).to_be_hidden()
    row.get_by_text("x" * 80 + "…").click()
    expect(row.get_by_text("x" * 200)).to_be_visible()


def test_it_all_works_without_script(
    browser: Browser, lived_in: Tenant, signed_in: SignedIn, live_server: LiveServer
) -> None:
    signed_in(lived_in)  # makes the Admin
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{live_server.url}{ADDRESS}")
    page.get_by_label("E-mail address").fill("admin@acme.example")
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("Actor", exact=True).fill("moreau")
    page.get_by_label("Target", exact=True).fill("PERSON07")
    page.get_by_role("button", name="Search").click()
    expect(rows_of(page)).to_have_count(1)
    page.get_by_text("fields").click()
    expect(page.get_by_text("person07@acme.example").last).to_be_visible()
    page.goto(live_server.url + ADDRESS)
    page.get_by_role("link", name="Older").click()
    page.get_by_role("link", name="Newer").click()
    expect(page.get_by_role("link", name="Newer")).to_have_count(0)
    with page.expect_download() as download:
        page.get_by_role("link", name="Export CSV").click()
    assert download.value.suggested_filename.startswith("audit-log-acme-")
    context.close()
