"""Additional logging on the pages: where it is turned on, what it shows of a request, and who sees it."""

from collections.abc import Iterator

import pytest
from django.test import Client

from provisioning.models import RequestLog
from provisioning.services.connections import connections
from provisioning.services.request_log import additional_logging
from tests.identity_provider import Idp
from tests.provisioning.views.request_log.test_log import permalink, shown
from tests.signed_in import SignedIn
from tests.tenants import Tenant
from users.permissions import BuiltIn

pytestmark = pytest.mark.django_db

SECRET = "hunter2~Zq9"


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """No test leaves it on for the next one."""
    yield
    additional_logging._watched = additional_logging._Watched()


@pytest.fixture
def client(acme: Tenant, signed_in: SignedIn) -> Client:
    return signed_in(acme)


@pytest.fixture
def idp(acme: Tenant) -> Idp:
    """Acme's identity provider, whose token is valid."""
    _, text = connections.generate_token(acme.connection, by=acme.by)
    connections.set_enabled(acme.connection, True, by=acme.by)
    return Idp(acme.organization, text)


def turn(client: Client, acme: Tenant, wanted: str) -> None:
    address = f"/settings/users/scim/{acme.connection.pk}/additional-logging/"
    assert client.post(address, {"wanted": wanted}).status_code == 302
    additional_logging.look_again()


def kept_request(idp: Idp) -> RequestLog:
    idp.send("POST", "/Users", {"userName": "kim@acme.example", "password": SECRET, "title": "</textarea><b>"})
    return idp.log()[-1]


def test_the_switch_says_until_when_and_offers_more_time(acme: Tenant, client: Client) -> None:
    assert "Prolong" not in shown(client, "/settings/users/")
    turn(client, acme, "on")
    page = shown(client, "/settings/users/")
    assert "On until" in page
    assert "Prolong to 24 hours from now" in page
    turn(client, acme, "off")
    assert "Prolong" not in shown(client, "/settings/users/")


def test_headers_and_bodies_are_shown_and_handed_on_without_secrets(acme: Tenant, idp: Idp, client: Client) -> None:
    turn(client, acme, "on")
    row = kept_request(idp)
    page = client.get(permalink(row)).content.decode()
    file = client.get(f"{permalink(row)}details.txt")
    text = file.content.decode()
    assert file.headers["Content-Disposition"].startswith("attachment")
    assert "&lt;/textarea&gt;&lt;b&gt;" in page
    for kept in (page, text):
        assert "Authorization: Bearer ***" in kept
        assert "kim@acme.example" in kept
        assert SECRET not in kept
    assert row.request_id in text


def test_who_could_make_no_token_sees_nothing_of_them(
    acme: Tenant, idp: Idp, client: Client, signed_in: SignedIn
) -> None:
    turn(client, acme, "on")
    row = kept_request(idp)
    assert "Headers and bodies" not in shown(signed_in(acme, BuiltIn.READ_ONLY), permalink(row))


def test_a_request_of_which_nothing_more_was_kept_offers_it_for_the_next(
    acme: Tenant, idp: Idp, client: Client
) -> None:
    idp.get("/Users")
    (row,) = idp.log()
    assert "Turn on additional logging to see headers and bodies of the next requests." in shown(client, permalink(row))
    answer = client.post(f"{permalink(row)}log-next/", follow=True)
    assert "Headers and bodies of the next requests are kept." in answer.content.decode()
    additional_logging.look_again()
    assert "What was sent" in shown(client, permalink(kept_request(idp)))
