"""Verbs on SCIM connections and their tokens: generate, revoke, and the switches."""

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from audit import trail
from audit.actions import Action
from audit.actors import Actor
from organizations.models import Organization
from organizations.refusals import Refusal
from scim.models import Connection, Token
from scim.services import notices
from users.services import authority
from users.services.authority import BeyondOwnRights

MAX_LIVE_TOKENS = 5


class TooManyTokens(Refusal):
    """The connection has as many live tokens as it may."""

    code = "too-many-tokens"


class TokenMissing(Refusal):
    """SCIM can't be enabled before there is a token that could be used."""

    code = "token-missing"


class TokenUnknown(Refusal):
    """No such live token in this organization."""

    code = "token-unknown"


def base_url(organization: Organization) -> str:
    """The address that the identity provider is given; never with a slash at its end."""
    return base_url_at(organization.slug)


def base_url_at(slug: str) -> str:
    """The same by the organization's slug."""
    return f"{settings.BASE_URL}/scim/{slug}/v2"


def default_connection(organization_id: UUID) -> Connection:
    """The connection that was made with the organization."""
    return Connection.objects.of(organization_id).earliest("created_at")


def live_tokens(connection: Connection) -> list[Token]:
    """The connection's tokens that are neither revoked nor expired, newest first."""
    return list(_live(connection))


@transaction.atomic
def generate_token(connection: Connection, *, by: Actor, days: int | None = None) -> tuple[Token, str]:
    """Add a token to the connection and return it with its text, which nobody can see again.

    It never ends another token. ``days`` is the life time, None for ever. Raises TooManyTokens.
    """
    connection = _locked(connection, by)
    if _live(connection).count() >= MAX_LIVE_TOKENS:
        raise TooManyTokens(
            f"There are {MAX_LIVE_TOKENS} live tokens. Revoke one that your identity provider no longer uses first."
        )
    token = Token(
        organization_id=by.organization_id,
        connection=connection,
        created_by_id=by.user_id,
        created_by_label=by.label,
        expires_at=timezone.now() + timedelta(days=days) if days else None,
    )
    text = token.draw()
    token.save(force_insert=True)
    trail.record(Action.TOKEN_GENERATED, token, by=by)
    notices.token_made(token, by=by)
    return token, text


@transaction.atomic
def revoke_token(token_id: UUID, *, by: Actor) -> Token:
    """End a token at once. Raises TokenUnknown."""
    token = Token.objects.of(by.organization_id).select_for_update().filter(pk=token_id, revoked_at=None).first()
    if token is None:
        raise TokenUnknown("This token has been revoked already. Reload the page.")
    token.revoked_at = timezone.now()
    token.save(update_fields=["revoked_at"])
    trail.record(Action.TOKEN_REVOKED, token, by=by)
    return token


def set_enabled(connection: Connection, wanted: bool, *, by: Actor) -> Connection:
    """Make the connection's tokens valid, or stop them all; asking for what is so already changes nothing.

    Raises TokenMissing when there is no token to make valid.
    """
    with transaction.atomic():
        connection = _locked(connection, by)
        if wanted and not connection.enabled and not _live(connection).exists():
            raise TokenMissing("Generate a token before you enable SCIM.")
        switching = connection.enabled != wanted
        connection = _switch(connection, "enabled", wanted, (Action.SCIM_ENABLED, Action.SCIM_DISABLED), by=by)
        if switching:
            notices.switched(connection, by=by)
        return connection


def set_manage_admins(connection: Connection, wanted: bool, *, by: Actor) -> Connection:
    """Let SCIM give, take and manage Admins, or not; asking for what is so already changes nothing.

    Only an Admin may let it: else whoever sets up SCIM could make Admins. Raises BeyondOwnRights.
    """
    if wanted and not authority.behind(by).is_whole:
        raise BeyondOwnRights("Only an Admin can let SCIM give and take the Admin role. Ask one of your organization.")
    actions = Action.SCIM_ADMIN_ALLOWED, Action.SCIM_ADMIN_DISALLOWED
    return _switch(connection, "manage_admins", wanted, actions, by=by)


def set_strict(connection: Connection, wanted: bool, *, by: Actor) -> Connection:
    """Refuse what clients get wrong, or go on healing it; asking for what is so already changes nothing."""
    return _switch(connection, "strict", wanted, (Action.SCIM_STRICT, Action.SCIM_LENIENT), by=by)


def set_groups_enabled(connection: Connection, wanted: bool, *, by: Actor) -> Connection:
    """Offer groups to the identity provider, or not; asking for what is so already changes nothing.

    Groups that are there stay with their members; while this is off, SCIM can neither read nor change them.
    """
    actions = Action.SCIM_GROUPS_ALLOWED, Action.SCIM_GROUPS_DISALLOWED
    return _switch(connection, "groups_enabled", wanted, actions, by=by)


@transaction.atomic
def _switch(
    connection: Connection, name: str, wanted: bool, actions: tuple[Action, Action], *, by: Actor
) -> Connection:
    """Turn a boolean of the connection on or off; ``actions`` are what the trail calls the one and the other."""
    connection = _locked(connection, by)
    if getattr(connection, name) == wanted:
        return connection
    setattr(connection, name, wanted)
    connection.save(update_fields=[name])
    turned_on, turned_off = actions
    trail.record(turned_on if wanted else turned_off, connection, {name: [not wanted, wanted]}, by=by)
    return connection


def _locked(connection: Connection, by: Actor) -> Connection:
    found: Connection = Connection.objects.of(by.organization_id).select_for_update().get(pk=connection.pk)
    return found


def _live(connection: Connection) -> QuerySet[Token]:
    return Token.objects.of(connection.organization_id).live().filter(connection=connection)
