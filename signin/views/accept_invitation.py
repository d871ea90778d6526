"""The page behind an invitation's link: the new user gives a name and a password."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from allauth.account.internal.flows.login import record_authentication
from allauth.account.utils import perform_login
from allauth.decorators import rate_limit
from django import forms
from django.conf import settings
from django.contrib.auth import logout, password_validation
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache

from console.requests import request_id
from core.actors import Actor, Channel, address_of_caller
from core.refusals import Refusal
from signin.forms import LONGEST_PASSWORD, PASSWORD_HINT
from users.models import Invitation, User
from users.services import invitations

LONGEST_DISPLAY_NAME = 200


class AcceptForm(forms.Form):
    """What the account still lacks: a name and a password."""

    name = forms.CharField(
        label="Your name",
        max_length=LONGEST_DISPLAY_NAME,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        error_messages={"required": "Enter your name, as colleagues know you."},
    )
    password = forms.CharField(
        label="Choose a password",
        max_length=LONGEST_PASSWORD,
        strip=False,
        help_text=PASSWORD_HINT,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        error_messages={"required": "Choose a password."},
    )

    def __init__(self, *args: Any, invitation: Invitation, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.invitation = invitation

    def clean_name(self) -> str:
        """A name on one line."""
        name = " ".join(self.cleaned_data["name"].split())
        if not name.isprintable():
            raise forms.ValidationError("Write your name without control characters.")
        return name

    def clean_password(self) -> str:
        """A password that is good enough for this address."""
        password: str = self.cleaned_data["password"]
        email = self.invitation.email
        password_validation.validate_password(password, User(user_name=email, email=email))
        return password


@never_cache
@rate_limit(action="accept_invitation", limit_get=True)
def accept(request: HttpRequest, token: str) -> HttpResponse:
    """Show an invitation; only sending the form accepts it, for programs that check mails follow links too."""
    try:
        response = _accept(request, token)
    except Refusal as refusal:
        status = 404 if isinstance(refusal, invitations.InvitationUnknown) else 410
        response = render(request, "signin/invitation_over.html", {"title": "Invitation"}, status=status)
    # Nothing that the page leads to is told the address, which is a key.
    response.headers["Referrer-Policy"] = "strict-origin"
    return response


def _accept(request: HttpRequest, token: str) -> HttpResponse:
    invitation = invitations.invitation_for(token)
    form = AcceptForm(request.POST or None, invitation=invitation)
    if request.method == "POST" and form.is_valid():
        user = invitations.accept(
            token,
            name=form.cleaned_data["name"],
            password=form.cleaned_data["password"],
            by=_actor(request, invitation),
        )
        # Ends the session of whoever was signed in here before.
        logout(request)
        record_authentication(request, user, method="password")
        return perform_login(request, user, redirect_url=settings.LOGIN_REDIRECT_URL)
    context = {
        "title": "Invitation",
        "organization": invitation.organization,
        "invitation": invitation,
        "form": form,
    }
    with timezone.override(ZoneInfo(invitation.organization.time_zone)):
        return render(request, "signin/accept_invitation.html", context)


def _actor(request: HttpRequest, invitation: Invitation) -> Actor:
    """Whoever has the link, known by the address that it was mailed to."""
    return Actor(
        organization_id=invitation.organization_id,
        label=invitation.email,
        channel=Channel.SIGN_IN,
        address=address_of_caller(request.META),
        request_id=request_id(),
    )
