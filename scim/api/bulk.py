"""/Bulk: many operations in one request, and what came of each (RFC 7644 section 3.7)."""

from collections import Counter
from collections.abc import Sequence

import orjson
from django.http import HttpResponse
from rest_framework.request import Request

from scim.api.base import ScimView
from scim.api.media import answer, read_object
from scim.operations import bulk
from scim.operations.bulk import Outcome
from scim.operations.provider import MAX_BULK_BODY, MAX_BULK_OPERATIONS
from scim.operations.resources import Deed
from scim.protocol.attributes import Json
from scim.protocol.bulk import BulkRequest, Method, answer_to, bulk_response, read_bulk
from scim.protocol.departures import Departure, asks_to_suspend
from scim.protocol.errors import PayloadTooLarge, ScimError
from scim.protocol.messages import error_body
from scim.protocol.reading import distinct
from scim.protocol.schemas import USER
from scim.services import verdicts
from scim.services.limits import cost_of_bulk
from scim.services.milestones import Step
from users.profile import etag


class BulkView(ScimView):
    """Where many operations are asked for at once."""

    def post(self, request: Request, slug: str) -> HttpResponse:
        """Carry them out; the answer tells of each that was."""
        by, principal = self.actor(), self.principal()
        asked = read_bulk(self._read_body(request), limit=MAX_BULK_OPERATIONS, leniency=principal.leniency)
        self.cost = cost_of_bulk(len(asked.operations))
        outcomes = bulk.carry_out(asked, principal=principal, by=by, as_error=self._as_error)
        self._tell(asked, outcomes)
        return answer(orjson.dumps(bulk_response([self._answer_to(outcome) for outcome in outcomes])))

    def _read_body(self, request: Request) -> dict[str, Json]:
        try:
            return read_object(request._request, MAX_BULK_BODY)
        except PayloadTooLarge:
            raise PayloadTooLarge(
                f"The body is larger than maxPayloadSize ({MAX_BULK_BODY:,} bytes). Send the operations in parts."
            ) from None

    def _as_error(self, error: Exception) -> ScimError:
        return self._as_scim_error(error)[0]

    def _answer_to(self, outcome: Outcome) -> Json:
        operation, result = outcome.operation, outcome.result
        location = ""
        if operation.kind and outcome.resource_id:
            location = f"{self.base_url}{operation.kind.endpoint}/{outcome.resource_id}"
        if isinstance(result, ScimError):
            error = error_body(result, self.entry.request_id)
            return answer_to(operation, outcome.status, location=location, error=error)
        version = "" if result.deed is Deed.DELETED else etag(result.version)
        return answer_to(operation, outcome.status, location=location, version=version)

    def _tell(self, asked: BulkRequest, outcomes: Sequence[Outcome]) -> None:
        """One line of the request log for them all, with what went wrong and what was odd below it."""
        deeds: Counter[str] = Counter()
        failures: list[str] = []
        advice = [*asked.advice]
        for outcome in outcomes:
            match outcome.result:
                case ScimError() as error:
                    failures.append(f"{outcome.operation.name}: {error.status}, {error.detail}")
                    if not self.entry.cause:
                        self.entry.cause, self.entry.arguments = error.cause, error.about
                case written:
                    deeds[written.deed] += 1
                    advice += written.advice
        self.entry.departures = [found for outcome in outcomes if (found := _departure(outcome))]
        self.entry.verdict = verdicts.bulk(len(asked.operations), deeds, failures)
        self.entry.advice = distinct([*failures, *advice])


def _departure(outcome: Outcome) -> Departure | None:
    """The suspension or deletion of a user that an operation asks for, if it does."""
    operation, result = outcome.operation, outcome.result
    if operation.kind is not USER or operation.method == Method.POST:
        return None
    is_deletion = operation.method == Method.DELETE
    if not is_deletion and not asks_to_suspend(operation.data):
        return None
    step = Step.DELETE if is_deletion else Step.DEACTIVATE
    if not isinstance(result, ScimError):
        return Departure(step, outcome.resource_id, outcome.status)
    verdict = verdicts.refusal(result.cause, result.detail, result.about)
    return Departure(step, outcome.resource_id, outcome.status, result.cause, verdict, dict(result.about))
