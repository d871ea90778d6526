"""The set-up steps of a connection: when each last went well, and how it last failed."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db import connection
from uuid_utils import uuid7

from provisioning.models import Connection, SetupStep, Token


class Step(StrEnum):
    """What an identity provider does in its set-up and after it.

    ``GROUPS`` is changing groups, ``GROUPS_READ`` listing or reading them. ``ADDRESS`` is coming by the address that we
    print, ``REQUEST`` asking anything at all.
    """

    LIST = "list"
    LOOK_UP = "look-up"
    CREATE = "create"
    UPDATE = "update"
    DEACTIVATE = "deactivate"
    DELETE = "delete"
    GROUPS = "groups"
    GROUPS_READ = "groups-read"
    ADDRESS = "address"
    REQUEST = "request"


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """What a request came to; ``request_id`` leads to its row in the log. Ids are as the database keeps them."""

    organization: str
    connection: str
    step: str
    failed: bool
    at: datetime
    request_id: str
    status: int = 0
    cause: str = ""
    result: str = ""
    arguments: str = "{}"
    method: str = ""


# One row for each step of a connection, whoever is first; of two processes the one with the later request is believed.
_DONE = (
    "INSERT INTO provisioning_setupstep (id, organization_id, connection_id, step, done_at, done_request_id,"
    " done_method,"
    " done_status, failed_method, failed_cause, failed_result, failed_arguments)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, '', '', '', '{}')"
    " ON CONFLICT (organization_id, connection_id, step) DO UPDATE"
    " SET done_at = excluded.done_at, done_request_id = excluded.done_request_id,"
    " done_method = excluded.done_method, done_status = excluded.done_status"
    " WHERE provisioning_setupstep.done_at IS NULL OR provisioning_setupstep.done_at < excluded.done_at"
)
_FAILED = (
    "INSERT INTO provisioning_setupstep (id, organization_id, connection_id, step, done_method, failed_at,"
    " failed_request_id,"
    " failed_method, failed_status, failed_cause, failed_result, failed_arguments)"
    " VALUES (%s, %s, %s, %s, '', %s, %s, %s, %s, %s, %s, %s)"
    " ON CONFLICT (organization_id, connection_id, step) DO UPDATE"
    " SET failed_at = excluded.failed_at, failed_request_id = excluded.failed_request_id,"
    " failed_method = excluded.failed_method, failed_status = excluded.failed_status,"
    " failed_cause = excluded.failed_cause, failed_result = excluded.failed_result,"
    " failed_arguments = excluded.failed_arguments"
    " WHERE provisioning_setupstep.failed_at IS NULL OR provisioning_setupstep.failed_at < excluded.failed_at"
)


def keep(outcomes: Iterable[StepOutcome], *, key: Any) -> None:
    """Write the latest outcome of each step down; ``key`` turns an id into what the database keeps."""
    done, failed = [], []
    moment = connection.ops.adapt_datetimefield_value
    # In one order everywhere, so that two processes never wait for each other.
    for each in sorted(outcomes, key=lambda outcome: (outcome.organization, outcome.connection, outcome.step)):
        place = (
            *(key(uuid7()), each.organization, each.connection, each.step),
            *(moment(each.at), key(each.request_id), each.method, each.status or None),
        )
        if each.failed:
            failed.append((*place, each.cause, each.result, each.arguments))
        else:
            done.append(place)
    with connection.cursor() as cursor:
        if done:
            cursor.executemany(_DONE, done)
        if failed:
            cursor.executemany(_FAILED, failed)


def of(connection: Connection) -> Mapping[str, SetupStep]:
    """How the steps of a connection stand, in one query by its index; those that never came are left out."""
    found = SetupStep.objects.of(connection.organization_id).filter(connection_id=connection.pk)
    return {setup_step.step: setup_step for setup_step in found}


@dataclass(frozen=True, slots=True)
class Last:
    """A connection's last request; method and status are empty for one from before they were kept."""

    at: datetime
    request_id: UUID | None
    method: str
    status: int | None

    @property
    def went_well(self) -> bool:
        """Whether it was answered as it was asked."""
        return self.status is None or self.status < 400


def last_of(reached: Mapping[str, SetupStep]) -> Last | None:
    """The latest request of a connection; None where none ever came.

    Every request takes the step ``REQUEST``, which is missing only before it was kept. The others may tell of an
    operation within a bulk request, which has a status of its own.
    """
    telling = [reached[Step.REQUEST]] if Step.REQUEST in reached else reached.values()
    found = [last for setup_step in telling for last in _lasts(setup_step)]
    return max(found, key=lambda last: (last.at, last.method), default=None)


def _lasts(setup_step: SetupStep) -> Iterable[Last]:
    if setup_step.done_at is not None:
        yield Last(setup_step.done_at, setup_step.done_request_id, setup_step.done_method, setup_step.done_status)
    if setup_step.failed_at is not None:
        yield Last(
            setup_step.failed_at, setup_step.failed_request_id, setup_step.failed_method, setup_step.failed_status
        )


def got_through(reached: Mapping[str, SetupStep]) -> bool:
    """Whether any request of the connection ever went well, those of tests from the page apart."""
    return any(each.done_at is not None for step, each in reached.items() if step != Step.ADDRESS)


class Standing(StrEnum):
    """What is known of a connection's tokens: none is live, none of the live ones was ever used, or one was."""

    BARE = "bare"
    UNTRIED = "untried"
    USED = "used"


def standings(organization_ids: Collection[Any]) -> Mapping[UUID, Mapping[UUID, Standing]]:
    """How the connections of some organizations stand, by organization and connection; in two queries."""
    found: dict[UUID, dict[UUID, Standing]] = {}
    connections = Connection.objects.present().filter(organization__in=organization_ids)
    for connection_id, organization_id in connections.values_list("pk", "organization_id"):
        found.setdefault(organization_id, {})[connection_id] = Standing.BARE
    tokens = Token.objects.live().filter(organization__in=organization_ids, is_test=False)
    for organization_id, connection_id, used in tokens.values_list("organization_id", "connection_id", "last_used_at"):
        of_organization = found.get(organization_id, {})
        if used is not None:
            of_organization[connection_id] = Standing.USED
        elif of_organization.get(connection_id) is Standing.BARE:
            of_organization[connection_id] = Standing.UNTRIED
    return found
