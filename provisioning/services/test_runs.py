"""Test runs: an identity provider's script, played against the organization's own address.

A play goes through the real HTTP stack, from a thread of this process, with a token of its own. Each step is written
down as it comes, so that any process can show it. What a play made is known from the audit trail, and whatever of it is
still there is removed when it ends; where its process died, by the next play or by ``prune``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import count
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connection as database
from django.db import transaction
from django.utils import timezone

from audit.actions import Action
from audit.models import AuditEvent
from audit.services import trail
from core.actors import Actor, Door
from core.addresses import AddressError, check_address
from core.ids import first_id_at
from core.refusals import Refusal
from domains.models import Domain
from organizations.models import Organization
from organizations.services.organizations import lock
from provisioning.models import Connection, Play, PlayState, Token
from provisioning.services.connections import connections, reach
from provisioning.simulator import player
from provisioning.simulator.client import Client
from provisioning.simulator.player import Outcome, Result
from provisioning.simulator.scripts import SCRIPTS, Step
from users.services import accounts, groups

log = structlog.get_logger(__name__)

# How long a play's token is valid, after how long the next step is not begun, and how long one is silent that has died.
LIFE = timedelta(minutes=5)
LONGEST = timedelta(minutes=4)
SILENCE = timedelta(minutes=1)

KEPT = timedelta(days=30)

CLEAN_UP = player.CLEAN_UP
# What starting a test is called in a refusal.
TESTING = "test its set-up"
SWEPT = "Removed by this server itself, without SCIM."


class ScriptUnknown(Refusal):
    """Nobody has written that script."""

    code = "malformed"


class AddressUnfit(Refusal):
    """The test user can't have that address."""

    code = "test-address-unfit"


class AlreadyRunning(Refusal):
    """Somebody's play is under way; ``play`` is that one."""

    code = "play-running"

    def __init__(self, message: str, play: Play) -> None:
        super().__init__(message)
        self.play = play


@dataclass(frozen=True, slots=True)
class Shown:
    """A step of a play as it is kept. ``result`` is a player's Result, and empty for one that was not played."""

    words: str
    request: str
    result: str = ""
    status: int | None = None
    milliseconds: float = 0.0
    why: tuple[str, ...] = ()
    request_id: str = ""


def proposed_address(organization_id: UUID) -> str:
    """An address that nobody has, in a domain with the User requests checkmark; empty if no domain has it."""
    domain = Domain.objects.of(organization_id).filter(user_requests=True).order_by("name").first()
    if domain is None:
        return ""
    names = (f"scim.test{number or ''}@{domain.readable}" for number in count())
    return next(name for name in names if _is_free(name, organization_id))


def start(connection: Connection, script: str, email: str, *, by: Actor) -> Play:
    """Begin to play a script, with groups if the connection offers them; its steps come in behind this.

    The test user gets what the connection gives, with an address that the actor chooses, so it is for those who may
    make tokens. Raises ScriptUnknown, AddressUnfit, ``accounts.NameTaken``, AlreadyRunning and BeyondOwnRights.
    """
    if script not in SCRIPTS:
        raise ScriptUnknown("The page sent a form that can't be read. Reload it and try again.")
    reach.require(connection, by=by, act=TESTING)
    _check(email, by.organization_id)
    with transaction.atomic():
        # One at a time: whoever else begins waits here, and then finds this one.
        lock(by.organization_id)
        for play in Play.objects.of(by.organization_id).filter(state=PlayState.RUNNING):
            if not is_broken_off(play):
                raise AlreadyRunning("A test is running already. This is how far it is.", play)
            _settle(play, PlayState.BROKEN_OFF)
        play, text = _begin(connection, script, email, by)
        trail.record(
            Action.SCIM_TESTED,
            play,
            {"address": [None, email], "requests made as": [None, play.acted_as]},
            by=by,
            label=f"{SCRIPTS[script].client}'s requests",
        )
        transaction.on_commit(partial(in_background, partial(perform, play, text)))
    return play


def find(play_id: UUID, *, organization_id: UUID) -> Play | None:
    """A play of the organization."""
    return Play.objects.of(organization_id).filter(pk=play_id).first()


def latest(connection: Connection, number: int) -> list[Play]:
    """The connection's plays, newest first."""
    return list(Play.objects.of(connection.organization_id).filter(connection_id=connection.pk)[:number])


def is_broken_off(play: Play) -> bool:
    """Whether the process that played it has died, as far as can be told."""
    if play.state == PlayState.RUNNING:
        return play.seen_at < timezone.now() - SILENCE
    return play.state == PlayState.BROKEN_OFF


def steps(play: Play) -> list[Shown]:
    """Every step: those that were played, and then those that are still to come or never came."""
    played = [Shown(**{**kept, "why": tuple(kept["why"])}) for kept in play.outcomes]
    cleaned = [step for step in played if step.words == CLEAN_UP]
    before = [step for step in played if step.words != CLEAN_UP]
    known = {"email:quoted": quote(play.email, safe="")}
    missing = [
        Shown(step.words, f"{step.method} {player.filled(step.path, known)}") for step in _steps_of(play)[len(before) :]
    ]
    return [*before, *missing, *cleaned]


def prune() -> int:
    """Settle the plays that have died, forget those of more than 30 days ago; returns how many were forgotten."""
    for play in Play.objects.filter(state=PlayState.RUNNING, seen_at__lt=timezone.now() - SILENCE):
        _settle(play, PlayState.BROKEN_OFF)
    limit = timezone.now() - max(KEPT, timedelta(days=settings.SCIM_LOG_RETENTION_DAYS)) - LIFE
    with database.cursor() as cursor:
        # The rows of the log that named these tokens are gone; to look for more would be a walk through all of it.
        cursor.execute(
            "DELETE FROM provisioning_token WHERE is_test AND created_at < %s",
            [database.ops.adapt_datetimefield_value(limit)],
        )
    return Play.objects.filter(started_at__lt=limit).delete()[0]


# Before it starts


def _check(email: str, organization_id: UUID) -> None:
    try:
        check_address(email)
    except AddressError as error:
        raise AddressUnfit(str(error)) from None
    accounts.refuse_taken_names(email, organization_id=organization_id)


def _is_free(email: str, organization_id: UUID) -> bool:
    try:
        _check(email, organization_id)
    except Refusal:
        return False
    return True


def _begin(connection: Connection, script: str, email: str, by: Actor) -> tuple[Play, str]:
    now = timezone.now()
    token = Token(
        organization_id=by.organization_id,
        connection=connection,
        name="Test",
        created_by_id=by.user_id,
        created_by_label=by.label,
        expires_at=now + LIFE,
        is_test=True,
    )
    text = token.draw()
    token.save(force_insert=True)
    play = Play(
        organization_id=by.organization_id,
        connection_id=connection.pk,
        token_id=token.pk,
        acted_as=f"SCIM token {token}",
        script=script,
        email=email,
        groups=connection.groups_enabled,
        started_by_label=by.label,
        started_at=now,
        seen_at=now,
    )
    play.save(force_insert=True)
    return play, text


# While it is played


def in_background(work: Callable[[], None]) -> None:
    """Do something in a thread of this process, with a database connection of its own."""

    def do() -> None:
        try:
            work()
        finally:
            database.close()

    threading.Thread(target=do, name="scim-play", daemon=True).start()


def perform(play: Play, token: str) -> None:
    """Play it to its end, whatever happens."""
    state = PlayState.BROKEN_OFF
    try:
        state = _played(play, token)
    except Exception:
        # There is nobody to tell but the page, and the log.
        log.exception("scim_play_failed", play=str(play.pk))
    finally:
        _settle(play, state)


def address(organization: Organization) -> tuple[str, str]:
    """Where this server finds itself, and by which name it asks; nobody but its operator has a say in it."""
    base_url = connections.base_url(organization)
    return f"{settings.SCIM_PLAY_URL}{base_url.removeprefix(settings.BASE_URL)}", urlsplit(base_url).netloc


def _played(play: Play, token: str) -> PlayState:
    base_url, host = address(play.organization)
    with closing(Client(base_url, token, host)) as client:
        playing = player.play(SCRIPTS[play.script], email=play.email, send=client, groups=play.groups)
        with closing(playing):
            for outcome in playing:
                _note(play, outcome)
                if outcome.result is Result.FAILED and outcome.status is None:
                    # Nobody answers: each further step would wait as long as this one.
                    break
                if timezone.now() > play.started_at + LONGEST:
                    break
    return PlayState.FAILED if _has_failed(play) else PlayState.PASSED


def _has_failed(play: Play) -> bool:
    results = {kept["result"] for kept in play.outcomes}
    return bool(results & {Result.FAILED, Result.SKIPPED}) or len(play.outcomes) < len(_steps_of(play))


def _note(play: Play, outcome: Outcome) -> None:
    play.outcomes = [*play.outcomes, as_kept(outcome)]
    play.seen_at = timezone.now()
    Play.objects.filter(pk=play.pk).update(outcomes=play.outcomes, seen_at=play.seen_at)


def as_kept(outcome: Outcome) -> dict[str, Any]:
    """A step as a row of plays has it."""
    return {
        "words": outcome.words,
        "request": f"{outcome.method} {outcome.path}".strip(),
        "result": outcome.result.value,
        "status": outcome.status,
        "milliseconds": round(outcome.milliseconds, 1),
        "why": list(outcome.why),
        "request_id": outcome.request_id,
    }


def _steps_of(play: Play) -> list[Step]:
    return [step for step in SCRIPTS[play.script].steps if step.groups <= play.groups]


# When it has ended


@transaction.atomic
def _settle(play: Play, state: PlayState) -> None:
    """End a play and its token, and remove what it made and left; once, whoever comes first."""
    found = Play.objects.select_for_update().filter(pk=play.pk, state=PlayState.RUNNING).first()
    if found is None:
        return
    now = timezone.now()
    Token.objects.of(play.organization_id).filter(pk=play.token_id, revoked_at=None).update(revoked_at=now)
    if removed := _sweep(found):
        # What the play itself could not clean up is done now.
        found.outcomes = [kept for kept in found.outcomes if kept["words"] != CLEAN_UP or not kept["why"]]
        found.outcomes += [as_kept(Outcome(CLEAN_UP, "", "", Result.CLEANED, why=(SWEPT,)))] * removed
    found.state, found.finished_at = state, now
    found.save(update_fields=["state", "finished_at", "outcomes"])


def _sweep(play: Play) -> int:
    """Remove the users and groups that the play's token made, by what the audit trail says of it; returns how many."""
    by = Actor(play.organization_id, f"{play.acted_as} (test of the set-up)", Door.SCIM)
    made = AuditEvent.objects.of(play.organization_id).filter(
        action__in=_REMOVERS,
        pk__gte=first_id_at(play.started_at, -_CLOCKS_DIFFER),
        pk__lt=first_id_at(play.started_at + LIFE, _CLOCKS_DIFFER),
        actor_label=play.acted_as,
    )
    # Newest first, as they stand: a group before those who are in it.
    return sum(_is_removed(Action(action), UUID(target_id), by) for action, target_id in made.values_list(*_WHAT))


def _is_removed(action: Action, target_id: UUID, by: Actor) -> bool:
    try:
        _REMOVERS[action](target_id, by)
    except (accounts.UserUnknown, groups.GroupUnknown):
        return False
    except Refusal as refusal:
        log.warning("scim_play_left_something", id=str(target_id), reason=refusal.message)
        return False
    return True


def _remove_user(user_id: UUID, by: Actor) -> None:
    accounts.delete(accounts.find(user_id, organization_id=by.organization_id), by=by)


def _remove_group(group_id: UUID, by: Actor) -> None:
    groups.delete(groups.find(group_id, organization_id=by.organization_id), by=by)


_WHAT = ("action", "target_id")
_REMOVERS: Mapping[Action, Callable[[UUID, Actor], None]] = {
    Action.USER_CREATED: _remove_user,
    Action.GROUP_CREATED: _remove_group,
}
# Milliseconds.
_CLOCKS_DIFFER = 60_000
