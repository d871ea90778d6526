"""The statement before every change of a user, as constant SQL: the ORM takes longer to word it than it runs."""

from collections.abc import Callable
from functools import cache
from typing import Any
from uuid import UUID

from django.db import connection

from users.models import Role, User

_ROLE = ("key", "name", "name_key", "is_default", "is_enabled")

# All that a change may need to know, in the order of the model. The columns that only lead to users stay in the
# database, and so do passwords, until somebody asks for them.
_USER = (
    "id", "organization_id", "role_id", "source", "is_active", "is_superuser", "user_name", "user_name_key", "email",
    "email_key", "external_id", "display_name", "document", "version", "created_at", "updated_at", "session_epoch",
)  # fmt: skip

_LOCKED = (
    f"SELECT {', '.join(f'u.{column}' for column in _USER)}, {', '.join(f'r.{column}' for column in _ROLE)},"  # noqa: S608
    " EXISTS (SELECT 1 FROM users_groupmember m WHERE m.user_id = u.id)"
    " FROM users_user u JOIN users_role r ON r.id = u.role_id WHERE u.id = %s AND u.organization_id = %s"
)


def locked(user_id: UUID, organization_id: UUID) -> User | None:
    """The organization's user of that id with role and ``in_groups``, locked until the transaction ends."""
    features = connection.features
    ids = [each if features.has_native_uuid_field else each.hex for each in (user_id, organization_id)]
    statement = f"{_LOCKED} FOR UPDATE OF u" if features.has_select_for_update_of else _LOCKED
    with connection.cursor() as cursor:
        cursor.execute(statement, ids)
        row = cursor.fetchone()
    if row is None:
        return None
    values, role, in_groups = list(row[: len(_USER)]), row[len(_USER) : -1], row[-1]
    for position, convert in _converters():
        values[position] = convert(values[position])
    user = User.from_db(connection.alias, _USER, values)
    user.role = Role(id=user.role_id, organization_id=organization_id, **dict(zip(_ROLE, role, strict=True)))
    user.in_groups = bool(in_groups)
    return user


@cache
def _converters() -> tuple[tuple[int, Callable[[Any], Any]], ...]:
    """What makes the model's values of those of the database's driver, by their positions in _USER."""
    columns = {field.attname: field.get_col(User._meta.db_table) for field in User._meta.concrete_fields}
    return tuple(
        (position, lambda value, convert=convert, column=column: convert(value, column, connection))
        for position, column in enumerate(columns[name] for name in _USER)
        for convert in (*connection.ops.get_db_converters(column), *column.get_db_converters(connection))
    )
