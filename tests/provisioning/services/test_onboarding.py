"""A whole organization is opened in one go, or not at all."""

from typing import Any

import pytest

from audit.models import AuditEvent
from core.bearer_tokens import digest
from core.refusals import Refusal
from domains.models import Domain
from organizations.models import Organization
from provisioning.models import Connection, Token
from provisioning.services.connections import connections
from provisioning.services.onboarding import PasswordRefused, open_organization
from users.models import Headcount, Role, Source, User
from users.permissions import BuiltIn

pytestmark = pytest.mark.django_db


def test_everything_that_work_needs_is_there() -> None:
    opened = open_organization(
        "Acme",
        "acme",
        domains_with_requests=["acme.example"],
        domains_without_requests=["partners.example"],
        admin_email="ada@acme.example",
        enable_scim=True,
    )
    organization = opened.organization
    assert Role.objects.of(organization.pk).count() == len(BuiltIn)
    assert opened.connection == connections.default_connection(organization.pk)
    assert opened.connection.enabled
    assert opened.bearer_token
    assert [token.digest for token in connections.live_tokens(opened.connection)] == [digest(opened.bearer_token)]
    admin = User.objects.of(organization.pk).select_related("role").get()
    assert admin.role is not None and admin.role.is_admin
    assert admin.source == Source.MANUAL
    assert opened.admin_password and len(opened.admin_password) >= 20
    assert admin.check_password(opened.admin_password)
    assert Headcount.objects.get(organization=organization).users == 1


def test_its_history_begins_with_its_creation() -> None:
    opened = open_organization("Acme", "acme", domains_with_requests=["acme.example"], enable_scim=True)
    events = AuditEvent.objects.filter(organization_id=opened.organization.pk).order_by("id")
    assert [event.action for event in events] == [
        "organization.created", "domain.added", "domain.allowed", "scim.token-generated", "scim.enabled",
    ]  # fmt: skip
    assert str(events[0]) == "Operator (command line) created the organization Acme"


def test_a_bare_one_has_neither_admin_nor_token_and_scim_is_off() -> None:
    opened = open_organization("Acme", "acme")
    assert (opened.bearer_token, opened.admin, opened.admin_password) == (None, None, None)
    assert not opened.connection.enabled


def test_a_token_alone_does_not_enable_scim() -> None:
    opened = open_organization("Acme", "acme", generate_token=True)
    assert opened.bearer_token
    assert not opened.connection.enabled


def test_the_first_admin_may_come_from_any_domain() -> None:
    opened = open_organization("Acme", "acme", admin_email="consultant@elsewhere.example")
    assert opened.admin is not None


@pytest.mark.parametrize(
    "wrong",
    [
        {"domains_with_requests": ["no domain"]},
        {"domains_with_requests": ["taken.example"]},
        {"domains_with_requests": ["a.example"], "domains_without_requests": ["a.example"]},
        {"admin_email": "nobody"},
        {"admin_email": "ada@acme.example", "admin_password": "1234567890"},
        {"admin_email": "ada@acme.example", "admin_password": "short"},
    ],
    ids=["bad domain", "taken domain", "domain twice", "bad address", "digits only", "short password"],
)
def test_all_or_nothing(wrong: dict[str, Any]) -> None:
    open_organization("Globex", "globex", domains_with_requests=["taken.example"])
    with pytest.raises(Refusal):
        open_organization("Acme", "acme", **{"domains_with_requests": ["acme.example"], "enable_scim": True, **wrong})
    assert Organization.objects.get().slug == "globex"
    assert Domain.objects.get().name == "taken.example"
    assert Connection.objects.count() == 1
    assert not Token.objects.exists() and not User.objects.exists()
    assert not AuditEvent.objects.exclude(organization_id=Organization.objects.get().pk).exists()


def test_a_password_that_is_easy_to_guess_says_why() -> None:
    with pytest.raises(PasswordRefused, match="10 characters"):
        open_organization("Acme", "acme", admin_email="ada@acme.example", admin_password="short")
