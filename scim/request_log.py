"""The request log's own page: every SCIM request, newest first, narrowed by filters; one request; and a CSV file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from audit.actions import Action
from audit.models import first_id_at
from domains.addresses import canonical
from organizations import exports, pages
from organizations.moments import MomentField
from organizations.pages import Page
from organizations.refusals import Refusal
from scim import detail_pages, mends, undo
from scim.mends import Offer, Situation
from scim.models import RequestLog, RequestLogQuerySet, Token
from scim.services import journal
from scim.services.causes import CAUSES, UNLISTED
from users.models import User
from users.services.authority import BeyondOwnRights

PER_PAGE = 50
PER_CHUNK = 1_000

# What no index serves is looked for among so many of the newest requests.
LOOKED_THROUGH = 50_000

# So many new requests are counted, of so many looked at where a filter has no index.
MOST_NEW = 99
LOOKED_AT_FOR_NEW = 1_000

# Where messages about one request belong.
OF_A_REQUEST = "request"

NO_TOKEN = "none"  # noqa: S105
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD")
OUTCOMES = (("", "Any status"), ("done", "2xx and 3xx, done"), ("refused", "4xx, refused"), ("failed", "5xx, failed"))
HEADER = (
    "Time", "Method", "Path", "Query", "Status", "Cause", "Verdict", "Advice", "Duration in ms", "Token", "Client",
    "Address", "User", "User id", "More of the same", "Request id",
)  # fmt: skip

Rows = RequestLogQuerySet


class RequestsForm(forms.Form):
    """What the log is narrowed to; a value that makes no sense narrows nothing, and the page says so."""

    q = forms.CharField(label="Search", required=False, max_length=320)
    status = forms.ChoiceField(label="Status", choices=OUTCOMES, required=False)
    cause = forms.ChoiceField(label="Cause", required=False)
    method = forms.ChoiceField(
        label="Method", choices=[("", "Any method"), *((method, method) for method in METHODS)], required=False
    )
    token = forms.ChoiceField(label="Token", required=False)
    user = forms.CharField(label="User", required=False, max_length=320)
    since = MomentField("From")
    until = MomentField("Until", ends=True)

    def __init__(self, data: Any, organization_id: UUID) -> None:
        super().__init__(data, auto_id="requests-%s")
        self._organization_id = organization_id
        causes = sorted(((code, cause.name) for code, cause in CAUSES.items()), key=lambda choice: choice[1])
        tokens = [(str(token.pk), str(token)) for token in Token.objects.of(organization_id).filter(is_test=False)]
        fields: Any = self.fields
        fields["cause"].choices = [("", "Any cause"), *causes]
        fields["token"].choices = [("", "Any token"), (NO_TOKEN, "No valid token"), *tokens]
        self.is_valid()
        # The values that make sense.
        self.given = {name: value for name, value in self.cleaned_data.items() if value}

    @property
    def narrows(self) -> bool:
        """Whether anything is asked for."""
        return bool(self.given)

    @property
    def is_bounded(self) -> bool:
        """Whether only the newest requests are looked through."""
        unindexed = self.given.keys() & {"method", "token"} or self.given.get("status") == "done"
        by_text = "q" in self.given and _id(self.given["q"]) is None
        return bool(unindexed or by_text or ("user" in self.given and self._user_id is None))

    @property
    def _user_id(self) -> UUID | None:
        typed = self.given["user"]
        if (user_id := _id(typed)) is not None:
            return user_id
        found = User.objects.of(self._organization_id).filter(user_name_key=canonical(typed))
        holder: UUID | None = found.values_list("pk", flat=True).first()
        return holder

    def narrow(self) -> Rows:
        """The requests that fit every value given."""
        rows = self._indexed(RequestLog.objects.of(self._organization_id).select_related("token"))
        if not self.is_bounded:
            return rows
        newest = rows.order_by("-pk").values_list("pk", flat=True)
        oldest = newest[LOOKED_THROUGH : LOOKED_THROUGH + 1].first()
        return self._looked_through(rows.filter(pk__gt=oldest) if oldest else rows)

    def newer_than(self, newest: UUID) -> Rows:
        """Those of them with a later id, among no more than there is time for."""
        rows = self._indexed(RequestLog.objects.of(self._organization_id).filter(pk__gt=newest))
        if not self.is_bounded:
            return rows
        looked_at = rows.order_by("-pk").values("pk")[:LOOKED_AT_FOR_NEW]
        return self._looked_through(RequestLog.objects.of(self._organization_id).filter(pk__in=looked_at))

    def _indexed(self, rows: Rows) -> Rows:
        given = self.given
        if (request_id := _id(given.get("q", ""))) is not None:
            rows = rows.filter(pk=request_id)
        match given.get("status"):
            case "refused":
                rows = rows.filter(status__gte=400, status__lt=500)
            case "failed":
                rows = rows.filter(status__gte=500)
        if cause := given.get("cause"):
            rows = rows.by_cause(cause)
        if "user" in given and (user_id := self._user_id) is not None:
            rows = rows.filter(user_id=user_id)
        if since := given.get("since"):
            rows = rows.filter(pk__gte=first_id_at(since))
        if until := given.get("until"):
            rows = rows.filter(pk__lt=first_id_at(until))
        return rows

    def _looked_through(self, rows: Rows) -> Rows:
        given = self.given
        if (text := given.get("q")) and _id(text) is None:
            rows = rows.filter(Q(path__icontains=text) | Q(query__icontains=text))
        if given.get("status") == "done":
            rows = rows.filter(status__lt=400)
        if method := given.get("method"):
            rows = rows.filter(method=method)
        if presented := given.get("token"):
            rows = rows.filter(token=None if presented == NO_TOKEN else presented)
        if "user" in given and self._user_id is None:
            rows = rows.filter(user_label=given["user"])
        return rows


def _id(text: str) -> UUID | None:
    try:
        return UUID(text.strip())
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Shown:
    """A request as the pages show it, with what the one who looks may do about it."""

    row: RequestLog
    cause: str
    offer: Offer | None


def _shown(request: HttpRequest, rows: list[RequestLog]) -> list[Shown]:
    user: Any = request.user
    situation = Situation(rows, user.organization_id)
    shown = []
    for row in rows:
        offer = situation.offer(row)
        allowed = offer if offer and offer.is_for(user) else None
        shown.append(Shown(row, CAUSES.get(row.cause, UNLISTED).name if row.cause else "", allowed))
    return shown


@dataclass(frozen=True, slots=True)
class _Stretch:
    rows: list[RequestLog]
    has_newer: bool
    has_older: bool


def _stretch(found: Rows, before: UUID | None, after: UUID | None) -> _Stretch:
    """The page before or after an id; the first one where that leads past an end."""
    if after:
        rows = list(found.filter(pk__gt=after).order_by("pk")[: PER_PAGE + 1])
        if len(rows) > PER_PAGE:
            return _Stretch(rows[PER_PAGE - 1 :: -1], True, True)
    if before:
        rows = list(found.filter(pk__lt=before).order_by("-pk")[: PER_PAGE + 1])
        if rows:
            return _Stretch(rows[:PER_PAGE], True, len(rows) > PER_PAGE)
    rows = list(found.order_by("-pk")[: PER_PAGE + 1])
    return _Stretch(rows[:PER_PAGE], False, len(rows) > PER_PAGE)


def request_log(request: HttpRequest) -> HttpResponse:
    """The requests that fit the filters, a page of them."""
    organization = pages.organization_of(request)
    form = RequestsForm(request.GET, organization.pk)
    stretch = _stretch(form.narrow(), _id(request.GET.get("before", "")), _id(request.GET.get("after", "")))
    query = request.GET.copy()
    for name in ("before", "after"):
        query.pop(name, None)
    context = {
        "title": "Request log",
        "lead": "What your identity provider asked, what became of it, and what mends it.",
        "page": Page.USERS,
        "form": form,
        "time_zone": organization.time_zone,
        "may_export": exports.is_open_to(request),
        "shown": _shown(request, stretch.rows),
        "dropped": journal.dropped(),
        "looked_through": LOOKED_THROUGH,
        "query": query.urlencode(),
        "newest": _newest(stretch, request),
        "newer": _with(query, after=stretch.rows[0]) if stretch.has_newer else "",
        "older": _with(query, before=stretch.rows[-1]) if stretch.has_older else "",
    }
    return render(request, "settings/requests/log.html", context)


def _newest(stretch: _Stretch, request: HttpRequest) -> UUID | None:
    """The id after which requests are new to this page; None on a page that does not begin with the newest."""
    if stretch.has_newer or request.GET.get("before") or request.GET.get("after"):
        return None
    return stretch.rows[0].pk if stretch.rows else first_id_at(timezone.now())


def new_requests(request: HttpRequest) -> HttpResponse:
    """How many have come in since the page was loaded; it asks every few seconds while somebody looks at it."""
    organization = pages.organization_of(request)
    query = request.GET.copy()
    newest = _id("".join(query.pop("newest", ())))
    count = 0
    if newest is not None:
        narrowed = any(query.get(name) for name in RequestsForm.base_fields)
        rows = (
            RequestsForm(query, organization.pk).newer_than(newest)
            if narrowed
            else RequestLog.objects.of(organization.pk).filter(pk__gt=newest)
        )
        count = rows.order_by("-pk")[: MOST_NEW + 1].count()
    context = {"count": count, "most": MOST_NEW, "query": query.urlencode()}
    return render(request, "settings/requests/new.html", context)


def _with(query: QueryDict, **places: RequestLog) -> str:
    """The query of the page on one side of a request."""
    other = query.copy()
    other.update({name: str(row.pk) for name, row in places.items()})
    return other.urlencode()


# One request


def logged_request(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """All that is known of one request."""
    (shown,) = _shown(request, [detail_pages.find(request, request_id)])
    user = User.objects.of(pages.organization_of(request).pk).filter(pk=shown.row.user_id).first()
    context = {
        "title": f"{shown.row.method} → {shown.row.status}",
        "lead": f"Request {shown.row.request_id}",
        "page": Page.USERS,
        "shown": shown,
        "row": shown.row,
        "person": user,
        "action": _action(shown),
        "notices": pages.notices(request, OF_A_REQUEST),
        "details": detail_pages.of_request(shown.row) if detail_pages.why_not(request, shown.row) == "" else None,
        "details_notices": pages.notices(request, detail_pages.OF_DETAILS),
        **undo.changed_by(request, shown.row),
    }
    return render(request, "settings/requests/request.html", context)


def _action(shown: Shown) -> str:
    return reverse(f"settings:{shown.offer.action}", args=[shown.row.pk]) if shown.offer and shown.offer.action else ""


def log_next_requests(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """Turn additional logging on for the connection that the request came through."""
    return detail_pages.log_next(request, detail_pages.find(request, request_id))


def details_file(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """What was kept of a request, as a text file."""
    return detail_pages.download(request, detail_pages.find(request, request_id))


def turn_refusing_switch(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """Turn the switch because of which a request was refused."""
    row = detail_pages.find(request, request_id)
    return _mended(request, row, mends.turn_switch)


def allow_refused_domain(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """Give the domain because of which a request was refused the User requests checkmark."""
    row = detail_pages.find(request, request_id)
    return _mended(request, row, mends.allow_domain)


def hand_over_refused_user(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """Let the connection whose request was refused keep the user of another one."""
    row = detail_pages.find(request, request_id)
    return _mended(request, row, mends.hand_over)


def apply_refused_address(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """Give a user the address that a connection may not give; who does so has just shown who they are."""
    row = detail_pages.find(request, request_id)
    if proof := pages.ask_for_proof(request, reverse("settings:logged-request", args=[row.pk]), "apply this address"):
        return proof
    return _mended(
        request, row, mends.apply_address, "The next sync is no longer refused for this address.", answers=Refusal
    )


def ask_to_undo(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """What undoing all of a request comes to."""
    return undo.ask(request, detail_pages.find(request, request_id))


def undo_all(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """Undo all that a request did to people."""
    return undo.undo(request, detail_pages.find(request, request_id))


def _mended(
    request: HttpRequest,
    row: RequestLog,
    verb: Callable[..., str],
    afterwards: str = mends.AGAIN,
    *,
    answers: type[Refusal] = BeyondOwnRights,
) -> HttpResponse:
    """Do what mends a request, and show the outcome on its page, also a refusal that is one of ``answers``."""
    try:
        said = verb(row, by=pages.actor_of(request))
    except answers as refusal:
        messages.error(request, refusal.message, extra_tags=OF_A_REQUEST)
    else:
        if said:
            messages.success(request, f"{said} {afterwards}", extra_tags=OF_A_REQUEST)
    return redirect("settings:logged-request", row.pk)


# The file


def export(request: HttpRequest) -> StreamingHttpResponse:
    """The requests that the filters leave, newest first, as a CSV file."""
    organization = pages.organization_of(request)
    form = RequestsForm(request.GET, organization.pk)
    found = form.narrow().order_by("-pk")
    zone = timezone.get_current_timezone()
    name = f"scim-requests-{organization.slug}-{timezone.localdate()}.csv"
    taken = exports.Export(Action.REQUEST_LOG_EXPORTED, form.given)
    return exports.csv_file(request, taken, name, HEADER, (_cells(row, zone) for row in _all(found)))


def _all(found: Rows) -> Iterator[RequestLog]:
    """Every request, by statements that are short each: none runs for as long as a file takes to be sent."""
    chunk = list(found[:PER_CHUNK])
    while chunk:
        yield from chunk
        chunk = list(found.filter(pk__lt=chunk[-1].pk)[:PER_CHUNK])


def _cells(row: RequestLog, zone: tzinfo) -> tuple[str, ...]:
    return (
        row.created_at.astimezone(zone).isoformat(),
        row.method,
        row.path,
        row.query,
        str(row.status),
        CAUSES.get(row.cause, UNLISTED).name if row.cause else "",
        row.verdict,
        " ".join(row.advice),
        f"{row.duration_us / 1000:.1f}",
        row.presented,
        row.client,
        row.address or "",
        row.user_label,
        str(row.user_id or ""),
        str(row.more or ""),
        row.request_id,
    )
