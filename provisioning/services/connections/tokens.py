"""Verbs on a live token: rename, rotate, retire."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from audit.actions import Action
from audit.services import trail
from audit.services.trail import Changes
from core.actors import Actor, Channel
from core.refusals import Refusal, StaleVersion
from provisioning.models import Connection, Token
from provisioning.services.connections import connections, granted_permissions, mails, token_names
from provisioning.services.connections.connections import TokenUnknown

_DAY = timedelta(days=1)


class TokenRotated(Refusal):
    """The token has a live successor already."""

    code = "token-rotated"


class RetirementRefused(Refusal):
    """That is no moment at which the token could retire."""

    code = "retirement-refused"


@dataclass(frozen=True, slots=True)
class Success:
    """The request that got something done: from which IP address, and its id in the log."""

    address: str
    request_id: str


@transaction.atomic
def rename_token(token_id: UUID, name: str, *, by: Actor) -> Token:
    """Call a live token something else. Raises TokenUnknown, TokenNameRefused, BeyondOwnRights."""
    token = _locked(token_id, by)
    granted_permissions.require(token.connection, by=by)
    others = [each.name for each in connections.live_tokens(token.connection) if each.pk != token.pk]
    former, token.name = token.name, token_names.chosen(name, others)
    if token.name != former:
        token.save(update_fields=["name"])
        trail.record(Action.TOKEN_RENAMED, token, {"name": [former, token.name]}, by=by)
    return token


@transaction.atomic
def rotate_token(token_id: UUID, *, by: Actor, retires_by_itself: bool = True) -> tuple[Token, str]:
    """Make a successor beside a live token, for as long as that one was made for; return it with its text.

    With ``retires_by_itself`` the old one is revoked when the new one first gets something done. Raises TokenUnknown,
    TokenRotated if it has a live successor, TooManyTokens and BeyondOwnRights.
    """
    token = _locked(token_id, by)
    granted_permissions.require(token.connection, by=by)
    if token.successor is not None and token.successor.is_live:
        raise TokenRotated(
            f"{token.name} has been rotated already: {token.successor.name} is to take its place. If nobody has the "
            f"text of {token.successor.name}, revoke that one and rotate again."
        )
    taken = [each.name for each in connections.live_tokens(token.connection)]
    number = connections.next_number(token.connection)
    days = round((token.expires_at - token.created_at) / _DAY) if token.expires_at else None
    new, text = connections.generate_token(
        token.connection, by=by, name=token_names.following(token.name, number, taken), days=days, instead_of=token
    )
    token.successor, token.retires_by_itself = new, retires_by_itself
    token.save(update_fields=["successor", "retires_by_itself"])
    changes: Changes = {"successor": [None, str(new)], "retires_by_itself": [False, retires_by_itself]}
    trail.record(Action.TOKEN_ROTATED, token, changes, by=by)
    return new, text


@transaction.atomic
def retire_token(token_id: UUID, retires_at: datetime, *, expected_retires_at: datetime | None, by: Actor) -> Token:
    """Let a live token be valid until that moment and no longer; ``expected_retires_at`` is its present retirement.

    Who may not make tokens of the connection can let one retire, and sooner than planned, but not later. Raises
    TokenUnknown, RetirementRefused, StaleVersion and BeyondOwnRights.
    """
    token = _locked(token_id, by)
    if token.retires_at is not None and retires_at > token.retires_at:
        granted_permissions.require(token.connection, by=by)
    _refuse_unless_expected(token, expected_retires_at)
    if retires_at <= timezone.now():
        raise RetirementRefused("Choose a day that is still to come. To end the token now, revoke it.")
    if token.expires_at is not None and retires_at > token.expires_at:
        raise RetirementRefused("The token expires before that day. Choose an earlier one.")
    if retires_at != expected_retires_at:
        # Whoever has been warned of another day is warned anew.
        token.retires_at, token.warned_at_days = retires_at, None
        token.save(update_fields=["retires_at", "warned_at_days"])
        changes = {"retires_at": [_written(expected_retires_at), _written(retires_at)]}
        trail.record(Action.TOKEN_RETIREMENT_PLANNED, token, changes, by=by)
    return token


@transaction.atomic
def keep_token(token_id: UUID, *, expected_retires_at: datetime | None, by: Actor) -> Token:
    """Let a live token retire neither by date nor by itself; ``expected_retires_at`` is its present retirement.

    Raises TokenUnknown, StaleVersion and BeyondOwnRights.
    """
    token = _locked(token_id, by)
    granted_permissions.require(token.connection, by=by)
    _refuse_unless_expected(token, expected_retires_at)
    if token.retires_at is not None or token.retires_by_itself:
        changes: Changes = {
            "retires_at": [_written(expected_retires_at), None],
            "retires_by_itself": [token.retires_by_itself, False],
        }
        token.retires_at, token.retires_by_itself = None, False
        token.save(update_fields=["retires_at", "retires_by_itself"])
        trail.record(Action.TOKEN_KEPT, token, changes, by=by)
    return token


def retire_replaced(successes: Mapping[UUID, Success], *, used: Collection[UUID]) -> None:
    """Revoke each token whose successor, a key of ``successes``, has got something done, if that was wished.

    To be called in the transaction that marks the tokens ``used``, before it does. Of several writers who saw a
    success, one revokes, and one mails.
    """
    waiting = frozenset(
        Token.objects.filter(successor__in=successes, retires_by_itself=True, revoked_at=None).values_list(
            "pk", flat=True
        )
    )
    if not waiting:
        return
    # All at once and in one order, so that two writers never wait for each other.
    locked = Token.objects.select_for_update(of=("self",)).filter(pk__in=waiting | set(used)).order_by("pk")
    for token in locked.select_related("connection", "successor"):
        if token.pk in waiting and token.retires_by_itself and token.revoked_at is None:
            assert token.successor is not None  # noqa: S101  (it waits for one)
            _retire(token, token.successor, successes[token.successor.pk])


def _retire(token: Token, successor: Token, success: Success) -> None:
    by = Actor(
        token.organization_id,
        f"SCIM connection {token.connection}",
        Channel.SCIM,
        address=success.address,
        request_id=success.request_id,
    )
    token.revoked_at, token.retires_by_itself = timezone.now(), False
    token.save(update_fields=["revoked_at", "retires_by_itself"])
    trail.record(Action.TOKEN_RETIRED, token, {"successor": [None, str(successor)]}, by=by)
    mails.token_retired(token, successor)


def _locked(token_id: UUID, by: Actor) -> Token:
    """The live token, with its connection, on which all who make or change its tokens wait for each other."""
    tokens = Token.objects.of(by.organization_id)
    connection_id = tokens.filter(pk=token_id).values("connection_id")
    Connection.objects.of(by.organization_id).select_for_update(no_key=True).filter(pk__in=connection_id).first()
    locked = tokens.live().select_for_update(of=("self",)).select_related("connection", "successor")
    token: Token | None = locked.filter(pk=token_id).first()
    if token is None:
        raise TokenUnknown("This token is no longer valid. Reload the page.")
    return token


def _refuse_unless_expected(token: Token, expected_retires_at: datetime | None) -> None:
    if token.retires_at != expected_retires_at:
        raise StaleVersion(
            f"Somebody else has changed meanwhile when {token.name} retires. Look at it, and do it again if need be."
        )


def _written(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="minutes") if moment else None
