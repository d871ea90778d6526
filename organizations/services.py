"""Verbs on an organization itself; a whole one, with roles and a SCIM connection, is opened by ``scim.services``."""

from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from organizations.models import Organization
from organizations.refusals import Refusal


class OrganizationInvalid(Refusal):
    """The name, slug or time zone can't be used."""

    code = "organization-invalid"


def create(name: str, slug: str) -> Organization:
    """Make a bare organization.

    Raises OrganizationInvalid for a malformed or taken slug.
    """
    organization = Organization(name=name.strip(), slug=slug)
    try:
        organization.full_clean()
    except ValidationError as error:
        problems = [f"{name.capitalize()}: {' '.join(messages)}" for name, messages in error.message_dict.items()]
        raise OrganizationInvalid(" ".join(problems)) from None
    try:
        with transaction.atomic():
            organization.save(force_insert=True)
    except IntegrityError:
        raise OrganizationInvalid("Slug: Somebody has just taken it. Choose another.") from None
    return organization


def lock(organization_id: UUID) -> Organization:
    """Hold the organization's row until the transaction ends, so that rules about all its people can be checked.

    Rows that refer to the organization can still be added meanwhile.
    """
    assert transaction.get_connection().in_atomic_block  # noqa: S101  (a lock outside a transaction is a bug, not input)
    return Organization.objects.select_for_update(no_key=True).get(pk=organization_id)
