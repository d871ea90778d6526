"""A deliberately wrong JumpCloud set-up, healed with what the pages say and nothing else: one cause at a time.

The server is the real one, JumpCloud is a client on the wire, and the Admin has Chromium. Each cause is told where the
request failed, and the clicks from there to the mend are counted.
"""

from collections.abc import Iterator
from contextlib import closing
from typing import Any
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.test import Client as Browser
from playwright.sync_api import Page, expect

from provisioning.services.connections import connections
from provisioning.simulator.client import Client
from provisioning.simulator.scripts import JUMPCLOUD
from provisioning.simulator.simulator import Answer
from tests.servers import Server
from tests.signed_in import person, sign_in
from tests.tenants import Tenant, open_tenant
from users.models import Source, User
from users.permissions import BuiltIn

pytestmark = pytest.mark.django_db(transaction=True)

# Where a person looks first, and then.
SECTION = "/settings/users/"
LOG = "/settings/users/scim/log/"
LOOKS = 100


class JumpCloud:
    """The identity provider's end: what stands in its form, and the requests that its buttons send."""

    def __init__(self, base_url: str, token: str, test_user: str) -> None:
        self.base_url, self.token, self.test_user = base_url, token, test_user

    def test_connection(self) -> Answer:
        return self._send("GET", "/Users")

    def activate(self) -> Answer:
        """Create the test user, as Activate does."""
        body: dict[str, Any] = {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": self.test_user,
            "name": {"givenName": "Test", "familyName": "User"},
            "emails": [{"value": self.test_user, "type": "work", "primary": True}],
            "active": True,
        }
        return self._send("POST", "/Users", body)

    def _send(self, method: str, path: str, body: Any = None) -> Answer:
        with closing(Client(self.base_url, self.token)) as client:
            # What the form has, to the letter: nobody takes the slash away.
            client._prefix = client._prefix + ("/" if self.base_url.endswith("/") else "")
            return client(method, path, {**JUMPCLOUD.headers, "User-Agent": "JumpCloud SCIM"}, body)


class Admin:
    """Somebody at the pages, whose clicks are counted from the moment when they see that something failed."""

    def __init__(self, page: Page, server: Server) -> None:
        self.page, self._server = page, server
        self.clicks = 0

    def look_at(self, address: str) -> None:
        """Open a page: here the count begins."""
        self.page.goto(self._server.url + address)
        self.clicks = 0

    def sees_in_the_log(self, *words: str) -> None:
        """The newest request tells it in these words; the log is written behind the answers, so look again."""
        newest = self.page.locator("table.log tbody tr").first
        for _ in range(LOOKS):
            self.look_at(LOG)
            if newest.count() and words[0] in newest.inner_text():
                break
        for text in words:
            expect(newest).to_contain_text(text)

    def click(self, role: Any, name: str, within: str = "main") -> None:
        self.page.locator(within).get_by_role(role, name=name, exact=True).first.click()
        self.clicks += 1

    def unfold(self, name: str) -> None:
        self.page.locator("summary", has_text=name).click()
        self.clicks += 1


@pytest.fixture
def tenant(transactional_db: None, real_server: Server) -> Tenant:
    # Of its own slug, for the server may still be writing its log when the next test's organization is there.
    return open_tenant(f"wrong-{uuid4().hex[:8]}")


@pytest.fixture
def admin(tenant: Tenant, real_server: Server, page: Page) -> Iterator[Admin]:
    cache.clear()
    browser = Browser()
    sign_in(browser, person(tenant, BuiltIn.ADMIN))
    cookie = {"name": "sessionid", "value": browser.cookies["sessionid"].value, "url": real_server.url}
    page.context.add_cookies([cookie])
    yield Admin(page, real_server)
    page.goto("about:blank")  # so that nothing asks the server while the database is emptied


def test_every_cause_is_told_and_mended_in_at_most_three_clicks(
    tenant: Tenant, admin: Admin, real_server: Server
) -> None:
    tenant.tick("acme.io", False)
    tenant.add("grace", source=Source.MANUAL)
    right = f"{real_server.url}/scim/{tenant.organization.slug}/v2"
    jumpcloud = JumpCloud(f"{right}/", "the-wrong-token", "test.user@acme.io")
    counts: dict[str, int] = {}

    # The token: nobody has it
    assert jumpcloud.test_connection().status == 401
    admin.sees_in_the_log("Refused: nobody here has such a token.")
    admin.click("link", "Generate a token")
    admin.click("button", "Generate Token")
    jumpcloud.token = admin.page.get_by_label("Bearer token", exact=True).input_value()
    counts["wrong token"] = admin.clicks

    # SCIM is off
    refused = jumpcloud.test_connection()
    assert refused.status == 401
    assert "Turn on Enable SCIM" in refused.body["detail"]
    admin.sees_in_the_log("Refused: Enable SCIM is off.")
    admin.click("link", "Enable SCIM…")
    admin.unfold("Enable SCIM…")
    admin.click("button", "Enable SCIM")
    expect(admin.page.get_by_text("SCIM is on now.").first).to_be_visible()
    counts["SCIM off"] = admin.clicks

    # The slash: served all the same, and told
    assert jumpcloud.test_connection().status == 200
    admin.sees_in_the_log("Listed", "//Users")
    admin.page.locator("table.log tbody tr a").first.click()
    expect(admin.page.get_by_text("The Base URL was given with a slash at its end.")).to_be_visible()
    jumpcloud.base_url = right
    assert jumpcloud.test_connection().status == 200
    counts["slash"] = admin.clicks

    # The domain lacks the checkmark
    refused = jumpcloud.activate()
    assert refused.status == 400
    assert "'acme.io' does not have the User requests checkmark" in refused.body["detail"]
    admin.sees_in_the_log("the e-mail domain 'acme.io' does not have the User requests checkmark")
    admin.click("link", "Allow acme.io for User requests…")
    admin.unfold("Allow acme.io for User requests…")
    admin.click("button", "Allow acme.io for User requests")
    expect(admin.page.get_by_text("acme.io has the User requests checkmark now.").first).to_be_visible()
    counts["domain without the checkmark"] = admin.clicks
    assert jumpcloud.activate().status == 201

    # Somebody has the address
    jumpcloud.test_user = f"grace@{tenant.domain}"
    refused = jumpcloud.activate()
    assert refused.status == 409
    admin.sees_in_the_log(f"a user with the userName '{jumpcloud.test_user}' exists already")
    admin.click("link", f"Show {jumpcloud.test_user}")
    expect(admin.page.get_by_role("heading", level=1)).to_contain_text(jumpcloud.test_user)
    counts["existing user"] = admin.clicks
    # The page has shown that this is a person, who stays: JumpCloud gets an address that nobody has.
    jumpcloud.test_user = f"test.user@{tenant.domain}"
    assert jumpcloud.activate().status == 201
    assert User.objects.of(tenant.id).filter(user_name=f"grace@{tenant.domain}", source=Source.MANUAL).exists()

    assert counts == {
        "wrong token": 2,
        "SCIM off": 3,
        "slash": 0,
        "domain without the checkmark": 3,
        "existing user": 1,
    }


def test_the_button_on_the_page_finds_the_same_and_its_mend_is_three_clicks_away(tenant: Tenant, admin: Admin) -> None:
    connections.generate_token(tenant.connection, by=tenant.by)
    tenant.tick("acme.io", False)
    admin.look_at(SECTION)
    admin.click("button", "Test this set-up")
    steps = admin.page.locator("#test-run")
    expect(steps).to_contain_text("It went wrong at “Test Connection: read the list of users”")
    admin.clicks = 0
    admin.click("link", "Enable SCIM…")
    admin.unfold("Enable SCIM…")
    admin.click("button", "Enable SCIM")
    assert admin.clicks == 3
    admin.look_at(SECTION)
    admin.page.get_by_label("Address of the test user").fill("test.user@acme.io")
    admin.click("button", "Test this set-up")
    expect(steps).to_contain_text("It went wrong at “Create the test user”")
    admin.clicks = 0
    admin.click("link", "Allow acme.io for User requests…")
    admin.unfold("Allow acme.io for User requests…")
    admin.click("button", "Allow acme.io for User requests")
    assert admin.clicks == 3
    admin.look_at(SECTION)
    admin.page.get_by_role("link", name="JumpCloud with test.user@acme.io").first.click()
    admin.click("button", "Test again")
    expect(steps).to_contain_text("The test user is gone again.")
    expect(steps.get_by_text("Passed", exact=True)).to_have_count(14)
    assert not User.objects.of(tenant.id).filter(user_name="test.user@acme.io").exists()
