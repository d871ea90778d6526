"""Forms that work once, however often the browser sends them."""

from typing import Any

from django.core import signing
from django.core.cache import cache
from django.http import HttpRequest
from django.utils.crypto import get_random_string

from core.refusals import Refusal

# Seconds: a form can be sent within a day of the page that carried it.
FORM_LIFE = 24 * 3600


class AlreadyShown(Refusal):
    """The form that made a token was sent again."""

    code = "already-shown"


class FormTooOld(Refusal):
    """The page has been open for longer than its form lives."""

    code = "form-too-old"


def value(request: HttpRequest, salt: str) -> str:
    """What a form of that kind carries in its field ``once``; it is good for whoever is signed in only."""
    return signing.dumps([str(request.user.pk), get_random_string(16)], salt=salt)


def use_up(request: HttpRequest, salt: str) -> None:
    """Let the form that was sent not be sent again. Raises FormTooOld and AlreadyShown."""
    sent: Any = request.POST.get("once", "")
    try:
        owner, once = signing.loads(sent, salt=salt, max_age=FORM_LIFE)
    except signing.BadSignature:
        owner, once = "", ""
    if owner != str(request.user.pk):
        raise FormTooOld("This page has been open for too long. Generate the token again from here.")
    if not cache.add(f"token-form:{once}", 1, FORM_LIFE):
        raise AlreadyShown(
            "This token has already been shown, and no other was made. If you did not keep it, revoke it and generate "
            "a new one."
        )
