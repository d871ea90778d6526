"""Settings > Users > User requests: who asks for an account, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse

from console import sections
from console.actions import action
from console.kept_choices import keep, kept
from console.requests import actor_of
from console.sections import Context, Page, Section, shows
from core.refusals import Malformed, Refusal
from organizations.views.current import organization_of
from users.models import AccountRequest
from users.services import account_requests, roles
from users.services.account_requests import RequestInvalid, RequestUnknown
from users.views.current import user_of

PER_PAGE = 25
MOST_AT_ONCE = 100
LONGEST_TYPED = 254
CLOSED_SHOWN = 5


REQUESTS = Section(
    page=Page.USERS,
    key="user-requests",
    title="User requests",
    position=15,
    permission="users.view",
    template="settings/account_requests/section.html",
)


@shows(REQUESTS)
def _context(request: HttpRequest) -> Context:
    user = user_of(request)
    organization_id = organization_of(request).pk
    typed = request.GET.get("request", "").replace("\x00", "").strip()[:LONGEST_TYPED]
    waiting = account_requests.waiting(organization_id)
    paginator = Paginator(account_requests.search(typed, waiting), PER_PAGE)
    page = paginator.get_page(request.GET.get("requests-page"))
    chosen = kept(request, REQUESTS.key)
    return {
        "here": _query(typed, page.number),
        "ticked": chosen.ids("asked"),
        "chosen_role": chosen.text("role"),
        "page": page,
        "total": waiting.count() if typed else paginator.count,
        "search": typed,
        "previous": _query(typed, page.previous_page_number()) if page.has_previous() else "",
        "following": _query(typed, page.next_page_number()) if page.has_next() else "",
        "closed": account_requests.closed(organization_id).order_by("-confirmed_at")[:CLOSED_SHOWN],
        # Asked of the database only where the template shows them.
        "roles": partial(roles.offered_to, user),
        "may_edit": user.has_perm("users.edit"),
        "are_open": partial(account_requests.are_open, organization_id),
    }


def _query(search: str, number: int) -> str:
    return urlencode({**({"request": search} if search else {}), "requests-page": number})


@action(REQUESTS, "users/requests/approve/", "approve-requests", permission="users.edit")
def approve(request: HttpRequest) -> HttpResponse:
    """Make users of those who are ticked; the role Admin is asked about first."""
    actor = actor_of(request)
    role, chosen = roles.find_for(request.POST.get("role", ""), by=actor), _chosen(request)
    if not chosen:
        return _back(request, "Tick the requests first, then approve or decline them.")
    if role.is_admin and request.POST.get("confirmed") != "read":
        return _ask(request, chosen, "approve", role=role)
    return _each(
        request, chosen, f"approved, with the role {role}", lambda each: account_requests.approve(each, role, by=actor)
    )


@action(REQUESTS, "users/requests/decline/", "decline-requests", permission="users.edit")
def decline(request: HttpRequest) -> HttpResponse:
    """Say no to those who are ticked, once a reason is given."""
    actor, chosen = actor_of(request), _chosen(request)
    if not chosen:
        return _back(request, "Tick the requests first, then approve or decline them.")
    reason = request.POST.get("reason", "")
    if request.POST.get("confirmed") != "read":
        return _ask(request, chosen, "decline")
    try:
        account_requests.check_reason(reason)
    except RequestInvalid as refusal:
        return _ask(request, chosen, "decline", reason=reason, wrong=refusal.message)
    return _each(request, chosen, "declined", lambda each: account_requests.decline(each, reason, by=actor))


def _each(
    request: HttpRequest, chosen: list[UUID], done: str, decide: Callable[[UUID], AccountRequest]
) -> HttpResponse:
    """Decide about each by itself: the refusal of one leaves the others alone."""
    decided: list[str] = []
    refused: list[Refusal] = []
    left: list[UUID] = []
    for request_id in chosen:
        try:
            decided.append(str(decide(request_id)))
        except Refusal as refusal:
            refused.append(refusal)
            left.append(request_id)
    if len(refused) == len(chosen) and all(isinstance(refusal, RequestUnknown) for refusal in refused):
        raise refused[0]
    if decided:
        who = f"The request of {decided[0]} was" if len(decided) == 1 else f"{len(decided)} requests were"
        messages.success(request, f"{who} {done}. A mail says so.", extra_tags=REQUESTS.key)
    for each in refused:
        messages.error(request, each.message, extra_tags=REQUESTS.key)
    if left:
        keep(request, REQUESTS.key, asked=left)
    return redirect(_address(request))


def _ask(request: HttpRequest, chosen: list[UUID], verb: str, **context: Any) -> HttpResponse:
    """The page that says what will happen; nothing has happened yet."""
    found = list(account_requests.waiting(organization_of(request).pk).filter(pk__in=chosen))
    if not found:
        raise RequestUnknown("These requests are no longer waiting. Reload the page.")
    whom = found[0].email if len(found) == 1 else f"{len(found)} people"
    context = {
        "title": f"{verb.capitalize()} {whom}?",
        "page": Page.USERS,
        "verb": verb,
        "whom": whom,
        "asked": found,
        "back": _address(request),
        "list": request.POST.get("list", ""),
        "longest": account_requests.LONGEST_REASON,
        **context,
    }
    return render(request, "settings/account_requests/confirm.html", context)


def _back(request: HttpRequest, reason: str) -> HttpResponse:
    messages.error(request, reason, extra_tags=REQUESTS.key)
    keep(request, REQUESTS.key)
    return redirect(_address(request))


def _address(request: HttpRequest) -> str:
    """The list as it was when the form was sent: its search and its page."""
    query = QueryDict(request.POST.get("list", "")[:4000]).urlencode()
    return f"{reverse('settings:users')}{'?' if query else ''}{query}#{REQUESTS.key}"


def _chosen(request: HttpRequest) -> list[UUID]:
    texts = dict.fromkeys(request.POST.getlist("asked"))
    if len(texts) > MOST_AT_ONCE:
        raise Malformed(f"Tick at most {MOST_AT_ONCE} requests at once.")
    return [sections.parsed_id(text) for text in texts]
