"""Bearer tokens in Chromium: rotated by keyboard alone, retired by the new one's success or a day, narrow and dark."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from provisioning.models import Token
from provisioning.services.connections import connections, tokens
from provisioning.services.request_log import writer
from tests.console.test_browser import Open, give_session, lived_in, open_page
from tests.everybody import assert_for_everybody
from tests.identity_provider import Idp
from tests.signed_in import SignedIn
from tests.tenants import Tenant
from tests.users.views.test_invitations_browser import tab_to
from users.permissions import BuiltIn

__all__ = ["lived_in", "open_page"]

pytestmark = pytest.mark.django_db(transaction=True)


def test_rotating_by_keyboard_alone_until_the_new_token_works_and_the_old_one_is_gone(
    open_page: Open, lived_in: Tenant
) -> None:
    connections.set_enabled(lived_in.connection, True, by=lived_in.by)
    page = open_page("/settings/users/#scim")
    tab_to(page, page.get_by_role("button", name="Rotate Token 1"))
    page.keyboard.press("Enter")
    field = page.get_by_label("Bearer token", exact=True)
    expect(field).to_be_focused()
    expect(page.get_by_text("Retires by itself when Token 2 first works.")).to_be_visible()
    expect(page.get_by_text("None has been used so far.")).to_be_visible()

    tab_to(page, page.get_by_text("Rename Token 2"))
    page.keyboard.press("Enter")
    tab_to(page, page.locator(".tokens").get_by_label("Name", exact=True).first)
    page.keyboard.insert_text("JumpCloud, November")
    page.keyboard.press("Enter")
    expect(page.get_by_text("The token is called JumpCloud, November.").first).to_be_visible()

    text = field.input_value()
    assert Idp(lived_in.organization, text).get("/Users").status_code == 200
    writer.flush()
    expect(page.locator("#token-in-use")).to_contain_text("In use now: JumpCloud, November")
    expect(page.locator(".tokens > li").nth(0)).to_contain_text("In use")
    expect(page.locator(".tokens > li").nth(1)).to_contain_text("It is no longer valid.")
    page.reload()
    expect(page.get_by_text("Token 1", exact=True)).to_have_count(0)
    expect(page.locator(".tokens > li")).to_contain_text("In use")


def test_what_is_known_of_a_token_comes_by_itself_while_its_name_is_being_typed(
    open_page: Open, lived_in: Tenant
) -> None:
    connections.set_enabled(lived_in.connection, True, by=lived_in.by)
    page, token = open_page("/settings/users/#scim"), Token.objects.get()
    Token.objects.update(last_used_at=None)
    page.reload()
    page.get_by_text("Rename Token 1").click()
    field = page.locator(".tokens").get_by_label("Name", exact=True)
    field.fill("Typed so f")
    Token.objects.update(last_used_at=timezone.now(), last_used_client="Okta 9.9")
    expect(page.locator(f"#token-{token.pk}")).to_contain_text("by Okta 9.9")
    expect(field).to_be_focused()
    expect(field).to_have_value("Typed so f")


def test_a_day_is_chosen_moved_and_taken_back(open_page: Open, lived_in: Tenant) -> None:
    page, day = open_page("/settings/users/#scim"), timezone.localdate() + timedelta(days=40)
    page.get_by_text("Retire on a day").click()
    page.get_by_role("button", name="Retire in 7 days").click()
    expect(page.get_by_text("Retiring", exact=True)).to_be_visible()
    page.get_by_text("Move the day").click()
    page.get_by_label("It is no longer valid when this day begins").fill(str(day))
    page.get_by_role("button", name="Retire on that day").click()
    expect(page.locator("#scim")).to_contain_text(f"Token 1 retires on {day.day} {day:%b %Y}.")
    page.get_by_role("button", name="Keep it").click()
    expect(page.get_by_text("Retiring", exact=True)).to_have_count(0)
    expect(page.get_by_text("Token 1 stays valid.").first).to_be_visible()


def test_what_is_refused_is_said_beside_the_token(open_page: Open, lived_in: Tenant, complaints: list[str]) -> None:
    page = open_page("/settings/users/#scim")
    token = Token.objects.get()
    tokens.rotate_token(token.pk, by=lived_in.by)
    page.get_by_role("button", name="Rotate Token 1").click()
    expect(page.locator(".tokens > li .said")).to_contain_text("Token 1 has been rotated already")
    complaints.clear()


def test_the_tokens_are_for_everybody(
    lived_in: Tenant, signed_in: SignedIn, live_server: LiveServer, page: Page
) -> None:
    give_session(page.context, signed_in(lived_in, BuiltIn.ADMIN), live_server)
    token = Token.objects.get()
    token = tokens.rename_token(token.pk, "JumpCloud, the one that was made in November 2026 by hand", by=lived_in.by)
    tokens.rotate_token(token.pk, by=lived_in.by)
    tokens.retire_token(token.pk, timezone.now() + timedelta(days=7), expected_retires_at=None, by=lived_in.by)
    connections.generate_token(lived_in.connection, by=lived_in.by, days=10)
    Token.objects.filter(pk=token.pk).update(
        last_used_at=timezone.now(), last_used_address="198.51.100.7", last_used_client="JumpCloud SCIM client/1.0"
    )
    page.goto(f"{live_server.url}/settings/users/#scim")
    for words in ("Rename Token", "Move the day", f"Revoke {token.name[:9]}"):
        page.locator("summary").get_by_text(words).first.click()
    assert_for_everybody(page)
    page.goto("about:blank")
