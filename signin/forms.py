"""The forms of sign-in: an address, a password, and a new password by mail."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import LoginForm, ReauthenticateForm, ResetPasswordKeyForm
from allauth.account.forms import ResetPasswordForm as MailForm
from django import forms
from django.core.exceptions import ValidationError

from core.actors import Actor
from core.addresses import (
    AddressError,
    Respelling,
    canonical,
    check_address,
    check_mailable,
    is_respelled,
    respelled,
)
from organizations.models import Organization
from signin.services import passwords, sign_in
from users.models import User

LONGEST_NAME = 254
LONGEST_PASSWORD = 1024

ADDRESS_INPUT = {"autocomplete": "username", "inputmode": "email", "autocapitalize": "none", "spellcheck": "false"}

PASSWORD_HINT = "At least 10 characters. A few unrelated words make a good one."  # noqa: S105


class AddressField(forms.CharField):
    """An e-mail address by our own rules; Django's field reads domains as IDNA 2003 does, which is not where mail goes.

    Its input is of type text: browsers encode the domain that is typed into one of type email, some by IDNA 2003.
    """

    def clean(self, value: Any) -> str:
        """The address as it was typed. Raises ValidationError for what is none."""
        typed: str = super().clean(value)
        if "@" not in typed:
            raise ValidationError("Enter an address such as you@example.com.", code="invalid")
        try:
            check_address(typed)
        except AddressError as error:
            raise ValidationError(str(error), code="invalid") from None
        return typed


class AddressForm(forms.Form):
    """A form that asks for an e-mail address, and gives it back with its domain in canonical form.

    Where that differs by more than ASCII case from what was typed, the form is invalid until it is sent once more with
    the canonical form in ``confirmed``, a button that the page offers. Nobody's account is looked at before.
    """

    email = AddressField(
        label="E-mail address",
        max_length=LONGEST_NAME,
        widget=forms.TextInput(attrs={**ADDRESS_INPUT, "autofocus": True}),
        error_messages={"required": "Enter your e-mail address."},
    )
    # Whether mail is sent to the address, which the question then says.
    is_mailed = False
    respelling: Respelling | None = None

    def clean_email(self) -> str:
        """The address with its canonical domain.

        Raises ValidationError while that is to be confirmed, and for an address that is to be mailed and can't be.
        """
        typed: str = self.cleaned_data["email"]
        if self.is_mailed:
            try:
                check_mailable(typed)
            except AddressError as error:
                raise ValidationError(str(error), code="invalid") from None
        address = respelled(typed)
        if is_respelled(typed) and self.data.get("confirmed") != address:
            self.respelling = Respelling.of(typed)
            # The question is what is to be looked at, so no field takes the focus from it.
            for field in self.fields.values():
                field.widget.attrs.pop("autofocus", None)
            raise ValidationError(f"You typed {typed}, which is {address}. Confirm that.", code="respelled")
        return address


class SignInForm(LoginForm):
    """A userName or e-mail address inside one organization, and its password."""

    def __init__(self, *args: Any, organization: Organization | None, **kwargs: Any) -> None:
        self.organization = organization
        super().__init__(*args, **kwargs)
        self.fields["login"] = forms.CharField(
            label="E-mail address",
            max_length=LONGEST_NAME,
            widget=forms.TextInput(attrs=ADDRESS_INPUT),
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


class ResetPasswordForm(AddressForm, MailForm):
    """The address to which a link for a new password goes, if an account of this one organization has it."""

    is_mailed = True

    def __init__(self, *args: Any, organization: Organization, **kwargs: Any) -> None:
        self.organization = organization
        super().__init__(*args, **kwargs)
        self.fields["email"].widget.attrs |= {"autocomplete": "email", "autofocus": False}

    def clean_email(self) -> str:
        """Find the one account, never by the address alone; attempts are counted by the canonical form."""
        key = canonical(super().clean_email())
        user = User.objects.known_as(self.organization.pk, key)
        # Nobody takes the same way, on which the mail is withheld: no answer takes less time or fewer statements.
        found = user if user and user.is_active else _nobody(key)
        found.organization = self.organization
        self.users = [found]
        return key


def _nobody(address: str) -> User:
    nobody = User(email=address)
    # The database makes one for each user that it has.
    nobody.sign_in_key = ""
    return nobody


class PasswordAgainForm(ReauthenticateForm):
    """The password of whoever is signed in, once more."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _plain(self, "password", autofocus=True)


class NewPasswordForm(ResetPasswordKeyForm):
    """A new password, twice."""

    def __init__(self, *args: Any, by: Actor | None = None, **kwargs: Any) -> None:
        self.by = by
        super().__init__(*args, **kwargs)
        _plain(self, "password1", autofocus=True)
        _plain(self, "password2")
        self.fields["password1"].label, self.fields["password2"].label = "New password", "The same again"
        self.fields["password1"].help_text = PASSWORD_HINT

    def save(self) -> None:
        """Use up the link. Raises LinkUsed, UserUnknown."""
        assert self.by is not None  # noqa: S101  (the page says who it is)
        passwords.set_by_link(self.user.pk, self.cleaned_data["password1"], key=self.temp_key, by=self.by)


def _plain(form: forms.Form, name: str, **attributes: Any) -> None:
    """Take away the grey text in a field, which says what its label says."""
    field = form.fields[name]
    field.widget.attrs.pop("placeholder", None)
    field.widget.attrs |= {"maxlength": LONGEST_PASSWORD, **attributes}
