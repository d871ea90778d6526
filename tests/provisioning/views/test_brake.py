"""The mass-change brake on the pages: its setting, what is said while it holds, and the two answers."""

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit.actions import Action
from provisioning.models import Brake, Departure, IdentityProvider
from provisioning.services import brake as brakes
from provisioning.services.connections import connections
from provisioning.services.request_log import writer
from provisioning.views.brake import PER_PAGE
from tests.identity_provider import Idp
from tests.provisioning.views.connections.test_section import plain
from tests.signed_in import SignedIn, htmx
from tests.tenants import Tenant
from users.models import User
from users.permissions import BuiltIn

USERS = "/settings/users/"
LOG = "/settings/users/scim/log/"


@pytest.fixture
def client(acme: Tenant, signed_in: SignedIn) -> Client:
    return signed_in(acme)


@pytest.fixture
def idp(acme: Tenant) -> Idp:
    _, text = connections.generate_token(acme.connection, by=acme.by)
    connections.set_enabled(acme.connection, True, by=acme.by)
    return Idp(acme.organization, text)


@pytest.fixture
def paused(acme: Tenant, idp: Idp) -> list[User]:
    """Twelve people, of whom nine are suspended, and two were held back; one of these by two requests."""
    people = [acme.add(f"p{number:02}") for number in range(12)]
    # Whoever was made within the day could be a try-out's test user.
    User.objects.of(acme.id).update(created_at=timezone.now() - timedelta(days=30))
    for user in [*people[:10], people[10], people[9]]:
        idp.patch(str(user.pk), {"op": "replace", "path": "active", "value": False})
    writer.flush()
    return people


def at(tenant: Tenant, part: str = "") -> str:
    """The address of the brake's page, or of one of its controls."""
    return f"/settings/users/scim/{tenant.connection.pk}/brake/{part and part + '/'}"


def shown(client: Client, address: str) -> str:
    return plain(client.get(address).content.decode())


def expected_version(client: Client, tenant: Tenant) -> str:
    found = re.search(r'name="expected_version" value="(\d+)"', client.get(at(tenant)).content.decode())
    assert found
    return found[1]


def brake(tenant: Tenant) -> Brake:
    return brakes.of(tenant.connection)


def test_the_page_says_who_has_gone_and_who_would_go(acme: Tenant, client: Client, paused: list[User]) -> None:
    html = shown(client, at(acme))
    assert "9 of 12 people had gone within an hour, and one more would have been more than 20 percent." in html
    would_go, has_gone = html.split("Who would go")[-1].split("Who has gone")[0], html.split("Who has gone")[-1]
    assert would_go.count("p09@acme.example") == 1 and would_go.count("p10@acme.example") == 1
    assert "p11@" not in html
    assert all(f"p{number:02}@acme.example" in has_gone for number in range(9)) and "p09@" not in has_gone


def test_a_test_user_who_does_not_count_is_marked(acme: Tenant, client: Client, idp: Idp) -> None:
    for name, days in (("new", 0), ("old", 30)):
        user = acme.add(name)
        User.objects.filter(pk=user.pk).update(created_at=timezone.now() - timedelta(days=days))
        idp.patch(str(user.pk), {"op": "replace", "path": "active", "value": False})
    gone = shown(client, at(acme)).split("Who has gone")[-1]
    old, new = gone.index("old@acme.example"), gone.index("new@acme.example")
    assert "Not counted: created less than a day before, never signed in" in gone[new:]
    assert "Not counted" not in gone[old:new]


def test_while_it_holds_the_users_page_the_section_and_the_log_lead_there(
    acme: Tenant, client: Client, paused: list[User]
) -> None:
    html = client.get(USERS).content.decode()
    assert html.count("SCIM is held back") == 2, "at the head and in the section"
    assert html.index("SCIM is held back") < html.index('id="users"')
    assert html.count(f'<a class="button small" href="{at(acme)}">Look at who would go and release</a>') == 2
    assert f'<a href="{at(acme)}">Look at who would go</a>' in client.get(LOG).content.decode()


def test_where_nothing_is_held_nothing_is_said(acme: Tenant, client: Client, idp: Idp) -> None:
    assert "SCIM is held back" not in shown(client, USERS)
    html = shown(client, at(acme))
    assert "Nothing is held back." in html and "Nobody has gone" in html
    assert "Keep held" not in html and "Who would go" not in html


def test_release_lets_them_go_and_says_until_when(acme: Tenant, client: Client, idp: Idp, paused: list[User]) -> None:
    answer = client.post(at(acme, "release"), {"expected_version": expected_version(client, acme)}, follow=True)
    html = plain(answer.content.decode())
    assert "Released. Nothing is held back for an hour." in html
    assert "from then on the brake counts anew" in html
    assert "p00@acme.example" in html.split("Who has gone")[-1], "the list stays"
    assert "p10@acme.example" in html.split("Who would go")[-1].split("Who has gone")[0]
    assert idp.send("DELETE", f"/Users/{paused[9].pk}").status_code == 204
    assert acme.events()[1].action == Action.SCIM_BRAKE_RESUMED
    assert "SCIM is held back" not in shown(client, USERS)
    assert "it holds nothing back until" in shown(client, USERS)
    assert "Nothing is held back now." in shown(client, LOG)


def test_keep_held_says_who_did_and_can_still_be_released(acme: Tenant, client: Client, paused: list[User]) -> None:
    html = plain(
        client.post(
            at(acme, "keep"), {"expected_version": expected_version(client, acme)}, follow=True
        ).content.decode()
    )
    assert "Kept held by admin@acme.example" in html and "Nobody is reminded by mail any more." in html
    assert acme.last_event().action == Action.SCIM_BRAKE_KEPT_PAUSED
    assert f'action="{at(acme, "keep")}"' not in client.get(at(acme)).content.decode()
    client.post(at(acme, "release"), {"expected_version": expected_version(client, acme)})
    assert brake(acme).paused_since is None


def test_the_second_of_two_is_told_and_twice_is_once(acme: Tenant, client: Client, paused: list[User]) -> None:
    version = expected_version(client, acme)
    client.post(at(acme, "release"), {"expected_version": version})
    html = plain(client.post(at(acme, "release"), {"expected_version": version}, follow=True).content.decode())
    assert "Somebody else has answered or changed the brake meanwhile." in html
    assert [event.action for event in acme.events()].count(Action.SCIM_BRAKE_RESUMED) == 1


@pytest.mark.parametrize("wrong", ["", "x", "-1", "9" * 40, "²"])
def test_a_form_that_cannot_be_read_changes_nothing(
    wrong: str, acme: Tenant, client: Client, paused: list[User]
) -> None:
    for address in (at(acme, "release"), at(acme, "keep")):
        assert client.post(address, {"expected_version": wrong}, **htmx()).status_code == 400
        assert client.post(address, {"expected_version": wrong}).status_code == 302
    assert (brake(acme).paused_since is not None, brake(acme).kept_paused_at) == (True, None)


def test_who_may_only_look_finds_no_buttons(acme: Tenant, signed_in: SignedIn, paused: list[User]) -> None:
    html = signed_in(acme, BuiltIn.READ_ONLY).get(at(acme)).content.decode()
    assert "Your role does not release it." in html
    assert at(acme, "release") not in html and at(acme, "keep") not in html


def test_another_connection_or_organization_is_not_braked(
    acme: Tenant, globex: Tenant, signed_in: SignedIn, client: Client, paused: list[User]
) -> None:
    other = connections.add("Okta", IdentityProvider.OKTA, by=acme.by)
    assert "Nothing is held back." in shown(client, f"/settings/users/scim/{other.pk}/brake/")
    assert "Nothing is held back." in shown(signed_in(globex), at(globex))
    for part in ("release", "keep"):
        assert signed_in(globex).post(at(acme, part), {"expected_version": "2"}).status_code == 404
    assert Brake.objects.get(paused_since__isnull=False).version == 2


# The setting


def test_the_switch_turns_it_off_and_on(acme: Tenant, client: Client, paused: list[User]) -> None:
    assert (
        "The brake is off, and holds nothing back."
        in client.post(at(acme, "switch"), {"wanted": "off"}, **htmx()).content.decode()
    )
    assert (brake(acme).enabled, brake(acme).paused_since) == (False, None)
    assert "The brake is off: your provider suspends and deletes as many people as it likes." in shown(client, at(acme))
    client.post(at(acme, "switch"), {"wanted": "on"})
    assert brake(acme).enabled


def test_the_share_is_saved_and_shown(acme: Tenant, client: Client) -> None:
    assert (
        "holds back what is more than 35 percent"
        in client.post(at(acme, "percent"), {"percent": "35"}, **htmx()).content.decode()
    )
    assert 'name="percent" min="1" max="100" step="1" required value="35"' in client.get(USERS).content.decode()
    assert acme.last_event().changes == {"percent": [20, 35]}


@pytest.mark.parametrize("wrong", ["", "0", "101", "12.5", "many", "²", "9" * 400])
@pytest.mark.parametrize("extra", [{}, htmx()], ids=["plain", "htmx"])
def test_a_share_that_is_none_is_refused_and_what_was_typed_stays(
    wrong: str, extra: Any, acme: Tenant, client: Client
) -> None:
    html = client.post(at(acme, "percent"), {"percent": wrong}, **extra).content.decode()
    assert "The share must be a whole number from 1 to 100 percent." in html
    assert f'required value="{wrong[:20] or 20}"' in html
    assert brake(acme).percent == 20


# Long lists


def test_who_has_gone_is_paged_and_costs_the_same(acme: Tenant, client: Client) -> None:
    def depart(number: int) -> None:
        Departure.objects.bulk_create(
            Departure(
                organization=acme.organization,
                connection=acme.connection,
                user_id=uuid4(),
                user_name=f"q{position}@x.example",
                user_name_key=f"q{position}@x.example",
                deleted=True,
                at=timezone.now() - timedelta(minutes=1, seconds=position),
            )
            for position in range(number)
        )

    counts = []
    for number in (1, PER_PAGE * 2):
        depart(number)
        with CaptureQueriesContext(connection) as queries:
            first = shown(client, at(acme))
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert f"1 to {PER_PAGE} of {PER_PAGE * 2 + 1}" in first
    assert f"{PER_PAGE * 2 + 1} to {PER_PAGE * 2 + 1} of" in shown(client, f"{at(acme)}?page=3")
    assert shown(client, f"{at(acme)}?page=x") == shown(client, at(acme))
