"""Who has which externalId: within a connection, one active user."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from organizations.refusals import Refusal
from users.models import User
from users.services.names import naming


class ExternalIdTaken(Refusal):
    """Another active user of the same connection has the externalId."""

    code = "external-id-taken"


class ExternalIds:
    """The active users who have the externalIds that some users want to have; asked of the database once.

    Users who are suspended, or whom no connection keeps, want none.
    """

    def __init__(self, users: Iterable[User], organization_id: UUID) -> None:
        wanted = {user.external_id for user in users if claims(user)}
        self._holders: dict[tuple[UUID | None, str], dict[UUID, str]] = {}
        if not wanted:
            return
        active = User.objects.of(organization_id).filter(external_id__in=wanted, is_active=True)
        rows = active.exclude(managed_by=None).values_list("managed_by", "external_id", "pk", "user_name")
        for keeper, external_id, user_id, user_name in rows:
            self._holders.setdefault((keeper, external_id), {})[user_id] = user_name

    def take(self, user: User) -> None:
        """Let a user have the externalId from now on. Raises ExternalIdTaken."""
        if not claims(user):
            return
        holders = self._holders.setdefault((user.managed_by, user.external_id), {})
        for user_id, user_name in holders.items():
            if user_id != user.pk:
                raise ExternalIdTaken(
                    f"The externalId '{user.external_id[:64]}' belongs to another active user, '{user_name}'. "
                    "Suspend or delete that user, or send another externalId.",
                    about=naming(user_id, user_name),
                )
        holders[user.pk] = user.user_name


def claims(user: User) -> bool:
    """Whether a user has an externalId that no other active user of the connection may have."""
    return bool(user.is_active and user.external_id and user.managed_by)
