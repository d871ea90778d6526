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

    Rows without a token of the organization have a share of their own, SCIM_LOG_UNKNOWN_ROWS: however many there are,
    they push out none of the others.
    In small steps, and with what additional logging has kept of them; that is deleted after SCIM_DETAIL_DAYS already.
    Returns how many rows of the log that were.
    """
    details.prune()
    limit = timezone.now() - timedelta(days=settings.SCIM_LOG_RETENTION_DAYS)
    deleted = _delete(RequestLog.objects.filter(pk__lt=first_id_at(limit)))
    for organization_id in Organization.objects.values_list("pk", flat=True):
        rows_of_one = RequestLog.objects.of(organization_id)
        anonymous = rows_of_one.anonymous()
        deleted += _keep_the_newest(anonymous, settings.SCIM_LOG_UNKNOWN_ROWS)
        # Among so many are SCIM_LOG_ROWS of the organization's own, wherever the others lie.
        deleted += _keep_the_newest(rows_of_one, settings.SCIM_LOG_ROWS + anonymous.count())
    return deleted


def _keep_the_newest(found: TenantQuerySet[RequestLog], number: int) -> int:
    first = found.order_by("-pk").values_list("pk", flat=True)[number : number + 1].first()
    return _delete(found.filter(pk__lte=first)) if first is not None else 0


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
