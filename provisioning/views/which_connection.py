"""Which of an organization's connections a page shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode

from console.sections import Page, Section
from organizations.views.current import organization_of
from provisioning.models import Connection
from provisioning.services.connections import connections

# The section that shows a connection.
KEY = "scim"


def chosen(request: HttpRequest) -> Connection:
    """The connection that the address names, else the default one. Raises ConnectionUnknown."""
    organization_id = organization_of(request).pk
    return among(connections.of_organization(organization_id), request)


def among(present: Sequence[Connection], request: HttpRequest) -> Connection:
    """The same, for who has looked up already which connections there are."""
    of_route = request.resolver_match.kwargs.get("connection_id") if request.resolver_match else None
    asked = str(of_route or request.GET.get("connection", ""))
    found = next((each for each in present if str(each.pk) == asked), None)
    if found is None and of_route is not None:
        raise connections.ConnectionUnknown
    return found or present[0]


def address(connection: Connection) -> str:
    """Where a connection is shown."""
    return f"{reverse('settings:users')}?{urlencode({'connection': str(connection.pk)})}#{KEY}"


def _query(request: HttpRequest) -> Mapping[str, str]:
    """What leads back to the connection that a request was about."""
    present = connections.of_organization(organization_of(request).pk)
    try:
        return query_of(among(present, request), present)
    except connections.ConnectionUnknown:
        return {}


def query_of(connection: Connection, present: Sequence[Connection]) -> Mapping[str, str]:
    """What a query says to name a connection."""
    # The default one, which comes first, needs no word.
    return {} if connection == present[0] else {"connection": str(connection.pk)}


SCIM = Section(
    page=Page.USERS,
    key=KEY,
    title="SCIM",
    lead="Your identity provider creates, updates and deactivates users for you.",
    position=50,
    permission="sign-in.view",
    within="single-sign-on",
    template="settings/connections/section.html",
    query=_query,
)
