"""The set-up guide in each provider's words, what must be so before, and the checklist of what has worked."""

import html
import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

import domains.services
from core.bearer_tokens import digest
from provisioning.models import Connection, IdentityProvider, SetupStep, Token
from provisioning.services.connections import connections
from provisioning.services.request_log import writer
from provisioning.services.request_log.setup_steps import Step
from provisioning.views.connections import guides
from provisioning.views.connections.checklist import TITLES
from tests.idp.runner import FOLDER, simulate
from tests.provisioning.views.connections.test_section import at, generate, plain
from tests.signed_in import SignedIn, htmx
from tests.tenants import Tenant
from users.models import Role
from users.permissions import BuiltIn
from users.services import accounts, roles

PAGE = "/settings/users/"
STEPS = list(TITLES)


@pytest.fixture
def client(acme: Tenant, signed_in: SignedIn) -> Client:
    return signed_in(acme)


def guide(client: Client, provider: str = "", **query: str) -> str:
    """The HTML of the guide."""
    answer = client.get(PAGE, {**({"guide": provider} if provider else {}), **query})
    return str(answer.content.decode().partition('id="scim-guide"')[2].partition("</aside>")[0])


def lines(client: Client, prefix: str, address: str = PAGE) -> dict[str, str]:
    """The lines of the preflight or the checklist: what stands for the state, and the text."""
    page = client.get(address).content.decode()
    found = re.findall(rf'<li class="(\w+)" id="{prefix}-([\w-]+)">(.*?)</li>', page, re.DOTALL)
    return {key: f"{state}: {html.unescape(plain(text))}" for state, key, text in found}


def states(client: Client, prefix: str = "step") -> dict[str, str]:
    return {key: text.partition(":")[0] for key, text in lines(client, prefix).items()}


# The guide

LABELS = {
    "jumpcloud": ["API Type", "SCIM API", "SCIM Version", "Base URL", "Token Key", "Test User Email", "Test Connection",
                  "Group Management", "Activate", "without a slash at the end"],
    "okta": ["SCIM connector base URL", "Unique identifier field for users", "Authentication Mode", "HTTP Header",
             "Test Connector Configuration", "Create Users", "Deactivate Users", "Application username format"],
    "entra": ["Provisioning Mode", "Tenant URL", "Secret token", "Test Connection", "Provisioning Status",
              "Provision on demand", "?aadOptscim062020"],
    "onelogin": ["SCIM Base URL", "SCIM JSON Template", "SCIM Bearer Token", "API Connection", "Enable provisioning"],
    "other": ["base URL", "Bearer token", "Google Workspace", "Endpoint URL", "Access token"],
}  # fmt: skip


@pytest.mark.parametrize("provider", LABELS)
def test_each_guide_speaks_its_providers_words_and_gives_its_values(provider: str, client: Client) -> None:
    shown = guide(client, provider)
    text = html.unescape(plain(shown))
    for label in LABELS[provider]:
        assert label in text
    assert 'value="http://testserver/scim/acme/v2" readonly' in shown
    assert re.search(rf'id="guide-of-{provider}"[^>]+aria-current="true"', shown)
    for field in re.findall(r'data-copy="([^"]+)"', shown):
        assert field == "bearer-token" or f'id="{field}"' in shown


def test_there_is_a_guide_for_every_provider_that_a_connection_can_have(acme: Tenant) -> None:
    for provider in IdentityProvider:
        acme.connection.identity_provider = provider
        assert guides.provider_for("", acme.connection) in guides.GUIDES
        assert guides.provider_for("nonsense", acme.connection) in guides.GUIDES
    # Google Workspace speaks SCIM with chosen applications only, so it has no words of its own for this one.
    assert set(IdentityProvider) - set(guides.GUIDES) == {IdentityProvider.GOOGLE}


def test_a_test_user_is_proposed_in_a_domain_that_is_let_in(acme: Tenant, client: Client) -> None:
    assert 'value="scim-test@acme.example"' in guide(client)
    acme.tick("acme.example", False)
    assert "There is no such domain yet." in guide(client)


def test_the_token_can_be_copied_under_each_providers_label_while_it_is_shown(client: Client) -> None:
    page = generate(client, **htmx("scim")).content.decode()
    assert 'aria-label="Copy JumpCloud&#x27;s Token Key"' in page
    assert 'id="bearer-token"' in page
    later = client.get(PAGE).content.decode()
    assert 'id="bearer-token"' not in later
    assert "can be copied right after Generate Token and never again" in later


def test_the_template_for_onelogin_makes_a_user_who_is_accepted(acme: Tenant) -> None:
    (template,) = [each.text for part in guides.GUIDES[IdentityProvider.ONELOGIN].parts for each in part.instructions
                   if each.label == "SCIM JSON Template"]  # fmt: skip
    body = re.sub(r"\{\$(?:user\.email|parameters\.scimusername)\}", "ada@acme.example", template)
    body = re.sub(r"\{\$user\.\w+\}", "Ada", body)
    _, text = connections.generate_token(acme.connection, by=acme.by)
    connections.set_enabled(acme.connection, True, by=acme.by)
    answer = Client().post(
        "/scim/acme/v2/Users", body, "application/scim+json", headers={"authorization": f"Bearer {text}"}
    )
    assert answer.status_code == 201, answer.content
    assert json.loads(answer.content)["displayName"] == "Ada"


def test_the_guide_follows_the_connections_provider_and_the_address_wins(acme: Tenant, client: Client) -> None:
    acme.connection.identity_provider = IdentityProvider.OKTA
    acme.connection.save()
    assert "In Okta" in guide(client)
    assert "Show this guide from now on" not in guide(client)
    assert "In Entra ID" in guide(client, "entra")
    assert "In Okta" in guide(client, "nonsense")


def test_a_guide_is_remembered_for_the_connection(acme: Tenant, client: Client) -> None:
    shown = guide(client, "okta")
    action = re.search(r'action="([^"]+)"', shown)
    fields = dict(re.findall(r'type="hidden" name="(name|identity_provider)" value="([^"]+)"', shown))
    assert action
    client.post(action[1], fields)
    assert Connection.objects.get(pk=acme.connection.pk).identity_provider == IdentityProvider.OKTA
    assert "In Okta" in guide(client)


def test_a_switch_that_is_turned_leaves_the_guide_that_is_shown(acme: Tenant, client: Client) -> None:
    shown_at = {"HTTP_HX_CURRENT_URL": f"http://testserver{PAGE}?guide=entra"}
    page = client.post(at("switches/strict/"), {"wanted": "on"}, **htmx("scim"), **shown_at).content.decode()
    assert "In Entra ID" in page


def test_the_tabs_of_a_second_connection_stay_with_it(acme: Tenant, client: Client) -> None:
    second = connections.add("Second", IdentityProvider.OKTA, by=acme.by)
    shown = guide(client, connection=str(second.pk))
    assert "In Okta" in shown
    assert f'href="{PAGE}?connection={second.pk}&amp;guide=entra#scim-guide"' in shown


def test_who_may_only_look_is_asked_to_remember_nothing(acme: Tenant, signed_in: SignedIn) -> None:
    assert "Show this guide from now on" not in guide(signed_in(acme, BuiltIn.READ_ONLY), "okta")


# Before you connect


def test_what_is_missing_at_first_leads_to_where_it_is_mended(acme: Tenant, client: Client) -> None:
    acme.tick("acme.example", False)
    found = lines(client, "preflight")
    assert found["token"] == "unmet: ✗ Token missing There is none. Your provider signs in with it. Generate a token"
    assert found["enabled"].startswith("unmet: ") and found["enabled"].endswith("Go to the switch")
    assert found["domain"].startswith("unmet: ") and found["domain"].endswith("Go to the domains")
    page = client.get(PAGE).content.decode()
    for target in re.findall(r'<a id="preflight-\w+-fix" href="#([\w-]+)"', page):
        assert f'id="{target}"' in page


def test_what_is_ready_says_so_by_name(acme: Tenant, client: Client, token: Token) -> None:
    connections.set_enabled(acme.connection, True, by=acme.by)
    for name in ("a.example", "b.example", "c.example"):
        acme.tick(name)
    domains.services.add("unticked.example", verified=True, by=acme.by)
    found = lines(client, "preflight")
    assert found["token"] == "met: ✓ Token ready Made"
    assert found["enabled"] == "met: ✓ Enable SCIM ready On"
    assert found["domain"] == "met: ✓ Domain ready People of a.example, acme.example, b.example and 1 more are let in"
    assert found["role"].startswith("met: ✓ Default role ready App management")


def test_a_token_whose_maker_has_left_is_to_be_rotated(acme: Tenant, client: Client, signed_in: SignedIn) -> None:
    acme.add("root", BuiltIn.ADMIN)
    mona = acme.add("mona", BuiltIn.ADMIN)
    made, _ = connections.generate_token(acme.connection, by=replace(acme.by, user_id=mona.pk, label="Mona"))
    assert lines(client, "preflight")["token"] == "met: ✓ Token ready Made"
    accounts.set_active(mona.pk, False, by=acme.by)
    note = "doubtful: ! Token look again The token was made by Mona, who can no longer sign in. Rotate it."
    assert lines(client, "preflight")["token"] == f"{note} Rotate the token"
    page = client.get(PAGE).content.decode()
    assert f'id="preflight-token-fix" href="#token-{made.pk}"' in page
    _, _, card = page.partition(f'id="token-{made.pk}"')
    assert "Rotate<" in card.partition("</li>")[0]
    assert lines(signed_in(acme, "sign-in.view"), "preflight")["token"] == note.replace(
        "Rotate it.", "Ask an Admin to rotate it."
    )
    connections.generate_token(acme.connection, by=acme.by, name="Second")
    named = f"The token {made.name} was made by Mona, who can no longer sign in. Rotate it."
    assert named in lines(client, "preflight")["token"]


@pytest.mark.parametrize(("managed", "words"), [(True, "may do everything"), (False, "gets App management")])
def test_admin_as_the_default_role_is_doubted(managed: bool, words: str, acme: Tenant, client: Client) -> None:
    roles.make_default(acme.role(BuiltIn.ADMIN), by=acme.by)
    Connection.objects.update(manage_admins=managed)
    found = lines(client, "preflight")["role"]
    assert found.startswith("doubtful: ") and words in found and found.endswith("Choose another")
    assert Role.objects.of(acme.id).get(is_default=True).is_admin


def test_an_address_that_is_not_https_is_the_operators_to_mend(client: Client) -> None:
    assert "sets BASE_URL to its public https address" in lines(client, "preflight")["address"]


@pytest.mark.parametrize(
    ("base_url", "state"),
    [("https://testserver", "met"), ("https://testserver:443", "met"), ("https://other.example", "doubtful")],
)
def test_before_the_first_request_the_page_itself_shows_the_address(base_url: str, state: str, client: Client) -> None:
    with override_settings(BASE_URL=base_url, ALLOWED_HOSTS=["testserver"]):
        answer = client.get(PAGE, secure=True).content.decode()
    assert f'<li class="{state}" id="preflight-address">' in answer


@pytest.mark.parametrize(("secure", "state"), [(True, "met"), (False, "unmet")])
def test_then_the_providers_requests_do(secure: bool, state: str, acme: Tenant, client: Client, bearer: str) -> None:
    with override_settings(BASE_URL="https://testserver"):
        Client().get("/scim/acme/v2/Users", headers={"authorization": f"Bearer {bearer}"}, secure=secure)
        writer.flush()
        answer = client.get(PAGE, secure=True).content.decode()
    assert f'<li class="{state}" id="preflight-address">' in answer
    assert ("Your provider's requests come by http://testserver" in html.unescape(answer)) is not secure


def test_who_may_only_look_gets_no_mends_that_they_could_not_use(acme: Tenant, signed_in: SignedIn) -> None:
    found = lines(signed_in(acme, "sign-in.view"), "preflight")
    assert found["token"].endswith("signs in with it. Ask an Admin to generate one.")


# The checklist


@pytest.fixture
def bearer(acme: Tenant) -> str:
    """A token of Acme's connection, which is turned on."""
    _, text = connections.generate_token(acme.connection, by=acme.by)
    connections.set_enabled(acme.connection, True, by=acme.by)
    return text


def ask(bearer: str, method: str, path: str, body: Any = None) -> None:
    """One request of the identity provider, and its row in the log."""
    raw = b"" if body is None else json.dumps(body).encode()
    Client().generic(
        method, f"/scim/acme/v2{path}", raw, "application/scim+json", headers={"authorization": f"Bearer {bearer}"}
    )
    writer.flush()


# What a transcript has done in the end; the rest waits, or is not expected.
SIMULATED = {
    "jumpcloud/test-connection": {"list"},
    "jumpcloud/activate-twice": {"look-up", "create", "update", "delete"},
    "jumpcloud/activate-with-groups": {"look-up", "create", "update", "delete", "groups"},
    "jumpcloud/deactivate-by-put": {"look-up", "create", "update", "deactivate"},
    "jumpcloud/deactivate-by-patch": {"create", "deactivate"},
    "okta/test-connection": {"list"},
    "okta/deactivate-and-reactivate": {"look-up", "create", "update", "deactivate"},
    "entra/test-connection": {"look-up"},
    "entra/disable-user": {"look-up", "create", "update", "deactivate"},
    "entra/delete-user": {"look-up", "create", "delete"},
}


@pytest.mark.parametrize("name", SIMULATED)
def test_the_lines_turn_green_as_the_providers_calls_arrive(
    name: str, acme: Tenant, signed_in: SignedIn, bearer: str
) -> None:
    acme.tick("example.com")

    def send(method: str, path: str, headers: dict[str, str], body: Any) -> tuple[int, Any, Any]:
        raw = b"" if body is None else json.dumps(body).encode()
        sent = {"authorization": f"Bearer {bearer}"} | headers
        kind = sent.pop("Content-Type", "application/scim+json")
        answer = Client().generic(method, f"/scim/acme/v2{path}", raw, kind, headers=sent)
        return answer.status_code, answer.headers, json.loads(answer.content) if answer.content else None

    simulate(FOLDER / f"{name}.json", send)
    writer.flush()
    # Signed in only now, for the transcripts begin in an organization without people.
    found = states(signed_in(acme))
    assert {step for step, state in found.items() if state == "done"} == SIMULATED[name]
    assert "failed" not in found.values()


def test_a_line_that_waits_says_what_to_press(client: Client) -> None:
    found = lines(client, "step")
    assert list(found) == STEPS
    assert found["list"] == "waiting: List users Waiting In JumpCloud: Test Connection."
    assert "In JumpCloud: Activate." in found["create"]


def test_what_a_provider_never_does_is_not_waited_for(acme: Tenant, client: Client) -> None:
    okta = lines(client, "step", f"{PAGE}?guide=okta")
    assert okta["delete"] == "never: – Delete a user Not expected Okta never deletes users, it deactivates them."
    connections.set_groups_enabled(acme.connection, False, by=acme.by)
    assert lines(client, "step")["groups"] == "never: – Groups Not expected Groups is off here."


def test_a_failing_line_says_why_and_leads_to_the_mend(acme: Tenant, client: Client, bearer: str) -> None:
    domains.services.add("labs.example", verified=True, by=acme.by)
    ask(bearer, "POST", "/Users", {"userName": "ada@labs.example"})
    failed = SetupStep.objects.get(step=Step.CREATE)
    found = lines(client, "step")["create"]
    assert found.startswith("failed: ✗ Create a user 400,")
    assert "does not have the User requests checkmark" in found and found.endswith(
        "Allow labs.example for User requests"
    )
    details = f'href="/settings/users/scim/log/{failed.failed_request_id}/"'
    assert client.get(PAGE).content.decode().count(details) == 3  # at the step, in what went wrong, among the latest
    acme.tick("labs.example")
    found = lines(client, "step")["create"]
    assert found.startswith("fixed: ! ") and "Waiting for your provider to try again." in found
    ask(bearer, "POST", "/Users", {"userName": "ada@labs.example"})
    assert states(client)["create"] == "done"


def test_a_mistyped_token_fails_the_line_until_another_is_made_or_one_works(
    acme: Tenant, client: Client, bearer: str
) -> None:
    ask("smgr_mistyped", "GET", "/Users")
    ask("smgr_mistyped", "DELETE", "/Users/x")
    assert {step: state for step, state in states(client).items() if state == "failed"}.keys() == {"list", "delete"}
    assert 'id="step-list-fix" href="#generate-token"' in client.get(PAGE).content.decode()
    ask(bearer, "GET", "/Users")
    assert states(client) == {**dict.fromkeys(STEPS, "waiting"), "list": "done"}
    ask("smgr_junk", "GET", "/Users")
    assert states(client)["list"] == "done"


def test_a_new_token_takes_back_what_a_mistyped_one_failed_at(acme: Tenant, client: Client, bearer: str) -> None:
    ask("smgr_mistyped", "GET", "/Users")
    Token.objects.update(created_at=timezone.now() - timedelta(minutes=5))
    assert states(client)["list"] == "failed"
    connections.generate_token(acme.connection, by=acme.by)
    assert states(client)["list"] == "waiting"


def test_scim_turned_off_is_told_on_the_line_and_healed_by_any_request_that_is_let_in(
    acme: Tenant, client: Client, bearer: str
) -> None:
    connections.set_enabled(acme.connection, False, by=acme.by)
    ask(bearer, "GET", "/Users")
    ask(bearer, "DELETE", "/Users/x")
    assert lines(client, "step")["delete"].endswith("Enable SCIM")
    connections.set_enabled(acme.connection, True, by=acme.by)
    assert states(client)["delete"] == "fixed"
    ask(bearer, "GET", "/Users")
    assert states(client) == {**dict.fromkeys(STEPS, "waiting"), "list": "done"}


def test_reading_groups_does_not_settle_a_change_that_was_refused(client: Client, bearer: str) -> None:
    ask(bearer, "GET", "/Groups")
    assert states(client)["groups"] == "done"
    ask(bearer, "POST", "/Groups", {})
    assert lines(client, "step")["groups"].startswith("failed: ✗ Groups 400,")
    ask(bearer, "GET", "/Groups?count=1")
    ask(bearer, "POST", "/Groups/.search", {})
    assert states(client)["groups"] == "failed"
    ask(bearer, "POST", "/Groups", {"displayName": "Engineering"})
    assert states(client)["groups"] == "done"
    ask(bearer, "GET", "/Groups")
    assert states(client)["groups"] == "done"


def test_groups_that_can_not_be_read_any_more_are_told_until_they_can(client: Client, bearer: str) -> None:
    ask(bearer, "POST", "/Groups", {"displayName": "Engineering"})
    ask(bearer, "GET", "/Groups?filter=nonsense")
    assert states(client)["groups"] == "failed"
    ask(bearer, "GET", "/Groups")
    assert states(client)["groups"] == "done"


def test_another_organization_sees_none_of_it(acme: Tenant, globex: Tenant, signed_in: SignedIn, bearer: str) -> None:
    ask(bearer, "GET", "/Users")
    assert set(states(signed_in(globex)).values()) == {"waiting"}


def test_both_lists_come_with_the_poll(client: Client, bearer: str) -> None:
    address = re.search(r'data-poll hx-get="([^"]+)"', client.get(PAGE, {"guide": "okta"}).content.decode())
    assert address and "/activity/?guide=okta&amp;tokens=" in address[1]
    page = client.get(html.unescape(address[1])).content.decode()
    assert 'id="scim-progress" class="progress" hx-swap-oob="true"' in page
    assert "Okta never deletes users" in page


def test_what_the_poll_costs_does_not_grow_with_the_log(client: Client, bearer: str) -> None:
    ask(bearer, "GET", "/Users")
    client.get(at("activity/"))
    with CaptureQueriesContext(database) as few:
        client.get(at("activity/"))
    for _ in range(30):
        ask(bearer, "GET", "/Users")
        ask(bearer, "GET", "/Groups")
    with CaptureQueriesContext(database) as many:
        client.get(at("activity/"))
    assert len(many) == len(few)
    asked = [query["sql"] for query in many if "provisioning_setupstep" in query["sql"]]
    assert len(asked) == 1
    assert digest(bearer) not in str(asked)
