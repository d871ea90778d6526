"""ScimShortcut: SCIM requests go straight to their view, past what only pages need (sessions, messages, CSRF)."""

from collections.abc import Callable

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse

from scim.api.base import EVERY_ANSWER
from scim.api.media import answer_error
from scim.protocol.errors import InvalidSyntax
from scim.urls import urlpatterns


class ScimShortcut:
    """The first middleware. The host's name, which the ones behind it would check, it checks itself."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        path = request.path_info
        if not path.lstrip("/").startswith("scim/"):
            return self.get_response(request)
        try:
            request.get_host()
        except DisallowedHost:
            response = answer_error(InvalidSyntax("This server is not known by that name."), "")
            for name, value in EVERY_ANSWER.items():
                response.headers[name] = value
            return response
        # The last endpoints take whatever the others leave.
        matches = ((endpoint, endpoint.pattern.match(path)) for endpoint in urlpatterns)
        view, (_, _, arguments) = next((endpoint.callback, found) for endpoint, found in matches if found)
        return view(request, **arguments)
