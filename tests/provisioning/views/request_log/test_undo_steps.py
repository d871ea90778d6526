"""Undo of more than one request has time for: a page shows how far it is, and each step goes on from the last one."""

import re
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from provisioning.models import Connection, RequestLog
from provisioning.views.request_log import undo
from tests.identity_provider import Idp
from tests.provisioning.views.request_log.test_undo import (
    bulk,
    client,
    confirm,
    idp,
    making,
    page_of_request,
    patching,
    removing,
    shown,
    title,
)
from tests.signed_in import SignedIn, htmx
from tests.tenants import Tenant
from tests.users.views.test_user_actions import text
from users.models import Role, Source, User
from users.permissions import BuiltIn

__all__ = ["client", "idp"]

PLACE = "0198c0de-0000-7000-8000-000000000000"


@pytest.fixture(autouse=True)
def _one_change_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(undo, "UNDOES_FOR", 0)


@pytest.fixture
def people(acme: Tenant) -> list[User]:
    return [acme.add(f"p{number}", profile={"title": "A"}) for number in range(4)]


def all_of(row: RequestLog) -> str:
    return f"{page_of_request(row)}undo/all/"


def changing(people: list[User]) -> list[dict[str, Any]]:
    return [patching(str(each.pk), title="B") for each in people]


def titles(people: list[User]) -> str:
    return "".join(title(each) for each in people)


def sent_by(html: str) -> dict[str, str]:
    """What the form of the page sends when the next step is taken."""
    assert "<progress" in html
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', html))


def go_on(client: Client, address: str, html: str) -> str:
    """Take all the steps that are left, as the page's script does; where it leads to then."""
    for _ in range(100):
        answer = client.post(address, sent_by(html), **htmx(undo.CARD))
        if leads := answer.headers.get("HX-Redirect"):
            return leads
        html = answer.content.decode()
    raise AssertionError("It does not come to an end.")


@pytest.mark.parametrize("script", [True, False])
def test_a_page_shows_how_far_it_is_and_leads_back_in_the_end(
    script: bool, idp: Idp, people: list[User], client: Client
) -> None:
    row = bulk(idp, *changing(people))
    html = client.post(all_of(row)).content.decode()
    assert "<main" in html
    headers = htmx(undo.CARD) if script else {}
    for number, so_far in ((1, "BBBA"), (2, "BBAA"), (3, "BAAA")):
        assert f"{number} of 4 changes are undone" in html
        assert re.search(rf'<progress max="4" value="{number}"', html)
        assert f'hx-post="{all_of(row)}"' in html
        assert titles(people) == so_far
        answer = client.post(all_of(row), sent_by(html), **headers)
        html = answer.content.decode()
        assert ("<main" in html) is (not script and number < 3)
    leads = answer.headers["HX-Redirect" if script else "Location"]
    assert leads == f"{page_of_request(row)}#history"
    assert "4 changes were undone." in shown(client, leads)
    assert titles(people) == "AAAA"


def test_whoever_leaves_can_undo_the_rest_later(idp: Idp, people: list[User], client: Client) -> None:
    row = bulk(idp, *changing(people))
    client.post(all_of(row), sent_by(client.post(all_of(row)).content.decode()))
    assert titles(people) == "BBAA"
    assert "2 changes of people" in shown(client, f"{page_of_request(row)}undo/")
    html = client.post(all_of(row)).content.decode()
    assert "1 of 2 changes are undone" in text(html)
    assert "2 changes were undone." in shown(client, go_on(client, all_of(row), html))
    assert titles(people) == "AAAA"


def test_what_was_refused_is_not_tried_again_and_told_at_the_end(
    acme: Tenant, idp: Idp, people: list[User], client: Client
) -> None:
    row = bulk(idp, *changing(people))
    for person in people[2:]:
        acme.update(person, title="C")
    html = client.post(all_of(row)).content.decode()
    assert "0 of 4 changes are undone" in text(html)
    assert "1 change was refused; why is said at the end." in text(html)
    shown(client, page_of_request(row))
    said = shown(client, go_on(client, all_of(row), html))
    assert re.search(r"2 changes were undone\. p3@\S+ title has been changed again.* p2@\S+ title has been", said)
    assert said.count("has been changed again") == 2
    assert titles(people) == "AACC"


def test_of_many_refusals_in_steps_the_first_are_told_and_the_rest_counted(
    acme: Tenant, idp: Idp, client: Client
) -> None:
    row = bulk(idp, *(making(f"p{number:02}") for number in range(25)))
    User.objects.filter(user_name__startswith="p").update(role=acme.role(BuiltIn.ADMIN))
    User.objects.filter(user_name_key__startswith="admin").update(role=acme.role("users.edit sign-in.view"))
    said = shown(client, go_on(client, all_of(row), client.post(all_of(row)).content.decode()))
    assert said.count("which may do more than yours") == 20
    assert "5 changes were refused, too." in said
    assert "undone" not in said


def test_who_was_removed_and_changed_before_that_is_as_before(idp: Idp, people: list[User], client: Client) -> None:
    first, *others = people
    row = bulk(idp, patching(str(first.pk), title="B"), removing(str(first.pk)), *changing(others))
    said = shown(client, go_on(client, all_of(row), client.post(all_of(row)).content.decode()))
    assert "5 changes were undone." in said
    assert titles(people) == "AAAA"


def test_whoever_undoes_what_gave_them_their_rights_comes_to_the_end(
    acme: Tenant, idp: Idp, people: list[User], signed_in: SignedIn
) -> None:
    acme.add("boss", BuiltIn.ADMIN)
    Connection.objects.of(acme.id).update(manage_admins=True)
    client = signed_in(acme, BuiltIn.READ_ONLY)
    asker = User.objects.of(acme.id).get(role=acme.role(BuiltIn.READ_ONLY))
    User.objects.filter(pk=asker.pk).update(source=Source.SCIM, managed_by=acme.connection.pk)

    def role_of() -> str:
        return Role.objects.get(users=asker).key

    row = bulk(idp, *changing(people), patching(str(asker.pk), roles=[{"value": "Admin"}]))
    assert role_of() == BuiltIn.ADMIN
    leads = go_on(client, all_of(row), client.post(all_of(row)).content.decode())
    assert titles(people) == "AAAA"
    assert role_of() == BuiltIn.READ_ONLY
    assert "5 changes were undone." in shown(client, leads)


@pytest.mark.parametrize(
    "rubbish",
    [
        *({"place": place} for place in ("", "x", "\x00", "9" * 400, str(uuid4()), PLACE)),
        *({"done": figure} for figure in ("", "x", "-1", "1.5", "²", "9" * 5000)),
        {"refused": "x"},
    ],
)
def test_a_place_that_can_not_be_read_undoes_nothing(
    rubbish: dict[str, str], idp: Idp, people: list[User], client: Client
) -> None:
    row = bulk(idp, *changing(people))
    form = sent_by(client.post(all_of(row)).content.decode())
    answer = client.post(all_of(row), {**form, **rubbish}, **htmx(undo.CARD))
    assert (answer.status_code, titles(people)) == (400, "BBBA")
    assert "can't be read" in answer.content.decode()
    assert "can't be read" in text(client.post(all_of(row), {**form, **rubbish}, follow=True).content.decode())
    assert titles(people) == "BBBA"


def test_a_place_of_another_request_undoes_nothing(idp: Idp, people: list[User], client: Client) -> None:
    rows = [bulk(idp, *changing(people[:2])), bulk(idp, *changing(people[2:]))]
    form = sent_by(client.post(all_of(rows[0])).content.decode())
    assert client.post(all_of(rows[1]), form, **htmx(undo.CARD)).status_code == 400
    assert titles(people) == "BABB"


def test_a_step_costs_as_many_statements_however_much_is_left(idp: Idp, client: Client) -> None:
    costs = []
    for name, number in (("few", 3), ("many", 60)):
        row = bulk(idp, *(making(f"{name}{each}") for each in range(number)))
        html = client.post(all_of(row)).content.decode()
        with CaptureQueriesContext(connection) as asked:
            client.post(all_of(row), sent_by(html), **htmx(undo.CARD))
        costs.append(len(asked))
    assert costs[0] == costs[1]


def test_a_small_request_is_undone_without_such_a_page(
    idp: Idp, people: list[User], client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(undo, "UNDOES_FOR", 3600)
    row = bulk(idp, *changing(people))
    assert "4 changes were undone." in confirm(client, f"{page_of_request(row)}undo/")
