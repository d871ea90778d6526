"""What makes a link to set a password good: it dies when it is used, by a sign-in, and with a suspension."""

from typing import Any

from django.contrib.auth.tokens import PasswordResetTokenGenerator


class ResetTokenGenerator(PasswordResetTokenGenerator):
    """Django's own, bound to ``session_epoch`` too: what ends all sessions ends the links that were mailed before."""

    def _make_hash_value(self, user: Any, timestamp: int) -> str:
        return f"{super()._make_hash_value(user, timestamp)}{user.session_epoch}"

    def check_token(self, user: Any, token: str | None) -> bool:
        """Whether the link may be used now: never by somebody who is suspended."""
        return user is not None and user.is_active and super().check_token(user, token)
