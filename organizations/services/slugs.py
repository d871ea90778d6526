"""Verbs on slugs: an organization takes another one, and the one that it had leads to it for a while."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from audit.actions import Action
from audit.services import trail
from core.actors import Actor
from core.refusals import Kind, Refusal, StaleVersion
from organizations.models import FormerSlug, Organization, valid_slug
from organizations.services.organizations import leads_elsewhere, lock

GRACE = timedelta(days=90)

# How many slugs can lead to one organization besides its own, so that nobody hoards them.
MOST_FORMER = 3


class SlugRefused(Refusal):
    """The slug can't be this one."""

    code = "slug-refused"


class FormerSlugUnknown(Refusal):
    """No such former slug of this organization."""

    code = "former-slug-unknown"
    kind = Kind.UNKNOWN


def check(slug: str, organization: Organization) -> str:
    """The slug as it would be taken. Raises SlugRefused where it can't be."""
    slug = slug.strip().lower()
    try:
        valid_slug(slug)
    except ValidationError:
        raise SlugRefused(str(valid_slug.message)) from None
    if slug == organization.slug:
        raise SlugRefused(f"'{slug}' is the slug already.")
    live = FormerSlug.objects.live()
    if Organization.objects.filter(slug=slug).exists() or live.filter(slug=slug).exclude(
        organization_id=organization.pk
    ):
        raise SlugRefused(f"'{slug}' is taken. Choose another.")
    if live.of(organization.pk).exclude(slug=slug).count() >= MOST_FORMER:
        raise SlugRefused(f"At most {MOST_FORMER} former slugs can go on working. End one of them first.")
    return slug


@transaction.atomic
def change(slug: str, *, expected_slug: str, by: Actor) -> Organization:
    """Give the actor's organization another slug; the former one, ``expected_slug``, leads to it for a while.

    A slug that it has had before can be taken back. Raises SlugRefused, and StaleVersion where the slug is no
    longer what was seen.
    """
    organization = lock(by.organization_id)
    if organization.slug != expected_slug:
        raise StaleVersion(
            f"Somebody else has changed the slug meanwhile: it is '{organization.slug}' now. Nothing of yours is saved."
        )
    slug = check(slug, organization)
    FormerSlug.objects.of(organization.pk).filter(slug=slug).delete()
    organization.slug = slug
    try:
        with transaction.atomic():
            organization.save(update_fields=["slug"])
            FormerSlug.objects.create(organization=organization, slug=expected_slug, until=timezone.now() + GRACE)
    except IntegrityError:
        raise SlugRefused(f"Somebody has just taken '{slug}'. Choose another.") from None
    if leads_elsewhere(slug):
        raise SlugRefused(f"Somebody has just taken '{slug}'. Choose another.")
    trail.record(Action.SLUG_CHANGED, organization, {"slug": [expected_slug, slug]}, by=by)
    return organization


def former(organization_id: UUID) -> Sequence[FormerSlug]:
    """The slugs that lead to an organization besides its own, the longest-lived first."""
    return list(FormerSlug.objects.of(organization_id).live())


def organization_formerly(slug: str) -> Organization | None:
    """The organization to which a slug that it has had still leads."""
    row = FormerSlug.objects.live().filter(slug=slug.lower()).select_related("organization").first()
    return row.organization if row else None


@transaction.atomic
def extend(former_id: UUID, *, by: Actor) -> FormerSlug:
    """Let a former slug work for the whole time again, from now on. Raises FormerSlugUnknown."""
    row = _find(former_id, by)
    before, row.until = row.until, timezone.now() + GRACE
    row.save(update_fields=["until"])
    trail.record(Action.FORMER_SLUG_EXTENDED, row, {"until": [_day(before), _day(row.until)]}, by=by)
    return row


@transaction.atomic
def end(former_id: UUID, *, by: Actor) -> FormerSlug:
    """Let a former slug lead nowhere, and be free for anybody, at once. Raises FormerSlugUnknown."""
    row = _find(former_id, by)
    trail.record(Action.FORMER_SLUG_ENDED, row, {"until": [_day(row.until), None]}, by=by)
    row.delete()
    return row


def _find(former_id: UUID, by: Actor) -> FormerSlug:
    row = FormerSlug.objects.of(by.organization_id).live().select_for_update().filter(pk=former_id).first()
    if row is None:
        raise FormerSlugUnknown("This former slug leads nowhere any more. Reload the page.")
    return row


def _day(moment: datetime) -> str:
    return moment.date().isoformat()
