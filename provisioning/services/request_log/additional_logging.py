"""Additional logging: for which connections, and until when, headers and bodies of requests are kept.

Whether it is on is asked with every request, so each process remembers where it is, and asks the database behind the
answers. It ends at its time by what is remembered alone, whether or not the database can be asked then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import connection, transaction
from django.utils import timezone

from audit.actions import Action
from audit.services import trail
from core.actors import Actor, Channel
from organizations.models import FormerSlug
from provisioning.models import Connection
from provisioning.services.connections import granted_permissions

log = structlog.get_logger(__name__)

LASTS = timedelta(hours=24)

# Whoever presses twice has prolonged once.
_SOONEST = timedelta(minutes=1)

Moments = Mapping[str, datetime]


@dataclass(frozen=True, slots=True)
class _Watched:
    """By slug, those of organizations that have it on for any connection; and by connection, until when."""

    slugs: Moments = field(default_factory=dict)
    connections: Mapping[UUID, datetime] = field(default_factory=dict)


# None until this process has looked for the first time.
_watched: _Watched | None = None


def is_on_at(slug: str) -> bool:
    """Whether headers and bodies of a request to that slug are to be kept, as far as this process knows.

    Its very first request has to wait for a look, and later ones for none: the writer of the log goes on looking.
    """
    if _watched is None:
        look_again_or_go_on()
    until = _watched.slugs.get(slug) if _watched else None
    return until is not None and timezone.now() < until


def is_on_for(connection_id: UUID) -> bool:
    """Whether those of a connection's requests are."""
    until = _watched.connections.get(connection_id) if _watched else None
    return until is not None and timezone.now() < until


def look_again_or_go_on() -> None:
    """Look again; if the database can't be asked, what this process knows holds until the next time, which is soon."""
    try:
        look_again()
    except Exception as error:
        if not connection.in_atomic_block:
            connection.close()
        log.warning("additional logging not looked at", reason=type(error).__name__)


def look_again() -> None:
    """Ask the database where it is on, and end it where its time is over."""
    global _watched
    now = timezone.now()
    found = list(Connection.objects.exclude(details_until=None).select_related("organization"))
    if not found:
        _watched = _Watched()
        return
    due = [each for each in found if _until(each) <= now or each.removed_at is not None]
    on = [each for each in found if each not in due]
    slugs: dict[str, datetime] = {}
    by_organization: dict[UUID, datetime] = {}
    for each in on:
        latest = max(_until(each), by_organization.get(each.organization_id, now))
        slugs[each.organization.slug] = by_organization[each.organization_id] = latest
    for former in FormerSlug.objects.live().filter(organization__in=by_organization) if on else ():
        slugs[former.slug] = min(former.until, by_organization[former.organization_id])
    _watched = _Watched(slugs, {each.pk: _until(each) for each in on})
    for each in due:
        _end(each)


def turn_on(connection: Connection, *, by: Actor) -> Connection:
    """Keep headers and bodies of the connection's requests for 24 hours from now, also where it is on already.

    They say as much as a token could read, so it is for those who may make one. Raises BeyondOwnRights.
    """
    with transaction.atomic():
        connection = _locked(connection, by)
        granted_permissions.require(connection, by=by, act="turn on its additional logging")
        now, former = timezone.now(), connection.details_until
        goes_on = former is not None and former > now
        if former is not None and goes_on and former >= now + LASTS - _SOONEST:
            return connection
        action = Action.SCIM_LOGGING_PROLONGED if goes_on else Action.SCIM_LOGGING_STARTED
        return _set(connection, now + LASTS, action, by=by)


def turn_off(connection: Connection, *, by: Actor) -> Connection:
    """Keep no more of them from now on; what was kept stays for as long as it would have."""
    with transaction.atomic():
        connection = _locked(connection, by)
        if connection.details_until is None:
            return connection
        return _set(connection, None, Action.SCIM_LOGGING_STOPPED, by=by)


@transaction.atomic
def _end(connection: Connection) -> None:
    """Several processes see that it is time; the first one writes it down."""
    by = Actor(connection.organization_id, "SaaS Manager", Channel.COMMAND)
    connection = _locked(connection, by)
    if connection.details_until is not None and (connection.removed_at or connection.details_until <= timezone.now()):
        _set(connection, None, Action.SCIM_LOGGING_ENDED, by=by)


def _set(connection: Connection, until: datetime | None, action: Action, *, by: Actor) -> Connection:
    former = connection.details_until
    connection.details_until = until
    connection.save(update_fields=["details_until"])
    trail.record(action, connection, {"until": [former, until]}, by=by)
    transaction.on_commit(look_again)
    return connection


def _until(connection: Connection) -> datetime:
    assert connection.details_until is not None  # noqa: S101  (the query has left those out)
    return connection.details_until


def _locked(connection: Connection, by: Actor) -> Connection:
    found: Connection = Connection.objects.of(by.organization_id).select_for_update().get(pk=connection.pk)
    return found
