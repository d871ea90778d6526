"""The answers that django-allauth asks us for: who may sign in, and that nobody signs up through it."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from console.requests import actor_for
from core.actors import Channel, address_of_caller
from organizations.services import outbox
from signin.services import sign_in
from users.models import User
from users.services import own_addresses


class AccountAdapter(DefaultAccountAdapter):
    """Accounts are made by SCIM, by invitation or by an approved request, never by allauth's own sign-up."""

    # One answer for a wrong password, an unknown name, a suspended account and one without a password.
    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "username_password_mismatch": "This e-mail address and password don't open an account here. Check both.",
        "incorrect_password": "This is not your password.",
        # As ACCOUNT_RATE_LIMITS has it: a failure counts for a minute, those for one account for five.
        "too_many_login_attempts": (
            "There were too many attempts. Try again in a minute, or in five if they were all for one account."
        ),
        "invalid_password_reset": "This link has been used or is too old. Ask for a new one.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Never."""
        return False

    def add_message(self, *args: Any, **kwargs: Any) -> None:
        """Say nothing: the page that follows shows what happened."""

    def get_client_ip(self, request: HttpRequest) -> str:
        """The address by which attempts are counted; a forged header is no error."""
        return address_of_caller(request.META)

    def post_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse:
        """Keep the sign-in in the trail."""
        sign_in.record(user, by=actor_for(user, request, Channel.SIGN_IN))
        response: HttpResponse = super().post_login(request, user, **kwargs)
        return response

    def reauthenticate(self, user: User, password: str) -> bool:
        """Ask for the password of this one account; counting by e-mail would lock out namesakes elsewhere."""
        reauthenticated = self.authenticate(self.request, username=user.sign_in_key, password=password)
        return reauthenticated is not None and reauthenticated.pk == user.pk

    def get_logout_redirect_url(self, request: HttpRequest) -> str:
        """Back to where people of this organization sign in."""
        user: Any = request.user
        if user.is_authenticated and user.organization:
            return reverse("sign-in", args=[user.organization.slug])
        return reverse("admin:login" if user.is_authenticated else "account_login")

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """To the Settings, or to the operators' own pages."""
        user: Any = request.user
        return reverse("admin:index") if user.is_superuser else str(settings.LOGIN_REDIRECT_URL)

    def get_reset_password_from_key_url(self, key: str) -> str:
        """The link in the mail, at our public address whatever the request calls us."""
        path = reverse("account_reset_password_from_key", kwargs={"uidb36": "UID", "key": "KEY"})
        return settings.BASE_URL + path.replace("UID-KEY", quote(key))

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Leave it to the outbox: the time of the answer must not tell whether there was anybody to mail.

        ``email`` only tells which of the account's own addresses is meant. Withheld from a user who has had enough of
        them lately, and from one who is not there. A user who may set no password by mail for now reads that in place
        of the link.
        """
        user: User = context["user"]
        name = template_prefix.rpartition("/")[2]
        if name == "password_reset_key" and user.is_password_reset_blocked:
            name = "password_reset_blocked"
        counted_as = f"reset/{user.pk}"
        with transaction.atomic():
            is_there = User.objects.select_for_update(of=("self",), no_key=True).filter(pk=user.pk).first() is not None
            is_withheld = not outbox.may_send(counted_as) or not is_there
            outbox.send(
                name,
                to=own_addresses.address_called(user, email),
                context=context,
                organization_id=user.organization_id,
                counted_as=counted_as,
                is_withheld=is_withheld,
            )
