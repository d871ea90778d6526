"""Forms that actions are sent: typed fields, and which of them a person fills in."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from core.parsing import id_of, number_of
from core.refusals import Malformed

# What a switch sends; it never says "the other one".
STATES = {"on": True, "off": False}


class SentByThePage(forms.Field):
    """A field that the page fills in itself. Where it can't be read, the page is at fault and the form is Malformed."""

    widget = forms.HiddenInput


class SwitchField(SentByThePage):
    """The state that a switch asks for, as a bool."""

    def clean(self, value: Any) -> bool:
        """Read ``on`` or ``off``."""
        if value not in STATES:
            raise ValidationError("Neither on nor off.")
        return STATES[value]


class IdField(SentByThePage):
    """An id, as a UUID; None where it is not sent and not required."""

    def clean(self, value: Any) -> UUID | None:
        """Read a UUID in its usual form."""
        if value is None and not self.required:
            return None
        if (found := id_of(value or "")) is None:
            raise ValidationError("No id.")
        return found


class NumberField(SentByThePage):
    """A whole number that is not negative, such as the version that the page has shown.

    It is 0 where it is not sent and not required.
    """

    def clean(self, value: Any) -> int:
        """Read at most nine digits."""
        if value is None and not self.required:
            return 0
        if (found := number_of(value or "")) is None:
            raise ValidationError("No number.")
        return found


class AsTypedField(forms.Field):
    """A text that may hold anything, for a search or a way back; it is empty where it is not sent."""

    def __init__(self) -> None:
        super().__init__(required=False)

    def clean(self, value: Any) -> str:
        """Take it as it is."""
        return str(value or "")


class ActionForm(forms.Form):
    """What an action is sent, which its view reads from ``cleaned_data``."""

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request.POST)

    def check(self) -> bool:
        """Whether what a person filled in can be taken. Raises Malformed for what the page did."""
        if any(isinstance(self.fields[name], SentByThePage) for name in self.errors):
            raise Malformed
        return self.is_valid()


class SwitchForm(ActionForm):
    """The form of a switch."""

    wanted = SwitchField()

    @property
    def is_on(self) -> bool:
        """The state that is asked for."""
        return bool(self.cleaned_data["wanted"])


class VersionForm(ActionForm):
    """A button about something in the version that the page has shown."""

    expected_version = NumberField()

    @property
    def version(self) -> int:
        """The version that was shown."""
        return int(self.cleaned_data["expected_version"])
