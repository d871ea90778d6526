"""Live tokens whose makers could not make them any more."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from audit.actions import Action
from audit.models import AuditEvent
from provisioning.models import Connection, Token
from provisioning.services.connections import granted_permissions
from users.models import User
from users.services import authority
from users.services.authority import EDIT_SIGN_IN


@dataclass(frozen=True, slots=True)
class Outlived:
    """A token, and what has become of its maker, as in "made by Ada Moreau, who can no longer sign in"."""

    token: Token
    maker: str


def outlived(connection: Connection, tokens: Collection[Token]) -> list[Outlived]:
    """Those of a connection's live tokens whose makers are suspended or removed, or lack the rights to make them.

    A token that is about to retire in favour of another one needs nothing more. Those that a command has made have no
    maker. Costs one statement, another one if the maker of a token was removed, and one if a maker is no Admin.
    """
    live = {token.pk for token in tokens}
    asked = [token for token in tokens if not _is_being_replaced(token, live)]
    made_by = _makers(connection, asked)
    found = authority.makers(made_by.values(), organization_id=connection.organization_id) if made_by else {}
    lost: dict[UUID, str] = {user_id: _lost(connection, found.get(user_id)) for user_id in set(made_by.values())}
    return [
        Outlived(token, f"{token.created_by_label}, {words}")
        for token in asked
        if token.pk in made_by and (words := lost[made_by[token.pk]])
    ]


def _is_being_replaced(token: Token, live: Collection[UUID]) -> bool:
    return token.successor_id in live and (token.retires_by_itself or token.retires_at is not None)


def _makers(connection: Connection, tokens: Collection[Token]) -> Mapping[UUID, UUID]:
    """The makers of tokens, by the ids of both. Who was removed is known to the audit trail only."""
    made_by = {token.pk: token.created_by_id for token in tokens if token.created_by_id is not None}
    others = [str(token.pk) for token in tokens if token.pk not in made_by]
    if others:
        events = AuditEvent.objects.of(connection.organization_id).filter(
            target_id__in=others, action=Action.TOKEN_GENERATED, actor_id__isnull=False
        )
        made_by |= {UUID(event.target_id): event.actor_id for event in events if event.actor_id is not None}
    return made_by


def _lost(connection: Connection, maker: User | None) -> str:
    """Why somebody could not make a token of the connection today; empty for somebody who could."""
    if maker is None:
        return "who is no longer a user"
    if not maker.is_active:
        return "who can no longer sign in"
    rights = authority.of(maker)
    if not rights.may(EDIT_SIGN_IN) or granted_permissions.beyond(connection, rights):
        return "who may no longer make tokens of this connection"
    return ""
