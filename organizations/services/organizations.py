"""Verbs on an organization itself; a whole one is opened by ``provisioning``."""

from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from audit.actions import Action
from audit.services import trail
from core.actors import Actor
from core.refusals import Refusal, StaleVersion
from organizations.models import FormerSlug, Organization

# What an Admin changes at once; messages of the model's checks name these.
DETAILS = ("name", "time_zone", "date_style")
LONGEST_REASON = 300


class OrganizationInvalid(Refusal):
    """The name, slug or time zone can't be used."""

    code = "organization-invalid"


def create(name: str, slug: str) -> Organization:
    """Make a bare organization.

    Raises OrganizationInvalid for a malformed or taken slug.
    """
    organization = Organization(name=name.strip(), slug=slug)
    _check(organization)
    try:
        with transaction.atomic():
            organization.save(force_insert=True)
            if leads_elsewhere(slug):
                raise IntegrityError(slug)
    except IntegrityError:
        raise OrganizationInvalid("Slug: Somebody has just taken it. Choose another.") from None
    return organization


@transaction.atomic
def update(name: str, time_zone: str, date_style: str, *, expected: tuple[str, str, str], by: Actor) -> Organization:
    """Change how the actor's organization is called and writes moments.

    ``expected`` is the name, time zone and date style that the form was made from.


    Raises OrganizationInvalid, and StaleVersion where they are no longer what was seen.
    """
    organization = lock(by.organization_id)
    former = {field: getattr(organization, field) for field in DETAILS}
    if tuple(former.values()) != expected:
        raise StaleVersion(
            f"Somebody else has changed this meanwhile: it is '{organization.name}' in {organization.time_zone} now, "
            f"with dates in {organization.get_date_style_display()}. "
            "Nothing of yours is saved yet. Save again to replace it."
        )
    organization.name, organization.time_zone, organization.date_style = name.strip(), time_zone, date_style
    _check(organization)
    changes = {
        field: [before, getattr(organization, field)]
        for field, before in former.items()
        if getattr(organization, field) != before
    }
    if changes:
        organization.save(update_fields=list(changes))
        trail.record(Action.ORGANIZATION_UPDATED, organization, changes, by=by)
    return organization


def leads_elsewhere(slug: str) -> bool:
    """Whether the slug still leads to an organization that has had it; if its time is over, it is free.

    To be asked after the slug is written: whoever gives it up at the same time has been waited for by then.
    """
    FormerSlug.objects.filter(slug=slug, until__lte=timezone.now()).delete()
    return FormerSlug.objects.filter(slug=slug).exists()


@transaction.atomic
def suspend(reason: str, *, by: Actor) -> Organization:
    """Let nobody of the actor's organization in, on pages or by SCIM, from the next request on.

    Raises OrganizationInvalid for want of a reason.
    """
    return _set_active(False, reason, Action.ORGANIZATION_SUSPENDED, by)


@transaction.atomic
def reactivate(reason: str, *, by: Actor) -> Organization:
    """Let the people and clients of a suspended organization in again.

    Raises OrganizationInvalid for want of a reason.
    """
    return _set_active(True, reason, Action.ORGANIZATION_REACTIVATED, by)


def _set_active(active: bool, reason: str, action: Action, by: Actor) -> Organization:
    reason = reason.strip()
    if not reason or not reason.isprintable() or len(reason) > LONGEST_REASON:
        raise OrganizationInvalid(f"Give a reason, on one line of at most {LONGEST_REASON} characters.")
    organization = lock(by.organization_id)
    if organization.is_active != active:
        organization.is_active = active
        organization.save(update_fields=["is_active"])
        changes: trail.Changes = {"active": [not active, active], "reason": [None, reason]}
        trail.record(action, organization, changes, by=by)
    return organization


def _check(organization: Organization) -> None:
    if not organization.name.isprintable():
        raise OrganizationInvalid("Name: Write it on one line, without control characters.")
    try:
        organization.full_clean()
    except ValidationError as error:
        problems = [f"{name.capitalize()}: {' '.join(messages)}" for name, messages in error.message_dict.items()]
        raise OrganizationInvalid(
            " ".join(problems).replace("Time_zone", "Time zone").replace("Date_style", "Dates")
        ) from None


def lock(organization_id: UUID) -> Organization:
    """Hold the organization's row until the transaction ends, so that rules about all its people can be checked.

    Rows that refer to the organization can still be added meanwhile.
    """
    assert transaction.get_connection().in_atomic_block  # noqa: S101  (a lock outside a transaction is a bug, not input)
    return Organization.objects.select_for_update(no_key=True).get(pk=organization_id)
