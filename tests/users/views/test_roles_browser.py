"""Roles in Chromium: the switch, a role made and deleted by the keyboard, axe, and no script at all."""

import pytest
from playwright.sync_api import Page, Route, expect
from pytest_django.live_server_helper import LiveServer

from tests.console.test_browser import Open, give_session, lived_in, no_script, open_page
from tests.everybody import assert_for_everybody
from tests.signed_in import SignedIn
from tests.tenants import Tenant
from users import profile as profiles
from users.models import User
from users.permissions import BuiltIn
from users.services import role_reassignment
from users.views import role_reassignment as progress

__all__ = ["lived_in", "no_script", "open_page"]

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_click_switches_a_role_off_and_keeps_the_focus(open_page: Open, lived_in: Tenant) -> None:
    page = open_page("/settings/users/")
    switch = page.get_by_role("switch", name="The role HR can be given")
    expect(switch).to_be_checked()
    switch.click()
    expect(switch).not_to_be_checked()
    expect(switch).to_be_focused()
    expect(page.locator("#roles").get_by_text("The role HR is off.")).to_be_visible()
    assert not lived_in.role(BuiltIn.HR).is_enabled


def test_the_switch_of_a_role_in_use_leads_to_the_choice(open_page: Open, lived_in: Tenant) -> None:
    ann = lived_in.add("ann", BuiltIn.HR)
    page = open_page("/settings/users/")
    page.get_by_role("switch", name="The role HR can be given").click()
    page.get_by_label("Its 1 person gets").select_option("IT")
    page.get_by_role("button", name="Switch HR off…").click()
    page.get_by_role("button", name="Switch HR off").click()
    expect(page.get_by_text("1 person has the role IT now.")).to_be_visible()
    assert User.objects.get(pk=ann.pk).role == lived_in.role(BuiltIn.IT)


def test_a_role_is_made_and_deleted_with_the_keyboard_alone(open_page: Open, lived_in: Tenant) -> None:
    page = open_page("/settings/users/")
    page.get_by_role("link", name="New role…").press("Enter")
    page.get_by_role("textbox", name="Name").press_sequentially("Front desk")
    page.get_by_label("Users", exact=True).press("e")
    page.get_by_role("textbox", name="Name").press("Enter")
    expect(page.get_by_text("Made the role Front desk.")).to_be_visible()
    assert lived_in.own_roles("Front desk").get().rights == "users.edit"
    page.get_by_role("button", name="Delete Front desk…").press("Enter")
    page.get_by_role("button", name="Delete Front desk").press("Enter")
    expect(page.get_by_text("Deleted the role Front desk.")).to_be_visible()
    assert not lived_in.own_roles("Front desk").exists()


def test_it_is_for_everybody(open_page: Open, lived_in: Tenant) -> None:
    own = lived_in.role("users.edit")
    lived_in.add("ann", "users.edit")
    hr = lived_in.role(BuiltIn.HR)
    for address in ("", f"roles/{hr.pk}/", "roles/new/", f"roles/{own.pk}/"):
        page = open_page(f"/settings/users/{address}")
        assert_for_everybody(page)
    page.get_by_role("button", name="Delete users.edit…").click()
    assert_for_everybody(page)


def test_everything_works_without_script(
    no_script: Page, lived_in: Tenant, signed_in: SignedIn, live_server: LiveServer
) -> None:
    page = no_script
    give_session(page.context, signed_in(lived_in), live_server)
    page.goto(f"{live_server.url}/settings/users/")
    page.get_by_role("switch", name="The role IT can be given").click()
    expect(page.get_by_text("The role IT is off.")).to_be_visible()
    page.get_by_role("link", name="New role…").click()
    page.get_by_label("Start from").select_option("Read-only")
    page.get_by_role("button", name="Copy its rights").click()
    expect(page.get_by_label("Domains")).to_have_value("view")
    page.get_by_role("textbox", name="Name").fill("Auditors")
    page.get_by_role("button", name="Make this role").click()
    page.get_by_role("textbox", name="Name").fill("Inspectors")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Inspectors", level=1)).to_be_visible()
    page.get_by_role("button", name="Delete Inspectors…").click()
    page.get_by_role("button", name="Delete Inspectors").click()
    expect(page.get_by_text("Deleted the role Inspectors.")).to_be_visible()


def open_a_role_of_many(page: Page, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let seven people have a role, and two of them be rewritten at a time."""
    monkeypatch.setattr(role_reassignment, "TOGETHER", 2)
    monkeypatch.setattr(progress, "STEPS_OF_A_PRESS", 2)
    for number in range(7):
        tenant.add(f"many{number}", "users.view")
    page.get_by_role("link", name="users.view").click()


def delete_a_role_of_many(page: Page, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a role go whose people get another one in several steps."""
    open_a_role_of_many(page, tenant, monkeypatch)
    page.get_by_role("button", name="Delete users.view…").click()
    page.get_by_role("button", name="Delete users.view", exact=True).click()


def test_a_page_shows_how_far_it_is_and_goes_on_by_itself(
    open_page: Open, lived_in: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    lived_in.role("users.view")
    page = open_page("/settings/users/")
    held: list[Route] = []
    page.route(lambda address: address.endswith("/delete/"), lambda route: let_wait_once(route, held))
    delete_a_role_of_many(page, lived_in, monkeypatch)
    expect(page.get_by_role("heading", name="2 of 7 people have the role App management now")).to_be_visible()
    expect(page.get_by_role("button", name="Go on")).to_be_hidden()
    assert_for_everybody(page)
    held[0].continue_()
    expect(page.get_by_text("Deleted the role users.view. 7 people have the role App management now.")).to_be_visible()


def test_a_page_shows_how_far_a_new_name_has_come_and_goes_on_by_itself(
    open_page: Open, lived_in: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    role = lived_in.role("users.view")
    page = open_page("/settings/users/")
    held: list[Route] = []
    page.route(lambda address: address.endswith("/rename/"), lambda route: let_wait_once(route, held))
    open_a_role_of_many(page, lived_in, monkeypatch)
    page.get_by_role("textbox", name="Name").fill("Front desk")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="0 of 7 people's profiles say Front desk now")).to_be_visible()
    expect(page.get_by_role("button", name="Go on")).to_be_hidden()
    assert_for_everybody(page)
    # Whoever leaves finds out on the page of the role, and goes on from there.
    page.goto(page.url.replace("/save/", "/"))
    expect(page.get_by_text("The others may still call this role users.view")).to_be_visible()
    assert_for_everybody(page)
    page.get_by_role("button", name="Go on with the new name").click()
    expect(page.get_by_text("The profiles of all its people say Front desk now.")).to_be_visible()
    expect(page.get_by_text("may still call this role")).to_be_hidden()
    said = [profiles.read(user)["roles"][0]["value"] for user in User.objects.filter(role=role)]
    assert said == ["Front desk"] * 7


def let_wait_once(route: Route, held: list[Route]) -> None:
    """Let the page wait for the first thing that its script asks for."""
    if "hx-request" in route.request.headers and not held:
        held.append(route)
    else:
        route.continue_()


def test_without_script_a_button_goes_on(
    no_script: Page, lived_in: Tenant, signed_in: SignedIn, live_server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = no_script
    lived_in.role("users.view")
    give_session(page.context, signed_in(lived_in), live_server)
    page.goto(f"{live_server.url}/settings/users/")
    delete_a_role_of_many(page, lived_in, monkeypatch)
    expect(page.get_by_role("heading", name="2 of 7 people")).to_be_visible()
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading", name="6 of 7 people")).to_be_visible()
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("Deleted the role users.view. 7 people have the role App management now.")).to_be_visible()


def test_without_script_a_button_brings_the_new_name(
    no_script: Page, lived_in: Tenant, signed_in: SignedIn, live_server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = no_script
    lived_in.role("users.view")
    give_session(page.context, signed_in(lived_in), live_server)
    page.goto(f"{live_server.url}/settings/users/")
    open_a_role_of_many(page, lived_in, monkeypatch)
    page.get_by_role("textbox", name="Name").fill("Front desk")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="0 of 7 people's profiles")).to_be_visible()
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading", name="4 of 7 people's profiles")).to_be_visible()
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("The profiles of all its people say Front desk now.")).to_be_visible()
