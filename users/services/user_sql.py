"""Statements around a user, as constant SQL: the ORM takes longer to word them than they run."""

from collections.abc import Collection, Iterable, Iterator
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone

from core import sql
from core.dialects import spelled
from users.models import Role, User

# Whether user ``u`` is a direct member of any group.
IN_GROUPS = "EXISTS (SELECT 1 FROM users_groupmember m WHERE m.user_id = u.id)"


def groups_of_users(whom: str, *, by_user: bool = False) -> str:
    """The table ``memberships`` of the groups that some users are in, at any depth: id and ``direct``.

    ``direct`` is 1 for the user's own membership and 0 for that of a group within; a group may have both. ``whom`` is
    what follows ``user_id``, such as "= u.id". With ``by_user`` the rows begin with ``user_id``, to tell several apart.
    """
    columns, first, later = ("user_id, ", "m.user_id, ", "memberships.user_id, ") if by_user else ("", "", "")
    return (
        f"memberships ({columns}id, direct) AS"  # noqa: S608
        f" (SELECT {first}m.group_id, 1 FROM users_groupmember m WHERE m.user_id {whom}"
        f" UNION SELECT {later}m.group_id, 0 FROM users_groupmember m JOIN memberships"
        " ON m.member_group_id = memberships.id)"
    )


_ROLE = ("key", "rights", "name", "name_key", "is_default", "is_enabled", "version", "former_name")

# All that a change may need to know, in the order of the model. The columns that only lead to users stay in the
# database, and so do passwords, until somebody asks for them.
_USER = (
    "last_login", "id", "organization_id", "role_id", "role_given_by", "source", "managed_by", "claims_external_id",
    "is_active", "is_superuser", "user_name", "user_name_key", "email", "email_key", "external_id", "display_name",
    "document", "version", "created_at", "updated_at", "session_epoch", "address_changed_at",
    "password_reset_blocked_until", "demoted_at",
)  # fmt: skip

_LOCKED = (
    f"SELECT {', '.join(f'u.{column}' for column in _USER)}, {', '.join(f'r.{column}' for column in _ROLE)},"  # noqa: S608
    f" {IN_GROUPS} FROM users_user u JOIN users_role r ON r.id = u.role_id WHERE u.id = %s AND u.organization_id = %s"
)

_LOCKED_ALONE = "SELECT u.id FROM users_user u WHERE u.id = %s AND u.organization_id = %s FOR UPDATE OF u"

# Who has one of some names, of which no e-mail address is empty: that is what the index of those that are not asks for.
# Of the externalIds, only an active user's counts whom a connection keeps.
_HOLDER = (
    "SELECT u.id, u.user_name, u.user_name_key, u.email_key, u.managed_by,"
    " CASE WHEN u.is_active AND u.managed_by IS NOT NULL THEN u.external_id ELSE '' END"
    " FROM users_user u WHERE u.organization_id = %s"
)
_HOLDERS = spelled(
    lambda dialect: " UNION ALL ".join(
        f"{_HOLDER} AND u.{column} {dialect.among} AND NOT (u.{column} = '')"
        for column in ("user_name_key", "email_key")
    )
)
_HOLDERS_OF_EXTERNAL_IDS = spelled(
    lambda dialect: f"{_HOLDER} AND u.external_id {dialect.among} AND u.is_active AND u.managed_by IS NOT NULL"
)

_REVOKED = (
    "UPDATE users_personaltoken SET revoked_at = %s WHERE organization_id = %s AND user_id = %s AND revoked_at IS NULL"
)


def locked(user_id: UUID, organization_id: UUID) -> User | None:
    """The organization's user of that id with role and ``in_groups``, locked until the transaction ends."""
    ids = [sql.key(user_id), sql.key(organization_id)]
    if not connection.features.has_select_for_update_of:
        return _first(_LOCKED, ids, organization_id)
    statement = f"{_LOCKED} FOR UPDATE OF u"
    found = _first(statement, ids, organization_id)
    if found is None and sql.select(_LOCKED_ALONE, ids):
        # Whoever was waited for gave another role, by which the join with the role of before finds nobody.
        found = _first(statement, ids, organization_id)
    return found


def _first(statement: str, ids: list[UUID | str], organization_id: UUID) -> User | None:
    for row in sql.select(statement, ids):
        return _user(row, organization_id)
    return None


def _user(row: tuple[Any, ...], organization_id: UUID) -> User:
    role, in_groups = row[len(_USER) : -1], row[-1]
    user = sql.load(User, _USER, row[: len(_USER)])
    user.role = Role(id=user.role_id, organization_id=organization_id, **dict(zip(_ROLE, role, strict=True)))
    user.in_groups = bool(in_groups)
    return user


def holders(
    keys: Iterable[str], external_ids: Collection[str], organization_id: UUID
) -> Iterator[tuple[UUID, str, str, str, UUID | None, str]]:
    """Whoever has one of the names as userName or e-mail address, or is active with one of the externalIds.

    Gives id, userName, the keys of both names, the connection that keeps the user, and the externalId, if it counts.
    """
    values = [sql.key(organization_id), sql.among(keys)]
    statement, values = _HOLDERS(), [*values, *values]
    if external_ids:
        statement = f"{statement} UNION ALL {_HOLDERS_OF_EXTERNAL_IDS()}"
        values += [sql.key(organization_id), sql.among(external_ids)]
    for user_id, user_name, user_name_key, email_key, managed_by, external_id in sql.select(statement, values):
        yield (
            sql.from_key(user_id),
            user_name,
            user_name_key,
            email_key,
            managed_by and sql.from_key(managed_by),
            external_id,
        )


def revoke_personal_tokens(user_id: UUID, organization_id: UUID) -> None:
    """End those of a user's personal tokens that are alive."""
    with connection.cursor() as cursor:
        moment = connection.ops.adapt_datetimefield_value(timezone.now())
        cursor.execute(_REVOKED, [moment, sql.key(organization_id), sql.key(user_id)])
