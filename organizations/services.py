"""Verbs on an organization itself; a whole one, with roles and a SCIM connection, is opened by ``scim.services``."""

from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from audit import trail
from audit.actions import Action
from audit.actors import Actor
from organizations.models import Organization
from organizations.refusals import Refusal


class OrganizationInvalid(Refusal):
    """The name, slug or time zone can't be used."""

    code = "organization-invalid"


class OrganizationChanged(Refusal):
    """Somebody else was quicker."""

    code = "organization-changed"


def create(name: str, slug: str) -> Organization:
    """Make a bare organization.

    Raises OrganizationInvalid for a malformed or taken slug.
    """
    organization = Organization(name=name.strip(), slug=slug)
    _check(organization)
    try:
        with transaction.atomic():
            organization.save(force_insert=True)
    except IntegrityError:
        raise OrganizationInvalid("Slug: Somebody has just taken it. Choose another.") from None
    return organization


@transaction.atomic
def update(name: str, time_zone: str, *, seen: tuple[str, str], by: Actor) -> Organization:
    """Change name and time zone of the actor's organization; ``seen`` is what both were where the change was made up.

    Raises OrganizationInvalid, and OrganizationChanged where they are no longer what was seen.
    """
    organization = lock(by.organization_id)
    former = {"name": organization.name, "time_zone": organization.time_zone}
    if tuple(former.values()) != seen:
        raise OrganizationChanged(
            f"Somebody else has changed this meanwhile: it is '{organization.name}' in {organization.time_zone} now. "
            "Nothing of yours is saved yet. Save again to replace it."
        )
    organization.name, organization.time_zone = name.strip(), time_zone
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


def _check(organization: Organization) -> None:
    if not organization.name.isprintable():
        raise OrganizationInvalid("Name: Write it on one line, without control characters.")
    try:
        organization.full_clean()
    except ValidationError as error:
        problems = [f"{name.capitalize()}: {' '.join(messages)}" for name, messages in error.message_dict.items()]
        raise OrganizationInvalid(" ".join(problems).replace("Time_zone", "Time zone")) from None


def lock(organization_id: UUID) -> Organization:
    """Hold the organization's row until the transaction ends, so that rules about all its people can be checked.

    Rows that refer to the organization can still be added meanwhile.
    """
    assert transaction.get_connection().in_atomic_block  # noqa: S101  (a lock outside a transaction is a bug, not input)
    return Organization.objects.select_for_update(no_key=True).get(pk=organization_id)
