"""From Sign up to the first sign-in in Chromium: without script, with the keyboard, and as axe sees it."""

import re
from typing import Any

import pytest
from django.core.cache import cache
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from organizations.models import Mail
from organizations.services import outbox
from tests.console.test_browser import Open, give_session, lived_in, open_page
from tests.everybody import assert_for_everybody
from tests.signed_in import PASSWORD, SignedIn
from tests.tenants import Tenant, waiting_request
from users.models import User
from users.permissions import BuiltIn
from users.services import account_requests

__all__ = ["lived_in", "open_page"]

pytestmark = pytest.mark.django_db(transaction=True)


def link_in(body: str) -> str:
    found = re.search(r"https?://[^/]+(/\S+)", body)
    assert found
    return found[1]


def test_from_sign_up_to_the_first_sign_in_without_script(
    acme: Tenant, signed_in: SignedIn, live_server: LiveServer, browser: Browser, mailoutbox: list[Any]
) -> None:
    admin_client = signed_in(acme)
    cache.clear()
    anonymous_context = browser.new_context(java_script_enabled=False)
    admin_context = browser.new_context(java_script_enabled=False)
    give_session(admin_context, admin_client, live_server)
    anonymous, admin = anonymous_context.new_page(), admin_context.new_page()

    anonymous.goto(f"{live_server.url}/sign-in/")
    anonymous.get_by_role("link", name="Sign up").click()
    anonymous.get_by_label("E-mail address").fill("grace@acme.example")
    anonymous.get_by_role("button", name="Continue").click()
    anonymous.get_by_label("Your name").fill("Grace Hopper")
    anonymous.get_by_role("button", name="Ask for an account").click()
    expect(anonymous.get_by_role("heading", name="Look into your mail")).to_be_visible()
    outbox.deliver()
    anonymous.goto(live_server.url + link_in(mailoutbox[-1].body))
    anonymous.get_by_role("button", name="Confirm my address").click()
    expect(anonymous.get_by_role("heading", name="Your request is with the admins")).to_be_visible()

    outbox.deliver()
    admin.goto(live_server.url + link_in(mailoutbox[-1].body))
    admin.get_by_label("Tick grace@acme.example").check()
    admin.get_by_role("button", name="Approve").click()
    expect(admin.get_by_text("The request of grace@acme.example was approved, with the role")).to_be_visible()

    outbox.deliver()
    anonymous.goto(live_server.url + link_in(mailoutbox[-1].body))
    for field in anonymous.locator("input[type=password]").all():
        field.fill(PASSWORD)
    anonymous.get_by_role("button", name="Set the password").click()
    anonymous.goto(f"{live_server.url}/sign-in/acme/")
    anonymous.get_by_label("E-mail address").fill("grace@acme.example")
    anonymous.get_by_label("Password", exact=True).fill(PASSWORD)
    anonymous.get_by_role("button", name="Sign in").click()
    expect(anonymous).to_have_url(re.compile("/settings/profile/"))
    for context in (anonymous_context, admin_context):
        context.close()
    assert User.objects.get(user_name="grace@acme.example").role == acme.role(BuiltIn.APP_MANAGEMENT)


def test_somebody_is_declined_with_the_keyboard_alone(open_page: Open, lived_in: Tenant) -> None:
    waiting_request(lived_in)
    page = open_page("/settings/users/")
    expect(page.get_by_label("Tick hopper@acme.example"), "who waits alone is ticked already").to_be_checked()
    page.get_by_role("button", name="Decline…").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Reason, which is mailed")).to_be_focused()
    page.keyboard.type("We don't know you.")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("The request of hopper@acme.example was declined.")).to_be_visible()


def test_it_is_for_everybody(open_page: Open, lived_in: Tenant) -> None:
    for number in range(7):
        waiting_request(lived_in, f"asks{number}", "Grace Hopper " * (1 + 4 * number % 9))
    lived_in.add("asks6")
    account_requests.ask("Grace", "new@acme.example", organization=lived_in.organization)
    link = link_in(Mail.objects.get().text)
    page = open_page("/settings/users/")
    assert_for_everybody(page)
    page.get_by_label("Tick asks0@acme.example").check()
    page.get_by_role("button", name="Decline…").click()
    expect(page.get_by_label("Reason, which is mailed")).to_be_visible()
    assert_for_everybody(page)
    for address in ("/sign-up/", "/sign-in/acme/sign-up/", link):
        assert_for_everybody(open_page(address))
