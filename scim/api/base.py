"""ScimView: the work around every SCIM endpoint: token, errors, headers, log (RFC 7644 sections 2, 3).

A trimmed APIView. Handlers return finished bytes, which are kept neither on the view nor on its request: that refers to
itself, so that whatever hangs on it waits for the garbage collector.
"""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NoReturn

import structlog
from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.db import DataError, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.views import APIView
from uuid_utils import uuid7

from core import turns
from core.actors import Actor, Channel, address_of_caller
from core.json_values import Json
from core.parsing import number_of
from provisioning.services import limits
from provisioning.services.connections.connections import base_url_at
from provisioning.services.limits import Limited
from provisioning.services.request_log import additional_logging, results, writer
from provisioning.services.request_log.causes import LIMITS, SUSPENDED, TOKEN_PERSONAL
from provisioning.services.request_log.entries import Entry
from provisioning.services.request_log.logged_exchanges import LoggedExchange
from provisioning.services.request_log.masking import Masking
from provisioning.services.request_log.setup_steps import Step
from provisioning.services.request_log.subject_keys import NOBODY
from scim.api import subjects
from scim.api.authentication import BearerToken
from scim.api.media import EXCHANGE, answer_error, glance, pack, read_bytes
from scim.operations.preconditions import Preconditions
from scim.operations.provider import MAX_BODY
from scim.protocol.attributes import ResourceType
from scim.protocol.errors import (
    InsufficientScope,
    InvalidSyntax,
    InvalidValue,
    MethodNotAllowed,
    ScimError,
    TooManyRequests,
    Unauthorized,
    Unavailable,
)
from scim.protocol.json_bodies import read_json
from scim.protocol.projection import EVERYTHING, Projection
from scim.storage.credentials import Credentials, FormerAddress, Principal

log = structlog.get_logger(__name__)

EVERY_ANSWER: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Vary": "Accept-Encoding",
}


_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


class Fault(ScimError):
    """Something that nobody foresaw."""

    status = 500


class Refused(ScimError):
    """What a permission or a throttle of the REST framework said."""

    def __init__(self, error: APIException) -> None:
        super().__init__(str(error.detail))
        self.status = error.status_code  # type: ignore[misc]


class ScimView(APIView):
    """One endpoint. Its handlers get the request and the path's parts and return ``media.answer(...)``."""

    authentication_classes = [BearerToken]
    parser_classes = []
    versioning_class = None
    metadata_class = None
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]

    entry: Entry
    _credentials: Credentials | None = None
    # What its methods are in the set-up of a connection, where they are anything.
    steps: Mapping[str, Step] = {}
    # What the request takes from the buckets of its token and organization.
    cost = 1
    # Whether it is for people with personal tokens, who have a bucket beside that of the organization's connections.
    is_for_people = False

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        started = time.perf_counter_ns()
        self.entry = entry = _entry(request, kwargs.get("slug", ""))
        entry.step = self.step_of(request)
        if additional_logging.is_on_at(entry.slug):
            entry.exchange = request.META[EXCHANGE] = _exchange(request)
        try:
            response = self.serve(request, *args, **kwargs)
        except FormerAddress as moved:
            # Once more from the start; ``base_url`` stays the one that the client knows.
            entry.at_former_slug, entry.notices = True, ()
            response = self.serve(request, *args, **{**kwargs, "slug": moved.slug})
        headers = response.headers
        headers["X-Request-Id"] = entry.request_id
        for name, value in EVERY_ANSWER.items():
            headers[name] = value
        if entry.exchange is not None:
            entry.exchange.answered(list(headers.items()), b"" if request.method == "HEAD" else response.content)
        if response.content:
            pack(response, request.META.get("HTTP_ACCEPT_ENCODING"))
            headers["Content-Length"] = str(len(response.content))
            if request.method == "HEAD":
                response.content = b""
        entry.status = response.status_code
        # By the time of any other answer than these, somebody has asked the database about the token.
        entry.authenticated = entry.status < 500 and not entry.is_unauthorized and entry.cause != SUSPENDED
        self._charge(request.META)
        entry.duration_us = (time.perf_counter_ns() - started) // 1000
        writer.note(entry)
        return response

    def _charge(self, environ: Mapping[str, Any]) -> None:
        """Have the request paid for, and tell the server whose it was."""
        entry, credentials = self.entry, self._credentials
        if entry.authenticated and credentials is not None:
            slug = self.kwargs.get("slug", "")
            if entry.cause not in LIMITS:
                is_persons = self.is_for_people or entry.cause == TOKEN_PERSONAL
                limits.charge(credentials.digest, limits.people_of(slug) if is_persons else slug, self.cost)
            turns.tell(environ, slug)
        elif entry.is_unauthorized:
            turns.tell(environ, "")
        elif credentials is not None:
            # Nobody may know whether the token is valid: what takes too long counts for it, and for nobody else.
            limits.charge_unverified(credentials.digest)

    def step_of(self, request: HttpRequest) -> str:
        """What the request is in the set-up of a connection, as far as that can be told before it is served."""
        return self.steps.get(request.method or "", "")

    def serve(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Do the work. Raises FormerAddress where it is to be done at another slug, once."""
        self.args, self.kwargs = args, kwargs
        try:
            self.request = drf_request = self.initialize_request(request, *args, **kwargs)
            self.initial(drf_request, *args, **kwargs)
            method = request.method.lower() if request.method else ""
            known = method in self.http_method_names
            handler = getattr(self, method, self.http_method_not_allowed) if known else self.http_method_not_allowed
            response: HttpResponse = handler(drf_request, *args, **kwargs)
            return response
        except Exception as error:
            return self.handle_exception(error)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """What comes before any work. SCIM has one media type and one version: there is nothing to negotiate."""
        self.perform_authentication(request)
        self.check_permissions(request)
        self.check_throttles(request)

    def check_throttles(self, request: Request) -> None:
        """Refuse what comes too fast. Raises Limited; what has no valid token is refused for that all the same."""
        if seconds := turns.seconds_over_share(request._request.META):
            raise limits.over_share(seconds)
        slug = self.kwargs.get("slug", "")
        limits.admit(self.credentials.digest, limits.people_of(slug) if self.is_for_people else slug)
        super().check_throttles(request)

    def get_parser_context(self, http_request: HttpRequest) -> dict[str, Any]:
        """What the authenticator asks for; not the view, which would have to wait for the garbage collector with it."""
        return {"kwargs": self.kwargs}

    def perform_authentication(self, request: Request) -> None:
        """Only reads the token: the statement that serves the request verifies it."""
        # What ``request.auth`` comes to, without the look-ups that fail on the way there.
        inside: Any = request
        inside._authenticate()
        self._credentials = credentials = inside._auth
        self.entry.digest = credentials.digest

    def read_body(self, request: Request, limit: int = MAX_BODY) -> dict[str, Json]:
        """The JSON object in the body; whom it is about is told to the log, also where it is no JSON.

        Raises UnsupportedMediaType, PayloadTooLarge and InvalidSyntax.
        """
        raw = read_bytes(request._request, limit)
        try:
            body = read_json(raw)
        except ScimError:
            self.tell_unread(raw)
            raise
        self.tell_whom(body, raw)
        return body

    def tell_whom(self, body: dict[str, Json], raw: bytes) -> None:
        """Tell the log whom a body is about; ``raw`` is the same as it was sent."""
        self.entry.subject = subjects.of_body(body, raw, self.masking())

    def tell_unread(self, raw: bytes) -> None:
        """The same for a body, or its beginning, that was refused unread or is no JSON."""
        self.entry.subject = subjects.of_unread(raw, self.masking())

    @staticmethod
    def masking() -> Masking:
        """What takes secrets out of what the log is told."""
        return Masking(settings.SCIM_SENSITIVE)

    def http_method_not_allowed(self, request: HttpRequest, *_args: Any, **_kwargs: Any) -> NoReturn:
        raise MethodNotAllowed(f"{request.method} does not apply here; {', '.join(self.allowed_methods)} do.")

    def handle_exception(self, exc: Exception) -> HttpResponse:  # type: ignore[override]
        """Any exception as a SCIM answer; to whom has no valid token, always the same one. Raises FormerAddress."""
        error, headers = self._as_scim_error(exc)
        if error.status < 500 and not isinstance(error, Unauthorized) and self._credentials is not None:
            try:
                self.verify()
                self._glance()
            except Exception as refusal:
                error, headers = self._as_scim_error(refusal)
        if isinstance(error, FormerAddress) and not self.entry.at_former_slug:
            raise error
        if isinstance(error, Unauthorized) and (limited := limits.refuse_unauthorized(self.entry.address)):
            error, headers = self._as_scim_error(limited)
        self.entry.cause = error.cause
        self.entry.result = results.refusal(error.cause, error.detail, error.about)
        self.entry.arguments = error.about
        self.entry.user_id = error.about.get("user_id", self.entry.user_id)
        self.entry.user_label = error.about.get("user", self.entry.user_label)
        return answer_error(error, self.entry.request_id, headers)

    def _glance(self) -> None:
        """Tell the log whom a body is about that a client with a valid token has sent in vain, as far as that shows."""
        entry = self.entry
        if entry.subject is NOBODY and not entry.operations and entry.method in _WITH_BODY:
            request = self.request._request
            if raw := glance(request, subjects.LONGEST_GLANCE):
                self.tell_unread(raw)

    @property
    def base_url(self) -> str:
        """The address under which this organization is served, without a slash at its end."""
        return base_url_at(self.entry.slug)

    @property
    def credentials(self) -> Credentials:
        """The token as it was presented."""
        assert self._credentials is not None  # noqa: S101  (perform_authentication() has raised otherwise)
        return self._credentials

    def principal(self) -> Principal:
        """Whose token it is. Raises Unauthorized."""
        return self.credentials.principal()

    def verify(self) -> None:
        """Let nobody pass whose token is not valid here. Raises Unauthorized, and whatever else a token can lack."""
        self.principal()

    def actor(self) -> Actor:
        """The token as the audit trail knows it. Raises Unauthorized."""
        principal = self.principal()
        return Actor(
            principal.organization_id,
            f"SCIM token '{principal.token_name}' ({principal.token_prefix}…)",
            Channel.SCIM,
            address=self.entry.address,
            request_id=self.entry.request_id,
        )

    def _as_scim_error(self, exc: Exception) -> tuple[ScimError, Mapping[str, str]]:
        match exc:
            case MethodNotAllowed():
                return exc, {"Allow": ", ".join(self.allowed_methods)}
            case InsufficientScope():
                challenge = f'Bearer realm="SCIM", error="insufficient_scope", scope="{exc.scope}"'
                return exc, {"WWW-Authenticate": challenge}
            case Limited():
                error = TooManyRequests(exc.message, cause=exc.cause, about=exc.about)
                return error, {"Retry-After": str(exc.seconds)}
            case ScimError():
                return exc, {}
            case APIException():
                wait = getattr(exc, "wait", None)
                return Refused(exc), {} if wait is None else {"Retry-After": str(wait)}
            case OperationalError() | InterfaceError():
                log.warning("database unavailable", request_id=self.entry.request_id, reason=type(exc).__name__)
                return Unavailable("The database did not answer in time. Try again.", cause="database"), {}
            case DataError():
                log.warning("value refused by the database", request_id=self.entry.request_id)
                return InvalidValue("A value is too long, or outside what can be stored."), {}
            case SuspiciousOperation() | UnreadablePostError():
                return InvalidSyntax("The request is cut off, or has too many parts."), {}
        log.error("unexpected fault", request_id=self.entry.request_id, exc_info=exc)
        return Fault("This server has failed. The fault is in its log.", cause="unexpected"), {}


def projection_of(request: Request, resource_type: ResourceType) -> Projection:
    """What of a resource the request asks for (RFC 7644 section 3.9). Raises InvalidValue."""
    if not request._request.META.get("QUERY_STRING"):
        return EVERYTHING
    parameters = request._request.GET
    return Projection.parse(parameters.get("attributes"), parameters.get("excludedAttributes"), resource_type)


def preconditions(request: Request) -> Preconditions:
    """The versions on which the request is to act (RFC 7644 section 3.14)."""
    meta = request._request.META
    return Preconditions.parse(meta.get("HTTP_IF_MATCH"), meta.get("HTTP_IF_NONE_MATCH"))


def _exchange(request: HttpRequest) -> LoggedExchange:
    length = request.META.get("CONTENT_LENGTH") or ""
    return LoggedExchange(list(request.headers.items()), number_of(length, 19) or 0)


def _entry(request: HttpRequest, slug: str) -> Entry:
    meta = request.META
    return Entry(
        slug=slug,
        request_id=str(uuid7()),
        method=request.method or "",
        path=request.path,
        query=meta.get("QUERY_STRING", ""),
        client=meta.get("HTTP_USER_AGENT", ""),
        address=address_of_caller(meta),
        started=datetime.now(UTC),
        subject_of_query=subjects.of_query,
        origin=f"{request.scheme}://{meta.get('HTTP_HOST') or request.get_host()}",
    )
