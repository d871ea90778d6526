"""OperatorSite: Django's admin for operators, at an address of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.contrib.auth import SESSION_KEY
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_POST

from console.operator_admin import OperatorAdmin
from console.requests import is_operator, operator_for
from core.actors import Channel
from organizations.models import SupportAccess
from organizations.services import support
from signin.middleware import SUPPORT_ACCESS
from signin.views.sign_in import OperatorSignIn

View = Callable[..., HttpResponseBase]

# Django's usual address for these pages, and where they were before they were there.
USUAL_URL = "admin/"
FORMER_URL = "operator/"


class OperatorSite(AdminSite):
    """Django's admin for operators: superusers, who belong to no organization."""

    site_header = site_title = "SaaS Manager, operators"
    index_title = "Administration"
    index_template = "operator/index.html"
    # Django's own has a style in it, which our pages do not run.
    password_change_template = "operator/password.html"  # noqa: S105
    site_url = None
    enable_nav_sidebar = False

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether an operator is signed in."""
        return is_operator(request.user) if request.user.is_authenticated else False

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """List Django's addresses, and the way out of an organization."""
        return [path("leave/", self.admin_view(require_POST(leave)), name="leave"), *super().get_urls()]

    def admin_view(self, view: View, cacheable: bool = False) -> View:  # type: ignore[override]
        """Wrap a view for operators; to anybody else who is or was signed in, there is nothing here."""
        inside = super().admin_view(view, cacheable)

        def operators_only(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if self.has_permission(request):
                return inside(request, *args, **kwargs)
            _refuse_others(request)
            return redirect(f"{reverse('admin:login')}?{urlencode({'next': request.get_full_path()})}")

        return operators_only

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponseBase:  # type: ignore[override]
        """Our own sign-in, with its limits."""
        if not self.has_permission(request):
            _refuse_others(request)
        return OperatorSignIn.as_view()(request)

    def logout(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:  # type: ignore[override]
        """Our own sign-out."""
        return redirect("account_logout")

    def autocomplete_view(self, request: HttpRequest) -> HttpResponse:
        """Django's answer to fields that complete what is typed, without names of people."""
        view: Any = OperatorAutocomplete.as_view(admin_site=self)
        response: HttpResponse = view(request)
        return response


class OperatorAutocomplete(AutocompleteJsonView):
    """Django's view, which calls a row what its ModelAdmin does."""

    model_admin: ModelAdmin[Any]

    def serialize_result(self, obj: Any, to_field_name: str) -> dict[str, str]:
        """The key and the label of a row."""
        found: dict[str, str] = super().serialize_result(obj, to_field_name)
        if isinstance(self.model_admin, OperatorAdmin):
            found["text"] = self.model_admin.label(obj)
        return found


def _refuse_others(request: HttpRequest) -> None:
    """Raise Http404 for who is signed in without being an operator, or was until the account was deactivated."""
    if request.user.is_authenticated or SESSION_KEY in request.session:
        raise Http404("There is nothing here.")


def from_former_address(request: HttpRequest, rest: str = "") -> HttpResponse:
    """Lead from an address below ``operator/`` to the same one below OPERATOR_URL.

    One that is not the usual one is told to operators only: it may be meant to be known to nobody else.
    """
    if settings.OPERATOR_URL != USUAL_URL and not (request.user.is_authenticated and is_operator(request.user)):
        raise Http404("There is nothing here.")
    former = reverse(from_former_address)
    return HttpResponseRedirect(reverse("admin:index") + request.get_full_path().removeprefix(former))


def enter(request: HttpRequest, organization_id: Any) -> HttpResponse:
    """Begin to look at an organization that has asked for support. Raises SupportNotWanted."""
    end_support_access(request)
    by = operator_for(request, organization_id, Channel.SUPPORT)
    request.session[SUPPORT_ACCESS] = str(support.enter(operator=str(request.user), by=by).pk)
    return redirect("settings:index")


def leave(request: HttpRequest) -> HttpResponse:
    """End the support access that the operator uses."""
    support_access = end_support_access(request)
    if support_access is None:
        return redirect("admin:index")
    messages.success(request, f"You have left {support_access.organization}.")
    return redirect("admin:organizations_organization_change", support_access.organization_id)


def end_support_access(request: HttpRequest) -> SupportAccess | None:
    """Forget the support access of this session, and end it if it goes on."""
    operator: Any = request.user
    support_access = support.current(request.session.pop(SUPPORT_ACCESS, ""), operator_id=operator.pk)
    if support_access is not None:
        support.leave(support_access, by=operator_for(request, support_access.organization_id, Channel.SUPPORT))
    return support_access
