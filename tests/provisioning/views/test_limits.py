"""The page of who was limited: which token, organization or address, when, and for how many requests."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from provisioning.models import Token
from provisioning.views import limits
from tests.provisioning.views.connections.test_section import log
from tests.provisioning.views.request_log.test_log import permalink, shown
from tests.signed_in import SignedIn
from tests.tenants import Tenant
from users.permissions import BuiltIn

pytestmark = pytest.mark.django_db

PAGE = "/settings/users/scim/limits/"


@pytest.fixture
def client(acme: Tenant, signed_in: SignedIn) -> Client:
    return signed_in(acme)


def limited(tenant: Tenant, cause: str = "token-limit", **values: Any) -> Any:
    return log(tenant, status=429, cause=cause, arguments={"seconds": "4 seconds"}, **values)


def test_where_nobody_was_limited_the_page_says_so_and_names_the_limits(client: Client, settings: Any) -> None:
    settings.SCIM_TOKEN_RATE, settings.SCIM_TOKEN_BURST, settings.SCIM_ORGANIZATION_RATE = 50.0, 2000, 0
    page = shown(client, PAGE)
    assert "No limited requests" in page
    assert "50 requests a second, after the first 2,000" in page
    assert "no limit" in page


def test_the_page_names_who_was_limited_newest_first(
    acme: Tenant, globex: Tenant, token: Token, client: Client
) -> None:
    limited(acme, token=token, more=6)
    limited(acme, "organization-limit", token=token)
    limited(acme, "share-limit", token=token)
    newest = limited(acme, "unauthorized-limit", address="192.0.2.77", token_label="no valid token")
    limited(globex, "unauthorized-limit", address="192.0.2.99")
    log(acme, status=429, cause="provisioning-paused")
    page = shown(client, PAGE)
    names = [f"The token {token}", f"Acme, by the token {token}", f"Acme, by the token {token}", "192.0.2.77"]
    places = [page.index(name) for name in (names[3], names[1], names[0])]
    assert places == sorted(places)
    assert page.count("Acme, by the token") == 2
    assert "Token over its limit" in page
    assert "Organization over its share" in page
    assert "4 seconds" in page
    assert " 7 " in page
    assert "192.0.2.99" not in page
    assert "brake" not in page
    assert f'href="{permalink(newest)}"' in client.get(PAGE).content.decode()


def test_older_ones_are_a_page_further(acme: Tenant, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PER_PAGE", 2)
    for number, cause in enumerate(("token-limit", "share-limit", "token-limit", "unauthorized-limit", "token-limit")):
        limited(acme, cause, address=f"192.0.2.{number}", created_at=timezone.now() + timedelta(seconds=number))
    expected_version, address = [], PAGE
    for _ in range(3):
        html = client.get(address).content.decode()
        expected_version.append(html.count('data-label="Who"'))
        if 'id="limits-older"' not in html:
            break
        address = PAGE + html.partition('id="limits-older" href="')[2].partition('"')[0]
    assert expected_version == [2, 2, 1]
    assert 'id="limits-newest"' in html
    assert client.get(PAGE, {"before": "nonsense"}).status_code == 200


def test_it_takes_few_queries_however_many_there_are(
    acme: Tenant, client: Client, django_assert_max_num_queries: Any
) -> None:
    for _ in range(60):
        limited(acme)
    with django_assert_max_num_queries(12):
        client.get(PAGE)


def test_who_may_not_see_single_sign_on_does_not_see_it(acme: Tenant, signed_in: SignedIn) -> None:
    assert signed_in(acme, BuiltIn.HR).get(PAGE).status_code == 403
    assert Client().get(PAGE).status_code == 302


def test_the_request_log_leads_there(client: Client) -> None:
    assert f'href="{PAGE}"' in client.get("/settings/users/scim/log/").content.decode()
