"""Verbs on SCIM connections: add, change, remove, tokens and switches."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from audit.actions import Action
from audit.services import trail
from core.actors import Actor
from core.refusals import Kind, Refusal
from organizations.models import Organization
from organizations.services.organizations import lock
from provisioning.models import Connection, IdentityProvider, Token
from provisioning.services.connections import granted_permissions, mails, token_names, transfer
from provisioning.services.fixes import Fix
from users.models import Role
from users.permissions import BuiltIn
from users.services import authority

MAX_LIVE_TOKENS = 5
MAX_CONNECTIONS = 10
LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class Switch:
    """A boolean ``field`` of a connection that admins turn on and off.

    ``opens`` is the state in which the identity provider may do more, and ``act`` what turning it there is called in a
    refusal; ``actions`` are what the trail calls turning it on and off. ``id`` is its place on the page, ``hint``
    stands below its label, ``message`` and ``message_off`` answer who turned it on or off, and ``warns`` where it is
    better off. Requests that were refused for it are fixed by turning it to ``opens``: ``fix`` is that,
    ``proposed_fix`` the button, ``consequence`` what follows and ``fixed`` what is said afterwards.
    """

    field: str
    opens: bool
    act: str
    actions: tuple[Action, Action]
    id: str
    hint: str
    message: str
    message_off: str
    fix: Fix
    proposed_fix: str
    consequence: str
    fixed: str
    warns: bool = False

    @property
    def label(self) -> str:
        """What the switch is called."""
        field: Any = Connection._meta.get_field(self.field)
        return str(field.verbose_name)

    @property
    def opening(self) -> Action:
        """What the trail calls turning it to where the identity provider may do more."""
        turned_on, turned_off = self.actions
        return turned_on if self.opens else turned_off


# By the field, in the order of the page.
SWITCHES: Mapping[str, Switch] = {
    switch.field: switch
    for switch in (
        Switch(
            "enabled",
            opens=True,
            act="turn on Enable SCIM",
            actions=(Action.SCIM_ENABLED, Action.SCIM_DISABLED),
            id="enable-scim",
            hint="Tokens are valid only while this is on.",
            message="SCIM is on.",
            message_off="SCIM is off. No token is valid while it is.",
            fix=Fix.ENABLE_SCIM,
            proposed_fix="Enable SCIM",
            consequence="Every token that is neither revoked nor expired becomes valid: your identity provider "
            "creates, changes and suspends users from then on.",
            fixed="SCIM is on now.",
        ),
        Switch(
            "groups_enabled",
            opens=True,
            act="turn on Groups",
            actions=(Action.SCIM_GROUPS_ALLOWED, Action.SCIM_GROUPS_DISALLOWED),
            id="scim-groups",
            hint="While this is off, your provider is told that there are no groups here. Those that there are stay.",
            message="SCIM manages groups.",
            message_off="SCIM knows no groups now.",
            fix=Fix.ALLOW_GROUPS,
            proposed_fix="Turn on Groups",
            consequence="Your identity provider sees the groups that are here, and makes, changes and deletes groups.",
            fixed="Groups is on now.",
        ),
        Switch(
            "manage_admins",
            opens=True,
            act="let SCIM give and take the Admin role",
            actions=(Action.SCIM_ADMIN_ALLOWED, Action.SCIM_ADMIN_DISALLOWED),
            id="manage-admins",
            hint="While this is off, your provider can neither make somebody Admin nor give an Admin another role.",
            message="SCIM may manage Admins.",
            message_off="SCIM leaves Admins alone.",
            fix=Fix.ALLOW_ADMINS,
            proposed_fix="Let SCIM manage Admins",
            consequence="Your identity provider can make anybody Admin, take the role away, and change or suspend "
            "Admins; the last active one stays.",
            fixed="SCIM may manage Admins now.",
            warns=True,
        ),
        Switch(
            "secondary_addresses",
            opens=True,
            act="allow secondary addresses",
            actions=(Action.SCIM_SECONDARY_ALLOWED, Action.SCIM_SECONDARY_DISALLOWED),
            id="scim-secondary",
            hint="While this is off, every address of a user must lie in a domain with the User requests checkmark. "
            "While it is on, those that are neither userName nor primary may lie anywhere; they are used for nothing.",
            message="Secondary addresses may lie in any domain.",
            message_off="Every address must lie in one of your domains.",
            fix=Fix.ALLOW_SECONDARY,
            proposed_fix="Allow secondary addresses",
            consequence="Your identity provider can give people addresses of any domain beside their own. Those are "
            "shown, and used neither for signing in nor for mails nor to tell people apart.",
            fixed="Secondary addresses of other domains are allowed now.",
        ),
        Switch(
            "strict",
            opens=False,
            act="turn off Strict mode",
            actions=(Action.SCIM_STRICT_ON, Action.SCIM_STRICT_OFF),
            id="scim-strict",
            hint="While this is on, requests that stray from the SCIM standard are refused, not read as they were "
            "meant.",
            message="Strict mode is on.",
            message_off="Strict mode is off.",
            fix=Fix.LEAVE_STRICT,
            proposed_fix="Turn off Strict mode",
            consequence="Requests that stray from the SCIM standard are read as they were meant, and the log says how.",
            fixed="Strict mode is off now.",
        ),
    )
}


class ConnectionUnknown(Refusal):
    """No such connection in this organization."""

    code = "connection-unknown"
    kind = Kind.UNKNOWN

    def __init__(self, message: str = "This connection is no longer here. Reload the page.") -> None:
        super().__init__(message)


class ConnectionNameRefused(Refusal):
    """The name is empty, too long, or another connection's."""

    code = "connection-name-refused"


class TooManyConnections(Refusal):
    """The organization has as many connections as it may."""

    code = "too-many-connections"


class LastConnection(Refusal):
    """The organization would be left without any connection."""

    code = "last-connection"


class TooManyTokens(Refusal):
    """The connection has as many live tokens as it may."""

    code = "too-many-tokens"


class TokenMissing(Refusal):
    """SCIM can't be enabled before there is a token that could be used."""

    code = "token-missing"


class TokenUnknown(Refusal):
    """No such live token in this organization."""

    code = "token-unknown"
    kind = Kind.UNKNOWN


def base_url(organization: Organization) -> str:
    """The address that the identity provider is given; never with a slash at its end."""
    return base_url_at(organization.slug)


def base_url_at(slug: str) -> str:
    """The same by the organization's slug."""
    return f"{settings.BASE_URL}/scim/{slug}/v2"


def default_connection(organization_id: UUID) -> Connection:
    """The connection that was made with the organization, or the oldest that is left."""
    return Connection.objects.of(organization_id).present().earliest("created_at")


def of_organization(organization_id: UUID) -> list[Connection]:
    """All that were not removed; the default one comes first."""
    return list(Connection.objects.of(organization_id).present())


def is_there(organization_id: UUID, connection_id: UUID) -> bool:
    """Whether the organization has a connection of that id, and has not removed it."""
    return Connection.objects.of(organization_id).present().filter(pk=connection_id).exists()


def find(connection_id: UUID, *, organization_id: UUID) -> Connection:
    """The organization's connection of that id. Raises ConnectionUnknown."""
    found = Connection.objects.of(organization_id).present().filter(pk=connection_id).first()
    if found is None:
        raise ConnectionUnknown
    return found


@transaction.atomic
def add(name: str, identity_provider: IdentityProvider, *, by: Actor) -> Connection:
    """Add a connection, turned off and without a token. Raises ConnectionNameRefused, TooManyConnections."""
    present = _all_locked(by)
    if len(present) >= MAX_CONNECTIONS:
        raise TooManyConnections(f"There are {MAX_CONNECTIONS} connections. Remove one that is no longer used first.")
    connection = Connection(
        organization_id=by.organization_id, name=_free(name, present), identity_provider=identity_provider
    )
    connection.save(force_insert=True)
    trail.record(Action.CONNECTION_ADDED, connection, {"identity provider": [None, identity_provider.label]}, by=by)
    return connection


@transaction.atomic
def change(connection: Connection, name: str, identity_provider: IdentityProvider, *, by: Actor) -> Connection:
    """Give a connection another name, or say that another identity provider uses it. Raises ConnectionNameRefused."""
    present = _all_locked(by)
    connection = next((each for each in present if each == connection), connection)
    name = _free(name, [each for each in present if each != connection])
    former = IdentityProvider(connection.identity_provider)
    changes = {
        field: [before, after]
        for field, before, after in (
            ("name", connection.name, name),
            ("identity provider", former.label, identity_provider.label),
        )
        if before != after
    }
    if changes:
        connection.name, connection.identity_provider = name, identity_provider
        connection.save(update_fields=["name", "identity_provider"])
        trail.record(Action.CONNECTION_CHANGED, connection, changes, by=by)
    return connection


@transaction.atomic
def remove(connection: Connection, *, replacement: Connection | None, by: Actor) -> int:
    """Take a connection off for good: its tokens end at once, its people stay.

    Those become the ``replacement``'s, or nobody's, and then the next connection's that changes them. Returns how many
    people that were. Raises LastConnection, ConnectionUnknown, and BeyondOwnRights as ``transfer.transfer_all`` does.
    """
    # People before the organization, which is the order in which everybody locks them.
    transfer.lock_people(connection, organization_id=by.organization_id)
    present = {each.pk: each for each in _all_locked(by)}
    if connection.pk not in present or (
        replacement is not None and (replacement.pk not in present or replacement == connection)
    ):
        raise ConnectionUnknown
    if len(present) == 1:
        raise LastConnection("This is the only connection. Turn it off if nobody is to use SCIM.")
    connection = present[connection.pk]
    moved = transfer.transfer_all(connection, replacement, by=by)
    now = timezone.now()
    _live(connection).update(revoked_at=now)
    connection.enabled, connection.removed_at = False, now
    connection.save(update_fields=["enabled", "removed_at"])
    trail.record(Action.CONNECTION_REMOVED, connection, by=by)
    return moved


def _all_locked(by: Actor) -> Sequence[Connection]:
    """The organization's connections; whoever wants to add or name another one waits for us."""
    lock(by.organization_id)
    return list(Connection.objects.of(by.organization_id).present().select_for_update())


def _free(name: str, others: Sequence[Connection]) -> str:
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise ConnectionNameRefused(f"Give the connection a name of at most {LONGEST_NAME} characters.")
    if name.casefold() in {other.name.casefold() for other in others}:
        raise ConnectionNameRefused(f"There is a connection '{name}' already. Choose another name.")
    return name


def live_tokens(connection: Connection) -> list[Token]:
    """The connection's tokens that are neither revoked, expired nor retired, newest first, without those of tests."""
    return list(_live(connection))


def find_live_token(token_id: UUID, *, organization_id: UUID) -> Token:
    """A live token of the organization. Raises TokenUnknown."""
    token: Token | None = Token.objects.of(organization_id).live().filter(pk=token_id).first()
    if token is None:
        raise TokenUnknown("This token is no longer valid. Reload the page.")
    return token


def next_number(connection: Connection) -> int:
    """What the connection's next token counts as, among all that it ever had but those of tests, which nobody sees."""
    return Token.objects.of(connection.organization_id).filter(connection=connection, is_test=False).count() + 1


def next_name(connection: Connection, taken: Collection[str]) -> str:
    """What the next token is called if nobody names it; ``taken`` are the names of the live ones."""
    return token_names.made_up(next_number(connection), taken)


@transaction.atomic
def generate_token(
    connection: Connection, *, by: Actor, name: str = "", days: int | None = None, instead_of: Token | None = None
) -> tuple[Token, str]:
    """Add a token to the connection and return it with its text, which nobody can see again.

    It never ends another token. Without a ``name`` it is called by its number; ``days`` is the life time, None for
    ever; ``instead_of`` the token whose place it is to take, for the mail that tells of it. Raises TooManyTokens,
    TokenNameRefused and BeyondOwnRights.
    """
    connection = _locked(connection, by)
    granted_permissions.require(connection, by=by)
    live = live_tokens(connection)
    if len(live) >= MAX_LIVE_TOKENS:
        raise TooManyTokens(
            f"There are {MAX_LIVE_TOKENS} live tokens. Revoke one that your identity provider no longer uses first."
        )
    taken = [each.name for each in live]
    token = Token(
        organization_id=by.organization_id,
        connection=connection,
        name=token_names.chosen(name, taken) if name.strip() else next_name(connection, taken),
        created_by_id=by.user_id,
        created_by_label=by.label,
        expires_at=timezone.now() + timedelta(days=days) if days else None,
    )
    text = token.draw()
    token.save(force_insert=True)
    trail.record(Action.TOKEN_GENERATED, token, by=by)
    mails.token_made(token, instead_of=instead_of, by=by)
    return token, text


@transaction.atomic
def revoke_token(token_id: UUID, *, by: Actor) -> Token:
    """End a token at once; one that was to retire in its favour stays. Raises TokenUnknown."""
    tokens = Token.objects.of(by.organization_id).select_for_update().order_by("pk")
    locked = {each.pk: each for each in tokens.filter(Q(pk=token_id) | Q(successor=token_id))}
    token = locked.get(token_id)
    if token is None or token.revoked_at is not None:
        raise TokenUnknown("This token has been revoked already. Reload the page.")
    if any(each.successor_id == token.pk and each.retires_by_itself for each in locked.values()):
        # The one that was to retire would stay, which is to keep it.
        granted_permissions.require(token.connection, by=by)
    token.revoked_at, token.retires_by_itself = timezone.now(), False
    token.save(update_fields=["revoked_at", "retires_by_itself"])
    Token.objects.of(by.organization_id).filter(successor=token).update(retires_by_itself=False)
    trail.record(Action.TOKEN_REVOKED, token, by=by)
    return token


def set_enabled(connection: Connection, wanted: bool, *, by: Actor) -> Connection:
    """Make the connection's tokens valid, or stop them all, see ``turn``."""
    return turn(connection, "enabled", wanted, by=by)


def set_manage_admins(connection: Connection, wanted: bool, *, by: Actor) -> Connection:
    """Let SCIM give, take and manage Admins, or not, see ``turn``."""
    return turn(connection, "manage_admins", wanted, by=by)


def set_strict(connection: Connection, wanted: bool, *, by: Actor) -> Connection:
    """Refuse what clients get wrong, or go on healing it, see ``turn``."""
    return turn(connection, "strict", wanted, by=by)


def set_groups_enabled(connection: Connection, wanted: bool, *, by: Actor) -> Connection:
    """Offer groups to the identity provider, or not, see ``turn``.

    Groups that are there stay with their members; while this is off, SCIM can neither read nor change them.
    """
    return turn(connection, "groups_enabled", wanted, by=by)


def set_secondary_addresses(connection: Connection, wanted: bool, *, by: Actor) -> Connection:
    """Let people have secondary addresses of any domain, or not, see ``turn``. Those that people have stay."""
    return turn(connection, "secondary_addresses", wanted, by=by)


@transaction.atomic
def turn(connection: Connection, field: str, wanted: bool, *, by: Actor) -> Connection:
    """Turn the switch of that field on or off; asking for what is so already changes nothing.

    Raises BeyondOwnRights where the identity provider may do more from then on than the actor; TokenMissing when SCIM
    is to be enabled and there is no token to make valid; ReauthenticationRequired when it is to manage Admins, which
    only an Admin who has just given the password may let it.
    """
    connection, switch = _locked(connection, by), SWITCHES[field]
    if getattr(connection, field) == wanted:
        return connection
    if field == "enabled" and wanted and not _live(connection).exists():
        raise TokenMissing("Generate a token before you enable SCIM.")
    setattr(connection, field, wanted)
    if wanted == switch.opens:
        granted_permissions.require(connection, by=by, act=switch.act)
        if field == "manage_admins":
            admin = Role.objects.of(connection.organization_id).get(key=BuiltIn.ADMIN)
            authority.require_reauthentication(admin, by=by, act=switch.act)
    connection.save(update_fields=[field])
    turned_on, turned_off = switch.actions
    trail.record(turned_on if wanted else turned_off, connection, {field: [not wanted, wanted]}, by=by)
    if field == "enabled":
        mails.switched(connection, by=by)
    return connection


def _locked(connection: Connection, by: Actor) -> Connection:
    locked = Connection.objects.of(by.organization_id).present().select_for_update(no_key=True)
    found = locked.filter(pk=connection.pk).first()
    if found is None:
        raise ConnectionUnknown
    return found


def _live(connection: Connection) -> QuerySet[Token]:
    return Token.objects.of(connection.organization_id).live().filter(connection=connection, is_test=False)
