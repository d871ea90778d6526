"""Your profile > Personal tokens: made with the password just given, shown once, revoked, and nobody else's."""

import re
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from audit.actions import Action
from core.bearer_tokens import digest
from tests.signed_in import SignedIn, htmx
from tests.tenants import Tenant
from users.models import PersonalToken, User
from users.permissions import BuiltIn
from users.services import personal_tokens
from users.services.personal_tokens import TokenScope

pytestmark = pytest.mark.django_db

PROFILE, MAKE = "/settings/profile/", "/settings/profile/tokens/make/"


@pytest.fixture
def client(acme: Tenant, signed_in: SignedIn) -> Client:
    return signed_in(acme)


def once(client: Client) -> str:
    """What the form on the page carries."""
    found = re.search(r'name="once" value="([^"]+)"', client.get(PROFILE).content.decode())
    assert found
    return found[1]


def make(client: Client, **form: Any) -> str:
    form = {"name": "SIEM", "scope": [TokenScope.READ_ME], "once": once(client), **form}
    return client.post(MAKE, form).content.decode()


def shown(html: str) -> str:
    found = re.search(r'value="(smgp_\w+)"', html)
    return found[1] if found else ""


def test_a_token_is_shown_once_and_listed_with_what_it_is_good_for(acme: Tenant, client: Client) -> None:
    text = shown(make(client, scope=[TokenScope.READ_ME, TokenScope.READ_AUDIT_LOG], expires="365"))
    token = PersonalToken.objects.get(digest=digest(text))
    assert token.user.user_name == "admin@acme.example"
    assert token.scopes == "scim.me.read audit.read"
    assert token.expires_at is not None
    assert (token.expires_at - token.created_at).days in (364, 365)
    assert acme.last_event().action == Action.PERSONAL_TOKEN_MADE
    page = client.get(PROFILE).content.decode()
    assert text not in page
    assert "<b>SIEM</b>" in page
    assert token.prefix in page


def test_a_token_may_live_for_ever(client: Client) -> None:
    make(client, expires="never")
    assert PersonalToken.objects.get().expires_at is None
    assert "Never expires." in client.get(PROFILE).content.decode()


def test_sending_the_form_again_makes_no_other_token(client: Client) -> None:
    value = once(client)
    assert shown(make(client, once=value))
    again = client.post(MAKE, {"name": "SIEM", "scope": [TokenScope.READ_ME], "once": value}, follow=True)
    assert "This token has already been shown, and no other was made." in again.content.decode()
    assert PersonalToken.objects.count() == 1


def test_a_form_of_somebody_else_makes_nothing(acme: Tenant, client: Client, signed_in: SignedIn) -> None:
    value = once(signed_in(acme, BuiltIn.HR))
    client.post(MAKE, {"name": "SIEM", "scope": [TokenScope.READ_ME], "once": value})
    assert not PersonalToken.objects.exists()


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"name": " \t"}, "A token needs a name"),
        ({"name": "x" * 61}, "A token needs a name of at most 60 characters"),
        ({"scope": []}, "Tick what the token is to be good for."),
        ({"scope": ["scim.me.read", "everything"]}, "Your role does not allow all of this."),
    ],
)
@pytest.mark.parametrize("headers", [{}, htmx()], ids=["form", "htmx"])
def test_what_can_not_be_keeps_what_was_typed_and_says_why(
    form: dict[str, Any], said: str, headers: dict[str, str], client: Client
) -> None:
    typed = {"name": "My SIEM", "scope": ["scim.me.write"], "expires": "30", "once": once(client), **form}
    html = client.post(MAKE, typed, **headers).content.decode()
    assert said in html
    assert f'name="name" value="{typed["name"]}"' in html
    assert '<option value="30" selected>' in html
    assert ('value="scim.me.write" checked' in html) == ("scim.me.write" in typed["scope"])
    assert not PersonalToken.objects.exists()
    # The next attempt is not taken for the same one.
    assert shown(make(client, once=re.findall(r'name="once" value="([^"]+)"', html)[0]))


def test_the_audit_log_is_offered_to_those_only_who_may_read_it(acme: Tenant, signed_in: SignedIn) -> None:
    client = signed_in(acme, BuiltIn.HR)
    assert 'value="audit.read"' not in client.get(PROFILE).content.decode()
    assert "Your role does not allow all of this." in make(client, scope=["scim.me.read", "audit.read"])
    assert not PersonalToken.objects.exists()
    assert shown(make(client))


def test_after_a_while_the_password_is_asked_for_first(client: Client, settings: Any) -> None:
    value = once(client)
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 0
    answer = client.post(MAKE, {"name": "SIEM", "scope": [TokenScope.READ_ME], "once": value})
    assert answer.headers["Location"].startswith("/confirm/?next=%2Fsettings%2Fprofile%2F%23personal-tokens&form=")
    assert not PersonalToken.objects.exists()


def test_there_are_ten_at_most_and_the_page_says_what_to_do(client: Client) -> None:
    values = [once(client) for _ in range(2)]
    admin = User.objects.get()
    for number in range(9):
        personal_tokens.make(admin.pk, f"t{number}", [TokenScope.READ_ME], by=acme_of(admin))
    assert shown(make(client, once=values[0]))
    page = client.get(PROFILE).content.decode()
    assert "There can be no more live tokens than these." in page
    assert 'name="once"' not in page
    assert (
        "has 10 live tokens"
        in client.post(
            MAKE, {"name": "11", "scope": [TokenScope.READ_ME], "once": values[1]}, **htmx()
        ).content.decode()
        or PersonalToken.objects.count() == 10
    )


def acme_of(user: User) -> Any:
    from core.actors import Actor, Channel

    assert user.organization_id is not None
    return Actor(user.organization_id, str(user), Channel.PAGE)


def test_revoking_ends_ones_own_token_at_once(acme: Tenant, client: Client) -> None:
    make(client)
    token = PersonalToken.objects.get()
    page = client.post(f"/settings/profile/tokens/{token.pk}/revoke/", follow=True).content.decode()
    assert f"Revoked SIEM ({token})" in page
    token.refresh_from_db()
    assert token.revoked_at is not None
    assert acme.last_event().action == Action.PERSONAL_TOKEN_REVOKED
    assert client.post(f"/settings/profile/tokens/{token.pk}/revoke/").status_code == 404


def test_nobody_revokes_or_sees_somebody_elses(acme: Tenant, globex: Tenant, client: Client) -> None:
    for tenant in (acme, globex):
        other = tenant.add("other")
        token, _ = personal_tokens.make(other.pk, "Theirs", [TokenScope.READ_ME], by=tenant.by)
        assert "Theirs" not in client.get(PROFILE).content.decode()
        for token_id in (token.pk, uuid4()):
            assert client.post(f"/settings/profile/tokens/{token_id}/revoke/").status_code == 404
            assert client.post(f"/settings/profile/tokens/{token_id}/revoke/", **htmx()).status_code == 404
        token.refresh_from_db()
        assert token.revoked_at is None
