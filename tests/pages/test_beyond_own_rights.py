"""Who may edit the sign-in, and has less than a connection gives, reads on the page why the controls are not there."""

import re
from html import unescape

import pytest
from django.test import Client

from scim.models import Connection, Token
from scim.services import connections
from tests.pages.conftest import SignedIn, htmx
from tests.tenants import Tenant

pytestmark = pytest.mark.django_db

PAGE = "/settings/users/"
WHY = "do more than your role. Whoever opens the connection needs every right that it can give."
WHOM = "Ask an Admin of your organization to do this."

# What opens a connection further, and the form that asks for it.
OPENS = {
    "generate-token/": {},
    "tokens/{token}/rotate/": {},
    "tokens/{token}/keep/": {"seen": ""},
    "switches/enabled/": {"wanted": "on"},
    "switches/manage_admins/": {"wanted": "on"},
    "switches/secondary_addresses/": {"wanted": "on"},
    "additional-logging/": {"wanted": "on"},
    "test/": {"client": "jumpcloud", "email": "test.user@acme.example"},
    "brake/switch/": {"wanted": "off"},
}


def words(html: bytes) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html.decode())).split())


@pytest.fixture
def client(acme: Tenant, signed_in: SignedIn) -> Client:
    return signed_in(acme, "sign-in.edit")


def test_the_page_says_why_and_offers_none_of_it(acme: Tenant, client: Client, token: Token) -> None:
    html = client.get(PAGE).content
    assert f"{WHY} {WHOM}" in words(html)
    for path in ("generate-token/", f"tokens/{token.pk}/rotate/", "switches/manage_admins/"):
        assert f'{acme.connection.pk}/{path}"' not in html.decode()


@pytest.mark.parametrize("path", OPENS)
def test_a_form_that_is_sent_all_the_same_is_answered_with_the_reason(
    path: str, acme: Tenant, client: Client, token: Token
) -> None:
    connections.set_enabled(acme.connection, False, by=acme.by)
    before = list(Connection.objects.values()), list(Token.objects.values())
    form = dict(OPENS[path])
    if "once" not in form and path in ("generate-token/", "tokens/{token}/rotate/"):
        found = re.search(r'name="once" value="([^"]+)"', client.get(PAGE).content.decode())
        form["once"] = found[1] if found else ""
    address = f"{PAGE}scim/{acme.connection.pk}/{path.format(token=token.pk)}"
    answer = client.post(address, form, follow=True)
    assert answer.status_code == 200
    assert WHY in words(answer.content) and WHOM in words(answer.content)
    assert client.post(address, form, **htmx()).status_code < 500
    assert (list(Connection.objects.values()), list(Token.objects.values())) == before
