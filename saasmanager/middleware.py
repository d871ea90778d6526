"""The first middleware of a request: SCIM's way past the pages, fair shares, limits of forms."""

from collections.abc import Callable
from http import HTTPStatus

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import empty

from console.requests import is_htmx
from console.responses import plain
from core import turns
from scim.api.base import EVERY_ANSWER
from scim.api.media import answer_error
from scim.protocol.errors import InvalidSyntax
from scim.urls import urlpatterns
from users.api.problems import Problem

ENDPOINTS = [(endpoint.pattern.regex.match, endpoint.callback) for endpoint in urlpatterns]
MOST_KNOWN_HOSTS = 64


class ScimShortcut:
    """Send SCIM requests straight to their view, past sessions, messages and CSRF. The first middleware.

    The host's name, which the ones behind it would check, it checks itself.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.known_hosts: set[str] = set()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        path = request.path_info
        if not path.lstrip("/").startswith("scim/"):
            return self.get_response(request)
        try:
            self.check_host(request)
        except DisallowedHost:
            response = answer_error(InvalidSyntax("This server is not known by that name."), "")
            for name, value in EVERY_ANSWER.items():
                response.headers[name] = value
            return response
        # The last endpoints take whatever the others leave.
        matches = ((match(path), view) for match, view in ENDPOINTS)
        found, view = next((found, view) for found, view in matches if found)
        return view(request, **found.groupdict())

    def check_host(self, request: HttpRequest) -> None:
        """Raise DisallowedHost for a name that is not ours; names that passed are remembered, for checks are slow."""
        host = request.META.get("HTTP_HOST", "")
        if host in self.known_hosts:
            return
        request.get_host()
        if host and len(self.known_hosts) < MOST_KNOWN_HOSTS:
            self.known_hosts.add(host)


class FairShares:
    """Tell the server of which organization somebody is who asks for pages, and refuse what is over its share."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if turns.TURN not in request.META:
            return self.get_response(request)
        if seconds := turns.seconds_over_share(request.META):
            return self.refuse(request, seconds)
        response = self.get_response(request)
        # Who is signed in is not worth a query that the page itself did without, or that has failed it.
        if (user := getattr(request, "user", None)) is not None and getattr(user, "_wrapped", user) is not empty:
            organization = getattr(user, "organization", None)
            turns.tell(request.META, organization.slug if organization else "")
        return response

    def refuse(self, request: HttpRequest, seconds: int) -> HttpResponse:
        """The refusal, for a browser, the script on a page or a program."""
        message = "Too many pages of your organization are being asked for at once."
        again = f"Try again in {seconds} second{'' if seconds == 1 else 's'}."
        wait = str(seconds)
        if request.path_info.lstrip("/").startswith("api/"):
            return Problem(HTTPStatus.TOO_MANY_REQUESTS, f"{message} {again}", {"Retry-After": wait}).answer()
        if is_htmx(request):
            response = plain(f"{message} {again}", HTTPStatus.TOO_MANY_REQUESTS)
        else:
            context = {"message": message, "again": again}
            response = render(request, "429.html", context, status=HTTPStatus.TOO_MANY_REQUESTS)
        response.headers["Retry-After"] = wait
        return response


class FormLimit:
    """Refuse a form by its length alone, however it is encoded; of one that large, the server reads no byte."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        length = request.META.get("CONTENT_LENGTH") or "0"
        if length.isdecimal() and int(length) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            # An exception would be logged as an error with its traceback, by whoever has no account.
            return render(request, "413.html", status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        return self.get_response(request)
