"""What makes a link to set a password good: use, sign-in, suspension and a change of address end it."""

from typing import Any

from django.contrib.auth.tokens import PasswordResetTokenGenerator

from users.models import User


class ResetTokenGenerator(PasswordResetTokenGenerator):
    """Django's own, bound to ``session_epoch``, userName and e-mail address, and to when either was changed last.

    What ends all sessions ends the links that were mailed before. A link that went to a former address stays dead when
    the user has that address again.
    """

    def _make_hash_value(self, user: Any, timestamp: int) -> str:
        changed_at = user.address_changed_at
        own = f"{user.session_epoch}{user.user_name}{changed_at and changed_at.timestamp()}"
        return f"{super()._make_hash_value(user, timestamp)}{own}"

    def check_token(self, user: Any, token: str | None) -> bool:
        """Whether the link may be used now: not while user or organization are suspended, or resets are blocked."""
        if not isinstance(user, User) or not user.is_active or user.is_password_reset_blocked:
            return False
        if user.organization is not None and not user.organization.is_active:
            return False
        return super().check_token(user, token)
