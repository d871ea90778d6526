"""What makes a link to set a password good: it dies when it is used, by a sign-in, and with a change of address."""

from typing import Any

from django.contrib.auth.tokens import PasswordResetTokenGenerator

from users.models import User


class ResetTokenGenerator(PasswordResetTokenGenerator):
    """Django's own, bound to userName and e-mail address, and to when either was changed last.

    So a link that went to a former address stays dead when the user has that address again.
    """

    def _make_hash_value(self, user: Any, timestamp: int) -> str:
        changed_at = user.address_changed_at
        return f"{super()._make_hash_value(user, timestamp)}{user.user_name}{changed_at and changed_at.timestamp()}"

    def check_token(self, user: Any, token: str | None) -> bool:
        """Whether the link may be used now."""
        is_blocked = isinstance(user, User) and user.is_password_reset_blocked
        return not is_blocked and super().check_token(user, token)
