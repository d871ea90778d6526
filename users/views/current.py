"""The user who is signed in."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest

from console.requests import member_of
from users.models import User


def user_of(request: HttpRequest) -> User:
    """The user who is signed in, or an operator on a visit, who looks like one to pages that only show."""
    return cast(User, member_of(request))
