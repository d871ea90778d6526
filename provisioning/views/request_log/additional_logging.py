"""Additional logging on the pages: a connection's switch, and one request's headers and bodies."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from console import sections
from console.actions import Saved, action
from console.forms import SwitchForm
from console.requests import actor_of, not_allowed
from organizations.views.current import organization_of
from provisioning.models import BodyKept, Connection, RequestDetail, RequestLog
from provisioning.services.connections import connections, granted_permissions
from provisioning.services.request_log import additional_logging
from provisioning.views import which_connection
from provisioning.views.which_connection import SCIM
from users.services import authority
from users.views.current import user_of

# Where messages about what is kept of a request belong.
OF_DETAILS = "details"


@action(
    SCIM,
    "users/scim/<uuid:connection_id>/additional-logging/",
    "additional-logging",
    permission="sign-in.edit",
    form=SwitchForm,
)
def turn(request: HttpRequest, form: SwitchForm, connection_id: UUID) -> Saved:
    """Turn the connection's additional logging on, also for another 24 hours, or off."""
    connection, by = which_connection.chosen(request), actor_of(request)
    if form.is_on:
        additional_logging.turn_on(connection, by=by)
        return Saved("Additional logging is on for the next 24 hours.")
    additional_logging.turn_off(connection, by=by)
    return Saved("Additional logging is off.")


# One request


@dataclass(frozen=True, slots=True)
class LoggedMessage:
    """What was sent, or what came back: ``kept`` says why there is less than all of the body, if so."""

    id: str
    title: str
    headers: str
    body: str
    size: int
    kept: str

    @property
    def boxes(self) -> tuple[tuple[str, str, str, int], ...]:
        """The texts to show: the id, label, text and height of each that there is."""
        texts = ((f"{self.id}-headers", "Headers", self.headers), (f"{self.id}-body", "Body", self.body))
        return tuple((name, label, text, min(24, text.count("\n") + 1)) for name, label, text in texts if text)


@dataclass(frozen=True, slots=True)
class Details:
    """What there is to show of a request: both parts, or else the connection for which logging can be turned on."""

    parts: tuple[LoggedMessage, ...]
    connection: Connection | None
    is_on: bool


def why_not(request: HttpRequest, row: RequestLog) -> str:
    """Why the request's user may not see what was kept of a request; empty if they may.

    It says as much as a token of the connection could read, so it is shown to those who may make one.
    """
    if not sections.may(request, "sign-in.edit"):
        return not_allowed(request)
    asker = user_of(request)
    known = Connection.objects.of(row.organization_id).filter(pk=row.connection_id) if row.connection_id else None
    connection = (known and known.first()) or connections.default_connection(row.organization_id)
    return granted_permissions.beyond(connection, authority.of(asker), act="see what was kept of its requests")


def of_request(row: RequestLog) -> Details:
    """What was kept of a request, and whether more would be of the next ones."""
    connection = _connection_of(row)
    detail = RequestDetail.objects.of(row.organization_id).filter(pk=row.pk).first()
    is_on = connection is not None and connection.keeps_details
    return Details(_parts(row, detail) if detail else (), connection, is_on)


def _parts(row: RequestLog, detail: RequestDetail) -> tuple[LoggedMessage, ...]:
    asked = f"{row.method} {row.path}{_query(row)}\n{detail.sent_headers}"
    answered = f"{row.status}\n{detail.answer_headers}"
    return (
        LoggedMessage(
            "sent", "What was sent", asked, detail.sent_body, detail.sent_size, BodyKept(detail.sent_kept).label
        ),
        LoggedMessage(
            "answer", "The answer", answered, detail.answer_body, detail.answer_size, BodyKept(detail.answer_kept).label
        ),
    )


def _query(row: RequestLog) -> str:
    return f"?{row.query}" if row.query else ""


def _connection_of(row: RequestLog) -> Connection | None:
    if row.connection_id is None:
        return connections.default_connection(row.organization_id)
    return Connection.objects.of(row.organization_id).present().filter(pk=row.connection_id).first()


@action(SCIM, "users/scim/log/<uuid:request_id>/log-next/", "log-next-requests", permission="sign-in.edit")
def log_next(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """Turn additional logging on for the connection that a request came through."""
    row = find(request, request_id)
    connection = _connection_of(row)
    if connection is None:
        raise Http404("The connection of this request was removed.")
    additional_logging.turn_on(connection, by=actor_of(request))
    message = "Additional logging is on for the next 24 hours. Headers and bodies of the next requests are kept."
    messages.success(request, message, extra_tags=OF_DETAILS)
    return redirect(f"{reverse('settings:logged-request', args=[row.pk])}#details")


@action(
    SCIM, "users/scim/log/<uuid:request_id>/details.txt", "request-details-file", permission="sign-in.edit", reads=True
)
def download(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """All that is known of a request, as a text file for a support ticket."""
    row = find(request, request_id)
    if why := why_not(request, row):
        raise PermissionDenied(why)
    return HttpResponse(
        _file(row, of_request(row).parts),
        content_type="text/plain; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="scim-request-{row.request_id}.txt"',
            "Cache-Control": "no-store",
        },
    )


def _file(row: RequestLog, parts: tuple[LoggedMessage, ...]) -> str:
    head = [
        f"Request id: {row.request_id}",
        f"Time: {row.created_at.isoformat()}",
        f"Duration: {row.duration_us / 1000:.1f} ms",
        f"Request: {row.method} {row.path}{_query(row)}",
        f"Status: {row.status}{f', {row.failed_of_all}' if row.failed_operations else ''}",
        *([f"About: {row.user_label}"] if row.user_label else []),
        f"Token: {row.token_label}",
        f"Verdict: {row.result}",
        *row.notices,
        "Passwords, tokens and other secrets are masked.",
    ]
    if not parts:
        head.append("Headers and bodies were not kept.")
    texts = ["\n".join(head)]
    for part in parts:
        body = "\n".join(filter(None, (part.body, part.kept))) or "(no body)"
        texts.append(f"--- {part.title}\n\n{part.headers}\n\n{body}")
    return "\n\n".join(texts) + "\n"


def find(request: HttpRequest, request_id: UUID) -> RequestLog:
    """The request of that id in the organization's log."""
    row = RequestLog.objects.of(organization_of(request).pk).filter(pk=request_id).select_related("token").first()
    if row is None:
        raise Http404("There is no such request in your log. It may have been too old, and deleted.")
    return row
