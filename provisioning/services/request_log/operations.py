"""The operations of bulk requests in the log: the subject and result of each."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from core.tenancy import TenantQuerySet
from provisioning.models import RequestOperation
from provisioning.services.request_log.subject_keys import NOBODY, Subject

LONGEST_RESULT = 300

# How many may wait in this process for the log's writer; those of further requests are let go.
MOST_WAITING = 20_000

COLUMNS = (
    "id", "organization_id", "request_id", "position", "method", "resource", "user_id", "user_label", "subject_key",
    "status", "cause", "result",
)  # fmt: skip


@dataclass(slots=True)
class LoggedOperation:
    """One operation. ``status`` is 0 until it was carried out; ``label`` is what its resource is called here."""

    method: str
    resource: str
    resource_id: str
    subject: Subject = NOBODY
    label: str = ""
    status: int = 0
    cause: str = ""
    result: str = ""


class WaitingOperations:
    """How many operations this process holds for the writer."""

    def __init__(self) -> None:
        self.start_afresh()

    def start_afresh(self) -> None:
        """Hold nothing, as a process does that was forked from one that does."""
        self._number = 0
        self._lock = threading.Lock()

    def take(self, operations: Sequence[LoggedOperation]) -> Sequence[LoggedOperation]:
        """The operations of a request if there is room for them, else none."""
        with self._lock:
            if self._number + len(operations) > MOST_WAITING:
                return ()
            self._number += len(operations)
        return operations

    def release(self, operations: Sequence[LoggedOperation]) -> None:
        """Make room: they are written by now, or lost."""
        with self._lock:
            self._number -= len(operations)


waiting = WaitingOperations()


@dataclass(frozen=True, slots=True)
class Named:
    """An operation whose texts are as a row may have them."""

    operation: LoggedOperation
    user_id: str
    label: str
    subject_key: str
    result: str


def rows(
    found: Iterable[Named], organization: str, request_id: str, key: Callable[[UUID | str], str]
) -> Iterator[tuple[Any, ...]]:
    """The values of COLUMNS for the operations of one request, in their order."""
    for position, each in enumerate(found, 1):
        operation = each.operation
        yield (
            key(uuid7()),
            organization,
            request_id,
            position,
            operation.method[:10],
            operation.resource,
            key(each.user_id) if each.user_id else None,
            each.label,
            each.subject_key,
            operation.status,
            operation.cause[:40],
            each.result,
        )


def of_request(organization_id: UUID, request_id: UUID) -> TenantQuerySet[RequestOperation]:
    """The operations of one request, in their order."""
    return RequestOperation.objects.of(organization_id).filter(request_id=request_id).order_by("position")


def forget(organization_id: UUID, request_ids: Iterable[UUID]) -> None:
    """Delete those of requests that go."""
    RequestOperation.objects.of(organization_id).filter(request_id__in=list(request_ids)).delete()


@dataclass(frozen=True, slots=True)
class LoggedDeparture:
    """A suspension or deletion that was asked for within a bulk request.

    ``status`` from 400 on says that it failed, 0 that nothing has come of it yet. ``step`` is that of the set-up;
    ``about`` names the user where the refusal does.
    """

    step: str
    user_id: str
    status: int
    cause: str = ""
    result: str = ""
    about: dict[str, str] | None = None
