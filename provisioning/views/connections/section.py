"""Settings > Users > Single Sign-On (SSO) > SCIM: a connection with its tokens and latest requests."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from console import one_time_forms, reauthentication, requests
from console.actions import Outcome, Saved, Shown, action
from console.requests import actor_of
from console.sections import Context, Panel, shows
from core import dates
from core.parsing import number_of
from organizations.services import slugs
from organizations.views.current import organization_of
from provisioning.models import Connection, IdentityProvider, Token
from provisioning.services import brake
from provisioning.services.brake import PercentInvalid
from provisioning.services.connections import connections, granted_permissions, tokens, transfer
from provisioning.services.connections.connections import SWITCHES
from provisioning.services.connections.token_names import TokenNameRefused
from provisioning.services.connections.tokens import RetirementRefused
from provisioning.services.request_log import setup_steps, writer
from provisioning.services.request_log.setup_steps import Step
from provisioning.views import which_connection
from provisioning.views.connections import checklist, guides, prerequisites, switches, token_forms
from provisioning.views.connections.guides import Gets
from provisioning.views.request_log import search
from provisioning.views.which_connection import SCIM
from users.models import User
from users.services import authority
from users.services.authority import BeyondOwnRights
from users.views.current import user_of
from users.views.user import PERSON

LATEST = 10

LATEST_OF_PERSON = 10

FORM_SALT = "scim.generate-token"


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
        **token_forms.context(),
        "next_name": connections.next_name(connection, [shown.token.name for shown in state["tokens"]]),
        "once": one_time_forms.value(request, FORM_SALT),
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
        "tokens": token_forms.shown(live),
        "cards": ",".join(str(token.pk) for token in live),
        "in_use": token_forms.in_use(live),
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


@action(SCIM, "users/scim/<uuid:connection_id>/generate-token/", "generate-token", permission="sign-in.edit")
def generate_token(request: HttpRequest, connection_id: UUID) -> Outcome:
    """Make a token and show it, this once."""
    connection = which_connection.chosen(request)
    reauthentication.require(request, "generate a token")
    one_time_forms.use_up(request, FORM_SALT)
    actor, name = actor_of(request), request.POST.get("name", "")
    try:
        made = connections.generate_token(connection, by=actor, name=name, days=token_forms.days(request.POST))
    except TokenNameRefused as refusal:
        typed = {"name": name, "expires": request.POST.get("expires", "")}
        return Shown({"wrong": {"place": "generate", "why": refusal.message}, "typed": typed})
    return _shown_once(request, made)


@action(
    SCIM, "users/scim/<uuid:connection_id>/tokens/<uuid:token_id>/rotate/", "rotate-token", permission="sign-in.edit"
)
def rotate_token(request: HttpRequest, connection_id: UUID, token_id: UUID) -> Shown:
    """Make a token that is to take another one's place, and show it, this once."""
    actor = actor_of(request)
    connections.find_live_token(token_id, organization_id=actor.organization_id)
    reauthentication.require(request, "rotate the token")
    one_time_forms.use_up(request, FORM_SALT)
    by_itself = request.POST.get("by_itself") == "on"
    return _shown_once(request, tokens.rotate_token(token_id, by=actor, retires_by_itself=by_itself))


def _shown_once(request: HttpRequest, made: tuple[Token, str]) -> Shown:
    # No redirect here: the text is nowhere but in this answer.
    token, text = made
    return Shown({"bearer_token": text, "made": token})


@action(
    SCIM, "users/scim/<uuid:connection_id>/tokens/<uuid:token_id>/rename/", "rename-token", permission="sign-in.edit"
)
def rename_token(request: HttpRequest, connection_id: UUID, token_id: UUID) -> Saved | Shown:
    """Call a token something else."""
    name = request.POST.get("name", "")
    try:
        token = tokens.rename_token(token_id, name, by=actor_of(request))
    except TokenNameRefused as refusal:
        wrong = {"place": "rename", "token_id": token_id, "why": refusal.message}
        return Shown({"wrong": wrong, "typed": {"name": name}})
    return Saved(f"The token is called {token.name}.")


@action(
    SCIM, "users/scim/<uuid:connection_id>/tokens/<uuid:token_id>/retire/", "retire-token", permission="sign-in.edit"
)
def retire_token(request: HttpRequest, connection_id: UUID, token_id: UUID) -> Saved | Shown:
    """Set the day on which a token retires."""
    actor = actor_of(request)
    connections.find_live_token(token_id, organization_id=actor.organization_id)
    try:
        moment, expected_retires_at = (
            token_forms.retires_at(request.POST),
            token_forms.expected_retires_at(request.POST),
        )
        token = tokens.retire_token(token_id, moment, expected_retires_at=expected_retires_at, by=actor)
    except RetirementRefused as refusal:
        wrong = {"place": "retire", "token_id": token_id, "why": refusal.message}
        return Shown({"wrong": wrong, "typed": {"day": request.POST.get("day", "")}})
    return Saved(f"{token.name} retires on {dates.day(timezone.localtime(token.retires_at))}.")


@action(SCIM, "users/scim/<uuid:connection_id>/tokens/<uuid:token_id>/keep/", "keep-token", permission="sign-in.edit")
def keep_token(request: HttpRequest, connection_id: UUID, token_id: UUID) -> Saved:
    """Let a token retire neither by date nor by itself."""
    token = tokens.keep_token(
        token_id, expected_retires_at=token_forms.expected_retires_at(request.POST), by=actor_of(request)
    )
    return Saved(f"{token.name} stays valid.")


@action(
    SCIM, "users/scim/<uuid:connection_id>/tokens/<uuid:token_id>/revoke/", "revoke-token", permission="sign-in.edit"
)
def revoke_token(request: HttpRequest, connection_id: UUID, token_id: UUID) -> Saved:
    """End a token at once."""
    token = connections.revoke_token(token_id, by=actor_of(request))
    return Saved(f"Revoked {token}")


@action(SCIM, "users/scim/<uuid:connection_id>/switches/<slug:name>/", "scim-switch", permission="sign-in.edit")
def turn_switch(request: HttpRequest, connection_id: UUID, name: str) -> Saved:
    """Turn one of the connection's switches on or off."""
    switch = SWITCHES.get(name)
    if switch is None:
        raise Http404("There is no such switch.")
    wanted = requests.wanted(request)
    connections.turn(which_connection.chosen(request), name, wanted, by=actor_of(request))
    return Saved(switch.message if wanted else switch.message_off)


@action(SCIM, "users/scim/<uuid:connection_id>/brake/switch/", "scim-brake-switch", permission="sign-in.edit")
def turn_brake(request: HttpRequest, connection_id: UUID) -> Saved:
    """Turn the mass-change brake on or off."""
    wanted = requests.wanted(request)
    brake.set_enabled(which_connection.chosen(request), wanted, by=actor_of(request))
    return Saved("The brake is on." if wanted else "The brake is off, and holds nothing back.")


@action(SCIM, "users/scim/<uuid:connection_id>/brake/percent/", "scim-brake-percent", permission="sign-in.edit")
def set_brake_percent(request: HttpRequest, connection_id: UUID) -> Saved | Shown:
    """Say at which share of the people the brake holds back."""
    typed = request.POST.get("percent", "").strip()[:20]
    percent = number_of(typed, 20) or 0
    try:
        brake.set_percent(which_connection.chosen(request), percent, by=actor_of(request))
    except (PercentInvalid, BeyondOwnRights) as refusal:
        extra = {"percent_typed": typed, "percent_wrong": refusal.message}
        return Shown(extra)
    return Saved(f"The brake holds back what is more than {percent} percent.")


def connections_shown(organization_id: UUID, ids: Collection[str]) -> Mapping[str, str]:
    """Where connections are shown."""
    return {
        str(each.pk): which_connection.address(each)
        for each in connections.of_organization(organization_id)
        if str(each.pk) in ids
    }


def tokens_shown(organization_id: UUID, ids: Collection[str]) -> Mapping[str, str]:
    """Where tokens are shown: with their connections."""
    present = {each.pk: each for each in connections.of_organization(organization_id)}
    found = Token.objects.of(organization_id).filter(pk__in=ids, connection_id__in=present)
    return {str(token.pk): which_connection.address(present[token.connection_id]) for token in found}


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
