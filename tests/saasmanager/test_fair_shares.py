"""What pages and the API tell a server that shares its threads out, and what is said to whom is over the share."""

from typing import Any
from unittest.mock import Mock

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.utils.functional import SimpleLazyObject

from core.turns import TURN
from saasmanager.middleware import FairShares
from scripts.shares import Turn
from tests.saasmanager.test_operators import operator
from tests.signed_in import SignedIn, htmx
from tests.tenants import Tenant
from users.permissions import BuiltIn
from users.services import personal_tokens
from users.services.personal_tokens import TokenScope

__all__ = ["operator"]

pytestmark = pytest.mark.django_db

USERS, LOGS = "/settings/users/", "/api/audit/v1/logs"


def told(client: Client, path: str, **headers: str) -> str | None:
    """Whose a request was, as the server is told."""
    turn = Turn("/pages")
    client.get(path, headers=headers, **{TURN: turn})
    return turn.organization


def refused(client: Client, path: str, seconds: int = 4, **more: Any) -> Any:
    turn = Turn("/pages")
    turn.over_share = seconds
    response = client.get(path, **{TURN: turn}, **more)
    assert (response.status_code, response.headers["Retry-After"]) == (429, str(seconds))
    return response


def test_a_page_is_its_readers_organizations(acme: Tenant, globex: Tenant, signed_in: SignedIn) -> None:
    assert told(signed_in(acme), USERS) == "acme"
    assert told(signed_in(globex, BuiltIn.READ_ONLY), USERS) == "globex"


def test_who_is_not_signed_in_is_nobodys(acme: Tenant, signed_in: SignedIn) -> None:
    assert told(Client(), USERS) == ""
    client = signed_in(acme)
    client.session.flush()
    assert told(client, USERS) == ""


def test_what_needs_no_session_says_nothing(acme: Tenant, signed_in: SignedIn) -> None:
    assert told(signed_in(acme), "/favicon.ico") is None


def test_a_page_that_did_not_ask_who_is_signed_in_is_answered_though_the_database_is_gone(rf: RequestFactory) -> None:
    request = rf.get(USERS, **{TURN: Turn("/pages")})

    def page(asked: HttpRequest) -> HttpResponse:
        asked.session = SessionStore()
        asked.session.get("anything")
        asked.user = SimpleLazyObject(Mock(side_effect=OperationalError))
        return HttpResponse(status=303)

    assert FairShares(page)(request).status_code == 303
    assert request.META[TURN].organization is None


def test_an_operator_is_nobodys(operator: Client) -> None:
    assert told(operator, "/admin/") == ""


def test_the_api_is_its_tokens_organizations(acme: Tenant) -> None:
    ada = acme.add("ada", BuiltIn.ADMIN)
    _token, text = personal_tokens.make(ada.pk, "SIEM", [TokenScope.READ_ME], by=acme.by)
    assert told(Client(), LOGS, authorization=f"Bearer {text}") == "acme", "though it is not good for this"
    assert told(Client(), LOGS, authorization="Bearer smgp_wrong") == ""


def test_a_page_over_the_share_says_when_to_try_again(acme: Tenant, signed_in: SignedIn) -> None:
    client = signed_in(acme)
    page = refused(client, USERS).content.decode()
    assert "Too many pages of your organization are being asked for at once. Try again in 4 seconds." in page
    assert "Too many requests" in page and "Too many attempts" not in page
    panel = refused(client, USERS, 1, **htmx())
    assert panel.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert panel.content.decode().endswith("Try again in 1 second.")


def test_the_api_over_the_share_says_it_to_programs() -> None:
    answer = refused(Client(), LOGS)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"].endswith("Try again in 4 seconds.")
