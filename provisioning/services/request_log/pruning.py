"""What the request log keeps no longer goes, in small steps."""

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from core.ids import first_id_at
from organizations.models import Organization
from provisioning.models import RequestLog, RequestLogQuerySet
from provisioning.services.request_log import logged_exchanges, operations

PRUNED_AT_ONCE = 1000


def prune() -> int:
    """Delete what is older than SCIM_LOG_RETENTION_DAYS, or not among the SCIM_LOG_ROWS newest of its organization.

    Rows without a token of the organization have a share of their own, SCIM_LOG_UNKNOWN_ROWS: however many there are,
    they push out none of the others.
    In small steps, and with what additional logging has kept of them; that is deleted after SCIM_DETAIL_DAYS already.
    Returns how many rows of the log that were.
    """
    logged_exchanges.prune()
    limit = timezone.now() - timedelta(days=settings.SCIM_LOG_RETENTION_DAYS)
    deleted = _delete(RequestLog.objects.filter(pk__lt=first_id_at(limit)))
    for organization_id in Organization.objects.values_list("pk", flat=True):
        rows_of_one = RequestLog.objects.of(organization_id)
        deleted += _delete(_beyond(rows_of_one.anonymous(), settings.SCIM_LOG_UNKNOWN_ROWS))
        deleted += _delete(_beyond(rows_of_one.own(), settings.SCIM_LOG_ROWS))
    return deleted


def prune_anonymous(organization_id: UUID) -> bool:
    """Delete the oldest of an organization's rows without a token of it that are beyond SCIM_LOG_UNKNOWN_ROWS.

    That is one step, for the writer of the log, between two runs of ``prune``. Rows that another process is deleting
    are left to it. Returns whether there was nothing more to delete.
    """
    beyond = _beyond(RequestLog.objects.of(organization_id).anonymous(), settings.SCIM_LOG_UNKNOWN_ROWS)
    with transaction.atomic():
        old = beyond.order_by("pk").select_for_update(skip_locked=True).values_list("pk", flat=True)
        ids = list(old[:PRUNED_AT_ONCE])
        _forget(dict.fromkeys(ids, organization_id))
    return len(ids) < PRUNED_AT_ONCE


def _beyond(found: RequestLogQuerySet, number: int) -> RequestLogQuerySet:
    """Those that are not among so many newest ones."""
    first = found.order_by("-pk").values_list("pk", flat=True)[number : number + 1].first()
    return found.filter(pk__lte=first) if first is not None else found.none()


def _delete(found: RequestLogQuerySet) -> int:
    old = found.order_by("pk").values_list("pk", "organization_id")
    deleted = 0
    while places := dict(old[:PRUNED_AT_ONCE]):
        deleted += _forget(places)
    return deleted


def _forget(places: Mapping[UUID, UUID]) -> int:
    """Delete rows, by id and organization, with all that is kept of them."""
    ids = list(places)
    logged_exchanges.forget(ids)
    for organization_id in set(places.values()):
        operations.forget(organization_id, [each for each in ids if places[each] == organization_id])
    return RequestLog.objects.filter(pk__in=ids).delete()[0]
