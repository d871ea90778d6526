"""The trimmed view does what the REST framework's own does: an upgrade that changes that shows here."""

from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from rest_framework.exceptions import Throttled
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from scim.api.base import ScimView
from scim.api.media import answer
from scim.storage.credentials import Credentials
from tests.identity_provider import Idp, read


class Never(BasePermission):
    """Lets nobody in."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return False


class Exhausted(BaseThrottle):
    """Asks everybody to come back later."""

    def allow_request(self, request: Request, view: Any) -> bool:
        return False

    def wait(self) -> float:
        return 6.5


class Seen(ScimView):
    """Keeps what its handler was given."""

    expected_slug: list[Any] = []

    def get(self, request: Request, slug: str) -> HttpResponse:
        self.expected_slug.append((request, self.credentials))
        return answer(b"{}")


def ask(view: type[ScimView], idp: Idp, token: str | None = None, **options: Any) -> HttpResponse:
    request: HttpRequest = RequestFactory().get("/", headers={"authorization": f"Bearer {token or idp.token}"})
    response: HttpResponse = view.as_view(**options)(request, slug=idp.organization.slug)
    return response


def test_the_handler_gets_a_request_of_the_framework_with_credentials_and_no_user(idp: Idp) -> None:
    ask(Seen, idp)
    request, credentials = Seen.expected_slug.pop()
    assert isinstance(request, Request)
    assert isinstance(credentials, Credentials)
    assert request.auth is credentials
    assert request.user is None


def test_permissions_and_throttles_apply_where_they_are_given(idp: Idp) -> None:
    refused = ask(Seen, idp, permission_classes=[Never])
    assert (refused.status_code, read(refused)["status"]) == (403, "403")
    slowed = ask(Seen, idp, throttle_classes=[Exhausted])
    assert (slowed.status_code, slowed.headers["Retry-After"]) == (429, "7")
    assert Seen.expected_slug == []


@pytest.mark.parametrize("options", [{"permission_classes": [Never]}, {"throttle_classes": [Exhausted]}])
def test_a_bad_token_is_told_so_before_anything_else(idp: Idp, options: dict[str, Any]) -> None:
    assert ask(Seen, idp, token="smgr_wrong", **options).status_code == 401


def test_an_exception_of_the_framework_becomes_a_scim_error(idp: Idp) -> None:
    class Busy(ScimView):
        def get(self, request: Request, slug: str) -> HttpResponse:
            raise Throttled(wait=3)

    response = ask(Busy, idp)
    assert response.status_code == 429
    assert read(response)["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]


def test_a_finished_answer_does_not_hang_on_the_view(idp: Idp) -> None:
    class Kept(Seen):
        views: list[ScimView] = []

        def get(self, request: Request, slug: str) -> HttpResponse:
            self.views.append(self)
            return answer(b"{}")

    response = ask(Kept, idp)
    assert not any(value is response for value in vars(Kept.views[0]).values())
