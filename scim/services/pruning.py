"""What the request log keeps no longer goes, in small steps."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from audit.models import first_id_at
from organizations.models import Organization
from organizations.tenancy import TenantQuerySet
from scim.models import RequestLog
from scim.services import details, operation_rows

PRUNED_AT_ONCE = 1000


def prune() -> int:
    """Delete what is older than SCIM_LOG_RETENTION_DAYS, or not among the SCIM_LOG_ROWS newest of its organization.

    In small steps, and with what additional logging has kept of them; that is deleted after SCIM_DETAIL_DAYS already.
    Returns how many rows of the log that were.
    """
    details.prune()
    limit = timezone.now() - timedelta(days=settings.SCIM_LOG_RETENTION_DAYS)
    deleted = _delete(RequestLog.objects.filter(pk__lt=first_id_at(limit)))
    for organization_id in Organization.objects.values_list("pk", flat=True):
        rows_of_one = RequestLog.objects.of(organization_id)
        newest = rows_of_one.order_by("-pk").values_list("pk", flat=True)
        first = newest[settings.SCIM_LOG_ROWS : settings.SCIM_LOG_ROWS + 1].first()
        if first is not None:
            deleted += _delete(rows_of_one.filter(pk__lte=first))
    return deleted


def _delete(found: TenantQuerySet[RequestLog]) -> int:
    old = found.order_by("pk").values_list("pk", "organization_id")
    deleted = 0
    while places := dict(old[:PRUNED_AT_ONCE]):
        ids = list(places)
        details.forget(ids)
        for organization_id in set(places.values()):
            operation_rows.forget(organization_id, [each for each in ids if places[each] == organization_id])
        deleted += RequestLog.objects.filter(pk__in=ids).delete()[0]
    return deleted
