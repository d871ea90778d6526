"""/Bulk: many operations in one request, and what came of each (RFC 7644 section 3.7)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import orjson
from django.http import HttpResponse
from rest_framework.request import Request

from core.json_values import Json
from core.notice import Notice
from provisioning.models.request_log import MOST_FAILURES
from provisioning.services.limits import cost_of_bulk
from provisioning.services.request_log import results
from provisioning.services.request_log.operations import LONGEST_RESULT, LoggedDeparture, LoggedOperation
from provisioning.services.request_log.setup_steps import Step
from provisioning.services.request_log.subject_keys import NOBODY
from scim.api import subjects
from scim.api.base import ScimView
from scim.api.media import answer
from scim.api.subjects import loosely_read
from scim.operations import bulk, groups, users
from scim.operations.bulk import OperationOutcome
from scim.operations.provider import MAX_BULK_BODY, MAX_BULK_OPERATIONS
from scim.operations.users import WriteOutcome
from scim.protocol.bulk import BulkRequest, Method, answer_to, bulk_response, glance_at, read_bulk
from scim.protocol.departures import asks_to_suspend
from scim.protocol.errors import PayloadTooLarge, ScimError
from scim.protocol.reading import distinct
from scim.protocol.responses import error_body
from scim.protocol.schemas import USER
from users.profile import etag

# Of the members of a body: every operation may have as many as a user has.
MOST_LEARNED = 100_000


class BulkView(ScimView):
    """Where many operations are asked for at once."""

    def post(self, request: Request, slug: str) -> HttpResponse:
        """Carry them out; the answer tells of each that was."""
        by, principal = self.actor(), self.principal()
        body = self.read_body(request)
        try:
            asked = read_bulk(body, limit=MAX_BULK_OPERATIONS, leniency=principal.leniency)
        except ScimError:
            self.entry.departures = _asked_in_vain(body)
            raise
        self.cost = cost_of_bulk(len(asked.operations))
        outcomes = bulk.carry_out(asked, principal=principal, by=by, as_error=self._as_error)
        self._tell(asked, outcomes)
        return answer(orjson.dumps(bulk_response([self._answer_to(outcome) for outcome in outcomes])))

    def read_body(self, request: Request, limit: int = MAX_BULK_BODY) -> dict[str, Json]:
        """The operations, in one body."""
        try:
            return super().read_body(request, limit)
        except PayloadTooLarge:
            raise PayloadTooLarge(
                f"The body is larger than maxPayloadSize ({limit:,} bytes). Send the operations in parts."
            ) from None

    def tell_whom(self, body: dict[str, Json], raw: bytes) -> None:
        """Tell the log whom each operation is about, before anything comes of it."""
        masking = self.masking()
        if not masking.has_nothing(raw):
            masking.learn(body, MOST_LEARNED)
        self.entry.operations = [
            LoggedOperation(
                asked.method,
                asked.resource,
                asked.resource_id,
                subjects.of_part(asked.data, masking) if asked.data else NOBODY,
            )
            for asked in glance_at(body, MAX_BULK_OPERATIONS)
        ]

    def tell_unread(self, raw: bytes) -> None:
        """Tell the log whom a body is about that was refused unread, and who of them was to leave."""
        super().tell_unread(raw)
        self.entry.departures = _asked_in_vain(loosely_read(raw) or {})

    def handle_exception(self, exc: Exception) -> HttpResponse:  # type: ignore[override]
        """What refuses the whole request keeps in whoever was to leave by it."""
        response = super().handle_exception(exc)
        entry = self.entry
        entry.departures = [
            each if each.status else replace(each, status=response.status_code, cause=entry.cause, result=entry.result)
            for each in entry.departures
        ]
        return response

    def _as_error(self, error: Exception) -> ScimError:
        return self._as_scim_error(error)[0]

    def _answer_to(self, outcome: OperationOutcome) -> Json:
        operation, result = outcome.operation, outcome.result
        location = ""
        if operation.kind and outcome.resource_id:
            location = f"{self.base_url}{operation.kind.endpoint}/{outcome.resource_id}"
        if isinstance(result, ScimError):
            error = error_body(result, self.entry.request_id)
            return answer_to(operation, outcome.status, location=location, error=error)
        version = "" if result.outcome is WriteOutcome.DELETED else etag(result.version)
        return answer_to(operation, outcome.status, location=location, version=version)

    def _tell(self, asked: BulkRequest, outcomes: Sequence[OperationOutcome]) -> None:
        """One line of the request log for them all, with what went wrong and what was odd below it."""
        outcome_counts: Counter[str] = Counter()
        failures: list[str] = []
        notices = [*asked.notices]
        for outcome in outcomes:
            match outcome.result:
                case ScimError() as error:
                    failures.append(f"{outcome.operation.name}: {error.status}, {error.detail}")
                    if not self.entry.cause:
                        self.entry.cause, self.entry.arguments = error.cause, error.about
                case written:
                    outcome_counts[written.outcome] += 1
                    notices += written.notices
        self._tell_of_each(outcomes)
        self.entry.operation_count, self.entry.failed_operations = len(asked.operations), len(failures)
        self.entry.departures = [found for outcome in outcomes if (found := _departure(outcome))]
        self.entry.result = results.bulk(len(asked.operations), outcome_counts, len(failures))
        self.entry.notices = [*failures[:MOST_FAILURES], *distinct(notices)]

    def _tell_of_each(self, outcomes: Sequence[OperationOutcome]) -> None:
        logged = self.entry.operations
        for outcome in outcomes:
            operation, result = logged[outcome.position], outcome.result
            operation.status = outcome.status
            operation.resource_id = outcome.resource_id or operation.resource_id
            match result:
                case ScimError():
                    operation.cause = result.cause
                    operation.result = results.refusal(result.cause, result.detail, result.about)[:LONGEST_RESULT]
                    operation.label = result.about.get("user", "")
                    if operation.resource == USER.name:
                        operation.resource_id = result.about.get("user_id", operation.resource_id)
                case users.UserWriteResult():
                    operation.label = result.user_name
                    # What somebody may have to act on; which of many users it is about is seen on the row only.
                    acted_on = [notice for notice in result.notices if isinstance(notice, Notice)]
                    operation.result = " ".join(acted_on)[:LONGEST_RESULT]
                case groups.GroupWriteResult():
                    operation.label = result.name


def _asked_in_vain(body: dict[str, Json]) -> list[LoggedDeparture]:
    """The suspensions and deletions of users in a body that nothing is done with; the status is not known yet."""
    return [
        LoggedDeparture(Step.DELETE if asked.method == Method.DELETE else Step.DEACTIVATE, asked.resource_id, 0)
        for asked in glance_at(body, MAX_BULK_OPERATIONS)
        if asked.resource == USER.name
        and (
            asked.method == Method.DELETE
            or (asked.method in (Method.PUT, Method.PATCH) and asks_to_suspend(asked.data))
        )
    ]


def _departure(outcome: OperationOutcome) -> LoggedDeparture | None:
    """The suspension or deletion of a user that an operation asks for, if it does and comes to one or is refused."""
    operation, result = outcome.operation, outcome.result
    if operation.kind is not USER or operation.method == Method.POST:
        return None
    is_deletion = operation.method == Method.DELETE
    if not is_deletion and not asks_to_suspend(operation.data):
        return None
    step = Step.DELETE if is_deletion else Step.DEACTIVATE
    if isinstance(result, users.UserWriteResult) and result.is_active and not is_deletion:
        return None
    if not isinstance(result, ScimError):
        return LoggedDeparture(step, outcome.resource_id, outcome.status)
    words = results.refusal(result.cause, result.detail, result.about)
    return LoggedDeparture(step, outcome.resource_id, outcome.status, result.cause, words, dict(result.about))
