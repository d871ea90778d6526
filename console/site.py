"""SettingsSite: Django's admin as "Settings", pages made of the sections that the apps offer."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils.http import urlencode

from console import actions, responses, sections
from console.requests import is_htmx, tenant_of
from console.sections import Page
from core import dates


class SettingsSite(AdminSite):
    """The console of an organization's own people. Operators, who have no organization, have no business here."""

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether somebody of an organization is signed in; each section asks for the rest."""
        user: Any = request.user
        return bool(user.is_authenticated and user.organization_id)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """The pages and the controls of their sections; no list of models, for customers never see one."""
        return [
            path("", self.admin_view(self.index), name="index"),
            path("login/", self.login, name="login"),
            path("logout/", self.logout, name="logout"),
            *(path(f"{page}/", self.admin_view(partial(self.page, page)), name=page) for page in Page),
            *(path(action.route, self.admin_view(view), name=action.name) for action, view in actions.actions()),
        ]

    @property
    def urls(self) -> tuple[list[URLPattern | URLResolver], str, str]:
        """The addresses under the name by which our pages know them."""
        return self.get_urls(), "settings", self.name

    def admin_view(self, view: sections.View, cacheable: bool = False) -> sections.View:  # type: ignore[override]
        """Wrap a view for those who are signed in, in their organization's time zone and language of dates."""

        def in_its_manner(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            organization = tenant_of(request)
            with dates.written(organization.date_style, organization.time_zone):
                response: HttpResponseBase = view(request, *args, **kwargs)
                return response

        inside = super().admin_view(in_its_manner, cacheable)

        def signed_in_only(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if self.has_permission(request):
                return inside(request, *args, **kwargs)
            if is_htmx(request):
                return responses.plain(
                    "You have been signed out, so nothing was saved. Reload the page to sign in.", 401
                )
            return self.login(request)

        return signed_in_only

    def index(self, request: HttpRequest, extra_context: object = None) -> HttpResponse:  # type: ignore[override]
        """Go to the first page that the user may open; everybody has a profile."""
        first = next(page for page in Page if sections.visible(page, request))
        return redirect(f"settings:{first}")

    def page(self, page: Page, request: HttpRequest) -> HttpResponse:
        """One of the pages that are made of sections."""
        return responses.show(request, page)

    def login(self, request: HttpRequest, extra_context: object = None) -> HttpResponse:
        """Our own sign-in, with its limits, in place of the admin's."""
        user: Any = request.user
        if user.is_authenticated and not self.has_permission(request):
            raise PermissionDenied("Operators have no organization whose settings could be shown.")
        wanted = request.GET.get("next") or request.get_full_path()
        return redirect(f"{reverse('account_login')}?{urlencode({'next': wanted})}")

    def logout(self, request: HttpRequest, extra_context: object = None) -> HttpResponse:  # type: ignore[override]
        """Our own sign-out."""
        return redirect("account_logout")


site = SettingsSite(name="settings")
