"""Streaks of failures: ten failed requests of a connection in a row are mailed to the Admins.

Counted by the writer of the request log, in its transaction, for all processes together in the database.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from organizations.models import Organization
from provisioning.models import Streak, Token
from provisioning.services.request_log import mails
from provisioning.services.request_log.causes import LIMITS, SUSPENDED
from provisioning.services.request_log.mails import Failure

LONG = 10

# What a request without a valid token must be refused for to count: the token was one of ours, or would be valid.
COUNTED_REFUSALS = frozenset({"token-revoked", "token-expired", "token-retired", "token-replaced", "scim-off"})

# Whoever has an old token can't have more mails than this sent.
BETWEEN_MAILS_OF_REFUSALS = timedelta(days=1)

# A connection that fails and works by turns is told of no more often. Who still fails after a day is told of then.
BETWEEN_MAILS_OF_FAILURES = timedelta(days=1)

_COUNTED = (
    *("failures", "failures_notified", "failures_notified_at"),
    *("refusals", "refusals_notified", "refusals_notified_at"),
)
_GOING_ON = Q(failures__gt=0) | Q(refusals__gt=0)


class OutcomeKind(Enum):
    """What a request was for the streak."""

    SUCCESS = auto()
    FAILURE = auto()
    REFUSAL = auto()


@dataclass(frozen=True, slots=True)
class RequestOutcome:
    """A request that presented a token of a connection."""

    token_id: UUID
    connection_id: UUID
    kind: OutcomeKind
    failure: Failure


def kind_of(status: int, cause: str) -> OutcomeKind | None:
    """What a request was for the streak; None if it is none of its business."""
    if status < 400:
        return OutcomeKind.SUCCESS
    if cause in LIMITS or cause == SUSPENDED:
        # Nobody of the organization can do anything about a suspension.
        return None
    if status != 401:
        return OutcomeKind.FAILURE
    return OutcomeKind.REFUSAL if cause in COUNTED_REFUSALS else None


def count(outcomes: Sequence[RequestOutcome]) -> None:
    """Go on with the streaks of the connections whose tokens were presented, and mail where one has become long.

    Oldest outcome first. To be called in a transaction, once for a batch.
    """
    # Most batches are of this kind, so that is asked first.
    if all(outcome.kind is OutcomeKind.SUCCESS for outcome in outcomes):
        succeeded = {outcome.connection_id for outcome in outcomes}
        if not succeeded or not Streak.objects.filter(_GOING_ON, connection__in=succeeded).exists():
            return
    tokens = {token.pk: token for token in Token.objects.filter(pk__in={outcome.token_id for outcome in outcomes})}
    found = [(tokens[outcome.token_id], outcome) for outcome in outcomes if outcome.token_id in tokens]
    # Where the server itself failed, nobody may have looked whether the token is valid.
    counted = [(token, each) for token, each in found if each.kind != OutcomeKind.FAILURE or token.is_live]
    streaks = _locked(counted)
    failing: list[tuple[Streak, Failure]] = []
    refused: dict[UUID, tuple[Streak, Failure]] = {}
    for token, outcome in counted:
        if (streak := streaks.get(token.connection_id)) is None:
            continue
        match outcome.kind:
            case OutcomeKind.SUCCESS:
                streak.failures, streak.refusals = 0, 0
                streak.failures_notified = streak.refusals_notified = False
            case OutcomeKind.FAILURE:
                streak.failures += 1
                if streak.failures >= LONG and not streak.failures_notified and not _is_paused(streak):
                    streak.failures_notified, streak.failures_notified_at = True, timezone.now()
                    failing.append((streak, outcome.failure))
            case OutcomeKind.REFUSAL:
                streak.refusals += 1
                if streak.refusals >= LONG and not streak.refusals_notified:
                    refused[streak.pk] = streak, outcome.failure
    for streak, failure in failing:
        mails.requests_fail(streak.connection, failure)
    # Organizations are locked in one order, so that two writers never wait for each other.
    for streak, failure in sorted(refused.values(), key=lambda each: each[0].organization_id):
        _tell_of_refusals(streak, failure)
    for streak in streaks.values():
        streak.save(update_fields=_COUNTED)


def _locked(counted: Iterable[tuple[Token, RequestOutcome]]) -> Mapping[UUID, Streak]:
    """The streaks that go on or end, by connection; where nothing has failed, now or before, there is none."""
    failed = {token.connection_id: token for token, outcome in counted if outcome.kind != OutcomeKind.SUCCESS}
    succeeded = {token.connection_id for token, outcome in counted if outcome.kind == OutcomeKind.SUCCESS}
    Streak.objects.bulk_create(
        [
            Streak(organization_id=failed[connection_id].organization_id, connection_id=connection_id)
            for connection_id in sorted(failed)
        ],
        ignore_conflicts=True,
    )
    rows = Streak.objects.filter(Q(connection__in=failed) | Q(_GOING_ON, connection__in=succeeded))
    locked = rows.select_for_update(of=("self",)).select_related("connection").order_by("connection_id")
    return {streak.connection_id: streak for streak in locked}


def _is_paused(streak: Streak) -> bool:
    notified_at = streak.failures_notified_at
    return notified_at is not None and notified_at > timezone.now() - BETWEEN_MAILS_OF_FAILURES


def _tell_of_refusals(streak: Streak, failure: Failure) -> None:
    now = timezone.now()
    Organization.objects.select_for_update(no_key=True).get(pk=streak.organization_id)
    lately = Streak.objects.of(streak.organization_id).filter(refusals_notified_at__gt=now - BETWEEN_MAILS_OF_REFUSALS)
    if not lately.exists():
        mails.requests_are_refused(streak.connection, failure)
        # Saved at once: of two connections in one batch, one is told of.
        streak.refusals_notified_at = now
        streak.refusals_notified = streak.refusals >= LONG
        streak.save(update_fields=["refusals_notified_at"])
