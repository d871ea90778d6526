"""Carry out a bulk request: order, batches and errors of its operations (RFC 7644 section 3.7).

Every operation comes to what it would as a request of its own, and stands or falls by itself.
"""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol, cast
from uuid import UUID

from django.db import transaction
from uuid_utils.compat import uuid7

from core.actors import Actor
from core.json_values import Json
from scim.operations import groups, users
from scim.operations.preconditions import Preconditions
from scim.operations.users import UserToCreate, as_scim_errors
from scim.protocol.bulk import BulkRequest, Method, Operation
from scim.protocol.errors import Conflict, ScimError, Unavailable
from scim.protocol.references import in_order, with_ids
from scim.protocol.schemas import GROUP, USER
from scim.storage.credentials import Principal

WriteResult = users.UserWriteResult | groups.GroupWriteResult
Result = WriteResult | ScimError


class _Change(Protocol):
    def __call__(
        self,
        resource_id: str,
        body: dict[str, Json],
        /,
        *,
        principal: Principal,
        preconditions: Preconditions,
        by: Actor,
    ) -> WriteResult: ...


class _Removal(Protocol):
    def __call__(
        self, resource_id: str, /, *, principal: Principal, preconditions: Preconditions, by: Actor
    ) -> WriteResult: ...


_CHANGES: Mapping[tuple[str, str], _Change] = {
    (USER.endpoint, Method.PUT): users.replace,
    (USER.endpoint, Method.PATCH): users.patch,
    (GROUP.endpoint, Method.PUT): groups.replace,
    (GROUP.endpoint, Method.PATCH): groups.patch,
}
_REMOVALS: Mapping[str, _Removal] = {USER.endpoint: users.delete, GROUP.endpoint: groups.delete}
_STATUS = {Method.POST: 201, Method.PUT: 200, Method.PATCH: 200, Method.DELETE: 204}

# How often in a row the database may fail to answer until what is left is not even tried: each try takes seconds.
PATIENCE = 3


@dataclass(frozen=True, slots=True)
class OperationOutcome:
    """What came of an operation; ``resource_id`` is the id that its path leads to, where that is known.

    ``position`` is its place in the request, from 0 on.
    """

    operation: Operation
    resource_id: str
    result: Result
    position: int

    @property
    def status(self) -> int:
        """The HTTP status that tells of it; the answer to a PATCH never depends on what a body would hold."""
        return self.result.status if isinstance(self.result, ScimError) else _STATUS[Method(self.operation.method)]


def carry_out(
    request: BulkRequest, *, principal: Principal, by: Actor, as_error: Callable[[Exception], ScimError]
) -> list[OperationOutcome]:
    """Do what is asked for, and tell what came of it in the order of the request.

    Operations that were not reached, because there were as many failures before as the client accepts, are left out.
    ``as_error`` says what a client is to be told of an exception.
    """
    run = _Run(request, principal, by, as_error)
    run.everything()
    return [run.outcomes[at] for at in sorted(run.outcomes)]


class _Run:
    """A request on its way. Operations are known by their positions in it."""

    def __init__(
        self, request: BulkRequest, principal: Principal, by: Actor, as_error: Callable[[Exception], ScimError]
    ) -> None:
        self.operations = request.operations
        self.fail_on_errors = request.fail_on_errors
        self.principal = principal
        self.by = by
        self.as_error = as_error
        self.outcomes: dict[int, OperationOutcome] = {}
        self.failures = 0
        self.outages = 0
        # Users get their ids before they are made, so that those who are made at once can refer to each other.
        self.ids = {each.bulk_id: str(uuid7()) for each in self.operations if each.makes is USER}
        self.lost: set[str] = set()

    def everything(self) -> None:
        makers = {each.bulk_id: at for at, each in enumerate(self.operations) if each.method == Method.POST}
        waits_for = [sorted(makers[bulk_id] for bulk_id in each.refers) for each in self.operations]
        for at_once, circles in groupby(in_order(waits_for), self._makes_one_user):
            if at_once:
                self._make_users([at for (at,) in circles])
                continue
            for circle in circles:
                if self._is_over():
                    return
                only = self.operations[circle[0]]
                if len(circle) > 1 or only.bulk_id in only.refers:
                    self._make_circle(circle)
                else:
                    self._do(circle[0])

    def _makes_one_user(self, circle: Sequence[int]) -> bool:
        return len(circle) == 1 and self.operations[circle[0]].makes is USER

    def _is_over(self) -> bool:
        return self.fail_on_errors is not None and self.failures >= self.fail_on_errors

    def _make_users(self, batch: Sequence[int]) -> None:
        """Make users in one transaction and few statements, none of whom refers to one who comes after."""
        if self._is_over():
            return
        if self.outages >= PATIENCE:
            self._do_each(batch)
            return
        try:
            with transaction.atomic():
                results = self._made(batch)
                reached = self._reached(results)
                if reached < len(batch):
                    transaction.set_rollback(True)
        except Exception:
            # Another request took a name meanwhile, or a value does not fit: one by one, only who is to blame fails.
            self._do_each(batch)
            return
        if reached < len(batch):
            # Whoever comes after the last failure that the client accepts must not be there.
            self._make_users(batch[:reached])
            return
        for at, result in zip(batch, results, strict=True):
            self._note(at, result)

    def _do_each(self, batch: Sequence[int]) -> None:
        for at in batch:
            if not self._is_over():
                self._do(at)

    def _make_circle(self, circle: Sequence[int]) -> None:
        """Make users who refer to each other, all or none (RFC 7644 section 3.7.1); groups in a circle are refused."""
        results: list[Result]
        try:
            if not all(self.operations[at].makes is USER for at in circle):
                raise Conflict(
                    "This refers to itself by way of others. Only users can do so: no group can be within itself.",
                    cause="reference-circular",
                )
            with as_scim_errors(), transaction.atomic():
                results = self._made(circle, in_circle=True)
                if any(isinstance(result, ScimError) for result in results):
                    transaction.set_rollback(True)
        except Exception as error:
            results = [self.as_error(error)] * len(circle)
        lost = {
            self.operations[at].bulk_id
            for at, result in zip(circle, results, strict=True)
            if isinstance(result, ScimError)
        }
        for at, result in zip(circle, results, strict=True):
            self._note(at, _unresolved(lost) if lost and not isinstance(result, ScimError) else result)

    def _made(self, batch: Sequence[int], *, in_circle: bool = False) -> list[Result]:
        """What becomes of users that are made at once."""
        companions = set() if in_circle else {self.operations[at].bulk_id for at in batch}
        wanted = {
            at: UserToCreate(
                self._data(operation),
                UUID(self.ids[operation.bulk_id]),
                frozenset(UUID(self.ids[each]) for each in operation.refers & companions - {operation.bulk_id}),
            )
            for at in batch
            if self.lost.isdisjoint((operation := self.operations[at]).refers)
        }
        made = users.create_many(list(wanted.values()), principal=self.principal, by=self.by)
        by_position: dict[int, Result] = dict(zip(wanted, made, strict=True))
        lost = set(self.lost)
        results: list[Result] = []
        for at in batch:
            operation = self.operations[at]
            missing = operation.refers & lost
            result = _unresolved(missing) if missing else by_position[at]
            if isinstance(result, ScimError):
                lost.add(operation.bulk_id)
            results.append(result)
        return results

    def _reached(self, results: Sequence[Result]) -> int:
        """How many of these are to be told of: all, or those up to the last failure that the client accepts."""
        failed = [number for number, result in enumerate(results, 1) if isinstance(result, ScimError)]
        left = len(results) if self.fail_on_errors is None else self.fail_on_errors - self.failures
        return failed[left - 1] if len(failed) >= left else len(results)

    def _do(self, at: int) -> None:
        """Carry out one operation by itself."""
        if self.outages >= PATIENCE:
            self._note(at, Unavailable("The database does not answer, so this was not tried.", cause="database"))
            return
        result: Result
        try:
            result = self._done(self.operations[at])
        except Exception as error:
            result = self.as_error(error)
        self._note(at, result)

    def _done(self, operation: Operation) -> Result:
        if operation.fault is not None:
            return operation.fault
        if missing := operation.refers & self.lost:
            return _unresolved(missing)
        kind, principal, by, data = operation.kind, self.principal, self.by, self._data(operation)
        assert kind is not None  # noqa: S101  (an operation without a fault leads to something)
        if kind is GROUP:
            groups.require_groups(principal)
        if operation.makes is USER:
            return users.create(data, user_id=UUID(self.ids[operation.bulk_id]), principal=principal, by=by)
        if operation.makes is GROUP:
            return groups.create(data, principal=principal, by=by)
        resource_id, preconditions = self._resource_id(operation), Preconditions.parse(operation.version, None)
        change = _CHANGES.get((kind.endpoint, operation.method))
        if change is None:
            return _REMOVALS[kind.endpoint](resource_id, principal=principal, preconditions=preconditions, by=by)
        return change(resource_id, data, principal=principal, preconditions=preconditions, by=by)

    def _note(self, at: int, result: Result) -> None:
        operation = self.operations[at]
        resource_id = self._resource_id(operation)
        match result:
            case ScimError():
                self.failures += 1
                self.outages += isinstance(result, Unavailable)
                if operation.method == Method.POST:
                    self.lost.add(operation.bulk_id)
                    self.ids.pop(operation.bulk_id, None)
            case users.UserWriteResult():
                self.outages, resource_id = 0, str(result.user_id)
            case groups.GroupWriteResult():
                self.outages, resource_id = 0, str(result.group_id)
                if operation.makes is GROUP:
                    self.ids[operation.bulk_id] = resource_id
        self.outcomes[at] = OperationOutcome(operation, resource_id, result, at)

    def _data(self, operation: Operation) -> dict[str, Json]:
        return cast(dict[str, Json], with_ids(operation.data, self.ids)) if operation.refers else operation.data

    def _resource_id(self, operation: Operation) -> str:
        """The id in the path; empty where it is that of a resource that was not made."""
        resource_id = str(with_ids(operation.resource_id, self.ids))
        return "" if resource_id.startswith("bulkId:") else resource_id


def _unresolved(missing: Set[str]) -> Conflict:
    return Conflict(
        f"'bulkId:{min(missing)[:100]}' stands for nothing: the operation that was to make it failed.",
        cause="reference-lost",
    )
