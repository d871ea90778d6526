"""Role rules in Chromium: by the keyboard, without script, applied part by part while one looks on, and axe."""

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from provisioning.services.role_rules import rules as role_rules_rules
from provisioning.views import role_rules
from tests.console.test_browser import Open, give_session, lived_in, no_script, open_page
from tests.everybody import assert_for_everybody
from tests.provisioning.services.role_rules.test_rules import SALES_ARE_HR
from tests.provisioning.views.test_role_rules import EDITOR, provisioned, rules
from tests.role_rules import role_of, save
from tests.signed_in import SignedIn
from tests.tenants import Tenant
from users.models import GivenBy

__all__ = ["lived_in", "no_script", "open_page"]

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_rule_is_made_previewed_and_saved_with_the_keyboard_alone(open_page: Open, lived_in: Tenant) -> None:
    ann = provisioned(lived_in, "ann", title="Boss")
    page = open_page("/settings/users/")
    page.get_by_role("link", name="Make rules…").press("Enter")
    page.get_by_label("Where").select_option("title")
    page.get_by_label("Role").select_option("HR")
    page.get_by_label("Value").press_sequentially("boss")
    page.get_by_label("Value").press("Enter")
    expect(page.get_by_role("heading", name="1 person changes")).to_be_visible()
    expect(page.get_by_role("row", name="ann@acme.example")).to_contain_text("rule 1: title is boss")
    page.get_by_role("button", name="Save and apply").press("Enter")
    expect(page.get_by_text("Saved. 1 person has another role now.")).to_be_visible()
    assert role_of(ann.pk) == "HR by rule"


def test_rules_are_moved_and_deleted_and_the_focus_goes_along(open_page: Open, lived_in: Tenant) -> None:
    save(lived_in.organization, SALES_ARE_HR, ("title", "is", "Boss", "IT"))
    page = open_page(EDITOR)
    page.get_by_role("button", name="Down: rule 1").click()
    expect(page.get_by_label("Value").nth(1)).to_have_value("Sales")
    expect(page.get_by_label("Value").nth(1)).to_be_focused()
    page.get_by_role("button", name="Delete: rule 1").click()
    page.get_by_role("button", name="Preview").last.click()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Saved. Nobody's role has changed.")).to_be_visible()
    assert rules(lived_in) == ["department is Sales: HR"]


def test_everybody_is_reached_while_the_page_is_open(
    open_page: Open, lived_in: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(role_rules, "APPLIES_FOR", 0)
    monkeypatch.setattr(role_rules_rules, "LOCKED_TOGETHER", 2)
    people = [provisioned(lived_in, f"p{number}", title="Boss") for number in range(5)]
    role_rules_rules.save(_bosses(lived_in), expected_version=0, by=lived_in.by)
    page = open_page("/settings/users/#role-rules")
    expect(page.get_by_text("Done. 5 people have another role now.").first).to_be_visible()
    assert [role_of(each.pk) for each in people] == ["HR by rule"] * 5


def _bosses(tenant: Tenant) -> list[role_rules_rules.RuleInput]:
    return [role_rules_rules.RuleInput("title", "is", "Boss", str(tenant.role("hr").pk))]


def test_all_works_without_script(
    no_script: Page, lived_in: Tenant, signed_in: SignedIn, live_server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(role_rules, "APPLIES_FOR", 0)
    monkeypatch.setattr(role_rules_rules, "LOCKED_TOGETHER", 2)
    people = [provisioned(lived_in, f"p{number}", title="Boss") for number in range(3)]
    give_session(no_script.context, signed_in(lived_in), live_server)
    no_script.goto(live_server.url + EDITOR)
    no_script.get_by_label("Where").select_option("title")
    no_script.get_by_label("Value").fill("Boss")
    no_script.get_by_label("Role").select_option("HR")
    no_script.get_by_role("button", name="Preview").last.click()
    no_script.get_by_role("button", name="Save and apply").click()
    expect(no_script.get_by_text("Saved. 2 of about 3 people have their new role.")).to_be_visible()
    no_script.get_by_role("button", name="Go on").click()
    expect(no_script.get_by_text("Done. 3 people have another role now.")).to_be_visible()
    assert [role_of(each.pk) for each in people] == ["HR by rule"] * 3


def test_it_is_for_everybody(open_page: Open, lived_in: Tenant) -> None:
    provisioned(lived_in, "ann", title="Boss of everything with a very long name")
    save(lived_in.organization, SALES_ARE_HR, ("title", "begins", "Chief", "Admin"))
    page = open_page("/settings/users/")
    assert_for_everybody(page)
    page.goto(page.url + "scim/role-rules/")
    assert_for_everybody(page)
    page.get_by_role("button", name="Add a rule").click()
    page.get_by_role("button", name="Preview").last.click()
    expect(page.get_by_text("Rule 3: write what the group has to be.")).to_be_visible()
    assert_for_everybody(page)
    page.get_by_label("Where").nth(2).select_option("title")
    page.get_by_label("Value").nth(2).fill("Boss of everything with a very long name")
    page.get_by_label("Role").nth(2).select_option("IT")
    page.get_by_role("button", name="Preview").last.click()
    expect(page.get_by_text("1 person changes")).to_be_visible()
    assert_for_everybody(page)


def test_a_person_is_left_to_the_rules_with_the_keyboard_and_for_everybody(open_page: Open, lived_in: Tenant) -> None:
    ann = provisioned(lived_in, "ann", GivenBy.MANUAL, title="Boss of everything with a very long name")
    save(lived_in.organization, ("title", "begins", "Boss", "HR"))
    page = open_page(f"/settings/users/{ann.pk}/")
    button = page.get_by_role("button", name="Let the role rules decide")
    expect(button).to_be_visible()
    assert_for_everybody(page)
    button.press("Enter")
    expect(
        page.get_by_text("The role rules decide about ann@acme.example from now on. The role is HR.")
    ).to_be_visible()
    expect(button).not_to_be_attached()
    assert role_of(ann.pk) == "HR by rule"
