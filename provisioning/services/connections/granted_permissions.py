"""The permissions that a connection may give; the user who opens it needs them, too.

A token makes its holder as powerful as the most that can be given with it: whoever makes one can give that to their own
account. So the verbs that open a connection further ask for every right that it may give; those that close it, and what
an identity provider does with a token, ask for none.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from core.actors import Actor
from provisioning.models import Connection
from users.models import Role
from users.services.authority import Authority, BeyondOwnRights, of_actor

# So many roles are named in a refusal.
_NAMED = 3

# What else than this may be refused, in the words of ``act``.
OPENING = "generate or rename its tokens or give the connection more access"


def enabled_roles(organization_id: UUID) -> list[Role]:
    """Return the roles that can be given in an organization, by name."""
    return list(Role.objects.of(organization_id).filter(is_enabled=True))


def gives(
    connection: Connection, *, manages_admins: bool | None = None, roles: Iterable[Role] | None = None
) -> list[Role]:
    """Return every role that somebody can get through a connection, by name.

    An identity provider may send the name of any role that can be given, Admin only with the switch. The role rules
    and the default role give none but these. ``manages_admins``: as if the switch stood so; ``roles`` are the
    ``enabled_roles``, where the caller has looked them up already.
    """
    with_admin = connection.manage_admins if manages_admins is None else manages_admins
    offered = enabled_roles(connection.organization_id) if roles is None else roles
    return [role for role in offered if with_admin or not role.is_admin]


def beyond(
    connection: Connection,
    authority: Authority,
    *,
    manages_admins: bool | None = None,
    roles: Iterable[Role] | None = None,
    act: str = OPENING,
) -> str:
    """Return why somebody may not open a connection further; empty if they may.

    ``act`` names what was asked for, as in "Only such a user can ...". The other parameters are those of ``gives``.
    """
    if authority.is_whole:
        return ""
    given = gives(connection, manages_admins=manages_admins, roles=roles)
    more = [role.name for role in given if not authority.covers(role)]
    if not more:
        return ""
    named = f"the role {more[0]}, which has" if len(more) == 1 else f"the roles {_listed(more)}, which have"
    return (
        f"A token of the connection “{connection}” lets your identity provider give users {named} rights that your "
        f"role does not have. So only a user with all these rights can {act}. Ask an Admin."
    )


def _listed(names: list[str]) -> str:
    first, rest = names[:_NAMED], len(names) - _NAMED
    *others, last = [*first, f"{rest} more"] if rest > 0 else first
    return f"{', '.join(others)} and {last}"


def require(*connections: Connection | None, by: Actor, manages_admins: bool | None = None, act: str = OPENING) -> None:
    """Make sure that the actor may do all that the connections may give. Raises BeyondOwnRights."""
    authority = of_actor(by)
    for connection in connections:
        if connection and (why := beyond(connection, authority, manages_admins=manages_admins, act=act)):
            raise BeyondOwnRights(why)
