"""The live checklist: which steps of its set-up a connection has taken, and what mends one that fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.urls import reverse

from provisioning.models import Connection, Milestone, RequestLog, Token
from provisioning.services.fixes import Mend
from provisioning.services.request_log.causes import CAUSES
from provisioning.services.request_log.setup_steps import Step
from provisioning.views.connections.guides import Guide
from provisioning.views.request_log.fixes import Situation

# The steps in the order in which most providers take them, by the name that they have on the page.
TITLES: Mapping[Step, str] = {
    Step.LIST: "List users",
    Step.LOOK_UP: "Look a user up",
    Step.CREATE: "Create a user",
    Step.UPDATE: "Update a user",
    Step.DEACTIVATE: "Deactivate a user",
    Step.DELETE: "Delete a user",
    Step.GROUPS: "Groups",
}

GROUPS_OFF = "Groups is off here."

GENERATE_HERE = "#generate-token"

_UNAUTHORIZED = 401


class State(StrEnum):
    """How a step stands; ``MENDED`` is one that failed, for a reason that is gone."""

    DONE = "done"
    FAILED = "failed"
    MENDED = "mended"
    WAITING = "waiting"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Line:
    """One step. ``note`` says what to do for it to be taken, or why it failed; ``at`` is when it was taken or failed.

    ``mend`` is what the link to ``mend_address`` says; ``details`` is the address of the request that failed.
    """

    step: Step
    title: str
    state: State
    note: str = ""
    at: datetime | None = None
    status: int | None = None
    mend: str = ""
    mend_address: str = ""
    details: str = ""


def lines(
    connection: Connection, milestones: Mapping[str, Milestone], tokens: Sequence[Token], guide: Guide, user: Any
) -> list[Line]:
    """The checklist as ``user`` sees it; ``tokens`` are the connection's live ones, newest first."""
    let_in = max((at for milestone in milestones.values() for at in _let_in(milestone)), default=None)
    failures = {
        step: milestone
        for step in TITLES
        if (milestone := milestones.get(step)) and milestone.failed_at and not _is_healed(milestone, let_in, tokens)
    }
    rows = {step: _as_row(milestone, connection) for step, milestone in failures.items()}
    situation = Situation(rows.values(), connection.organization_id)
    return [
        _failed(step, failures[step], rows[step], situation, user)
        if step in failures
        else _fine(step, milestones.get(step), connection, guide)
        for step in TITLES
    ]


def _let_in(milestone: Milestone) -> list[datetime]:
    """When a request of the kind had a valid token."""
    refused = milestone.failed_status == _UNAUTHORIZED
    return [at for at in (milestone.done_at, None if refused else milestone.failed_at) if at]


def _is_healed(milestone: Milestone, let_in: datetime | None, tokens: Sequence[Token]) -> bool:
    """Whether something later says that the failure is over.

    The same step went well; or, where it failed for the token, any request was let in since, or there is a newer token
    that nobody has tried yet.
    """
    assert milestone.failed_at is not None  # noqa: S101  (asked of failures only)
    if milestone.done_at is not None and milestone.done_at > milestone.failed_at:
        return True
    if milestone.failed_status != _UNAUTHORIZED:
        return False
    if let_in is not None and let_in > milestone.failed_at:
        return True
    return milestone.failed_cause.startswith("token-") and bool(tokens and tokens[0].created_at > milestone.failed_at)


def _as_row(milestone: Milestone, connection: Connection) -> RequestLog:
    """The failure as the table of mends reads it."""
    return RequestLog(cause=milestone.failed_cause, arguments=milestone.failed_arguments, connection_id=connection.pk)


def _failed(step: Step, milestone: Milestone, row: RequestLog, situation: Situation, user: Any) -> Line:
    details = reverse("settings:logged-request", args=[milestone.failed_request_id])
    told = step, TITLES[step]
    offer = situation.offer(row)
    if offer is not None and offer.mended:
        note = f"{offer.mended} Waiting for your provider to try again."
        return Line(*told, State.MENDED, note, milestone.failed_at, milestone.failed_status, details=details)
    mend, address = "", ""
    if offer is not None and offer.is_for(user):
        # What a button does is confirmed on the request's own page.
        mend, address = offer.text, offer.address or details
        if CAUSES[milestone.failed_cause].mend is Mend.GENERATE_TOKEN:
            address = GENERATE_HERE
    verdict = milestone.failed_verdict
    return Line(*told, State.FAILED, verdict, milestone.failed_at, milestone.failed_status, mend, address, details)


def _fine(step: Step, milestone: Milestone | None, connection: Connection, guide: Guide) -> Line:
    if milestone is not None and milestone.done_at is not None:
        return Line(step, TITLES[step], State.DONE, at=milestone.done_at)
    if step is Step.GROUPS and not connection.groups_enabled:
        return Line(step, TITLES[step], State.NEVER, GROUPS_OFF)
    if step in guide.never:
        return Line(step, TITLES[step], State.NEVER, guide.never[step])
    trigger = guide.comes_with.get(step)
    return Line(step, TITLES[step], State.WAITING, f"In {guide.name}: {trigger}." if trigger else "")
