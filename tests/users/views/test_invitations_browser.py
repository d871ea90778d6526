"""Inviting and accepting in Chromium: the way from a paste to the first sign-in, the keyboard, axe, no script."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from organizations.models import Mail
from organizations.services import outbox
from tests.console.test_browser import Open, lived_in, no_script, open_page
from tests.everybody import assert_for_everybody
from tests.signed_in import PASSWORD, SignedIn
from tests.tenants import Tenant
from tests.users.services.test_invitations import ANN, age, invite, one, token_of
from users.models import Invitation, User
from users.permissions import BuiltIn

__all__ = ["lived_in", "no_script", "open_page"]

pytestmark = pytest.mark.django_db(transaction=True)


def tab_to(page: Page, action: Any) -> None:
    for _ in range(40):
        if action.evaluate("element => element === document.activeElement"):
            break
        page.keyboard.press("Tab")
    expect(action).to_be_focused()
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_from_a_paste_to_the_first_sign_in_by_keyboard_alone(
    open_page: Open, lived_in: Tenant, live_server: LiveServer
) -> None:
    page = open_page("/settings/users/")
    tab_to(page, page.get_by_role("link", name="Invite people"))
    page.keyboard.press("Enter")
    expect(page.get_by_label("E-mail addresses")).to_be_focused()
    page.keyboard.insert_text(f"Ann Lee <{ANN}>\nnonsense")
    tab_to(page, page.get_by_label("Role"))
    page.keyboard.type("HR")
    tab_to(page, page.get_by_role("button", name="Send invitations"))
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"{ANN} was invited.")).to_be_visible()
    expect(page.get_by_label("E-mail addresses")).to_have_value("nonsense")
    expect(page.get_by_label("E-mail addresses")).to_be_focused()
    page.get_by_role("link", name="Done").click()
    page.get_by_role("link", name="1 invited").click()
    expect(page.get_by_role("row", name=ANN)).to_contain_text("Waiting")

    page.context.clear_cookies()
    page.goto(f"{live_server.url}/invitation/{token_of(Invitation.objects.get())}/")
    tab_to(page, page.get_by_label("Your name"))
    page.keyboard.type("Ann Lee")
    tab_to(page, page.get_by_label("Choose a password"))
    page.keyboard.type("six-blue-boats")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Your profile")).to_be_visible()
    expect(page.get_by_text("Ann Lee").first).to_be_visible()
    assert User.objects.of(lived_in.id).get(display_name="Ann Lee").role == lived_in.role(BuiltIn.HR)


def test_the_status_filter_shows_who_was_invited_and_all_are_ticked_at_once(open_page: Open, lived_in: Tenant) -> None:
    invite(lived_in, "a@x.example", "b@x.example")
    page = open_page("/settings/users/")
    page.get_by_label("Status").select_option("Invited")
    expect(page.get_by_label("Tick a@x.example")).to_be_visible()
    page.get_by_label("All on this page").check()
    page.get_by_role("button", name="Send again").click()
    expect(page.get_by_text("2 invitations were sent again.")).to_be_visible()
    page.get_by_label("Tick a@x.example").check()
    page.get_by_role("button", name="Revoke…").click()
    page.get_by_role("button", name="Revoke the invitation of a@x.example").click()
    expect(page.get_by_text("The invitation of a@x.example was revoked.")).to_be_visible()
    expect(page.get_by_label("Tick b@x.example")).to_be_visible()
    expect(page.get_by_label("Tick a@x.example")).to_have_count(0)


def test_it_all_works_without_script(
    no_script: Page, lived_in: Tenant, signed_in: SignedIn, live_server: LiveServer
) -> None:
    page = no_script
    signed_in(lived_in)  # makes the Admin
    page.goto(f"{live_server.url}/sign-in/acme/")
    page.get_by_label("E-mail address").fill("admin@acme.example")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Invite people").click()
    page.get_by_label("E-mail addresses").fill(ANN)
    page.get_by_label("Role").select_option("Admin")
    page.get_by_role("button", name="Send invitations").click()
    page.get_by_role("button", name="Invite as Admin").click()
    expect(page.get_by_text(f"{ANN} was invited.")).to_be_visible()
    page.goto(f"{live_server.url}/invitation/{token_of(Invitation.objects.get())}/")
    expect(page.get_by_text("You are signed in as admin@acme.example.")).to_be_visible()
    page.get_by_label("Your name").fill("Ann Lee")
    page.get_by_label("Choose a password").fill("six-blue-boats")
    page.get_by_role("button", name="Accept and sign in").click()
    expect(page.get_by_role("heading", name="Users", level=1)).to_be_visible()


def test_it_is_for_everybody(open_page: Open, lived_in: Tenant, page: Page, complaints: list[str]) -> None:
    long = f"{'x' * 60}@{'y' * 60}.example"
    first, second, third, fourth = invite(lived_in, ANN, long, "late@x.example", "person@x.example").invited
    outbox.deliver()
    Mail.objects.filter(pk=second.mail_id).update(state=Mail.State.FAILED, failure=f"550 No such mailbox: {long}")
    age(third, days=8)
    lived_in.add("person", profile={"emails": [{"value": "person@acme.example"}]})
    open_page("/settings/users/?status=invited")
    assert_for_everybody(page)
    page.get_by_label(f"Tick {long}").check()
    page.get_by_role("button", name="Revoke…").click()
    assert_for_everybody(page)
    open_page("/settings/users/invite/")
    assert_for_everybody(page)
    page.get_by_label("E-mail addresses").fill(f"{ANN}\n{'z' * 300}\nperson00@acme.example\nnew@x.example")
    page.get_by_role("button", name="Send invitations").click()
    assert_for_everybody(page)
    page.get_by_label("Role").select_option("Admin")
    page.get_by_role("button", name="Send invitations").click()
    assert_for_everybody(page)
    page.get_by_role("button", name="Invite as Admin").click()
    assert_for_everybody(page)
    open_page(f"/invitation/{token_of(one(lived_in, long.replace('x', 'w')))}/")
    assert_for_everybody(page)
    page.get_by_label("Your name").fill("Ann")
    page.get_by_label("Choose a password").fill("short")
    page.get_by_role("button", name="Accept and sign in").click()
    assert_for_everybody(page)
    open_page("/invitation/unknown/")
    assert_for_everybody(page)
    complaints.clear()
