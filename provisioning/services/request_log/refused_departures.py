"""Mails about refused suspensions or deletions: one at once, then at most one an hour.

Counted by the writer of the request log, in its transaction, for each connection and cause.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.utils import timezone

from core.parsing import id_of
from provisioning.models import Connection, DepartureAlert
from provisioning.services.request_log import mails
from provisioning.services.request_log.causes import LIMITS
from users.models import User

BETWEEN_MAILS = timedelta(hours=1)

# How many names a mail lists, and are kept until the next one.
MOST_NAMED = 100

# The brake tells of itself, nobody stays in who is not here, and what came too fast, a version conflict
# or a busy database is tried again.
NOT_NOTIFIED = LIMITS | {"provisioning-paused", "user-unknown", "PreconditionFailed", "database"}


@dataclass(frozen=True, slots=True)
class RefusedDeparture:
    """A suspension or deletion that was refused; ``user`` is the userName, empty where only the id is known."""

    organization_id: UUID
    connection_id: UUID
    cause: str
    result: str
    user_id: str
    user: str


def tell(refused: Sequence[RefusedDeparture]) -> None:
    """Mail what nobody was mailed of within the hour; the rest waits for the next mail. Called in a transaction."""
    counted = [each for each in refused if each.cause not in NOT_NOTIFIED]
    if not counted:
        return
    names = _names(counted)
    places = sorted({(each.connection_id, each.cause) for each in counted})
    present = {each.pk: each for each in Connection.objects.filter(pk__in={place[0] for place in places})}
    now = timezone.now()
    for connection_id, cause in places:
        if (connection := present.get(connection_id)) is None:
            continue
        of_place = [each for each in counted if (each.connection_id, each.cause) == (connection_id, cause)]
        alert = _locked(connection, cause)
        alert.users = list(dict.fromkeys([*alert.users, *(names(each) for each in of_place)]))[:MOST_NAMED]
        if alert.notified_at is None or alert.notified_at <= now - BETWEEN_MAILS:
            mails.departures_refused(connection, cause, of_place[-1].result, alert.users)
            alert.notified_at, alert.users = now, []
        alert.save(update_fields=["notified_at", "users"])


def _locked(connection: Connection, cause: str) -> DepartureAlert:
    alert = DepartureAlert(organization_id=connection.organization_id, connection=connection, cause=cause)
    DepartureAlert.objects.bulk_create([alert], ignore_conflicts=True)
    return DepartureAlert.objects.select_for_update().get(connection=connection, cause=cause)


def _names(refused: Iterable[RefusedDeparture]) -> Callable[[RefusedDeparture], str]:
    """What the users are called, asked of the database once; a user of another organization is not known by the id."""
    ids = {found for each in refused if not each.user and (found := id_of(each.user_id))}
    organizations = {each.organization_id for each in refused}
    found = User.objects.filter(organization__in=organizations, pk__in=ids)
    known = {(place, pk): name for place, pk, name in found.values_list("organization_id", "pk", "user_name")}
    return lambda each: each.user or known.get((each.organization_id, id_of(each.user_id))) or each.user_id[:64]
