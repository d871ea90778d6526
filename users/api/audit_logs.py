"""GET /api/audit/v1/logs: an organization's audit log for the programs of its people, oldest first."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.db.models import OuterRef
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.request import Request
from rest_framework.views import APIView

from audit.services import stream
from console.moments import read_day
from users.api.bearer import token_of
from users.api.openapi import DEFAULT_LIMIT, MOST, document
from users.api.problems import Problem
from users.services.personal_tokens import TokenScope

log = structlog.get_logger(__name__)

PARAMETERS = ("since", "until", "filter", "limit", "cursor")

# RFC 3339 section 5.6, less its leap seconds. A plus sign that nobody encoded arrives as a blank.
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+ -]\d\d:\d\d)", re.ASCII)
_YEARS = range(1971, 9000)


class LogsView(APIView):
    """The events after a cursor, and the cursor to go on with."""

    http_method_names = ["get", "head"]

    def get(self, request: Request) -> HttpResponse:
        """Two statements: the token with the end of the stream, and the events."""
        token = token_of(
            request._request,
            TokenScope.READ_AUDIT_LOG,
            "audit-log.view",
            settled=stream.settled_id(OuterRef("organization_id")),
        )
        given = _parameters(request._request)
        try:
            event_page = stream.read(
                token.organization_id,
                stream.parse_filter(given.get("filter", "")),
                after=stream.read_cursor(given["cursor"]) if "cursor" in given else stream.BEGINNING,
                settled=token.settled,  # type: ignore[attr-defined]
                since=_time(given, "since"),
                until=_end_of_day(given, token.organization.time_zone) or _time(given, "until"),
                limit=_limit(given),
            )
        except stream.Unreadable as error:
            raise Problem(HTTPStatus.BAD_REQUEST, str(error)) from None
        return _json(
            {
                "logs": [stream.represent(event) for event in event_page.events],
                "next": stream.write_cursor(event_page.place),
                "has_more": event_page.has_more,
            }
        )

    def handle_exception(self, exc: Exception) -> HttpResponse:  # type: ignore[override]
        """Any exception as a problem."""
        match exc:
            case Problem():
                return exc.answer()
            case MethodNotAllowed():
                detail = "The audit log can only be read: GET."
                return Problem(HTTPStatus.METHOD_NOT_ALLOWED, detail, {"Allow": "GET, HEAD"}).answer()
            case OperationalError() | InterfaceError():
                detail = "The database did not answer in time. Try again."
                return Problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, {"Retry-After": "1"}).answer()
        log.error("unexpected fault", exc_info=exc)
        detail = "This server has failed. The fault is in its log."
        return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, detail).answer()


@require_safe
def describe(request: HttpRequest) -> HttpResponse:
    """The API's description, for everybody."""
    return _json(document(settings.BASE_URL))


def _json(body: Mapping[str, Any]) -> HttpResponse:
    return HttpResponse(orjson.dumps(body), content_type="application/json", headers={"Cache-Control": "no-store"})


def _parameters(request: HttpRequest) -> Mapping[str, str]:
    given = {}
    for name, values in request.GET.lists():
        if name not in PARAMETERS:
            raise Problem(HTTPStatus.BAD_REQUEST, f"There is no parameter '{name}', only {', '.join(PARAMETERS)}.")
        if len(values) > 1:
            raise Problem(HTTPStatus.BAD_REQUEST, f"The parameter '{name}' is there more than once.")
        given[name] = str(values[0])
    return {name: value for name, value in given.items() if value}


def _end_of_day(given: Mapping[str, str], zone: str) -> datetime | None:
    """The end of the day that `until` names, in the organization's time zone; None where it names none."""
    try:
        end = read_day(given.get("until", ""), ZoneInfo(zone), ends=True)
    except (ValueError, OverflowError):
        return None
    return end if end and end.year in _YEARS else None


def _time(given: Mapping[str, str], name: str) -> datetime | None:
    text = given.get(name)
    if text is None:
        return None
    try:
        if not _TIME.fullmatch(text):
            raise ValueError(text)
        moment = datetime.fromisoformat(text.upper().replace(" ", "+")).astimezone(UTC)
        if moment.year not in _YEARS:
            raise ValueError(text)
    except (ValueError, OverflowError):
        detail = f"'{name}' must be a time with its offset, such as 2026-01-31T08:30:00Z (RFC 3339)."
        raise Problem(HTTPStatus.BAD_REQUEST, detail) from None
    return moment


def _limit(given: Mapping[str, str]) -> int:
    text = given.get("limit", str(DEFAULT_LIMIT))
    if not re.fullmatch(r"0*[1-9]\d{0,3}", text, re.ASCII) or int(text) > MOST:
        raise Problem(HTTPStatus.BAD_REQUEST, f"'limit' must be a whole number from 1 to {MOST}.")
    return int(text)
