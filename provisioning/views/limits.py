"""Who was limited lately: which token, organization or address sent too much, and when."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from console.actions import action
from console.sections import Page
from core.parsing import id_of
from organizations.views.current import organization_of
from provisioning.models import RequestLog
from provisioning.services import limits
from provisioning.services.request_log import causes
from provisioning.services.request_log.causes import CAUSES, LIMITS
from provisioning.views.which_connection import SCIM

PER_PAGE = 50


@dataclass(frozen=True, slots=True)
class LimitedRequests:
    """A row of the log about a request that was refused for a limit; ``requests`` counts those that it stands for."""

    row: RequestLog
    who: str
    limit: str
    requests: int


@action(SCIM, "users/scim/limits/", "scim-limits", permission="sign-in.view", reads=True)
def limited_requests(request: HttpRequest) -> HttpResponse:
    """The requests that were refused for a limit, newest first, a page of them."""
    organization = organization_of(request)
    rows = _rows(organization.pk, id_of(request.GET.get("before", "")))
    context = {
        "title": "Limits",
        "lead": "Requests that were refused because too many came at once.",
        "page": Page.USERS,
        "limited": [_limited(row, str(organization)) for row in rows[:PER_PAGE]],
        "older": f"before={rows[PER_PAGE - 1].pk}" if len(rows) > PER_PAGE else "",
        "is_first": not request.GET.get("before"),
        "figures": [
            ("A token", limits.rate_and_burst(limits.TOKEN)),
            ("All tokens of connections together, or all personal tokens", limits.rate_and_burst(limits.ORGANIZATION)),
            ("An address without a valid token", limits.rate_and_burst(limits.UNAUTHORIZED)),
        ],
        "operations_each": limits.OPERATIONS_EACH,
        "days": settings.SCIM_LOG_RETENTION_DAYS,
    }
    return render(request, "settings/limits/limits.html", context)


def _rows(organization_id: UUID, before: UUID | None) -> list[RequestLog]:
    """The newest of each cause, and one more than a page of them, each found by the causes' own index."""
    rows = RequestLog.objects.of(organization_id).select_related("token")
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = [row for cause in LIMITS for row in rows.by_cause(cause).order_by("-pk")[: PER_PAGE + 1]]
    return sorted(found, key=lambda row: row.pk, reverse=True)[: PER_PAGE + 1]


def _limited(row: RequestLog, organization: str) -> LimitedRequests:
    match row.cause:
        case causes.UNAUTHORIZED_LIMIT:
            who = row.address or "An unknown address"
        case causes.ORGANIZATION_LIMIT | causes.SHARE_LIMIT:
            who = f"{organization}, by the token {row.presented}"
        case _:
            who = f"The token {row.presented}"
    return LimitedRequests(row, who, CAUSES[row.cause].name, 1 + row.more)
