"""Directory: organizations as the pages of operators name and find them."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from console.operator_admin import OrganizationSummary
from core.parsing import id_of
from organizations.models import Organization
from organizations.services import support

record_view = support.record_view


def summaries(ids: Iterable[UUID]) -> Mapping[UUID, OrganizationSummary]:
    """Those that exist of some organizations; one that is suspended is closed to operators."""
    found = Organization.objects.in_bulk(list(ids))
    return {
        pk: OrganizationSummary(each.name, is_open=each.wants_support and each.is_active) for pk, each in found.items()
    }


def id_named(text: str) -> UUID | None:
    """The id of the organization with that slug or id."""
    by_id = id_of(text)
    found = Organization.objects.filter(**({"pk": by_id} if by_id else {"slug": text.lower()}))
    return found.values_list("pk", flat=True).first()
