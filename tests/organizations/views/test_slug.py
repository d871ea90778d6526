"""Changing the slug on the page: what it says first, what it does, and where the old addresses lead."""

from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from core import dates
from organizations.models import FormerSlug, Organization
from organizations.services import outbox, slugs
from tests.signed_in import SignedIn, htmx, person, sign_in
from tests.tenants import Tenant
from users.permissions import BuiltIn

pytestmark = pytest.mark.django_db

PAGE, ASK, CHANGE = "/settings/organization/", "/settings/organization/slug/", "/settings/organization/slug/change/"
NEW = {"slug": "acme-ltd", "expected_slug": "acme"}


@pytest.fixture
def client(acme: Tenant, signed_in: SignedIn) -> Client:
    return signed_in(acme)


def slug_of(tenant: Tenant) -> str:
    return Organization.objects.get(pk=tenant.id).slug


def long_ago(client: Client) -> None:
    """The password was given too long ago for what matters."""
    session = client.session
    session["account_authentication_methods"] = [{"method": "password", "at": 0}]
    session.save()


def test_the_page_says_what_will_happen_and_changes_nothing(acme: Tenant, client: Client) -> None:
    html = unescape(client.get(ASK, {"slug": "acme-ltd"}).content.decode())
    for words in (
        "http://testserver/scim/acme/v2", "http://testserver/scim/acme-ltd/v2", "http://testserver/sign-in/acme-ltd/",
        "for 90 days", "Give the new Base URL to your identity provider", "Change the slug to acme-ltd",
    ):  # fmt: skip
        assert words in html
    until = timezone.now() + timedelta(days=90)
    assert dates.day(until) in html
    assert slug_of(acme) == "acme"


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("globex", "'globex' is taken"),
        ("a b", "A slug has 1 to"),
        ("", "A slug has"),
        ("acme", "is the slug already"),
    ],
)
def test_what_can_not_be_is_said_beside_what_was_typed(
    typed: str, words: str, acme: Tenant, globex: Tenant, client: Client
) -> None:
    for answer in (client.get(ASK, {"slug": typed}), client.post(CHANGE, {"slug": typed, "expected_slug": "acme"})):
        html = unescape(answer.content.decode())
        assert words in html
        assert f'name="slug" value="{typed}"' in html
        assert "What will happen" not in html
    assert slug_of(acme) == "acme"


def test_it_is_changed_once_and_said(acme: Tenant, client: Client) -> None:
    answer = client.post(CHANGE, NEW)
    assert answer.headers["Location"] == f"{PAGE}#slug"
    html = client.get(PAGE).content.decode()
    assert "The slug is acme-ltd now." in html
    assert "No identity provider has used its Base URL since the change." in html
    events = len(acme.events())
    again = client.post(CHANGE, NEW)
    assert "Somebody else has changed the slug meanwhile" in unescape(again.content.decode())
    assert len(acme.events()) == events


def test_the_password_is_asked_for_and_what_was_typed_comes_back(acme: Tenant, client: Client) -> None:
    long_ago(client)
    answer = client.post(CHANGE, NEW)
    assert answer.headers["Location"].startswith(
        "/confirm/?next=%2Fsettings%2Forganization%2Fslug%2F%3Fslug%3Dacme-ltd"
    )
    assert slug_of(acme) == "acme"


def test_a_provider_at_the_old_base_url_is_seen(acme: Tenant, client: Client) -> None:
    client.post(CHANGE, NEW)
    FormerSlug.objects.update(last_used_at=timezone.now() - timedelta(minutes=5))
    html = client.get(PAGE).content.decode()
    assert "Your identity provider still uses the old Base URL" in html
    assert "5 min ago" in html
    assert "still uses the old Base URL" in client.get("/settings/users/").content.decode()


def test_a_former_slug_is_extended_and_ended(acme: Tenant, client: Client) -> None:
    client.post(CHANGE, NEW)
    FormerSlug.objects.update(until=timezone.now() + timedelta(days=1))
    row = FormerSlug.objects.get()
    client.post(f"{ASK}{row.pk}/extend/")
    assert FormerSlug.objects.get().until > timezone.now() + timedelta(days=89)
    assert "leads nowhere any more" in client.post(f"{ASK}{row.pk}/end/", **htmx("slug")).content.decode()
    assert client.post(f"{ASK}{row.pk}/end/").status_code == 404
    assert not FormerSlug.objects.exists()


def test_that_of_another_organization_is_not_there(acme: Tenant, globex: Tenant, client: Client) -> None:
    slugs.change("globex-ltd", expected_slug="globex", by=globex.by)
    for former_id in (FormerSlug.objects.get().pk, uuid4()):
        assert client.post(f"{ASK}{former_id}/extend/").status_code == 404
        assert client.post(f"{ASK}{former_id}/end/").status_code == 404
    assert FormerSlug.objects.exists()


@pytest.mark.parametrize("path", ["", "password/"])
def test_the_sign_in_pages_lead_on(path: str, acme: Tenant) -> None:
    slugs.change("acme-ltd", expected_slug="acme", by=acme.by)
    answer = Client().get(f"/sign-in/acme/{path}?next=/settings/users/")
    assert answer.headers["Location"] == f"/sign-in/acme-ltd/{path}?next=%2Fsettings%2Fusers%2F"
    FormerSlug.objects.update(until=timezone.now() - timedelta(seconds=1))
    assert Client().get(f"/sign-in/acme/{path}").status_code == 404


def test_nobody_is_signed_out_and_people_sign_in_at_the_new_address(acme: Tenant, client: Client) -> None:
    user = person(acme, BuiltIn.HR, "grace")
    client.post(CHANGE, NEW)
    assert client.get("/settings/users/").status_code == 200
    user.refresh_from_db()
    user.organization.refresh_from_db()
    assert sign_in(Client(), user).status_code == 302


def test_a_mail_is_dated_in_the_organizations_manner(acme: Tenant, settings: Any, tmp_path: Any) -> None:
    Organization.objects.filter(pk=acme.id).update(date_style="de", time_zone="Asia/Tokyo")
    (tmp_path / "mail").mkdir()
    for name in ("dated.subject.txt", "dated.txt", "dated.html"):
        (tmp_path / "mail" / name).write_text("{% load console %}{{ at|day }}")
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    at = datetime(2026, 3, 5, 20, tzinfo=UTC)
    mail = outbox.send("dated", to="a@acme.example", context={"at": at}, organization_id=acme.id)
    assert "6. März 2026" in mail.html
