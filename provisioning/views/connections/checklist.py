"""The live checklist: which steps of its set-up a connection has taken, and what fixes one that fails."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.urls import reverse

from provisioning.models import Connection, RequestLog, SetupStep, Token
from provisioning.services.fixes import Fix
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


class ItemState(StrEnum):
    """How a step stands; ``FIXED`` is one that failed, for a reason that is gone."""

    DONE = "done"
    FAILED = "failed"
    FIXED = "fixed"
    WAITING = "waiting"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class ChecklistItem:
    """One step. ``note`` says what to do for it to be taken, or why it failed; ``at`` is when it was taken or failed.

    ``fix`` is what the link to ``fix_address`` says; ``details`` is the address of the request that failed.
    """

    step: Step
    title: str
    state: ItemState
    note: str = ""
    at: datetime | None = None
    status: int | None = None
    fix: str = ""
    fix_address: str = ""
    details: str = ""


def lines(
    connection: Connection, setup_steps: Mapping[str, SetupStep], tokens: Sequence[Token], guide: Guide, user: Any
) -> list[ChecklistItem]:
    """The checklist as ``user`` sees it; ``tokens`` are the connection's live ones, newest first."""
    let_in = max((at for setup_step in setup_steps.values() for at in _let_in(setup_step)), default=None)

    def has_failed(setup_step: SetupStep) -> bool:
        return setup_step.failed_at is not None and not _is_tolerated(setup_step, let_in, tokens)

    shown = {step: setup_steps.get(step) for step in TITLES}
    shown[Step.GROUPS] = _of_groups(shown[Step.GROUPS], setup_steps.get(Step.GROUPS_READ), has_failed)
    failures = {step: each for step, each in shown.items() if each is not None and has_failed(each)}
    rows = {step: _as_row(setup_step, connection) for step, setup_step in failures.items()}
    situation = Situation(rows.values(), connection.organization_id)
    return [
        _failed(step, failures[step], rows[step], situation, user)
        if step in failures
        else _fine(step, shown[step], connection, guide)
        for step in TITLES
    ]


def _of_groups(
    changed: SetupStep | None, read: SetupStep | None, has_failed: Callable[[SetupStep], bool]
) -> SetupStep | None:
    """Which of changing and reading groups tells how groups stand.

    A read tells while no change went well, and where it fails after one did; it never settles a change that failed.
    """
    if read is None or (changed is not None and has_failed(changed)):
        return changed
    if changed is None or changed.done_at is None:
        return read
    return read if has_failed(read) and read.failed_at and read.failed_at > changed.done_at else changed


def _let_in(setup_step: SetupStep) -> list[datetime]:
    """When a request of the kind had a valid token."""
    refused = setup_step.failed_status == _UNAUTHORIZED
    return [at for at in (setup_step.done_at, None if refused else setup_step.failed_at) if at]


def _is_tolerated(setup_step: SetupStep, let_in: datetime | None, tokens: Sequence[Token]) -> bool:
    """Whether something later says that the failure is over.

    The same step went well; or, where it failed for the token, any request was let in since, or there is a newer token
    that nobody has tried yet.
    """
    assert setup_step.failed_at is not None  # noqa: S101  (asked of failures only)
    if setup_step.done_at is not None and setup_step.done_at > setup_step.failed_at:
        return True
    if setup_step.failed_status != _UNAUTHORIZED:
        return False
    if let_in is not None and let_in > setup_step.failed_at:
        return True
    return setup_step.failed_cause.startswith("token-") and bool(tokens and tokens[0].created_at > setup_step.failed_at)


def _as_row(setup_step: SetupStep, connection: Connection) -> RequestLog:
    """The failure as the table of fixes reads it."""
    return RequestLog(cause=setup_step.failed_cause, arguments=setup_step.failed_arguments, connection_id=connection.pk)


def _failed(step: Step, setup_step: SetupStep, row: RequestLog, situation: Situation, user: Any) -> ChecklistItem:
    details = reverse("settings:logged-request", args=[setup_step.failed_request_id])
    heading = step, TITLES[step]
    proposed_fix = situation.proposed_fix(row)
    if proposed_fix is not None and proposed_fix.fixed:
        note = f"{proposed_fix.fixed} Waiting for your provider to try again."
        return ChecklistItem(
            *heading, ItemState.FIXED, note, setup_step.failed_at, setup_step.failed_status, details=details
        )
    fix, address = "", ""
    if proposed_fix is not None and proposed_fix.is_for(user):
        # What a button does is confirmed on the request's own page.
        fix, address = proposed_fix.text, proposed_fix.address or details
        if CAUSES[setup_step.failed_cause].fix is Fix.GENERATE_TOKEN:
            address = GENERATE_HERE
    result = setup_step.failed_result
    return ChecklistItem(
        *heading, ItemState.FAILED, result, setup_step.failed_at, setup_step.failed_status, fix, address, details
    )


def _fine(step: Step, setup_step: SetupStep | None, connection: Connection, guide: Guide) -> ChecklistItem:
    if setup_step is not None and setup_step.done_at is not None:
        return ChecklistItem(step, TITLES[step], ItemState.DONE, at=setup_step.done_at)
    if step is Step.GROUPS and not connection.groups_enabled:
        return ChecklistItem(step, TITLES[step], ItemState.NEVER, GROUPS_OFF)
    if step in guide.never:
        return ChecklistItem(step, TITLES[step], ItemState.NEVER, guide.never[step])
    trigger = guide.comes_with.get(step)
    return ChecklistItem(step, TITLES[step], ItemState.WAITING, f"In {guide.name}: {trigger}." if trigger else "")
