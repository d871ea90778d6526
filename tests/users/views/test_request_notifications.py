"""Settings > Users > Account request notifications: who is found, added and removed, and what is said of them."""

import re
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.signed_in import SignedIn, htmx
from tests.tenants import Tenant
from users.models import RequestNotification
from users.permissions import BuiltIn
from users.services import accounts, request_notifications

ADD = "/settings/users/request-notices/add/"
REMOVE = "/settings/users/request-notices/remove/"
KEY = "account-request-notifications"
HERE = f"/settings/users/#{KEY}"


@pytest.fixture
def client(acme: Tenant, signed_in: SignedIn) -> Client:
    return signed_in(acme)


def section(client: Client, **query: str) -> str:
    answer = client.get("/settings/users/", query, **htmx(KEY))
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def found(html: str) -> list[str]:
    """Those who can be added."""
    return re.findall(r'aria-label="Add ([^"]+)"', html)


def row_of(html: str, name: str) -> str:
    return next(row for row in re.findall(r"<(?:tr|li)>.*?</(?:tr|li)>", html) if name in row)


def on_list(tenant: Tenant) -> list[str]:
    return [str(person) for person in request_notifications.listed(tenant.id)]


def test_somebody_is_found_by_name_or_address_added_and_removed(acme: Tenant, client: Client) -> None:
    moss = acme.add("grace", BuiltIn.READ_ONLY, profile={"name": {"givenName": "Grace", "familyName": "Moss"}})
    acme.add("ivo")
    assert "Nobody is on the list, so all active Admins are mailed" in section(client)
    assert found(section(client, notify="MOSS")) == found(section(client, notify="grace@acme")) == ["Grace Moss"]
    answer = client.post(ADD, {"person": str(moss.pk), "notify": "moss"})
    assert answer.headers["Location"] == HERE
    page = section(client)
    assert "grace@acme.example is mailed about account requests." in page
    assert "The people on the list are mailed" in page
    assert "On the list" in row_of(section(client, notify="moss"), "grace@acme.example")
    assert client.post(REMOVE, {"person": str(moss.pk)}).headers["Location"] == HERE
    page = section(client)
    assert "grace@acme.example is no longer mailed about account requests." in page
    assert "Nobody is on the list" in page


def test_adding_and_removing_twice_does_it_once_and_says_so(acme: Tenant, client: Client) -> None:
    hal = acme.add("hal")
    for said in ("is mailed about account requests.", "is mailed about account requests already."):
        client.post(ADD, {"person": str(hal.pk)})
        assert f"hal@acme.example {said}" in section(client)
    assert on_list(acme) == ["hal@acme.example"]
    for said in ("is no longer mailed about account requests.", "was off the list already."):
        client.post(REMOVE, {"person": str(hal.pk)})
        assert f"hal@acme.example {said}" in section(client)


def test_the_script_gets_the_new_section(acme: Tenant, client: Client) -> None:
    hal = acme.add("hal")
    for address, said in ((ADD, "is mailed about"), (REMOVE, "is no longer mailed about")):
        html = client.post(address, {"person": str(hal.pk)}, **htmx()).content.decode()
        assert html.strip().startswith(f'<section id="{KEY}"')
        assert f"hal@acme.example {said} account requests." in html
    accounts.set_active(hal.pk, False, by=acme.by)
    answer = client.post(ADD, {"person": str(hal.pk)}, **htmx())
    assert answer.status_code == 409
    assert answer.content.decode().startswith("hal@acme.example is suspended")


def test_it_is_said_who_on_the_list_can_not_approve_and_who_is_not_mailed(acme: Tenant, client: Client) -> None:
    people = {
        "admin": acme.add("ann", BuiltIn.ADMIN),
        "own": acme.add("odd", "users.edit"),
        "reads": acme.add("rae", BuiltIn.READ_ONLY),
        "suspended": acme.add("sue", BuiltIn.ADMIN),
    }
    for person in people.values():
        request_notifications.add(person.pk, by=acme.by)
    accounts.set_active(people["suspended"].pk, False, by=acme.by)
    page = section(client)
    assert "Can't approve" in row_of(page, "rae@")
    assert "Suspended, not mailed" in row_of(page, "sue@")
    for login in ("ann@", "odd@"):
        assert "badge" not in row_of(page, login)
    for login in ("ann", "odd", "rae"):
        request_notifications.remove(next(person.pk for person in people.values() if login in str(person)), by=acme.by)
    assert "Everybody on the list is suspended, so all active Admins are mailed" in section(client)


def test_the_search_says_who_would_be_of_no_use(acme: Tenant, client: Client) -> None:
    acme.add("rae", BuiltIn.READ_ONLY)
    sue = acme.add("sue")
    accounts.set_active(sue.pk, False, by=acme.by)
    assert "Can't approve" in row_of(section(client, notify="rae"), "rae@")
    page = section(client, notify="sue")
    assert found(page) == []
    assert "Suspended" in row_of(page, "sue@")
    page = section(client, notify="<nobody>")
    assert "Nobody here has “&lt;nobody&gt;” in their name or address." in page
    assert 'href="/settings/users/invite/"' in page


def test_at_most_ten_are_shown_and_more_are_hinted_at(acme: Tenant, client: Client) -> None:
    for number in range(11):
        acme.add(f"p{number:02}")
    page = section(client, notify="p")
    assert len(found(section(client, notify="p0"))) == 10
    assert "These are the first 10." not in section(client, notify="p0")
    assert "These are the first 10." in page
    assert len(found(page)) == 10


def test_the_section_costs_the_same_however_many_are_found_and_listed(acme: Tenant, client: Client) -> None:
    costs = []
    for batch in range(2):
        for number in range(4):
            request_notifications.add(acme.add(f"p{batch}{number}", BuiltIn.IT).pk, by=acme.by)
        with CaptureQueriesContext(connection) as queries:
            section(client, notify="p")
        costs.append(len(queries))
    assert costs[0] == costs[1]


@pytest.mark.parametrize("text", ["", " ", "\x00", "%", "_", "'", "q" * 1000, "a@b@c", "\ufffd", "ü@münchen.example"])
def test_a_search_for_rubbish_finds_nobody(text: str, acme: Tenant, client: Client) -> None:
    acme.add("hal")
    assert found(section(client, notify=text)) == []


def test_a_refusal_keeps_what_was_searched_for(acme: Tenant, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    hal = acme.add("hal-co")
    accounts.set_active(hal.pk, False, by=acme.by)
    page = client.post(ADD, {"person": str(hal.pk), "notify": "hal-co"}, follow=True).content.decode()
    assert "hal-co@acme.example is suspended and would get no mail. Restore them first, then add them." in page
    assert 'name="notify" value="hal-co"' in page
    accounts.set_active(hal.pk, True, by=acme.by)
    monkeypatch.setattr(request_notifications, "MOST", 0)
    page = client.post(ADD, {"person": str(hal.pk), "notify": "hal-co"}, follow=True).content.decode()
    assert "At most 0 people are mailed about each request. Remove somebody first." in page
    assert on_list(acme) == []


@pytest.mark.parametrize("address", [ADD, REMOVE])
def test_forged_forms_change_nothing(address: str, acme: Tenant, globex: Tenant, client: Client) -> None:
    foreign = globex.add("gabriel")
    request_notifications.add(foreign.pk, by=globex.by)
    for person in (str(foreign.pk), str(uuid4())):
        assert client.post(address, {"person": person}).status_code == 404
        assert client.post(address, {"person": person}, **htmx()).status_code == 404
    for form in ({}, {"person": ""}, {"person": "no-uuid"}, {"person": "\x00"}):
        assert client.post(address, form, **htmx()).status_code == 400
        assert client.post(address, form).headers["Location"] == HERE
    assert client.get(address).headers["Location"] == HERE
    assert list(RequestNotification.objects.values_list("user", flat=True)) == [foreign.pk]


def test_who_may_only_read_sees_the_list_and_no_search(acme: Tenant, signed_in: SignedIn) -> None:
    reader: Any = signed_in(acme, BuiltIn.READ_ONLY)
    request_notifications.add(acme.add("hal").pk, by=acme.by)
    page = section(reader, notify="hal")
    assert "hal@acme.example" in page
    assert "<form" not in page
