"""The one authentication backend: a password opens one account of one organization."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from users.models import User


class AccountBackend(ModelBackend):
    """Find people by ``sign_in_key`` and let nobody in who is suspended or whose organization is suspended."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        """The user whose password this is, else None; a wrong name costs as much time as a wrong password."""
        user: User | None = super().authenticate(request, username or kwargs.get(User.USERNAME_FIELD), password)
        return user

    def user_can_authenticate(self, user: Any) -> bool:
        """Whether the account and its organization are active."""
        return bool(user.is_active and (user.organization is None or user.organization.is_active))

    def get_user(self, user_id: UUID) -> User | None:
        """The signed-in user with organization and role, in one query, if still allowed in."""
        user = User.objects.select_related("organization", "role").filter(pk=user_id).first()
        return user if user and self.user_can_authenticate(user) else None
