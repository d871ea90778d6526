"""The request log in Chromium: axe, narrow and dark, and the way from a refused request to its mend by keyboard."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from domains.models import Domain
from provisioning.models import RequestLog
from tests.console.test_browser import give_session
from tests.everybody import assert_for_everybody
from tests.provisioning.views.connections.test_section import log
from tests.signed_in import SignedIn
from tests.tenants import Tenant

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def refused(acme: Tenant) -> RequestLog:
    """The latest of several requests: a create in a domain without the checkmark."""
    acme.tick("acme.io", False)
    log(acme, path="/scim/acme/v2//Users", query="filter=" + "x" * 300, notices=["One thing was odd.", "Another too."])
    log(acme, status=401, cause="token-unknown", result="Refused: nobody here has such a token.", more=1240)
    log(acme, status=401, cause="scim-off", result="Refused: Enable SCIM is off.")
    return log(
        acme, method="POST", path="/scim/acme/v2/Users", status=400, cause="domain-without-user-requests",
        result="Refused: the e-mail domain 'acme.io' does not have the User requests checkmark.",
        arguments={"domain": "acme.io"},
    )  # fmt: skip


@pytest.fixture
def requests(
    acme: Tenant, refused: RequestLog, signed_in: SignedIn, live_server: LiveServer, page: Page
) -> Iterator[Page]:
    """The log as the organization's Admin sees it."""
    give_session(page.context, signed_in(acme), live_server)
    page.goto(f"{live_server.url}/settings/users/scim/log/")
    yield page
    page.goto("about:blank")  # so that nothing asks the server while the database is emptied


def test_it_is_for_everybody(requests: Page) -> None:
    for address in (requests.url, f"{requests.url}?method=PUT", f"{requests.url}{RequestLog.objects.latest('pk').pk}/"):
        requests.goto(address)
        for summary in requests.locator("details.sure summary").all():
            summary.click()
        assert_for_everybody(requests)


def test_a_refused_create_is_mended_with_the_keyboard_alone(requests: Page, acme: Tenant) -> None:
    requests.get_by_role("link", name="Allow acme.io for User requests…").press("Enter")
    requests.locator("summary", has_text="Allow acme.io for User requests…").press("Enter")
    requests.get_by_role("button", name="Allow acme.io for User requests", exact=True).press("Enter")
    expect(requests.get_by_text("In JumpCloud, Activate again does so at once.")).to_be_visible()
    assert Domain.objects.of(acme.id).get(name="acme.io").user_requests
