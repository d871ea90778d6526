"""What a connection may give people, and that whoever opens it to an identity provider may give as much.

A token makes its holder as powerful as the most that can be given with it: whoever makes one can give that to their own
account. So the verbs that open a connection further ask for every right that it may give; those that close it, and what
an identity provider does with a token, ask for none.
"""

from __future__ import annotations

from audit.actors import Actor
from scim.models import Connection
from users.models import Role
from users.services import authority
from users.services.authority import Authority, BeyondOwnRights

# So many roles are named in a refusal.
_NAMED = 3


def gives(connection: Connection, *, manages_admins: bool | None = None) -> list[Role]:
    """Every role that somebody can get through a connection, by name; ``manages_admins``: as if its switch stood so.

    An identity provider may send the name of any role that can be given, Admin only with the switch. The role rules
    and the default role give none but these.
    """
    with_admin = connection.manage_admins if manages_admins is None else manages_admins
    offered = Role.objects.of(connection.organization_id).filter(is_enabled=True)
    return [role for role in offered if with_admin or not role.is_admin]


def beyond(connection: Connection, reach: Authority, *, manages_admins: bool | None = None) -> str:
    """Why somebody of that reach may not open a connection further; empty if they may."""
    if reach.is_whole:
        return ""
    more = [role.name for role in gives(connection, manages_admins=manages_admins) if not reach.covers(role)]
    if not more:
        return ""
    named = ", ".join(more[:_NAMED]) + (f" and {len(more) - _NAMED} more" if len(more) > _NAMED else "")
    roles = f"the role {named}, which may" if len(more) == 1 else f"the roles {named}, which may"
    return (
        f"With a token of {connection} an identity provider can give people {roles} do more than your role. Whoever "
        "opens the connection needs every right that it can give. Ask an Admin of your organization to do this."
    )


def require(*connections: Connection | None, by: Actor, manages_admins: bool | None = None) -> None:
    """Make sure that the actor may do all that the connections may give. Raises BeyondOwnRights."""
    reach = authority.behind(by)
    for connection in connections:
        if connection and (why := beyond(connection, reach, manages_admins=manages_admins)):
            raise BeyondOwnRights(why)
