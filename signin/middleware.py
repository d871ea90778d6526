"""Support access: an operator reads the Settings of an organization, and can change nothing there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.defaults import permission_denied

from console import responses
from console.requests import actor_for, is_htmx, operator_label
from core.actors import Actor, Channel
from organizations.models import SupportAccess
from organizations.services import support
from users.models import Role, User
from users.permissions import BuiltIn

# Where a session keeps the visit that its operator is on.
SUPPORT_ACCESS = "support-visit"

SETTINGS = "/settings/"
# An operator's own account is none of the organization's.
NOT_SHOWN = f"{SETTINGS}profile/"


class SupportUser:
    """What an operator is on the pages of an organization: somebody who may view everything, and edit nothing.

    No model, so that no page can ever save an operator as one of the organization's people.
    """

    is_authenticated = is_active = True
    is_anonymous = is_superuser = is_staff = False

    def __init__(self, operator: User, support_access: SupportAccess) -> None:
        self.pk = self.id = operator.pk
        self.user_name = self.display_name = str(operator)
        self.email = operator.email
        self.support_access = support_access
        self.organization, self.organization_id = support_access.organization, support_access.organization_id
        self.role = Role(organization=support_access.organization, key=BuiltIn.READ_ONLY, name="Support, view only")

    def __str__(self) -> str:
        return operator_label(self.user_name)

    def has_perm(self, code: str, obj: object = None) -> bool:
        """Whether a permission is one to view."""
        return code.endswith(".view")


class SupportAccessMiddleware:
    """The middleware that takes operators to be visitors, on the pages of Settings and while they are wanted."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(SETTINGS) or SUPPORT_ACCESS not in request.session:
            return self.get_response(request)
        operator: Any = request.user
        support_access = (
            support.current(request.session[SUPPORT_ACCESS], operator_id=operator.pk)
            if operator.is_authenticated
            else None
        )
        if support_access is None or not operator.is_superuser:
            del request.session[SUPPORT_ACCESS]
            return _sent_away(request)
        request.user = support_user = SupportUser(operator, support_access)  # type: ignore[assignment]
        if request.path_info.startswith(NOT_SHOWN) and request.method in ("GET", "HEAD"):
            return redirect(reverse("settings:index"))
        if request.method not in ("GET", "HEAD"):
            return _refused(request)
        response = self.get_response(request)
        if response.status_code == 200:
            support.tell_of(support_access, request.get_full_path(), by=actor_on(support_user, request))
        return response


def actor_on(support_user: SupportUser, request: HttpRequest) -> Actor:
    """The visiting operator, as the trail of the visited organization knows them."""
    return actor_for(support_user, request, Channel.SUPPORT)


def _sent_away(request: HttpRequest) -> HttpResponse:
    message = "Your visit has ended: the organization no longer asks for support, or is suspended."
    if is_htmx(request):
        return responses.plain(message, 401)
    messages.warning(request, message)
    return redirect("admin:index")


def _refused(request: HttpRequest) -> HttpResponse:
    message = "Operators look at an organization and change nothing. Tell one of its Admins what to do."
    if is_htmx(request):
        return responses.plain(message, 403)
    return permission_denied(request, PermissionDenied(message))
