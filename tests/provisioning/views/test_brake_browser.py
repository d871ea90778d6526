"""The mass-change brake in a browser: Release and Keep held by keyboard, and the page without barriers."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from provisioning.models import Brake, Departure
from tests.console.test_browser import give_session
from tests.everybody import assert_for_everybody
from tests.signed_in import SignedIn
from tests.tenants import Tenant

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def paused(acme: Tenant, signed_in: SignedIn, live_server: LiveServer, page: Page) -> Iterator[Page]:
    """Settings > Users as an Admin sees it while the brake holds; sixty have gone, and some would go."""
    now = timezone.now()
    Brake.objects.filter(connection=acme.connection).update(paused_since=now, gone=60, people=300, version=2)
    Departure.objects.bulk_create(
        Departure(
            organization=acme.organization,
            connection=acme.connection,
            user_id=uuid4(),
            user_name=f"{'a-very-long-name-of-somebody-' if number % 7 == 0 else 'p'}{number}@acme.example",
            user_name_key=f"{number}",
            deleted=bool(number % 3),
            at=now - timedelta(minutes=number % 50, seconds=1),
        )
        for number in range(60)
    )
    for number in range(4):
        user = acme.add(f"q{number}")
        Departure.objects.create(
            organization=acme.organization,
            connection=acme.connection,
            user_id=user.pk,
            user_name=user.user_name,
            user_name_key=user.user_name_key,
            deleted=number == 1,
            refused=True,
            request_id=str(uuid4()),
            at=now,
        )
    give_session(page.context, signed_in(acme), live_server)
    page.goto(f"{live_server.url}/settings/users/")
    yield page
    page.goto("about:blank")  # so that nothing asks the server while the database is emptied


def test_it_is_for_everybody(paused: Page, acme: Tenant) -> None:
    for address in (paused.url, paused.url.replace("/users/", f"/users/scim/{acme.connection.pk}/brake/")):
        paused.goto(address)
        for summary in paused.locator("details.sure summary").all():
            summary.click()
        assert_for_everybody(paused)


def test_it_is_released_with_the_keyboard_alone(paused: Page, acme: Tenant) -> None:
    paused.get_by_role("link", name="Look at who would go and release").first.press("Enter")
    expect(paused.get_by_role("region", name="Who would go").get_by_role("row")).to_have_count(5)
    paused.locator("summary", has_text="Release…").press("Enter")
    paused.get_by_role("button", name="Release", exact=True).press("Enter")
    expect(paused.get_by_text("Released. Nothing is held back for an hour.")).to_be_visible()
    assert Brake.objects.get(connection=acme.connection).paused_since is None


def test_the_share_is_set_without_a_new_page(paused: Page, acme: Tenant) -> None:
    paused.get_by_label("Percent of people who may go within an hour").fill("33")
    paused.locator("#brake-percent-save").press("Enter")
    expect(paused.get_by_text("The brake holds back what is more than 33 percent.").first).to_be_visible()
    expect(paused.get_by_label("Percent of people who may go within an hour")).to_have_value("33")
    assert Brake.objects.get(connection=acme.connection).percent == 33
