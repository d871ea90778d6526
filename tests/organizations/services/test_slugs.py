"""Another slug for an organization, and those that it has had: kept, extended, ended, taken back and freed."""

from datetime import timedelta

import pytest
from django.utils import timezone

from core.refusals import StaleVersion
from organizations.models import FormerSlug, Organization
from organizations.services import organizations, slugs
from organizations.services.organizations import OrganizationInvalid
from organizations.services.slugs import FormerSlugUnknown, SlugRefused
from tests.tenants import Tenant

pytestmark = pytest.mark.django_db


def slug_of(tenant: Tenant) -> str:
    return Organization.objects.get(pk=tenant.id).slug


def former(tenant: Tenant) -> list[str]:
    return sorted(row.slug for row in slugs.former(tenant.id))


def expire(slug: str) -> None:
    FormerSlug.objects.filter(slug=slug).update(until=timezone.now() - timedelta(seconds=1))


def test_the_old_slug_leads_on_for_ninety_days(acme: Tenant) -> None:
    slugs.change(" Acme-Ltd ", expected_slug="acme", by=acme.by)
    assert slug_of(acme) == "acme-ltd"
    row = FormerSlug.objects.get(slug="acme")
    assert timedelta(days=89) < row.until - timezone.now() <= timedelta(days=90)
    assert slugs.organization_formerly("ACME") == acme.organization
    event = acme.last_event()
    assert (event.action, event.changes) == ("organization.slug-changed", {"slug": ["acme", "acme-ltd"]})


def test_nobody_else_can_have_it_before(acme: Tenant, globex: Tenant) -> None:
    slugs.change("acme-ltd", expected_slug="acme", by=acme.by)
    with pytest.raises(SlugRefused, match="taken"):
        slugs.change("acme", expected_slug="globex", by=globex.by)
    with pytest.raises(OrganizationInvalid, match="taken"):
        organizations.create("Acme", "acme")
    assert not Organization.objects.filter(slug="acme").exists()


def test_it_is_free_after_that(acme: Tenant, globex: Tenant) -> None:
    slugs.change("acme-ltd", expected_slug="acme", by=acme.by)
    expire("acme")
    assert slugs.organization_formerly("acme") is None
    assert former(acme) == []
    slugs.change("acme", expected_slug="globex", by=globex.by)
    assert slug_of(globex) == "acme"


def test_a_new_organization_can_have_it_after_that(acme: Tenant) -> None:
    slugs.change("acme-ltd", expected_slug="acme", by=acme.by)
    expire("acme")
    assert organizations.create("Acme", "acme").slug == "acme"
    assert not FormerSlug.objects.filter(slug="acme").exists()


def test_one_can_go_back(acme: Tenant) -> None:
    slugs.change("acme-ltd", expected_slug="acme", by=acme.by)
    slugs.change("acme", expected_slug="acme-ltd", by=acme.by)
    assert (slug_of(acme), former(acme)) == ("acme", ["acme-ltd"])


def test_nobody_hoards_slugs(acme: Tenant) -> None:
    for before, after in (("acme", "a1"), ("a1", "a2"), ("a2", "a3")):
        slugs.change(after, expected_slug=before, by=acme.by)
    with pytest.raises(SlugRefused, match="At most 3 former slugs"):
        slugs.change("a4", expected_slug="a3", by=acme.by)
    slugs.change("a1", expected_slug="a3", by=acme.by)
    assert former(acme) == ["a2", "a3", "acme"]


@pytest.mark.parametrize("slug", ["", "-", "a-", "a b", "é", "a/b", "x" * 64, "a\x00", "acme", "globex"])
def test_what_can_not_be_a_slug_here_changes_nothing(slug: str, acme: Tenant, globex: Tenant) -> None:
    events = len(acme.events())
    with pytest.raises(SlugRefused):
        slugs.change(slug, expected_slug="acme", by=acme.by)
    assert (slug_of(acme), former(acme), len(acme.events())) == ("acme", [], events)


def test_the_second_admin_is_told(acme: Tenant) -> None:
    slugs.change("acme-ltd", expected_slug="acme", by=acme.by)
    with pytest.raises(StaleVersion, match="it is 'acme-ltd' now"):
        slugs.change("acme-inc", expected_slug="acme", by=acme.by)


def test_a_former_slug_is_extended_and_ended(acme: Tenant) -> None:
    slugs.change("acme-ltd", expected_slug="acme", by=acme.by)
    row = FormerSlug.objects.get(slug="acme")
    FormerSlug.objects.update(until=timezone.now() + timedelta(days=2))
    assert slugs.extend(row.pk, by=acme.by).until > timezone.now() + timedelta(days=89)
    assert acme.last_event().action == "organization.slug-extended"
    slugs.end(row.pk, by=acme.by)
    assert (former(acme), acme.last_event().action) == ([], "organization.slug-ended")
    with pytest.raises(FormerSlugUnknown):
        slugs.end(row.pk, by=acme.by)


def test_that_of_another_organization_is_not_there(acme: Tenant, globex: Tenant) -> None:
    slugs.change("acme-ltd", expected_slug="acme", by=acme.by)
    row = FormerSlug.objects.get(slug="acme")
    for verb in (slugs.extend, slugs.end):
        with pytest.raises(FormerSlugUnknown):
            verb(row.pk, by=globex.by)
    assert former(acme) == ["acme"]


def test_a_suspended_organization_is_led_to_as_well(acme: Tenant) -> None:
    slugs.change("acme-ltd", expected_slug="acme", by=acme.by)
    organizations.suspend("Unpaid", by=acme.by)
    assert slugs.organization_formerly("acme") == acme.organization
