"""The pages of sign-up: an address, a name, and the link that proves the address."""

from __future__ import annotations

from typing import Any

from allauth.core import ratelimit
from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache

from console.requests import request_id
from core.actors import address_of_caller
from core.addresses import canonical, domain_of, in_both_spellings
from core.refusals import Refusal
from organizations.models import Organization
from signin.forms import AddressForm
from signin.services import sign_in
from signin.views.sign_in import TYPED_ADDRESS, suspended
from users.services import account_requests
from users.services.account_requests import LinkInvalid


class SignUpForm(AddressForm):
    """Who asks for an account."""

    is_mailed = True
    name = forms.CharField(
        label="Your name",
        max_length=account_requests.LONGEST_NAME,
        widget=forms.TextInput(attrs={"autocomplete": "name", "autofocus": True}),
        error_messages={"required": "Enter your name."},
    )
    field_order = ("name", "email")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].widget.attrs.pop("autofocus")


@never_cache
def find_organization(request: HttpRequest) -> HttpResponse:
    """Take an e-mail address and go on to the organization of its domain; accounts are not looked at."""
    form = AddressForm(request.POST or None)
    unknown_domain = ""
    if request.method == "POST" and form.is_valid():
        if not ratelimit.consume(request, action="login"):
            return _too_many(request)
        address = form.cleaned_data["email"]
        organization = sign_in.organization_of_address(address)
        if organization and account_requests.are_open(organization.pk):
            request.session[TYPED_ADDRESS] = address
            return redirect("sign-up-in", organization.slug)
        unknown_domain = in_both_spellings(domain_of(address))
    context = {"title": "Sign up", "form": form, "unknown_domain": unknown_domain}
    return render(request, "signin/sign_up_address.html", context)


@never_cache
def sign_up(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask an organization for an account; whatever it knows of the address, the answer is the same."""
    organization = sign_in.organization_called(slug)
    if organization is not None and not organization.is_active:
        return suspended(request)
    if organization is None or not account_requests.are_open(organization.pk):
        raise Http404("Nobody can sign up here. Ask your Admin for an account.")
    form = SignUpForm(request.POST or None, initial={"email": request.session.get(TYPED_ADDRESS, "")})
    context = {"title": "Sign up", "organization": organization, "form": form}
    if request.method == "POST" and form.is_valid():
        if not _may_ask(request, form.cleaned_data["email"], organization):
            return _too_many(request)
        try:
            account_requests.ask(form.cleaned_data["name"], form.cleaned_data["email"], organization=organization)
        except Refusal as refusal:
            form.add_error(None, refusal.message)
        else:
            return render(request, "signin/sign_up_mailed.html", {**context, "title": "Look into your mail"})
    return render(request, "signin/sign_up.html", context)


@never_cache
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """Where the mailed link leads: a GET only asks, so that no mail scanner uses the link up."""
    try:
        if request.method == "POST":
            address = address_of_caller(request.META)
            asked = account_requests.confirm(token, address=address, request_id=request_id())
        else:
            asked = account_requests.read(token)
    except LinkInvalid as refusal:
        context: dict[str, Any] = {"title": "This link no longer works", "refusal": refusal.message}
        return render(request, "signin/sign_up_confirm.html", context, status=404)
    context = {"title": "Confirm your address", "organization": asked.organization, "asked": asked}
    return render(request, "signin/sign_up_confirm.html", context)


def _may_ask(request: HttpRequest, address: str, organization: Organization) -> bool:
    """Attempts count for every address alike, whatever is known of it."""
    key = f"{organization.pk}/{canonical(address)}"
    return ratelimit.consume(request, action="ask_for_account", key=key) and ratelimit.consume(
        request, action="ask_in_organization", key=str(organization.pk)
    )


def _too_many(request: HttpRequest) -> HttpResponse:
    answer = render(request, "signin/sign_up_too_often.html", {"title": "Too many attempts"}, status=429)
    answer["Retry-After"] = "3600"
    return answer
