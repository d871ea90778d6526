"""Who asks the API: the person whose personal token stands in the Authorization header (RFC 6750)."""

from datetime import timedelta
from http import HTTPStatus

from django.conf import settings
from django.db.models import Subquery
from django.http import HttpRequest
from django.utils import timezone

from core import turns
from core.actors import address_of_caller
from core.bearer_tokens import presented
from users.api.problems import Problem
from users.models import PersonalToken
from users.services.personal_tokens import TokenScope

REALM = 'Bearer realm="SaaS Manager"'
INVALID = "The bearer token is missing or not valid. Use a personal token that is neither revoked nor expired."

# A token's last use is written down at most this often.
NOTED_EVERY = timedelta(minutes=1)


def token_of(request: HttpRequest, scope: TokenScope, permission: str, **more: Subquery) -> PersonalToken:
    """The valid token that a request shows, with its person and ``more`` about it, in one statement.

    Raises Problem: 401 for one that is not valid, in one same way whatever is wrong with it, and 403 for one that is
    not good for this, or whose person isn't, or while the organization is suspended.
    """
    digest = presented(request.META.get("HTTP_AUTHORIZATION", ""))
    tokens = PersonalToken.objects.live().select_related("user__role", "organization").annotate(**more)
    token: PersonalToken | None = tokens.filter(digest=digest).first() if digest else None
    if token is None or not token.user.is_active:
        turns.tell(request.META, "")
        challenge = f'{REALM}, error="invalid_token"' if digest else REALM
        raise Problem(HTTPStatus.UNAUTHORIZED, INVALID, {"WWW-Authenticate": challenge})
    turns.tell(request.META, token.organization.slug)
    if not token.organization.is_active:
        raise Problem(
            HTTPStatus.FORBIDDEN,
            f"This organization is suspended. Its Admins can ask {settings.OPERATOR_CONTACT}; this token is valid "
            "again when the organization is reactivated.",
        )
    if scope not in token.scopes.split():
        raise Problem(
            HTTPStatus.FORBIDDEN,
            f"This personal token lacks the scope {scope}. Make one that has it.",
            {"WWW-Authenticate": f'{REALM}, error="insufficient_scope", scope="{scope}"'},
        )
    if not token.user.has_perm(permission):
        raise Problem(
            HTTPStatus.FORBIDDEN,
            f"The role of {token.user} does not allow this. Ask an Admin of the organization.",
        )
    _note_use(token, request)
    return token


def _note_use(token: PersonalToken, request: HttpRequest) -> None:
    now = timezone.now()
    if token.last_used_at and now - token.last_used_at < NOTED_EVERY:
        return
    PersonalToken.objects.of(token.organization_id).filter(pk=token.pk).update(
        last_used_at=now,
        last_used_address=address_of_caller(request.META) or None,
        last_used_client=request.META.get("HTTP_USER_AGENT", "").replace("\x00", "")[:200],
    )
