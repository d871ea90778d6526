"""The statement before every change of a user, as constant SQL: the ORM takes longer to word it than it runs."""

from uuid import UUID

from django.db import connection

from users.models import Role, User

_ROLE = ("key", "name", "name_key", "is_default", "is_enabled")

# All that a change may need to know. The columns that only lead to users stay in the database, and so do passwords.
_USER = (
    "id", "organization_id", "role_id", "source", "is_active", "is_superuser", "user_name", "user_name_key", "email",
    "email_key", "external_id", "display_name", "document", "version", "created_at", "updated_at", "session_epoch",
)  # fmt: skip

_LOCKED = (
    f"SELECT {', '.join(f'u.{column}' for column in _USER)}, {', '.join(f'r.{name} AS role_{name}' for name in _ROLE)},"  # noqa: S608
    " EXISTS (SELECT 1 FROM users_groupmember m WHERE m.user_id = u.id) AS in_groups"
    " FROM users_user u JOIN users_role r ON r.id = u.role_id WHERE u.id = %s AND u.organization_id = %s"
)


def locked(user_id: UUID, organization_id: UUID) -> User | None:
    """The organization's user of that id with role and ``in_groups``, locked until the transaction ends."""
    features = connection.features
    ids = [each if features.has_native_uuid_field else each.hex for each in (user_id, organization_id)]
    statement = f"{_LOCKED} FOR UPDATE OF u" if features.has_select_for_update_of else _LOCKED
    for user in User.objects.raw(statement, ids):
        role = {name: getattr(user, f"role_{name}") for name in _ROLE}
        user.role = Role(id=user.role_id, organization_id=organization_id, **role)
        user.in_groups = bool(user.in_groups)
        return user
    return None
