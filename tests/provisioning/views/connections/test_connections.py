"""Settings > Users > SSO > SCIM with several connections: choosing, adding, changing, removing, handing over."""

import re
from uuid import uuid4

import pytest
from django.test import Client

from provisioning.models import Connection, IdentityProvider
from provisioning.services.connections import connections
from tests.provisioning.views.connections.test_section import PAGE, log, plain
from tests.signed_in import SignedIn, htmx
from tests.tenants import Tenant
from users.models import User

ADD = "/settings/users/scim/connections/add/"


@pytest.fixture
def client(acme: Tenant, signed_in: SignedIn) -> Client:
    return signed_in(acme)


@pytest.fixture
def okta(acme: Tenant) -> Connection:
    return connections.add("Okta", IdentityProvider.OKTA, by=acme.by)


def at(connection: Connection, part: str) -> str:
    return f"/settings/users/scim/{connection.pk}/{part}/"


def shown(connection: Connection) -> str:
    return f"{PAGE}?connection={connection.pk}"


def test_with_one_connection_there_is_nothing_to_choose(client: Client) -> None:
    html = client.get(PAGE).content.decode()
    assert 'aria-label="Connections"' not in html
    assert "This connection: Default, JumpCloud" in html


def test_a_connection_is_added_and_shown(acme: Tenant, client: Client) -> None:
    answer = client.post(ADD, {"name": "Okta of Labs", "identity_provider": "okta"})
    added = Connection.objects.of(acme.id).get(name="Okta of Labs")
    assert answer.headers["Location"] == f"{shown(added)}#scim"
    html = client.get(answer.headers["Location"]).content.decode()
    assert "Added Okta of Labs. Generate its token." in html
    assert "There is no token yet." in html
    assert re.search(rf'href="{re.escape(shown(added))}#scim" aria-current="true"', html)


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"name": "", "identity_provider": "okta"}, "Give the connection a name"),
        ({"name": "default", "identity_provider": "okta"}, "There is a connection &#x27;default&#x27; already."),
        ({"name": "Okta", "identity_provider": "ping"}, "Choose an identity provider."),
        ({}, "Choose an identity provider."),
    ],
)
def test_what_makes_no_connection_is_said(form: dict[str, str], said: str, acme: Tenant, client: Client) -> None:
    answer = client.post(ADD, form)
    assert said in client.get(answer.headers["Location"]).content.decode()
    assert Connection.objects.of(acme.id).count() == 1


def test_what_is_done_to_a_connection_shows_that_connection_again(
    acme: Tenant, okta: Connection, client: Client
) -> None:
    connections.generate_token(okta, by=acme.by)
    answer = client.post(at(okta, "switches/enabled"), {"wanted": "on"})
    assert answer.headers["Location"] == f"{shown(okta)}#scim"
    okta.refresh_from_db()
    acme.connection.refresh_from_db()
    assert (okta.enabled, acme.connection.enabled) == (True, False)
    html = client.post(at(okta, "switches/strict"), {"wanted": "on"}, **htmx("scim")).content.decode()
    assert "This connection: Okta, Okta" in html
    assert str(okta.pk) in html and at(acme.connection, "switches/strict") not in html


def test_a_connection_that_there_is_not_is_not_found(acme: Tenant, globex: Tenant, client: Client) -> None:
    for unknown in (uuid4(), globex.connection.pk):
        assert client.get(f"/settings/users/scim/{unknown}/activity/").status_code == 404
        assert client.post(f"/settings/users/scim/{unknown}/switches/strict/", {"wanted": "on"}).status_code == 404
        assert "This connection: Default" in client.get(f"{PAGE}?connection={unknown}").content.decode()


def test_a_connection_gets_another_name_and_provider(okta: Connection, client: Client) -> None:
    client.post(at(okta, "change"), {"name": "Entra", "identity_provider": "entra"})
    okta.refresh_from_db()
    assert (okta.name, okta.identity_provider) == ("Entra", "entra")
    assert "This connection: Entra, Entra ID" in client.get(shown(okta)).content.decode()


def test_removing_asks_first_and_says_what_will_happen(acme: Tenant, okta: Connection, client: Client) -> None:
    connections.generate_token(okta, by=acme.by)
    ada = acme.add("ada")
    User.objects.filter(pk=ada.pk).update(managed_by=okta.pk)
    form = {"replacement": str(acme.connection.pk)}
    said = plain(client.post(at(okta, "remove"), form).content.decode())
    assert "Default manages the 1 user of Okta from then on." in said
    assert "Its token ends at once" in said
    assert Connection.objects.of(acme.id).present().count() == 2
    answer = client.post(at(okta, "remove"), {**form, "confirmed": "read"})
    assert "Removed Okta. Default manages its 1 user now." in client.get(answer.headers["Location"]).content.decode()
    ada.refresh_from_db()
    assert ada.managed_by == acme.connection.pk
    assert client.post(at(okta, "remove"), {**form, "confirmed": "read"}).status_code == 404


def test_the_only_connection_is_not_removed(acme: Tenant, client: Client) -> None:
    answer = client.post(at(acme.connection, "remove"), {"replacement": "", "confirmed": "read"})
    assert "This is the only connection." in client.get(answer.headers["Location"]).content.decode()
    assert Connection.objects.of(acme.id).present().count() == 1


@pytest.mark.parametrize("replacement", ["", "nonsense", "itself"])
def test_people_are_handed_over_to_another_connection_only(replacement: str, okta: Connection, client: Client) -> None:
    value = str(okta.pk) if replacement == "itself" else replacement
    answer = client.post(at(okta, "hand-over"), {"replacement": value, "confirmed": "read"})
    assert answer.status_code == 302
    said = client.get(answer.headers["Location"]).content.decode()
    assert "Choose the connection" in said or "Reload it and try again" in said


def test_people_are_handed_over_once_one_is_sure(acme: Tenant, okta: Connection, client: Client) -> None:
    ada = acme.add("ada")
    User.objects.filter(pk=ada.pk).update(managed_by=acme.connection.pk)
    form = {"replacement": str(okta.pk)}
    assert "Okta manages the 1 user of Default" in plain(
        client.post(at(acme.connection, "hand-over"), form).content.decode()
    )
    answer = client.post(at(acme.connection, "hand-over"), {**form, "confirmed": "read"})
    assert "Okta manages 1 user more now." in client.get(answer.headers["Location"]).content.decode()


def test_a_persons_page_names_the_connection_and_hands_over(acme: Tenant, okta: Connection, client: Client) -> None:
    ada = acme.add("ada")
    page = f"/settings/users/{ada.pk}/"
    assert "The SCIM connection that made this person is gone." in client.get(page).content.decode()
    answer = client.post(f"/settings/users/scim/people/{ada.pk}/hand-over/", {"replacement": str(okta.pk)})
    assert answer.headers["Location"] == f"{page}#managed-by"
    html = client.get(page).content.decode()
    assert "Okta manages ada@acme.example now." in html
    assert f'The SCIM connection <a href="{shown(okta)}#scim">Okta</a> (Okta)' in html


def test_the_request_log_hands_a_refused_user_over(acme: Tenant, okta: Connection, client: Client) -> None:
    ada = acme.add("ada")
    User.objects.filter(pk=ada.pk).update(managed_by=acme.connection.pk)
    row = log(
        acme,
        status=409,
        cause="managed-elsewhere",
        connection_id=okta.pk,
        arguments={"user_id": str(ada.pk), "user": "ada@acme.example"},
    )
    page = f"/settings/users/scim/log/{row.pk}/"
    assert "Let Okta manage ada@acme.example" in client.get(page).content.decode()
    client.post(f"{page}hand-over/")
    ada.refresh_from_db()
    assert ada.managed_by == okta.pk
    assert "Okta manages ada@acme.example now." in client.get(page).content.decode()
    assert "Okta may change ada@acme.example now." in client.get(page).content.decode()


def test_a_mend_turns_the_switch_of_the_connection_that_was_refused(
    acme: Tenant, okta: Connection, client: Client
) -> None:
    row = log(acme, status=400, cause="secondary-domain-unknown", connection_id=okta.pk)
    client.post(f"/settings/users/scim/log/{row.pk}/switch/")
    okta.refresh_from_db()
    acme.connection.refresh_from_db()
    assert (okta.secondary_addresses, acme.connection.secondary_addresses) == (True, False)
