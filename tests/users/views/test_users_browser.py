"""The list of people and a person's page in Chromium: ticking, the way there and back, the keyboard, axe, no script."""

import re

import pytest
from playwright.sync_api import Page, Route, expect
from pytest_django.live_server_helper import LiveServer

from tests.console.test_browser import Open, lived_in, no_script, open_page
from tests.everybody import assert_for_everybody
from tests.signed_in import PASSWORD, SignedIn
from tests.tenants import Tenant
from users.models import User
from users.permissions import BuiltIn

__all__ = ["lived_in", "no_script", "open_page"]

pytestmark = pytest.mark.django_db(transaction=True)


def somebody(tenant: Tenant, login: str) -> User:
    return User.objects.of(tenant.id).get(user_name_key=f"{login}@acme.example")


def test_people_are_ticked_all_at_once_and_suspended(open_page: Open, lived_in: Tenant) -> None:
    page = open_page("/settings/users/?q=person0")
    page.get_by_label("All on this page").check()
    expect(page.get_by_label("Tick person09@acme.example")).to_be_checked()
    page.get_by_label("Tick person09@acme.example").uncheck()
    page.get_by_role("button", name="Suspend…").click()
    expect(page.get_by_role("heading", name="Suspend 9 people?")).to_be_visible()
    page.get_by_role("button", name="Suspend 9 people").click()
    expect(page.get_by_text("9 people were suspended.")).to_be_visible()
    expect(page).to_have_url(re.compile(r"q=person0"))
    assert User.objects.of(lived_in.id).filter(is_active=False).count() == 10
    assert somebody(lived_in, "person09").is_active


def test_the_list_is_as_it_was_after_a_look_at_somebody(open_page: Open) -> None:
    page = open_page("/settings/users/")
    page.get_by_label("Sort").select_option("By name")
    expect(page).to_have_url(re.compile("sort=name"))
    page.get_by_role("link", name="Next").click()
    expect(page.locator("#users").get_by_text("26–29 of 29")).to_be_visible()
    page.get_by_role("link", name="sue@acme.example").click()
    expect(page.get_by_role("heading", name="sue@acme.example", level=1)).to_be_visible()
    page.go_back()
    expect(page.locator("#users").get_by_text("26–29 of 29")).to_be_visible()
    expect(page.get_by_label("Sort")).to_have_value("name")


def test_a_search_is_one_place_to_go_back_to_however_many_letters_it_has(open_page: Open) -> None:
    page = open_page("/settings/users/")
    before = history_length(page)
    search = page.get_by_label("Search by name or e-mail")
    for typed in ("p", "pe", "pers", "person", "person1"):
        search.fill(typed)
        expect(page).to_have_url(re.compile(f"q={typed}&"))
    search.press("Enter")
    expect(page.locator("#users").get_by_text("1–10 of 10")).to_be_visible()
    assert history_length(page) == before + 1
    search.fill("sue")
    expect(page).to_have_url(re.compile("q=sue&"))
    assert history_length(page) == before + 2, "another search is another place"
    page.go_back()
    expect(search).to_have_value("person1")
    page.go_back()
    expect(search).to_have_value("")
    expect(page.locator("#users").get_by_text("1–25 of 29")).to_be_visible()


def test_what_is_typed_the_moment_an_answer_is_there_is_searched_for(open_page: Open) -> None:
    page = open_page("/settings/users/")
    search = page.get_by_label("Search by name or e-mail")
    search.focus()
    page.evaluate(
        """() => document.addEventListener('htmx:afterSwap', () => setTimeout(() => {
          document.activeElement.value = 'person07';
          document.activeElement.dispatchEvent(new Event('input', {bubbles: true}));
        }), {once: true})"""
    )
    search.press_sequentially("person")
    expect(page.locator("#users").get_by_text("1–1 of 1")).to_be_visible()
    expect(page).to_have_url(re.compile("q=person07&"))


def test_what_is_typed_while_an_answer_is_on_its_way_is_not_lost(open_page: Open) -> None:
    page = open_page("/settings/users/")
    search = page.get_by_label("Search by name or e-mail")
    waiting: list[Route] = []
    page.route(re.compile("q=person&"), lambda route: waiting.append(route))  # noqa: PLW0108
    search.press_sequentially("person")
    while not waiting:
        page.wait_for_timeout(20)
    search.press_sequentially("07")
    waiting[0].continue_()
    expect(page.locator("#users").get_by_text("1–1 of 1")).to_be_visible()
    expect(search).to_have_value("person07")
    expect(search).to_be_focused()
    expect(page).to_have_url(re.compile("q=person07&"))


def history_length(page: Page) -> int:
    return int(page.evaluate("history.length"))


def test_somebody_is_removed_with_the_keyboard_alone(open_page: Open, lived_in: Tenant) -> None:
    grace = lived_in.add("grace")
    page = open_page(f"/settings/users/{grace.pk}/")
    remove = page.get_by_role("button", name="Remove…")
    for _ in range(30):
        page.keyboard.press("Tab")
        if remove.evaluate("button => button === document.activeElement"):
            break
    expect(remove).to_be_focused()
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    confirmed = page.get_by_role("button", name="Remove grace@acme.example")
    expect(confirmed).to_be_visible()
    assert User.objects.filter(pk=grace.pk).exists()
    for _ in range(30):
        page.keyboard.press("Tab")
        if confirmed.evaluate("button => button === document.activeElement"):
            break
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").get_by_text("grace@acme.example was removed.")).to_be_visible()
    assert not User.objects.filter(pk=grace.pk).exists()


def test_the_csv_is_a_download(open_page: Open) -> None:
    page = open_page("/settings/users/?q=person01")
    with page.expect_download() as download:
        page.get_by_role("link", name="Export CSV").click()
    assert download.value.suggested_filename.startswith("users-acme-")
    lines = download.value.path().read_text(encoding="utf-8-sig").splitlines()
    assert len(lines) == 2 and lines[1].startswith("person01@acme.example,")


def test_the_way_to_a_removal_is_for_everybody(open_page: Open, lived_in: Tenant, page: Page) -> None:
    admin = somebody(lived_in, "admin")
    open_page(f"/settings/users/{admin.pk}/")
    for step in ("Remove…", "Remove admin@acme.example", ""):
        assert_for_everybody(page)
        if step:
            page.get_by_role("button", name=step).click()
            page.wait_for_load_state()
    expect(page.get_by_text("admin@acme.example is the last active Admin.")).to_be_visible()


def test_it_all_works_without_script(
    no_script: Page, lived_in: Tenant, signed_in: SignedIn, live_server: LiveServer
) -> None:
    page = no_script
    signed_in(lived_in)  # makes the Admin
    page.goto(f"{live_server.url}/sign-in/acme/")
    page.get_by_label("E-mail address").fill("admin@acme.example")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()

    page.get_by_label("Sort").select_option("Newest first")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_label("All on this page")).to_be_hidden()
    page.get_by_label("Tick person20@acme.example").check()
    page.get_by_label("Tick person21@acme.example").check()
    page.get_by_label("Role for the people who are ticked").select_option("HR")
    page.get_by_role("button", name="Change role…").click()
    page.get_by_role("button", name="Change the role of 2 people").click()
    expect(page.get_by_text("2 people were given the role HR.")).to_be_visible()
    expect(page.get_by_label("Sort")).to_have_value("newest")
    assert User.objects.of(lived_in.id).filter(role__key=BuiltIn.HR).count() == 2

    page.get_by_role("link", name="person20@acme.example").click()
    page.get_by_role("button", name="Suspend…").click()
    page.get_by_role("link", name="Cancel").click()
    page.get_by_label("Role").select_option("IT")
    page.get_by_role("button", name="Change role").click()
    expect(page.get_by_text("person20@acme.example was given the role IT.")).to_be_visible()
    page.get_by_role("button", name="Suspend…").click()
    lived_in.update(somebody(lived_in, "person20"), title="Director")
    page.get_by_role("button", name="Suspend person20@acme.example").click()
    expect(page.get_by_text("has been changed by somebody else since you opened the page")).to_be_visible()
    assert somebody(lived_in, "person20").is_active
