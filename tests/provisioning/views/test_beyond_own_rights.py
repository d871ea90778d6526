"""Who may edit the sign-in, and has less than a connection gives, reads on the page why the controls are not there."""

import re
from html import unescape

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from provisioning.models import Brake, Connection, Token
from provisioning.services import brake
from provisioning.services.connections import connections
from tests.identity_provider import Idp, quiet_writer
from tests.provisioning.views.request_log.test_log import latest, permalink
from tests.signed_in import SignedIn, htmx
from tests.tenants import Tenant
from users.permissions import BuiltIn
from users.services import accounts

# What a test leaves in the queue must not turn up in the next one's log.
__all__ = ["quiet_writer"]

pytestmark = pytest.mark.django_db

PAGE = "/settings/users/"
WHY = "which have rights that your role does not have. So only a user with all these rights can"
WHOM = "Ask an Admin."

# What opens a connection further, and the form that asks for it.
OPENS = {
    "generate-token/": {},
    "tokens/{token}/rotate/": {},
    "tokens/{token}/keep/": {"expected_retires_at": ""},
    "switches/enabled/": {"wanted": "on"},
    "switches/manage_admins/": {"wanted": "on"},
    "switches/secondary_addresses/": {"wanted": "on"},
    "additional-logging/": {"wanted": "on"},
    "test/": {"client": "jumpcloud", "email": "test.user@acme.example"},
    "brake/switch/": {"wanted": "off"},
}

# What the refusal calls it.
OPENING = "generate or rename its tokens or give the connection more access"
ACTS = {path: OPENING for path in OPENS} | {
    "switches/enabled/": "turn on Enable SCIM",
    "switches/manage_admins/": "let SCIM give and take the Admin role",
    "switches/secondary_addresses/": "allow secondary addresses",
    "additional-logging/": "turn on its additional logging",
    "test/": "test its set-up",
    "brake/switch/": "turn off its mass-change brake",
}


def words(html: bytes) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html.decode())).split())


@pytest.fixture
def client(acme: Tenant, signed_in: SignedIn) -> Client:
    return signed_in(acme, "sign-in.edit")


def test_the_page_says_why_and_offers_none_of_it(acme: Tenant, client: Client, token: Token) -> None:
    html = client.get(PAGE).content
    assert (
        "A token of the connection “Default” lets your identity provider give users the roles Domain manager and "
        f"Read-only, {WHY} generate or rename its tokens or give the connection more access. {WHOM}" in words(html)
    )
    assert "You can't generate tokens for this connection. Why?" in words(html)
    assert 'href="#beyond"' in html.decode() and 'id="beyond"' in html.decode()
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
    assert f"can {ACTS[path]}. {WHOM}" in words(answer.content)
    assert client.post(address, form, **htmx()).status_code < 500
    assert (list(Connection.objects.values()), list(Token.objects.values())) == before


@pytest.fixture
def idp(acme: Tenant) -> Idp:
    _, text = connections.generate_token(acme.connection, by=acme.by)
    connections.set_enabled(acme.connection, True, by=acme.by)
    return Idp(acme.organization, text)


def test_before_you_connect_sends_to_an_admin(acme: Tenant, client: Client, signed_in: SignedIn, token: Token) -> None:
    maker = acme.add("max", BuiltIn.ADMIN)
    acme.add("root", BuiltIn.ADMIN)
    Token.objects.update(created_by_id=maker.pk, created_by_label=str(maker))
    accounts.set_active(maker.pk, False, by=acme.by)
    connections.set_enabled(acme.connection, False, by=acme.by)
    html = client.get(PAGE).content
    assert "Ask an Admin to rotate it." in words(html) and "Ask an Admin to turn it on." in words(html)
    assert b"preflight-token-fix" not in html and b"preflight-enabled-fix" not in html
    Token.objects.all().delete()
    html = client.get(PAGE).content
    assert "Ask an Admin to generate one." in words(html) and b"preflight-token-fix" not in html
    html = signed_in(acme).get(PAGE).content
    assert b"preflight-token-fix" in html and b"preflight-enabled-fix" in html


def test_log_and_checklist_offer_no_switch_that_would_be_refused(
    acme: Tenant, client: Client, idp: Idp, signed_in: SignedIn
) -> None:
    connections.set_groups_enabled(acme.connection, False, by=acme.by)
    assert idp.get("/Groups").status_code == 404
    row = latest(idp)
    pages = (permalink(row), f"{PAGE}scim/log/", PAGE)
    for page in pages:
        assert "Turn on Groups" not in words(client.get(page).content), page
    answer = client.post(f"{permalink(row)}switch/", follow=True)
    assert answer.redirect_chain[-1][0].startswith(permalink(row))
    assert words(answer.content).count(f"{WHY} turn on Groups. {WHOM}") == 1
    admin = signed_in(acme)
    for page in pages:
        assert "Turn on Groups" in words(admin.get(page).content), page


def test_the_log_asks_once_what_can_be_given(acme: Tenant, client: Client, idp: Idp) -> None:
    connections.set_groups_enabled(acme.connection, False, by=acme.by)
    counts = []
    for _ in range(2):
        assert idp.get("/Groups").status_code == 404
        latest(idp)
        with CaptureQueriesContext(connection) as asked:
            client.get(f"{PAGE}scim/log/")
        counts.append(len(asked))
    assert counts[0] == counts[1]


def test_the_brake_is_kept_held_and_not_released(acme: Tenant, client: Client, signed_in: SignedIn) -> None:
    Brake.objects.update_or_create(
        organization=acme.organization,
        connection=acme.connection,
        defaults={"paused_since": timezone.now(), "gone": 12},
    )
    page = f"{PAGE}scim/{acme.connection.pk}/brake/"
    shown = words(client.get(page).content)
    assert f"{WHY} release what its brake holds back. {WHOM}" in shown
    assert "Release…" not in shown and "Keep held" in shown
    assert "Look at who would go and release" not in words(client.get(PAGE).content)
    expected_version = Brake.objects.get().version
    answer = client.post(f"{page}release/", {"expected_version": expected_version}, follow=True)
    assert answer.redirect_chain[-1][0] == page
    assert words(answer.content).count(f"{WHY} release what its brake holds back. {WHOM}") == 2
    assert Brake.objects.get().paused_since is not None
    admin = signed_in(acme)
    assert "Release…" in words(admin.get(page).content)
    assert "Look at who would go and release" in words(admin.get(PAGE).content)


def test_the_percentage_can_be_lowered_and_the_reason_stands_beside_it(acme: Tenant, client: Client) -> None:
    address = f"{PAGE}scim/{acme.connection.pk}/brake/percent/"
    html = client.get(PAGE).content
    assert b'min="1" max="20"' in html and "You can lower it. Ask an Admin to raise it." in words(html)
    html = client.post(address, {"percent": "50"}).content
    assert f"{WHY} raise the percentage of its mass-change brake. {WHOM}" in words(html)
    assert b'id="brake-percent-error"' in html and b'value="50"' in html
    client.post(address, {"percent": "10"})
    assert brake.of(acme.connection).percent == 10
