"""Organizations: names, slugs and time zones that work, and the lock under which rules about all people hold."""

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from core.refusals import StaleVersion
from organizations.models import Organization
from organizations.services import organizations
from organizations.services.organizations import OrganizationInvalid
from tests.tenants import Tenant

pytestmark = pytest.mark.django_db


def test_a_bare_organization_is_active_and_in_utc() -> None:
    made = organizations.create("  Acme GmbH ", "acme")
    assert (made.name, made.slug, made.time_zone, made.is_active) == ("Acme GmbH", "acme", "UTC", True)
    assert str(Organization.objects.get()) == "Acme GmbH"


def test_name_and_time_zone_can_be_changed_with_an_event(acme: Tenant) -> None:
    organizations.update(" Acme Ltd ", "Europe/Berlin", "de", expected=("Acme", "UTC", "en"), by=acme.by)
    acme.organization.refresh_from_db()
    assert (acme.organization.name, acme.organization.time_zone) == ("Acme Ltd", "Europe/Berlin")
    event = acme.last_event()
    assert str(event) == "Ada Moreau changed the organization Acme Ltd"
    assert event.changes == {
        "name": ["Acme", "Acme Ltd"],
        "time_zone": ["UTC", "Europe/Berlin"],
        "date_style": ["en", "de"],
    }


def test_changing_nothing_leaves_no_event(acme: Tenant) -> None:
    before = acme.events()
    organizations.update("Acme", "UTC", "en", expected=("Acme", "UTC", "en"), by=acme.by)
    assert acme.events() == before


@pytest.mark.parametrize(
    ("name", "time_zone", "words"),
    [
        ("", "UTC", "Name: "),
        (" ", "UTC", "Name: "),
        ("a\nb", "UTC", "Name: Write it on one line"),
        ("\x00", "UTC", "Name: Write it on one line"),
        ("x" * 121, "UTC", "Name: "),
        ("Acme", "Mars/Olympus", "Time zone: 'Mars/Olympus' is not a time zone"),
        ("Acme", "", "Time zone: "),
    ],
)
def test_a_name_or_time_zone_that_makes_no_sense_changes_nothing(
    name: str, time_zone: str, words: str, acme: Tenant
) -> None:
    before = acme.events()
    with pytest.raises(OrganizationInvalid, match=words):
        organizations.update(name, time_zone, "en", expected=("Acme", "UTC", "en"), by=acme.by)
    acme.organization.refresh_from_db()
    assert (acme.organization.name, acme.organization.time_zone) == ("Acme", "UTC")
    assert acme.events() == before


def test_the_second_of_two_who_change_the_same_is_told(acme: Tenant) -> None:
    organizations.update("Acme Ltd", "UTC", "en", expected=("Acme", "UTC", "en"), by=acme.by)
    with pytest.raises(StaleVersion, match="it is 'Acme Ltd' in UTC now"):
        organizations.update("Acme Inc", "UTC", "en", expected=("Acme", "UTC", "en"), by=acme.by)
    assert Organization.objects.get(pk=acme.id).name == "Acme Ltd"


@pytest.mark.parametrize("slug", ["a", "0", "acme-2", "a" * 63])
def test_a_slug_has_small_letters_digits_and_hyphens(slug: str) -> None:
    assert organizations.create("Acme", slug).slug == slug


@pytest.mark.parametrize("slug", ["", "Acme", "a_b", "-a", "a-", "a" * 64, "a.b", "a/b", "ä", "a\n"])
def test_any_other_slug_is_refused_with_the_rule(slug: str) -> None:
    with pytest.raises(OrganizationInvalid, match=r"Slug: "):
        organizations.create("Acme", slug)
    assert not Organization.objects.exists()


def test_a_slug_is_given_once() -> None:
    organizations.create("Acme", "acme")
    with pytest.raises(OrganizationInvalid, match="already exists"):
        organizations.create("Other", "acme")
    with pytest.raises(IntegrityError), transaction.atomic():
        Organization.objects.create(name="Other", slug="acme")


@pytest.mark.parametrize("name", ["", "   ", "x" * 121])
def test_a_name_is_needed_and_fits(name: str) -> None:
    with pytest.raises(OrganizationInvalid, match="Name: "):
        organizations.create(name, "acme")


def test_a_time_zone_is_one_that_exists() -> None:
    from django.core.exceptions import ValidationError

    organization = Organization(name="Acme", slug="acme", time_zone="Mars/Olympus")
    with pytest.raises(ValidationError, match="Europe/Berlin"):
        organization.full_clean()


def test_the_lock_is_for_one_organization_and_needs_a_transaction(acme: Tenant) -> None:
    with CaptureQueriesContext(connection) as statements:
        assert organizations.lock(acme.id) == acme.organization
    locking = "FOR NO KEY UPDATE" in statements.captured_queries[0]["sql"]
    assert locking is (connection.vendor == "postgresql")


@pytest.mark.django_db(transaction=True)
def test_a_lock_outside_a_transaction_is_a_bug() -> None:
    organization = organizations.create("Acme", "acme")
    with pytest.raises(AssertionError):
        organizations.lock(organization.pk)


def test_the_slower_of_two_who_want_a_slug_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    organizations.create("First", "wanted")
    # Both had looked whether it was free before either of them took it.
    monkeypatch.setattr(Organization, "full_clean", lambda self: None)
    with pytest.raises(organizations.OrganizationInvalid, match="taken"):
        organizations.create("Second", "wanted")
