"""The pages of sign-in: where to sign in, the password, a new one by mail, and signing out."""

from __future__ import annotations

from typing import Any

from allauth.account import views
from allauth.decorators import rate_limit
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse, reverse_lazy
from django.utils.cache import add_never_cache_headers
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.views.decorators.cache import never_cache

from console import reauthentication
from console.requests import actor_for
from core.actors import Channel
from core.addresses import domain_of, in_both_spellings
from organizations.models import Organization
from organizations.services import slugs
from signin.forms import AddressForm, NewPasswordForm, OperatorSignInForm, PasswordAgainForm
from signin.services import passwords, sign_in
from users.services import account_requests, accounts

# Where the address that was typed first waits for the second page; not in the address line, which is logged.
TYPED_ADDRESS = "sign-in-address"


@never_cache
@rate_limit(action="login")
def find_organization(request: HttpRequest) -> HttpResponse:
    """Take an e-mail address and go on to its organization; only the domain is looked at, never the account."""
    if request.user.is_authenticated:
        return redirect("settings:index")
    if request.method == "GET" and (suspended := sign_in.suspended_organization(request)):
        return redirect("sign-in", suspended.slug)
    form = AddressForm(request.POST or None)
    unknown_domain = ""
    if request.method == "POST" and form.is_valid():
        address = form.cleaned_data["email"]
        organization = sign_in.organization_of_address(address)
        if organization:
            request.session[TYPED_ADDRESS] = address
            return redirect(_with_next(request, reverse("sign-in", args=[organization.slug])))
        unknown_domain = in_both_spellings(domain_of(address))
    context = {"title": "Sign in", "form": form, "unknown_domain": unknown_domain, "next": _next(request)}
    return render(request, "signin/address.html", context)


class _InOrganization:
    """A page of one organization, which says no more than that where the organization is suspended.

    A slug that the organization has had leads to the present one.
    """

    organization: Organization

    def dispatch(self, request: HttpRequest, *args: Any, slug: str, **kwargs: Any) -> HttpResponseBase:
        organization = sign_in.organization_called(slug)
        if organization is None:
            moved = slugs.organization_formerly(slug)
            if moved is None:
                raise Http404("No organization signs in here. Start with your e-mail address.")
            match = request.resolver_match
            return redirect(_with_next(request, reverse(match.view_name if match else "sign-in", args=[moved.slug])))
        if not organization.is_active:
            return suspended(request)
        self.organization = organization
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)  # type: ignore[misc]
        return response

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "organization": self.organization}  # type: ignore[misc]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(organization=self.organization, **kwargs)  # type: ignore[misc]
        return context


def suspended(request: HttpRequest) -> HttpResponse:
    """Say to anybody that the organization is suspended and whom to ask, and nothing else about it."""
    context = {"title": "This organization is suspended", "contact": settings.OPERATOR_CONTACT}
    answer = render(request, "signin/suspended.html", context, status=403)
    add_never_cache_headers(answer)
    return answer


class SignIn(_InOrganization, views.LoginView):
    """E-mail address and password inside one organization."""

    template_name = "signin/password.html"
    extra_context = {"title": "Sign in"}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Everybody is offered to sign up, or nobody."""
        return super().get_context_data(may_ask=account_requests.are_open(self.organization.pk), **kwargs)

    def get_initial(self) -> dict[str, Any]:
        """The address that led here."""
        return {"login": self.request.session.get(TYPED_ADDRESS, "")}


class OperatorSignIn(views.LoginView):
    """The name and password of an operator, with the limits that everybody has."""

    template_name = "signin/operator.html"
    extra_context = {"title": "Operators' sign-in"}

    def get_form_class(self) -> type[OperatorSignInForm]:
        """The form that finds operators only."""
        return OperatorSignInForm


class ForgottenPassword(_InOrganization, views.PasswordResetView):
    """Ask for a link by which to set a password, also the first one; the answer never tells whether one was sent."""

    template_name = "signin/forgotten.html"
    extra_context = {"title": "Set a new password"}
    success_url = reverse_lazy("account_login")

    def get_initial(self) -> dict[str, Any]:
        """The address that led here."""
        return {"email": self.request.session.get(TYPED_ADDRESS, "")}

    def form_valid(self, form: Any) -> HttpResponse:
        """Say the same to everybody."""
        response: HttpResponse = super().form_valid(form)
        if response.status_code != 302:
            return response
        context = {"title": "Look into your mail", "organization": self.organization}
        return render(self.request, "signin/mailed.html", context)


class NewPassword(views.PasswordResetFromKeyView):
    """Where the link in the mail leads."""

    form_class = NewPasswordForm
    template_name = "signin/new_password.html"
    extra_context = {"title": "Set a new password"}

    def get_form_kwargs(self) -> dict[str, Any]:
        """Whoever has the link acts for the account."""
        by = actor_for(self.reset_user, self.request, Channel.SIGN_IN) if self.reset_user else None
        return {**super().get_form_kwargs(), "by": by}

    def form_valid(self, form: NewPasswordForm) -> HttpResponse:
        """Set the password, unless somebody else with the same link was quicker."""
        try:
            response: HttpResponse = super().form_valid(form)
        except (passwords.LinkUsed, accounts.UserUnknown):
            return self.render_to_response(self.get_context_data(token_fail=True))
        return response


class NewPasswordSet(views.PasswordResetFromKeyDoneView):
    """The new password is set; nobody is signed in by it."""

    template_name = "signin/new_password_set.html"
    extra_context = {"title": "Your new password is set"}


class Reauthenticate(views.ReauthenticateView):
    """Ask for the password once more before something that matters."""

    form_class = PasswordAgainForm
    template_name = "signin/reauthentication.html"
    extra_context = {"title": "Confirm that it is you"}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With what the password is for, the word of the form that waits for it, and the way back."""
        back = _next(self.request)
        own = {
            "act": reauthentication.act_to_confirm(self.request, back),
            "back": back or reverse("settings:index"),
            "waiting": _waiting(self.request),
            "waiting_field": reauthentication.WAITING_FIELD,
        }
        return super().get_context_data(**own, **kwargs)

    def form_valid(self, form: PasswordAgainForm) -> HttpResponseBase:
        """Do what has waited for it, else lead on to where somebody came from."""
        response: HttpResponseBase = super().form_valid(form)
        word = _waiting(self.request)
        return reauthentication.carry_on(self.request, word, _next(self.request)) if word else response


class SignOut(views.LogoutView):
    """End the session; by GET it only asks."""

    template_name = "signin/sign_out.html"
    extra_context = {"title": "Sign out"}


def _waiting(request: HttpRequest) -> str:
    """The word of the form that waits for the password; empty where none does."""
    return request.POST.get(reauthentication.WAITING_FIELD) or request.GET.get(reauthentication.WAITING_FIELD) or ""


def _next(request: HttpRequest) -> str:
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    return wanted if url_has_allowed_host_and_scheme(wanted, allowed_hosts=None) else ""


def _with_next(request: HttpRequest, address: str) -> str:
    wanted = _next(request)
    return f"{address}?{urlencode({'next': wanted})}" if wanted else address
