"""Settings > Users > Single Sign-On (SSO) > SCIM: a connection with its tokens and latest requests."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from console import one_time_forms
from console.actions import action
from console.sections import Context, Panel, shows
from organizations.services import slugs
from organizations.views.current import organization_of
from provisioning.models import Connection, IdentityProvider, Token
from provisioning.services import brake
from provisioning.services.connections import connections, granted_permissions, transfer
from provisioning.services.request_log import setup_steps, writer
from provisioning.services.request_log.setup_steps import Step
from provisioning.views import which_connection
from provisioning.views.connections import checklist, guides, prerequisites, switches, tokens
from provisioning.views.connections.guides import Gets
from provisioning.views.request_log import search
from provisioning.views.which_connection import SCIM
from users.models import User
from users.services import authority
from users.views.current import user_of
from users.views.user import PERSON

LATEST = 10

LATEST_OF_PERSON = 10


@shows(SCIM)
def _context(request: HttpRequest) -> Context:
    user, organization = user_of(request), organization_of(request)
    present = connections.of_organization(organization.pk)
    connection = which_connection.among(present, request)
    state, base_url = _state(request, connection, present), connections.base_url(organization)
    return {
        **state,
        "all_connections": present,
        "providers": IdentityProvider.choices,
        # Counting them takes the longer the more there are, and matters only where another connection could have them.
        "keeps": transfer.count(connection) if len(present) > 1 else None,
        "tabs": [
            (
                each,
                guide.short or guide.name,
                urlencode({**which_connection.query_of(connection, present), "guide": each}),
            )
            for each, guide in guides.GUIDES.items()
        ],
        "remembered": guides.provider_for("", connection),
        "guide_parts": guides.shown(state["provider"], {Gets.BASE_URL: base_url, Gets.TEST_USER: state["test_user"]}),
        "base_url": base_url,
        "former_in_use": [row for row in slugs.former(organization.pk) if row.last_used_at],
        "tokens_left": connections.MAX_LIVE_TOKENS - len(state["tokens"]),
        **tokens.context(),
        "next_name": connections.next_name(connection, [shown.token.name for shown in state["tokens"]]),
        "once": one_time_forms.value(request, tokens.FORM_SALT),
        "switches": switches.shown(connection, authority.of(user)),
        "brake": brake.of(connection),
        "brake_least": brake.LEAST,
        "details": switches.additional_logging(connection),
        "may_edit": user.has_perm("sign-in.edit"),
    }


def _guide_asked_for(request: HttpRequest) -> str:
    """The guide that the address names, or that of the page on which a switch was turned."""
    of_page = parse_qs(urlsplit(request.headers.get("HX-Current-URL", "")).query).get("guide", [""])
    return request.GET.get("guide", of_page[0])


def _state(request: HttpRequest, connection: Connection, present: Sequence[Connection]) -> dict[str, Any]:
    live = connections.live_tokens(connection)
    provider = guides.provider_for(_guide_asked_for(request), connection)
    reached = setup_steps.of(connection)
    domains = prerequisites.domains_with_requests(connection.organization_id)
    last = setup_steps.last_of(reached)
    # Of several connections, nobody comes to one that has no token.
    requests = search.latest_of(connection, LATEST, others=bool(live) or len(present) == 1)
    beyond = granted_permissions.beyond(connection, authority.of(user_of(request)))
    found = prerequisites.lines(connection, live, domains, reached.get(Step.ADDRESS), request, may_open=not beyond)
    return {
        "connection": connection,
        "beyond": beyond,
        "is_one_of_several": len(present) > 1,
        "tokens": tokens.shown(live),
        "cards": ",".join(str(token.pk) for token in live),
        "in_use": tokens.in_use(live),
        "has_token": bool(live),
        "tested": connection.enabled and setup_steps.got_through(reached),
        "requests": requests,
        "last": last,
        # Not there once the log was pruned.
        "last_row": next((row for row in requests if last is not None and row.pk == last.request_id), None),
        "dropped": writer.dropped(),
        "latest": LATEST,
        "provider": provider,
        "guide": guides.GUIDES[provider],
        "test_user": f"scim-test@{domains.names[0]}" if domains.names else "",
        "preflight": prerequisites.offered(found, request.user),
        "checklist": checklist.lines(connection, reached, live, guides.GUIDES[provider], request.user),
    }


@action(SCIM, "users/scim/<uuid:connection_id>/activity/", "scim-activity", permission="sign-in.view", reads=True)
def activity(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """What changes by itself: the requests that came in last, how the set-up stands, what is known of the tokens.

    The page asks for it every few seconds, and says which tokens it shows.
    """
    present = connections.of_organization(organization_of(request).pk)
    connection = which_connection.among(present, request)
    state = _state(request, connection, present)
    live, shown = state["tokens"], _ids(request.GET.get("tokens", ""))
    gone = shown - {each.token.pk for each in live}
    return render(
        request,
        "settings/connections/activity.html",
        {
            **state,
            "cards": ",".join(sorted(map(str, shown))),
            "live_cards": [each for each in live if each.token.pk in shown],
            "ended_cards": Token.objects.of(connection.organization_id).filter(connection=connection, pk__in=gone),
            "has_more_tokens": "tokens" in request.GET and len(live) > len(shown - gone),
        },
    )


def _ids(text: str) -> set[UUID]:
    """The ids of the tokens that a page shows."""
    asked = text.split(",", 2 * connections.MAX_LIVE_TOKENS)[: 2 * connections.MAX_LIVE_TOKENS]
    return {found for each in asked if (found := search.id_of(each)) is not None}


def _requests_of_person(request: HttpRequest, user: User) -> Context:
    return {"requests": search.latest_about(user, LATEST_OF_PERSON), "person": user}


def links(organization_id: UUID, ids: Collection[str]) -> Mapping[str, str]:
    """Where connections are shown."""
    return {
        str(each.pk): which_connection.address(each)
        for each in connections.of_organization(organization_id)
        if str(each.pk) in ids
    }


REQUESTS_OF_PERSON = Panel(
    place=PERSON,
    key="requests",
    title="SCIM requests",
    position=40,
    permission="sign-in.view",
    template="settings/request_log/of_user.html",
    context=_requests_of_person,
    lead="What your identity provider asked about this person, newest first.",
)
