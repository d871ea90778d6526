"""Settings > Users > Single Sign-On (SSO) > SCIM: Base URL, tokens, switches, and what the provider last asked."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from organizations import once, pages, slugs
from organizations.pages import Context, Control, Page, Piece, Section
from scim import request_log, switches
from scim.models import RequestLog
from scim.services import connections, journal
from scim.switches import SWITCHES
from users.models import User
from users.person import PERSON

LATEST = 20

LATEST_OF_PERSON = 10

FORM_SALT = "scim.generate-token"

LIFE_TIMES: Mapping[str, tuple[int | None, str]] = {
    "never": (None, "Never"),
    "30": (30, "In 30 days"),
    "90": (90, "In 90 days"),
    "180": (180, "In 180 days"),
    "365": (365, "In 1 year"),
}


def _context(request: HttpRequest) -> Context:
    user: Any = request.user
    state = _state(user.organization_id)
    tokens = state["tokens"]
    return {
        **state,
        "base_url": connections.base_url(user.organization),
        "former_in_use": [row for row in slugs.former(user.organization_id) if row.last_used_at],
        "tokens_left": connections.MAX_LIVE_TOKENS - len(tokens),
        "life_times": [(value, label) for value, (_, label) in LIFE_TIMES.items()],
        "once": once.value(request, FORM_SALT),
        "switches": switches.shown(state["connection"]),
        "may_edit": user.has_perm("sign-in.edit"),
    }


def _state(organization_id: UUID) -> dict[str, Any]:
    connection = connections.default_connection(organization_id)
    tokens = connections.live_tokens(connection)
    rows = list(RequestLog.objects.of(organization_id)[:LATEST])
    return {
        "connection": connection,
        "tokens": tokens,
        "has_token": bool(tokens),
        "tested": connection.enabled and any(row.status < HTTPStatus.BAD_REQUEST for row in rows),
        "requests": rows,
        "last": rows[0] if rows else None,
        "dropped": journal.dropped(),
        "latest": LATEST,
    }


def activity(request: HttpRequest) -> HttpResponse:
    """The requests that came in last; the page asks for it every few seconds."""
    user: Any = request.user
    return render(request, "settings/sections/scim_activity.html", _state(user.organization_id))


def _requests_of_person(request: HttpRequest, user: User) -> Context:
    rows = RequestLog.objects.of(pages.organization_of(request).pk)
    return {"requests": rows.filter(user_id=user.pk)[:LATEST_OF_PERSON], "person": user}


def generate_token(request: HttpRequest) -> HttpResponse:
    """Make a token and show it, this once."""
    if (question := pages.ask_for_proof(request, SCIM.address)) is not None:
        return question
    once.use_up(request, FORM_SALT)
    actor = pages.actor_of(request)
    days, _ = LIFE_TIMES.get(request.POST.get("expires", ""), LIFE_TIMES["never"])
    _, text = connections.generate_token(connections.default_connection(actor.organization_id), by=actor, days=days)
    # No redirect here: the text is nowhere but in this answer.
    if pages.is_htmx(request):
        return HttpResponse(SCIM.render(request, {"bearer_token": text}))
    return pages.show(request, Page.USERS, {SCIM.key: {"bearer_token": text}})


def revoke_token(request: HttpRequest, token_id: UUID) -> HttpResponse:
    """End a token at once."""
    token = connections.revoke_token(token_id, by=pages.actor_of(request))
    return pages.done(request, SCIM, f"Revoked {token}")


def turn_switch(request: HttpRequest, name: str) -> HttpResponse:
    """Turn one of the connection's switches on or off."""
    switch = SWITCHES.get(name)
    if switch is None:
        raise Http404("There is no such switch.")
    wanted = pages.wanted(request)
    actor = pages.actor_of(request)
    switch.turn(connections.default_connection(actor.organization_id), wanted, by=actor)
    return pages.done(request, SCIM, switch.said if wanted else switch.said_off)


def whereabouts(organization_id: UUID, ids: Collection[str]) -> Mapping[str, str]:
    """Where the connection and its tokens are shown."""
    return dict.fromkeys(ids, SCIM.address)


SCIM = Section(
    page=Page.USERS,
    key="scim",
    title="SCIM",
    lead="Your identity provider creates, updates and deactivates users for you.",
    position=50,
    permission="sign-in.view",
    within="single-sign-on",
    template="settings/sections/scim.html",
    context=_context,
    controls=(
        Control("users/scim/activity/", "scim-activity", "sign-in.view", activity, reads=True),
        Control("users/scim/generate-token/", "generate-token", "sign-in.edit", generate_token),
        Control("users/scim/tokens/<uuid:token_id>/revoke/", "revoke-token", "sign-in.edit", revoke_token),
        Control("users/scim/switches/<slug:name>/", "scim-switch", "sign-in.edit", turn_switch),
        Control("users/scim/log/", "request-log", "sign-in.view", request_log.request_log, reads=True),
        Control("users/scim/log/export.csv", "request-log-export", "sign-in.view", request_log.export, reads=True),
        Control(
            *("users/scim/log/<uuid:request_id>/", "logged-request", "sign-in.view", request_log.logged_request),
            reads=True,
        ),
        Control(
            *("users/scim/log/<uuid:request_id>/switch/", "turn-refusing-switch", "sign-in.edit"),
            request_log.turn_refusing_switch,
        ),
        Control(
            *("users/scim/log/<uuid:request_id>/allow-domain/", "allow-refused-domain", "domains.edit"),
            request_log.allow_refused_domain,
        ),
    ),
)

REQUESTS_OF_PERSON = Piece(
    place=PERSON,
    key="requests",
    title="SCIM requests",
    position=40,
    permission="sign-in.view",
    template="settings/people/requests.html",
    context=_requests_of_person,
    lead="What your identity provider asked about this person, newest first.",
)
