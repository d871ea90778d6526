"""Slug, support and the operators' pages in Chromium: by keyboard, without script, and as axe sees them."""

from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from organizations.models import FormerSlug, Organization
from organizations.services import slugs, support
from tests.console.test_browser import Open, give_session, lived_in, no_script, open_page
from tests.everybody import assert_for_everybody
from tests.signed_in import PASSWORD
from tests.tenants import Tenant
from users.models import User

__all__ = ["lived_in", "no_script", "open_page"]

pytestmark = pytest.mark.django_db(transaction=True)

SETTINGS = "/settings/organization/"
LIST = "/admin/organizations/organization/"


@pytest.fixture
def operate(lived_in: Tenant, live_server: LiveServer, page: Page) -> Iterator[Open]:
    """Open an address as an operator."""
    User.objects.create_superuser("root", "root@ops.example", PASSWORD)
    cache.clear()
    client = Client()
    client.post("/admin/login/", {"login": "root", "password": PASSWORD})
    give_session(page.context, client, live_server)

    def open_(address: str) -> Page:
        page.goto(live_server.url + address)
        return page

    yield open_
    page.goto("about:blank")


def test_the_slug_is_changed_by_keyboard(open_page: Open, lived_in: Tenant) -> None:
    page = open_page(f"{SETTINGS}#slug")
    page.get_by_role("link", name="Change the slug").focus()
    page.keyboard.press("Enter")
    page.get_by_label("Slug").fill("acme-ltd")
    page.keyboard.press("Enter")
    button = page.get_by_role("button", name="Change the slug to acme-ltd")
    expect(button).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("The slug is acme-ltd now.")).to_be_visible()
    assert Organization.objects.get(pk=lived_in.id).slug == "acme-ltd"
    page.get_by_role("button", name="Extend acme").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#live")).to_contain_text("works for 90 days from now")


def test_support_is_asked_for_seen_and_ended(open_page: Open, lived_in: Tenant) -> None:
    page = open_page(f"{SETTINGS}#request-support")
    page.get_by_role("switch", name="Request support").click()
    expect(page.locator("#request-support")).to_contain_text("On until")
    by = User.objects.create_superuser("root", "root@ops.example", PASSWORD)
    support.enter(operator="root", by=type(lived_in.by)(lived_in.id, "root", lived_in.by.channel, user_id=by.pk))
    page.reload()
    expect(page.get_by_role("region", name="Support")).to_contain_text("Operator root of SaaS Manager is looking")
    page.get_by_role("button", name="End support access now").click()
    expect(page.get_by_role("region", name="Support")).to_have_count(0)
    assert Organization.objects.get(pk=lived_in.id).support_until is None


def test_an_operator_makes_suspends_enters_and_leaves_without_script(
    no_script: Page, lived_in: Tenant, live_server: LiveServer
) -> None:
    page = no_script
    User.objects.create_superuser("root", "root@ops.example", PASSWORD)
    cache.clear()
    support.request(True, by=lived_in.by)
    page.goto(live_server.url + LIST)
    page.get_by_label("Name or e-mail address").fill("root")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Add organization").click()
    page.get_by_label("Name").fill("Initech")
    page.get_by_label("Slug").fill("initech")
    page.get_by_label("First Admin's e-mail address").fill("bill@initech.example")
    page.get_by_role("button", name="Create organization").click()
    expect(page.get_by_text("the password won’t be shown again")).to_be_visible()
    page.get_by_role("link", name="Go to Initech").click()
    page.get_by_role("link", name="Suspend…").click()
    page.get_by_role("button", name="Suspend Initech").click()
    expect(page.get_by_role("heading", name="Suspend Initech?")).to_be_visible()
    page.get_by_label("Reason").fill("Not paid")
    page.get_by_role("button", name="Suspend Initech").click()
    expect(page.get_by_role("link", name="Reactivate…")).to_be_visible()
    expect(page.get_by_text("Not paid")).to_be_visible()
    page.get_by_role("link", name="All organizations").click()
    page.get_by_role("link", name="Acme").click()
    page.get_by_role("button", name="Enter Acme").click()
    expect(page.get_by_text("as an operator of SaaS Manager")).to_be_visible()
    page.get_by_role("button", name="Leave Acme").click()
    expect(page.get_by_text("You have left Acme.")).to_be_visible()


def check(page: Page) -> None:
    """It is for everybody, with all that can be unfolded."""
    for summary in page.locator("details:not([open]) > summary").element_handles():
        summary.click()
    assert_for_everybody(page)


SHOWN = {
    "organization": f"{SETTINGS}#slug",
    "question": f"{SETTINGS}slug/?slug=acme-international-holding",
    "mistake": f"{SETTINGS}slug/?slug=no+slug",
    "scim": "/settings/users/#scim",
}


@pytest.mark.parametrize("shown", SHOWN)
def test_axe_finds_nothing_in_settings(shown: str, open_page: Open, lived_in: Tenant, page: Page) -> None:
    slugs.change("acme-ltd", expected_slug="acme", by=lived_in.by)
    FormerSlug.objects.update(last_used_at=timezone.now())
    support.request(True, by=lived_in.by)
    by = User.objects.create_superuser("root", "root@ops.example", PASSWORD)
    support.enter(operator="root", by=type(lived_in.by)(lived_in.id, "root", lived_in.by.channel, user_id=by.pk))
    open_page(SHOWN[shown])
    check(page)


OPERATED = {
    "index": "/admin/",
    "list": LIST,
    "filtered": f"{LIST}?state=active&support=on&q=acme",
    "new": f"{LIST}add/",
    "one": f"{LIST}{{id}}/change/",
    "rename": f"{LIST}{{id}}/rename/",
    "domains": "/admin/domains/domain/",
    "mails": "/admin/organizations/mail/",
    "tokens": "/admin/provisioning/token/",
    "events": "/admin/audit/auditevent/?channel=support",
    "password": "/admin/password_change/",
    "support_access": "/settings/organization/",
}


@pytest.mark.parametrize("shown", OPERATED)
def test_axe_finds_nothing_on_the_operators_pages(shown: str, operate: Open, lived_in: Tenant, page: Page) -> None:
    slugs.change("acme-ltd", expected_slug="acme", by=lived_in.by)
    support.request(True, by=lived_in.by)
    if shown == "support_access":
        operate(f"{LIST}{lived_in.id}/change/")
        page.get_by_role("button", name="Enter Acme").click()
    operate(OPERATED[shown].format(id=lived_in.id))
    check(page)
