"""Domains in Chromium: added, verified and removed by keyboard, with script and without, and as axe sees it."""

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from domains import services
from domains.models import Domain
from tests.console.test_browser import Open, lived_in, no_script, open_page
from tests.everybody import assert_for_everybody
from tests.nameserver import NameServer
from tests.signed_in import PASSWORD, SignedIn
from tests.tenants import Tenant

__all__ = ["lived_in", "no_script", "open_page"]

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = "/settings/organization/"


def test_a_domain_is_added_verified_and_removed_by_keyboard(
    open_page: Open, lived_in: Tenant, nameserver: NameServer
) -> None:
    page = open_page(f"{PAGE}#domains")
    page.get_by_label("Add a domain").focus()
    page.keyboard.type("fresh.example")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="fresh.example", level=1)).to_be_visible()
    domain = Domain.objects.of(lived_in.id).get(name="fresh.example")
    expect(page.get_by_label("Value of the record", exact=True)).to_have_value(domain.record_value)

    nameserver.know("fresh.example")
    button = page.get_by_role("button", name="Check now")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("The record is not there yet.").first).to_be_visible()
    expect(button).to_be_focused()
    expect(page.locator("#live")).to_contain_text("The record is not there yet.")

    Domain.objects.filter(pk=domain.pk).update(checked_at=None)
    nameserver.know(domain.record_name, domain.record_value)
    page.keyboard.press("Enter")
    verified = page.locator("#verification p", has_text="was verified by DNS record")
    expect(verified).to_be_focused()
    expect(page.locator("#verification [autofocus]")).to_have_count(0)
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Turn on User requests")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("switch", name="User requests for fresh.example")).to_be_checked()

    page.get_by_role("link", name="fresh.example", exact=True).focus()
    page.keyboard.press("Enter")
    remove = page.get_by_role("button", name="Remove this domain")
    expect(remove).to_be_hidden()
    page.get_by_text("Remove fresh.example…").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(remove).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Removed fresh.example. Its people stay.")).to_be_visible()
    assert not Domain.objects.filter(pk=domain.pk).exists()


def test_the_record_can_be_copied(open_page: Open, lived_in: Tenant, live_server: LiveServer) -> None:
    domain = Domain.objects.of(lived_in.id).get(name="new.example")
    page = open_page(f"{PAGE}domains/{domain.pk}/")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=live_server.url)
    page.get_by_role("button", name="Copy name of the record").click()
    expect(page.locator("#live")).to_have_text("name of the record copied")
    assert page.evaluate("navigator.clipboard.readText()") == domain.record_name
    page.get_by_role("button", name="Copy value of the record").click()
    expect(page.get_by_role("button", name="Copy value of the record")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == domain.record_value


def test_checking_too_often_is_said_beside_the_button(
    open_page: Open, lived_in: Tenant, nameserver: NameServer, complaints: list[str]
) -> None:
    domain = Domain.objects.of(lived_in.id).get(name="new.example")
    page = open_page(f"{PAGE}domains/{domain.pk}/")
    page.get_by_role("button", name="Check now").click()
    expect(page.get_by_text("DNS knows no such domain.").first).to_be_visible()
    page.get_by_role("button", name="Check now").click()
    expect(page.locator("#verification [data-status]")).to_contain_text("Wait some seconds, then check again.")
    assert all("409" in text for text in complaints if "Failed to load" in text)
    complaints.clear()


def test_a_warning_has_the_focus_and_a_mistake_the_field(open_page: Open, lived_in: Tenant) -> None:
    page = open_page(f"{PAGE}#domains")
    field = page.get_by_label("Add a domain")
    field.fill("not a domain")
    page.get_by_role("button", name="Add domain").click()
    expect(field).to_be_focused()
    expect(field).to_have_value("not a domain")
    expect(page.get_by_role("alert")).to_contain_text("is not a valid domain name")
    field.fill("gmail.com")
    page.get_by_role("button", name="Add domain").click()
    confirmed = page.get_by_role("button", name="Add gmail.com all the same")
    expect(confirmed).to_be_focused()
    page.get_by_role("link", name="Don't add it").click()
    expect(confirmed).to_have_count(0)
    assert not Domain.objects.of(lived_in.id).filter(name="gmail.com").exists()


@pytest.mark.parametrize("shown", ["waiting", "wrong", "verified", "warning", "long name"])
def test_it_is_for_everybody(shown: str, open_page: Open, lived_in: Tenant, nameserver: NameServer, page: Page) -> None:
    waiting = Domain.objects.of(lived_in.id).get(name="new.example")
    verified = Domain.objects.of(lived_in.id).get(name="labs.example")
    long = services.add("bücher-" + "x" * 40 + ".example", by=lived_in.by)
    if shown == "wrong":
        nameserver.know(waiting.record_name, "saas-manager-verification=" + "x" * 200, "hello")
        services.verify(waiting.pk, by=lived_in.by)
    addresses = {
        "waiting": f"{PAGE}domains/{waiting.pk}/",
        "wrong": f"{PAGE}domains/{waiting.pk}/",
        "verified": f"{PAGE}domains/{verified.pk}/",
        "warning": f"{PAGE}?add=gmail.com#domains",
        "long name": f"{PAGE}domains/{long.pk}/",
    }
    open_page(addresses[shown])
    for summary in page.locator("summary").all():
        summary.click()
    assert_for_everybody(page)


def test_everything_works_without_script(
    no_script: Page, lived_in: Tenant, signed_in: SignedIn, live_server: LiveServer, nameserver: NameServer
) -> None:
    page = no_script
    signed_in(lived_in)  # makes the Admin
    page.goto(live_server.url + PAGE)
    page.get_by_label("E-mail address").fill("admin@acme.example")
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()

    page.get_by_label("Add a domain").fill("acrne.example")
    page.get_by_role("button", name="Add domain").click()
    expect(page.get_by_text("acrne.example looks like acme.example, but is another domain.")).to_be_visible()
    page.get_by_role("button", name="Add acrne.example all the same").click()
    domain = Domain.objects.of(lived_in.id).get(name="acrne.example")
    expect(page.get_by_label("Name of the record", exact=True)).to_have_value(domain.record_name)
    expect(page.get_by_role("button", name="Copy name of the record")).to_be_hidden()
    nameserver.know(domain.record_name, domain.record_value)
    page.get_by_role("button", name="Check now").click()
    expect(page.get_by_text("was verified by DNS record")).to_be_visible()
    page.get_by_text("Remove acrne.example…").click()
    page.get_by_role("button", name="Remove this domain").click()
    expect(page.get_by_text("Removed acrne.example. Its people stay.")).to_be_visible()
    assert not Domain.objects.of(lived_in.id).filter(name="acrne.example").exists()
