"""Settings > Users > SSO > SCIM: a token that is shown once, switches, and the requests that came in."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from audit.actions import Action
from core.bearer_tokens import digest
from provisioning.models import Connection, RequestLog, Token
from provisioning.services.connections import connections
from provisioning.services.request_log import writer
from tests.identity_provider import Idp
from tests.signed_in import SignedIn, htmx
from tests.tenants import Tenant

PAGE = "/settings/users/"
GENERATE = "generate-token/"
ENABLED = "switches/enabled/"
GROUPS = "switches/groups_enabled/"
STRICT = "switches/strict/"
ADMINS = "switches/manage_admins/"
ACTIVITY = "activity/"
TOKEN = re.compile(r"smgr_\w{50}")


@pytest.fixture
def client(acme: Tenant, signed_in: SignedIn) -> Client:
    return signed_in(acme)


def at(part: str) -> str:
    """An address of Acme's only connection."""
    return f"/settings/users/scim/{Connection.objects.get(organization__slug='acme').pk}/{part}"


def once(client: Client) -> str:
    """The value that a page's token form carries."""
    found = re.search(r'name="once" value="([^"]+)"', client.get(PAGE).content.decode())
    assert found
    return found[1]


def generate(client: Client, **extra: Any) -> Any:
    return client.post(at(GENERATE), {"once": once(client), "expires": "never"}, **extra)


def plain(html: str) -> str:
    """The text of the page in one line, without tags."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def log(tenant: Tenant, **fields: Any) -> RequestLog:
    given = {
        "created_at": timezone.now(), "request_id": "r", "method": "GET", "path": "/Users", "status": 200,
        "result": "Found 3 users", "duration_us": 3400, "token_label": "smgr_abcdef", "client": "JumpCloud",
    }  # fmt: skip
    return RequestLog.objects.create(organization=tenant.organization, **{**given, **fields})


# The values


def test_the_base_url_has_no_slash_at_its_end(client: Client) -> None:
    assert 'value="http://testserver/scim/acme/v2" readonly' in client.get(PAGE).content.decode()


@pytest.mark.parametrize("script", [True, False])
def test_a_token_is_shown_once_and_works_when_scim_is_on(script: bool, acme: Tenant, client: Client) -> None:
    answer = generate(client, **(htmx("scim") if script else {}))
    html = answer.content.decode()
    (text,) = set(TOKEN.findall(html))
    assert answer.status_code == 200
    assert "no-store" in answer.headers["Cache-Control"]
    assert ("<html" in html) is not script
    assert "You can't see it again" in html
    token = Token.objects.of(acme.id).get()
    assert token.digest == digest(text)
    page = client.get(PAGE).content.decode()
    assert text not in page
    assert f"{token.prefix}••••••" in page
    assert "Made" in page and "by admin@acme.example" in page and "Never used." in page
    event = acme.last_event()
    assert event.action == Action.TOKEN_GENERATED
    assert text not in f"{event} {event.changes}"


@pytest.mark.parametrize("script", [True, False])
def test_sending_the_same_form_again_makes_no_other_token(script: bool, acme: Tenant, client: Client) -> None:
    form = {"once": once(client), "expires": "never"}
    extra = htmx("scim") if script else {}
    client.post(at(GENERATE), form, **extra)
    answer = client.post(at(GENERATE), form, **extra)
    html = (answer if script else client.get(answer.headers["Location"])).content.decode()
    assert answer.status_code == (409 if script else 302)
    assert "This token has already been shown, and no other was made." in html
    assert not TOKEN.search(html)
    assert Token.objects.of(acme.id).count() == 1


def test_the_address_of_a_shown_token_leads_back_to_the_section(acme: Tenant, client: Client) -> None:
    generate(client)
    assert client.get(at(GENERATE)).headers["Location"] == "/settings/users/#scim"


def test_a_form_from_somebody_elses_page_or_from_yesterday_makes_none(
    acme: Tenant, globex: Tenant, client: Client, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    foreign = once(signed_in(globex))
    assert client.post(at(GENERATE), {"once": foreign}, **htmx()).status_code == 409
    old = once(client)
    monkeypatch.setattr("console.one_time_forms.FORM_LIFE", -1)
    answer = client.post(at(GENERATE), {"once": old}, **htmx())
    assert (answer.status_code, "open for too long" in answer.content.decode()) == (409, True)
    assert not Token.objects.of(acme.id).exists()


def test_a_token_can_be_given_an_end(acme: Tenant, client: Client) -> None:
    client.post(at(GENERATE), {"once": once(client), "expires": "90"})
    token = Token.objects.of(acme.id).get()
    assert token.expires_at is not None
    assert abs(token.expires_at - timezone.now() - timedelta(days=90)) < timedelta(minutes=1)


def test_five_live_tokens_are_the_most(acme: Tenant, client: Client) -> None:
    form = once(client)
    for _ in range(5):
        connections.generate_token(acme.connection, by=acme.by)
    answer = client.post(at(GENERATE), {"once": form}, **htmx())
    assert answer.status_code == 409
    assert "Revoke one" in answer.content.decode()
    assert 'id="generate-token"' not in client.get(PAGE).content.decode()


@pytest.mark.clause("7644-2-1")
def test_who_did_not_show_the_password_lately_is_asked_for_it(acme: Tenant, client: Client) -> None:
    session = client.session
    session["account_authentication_methods"] = []
    session.save()
    form = {"once": once(client)}
    ask = "/confirm/?next=%2Fsettings%2Fusers%2F%23scim&form="
    assert client.post(at(GENERATE), form).headers["Location"].startswith(ask)
    assert client.post(at(GENERATE), form, **htmx()).headers["HX-Redirect"].startswith(ask)
    assert not Token.objects.of(acme.id).exists()


def test_revoking_ends_a_token_and_takes_it_off_the_list(acme: Tenant, client: Client, token: Token) -> None:
    answer = client.post(at(f"tokens/{token.pk}/revoke/"), **htmx("scim"))
    html = answer.content.decode()
    assert f"Revoked &#x27;Token 1&#x27; ({token.prefix}…)" in html and f"{token.prefix}••••••" not in html
    assert connections.live_tokens(acme.connection) == []
    assert acme.last_event().action == Action.TOKEN_REVOKED
    again = client.post(at(f"tokens/{token.pk}/revoke/"), **htmx("scim"))
    assert (again.status_code, "revoked already" in again.content.decode()) == (404, True)


def test_last_use_tells_when_whence_and_by_what(acme: Tenant, client: Client, token: Token) -> None:
    Token.objects.filter(pk=token.pk).update(
        last_used_at=timezone.now(), last_used_address="192.0.2.9", last_used_client="JumpCloud"
    )
    assert re.search(r"Last used \d s ago from 192\.0\.2\.9 by JumpCloud\.", plain(client.get(PAGE).content.decode()))


# The switches


def test_scim_is_switched_on_and_off(acme: Tenant, client: Client, token: Token) -> None:
    html = client.post(at(ENABLED), {"wanted": "on"}, **htmx("scim")).content.decode()
    assert html.strip().startswith('<section id="scim"')
    assert re.search(r'id="enable-scim"[^>]+value="off"[^>]+aria-checked="true"', html)
    assert "Waiting for the first request" in html
    assert Connection.objects.get(pk=acme.connection.pk).enabled is True
    assert acme.last_event().action == Action.SCIM_ENABLED
    answer = client.post(at(ENABLED), {"wanted": "off"})
    assert answer.headers["Location"] == "/settings/users/#scim"
    assert "SCIM is off. No token is valid while it is." in client.get(PAGE).content.decode()
    assert acme.last_event().action == Action.SCIM_DISABLED


def test_scim_is_not_switched_on_before_there_is_a_token(acme: Tenant, client: Client) -> None:
    answer = client.post(at(ENABLED), {"wanted": "on"}, **htmx("scim"))
    assert (answer.status_code, answer.content.decode()) == (409, "Generate a token before you enable SCIM.")
    html = client.get(client.post(at(ENABLED), {"wanted": "on"}).headers["Location"]).content.decode()
    assert "Generate a token before you enable SCIM." in html
    assert Connection.objects.get(pk=acme.connection.pk).enabled is False


def test_scim_may_be_let_manage_admins(acme: Tenant, client: Client) -> None:
    client.post(at(ADMINS), {"wanted": "on"})
    assert Connection.objects.get(pk=acme.connection.pk).manage_admins is True
    assert acme.last_event().action == Action.SCIM_ADMIN_ALLOWED
    client.post(at(ADMINS), {"wanted": "off"}, **htmx("scim"))
    assert Connection.objects.get(pk=acme.connection.pk).manage_admins is False


def test_groups_may_be_turned_off_and_on(acme: Tenant, client: Client) -> None:
    client.post(at(GROUPS), {"wanted": "off"})
    assert Connection.objects.get(pk=acme.connection.pk).groups_enabled is False
    assert acme.last_event().action == Action.SCIM_GROUPS_DISALLOWED
    html = client.post(at(GROUPS), {"wanted": "on"}, **htmx("scim")).content.decode()
    assert "SCIM manages groups." in html
    assert Connection.objects.get(pk=acme.connection.pk).groups_enabled is True


def test_strict_mode_may_be_turned_on_and_off(acme: Tenant, client: Client) -> None:
    assert "Strict mode" in client.get("/settings/users/").content.decode()
    client.post(at(STRICT), {"wanted": "on"})
    assert Connection.objects.get(pk=acme.connection.pk).strict is True
    assert acme.last_event().action == Action.SCIM_STRICT_ON
    html = client.post(at(STRICT), {"wanted": "off"}, **htmx("scim")).content.decode()
    assert "Strict mode is off." in html
    assert Connection.objects.get(pk=acme.connection.pk).strict is False
    assert acme.last_event().action == Action.SCIM_STRICT_OFF


def test_a_shown_token_stays_while_a_switch_is_used(client: Client, token: Token) -> None:
    html = client.post(at(ENABLED), {"wanted": "on"}, **htmx("scim")).content.decode()
    assert '<div id="shown-token" hx-preserve="true">' in html
    assert 'hx-preserve="true"' not in generate(client, **htmx("scim")).content.decode()


def steps(client: Client) -> list[str]:
    html = client.get(PAGE).content.decode()
    return re.findall(r'<li class="(done|now|)">', html.partition('<ol class="steps">')[2].partition("</ol>")[0])


def test_the_three_steps_follow_what_was_done(acme: Tenant, client: Client) -> None:
    assert steps(client) == ["now", "", ""]
    connections.generate_token(acme.connection, by=acme.by)
    assert steps(client) == ["done", "now", ""]
    connections.set_enabled(acme.connection, True, by=acme.by)
    assert steps(client) == ["done", "done", "now"]
    _, text = connections.generate_token(acme.connection, by=acme.by)
    Idp(acme.organization, "smgr_mistyped").get("/Users")
    writer.flush()
    assert steps(client) == ["done", "done", "now"]
    Idp(acme.organization, text).get("/Users")
    writer.flush()
    assert steps(client) == ["done", "done", "done"]


# The requests


def test_the_latest_ten_requests_are_listed_newest_first(acme: Tenant, globex: Tenant, client: Client) -> None:
    own = {"connection_id": acme.connection.pk}
    for number in range(12):
        log(acme, path=f"/Users/{number:02}", **own)
    log(globex, path="/Users/foreign")
    refused = {"status": 400, "result": "The domain is not here"}
    log(acme, method="POST", path="/Users", query="a=<b>", client="Okta", **refused, **own)
    html = client.get(at(ACTIVITY)).content.decode()
    rows = [plain(row) for row in html.partition("<tbody>")[2].partition("</tbody>")[0].split("</tr>")[:-1]]
    assert len(rows) == 10
    told = r"POST /Users\?a=&lt;b&gt; 400 The domain is not here 3\.4 ms smgr_abcdef Okta"
    assert re.fullmatch(rf"\d s ago : all about this request {told}", rows[0])
    newest = RequestLog.objects.filter(client="Okta").get()
    assert f'href="/settings/users/scim/log/{newest.pk}/"' in html
    assert [row.split()[9] for row in rows[1:]] == [f"/Users/{number:02}" for number in range(11, 2, -1)]
    assert "foreign" not in html


def test_requests_that_could_not_be_kept_are_counted(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "dropped", lambda: 7)
    assert "7 more could not be kept" in plain(client.get(at(ACTIVITY)).content.decode())


def test_before_the_first_request_the_list_says_that_it_waits(client: Client) -> None:
    assert "No request has come in yet" in client.get(PAGE).content.decode()


def test_a_switch_that_there_is_not_is_not_found(client: Client) -> None:
    assert client.post(at("switches/deleted/"), {"wanted": "on"}).status_code == 404
