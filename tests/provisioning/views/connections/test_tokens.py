"""Settings > Users > SSO > SCIM > Bearer tokens: names, which one is in use, rotating, and when one retires."""

import html
import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from core.bearer_tokens import digest
from organizations.models import Organization
from provisioning.models import RequestLog, Token
from provisioning.services.connections import connections, tokens
from tests.provisioning.views.connections.test_section import TOKEN, at, generate, log, once, plain
from tests.signed_in import SignedIn, htmx
from tests.tenants import Tenant
from users.permissions import BuiltIn

PAGE = "/settings/users/"

both = pytest.mark.parametrize("script", [True, False], ids=["htmx", "plain"])


@pytest.fixture
def client(acme: Tenant, signed_in: SignedIn) -> Client:
    return signed_in(acme)


def press(client: Client, deed: str, token: Token, *, script: bool = False, **form: str) -> str:
    """Send a form of a token's row; the text of the page that comes of it, in one line."""
    answer: Any = client.post(
        at(f"tokens/{token.pk}/{deed}/"), form, follow=not script, **(htmx("scim") if script else {})
    )
    assert answer.status_code == 200, answer.content
    return html.unescape(plain(answer.content.decode()))


def row_of(client: Client, token: Token) -> str:
    """What the page says of a token."""
    rows = re.split(r'<li data-control id="token-[^"]*">', client.get(PAGE).content.decode())[1:]
    (found,) = [row.partition("</li>")[0] for row in rows if token.prefix in row]
    return html.unescape(plain(found))


def fresh(token: Token) -> Token:
    return Token.objects.get(pk=token.pk)


def used(token: Token, **when: int) -> None:
    Token.objects.filter(pk=token.pk).update(
        last_used_at=timezone.now() - timedelta(**when), last_used_address="198.51.100.7", last_used_client="Okta 1.0"
    )


# Names


@both
def test_a_token_gets_the_name_that_is_typed(script: bool, acme: Tenant, client: Client) -> None:
    form = {"once": once(client), "name": "JumpCloud, November", "expires": "90"}
    answer = client.post(at("generate-token/"), form, **(htmx("scim") if script else {}))
    text = plain(answer.content.decode())
    assert "It is called JumpCloud, November, and is valid while Enable SCIM is on." in text
    token = Token.objects.of(acme.id).get()
    assert token.name == "JumpCloud, November"
    assert row_of(client, token).startswith(f"JumpCloud, November {token.prefix}••••••")


def test_without_one_it_gets_the_name_that_the_field_shows(acme: Tenant, client: Client) -> None:
    connections.generate_token(acme.connection, by=acme.by)
    assert 'placeholder="Token 2"' in client.get(PAGE).content.decode()
    generate(client)
    assert Token.objects.of(acme.id).latest("created_at").name == "Token 2"


@both
def test_a_name_that_is_taken_is_refused_and_stays_in_the_field(script: bool, acme: Tenant, client: Client) -> None:
    connections.generate_token(acme.connection, by=acme.by, name="Okta")
    form = {"once": once(client), "name": "okta", "expires": "90"}
    answer = client.post(at("generate-token/"), form, **(htmx("scim") if script else {}))
    page = answer.content.decode()
    assert "Another live token is called &#x27;okta&#x27; already." in page
    assert 'name="name" value="okta"' in page
    assert '<option value="90" selected>' in page
    assert Token.objects.of(acme.id).count() == 1
    form = {"once": once(client), "name": "Okta, new", "expires": "90"}
    assert client.post(at("generate-token/"), form).status_code == 200
    assert Token.objects.of(acme.id).count() == 2


@both
def test_a_token_is_renamed(script: bool, acme: Tenant, client: Client, token: Token) -> None:
    assert "The token is called Okta <b>." in press(client, "rename", token, script=script, name=" Okta  <b>")
    assert fresh(token).name == "Okta <b>"


@both
def test_a_bad_name_is_refused_in_an_open_form_that_keeps_it(
    script: bool, acme: Tenant, client: Client, token: Token
) -> None:
    connections.generate_token(acme.connection, by=acme.by, name="Okta")
    answer = client.post(at(f"tokens/{token.pk}/rename/"), {"name": "OKTA"}, **(htmx("scim") if script else {}))
    form = answer.content.decode().partition("<details open>")[2].partition("</details>")[0]
    assert "is called &#x27;OKTA&#x27; already. Choose another name." in form
    assert 'name="name" value="OKTA"' in form
    assert fresh(token).name == "Token 1"


# Which one is in use


def test_the_one_that_was_used_last_is_marked_with_when_where_and_by_whom(
    acme: Tenant, client: Client, token: Token
) -> None:
    assert "None has been used so far." in plain(client.get(PAGE).content.decode())
    other, _ = connections.generate_token(acme.connection, by=acme.by, name="Okta")
    used(token, days=3)
    used(other, seconds=5)
    assert re.search(r"In use .*Last used \d+ s ago from 198.51.100.7 by Okta 1.0\.", row_of(client, other))
    assert "In use" not in row_of(client, token)
    polled = plain(client.get(at("activity/")).content.decode())
    assert re.search(r"In use now: Okta , last \d+ s ago from 198.51.100.7 by Okta 1.0\.", polled)
    used(token)
    assert "In use now: Token 1 , last" in plain(client.get(at("activity/")).content.decode())
    connections.revoke_token(token.pk, by=acme.by)
    assert "In use now: Okta ," in plain(client.get(at("activity/")).content.decode())


# Rotating


@both
def test_one_press_makes_a_second_token_and_shows_it_once(
    script: bool, acme: Tenant, client: Client, token: Token
) -> None:
    value = once(client)
    answer = client.post(
        at(f"tokens/{token.pk}/rotate/"),
        {"once": value, "by_itself": "on"},
        **(htmx("scim") if script else {}),
    )
    page = answer.content.decode()
    (text,) = set(TOKEN.findall(page))
    assert "no-store" in answer.headers["Cache-Control"]
    new = Token.objects.of(acme.id).get(digest=digest(text))
    assert text not in client.get(PAGE).content.decode()
    assert connections.live_tokens(acme.connection) == [new, token]
    row = row_of(client, token)
    assert "Retiring" in row and "Retires by itself when Token 2 first works." in row
    assert "Rotate" not in row, "its successor is there"
    assert "Rotate Token 2" in row_of(client, new)
    again = press(client, "rotate", token, once=value)
    assert "This token has already been shown" in again
    assert Token.objects.of(acme.id).count() == 2


def test_without_the_tick_the_old_one_stays(acme: Tenant, client: Client, token: Token) -> None:
    press(client, "rotate", token, once=once(client))
    row = row_of(client, token)
    assert "Token 2 is to take its place." in row
    assert "Retiring" not in row and "Keep" not in row
    assert fresh(token).retires_by_itself is False


def test_who_comes_second_is_told_that_it_is_rotated_already(acme: Tenant, client: Client, token: Token) -> None:
    value = once(client)
    tokens.rotate_token(token.pk, by=acme.by)
    assert "Token 1 has been rotated already: Token 2 is to take its place." in press(
        client, "rotate", token, once=value
    )


def test_with_five_tokens_there_is_nothing_to_press(acme: Tenant, client: Client, token: Token) -> None:
    for _ in range(4):
        connections.generate_token(acme.connection, by=acme.by)
    assert "Rotate" not in row_of(client, token)
    assert "before you rotate or generate another" in plain(client.get(PAGE).content.decode())


def test_rotating_asks_who_has_signed_in_long_ago_for_the_password(acme: Tenant, client: Client, token: Token) -> None:
    with time_machine.travel(timezone.now() + timedelta(minutes=30)):
        address = at(f"tokens/{token.pk}/rotate/")
        answer = client.post(address, {"once": once(client)})
        assert answer.headers["Location"].startswith("/confirm/?next=%2Fsettings%2Fusers%2F%23scim&form=")
    assert Token.objects.of(acme.id).count() == 1


# Retiring


@both
def test_a_token_retires_when_a_day_begins_in_the_organizations_zone(
    script: bool, acme: Tenant, signed_in: SignedIn, token: Token
) -> None:
    Organization.objects.filter(pk=acme.id).update(time_zone="Pacific/Auckland", date_style="iso")
    with time_machine.travel("2027-06-01T18:00:00Z", tick=False):
        client = signed_in(acme)
        assert 'min="2027-06-03"' in client.get(PAGE).content.decode()
        said = press(client, "retire", token, script=script, day="2027-06-09", expected_retires_at="")
        assert "Token 1 retires on 2027-06-09." in said
        retires_at = fresh(token).retires_at
        assert retires_at is not None and retires_at.isoformat() == "2027-06-08T12:00:00+00:00"
        row = row_of(client, token)
        assert "Retiring" in row and "Retires 2027-06-09 00:00 ." in row
        expected_retires_at = seen_in(client)
        assert "Token 1 retires on 2027-06-09." in press(
            client, "retire", token, when="in-a-week", expected_retires_at=expected_retires_at
        )
        assert fresh(token).retires_at == timezone.now() + timedelta(days=7)
        assert "Somebody else has changed meanwhile when Token 1 retires." in press(
            client, "keep", token, expected_retires_at=expected_retires_at
        )
        assert "Token 1 stays valid." in press(
            client, "keep", token, script=script, expected_retires_at=seen_in(client)
        )
        assert fresh(token).retires_at is None


def seen_in(client: Client) -> str:
    """What the page's forms say of when the token retires."""
    (expected_retires_at,) = set(
        re.findall(r'name="expected_retires_at" value="([^"]*)"', client.get(PAGE).content.decode())
    )
    return html.unescape(expected_retires_at)


@both
@pytest.mark.parametrize(
    ("day", "words"),
    [
        ("", "Choose the day on which the token retires"),
        ("tomorrow", "Choose the day on which the token retires"),
        ("9999-12-31", "within the next five years"),
        ("0001-01-01", "Choose a day that is still to come. To end the token now, revoke it."),
        ("2020-02-02", "Choose a day that is still to come. To end the token now, revoke it."),
    ],
)
def test_a_day_that_makes_no_sense_is_refused_and_kept(
    day: str, words: str, script: bool, client: Client, token: Token
) -> None:
    answer = client.post(
        at(f"tokens/{token.pk}/retire/"), {"day": day, "expected_retires_at": ""}, **(htmx("scim") if script else {})
    )
    form = answer.content.decode().partition("<details open>")[2].partition("</details>")[0]
    assert words in form
    assert f'min="{timezone.localdate() + timedelta(days=1)}" value="{day}"' in form
    assert fresh(token).retires_at is None


@pytest.mark.parametrize("expected_retires_at", ["nonsense", "2027-02-31T00:00:00", "2027-02-03", "\x00"])
def test_a_form_that_tells_nonsense_of_what_was_seen_changes_nothing(
    expected_retires_at: str, acme: Tenant, client: Client, token: Token
) -> None:
    planned = tokens.retire_token(
        token.pk, timezone.now() + timedelta(days=3), expected_retires_at=None, by=acme.by
    ).retires_at
    press(client, "keep", token, expected_retires_at=expected_retires_at)
    assert fresh(token).retires_at == planned


def test_keeping_a_rotated_token_ends_that_it_goes_by_itself(acme: Tenant, client: Client, token: Token) -> None:
    tokens.rotate_token(token.pk, by=acme.by)
    assert "Token 1 stays valid." in press(client, "keep", token, expected_retires_at="")
    row = row_of(client, token)
    assert "Retiring" not in row and "Token 2 is to take its place." in row


@pytest.mark.parametrize("deed", ["rotate", "rename", "retire", "keep", "revoke"])
def test_what_is_gone_is_not_found(deed: str, acme: Tenant, client: Client, token: Token) -> None:
    value = once(client)
    connections.revoke_token(token.pk, by=acme.by)
    form = {"once": value, "name": "x", "day": "2099-01-01", "expected_retires_at": ""}
    answer = client.post(at(f"tokens/{token.pk}/{deed}/"), form, **htmx("scim"))
    assert (answer.status_code, b"Reload the page." in answer.content) == (404, True)


def test_who_may_only_read_sees_how_tokens_stand_and_no_form(acme: Tenant, token: Token, signed_in: SignedIn) -> None:
    tokens.rotate_token(token.pk, by=acme.by)
    client = signed_in(acme, BuiltIn.READ_ONLY)
    assert "Retires by itself when Token 2 first works." in row_of(client, token)
    section = client.get(PAGE).content.decode().partition('id="scim"')[2].partition('class="guide"')[0]
    assert "<form" not in section


# The request log


def test_the_log_and_its_filter_call_tokens_as_they_are_called_now(acme: Tenant, client: Client, token: Token) -> None:
    row = log(acme, token=token, token_label=f"{token.prefix}…")
    tokens.rename_token(token.pk, "Okta", by=acme.by)
    label = f"&#x27;Okta&#x27; ({token.prefix}…)"
    page = client.get("/settings/users/scim/log/").content.decode()
    assert f'<option value="{token.pk}">{label}</option>' in page
    assert f"<span>{label} <small>JumpCloud" in page
    assert f"<dd>{label}</dd>" in client.get(f"/settings/users/scim/log/{row.pk}/").content.decode()
    assert label in client.get(at("activity/")).content.decode()
    answer: Any = client.get("/settings/users/scim/log/export.csv")
    assert f"'Okta' ({token.prefix}…)" in b"".join(answer.streaming_content).decode()


def test_a_page_of_the_log_asks_for_no_token_by_itself(
    acme: Tenant, client: Client, token: Token, django_assert_max_num_queries: Any
) -> None:
    for _ in range(30):
        log(acme, token=token)
    assert RequestLog.objects.of(acme.id).count() == 30
    with django_assert_max_num_queries(14):
        client.get("/settings/users/scim/log/")
