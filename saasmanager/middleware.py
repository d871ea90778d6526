"""ScimShortcut: SCIM requests go straight to their view, past what only pages need (sessions, messages, CSRF)."""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.urls import ResolverMatch, get_resolver

from scim.api.base import EVERY_ANSWER
from scim.api.media import answer_error
from scim.protocol.errors import InvalidSyntax


class ScimShortcut:
    """The first middleware. The host's name, which the ones behind it would check, it checks itself."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.resolver = get_resolver("scim.urls")

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
        match: ResolverMatch = self.resolver.resolve(path)
        request.resolver_match = match
        view: Any = match.func
        served: HttpResponse = view(request, *match.args, **match.kwargs)
        return served
