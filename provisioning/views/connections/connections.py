"""An organization's SCIM connections on the pages: adding, changing and removing them."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from console import sections
from console.actions import action
from console.kept_choices import keep
from console.requests import actor_of
from console.sections import Context, Page, Panel
from core.refusals import Malformed, Refusal
from organizations.views.current import organization_of
from provisioning.models import Connection, IdentityProvider
from provisioning.services.connections import connections, granted_permissions, transfer
from provisioning.views.which_connection import KEY, SCIM, address, chosen
from users.models import Source, User
from users.services import authority
from users.services.accounts import UserUnknown
from users.views.current import user_of
from users.views.user import PERSON


@action(SCIM, "users/scim/connections/add/", "add-connection", permission="sign-in.edit")
def add_connection(request: HttpRequest) -> HttpResponse:
    """Add a connection, and show it."""
    connection = connections.add(request.POST.get("name", ""), _provider(request), by=actor_of(request))
    return _done(request, connection, f"Added {connection}. Generate its token.")


@action(SCIM, "users/scim/<uuid:connection_id>/change/", "change-connection", permission="sign-in.edit")
def change_connection(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """Give a connection another name or identity provider."""
    name, provider = request.POST.get("name", ""), _provider(request)
    connection = connections.change(chosen(request), name, provider, by=actor_of(request))
    return _done(request, connection, f"This is {connection} now, for {provider.label}.")


@action(SCIM, "users/scim/<uuid:connection_id>/hand-over/", "transfer-users", permission="sign-in.edit")
def transfer_users(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """Make all the people of a connection another one's, once the person is sure."""
    connection, replacement = chosen(request), _replacement(request)
    if replacement is None or replacement == connection:
        raise Malformed("Choose the connection that is to manage them.")
    if request.POST.get("confirmed") != "read":
        return _ask(request, "hand-over", connection, replacement)
    moved = transfer.transfer_all(connection, replacement, by=actor_of(request))
    return _done(request, connection, f"{replacement} manages {_people(moved)} more now.")


@action(SCIM, "users/scim/<uuid:connection_id>/remove/", "remove-connection", permission="sign-in.edit")
def remove_connection(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """Take a connection off for good, once the person is sure."""
    connection, replacement = chosen(request), _replacement(request)
    if request.POST.get("confirmed") != "read":
        return _ask(request, "remove", connection, replacement)
    moved = connections.remove(connection, replacement=replacement, by=actor_of(request))
    then = f" {replacement} manages its {_people(moved)} now." if replacement and moved else ""
    shown = replacement or connections.default_connection(connection.organization_id)
    return _done(request, shown, f"Removed {connection}.{then}")


@action(SCIM, "users/scim/people/<uuid:user_id>/hand-over/", "transfer-user", permission="sign-in.edit")
def transfer_user(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """Make one person another connection's."""
    if not User.objects.of(organization_of(request).pk).filter(pk=user_id).exists():
        raise UserUnknown("There is nobody here of that id.")
    try:
        replacement = _replacement(request)
        if replacement is None:
            raise Malformed("Choose the connection that is to manage this person.")
        user = transfer.transfer(user_id, replacement, by=actor_of(request))
    except UserUnknown:
        raise
    except Refusal as refusal:
        messages.error(request, refusal.message, extra_tags=MANAGED_BY.key)
        keep(request, MANAGED_BY.key)
    else:
        messages.success(request, f"{replacement} manages {user} now.", extra_tags=MANAGED_BY.key)
    return redirect(f"{reverse('settings:person', args=[user_id])}#{MANAGED_BY.key}")


def _done(request: HttpRequest, connection: Connection, message: str) -> HttpResponse:
    messages.success(request, message, extra_tags=KEY)
    return redirect(address(connection))


def _ask(request: HttpRequest, verb: str, connection: Connection, replacement: Connection | None) -> HttpResponse:
    """The page that says what will happen; nothing has happened yet."""
    context = {
        "title": f"Remove {connection}?" if verb == "remove" else f"Hand the users of {connection} over?",
        "page": Page.USERS,
        "verb": verb,
        "connection": connection,
        "replacement": replacement,
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


def _replacement(request: HttpRequest) -> Connection | None:
    """The connection that is to manage people; None for the choice of none."""
    text = request.POST.get("replacement", "")
    if not text:
        return None
    return connections.find(sections.parsed_id(text), organization_id=organization_of(request).pk)


def _people(number: int) -> str:
    return f"{number:,} {'user' if number == 1 else 'users'}"


def _managed_by(request: HttpRequest, user: User) -> Context:
    asker = user_of(request)
    present = connections.of_organization(organization_of(request).pk)
    managed_by = next((each for each in present if each.pk == user.managed_by), None)
    own = authority.of(asker)
    return {
        "person": user,
        "managed_by": managed_by,
        "address": address(managed_by) if managed_by else "",
        "others": [each for each in present if each != managed_by and not granted_permissions.beyond(each, own)]
        if user.source == Source.SCIM
        else [],
        "may_edit": sections.may(request, "sign-in.edit") and own.covers(user.role),
    }


MANAGED_BY = Panel(
    place=PERSON,
    key="managed-by",
    title="Managed by",
    position=25,
    permission="sign-in.view",
    template="settings/connections/managed_by.html",
    context=_managed_by,
)
