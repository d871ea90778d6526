"""The statements of the hot paths, as constant SQL for all databases.

Every one carries the bearer token along: its tenant is a scalar sub-select that yields an organization only while the
token is valid, so that reading costs one statement and a revoked token is refused at once.
"""

import re
from collections.abc import Sequence
from typing import Any

from django.db import connection

import core.sql
from core.dialects import Dialect, current, spelled
from core.dialects import Sql as Sql
from users.services.user_sql import IN_GROUPS as IN_GROUPS
from users.services.user_sql import groups_of_users

Row = tuple[Any, ...]

_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)


# An organization's id, if the token of that digest is valid at that organization's address.
TENANT = (
    "(SELECT t.organization_id FROM provisioning_token t"
    " JOIN provisioning_connection c ON c.id = t.connection_id"
    " JOIN organizations_organization o ON o.id = t.organization_id"
    " WHERE t.digest = %s AND o.slug = %s AND t.revoked_at IS NULL"
    " AND (t.expires_at IS NULL OR t.expires_at > CURRENT_TIMESTAMP)"
    " AND (t.retires_at IS NULL OR t.retires_at > CURRENT_TIMESTAMP) AND c.enabled AND o.is_active)"
)

# The same for an organization's groups, which a connection may not offer.
GROUPS_TENANT = f"{TENANT[:-1]} AND c.groups_enabled)"

# Whatever can be known of a token before anything is asked of it, its organization's default role included.
PRESENTED = (
    "SELECT t.id, t.prefix, t.name, t.revoked_at IS NOT NULL,"
    " t.expires_at IS NOT NULL AND t.expires_at <= CURRENT_TIMESTAMP,"
    " t.retires_at IS NOT NULL AND t.retires_at <= CURRENT_TIMESTAMP,"
    " c.id, c.name, c.enabled, c.manage_admins, c.groups_enabled, c.strict, c.secondary_addresses,"
    " o.id, o.slug, o.is_active,"
    " EXISTS (SELECT 1 FROM provisioning_rolerule l WHERE l.organization_id = o.id), r.id, r.key, r.name"
    " FROM provisioning_token t"
    " JOIN provisioning_connection c ON c.id = t.connection_id"
    " JOIN organizations_organization o ON o.id = t.organization_id"
    " LEFT JOIN users_role r ON r.organization_id = o.id AND r.is_default"
    " WHERE t.digest = %s"
)

# The name of the live token that took the place of one, or of the one that took that one's place, and so on.
SUCCESSOR = (
    "WITH RECURSIVE line (id, place) AS (SELECT t.successor_id, 1 FROM provisioning_token t WHERE t.id = %s"
    " UNION ALL SELECT t.successor_id, line.place + 1 FROM line JOIN provisioning_token t ON t.id = line.id)"
    " SELECT t.name FROM line JOIN provisioning_token t ON t.id = line.id WHERE t.revoked_at IS NULL"
    " AND (t.expires_at IS NULL OR t.expires_at > CURRENT_TIMESTAMP)"
    " AND (t.retires_at IS NULL OR t.retires_at > CURRENT_TIMESTAMP) ORDER BY line.place DESC LIMIT 1"
)

# What can be known of a personal token.
PRESENTED_BY_PERSON = (
    "SELECT t.prefix, t.scopes, t.revoked_at IS NOT NULL,"
    " t.expires_at IS NOT NULL AND t.expires_at <= CURRENT_TIMESTAMP, o.id, o.slug, o.is_active,"
    " u.id, u.user_name, u.display_name, u.is_active"
    " FROM users_personaltoken t"
    " JOIN users_user u ON u.id = t.user_id"
    " JOIN organizations_organization o ON o.id = t.organization_id"
    " WHERE t.digest = %s"
)

# The groups that hold user ``u``: id, and 1 for the user's own membership or 0 for that of a group within.
MEMBERSHIPS = groups_of_users("= u.id")

# The groups of which user ``u`` is a direct member, as JSON: a list of [id, name, whether that group is itself in a
# group]; NULL or empty for none. Only if one is need ``GROUPS_OF`` be asked too: to get a walk through groups ready
# costs PostgreSQL a fifth of the whole statement, even where there is nothing to walk through.
_GROUPS_OF_ONE = (
    "(SELECT {} FROM (SELECT g.id, g.display_name AS name, EXISTS"  # noqa: S608
    " (SELECT 1 FROM users_groupmember n WHERE n.member_group_id = g.id) AS inside"
    " FROM users_groupmember m JOIN users_group g ON g.id = m.group_id WHERE m.user_id = u.id ORDER BY g.id) mine)"
)


def _groups_of_one(dialect: Dialect) -> str:
    return _GROUPS_OF_ONE.format(dialect.json_rows("mine.id, mine.name, mine.inside"))


BY_ID = spelled(
    lambda dialect: (
        f"SELECT u.document, u.version, u.user_name, {_groups_of_one(dialect)} FROM users_user u"  # noqa: S608
        f" WHERE u.id = %s AND u.organization_id = {TENANT}"
    )
)

# The user whom a personal token stands for, and its scopes, if the token is valid at that organization's address.
OF_PERSON = spelled(
    lambda dialect: (
        f"SELECT u.document, u.version, u.user_name, {_groups_of_one(dialect)}, t.scopes"  # noqa: S608
        " FROM users_personaltoken t"
        " JOIN users_user u ON u.id = t.user_id"
        " JOIN organizations_organization o ON o.id = t.organization_id"
        " WHERE t.digest = %s AND o.slug = %s AND t.revoked_at IS NULL"
        " AND (t.expires_at IS NULL OR t.expires_at > CURRENT_TIMESTAMP) AND u.is_active AND o.is_active"
    )
)

GROUP_BY_ID = (
    "SELECT u.document, u.version, u.display_name FROM users_group u"  # noqa: S608
    f" WHERE u.id = %s AND u.organization_id = {GROUPS_TENANT}"
)

# The organization as a range and as the first word of the order: only its own index can serve that. Told that it equals
# one value, PostgreSQL may think it cheaper to walk the primary key of all organizations until a page is full.
_PAGE_OF_ALL = (
    f"WITH tenant AS {TENANT} SELECT {{}}, (SELECT h.users FROM users_headcount h"  # noqa: S608
    " WHERE h.organization_id = (SELECT organization_id FROM tenant)) AS total FROM users_user u"
    " WHERE u.organization_id >= (SELECT organization_id FROM tenant)"
    " AND u.organization_id <= (SELECT organization_id FROM tenant)"
    " ORDER BY u.organization_id, u.id LIMIT %s"
)

# Whether other rows say something about row ``u``; pages of users who are in no group need not ask for groups.
HAS_MEMBERS = "EXISTS (SELECT 1 FROM users_groupmember m WHERE m.group_id = u.id)"

FIRST_PAGE = _PAGE_OF_ALL.format(f"u.document, {IN_GROUPS}")

# Skipping rows costs least in an index that holds all that is asked of it; only the page itself is read from the table.
LATER_PAGE = (
    f"SELECT u.document, {IN_GROUPS}, page.total FROM ({_PAGE_OF_ALL.format('u.id')} OFFSET %s) page"  # noqa: S608
    " JOIN users_user u ON u.id = page.id ORDER BY u.id"
)

# A walk begins at a position and takes one row more than the page has, which tells whether and where it goes on. As one
# comparison of two words, the position is a place in the organization's own index, from which both databases read on.
_WALK = (
    f"WITH tenant AS {TENANT} SELECT u.document, {IN_GROUPS}, u.id, (SELECT h.users FROM users_headcount h"  # noqa: S608
    " WHERE h.organization_id = (SELECT organization_id FROM tenant)) AS total FROM users_user u"
    " WHERE u.organization_id {edge} (SELECT organization_id FROM tenant)"
    " AND (u.organization_id, u.id) {side} ((SELECT organization_id FROM tenant), %s)"
    " ORDER BY u.organization_id {way}, u.id {way} LIMIT %s"
)

WALK_ON = _WALK.format(edge="<=", side=">=", way="ASC")
WALK_BACK = _WALK.format(edge=">=", side="<", way="DESC")


HEADCOUNT = f"SELECT h.users FROM users_headcount h WHERE h.organization_id = {TENANT}"  # noqa: S608


# The groups of some users: user, group, name, 1 if directly. Values: the users' ids.
GROUPS_OF = spelled(
    lambda dialect: (
        f"WITH RECURSIVE {groups_of_users(dialect.among_ids, by_user=True)}"  # noqa: S608
        " SELECT memberships.user_id, g.id, g.display_name, MAX(memberships.direct)"
        " FROM memberships JOIN users_group g ON g.id = memberships.id"
        " GROUP BY memberships.user_id, g.id, g.display_name ORDER BY g.id"
    )
)

_MEMBERS_OF = (
    "SELECT m.group_id, m.user_id, m.member_group_id, COALESCE(p.display_name, g.display_name)"
    " FROM users_groupmember m LEFT JOIN users_user p ON p.id = m.user_id"
    " LEFT JOIN users_group g ON g.id = m.member_group_id WHERE m.group_id {} ORDER BY m.group_id, m.id"
)

# The members of some groups: group, user or group, name. Values: the groups' ids.
MEMBERS_OF = spelled(lambda dialect: _MEMBERS_OF.format(dialect.among_ids))

# The first members of one group; its index is in their order. Values: the group's id, limit.
FIRST_MEMBERS_OF = f"{_MEMBERS_OF.format('= %s')} LIMIT %s"


def matching(condition: Sql, related: str, table: str, tenant: str) -> str:
    """The statement for a page of those who satisfy a condition. Values: tenant, condition, limit, offset."""
    return (
        f"SELECT u.document, {related} FROM {table} u WHERE u.organization_id = {tenant} AND {condition.text}"  # noqa: S608
        " ORDER BY u.id LIMIT %s OFFSET %s"
    )


def counting(condition: Sql, table: str, tenant: str) -> str:
    """The statement for how many satisfy a condition. Values: tenant, condition."""
    return f"SELECT COUNT(*) FROM {table} u WHERE u.organization_id = {tenant} AND {condition.text}"  # noqa: S608


# How statements go to the database and what it takes for an id, as everywhere in the house.
rows, key, keys, from_key = core.sql.select, core.sql.key, core.sql.ids, core.sql.from_key


def one(text: str, values: Sequence[Any]) -> Row | None:
    """The first row of a query."""
    with connection.cursor() as cursor:
        cursor.execute(text, values)
        row: Row | None = cursor.fetchone()
        return row


def key_of(text: str) -> str | None:
    """The same of an id as clients spell it; None for what is no id of ours."""
    if not _ID.fullmatch(text):
        return None
    return text if current().native else text.replace("-", "")
