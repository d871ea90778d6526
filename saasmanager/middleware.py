"""Lets SCIM requests past the middleware that only pages need."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase


class ScimShortcut:
    """Placeholder that passes everything on."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)
