"""Problem: why a request to the API came to nothing, as an answer that programs can read (RFC 9457)."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.views import APIView

MEDIA_TYPE = "application/problem+json"


class Problem(Exception):
    """Whatever ends a request early. The detail is a full sentence that says what to do."""

    def __init__(self, status: HTTPStatus, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers or {}

    def answer(self) -> HttpResponse:
        """The problem as it is sent."""
        body: dict[str, Any] = {"title": self.status.phrase, "status": self.status.value, "detail": self.detail}
        return HttpResponse(
            orjson.dumps(body),
            status=self.status,
            content_type=MEDIA_TYPE,
            headers={"Cache-Control": "no-store", **self.headers},
        )


class NowhereView(APIView):
    """What answers for every address under /api/ that leads nowhere."""

    def dispatch(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:  # type: ignore[override]
        return Problem(HTTPStatus.NOT_FOUND, "There is no such endpoint. See /api/audit/v1/openapi.json.").answer()
