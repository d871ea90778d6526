"""Nobody's body is read who has shown no valid token: at no address, by no method, whatever the body claims to be."""

from collections.abc import Callable

import pytest
from django.test import Client

from core.actors import operator_at_the_command_line
from organizations.models import Organization
from organizations.services import slugs
from provisioning.services.connections import connections
from provisioning.services.request_log import additional_logging
from scim.urls import urlpatterns
from tests.identity_provider import JSON, Idp, open_acme
from users.api.urls import urlpatterns as api

ID = "01890a5d-ac96-774b-bcce-b302099a8057"

# For every pattern of SCIM's URL table an address that leads there, below the Base URL unless it begins with a slash.
ADDRESSES = {
    "UserView": ["/Users/" + ID, "//Users//x//"],
    "UsersView": ["/Users", "/Users/"],
    "SearchUsersView": ["/Users/.search"],
    "SearchView": ["/.search"],
    "MeView": ["/Me"],
    "GroupsView": ["/Groups"],
    "GroupSearchView": ["/Groups/.search"],
    "GroupView": ["/Groups/" + ID],
    "BulkView": ["/Bulk"],
    "ServiceProviderConfigView": ["/ServiceProviderConfig"],
    "ResourceTypesView": ["/ResourceTypes"],
    "ResourceTypeView": ["/ResourceTypes/User"],
    "SchemasView": ["/Schemas"],
    "SchemaView": ["/Schemas/urn:ietf:params:scim:schemas:core:2.0:User"],
    "NowhereView": ["", "/Nope", "/users", "/Groups/a/b", "/Bulk/.search"],
}
ELSEWHERE = ["/scim/", "/scim/x/v1/Users", "/scim/nobody/v2/.search", "/scim//nobody"]
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY", "post"]

BODIES = [
    {"CONTENT_TYPE": JSON, "CONTENT_LENGTH": "100"},
    {"CONTENT_TYPE": JSON, "HTTP_CONTENT_ENCODING": "gzip", "CONTENT_LENGTH": "100"},
    {"CONTENT_TYPE": JSON, "HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""},
    {"CONTENT_TYPE": JSON, "CONTENT_LENGTH": "99999999"},
    {"CONTENT_TYPE": "application/x-www-form-urlencoded", "CONTENT_LENGTH": "100"},
    {"CONTENT_TYPE": "multipart/form-data; boundary=x", "CONTENT_LENGTH": "100"},
]

# No token, none that can be one, and one that nobody has.
WRONG = ["", "Bearer", "Basic YTpi", "Bearer a b", "Bearer smgr_wrong", "Bearer " + "a" * 600]


class Unread(Exception):
    """The body was touched."""


class Untouchable:
    """A body that fails whoever reads of it."""

    def read(self, size: int = -1) -> bytes:
        raise Unread(size)

    readline = readlines = __iter__ = read


def statuses(http: Client, paths: list[str], authorization: str) -> set[int]:
    """The statuses of all methods with all kinds of bodies, none of which may be read."""
    header = {"HTTP_AUTHORIZATION": authorization} if authorization else {}
    return {
        http.generic(method, path, **{"wsgi.input": Untouchable(), **body, **header}).status_code
        for path in paths
        for method in METHODS
        for body in (BODIES if method == "POST" else BODIES[:1])
    }


def below(base: str) -> list[str]:
    return [base + address for addresses in ADDRESSES.values() for address in addresses]


def test_the_addresses_lead_to_every_endpoint() -> None:
    named = [endpoint.callback.view_class.__name__ for endpoint in urlpatterns]
    assert set(named) == set(ADDRESSES)
    for path in below("/scim/acme/v2"):
        view = next(each.callback.view_class for each in urlpatterns if each.pattern.regex.match(path))
        assert path.removeprefix("/scim/acme/v2") in ADDRESSES[view.__name__]


def test_the_body_of_a_stranger_stays_unread(idp: Idp) -> None:
    for authorization in WRONG:
        assert statuses(idp.http, below(idp.base) + ELSEWHERE, authorization) == {401}


def test_with_additional_logging_too(idp: Idp) -> None:
    connection = connections.default_connection(idp.organization.pk)
    additional_logging.turn_on(connection, by=operator_at_the_command_line(idp.organization.pk))
    additional_logging.look_again()
    assert statuses(idp.http, below(idp.base), "Bearer smgr_wrong") == {401}


def _off(idp: Idp) -> str:
    connection = connections.default_connection(idp.organization.pk)
    connections.set_enabled(connection, False, by=operator_at_the_command_line(idp.organization.pk))
    return idp.token


def _revoked(idp: Idp) -> str:
    connection = connections.default_connection(idp.organization.pk)
    token = connection.tokens.get()
    connections.revoke_token(token.pk, by=operator_at_the_command_line(idp.organization.pk))
    return idp.token


def _of_another(idp: Idp) -> str:
    return open_acme("globex").bearer_token or ""


@pytest.mark.parametrize("spoil", [_off, _revoked, _of_another])
def test_nor_is_the_body_of_somebody_whose_token_opens_nothing_here(idp: Idp, spoil: Callable[[Idp], str]) -> None:
    assert statuses(idp.http, below(idp.base), f"Bearer {spoil(idp)}") == {401}


def test_nor_is_one_at_a_former_slug(idp: Idp) -> None:
    slugs.change("acme-ltd", expected_slug="acme", by=operator_at_the_command_line(idp.organization.pk))
    assert idp.base == "/scim/acme/v2"
    for authorization in ("", "Bearer smgr_wrong"):
        assert statuses(idp.http, below("/scim/acme/v2"), authorization) == {401}
    assert Organization.objects.get(pk=idp.organization.pk).slug == "acme-ltd"


def test_a_valid_token_has_its_body_read(idp: Idp) -> None:
    """The stream of these tests does what it says."""
    for path in ("/Users", "/Users/.search", "/.search", "/Groups", "/Groups/.search", "/Bulk"):
        assert 500 in statuses(idp.http, [idp.base + path], f"Bearer {idp.token}")


@pytest.mark.parametrize("path", ["/api/audit/v1/logs", "/api/audit/v1/openapi.json", "/api/x", "/livez", "/readyz"])
def test_programs_and_probes_have_no_body_read_at_all(idp: Idp, path: str) -> None:
    assert len(api) == 3
    for authorization in WRONG:
        assert statuses(idp.http, [path], authorization) <= {200, 401, 404, 405, 413}
