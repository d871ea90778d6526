"""Settings > Organization > Your organization: changing name and time zone, and what is said where that can't be."""

import re
from html import unescape
from typing import Any

import pytest
from django.test import Client

from organizations.models import Organization
from tests.signed_in import SignedIn
from tests.tenants import Tenant
from users.permissions import BuiltIn

pytestmark = pytest.mark.django_db

PAGE, DETAILS = "/settings/organization/", "/settings/organization/details/"


@pytest.fixture
def client(acme: Tenant, signed_in: SignedIn) -> Client:
    return signed_in(acme)


def form_of(client: Client) -> dict[str, str]:
    """What a browser would send back from the page as it is."""
    html = client.get(PAGE).content.decode()
    form = re.search(rf'<form[^>]*action="{DETAILS}".*?</form>', html, re.DOTALL)
    assert form
    tags = re.findall(r"<input[^>]*>", form[0])
    fields = {re.search(r'name="(\w+)"', tag)[1]: re.search(r'value="([^"]*)"', tag)[1] for tag in tags}  # type: ignore[index]
    zone, style = re.findall(r'<option value="([^"]+)" selected>', form[0])
    return {name: unescape(value) for name, value in fields.items()} | {"time_zone": zone, "date_style": style}


def now(acme: Tenant) -> tuple[str, str]:
    organization = Organization.objects.get(pk=acme.id)
    return organization.name, organization.time_zone


def test_a_change_is_saved_said_and_kept_in_the_log(acme: Tenant, client: Client) -> None:
    answer = client.post(DETAILS, form_of(client) | {"name": ' "Acme" & Söhne ', "time_zone": "Asia/Kolkata"})
    assert answer.headers["Location"] == "/settings/organization/#your-organization"
    assert now(acme) == ('"Acme" & Söhne', "Asia/Kolkata")
    assert "Saved." in client.get(PAGE).content.decode()
    assert form_of(client)["name"] == '"Acme" & Söhne'
    assert (acme.last_event().action, acme.last_event().actor_label) == ("organization.updated", "admin@acme.example")


def test_times_follow_the_zone_at_once(acme: Tenant, client: Client) -> None:
    client.post(DETAILS, form_of(client) | {"time_zone": "Asia/Kolkata"})
    assert "IST" in client.get("/settings/audit-log/").content.decode()


def test_sending_the_form_twice_does_nothing_twice(acme: Tenant, client: Client) -> None:
    form = form_of(client) | {"name": "Acme Ltd"}
    client.post(DETAILS, form)
    events = acme.events()
    answer = client.post(DETAILS, form)
    assert answer.status_code == 200
    assert now(acme) == ("Acme Ltd", "UTC")
    assert acme.events() == events


def test_the_second_admin_is_told_and_can_save_all_the_same(acme: Tenant, client: Client) -> None:
    mine = form_of(client) | {"name": "Acme Inc"}
    client.post(DETAILS, form_of(client) | {"name": "Acme Ltd"})
    html = unescape(client.post(DETAILS, mine).content.decode())
    assert "Somebody else has changed this meanwhile: it is 'Acme Ltd' in UTC now, with dates in English" in html
    assert 'name="name" value="Acme Inc"' in html
    assert 'name="expected_name" value="Acme Ltd"' in html
    assert now(acme) == ("Acme Ltd", "UTC")
    client.post(DETAILS, mine | {"expected_name": "Acme Ltd"})
    assert now(acme) == ("Acme Inc", "UTC")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": ""}, "This field is required."),
        ({"name": "x" * 121}, "at most 120 characters"),
        ({"name": "a\x00"}, "Null characters are not allowed."),
        ({"name": "a\u2028b"}, "Write it on one line"),
        ({"time_zone": "Mars/Olympus"}, "Select a valid choice."),
        ({"time_zone": ""}, "This field is required."),
        ({"date_style": "tlh"}, "Select a valid choice."),
        ({"date_style": ""}, "This field is required."),
        ({"expected_date_style": "de"}, "Somebody else has changed this meanwhile"),
        ({"expected_name": ""}, "Somebody else has changed this meanwhile"),
        ({"expected_time_zone": "\x00"}, "Somebody else has changed this meanwhile"),
    ],
)
def test_what_makes_no_sense_changes_nothing_and_stays_typed(
    change: dict[str, str], words: str, acme: Tenant, client: Client
) -> None:
    answer = client.post(DETAILS, form_of(client) | {"name": "Typed Ltd"} | change)
    html = answer.content.decode()
    assert answer.status_code == 200
    assert words in html
    if "name" not in change:
        assert 'value="Typed Ltd"' in html
    assert now(acme) == ("Acme", "UTC")


def test_an_empty_form_changes_nothing(acme: Tenant, client: Client) -> None:
    assert client.post(DETAILS, {}).status_code == 200
    assert now(acme) == ("Acme", "UTC")


def test_a_zone_under_an_old_name_stays_what_it_is(acme: Tenant, client: Client) -> None:
    acme.organization.time_zone = "GB"
    acme.organization.save()
    assert form_of(client)["time_zone"] == "GB"
    client.post(DETAILS, form_of(client) | {"name": "Acme Ltd"})
    assert now(acme) == ("Acme Ltd", "GB")


@pytest.mark.parametrize("role", [BuiltIn.READ_ONLY, BuiltIn.DOMAIN_MANAGER])
def test_who_may_only_look_sees_the_facts(role: BuiltIn, acme: Tenant, signed_in: Any) -> None:
    html = signed_in(acme, role).get(PAGE).content.decode()
    assert "<dd>Acme</dd>" in html
    assert "<dd>UTC</dd>" in html
    assert DETAILS not in html
