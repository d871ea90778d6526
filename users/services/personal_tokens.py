"""Verbs on personal tokens: make and revoke. Suspending or deleting a person ends theirs, see ``accounts``."""

from collections.abc import Collection
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from audit.actions import Action
from audit.services import trail
from core.actors import Actor
from core.refusals import Kind, Refusal
from users.models import PersonalToken, User
from users.services import accounts

MAX_LIVE_TOKENS = 10
MAX_DAYS = 366
MAX_NAME = 60


class TokenScope(StrEnum):
    """What a personal token is good for, as far as the person's role goes.

    Who may change the own profile also sees it, since that is the answer.
    """

    READ_ME = "scim.me.read"
    WRITE_ME = "scim.me.write"
    READ_AUDIT_LOG = "audit.read"


class PersonSuspended(Refusal):
    """Nobody acts for a suspended person."""

    code = "person-suspended"


class TokenInvalid(Refusal):
    """The token's name, scopes or life time make no sense."""

    code = "personal-token-invalid"


class TooManyTokens(Refusal):
    """The person has as many live tokens as anybody may."""

    code = "too-many-personal-tokens"


class TokenUnknown(Refusal):
    """No such live token in this organization."""

    code = "personal-token-unknown"
    kind = Kind.UNKNOWN


def live(user: User) -> list[PersonalToken]:
    """The person's tokens that are neither revoked nor expired, newest first."""
    assert user.organization_id is not None  # noqa: S101  (operators have no tokens)
    return list(PersonalToken.objects.of(user.organization_id).live().filter(user=user))


@transaction.atomic
def make(
    user_id: UUID, name: str, scopes: Collection[TokenScope], *, by: Actor, days: int | None = None
) -> tuple[PersonalToken, str]:
    """Add a token to a person and return it with its text, which nobody can see again.

    ``name`` is what the person calls it by, ``days`` the life time, None for ever. Raises TokenInvalid, TooManyTokens,
    PersonSuspended and UserUnknown.
    """
    name = " ".join(name.split())
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise TokenInvalid(f"A token needs a name of at most {MAX_NAME} characters that says what it is for.")
    if not scopes:
        raise TokenInvalid(f"A token needs a scope: {' or '.join(TokenScope)}.")
    if days is not None and not 0 < days <= MAX_DAYS:
        raise TokenInvalid(f"A token lives for 1 to {MAX_DAYS} days, or without an end.")
    user = accounts.find(user_id, organization_id=by.organization_id)
    if not user.is_active:
        raise PersonSuspended(f"{user} is suspended. Restore the person before you make a token.")
    if len(live(user)) >= MAX_LIVE_TOKENS:
        raise TooManyTokens(f"{user} has {MAX_LIVE_TOKENS} live tokens. Revoke one that is no longer used first.")
    token = PersonalToken(
        organization_id=by.organization_id,
        user=user,
        name=name,
        scopes=" ".join(scope for scope in TokenScope if scope in scopes),
        expires_at=timezone.now() + timedelta(days=days) if days else None,
    )
    text = token.draw()
    token.save(force_insert=True)
    trail.record(Action.PERSONAL_TOKEN_MADE, token, {"scopes": [None, token.scopes]}, by=by, label=_label(token))
    return token, text


@transaction.atomic
def revoke(token_id: UUID, *, owner_id: UUID | None = None, by: Actor) -> PersonalToken:
    """End a token at once, with ``owner_id`` only if it is that person's. Raises TokenUnknown."""
    tokens = PersonalToken.objects.of(by.organization_id).select_for_update(of=("self",)).select_related("user")
    if owner_id is not None:
        tokens = tokens.filter(user=owner_id)
    token: PersonalToken | None = tokens.filter(pk=token_id, revoked_at=None).first()
    if token is None:
        raise TokenUnknown("This token has been revoked already.")
    token.revoked_at = timezone.now()
    token.save(update_fields=["revoked_at"])
    trail.record(Action.PERSONAL_TOKEN_REVOKED, token, by=by, label=_label(token))
    return token


def _label(token: PersonalToken) -> str:
    return f"{token} '{token.name}' of {token.user}"
