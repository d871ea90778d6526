"""The mass-change brake: too many suspensions or deletions within an hour wait for an Admin.

The brake counts distinct users. Once more than the share of them (and at least ``LEAST``) would go, that change and all
later ones are refused until an Admin releases them. Only SCIM is braked: changes on the pages are neither counted nor
refused. Nor does trying a set-up out count: see ``_is_try_out``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection as database
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from audit.actions import Action
from audit.services import trail
from core import sql
from core.actors import Actor
from core.addresses import canonical
from core.refusals import Refusal, StaleVersion
from core.tenancy import TenantQuerySet
from provisioning.models import Brake, Connection, Departure
from provisioning.services import brake_mails
from provisioning.services.connections import granted_permissions
from users.models import Source, User

WINDOW = timedelta(hours=1)

# So few people may go whatever their share, so that small organizations and test users are left alone.
LEAST = 10

# How long nothing is held back after a release: as long as a provider takes to send the rest again.
REST = timedelta(hours=1)

# While it is held and nobody answers, the Admins hear of it this often.
REMINDED = timedelta(days=1)

# How long refusals are listed and kept, and departures listed after the brake has paused provisioning.
REFUSALS_KEPT = timedelta(days=1)

PERCENT = range(1, 101)

# Up to so many users of a try-out, within this time, do not count.
MOST_TRY_OUTS = 25
TRY_OUT = timedelta(hours=24)

# How long a userName that has gone is remembered, so that a user made again and again counts after all.
REMEMBERED = timedelta(days=365)


# What a release is called in a refusal.
RESUMING = "release what its brake holds back"


# Who went before, as constant SQL: it counts at each suspension, and the ORM takes longer to word it than it runs.
_KINDS = (
    "d.user_name_key = %s",
    "d.is_try_out AND d.at > %s",
    "NOT d.is_try_out AND NOT d.is_back AND d.at > %s",
)
_BEFORE = (
    f"SELECT {', '.join(f'COUNT(CASE WHEN {kind} THEN 1 END)' for kind in _KINDS)} FROM provisioning_departure d"  # noqa: S608
    " WHERE d.organization_id = %s AND d.connection_id = %s AND NOT d.refused AND d.user_id <> %s"
    f" AND ({' OR '.join(f'({kind})' for kind in _KINDS)})"
)


class ProvisioningPaused(Refusal):
    """Too many people would have gone within an hour; ``brake`` as it was found."""

    code = "provisioning-paused"

    def __init__(self, brake: Brake, departure: Departure) -> None:
        super().__init__(
            f"{departure.user_name} was not {'deleted' if departure.deleted else 'suspended'}: {brake.gone:,} of "
            f"{brake.people:,} people have been suspended or deleted within an hour, and more are held back until an "
            "Admin releases them in Settings > Users > Single Sign-On (SSO) > SCIM. Try again then.",
            about={"user_id": str(departure.user_id), "user": departure.user_name},
        )
        self.brake, self.departure = brake, departure


class PercentInvalid(Refusal):
    """The share is not a percentage."""

    code = "percent-invalid"


def of(connection: Connection) -> Brake:
    """A connection's brake as it stands; not saved where nobody has needed it yet."""
    return _all(connection.organization_id, connection.pk).first() or Brake(
        organization_id=connection.organization_id, connection=connection
    )


def paused(organization_id: UUID) -> list[Brake]:
    """The organization's brakes that hold, the longest first."""
    found = Brake.objects.of(organization_id).filter(paused_since__isnull=False, connection__removed_at=None)
    return list(found.select_related("connection").order_by("paused_since"))


def departures(brake: Brake) -> TenantQuerySet[Departure]:
    """Return who has gone and is not back, newest first.

    From an hour before the brake last held something back, if it did within REFUSALS_KEPT, else within the last hour.
    """
    now = timezone.now()
    lately = (
        brake.last_paused_since if brake.last_paused_since and brake.last_paused_since > now - REFUSALS_KEPT else None
    )
    since = (brake.paused_since or lately or now) - WINDOW
    return Departure.objects.of(brake.organization_id).filter(
        connection=brake.connection_id, refused=False, is_back=False, at__gt=since
    )


def refused(brake: Brake) -> TenantQuerySet[Departure]:
    """Return the users whose suspension or deletion the brake refuses or lately refused and who have not gone since."""
    of_connection = Departure.objects.of(brake.organization_id).filter(connection=brake.connection_id)
    gone = of_connection.filter(refused=False, is_back=False, user_id=OuterRef("user_id"), at__gt=OuterRef("at"))
    return of_connection.filter(~Exists(gone), refused=True, at__gt=timezone.now() - REFUSALS_KEPT)


# While people go


@contextmanager
def watched(*, by: Actor) -> Iterator[None]:
    """A transaction in which people may go; one that is held back leaves nothing behind but the held brake."""
    try:
        with transaction.atomic():
            yield
    except ProvisioningPaused as refusal:
        if _is_news(refusal.brake):
            _pause(refusal.brake.connection_id, by=by)
        _save(refusal.departure)
        raise


def departs(user: User, *, deleted: bool, connection_id: UUID, by: Actor) -> None:
    """Count a user who has just been suspended or deleted, last in the ``watched`` transaction.

    Raises ProvisioningPaused. The brake's lock is held until the commit: of two users who go at once the second one is
    counted with the first.
    """
    brake, now = _locked(by.organization_id, connection_id), timezone.now()
    if not brake.enabled:
        return
    departure = Departure(
        organization_id=by.organization_id,
        connection_id=connection_id,
        user_id=user.pk,
        user_name=user.user_name,
        user_name_key=canonical(user.user_name),
        deleted=deleted,
        request_id=by.request_id,
        at=now,
    )
    if brake.paused_since is not None and not brake.is_resting:
        raise _refusal(brake, departure)
    same_name, try_outs, counted = _before(departure, brake)
    departure.is_try_out = _is_try_out(user, departure) and not same_name and try_outs < MOST_TRY_OUTS
    _save(departure)
    if brake.is_resting or departure.is_try_out:
        return
    # Not fewer than have gone: some of them may be back, or be the same test user over and over again.
    at_most = counted + 1
    if at_most < LEAST or (brake.counted_at and brake.counted_at > now - WINDOW and not _is_too_many(at_most, brake)):
        return
    gone = _count(brake, now)
    brake.save(update_fields=["people", "counted_at"])
    if _is_too_many(gone, brake):
        brake.gone = gone - 1
        raise _refusal(brake, departure)


def _refusal(brake: Brake, departure: Departure) -> ProvisioningPaused:
    departure.refused, departure.is_try_out = True, False
    return ProvisioningPaused(brake, departure)


def _save(departure: Departure) -> None:
    changing = ("user_name", "user_name_key", "deleted", "is_try_out", "is_back", "request_id", "at")
    sql.put(departure, ("connection_id", "user_id", "refused"), changing)


def _before(departure: Departure, brake: Brake) -> tuple[int, int, int]:
    """Count earlier departures of others: of the same name, try-outs, and those that count."""
    moment = database.ops.adapt_datetimefield_value
    ids = [sql.key(each) for each in (departure.organization_id, departure.connection_id, departure.user_id)]
    name = departure.user_name_key
    since = [moment(departure.at - TRY_OUT), moment(_since(brake, departure.at))]
    ((same_name, try_outs, counted),) = sql.select(_BEFORE, [name, *since, *ids, name, *since])
    return same_name, try_outs, counted


def _is_try_out(user: User, departure: Departure) -> bool:
    """Whether somebody seems to try the set-up out: the connection made the user lately, and nobody ever signed in."""
    return (
        user.source == Source.SCIM
        and user.managed_by == departure.connection_id
        and user.last_login is None
        and user.created_at is not None
        and user.created_at > departure.at - TRY_OUT
    )


def _is_too_many(gone: int, brake: Brake) -> bool:
    return gone >= LEAST and gone * 100 > brake.percent * brake.people


def _count(brake: Brake, now: datetime) -> int:
    """How many have gone and not come back; notes of how many people that is.

    Those are whom the connection manages and whom it could, because none does.
    """
    everybody = User.objects.of(brake.organization_id).filter(is_active=True)
    window = _window(brake, now)
    by_id, by_name = (everybody.filter(**{name: OuterRef(of_departure)}) for name, of_departure in _SAME)
    window.filter(Q(Exists(by_id)) | Q(Exists(by_name))).update(is_back=True)
    gone = window.order_by().values("user_name_key").distinct().count()
    managed = Q(managed_by=brake.connection_id) | Q(managed_by=None)
    brake.people, brake.counted_at = gone + everybody.filter(managed, source=Source.SCIM).count(), now
    return gone


# How a user who is here is found to be somebody who had gone: restored, or made anew.
_SAME = (("pk", "user_id"), ("user_name_key", "user_name_key"))


def _window(brake: Brake, until: datetime) -> TenantQuerySet[Departure]:
    """The departures that count."""
    return Departure.objects.of(brake.organization_id).filter(
        connection=brake.connection_id, refused=False, is_try_out=False, is_back=False, at__gt=_since(brake, until)
    )


def _since(brake: Brake, until: datetime) -> datetime:
    return max(until - WINDOW, brake.counts_from or until - WINDOW)


# Held


def _is_news(brake: Brake) -> bool:
    """Whether nobody has been told yet, or they are to be reminded."""
    if brake.paused_since is None:
        return True
    return brake.kept_paused_at is None and (
        brake.notified_at is None or brake.notified_at <= timezone.now() - REMINDED
    )


@transaction.atomic
def _pause(connection_id: UUID, *, by: Actor) -> None:
    """Hold what comes, and tell the Admins, or remind them; whoever comes second finds it done."""
    brake, now = _locked(by.organization_id, connection_id), timezone.now()
    if not brake.enabled or brake.is_resting or not _is_news(brake):
        return
    if brake.paused_since is None:
        brake.gone = _count(brake, now)
        brake.paused_since, brake.version = now, brake.version + 1
        counted = {"gone": (None, brake.gone), "people": (None, brake.people)}
        trail.record(Action.SCIM_BRAKE_PAUSED, brake.connection, counted, by=by)
    brake.notified_at = now
    brake.save()
    brake_mails.provisioning_paused(brake)


@transaction.atomic
def resume(connection: Connection, *, expected_version: int, by: Actor) -> Brake:
    """Let the held changes through when they come again: the brake rests for ``REST``, and what was does not count.

    ``expected_version`` is the version that the person was shown. Raises StaleVersion and BeyondOwnRights.
    """
    brake = _paused(connection, expected_version, by)
    granted_permissions.require(connection, by=by, act=RESUMING)
    brake.last_paused_since = brake.paused_since
    _count_anew(brake, timezone.now() + REST)
    return _answered(brake, Action.SCIM_BRAKE_RESUMED, by)


@transaction.atomic
def keep(connection: Connection, *, expected_version: int, by: Actor) -> Brake:
    """Go on refusing, and remind nobody any more. Raises StaleVersion."""
    brake = _paused(connection, expected_version, by)
    if brake.kept_paused_at is not None:
        return brake
    brake.kept_paused_at = timezone.now()
    return _answered(brake, Action.SCIM_BRAKE_KEPT_PAUSED, by)


def _count_anew(brake: Brake, start: datetime) -> None:
    brake.paused_since = brake.kept_paused_at = brake.notified_at = brake.counted_at = None
    brake.counts_from = start


def _paused(connection: Connection, expected_version: int, by: Actor) -> Brake:
    brake = _locked(by.organization_id, connection.pk)
    if brake.paused_since is None or brake.version != expected_version:
        raise StaleVersion("Somebody else has answered or changed the brake meanwhile. Look at how it stands now.")
    return brake


def _answered(brake: Brake, action: Action, by: Actor) -> Brake:
    brake.answered_by = by.label[:320]
    brake.version += 1
    brake.save()
    trail.record(action, brake.connection, by=by)
    return brake


# Settings


@transaction.atomic
def set_enabled(connection: Connection, wanted: bool, *, by: Actor) -> Brake:
    """Turn the brake on or off; off, it lets go of what it holds, and on, it counts from then.

    Raises BeyondOwnRights where it is turned off.
    """
    brake = _locked(by.organization_id, connection.pk)
    if brake.enabled == wanted:
        return brake
    if not wanted:
        granted_permissions.require(connection, by=by, act="turn off its mass-change brake")
    brake.enabled = wanted
    _count_anew(brake, timezone.now())
    brake.version += 1
    brake.save()
    action = Action.SCIM_BRAKE_ON if wanted else Action.SCIM_BRAKE_OFF
    trail.record(action, connection, {"enabled": (not wanted, wanted)}, by=by)
    return brake


@transaction.atomic
def set_percent(connection: Connection, percent: int, *, by: Actor) -> Brake:
    """Hold back at another share, from the next departure on.

    Raises PercentInvalid, and BeyondOwnRights where the share grows.
    """
    if percent not in PERCENT:
        raise PercentInvalid(f"The share must be a whole number from {PERCENT[0]} to {PERCENT[-1]} percent.")
    brake = _locked(by.organization_id, connection.pk)
    if percent > brake.percent:
        granted_permissions.require(connection, by=by, act="raise the percentage of its mass-change brake")
    if brake.percent != percent:
        changes = {"percent": (brake.percent, percent)}
        brake.percent = percent
        brake.save(update_fields=["percent"])
        trail.record(Action.SCIM_BRAKE_CHANGED, connection, changes, by=by)
    return brake


def prune() -> int:
    """Delete departures older than REMEMBERED, and refusals that no page shows any more; returns how many."""
    now = timezone.now()
    return Departure.objects.filter(Q(at__lt=now - REMEMBERED) | Q(refused=True, at__lt=now - REFUSALS_KEPT)).delete()[
        0
    ]


def _all(organization_id: UUID, connection_id: UUID) -> TenantQuerySet[Brake]:
    return Brake.objects.of(organization_id).filter(connection=connection_id)


def _locked(organization_id: UUID, connection_id: UUID) -> Brake:
    """The brake, made if there is none yet, and locked until the transaction ends."""
    its = {"organization_id": sql.key(organization_id), "connection_id": sql.key(connection_id)}
    while (found := sql.find(Brake, its)) is None:
        brake = Brake(organization_id=organization_id, connection_id=connection_id)
        Brake.objects.bulk_create([brake], ignore_conflicts=True)
    return found
