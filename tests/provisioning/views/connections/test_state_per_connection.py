"""How a connection's set-up stands is its own: nobody else's requests change it; what is shown of tokens is live."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core.bearer_tokens import digest
from provisioning.models import Connection, IdentityProvider, RequestLog, SetupStep, Token
from provisioning.services.connections import connections
from provisioning.services.request_log import setup_steps, writer
from scim.protocol.schemas import CORE_USER
from tests.identity_provider import Idp
from tests.provisioning.views.connections.test_section import plain
from tests.signed_in import SignedIn
from tests.tenants import Tenant
from users.models import Source

PAGE = "/settings/users/"
STEP_3 = re.compile(r"Test in your provider</b><small>([^<]*)<")
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


@pytest.fixture
def client(acme: Tenant, signed_in: SignedIn) -> Client:
    return signed_in(acme)


@pytest.fixture
def idp(acme: Tenant) -> Idp:
    """The identity provider of the first connection, whose token is valid."""
    _, text = connections.generate_token(acme.connection, by=acme.by)
    connections.set_enabled(acme.connection, True, by=acme.by)
    return Idp(acme.organization, text)


@pytest.fixture
def second(acme: Tenant) -> Connection:
    return connections.add("Okta of the subsidiary", IdentityProvider.OKTA, by=acme.by)


def page(client: Client, connection: Connection) -> str:
    writer.flush()
    return client.get(PAGE, {"connection": str(connection.pk)}).content.decode()


def polled(client: Client, connection: Connection, **parameters: str) -> str:
    writer.flush()
    return client.get(f"{PAGE}scim/{connection.pk}/activity/", parameters).content.decode()


def state(html: str) -> str:
    """What stands beside On or Off, without how long ago."""
    found = re.search(r'id="scim-state".*?</p>', html, re.DOTALL)
    assert found
    return re.sub(r"\d+ s ago", "lately", plain(f"<{found[0]}"))


def third_step(html: str) -> str:
    found = STEP_3.search(html)
    assert found
    return found[1]


def requests(html: str) -> list[str]:
    return re.findall(r"/v2(/\w+)", html.partition("Latest SCIM requests")[2].partition("</tbody>")[0])


# Whose requests count


def test_a_second_connection_shows_nothing_of_the_first_ones(
    acme: Tenant, idp: Idp, second: Connection, client: Client
) -> None:
    idp.get("/Users")
    Idp(acme.organization, "smgr_wrong").get("/Groups")
    for html in (page(client, second), polled(client, second)):
        assert state(html).endswith("No request so far")
        assert third_step(html) == "When SCIM is on"
        assert requests(html) == []
        assert "No request has come in yet" in html
    for html in (page(client, acme.connection), polled(client, acme.connection)):
        assert state(html).endswith("Last request lately : GET → 200")
        assert third_step(html) == "A request got through"
        assert requests(html) == ["/Groups", "/Users"]


def test_each_connection_shows_its_own_last_request(acme: Tenant, idp: Idp, second: Connection, client: Client) -> None:
    _, text = connections.generate_token(second, by=acme.by)
    connections.set_enabled(second, True, by=acme.by)
    assert "Waiting for the first request" in state(page(client, second))
    idp.get("/Schemas")
    Idp(acme.organization, text).send("POST", "/Groups", {})
    assert state(page(client, acme.connection)).endswith(": GET → 200")
    assert state(page(client, second)).endswith(": POST → 400")
    assert third_step(page(client, second)) == "Waiting for the first request"
    Idp(acme.organization, text).get("/Groups")
    assert third_step(page(client, second)) == "A request got through"
    assert requests(page(client, second)) == ["/Groups", "/Groups"]


def test_the_last_request_is_told_as_it_was_answered_not_as_an_operation_in_it(
    acme: Tenant, idp: Idp, second: Connection, client: Client
) -> None:
    kim, lee = acme.add("kim"), acme.add("lee", managed_by=second.pk)
    operations = [
        {"method": "PATCH", "path": f"/Users/{user.pk}", "data": {"schemas": [PATCH_OP], "Operations": [operation]}}
        for user, operation in (
            (kim, {"op": "replace", "path": "title", "value": "x"}),
            (lee, {"op": "replace", "path": "active", "value": False}),
        )
    ]
    schemas = ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"]
    idp.send("POST", "/Bulk", {"schemas": schemas, "Operations": operations})
    for html in (page(client, acme.connection), polled(client, acme.connection)):
        assert state(html).endswith(": POST → 200, 1 of 2 operations failed")
        assert '<span class="quiet warn">Last request' in html
    RequestLog.objects.all().delete()
    assert state(page(client, acme.connection)).endswith(": POST → 200")


def _wrong_tokens(acme: Tenant, _idp: Idp) -> None:
    for number in range(12):
        Idp(acme.organization, f"smgr_wrong{number}").get("/Users")


def _a_test(acme: Tenant, _idp: Idp) -> None:
    text = "smgr_of_a_test"
    Token.objects.create(
        organization=acme.organization, connection=acme.connection, name="Test", created_by_label="Ada", is_test=True,
        digest=digest(text), prefix="smgr_of",
    )  # fmt: skip
    for number in range(12):
        Idp(acme.organization, text).get("/Users", {"count": str(number)}, user_agent="SaaS Manager test")


def _pruned(_acme: Tenant, _idp: Idp) -> None:
    writer.flush()
    RequestLog.objects.all().delete()


def _another_connections(acme: Tenant, _idp: Idp) -> None:
    second = connections.add("Okta", IdentityProvider.OKTA, by=acme.by)
    _, text = connections.generate_token(second, by=acme.by)
    connections.set_enabled(second, True, by=acme.by)
    for _ in range(12):
        Idp(acme.organization, text).send("POST", "/Users", {})


@pytest.mark.parametrize("act", [_wrong_tokens, _a_test, _pruned, _another_connections])
def test_what_is_not_the_providers_changes_nothing(act: Any, acme: Tenant, idp: Idp, client: Client) -> None:
    idp.get("/Users")
    before = page(client, acme.connection)
    assert third_step(before) == "A request got through"
    act(acme, idp)
    for html in (page(client, acme.connection), polled(client, acme.connection)):
        assert third_step(html) == "A request got through"
        assert state(html) == state(before)
        if act in (_wrong_tokens, _another_connections):
            assert requests(html).count("/Users") <= 4, "Strangers must not push the provider's requests off the page."
            assert "200" in html.partition("Latest SCIM requests")[2]


def test_a_test_alone_does_not_finish_the_set_up(acme: Tenant, idp: Idp, client: Client) -> None:
    _a_test(acme, idp)
    html = page(client, acme.connection)
    assert third_step(html) == "Waiting for the first request"
    assert "Waiting for the first request" in state(html)


def test_a_connection_from_before_knows_its_last_request(acme: Tenant, idp: Idp, client: Client) -> None:
    idp.get("/Users")
    writer.flush()
    SetupStep.objects.filter(step=setup_steps.Step.REQUEST).delete()
    SetupStep.objects.update(done_method="", done_status=None)
    html = page(client, acme.connection)
    assert state(html).endswith("Last request lately")
    assert third_step(html) == "A request got through"


# What a refused suspension is


SHAPES: list[tuple[str, dict[str, Any]]] = [
    ("PATCH", {"Operations": [{"op": "replace", "path": "active", "value": False}]}),
    ("PATCH", {"Operations": [{"op": "Replace", "path": f"{CORE_USER.id}:active", "value": ["False"]}]}),
    ("PATCH", {"Operations": [{"op": "replace", "path": CORE_USER.id, "value": {"active": {"value": "false"}}}]}),
    ("PATCH", {"Operations": [{"op": "add", "value": {"ACTIVE": [{"value": False}]}}]}),
    ("PUT", {"userName": "kim@acme.example", "active": "False"}),
    ("PUT", {"userName": "kim@acme.example", f"{CORE_USER.id}:active": [False]}),
]


UNREAD = [{"content_type": "text/plain"}, {"content_type": "application/json; charset=latin1"}]


@pytest.mark.parametrize(
    ("method", "body", "headers"),
    [*((*each, {}) for each in SHAPES), *((*SHAPES[0], each) for each in UNREAD)],
    ids=str,
)
def test_a_refused_suspension_counts_as_one(
    method: str, body: dict[str, Any], headers: dict[str, str], acme: Tenant, idp: Idp, client: Client
) -> None:
    kim = acme.add("kim", source=Source.MANUAL)
    idp.send(method, f"/Users/{kim.pk}", {"schemas": [PATCH_OP], **body}, **headers)
    html = page(client, acme.connection)
    found = dict(re.findall(r'<li class="(\w+)" id="step-([\w-]+)">', html))
    assert found["failed"] == "deactivate"
    assert re.search(r'class="waiting" id="step-update"', html)


# What is known of tokens


def test_token_cards_are_as_live_as_the_line_above_them(acme: Tenant, idp: Idp, client: Client) -> None:
    (token,) = connections.live_tokens(acme.connection)
    first = page(client, acme.connection)
    assert f"activity/?guide=jumpcloud&amp;tokens={token.pk}" in first
    assert "Never used." in first
    idp.get("/Users", user_agent="Okta 1.0")
    html = polled(client, acme.connection, tokens=str(token.pk))
    card = html.partition(f'id="token-facts-{token.pk}" hx-swap-oob="true"')[2].partition("</div>")[0]
    assert re.search(r"Last used \d+ s ago from 127\.0\.0\.1 by Okta 1\.0\.", plain(card))
    assert "In use" in card
    # Nothing that somebody may be filling in comes anew.
    assert "<form" not in html


def test_a_token_that_has_ended_or_come_is_told_of(acme: Tenant, idp: Idp, client: Client) -> None:
    (token,) = connections.live_tokens(acme.connection)
    connections.generate_token(acme.connection, by=acme.by, name="Added by a colleague")
    html = polled(client, acme.connection, tokens=str(token.pk))
    assert "A token was added meanwhile." in html
    assert "Added by a colleague" not in html
    connections.revoke_token(token.pk, by=acme.by)
    html = polled(client, acme.connection, tokens=str(token.pk))
    card = html.partition(f'<li id="token-{token.pk}" hx-swap-oob="true">')[2]
    assert "It is no longer valid." in card
    assert f'id="token-facts-{token.pk}"' not in html
    assert f"&amp;tokens={token.pk}" in html, "The next poll asks for the same cards."


def test_another_organizations_tokens_are_no_cards_here(
    acme: Tenant, globex: Tenant, second: Connection, idp: Idp, client: Client
) -> None:
    foreign, _ = connections.generate_token(globex.connection, by=globex.by)
    other, _ = connections.generate_token(second, by=acme.by)
    html = polled(client, acme.connection, tokens=f"{foreign.pk},{other.pk},nonsense,,\x00")
    assert foreign.prefix not in html
    assert other.prefix not in html


def test_a_poll_costs_the_same_statements_however_many_tokens_and_connections(
    acme: Tenant, idp: Idp, client: Client
) -> None:
    def cost() -> int:
        shown = ",".join(str(token.pk) for token in Token.objects.of(acme.id))
        with CaptureQueriesContext(connection) as captured:
            polled(client, acme.connection, tokens=shown)
        return len(captured)

    few = cost()
    for number in range(3):
        connections.generate_token(acme.connection, by=acme.by)
        connections.add(f"C{number}", IdentityProvider.OKTA, by=acme.by)
    assert cost() == few
