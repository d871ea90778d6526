"""The request log's own page: every SCIM request, newest first, with filters and a CSV file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Page as PaginatorPage
from django.core.paginator import Paginator
from django.db.models import Case, Value, When
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from audit.actions import Action
from audit.views import exports
from console import csv_download, newest_first, reauthentication, sections
from console.actions import action
from console.newest_first import ListPage
from console.requests import actor_of
from console.sections import Page
from core.ids import first_id_at
from core.refusals import Refusal
from organizations.views.current import organization_of
from provisioning.models import RequestLog, RequestOperation
from provisioning.services.request_log import operations as operation_rows
from provisioning.services.request_log import writer
from provisioning.services.request_log.causes import CAUSES, UNLISTED
from provisioning.views.request_log import additional_logging, fixes, search, undo
from provisioning.views.request_log.fixes import ProposedFix, Situation
from provisioning.views.request_log.search import RequestsForm, id_of
from provisioning.views.which_connection import SCIM
from users.models import User
from users.services.authority import BeyondOwnRights
from users.views.current import user_of

PER_PAGE = 50

# So many new requests are counted.
MOST_NEW = 99

# Where messages about one request belong.
OF_A_REQUEST = "request"

HEADER = (
    "Time", "Method", "Path", "Query", "Status", "Cause", "Verdict", "Advice", "Duration in ms", "Token", "Client",
    "Address", "User", "User id", "More of the same", "Request id", "Operations", "Failed operations",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class LogRow:
    """A request as the pages show it, with what the one who looks may do about it.

    ``operations`` are those within a bulk request that fit what was searched for.
    """

    row: RequestLog
    cause: str
    proposed_fix: ProposedFix | None
    operations: Sequence[RequestOperation] = ()


def _shown(
    request: HttpRequest, rows: list[RequestLog], fitting: Mapping[UUID, Sequence[RequestOperation]] | None = None
) -> list[LogRow]:
    user = user_of(request)
    situation = Situation(rows, organization_of(request).pk)
    shown = []
    for row in rows:
        proposed_fix = situation.proposed_fix(row)
        allowed = proposed_fix if proposed_fix and proposed_fix.is_for(user) else None
        cause = CAUSES.get(row.cause, UNLISTED).name if row.cause else ""
        shown.append(LogRow(row, cause, allowed, (fitting or {}).get(row.pk, ())))
    return shown


@action(SCIM, "users/scim/log/", "request-log", permission="sign-in.view", reads=True)
def request_log(request: HttpRequest) -> HttpResponse:
    """The requests that fit the filters, a page of them."""
    organization = organization_of(request)
    form = RequestsForm(request.GET, organization.pk)
    log_page = newest_first.page_of(request.GET, form.narrow().take, PER_PAGE)
    context = {
        "title": "Request log",
        "lead": "What your identity provider asked, what became of it, and what mends it.",
        "page": Page.USERS,
        "form": form,
        "time_zone": organization.time_zone,
        "may_export": csv_download.is_open_to(request),
        "shown": _shown(request, log_page.rows, form.operations_of(log_page.rows)),
        "dropped": writer.dropped(),
        "looked_through": search.LOOKED_THROUGH,
        "of_anonymous": search.LOOKED_THROUGH_OF_ANONYMOUS,
        "log_page": log_page,
        "query": log_page.query.urlencode(),
        "newest": _newest(log_page, request),
    }
    return render(request, "settings/request_log/log.html", context)


def _newest(log_page: ListPage[RequestLog], request: HttpRequest) -> UUID | None:
    """The id after which requests are new to this page; None on a page that does not begin with the newest."""
    if log_page.has_newer or request.GET.get("before") or request.GET.get("after"):
        return None
    return log_page.rows[0].pk if log_page.rows else first_id_at(timezone.now())


@action(SCIM, "users/scim/log/new/", "new-requests", permission="sign-in.view", reads=True)
def new_requests(request: HttpRequest) -> HttpResponse:
    """How many have come in since the page was loaded; it asks every few seconds while somebody looks at it."""
    organization = organization_of(request)
    query = request.GET.copy()
    newest = id_of("".join(query.pop("newest", ())))
    count = 0
    if newest is not None:
        narrowed = any(query.get(name) for name in RequestsForm.base_fields)
        ways = (
            RequestsForm(query, organization.pk).newer_than(newest)
            if narrowed
            else [RequestLog.objects.of(organization.pk).filter(pk__gt=newest)]
        )
        count = min(MOST_NEW + 1, sum(way.order_by("-pk")[: MOST_NEW + 1].count() for way in ways))
    context = {"count": count, "most": MOST_NEW, "query": query.urlencode()}
    return render(request, "settings/request_log/new.html", context)


# One request


@action(SCIM, "users/scim/log/<uuid:request_id>/", "logged-request", permission="sign-in.view", reads=True)
def logged_request(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """All that is known of one request."""
    (shown,) = _shown(request, [additional_logging.find(request, request_id)])
    row = shown.row
    user = User.objects.of(organization_of(request).pk).filter(pk=row.user_id).first()
    context = {
        "title": _title(row, user),
        "lead": f"Request {row.request_id}",
        "page": Page.USERS,
        "shown": shown,
        "row": row,
        "person": user,
        "operations": _operations(request, row) if row.operations else None,
        "action": _action(shown),
        "notices": sections.notices(request, OF_A_REQUEST),
        "details": additional_logging.of_request(row) if additional_logging.why_not(request, row) == "" else None,
        "details_notices": sections.notices(request, additional_logging.OF_DETAILS),
        **undo.changed_by(request, row),
    }
    return render(request, "settings/request_log/request.html", context)


def _title(row: RequestLog, user: User | None) -> str:
    """What came of the request, and whom it was about; of a bulk request how many operations failed."""
    title = f"{row.method} → {row.status}"
    if row.operations:
        return f"{title}, {row.failed_of_all}" if row.failed_operations else title
    about = row.user_label or (str(user) if user else "")
    return f"{title}: {about}" if about else title


# Those that failed come first, those that were not carried out last.
_TURN = Case(When(status__gte=400, then=Value(0)), When(status=0, then=Value(2)), default=Value(1))


def _operations(request: HttpRequest, row: RequestLog) -> PaginatorPage[RequestOperation]:
    found = operation_rows.of_request(row.organization_id, row.pk).order_by(_TURN, "position")
    return Paginator(found, PER_PAGE).get_page(request.GET.get("operations"))


def _action(shown: LogRow) -> str:
    return (
        reverse(f"settings:{shown.proposed_fix.action}", args=[shown.row.pk])
        if shown.proposed_fix and shown.proposed_fix.action
        else ""
    )


@action(SCIM, "users/scim/log/<uuid:request_id>/switch/", "turn-refusing-switch", permission="sign-in.edit")
def turn_refusing_switch(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """Turn the switch because of which a request was refused."""
    row = additional_logging.find(request, request_id)
    return _fixed(request, row, fixes.turn_switch)


@action(SCIM, "users/scim/log/<uuid:request_id>/allow-domain/", "allow-refused-domain", permission="domains.edit")
def allow_refused_domain(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """Give the domain because of which a request was refused the User requests checkmark."""
    row = additional_logging.find(request, request_id)
    return _fixed(request, row, fixes.allow_domain)


@action(SCIM, "users/scim/log/<uuid:request_id>/hand-over/", "transfer-refused-user", permission="sign-in.edit")
def transfer_refused_user(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """Let the connection whose request was refused keep the user of another one."""
    row = additional_logging.find(request, request_id)
    return _fixed(request, row, fixes.transfer_user)


@action(SCIM, "users/scim/log/<uuid:request_id>/apply-address/", "apply-refused-address", permission="users.edit")
def apply_refused_address(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """Give a user the address that a connection may not give; who does so has just shown who they are."""
    row = additional_logging.find(request, request_id)
    reauthentication.require(request, "apply this address", back=reverse("settings:logged-request", args=[row.pk]))
    return _fixed(
        request, row, fixes.apply_address, "The next sync is no longer refused for this address.", answers=Refusal
    )


def _fixed(
    request: HttpRequest,
    row: RequestLog,
    verb: Callable[..., str],
    afterwards: str = fixes.AGAIN,
    *,
    answers: type[Refusal] = BeyondOwnRights,
) -> HttpResponse:
    """Do what fixes a request, and show the outcome on its page, also a refusal that is one of ``answers``."""
    try:
        message = verb(row, by=actor_of(request))
    except answers as refusal:
        messages.error(request, refusal.message, extra_tags=OF_A_REQUEST)
    else:
        if message:
            messages.success(request, f"{message} {afterwards}", extra_tags=OF_A_REQUEST)
    return redirect("settings:logged-request", row.pk)


# The file


@action(SCIM, "users/scim/log/export.csv", "request-log-export", permission="sign-in.view", reads=True)
def export(request: HttpRequest) -> StreamingHttpResponse:
    """The requests that the filters leave, newest first, as a CSV file."""
    organization = organization_of(request)
    form = RequestsForm(request.GET, organization.pk)
    found = form.narrow()
    zone = timezone.get_current_timezone()
    name = f"scim-requests-{organization.slug}-{timezone.localdate()}.csv"
    taken = exports.Export(Action.REQUEST_LOG_EXPORTED, form.given)
    return exports.csv_file(
        request, taken, name, HEADER, (_cells(row, zone) for row in newest_first.all_of(found.take))
    )


def _cells(row: RequestLog, zone: tzinfo) -> tuple[str, ...]:
    return (
        row.created_at.astimezone(zone).isoformat(),
        row.method,
        row.path,
        row.query,
        str(row.status),
        CAUSES.get(row.cause, UNLISTED).name if row.cause else "",
        row.result,
        " ".join(row.notices),
        f"{row.duration_us / 1000:.1f}",
        row.presented,
        row.client,
        row.address or "",
        row.user_label,
        str(row.user_id or ""),
        str(row.more or ""),
        row.request_id,
        "" if row.operations is None else str(row.operations),
        "" if row.failed_operations is None else str(row.failed_operations),
    )
