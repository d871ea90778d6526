"""An organization's SCIM connections on the pages: adding, changing and removing them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from console import sections
from console.kept_choices import keep
from console.requests import actor_of
from console.sections import Context, Page, Piece
from core.refusals import Malformed, Refusal
from organizations.views.current import organization_of
from provisioning.models import Connection, IdentityProvider
from provisioning.services.connections import connections, reach, transfer
from provisioning.views.which_connection import KEY, address, chosen
from users.models import Source, User
from users.services import authority
from users.services.accounts import UserUnknown
from users.views.user import PERSON


def add_connection(request: HttpRequest) -> HttpResponse:
    """Add a connection, and show it."""
    connection = connections.add(request.POST.get("name", ""), _provider(request), by=actor_of(request))
    return _done(request, connection, f"Added {connection}. Generate its token.")


def change_connection(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """Give a connection another name or identity provider."""
    name, provider = request.POST.get("name", ""), _provider(request)
    connection = connections.change(chosen(request), name, provider, by=actor_of(request))
    return _done(request, connection, f"This is {connection} now, for {provider.label}.")


def hand_over_people(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """Make all the people of a connection another one's, once the person is sure."""
    connection, heir = chosen(request), _heir(request)
    if heir is None or heir == connection:
        raise Malformed("Choose the connection that is to manage them.")
    if request.POST.get("sure") != "read":
        return _ask(request, "hand-over", connection, heir)
    moved = transfer.hand_over_all(connection, heir, by=actor_of(request))
    return _done(request, connection, f"{heir} manages {_people(moved)} more now.")


def remove_connection(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """Take a connection off for good, once the person is sure."""
    connection, heir = chosen(request), _heir(request)
    if request.POST.get("sure") != "read":
        return _ask(request, "remove", connection, heir)
    moved = connections.remove(connection, heir=heir, by=actor_of(request))
    then = f" {heir} manages its {_people(moved)} now." if heir and moved else ""
    shown = heir or connections.default_connection(connection.organization_id)
    return _done(request, shown, f"Removed {connection}.{then}")


def hand_over_person(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """Make one person another connection's."""
    if not User.objects.of(organization_of(request).pk).filter(pk=user_id).exists():
        raise UserUnknown("There is nobody here of that id.")
    try:
        heir = _heir(request)
        if heir is None:
            raise Malformed("Choose the connection that is to manage this person.")
        user = transfer.hand_over(user_id, heir, by=actor_of(request))
    except UserUnknown:
        raise
    except Refusal as refusal:
        messages.error(request, refusal.message, extra_tags=MANAGED_BY.key)
        keep(request, MANAGED_BY.key)
    else:
        messages.success(request, f"{heir} manages {user} now.", extra_tags=MANAGED_BY.key)
    return redirect(f"{reverse('settings:person', args=[user_id])}#{MANAGED_BY.key}")


def _done(request: HttpRequest, connection: Connection, said: str) -> HttpResponse:
    messages.success(request, said, extra_tags=KEY)
    return redirect(address(connection))


def _ask(request: HttpRequest, verb: str, connection: Connection, heir: Connection | None) -> HttpResponse:
    """The page that says what will happen; nothing has happened yet."""
    context = {
        "title": f"Remove {connection}?" if verb == "remove" else f"Hand the users of {connection} over?",
        "page": Page.USERS,
        "verb": verb,
        "connection": connection,
        "heir": heir,
        "people": transfer.count(connection),
        "tokens": connections.live_tokens(connection),
        "back": address(connection),
    }
    return render(request, "settings/connections/confirm.html", context)


def _provider(request: HttpRequest) -> IdentityProvider:
    try:
        return IdentityProvider(request.POST.get("identity_provider", ""))
    except ValueError:
        raise Malformed("Choose an identity provider.") from None


def _heir(request: HttpRequest) -> Connection | None:
    """The connection that is to manage people; None for the choice of none."""
    text = request.POST.get("heir", "")
    if not text:
        return None
    return connections.find(sections.parsed_id(text), organization_id=organization_of(request).pk)


def _people(number: int) -> str:
    return f"{number:,} {'user' if number == 1 else 'users'}"


def _managed_by(request: HttpRequest, user: User) -> Context:
    asker: Any = request.user
    present = connections.of_organization(asker.organization_id)
    keeper = next((each for each in present if each.pk == user.managed_by), None)
    own = authority.of(asker)
    return {
        "person": user,
        "keeper": keeper,
        "address": address(keeper) if keeper else "",
        "others": [each for each in present if each != keeper and not reach.beyond(each, own)]
        if user.source == Source.SCIM
        else [],
        "may_edit": sections.may(request, "sign-in.edit") and own.covers(user.role),
    }


MANAGED_BY = Piece(
    place=PERSON,
    key="managed-by",
    title="Managed by",
    position=25,
    permission="sign-in.view",
    template="settings/connections/managed_by.html",
    context=_managed_by,
)
