"""The page behind the link of an invitation."""

import pytest
from django.core.cache import cache
from django.test import Client

from tests.signed_in import SignedIn
from tests.tenants import Tenant
from tests.users.services.test_invitations import ANN, age, invite, one, token_of
from tests.users.views.test_invitations import text_of
from users.models import Invitation, User
from users.permissions import BuiltIn
from users.services import invitations

GOOD = {"name": "Ann Lee", "password": "six-blue-boats"}


@pytest.fixture(autouse=True)
def _no_attempts_before(db: None) -> None:
    cache.clear()


def link(invitation: Invitation) -> str:
    return f"/invitation/{token_of(invitation)}/"


def test_the_page_says_who_invites_whom_and_looking_accepts_nothing(acme: Tenant) -> None:
    invitation = one(acme)
    for _ in range(3):
        answer = Client().get(link(invitation))
        assert answer.status_code == 200
    text = text_of(answer)
    assert "Join Acme" in text
    assert "Ada Moreau invites you, with the role HR." in text
    assert f'value="{ANN}"' in answer.content.decode()
    assert not User.objects.of(acme.id).exists()


def test_who_accepts_is_signed_in_at_once_and_can_sign_in_later(acme: Tenant) -> None:
    client = Client(HTTP_USER_AGENT="Tests")
    answer = client.post(link(one(acme)), GOOD)
    assert answer.headers["Location"] == "/settings/"
    profile = text_of(client.get("/settings/", follow=True))
    assert "Ann Lee" in profile
    assert [event.action for event in acme.events()[:3]] == [
        "user.signed-in", "invitation.accepted", "user.created",
    ]  # fmt: skip
    later = Client().post("/sign-in/acme/", {"login": ANN, "password": GOOD["password"]})
    assert later.status_code == 302
    assert User.objects.of(acme.id).get().last_login


def test_an_admin_who_has_just_chosen_a_password_is_not_asked_for_it_again(acme: Tenant) -> None:
    (invitation,) = invite(acme, ANN, role=BuiltIn.ADMIN).invited
    client = Client(HTTP_USER_AGENT="Tests")
    client.post(link(invitation), GOOD)
    answer = client.post(f"/settings/users/scim/{acme.connection.pk}/generate-token/", {"once": "too old"})
    assert answer.headers["Location"] == "/settings/users/#scim"


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"name": ""}, "Enter your name, as colleagues know you."),
        ({"name": " \t"}, "Enter your name, as colleagues know you."),
        ({"name": "x" * 201}, "at most 200 characters"),
        ({"name": "Ann\x00"}, "Null characters are not allowed."),
        ({"name": "Ann\u202eLee"}, "Write your name without control characters."),
        ({"password": ""}, "Choose a password."),
        ({"password": "short"}, "too short"),
        ({"password": "1234567890123"}, "entirely numeric"),
        ({"password": "password123"}, "too common"),
        ({"password": ANN}, "too similar"),
        ({"password": "x" * 1025}, "at most 1024 characters"),
    ],
)
def test_what_can_not_be_taken_is_told_and_the_name_stays(form: dict[str, str], error: str, acme: Tenant) -> None:
    invitation = one(acme)
    answer = Client().post(link(invitation), {**GOOD, **form})
    assert answer.status_code == 200
    assert error in text_of(answer)
    if "name" not in form:
        assert 'value="Ann Lee"' in answer.content.decode()
    assert f'value="{GOOD["password"]}"' not in answer.content.decode()
    assert not User.objects.of(acme.id).exists()


def accepted(tenant: Tenant, invitation: Invitation) -> None:
    invitations.accept(token_of(invitation), name="Ann", password="six-blue-boats", by=tenant.by)


def held(tenant: Tenant, invitation: Invitation) -> None:
    tenant.organization.is_active = False
    tenant.organization.save()


ENDINGS = {
    "used": accepted,
    "revoked": lambda tenant, invitation: invitations.revoke(invitation.pk, expected_version=1, by=tenant.by),
    "expired": lambda tenant, invitation: age(invitation, days=8),
    "replaced": lambda tenant, invitation: invitations.resend(invitation.pk, expected_version=1, by=tenant.by),
    "known": lambda tenant, invitation: tenant.add(ANN.replace("contractor", "acme")),
    "held": held,
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_link_that_is_over_says_what_to_do_and_opens_nothing(ending: str, acme: Tenant) -> None:
    invitation = one(acme, ANN.replace("contractor", "acme") if ending == "known" else ANN)
    address = link(invitation)
    ENDINGS[ending](acme, invitation)
    people = User.objects.of(acme.id).count()
    for answer in (Client().get(address), Client().post(address, GOOD)):
        assert answer.status_code == (404 if ending == "replaced" else 410)
        text = text_of(answer)
        assert "This invitation can't be used" in text
        assert "Ask the organization that invited you for a new invitation." in text
        assert "Acme" not in text
    assert User.objects.of(acme.id).count() == people


@pytest.mark.parametrize("token", ["x", "x" * 43, "%00", "%FF", "ü" * 400, "smgr_" + "a" * 5000])
def test_a_link_that_nobody_made_leads_to_the_same_page(token: str, db: None) -> None:
    answer = Client().get(f"/invitation/{token}/")
    assert answer.status_code == 404
    assert "This invitation can't be used" in text_of(answer)


def test_who_is_signed_in_as_somebody_else_is_told_and_signed_out(acme: Tenant, signed_in: SignedIn) -> None:
    client = signed_in(acme)
    address = link(one(acme))
    assert "You are signed in as admin@acme.example . Accepting signs you out there first." in text_of(
        client.get(address)
    )
    former = client.session.session_key
    client.post(address, GOOD)
    assert client.session.session_key != former
    assert ANN in text_of(client.get("/settings/profile/"))


def test_the_page_is_kept_by_nobody_and_its_address_is_told_to_nobody(acme: Tenant) -> None:
    for address in (link(one(acme)), "/invitation/unknown/"):
        headers = Client().get(address).headers
        assert headers["Referrer-Policy"] == "strict-origin"
        assert "no-store" in headers["Cache-Control"]


def test_a_form_from_another_site_accepts_nothing(acme: Tenant) -> None:
    answer = Client(enforce_csrf_checks=True).post(link(one(acme)), GOOD)
    assert answer.status_code == 403
    assert not User.objects.of(acme.id).exists()


def test_guessing_is_slowed_down(acme: Tenant) -> None:
    client = Client()
    answers = [client.get(f"/invitation/guess-{number}/").status_code for number in range(61)]
    assert answers == [404] * 60 + [429]
