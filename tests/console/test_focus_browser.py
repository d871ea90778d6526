"""What the script adds to an action, in Chromium: where the focus goes after it, and that it is done once."""

import pytest
from playwright.sync_api import Route, expect

from domains.models import Domain
from provisioning.models import Token
from tests.console.test_browser import Open, lived_in, open_page, switch_of
from tests.tenants import Tenant
from users.models import PersonalToken, User

__all__ = ["lived_in", "open_page"]

pytestmark = pytest.mark.django_db(transaction=True)


# Where the focus goes


def test_after_a_redirect_the_focus_is_on_what_was_said(open_page: Open, lived_in: Tenant) -> None:
    grace = lived_in.add("grace")
    page = open_page(f"/settings/users/{grace.pk}/")
    page.get_by_role("button", name="Suspend…").click()
    page.get_by_role("button", name="Suspend grace@acme.example").click()
    notice = page.get_by_text("grace@acme.example was suspended.")
    expect(notice).to_be_focused()
    expect(notice).to_be_in_viewport()


def test_after_a_refusal_the_focus_is_on_the_reason(open_page: Open, lived_in: Tenant) -> None:
    admin = User.objects.of(lived_in.id).get(user_name_key="admin@acme.example")
    page = open_page(f"/settings/users/{admin.pk}/")
    page.get_by_role("button", name="Remove…").click()
    page.get_by_role("button", name="Remove admin@acme.example").click()
    expect(page.get_by_text("admin@acme.example is the last active Admin.")).to_be_focused()


def test_after_a_token_is_revoked_the_focus_is_on_its_section(open_page: Open) -> None:
    page = open_page("/settings/users/#scim")
    page.get_by_text("Revoke", exact=False).first.click()
    page.get_by_role("button", name="Revoke this token").click()
    expect(page.get_by_text("There is no token yet.")).to_be_visible()
    expect(page.locator("#scim")).to_be_focused()


def test_after_undo_the_focus_is_on_the_switch(open_page: Open) -> None:
    page = open_page("/settings/organization/")
    switch_of(page, "acme.example").click()
    page.get_by_role("button", name="Undo").click()
    expect(switch_of(page, "acme.example")).to_be_checked()
    expect(switch_of(page, "acme.example")).to_be_focused()


def test_after_the_last_page_of_a_list_the_focus_is_on_the_list(open_page: Open) -> None:
    page = open_page("/settings/users/")
    page.get_by_role("link", name="Next").click()
    expect(page.locator("#users").get_by_text("26–29 of 29")).to_be_visible()
    expect(page.locator(":focus")).to_contain_text("26–29 of 29")


def test_a_new_personal_token_has_the_focus_and_a_refusal_too(open_page: Open) -> None:
    page = open_page("/settings/profile/")
    section = page.locator("#personal-tokens")
    section.get_by_label("What the token is for").fill("SIEM")
    section.get_by_role("button", name="Generate token").click()
    expect(section.get_by_text("Tick what the token is to be good for.")).to_be_focused()
    expect(section.get_by_label("What the token is for")).to_have_value("SIEM")
    section.get_by_label("Read your own user").check()
    section.get_by_role("button", name="Generate token").click()
    expect(section.get_by_label("Personal token", exact=True)).to_be_focused()
    section.get_by_text("Revoke", exact=False).first.click()
    section.get_by_role("button", name="Revoke this token").click()
    expect(section.get_by_text("You have no token yet.")).to_be_visible()
    expect(section).to_be_focused()
    assert PersonalToken.objects.filter(revoked_at=None).count() == 0


# What takes a while


def test_a_form_that_takes_a_while_says_so_and_is_sent_once(open_page: Open, lived_in: Tenant) -> None:
    page = open_page("/settings/users/?q=person0")
    page.get_by_label("All on this page").check()
    page.get_by_role("button", name="Suspend…").click()
    sent: list[str] = []

    def answer(route: Route) -> None:
        sent.append(route.request.method)
        route.fulfill(status=204)  # leaves the browser on the page

    page.route("**/settings/users/change/", answer)
    button = page.locator("button[value=read]")
    button.click()
    expect(button).to_have_text("Working…")
    expect(page.locator("#live")).to_have_text("Working…")
    button.click()
    page.keyboard.press("Enter")
    expect(button).to_have_attribute("aria-busy", "true")
    assert sent == ["POST"]


def test_a_change_without_reload_says_that_it_works_and_is_made_once(open_page: Open, lived_in: Tenant) -> None:
    page = open_page("/settings/users/#scim")
    held: list[Route] = []
    page.route("**/generate-token/", lambda route: held.append(route))
    button = page.locator("#generate-token")
    button.click()
    expect(button).to_have_text("Working…")
    button.click()
    assert len(held) == 1
    held[0].continue_()
    expect(page.get_by_label("Bearer token", exact=True)).to_be_focused()
    expect(button).to_have_text("Generate Token")
    assert Token.objects.of(lived_in.id).count() == 2


def test_a_button_is_itself_again_when_the_server_does_not_answer(open_page: Open, complaints: list[str]) -> None:
    page = open_page("/settings/users/#scim")
    held: list[Route] = []
    page.route("**/generate-token/", lambda route: held.append(route))
    button = page.locator("#generate-token")
    button.click()
    expect(button).to_have_text("Working…")
    held[0].abort()
    expect(button).to_have_text("Generate Token")
    assert button.get_attribute("aria-busy") is None
    complaints.clear()


def test_coming_back_to_a_form_that_was_sent_lets_it_be_sent_again(open_page: Open, lived_in: Tenant) -> None:
    page = open_page("/settings/organization/")
    page.get_by_label("Add a domain").fill("gmail.com")
    page.get_by_role("button", name="Add domain").click()
    expect(page.get_by_text("Nothing is added yet.")).to_be_visible()
    page.go_back()
    page.get_by_label("Add a domain").fill("fresh.example")
    page.get_by_role("button", name="Add domain").click()
    expect(page.get_by_role("heading", name="fresh.example", level=1)).to_be_visible()
    assert Domain.objects.of(lived_in.id).filter(name="fresh.example").exists()
