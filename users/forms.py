"""The forms of the way in: an address that leads to an organization, a password in it, and a new password by mail."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import LoginForm, ReauthenticateForm, ResetPasswordKeyForm
from allauth.account.forms import ResetPasswordForm as MailForm
from django import forms

from organizations.models import Organization
from users.models import User
from users.services import sign_in

LONGEST_NAME = 254
LONGEST_PASSWORD = 1024

PASSWORD_ADVICE = "At least 10 characters. A few unrelated words make a good one."  # noqa: S105


class AddressForm(forms.Form):
    """The e-mail address whose domain says where to sign in."""

    email = forms.EmailField(
        label="E-mail address",
        max_length=LONGEST_NAME,
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True}),
        error_messages={
            "required": "Enter your e-mail address.",
            "invalid": "Enter an address such as you@example.com.",
        },
    )


class SignInForm(LoginForm):
    """A userName or e-mail address inside one organization, and its password."""

    def __init__(self, *args: Any, organization: Organization | None, **kwargs: Any) -> None:
        self.organization = organization
        super().__init__(*args, **kwargs)
        self.fields["login"] = forms.CharField(
            label="E-mail address",
            max_length=LONGEST_NAME,
            widget=forms.TextInput(attrs={"autocomplete": "username", "inputmode": "email", "autocapitalize": "none"}),
            error_messages={"required": "Enter your e-mail address."},
        )
        self.fields["password"] = forms.CharField(
            label="Password",
            max_length=LONGEST_PASSWORD,
            strip=False,
            widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
            error_messages={"required": "Enter your password."},
        )
        self.fields["remember"].label = "Keep me signed in on this device"
        self.order_fields(["login", "password", "remember"])

    def user_credentials(self) -> dict[str, str]:
        """What the backend is asked with, whatever name was typed: the account's own key."""
        assert self.organization is not None  # noqa: S101  (only operators have none)
        key = sign_in.sign_in_key(self.cleaned_data["login"], organization_id=self.organization.pk)
        return {"username": key, "password": self.cleaned_data["password"]}


class OperatorSignInForm(SignInForm):
    """An operator's name or e-mail address, and the password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, organization=None, **kwargs)
        self.fields["login"].label = "Name or e-mail address"
        del self.fields["remember"]

    def clean(self) -> dict[str, Any]:
        """Sessions of operators end with the browser."""
        return {**super().clean(), "remember": False}

    def user_credentials(self) -> dict[str, str]:
        """What the backend is asked with: never the key of an account of an organization."""
        key = sign_in.operators_sign_in_key(self.cleaned_data["login"])
        return {"username": key, "password": self.cleaned_data["password"]}


class ResetPasswordForm(MailForm):
    """The address to which a link for a new password goes, if an account of this one organization has it."""

    def __init__(self, *args: Any, organization: Organization, **kwargs: Any) -> None:
        self.organization = organization
        super().__init__(*args, **kwargs)
        self.fields["email"].label = "E-mail address"
        _plain(self, "email", maxlength=LONGEST_NAME)

    def clean_email(self) -> str:
        """Find the one account, never by the address alone."""
        address: str = self.cleaned_data["email"]
        user = User.objects.known_as(self.organization.pk, address)
        # Nobody takes the same way, on which the mail is withheld: no answer takes less time or fewer statements.
        found = user if user and user.is_active else _nobody(address)
        found.organization = self.organization
        self.users = [found]
        return address


def _nobody(address: str) -> User:
    nobody = User(email=address)
    # The database makes one for each user that it has.
    nobody.sign_in_key = ""
    return nobody


class ProveAgainForm(ReauthenticateForm):
    """The password of whoever is signed in, once more."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _plain(self, "password", autofocus=True)


class NewPasswordForm(ResetPasswordKeyForm):
    """A new password, twice."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _plain(self, "password1", autofocus=True)
        _plain(self, "password2")
        self.fields["password1"].label, self.fields["password2"].label = "New password", "The same again"
        self.fields["password1"].help_text = PASSWORD_ADVICE


def _plain(form: forms.Form, name: str, **attributes: Any) -> None:
    """Take away the grey text in a field, which says what its label says."""
    field = form.fields[name]
    field.widget.attrs.pop("placeholder", None)
    field.widget.attrs |= {"maxlength": LONGEST_PASSWORD, **attributes}
