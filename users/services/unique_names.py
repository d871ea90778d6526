"""Unique names of users: userName, e-mail address and externalId, which no colleague may take.

The first two are one kind of name, which is unique within the organization. An externalId is unique among the active
users whom one connection keeps.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from uuid import UUID

from core.refusals import Refusal
from users.models import User
from users.services.user_sql import holders


class NameTaken(Refusal):
    """The userName or e-mail address belongs to a colleague."""

    code = "name-taken"


class ExternalIdTaken(Refusal):
    """Another active user of the same connection has the externalId."""

    code = "external-id-taken"


class Names:
    """Who has what some users want to have; asked of the database once.

    ``external_ids`` says whether they want their externalIds too, and not just keep them.
    """

    def __init__(self, users: Collection[User], organization_id: UUID, *, external_ids: bool = True) -> None:
        wanted = {key for user in users for key in (user.user_name_key, user.email_key)}
        self._wants_external_ids = external_ids
        self._by_user_name: dict[str, tuple[UUID, str]] = {}
        self._by_email: dict[str, tuple[UUID, str]] = {}
        self._by_external_id: dict[tuple[UUID | None, str], dict[UUID, str]] = {}
        claimed = claims(users) if external_ids else set()
        for user_id, user_name, user_name_key, email_key, managed_by, external_id in holders(
            wanted, claimed, organization_id
        ):
            self._note((user_id, user_name), user_name_key, email_key)
            if external_id in claimed:
                self._by_external_id.setdefault((managed_by, external_id), {})[user_id] = user_name

    def claim(self, user: User) -> None:
        """Let a user have both names and the externalId from now on. Raises NameTaken and ExternalIdTaken."""
        user_name, email = user.user_name_key, user.email_key
        for key, spelled in ((user_name, user.user_name), (email, user.email)):
            for taken in (self._by_user_name, self._by_email):
                owner = taken.get(key)
                if owner is None or owner[0] == user.pk:
                    continue
                if key == user_name and taken is self._by_user_name:
                    raise NameTaken(f"A user with the userName '{spelled}' exists already.", about=naming(*owner))
                raise NameTaken(
                    f"The e-mail address '{spelled}' belongs to another user, '{owner[1]}'.", about=naming(*owner)
                )
        if self._wants_external_ids and claims([user]):
            self._claim_external_id(user)
        self._note((user.pk, user.user_name), user_name, email)

    def owner_of(self, key: str) -> tuple[UUID, str] | None:
        """Who has a name as userName or e-mail address, of those that were asked for: id and userName."""
        return self._by_user_name.get(key) or self._by_email.get(key)

    def _claim_external_id(self, user: User) -> None:
        owners = self._by_external_id.setdefault((user.managed_by, user.external_id), {})
        for user_id, user_name in owners.items():
            if user_id != user.pk:
                raise ExternalIdTaken(
                    f"The externalId '{user.external_id[:64]}' belongs to another active user, '{user_name}'. "
                    "Suspend or delete that user, or send another externalId.",
                    about=naming(user_id, user_name),
                )
        owners[user.pk] = user.user_name

    def _note(self, owner: tuple[UUID, str], user_name_key: str, email_key: str) -> None:
        self._by_user_name[user_name_key] = self._by_email[email_key] = owner


def claims(users: Iterable[User]) -> set[str]:
    """The externalIds that nobody else may have who is active and of the same connection."""
    return {user.external_id for user in users if user.is_active and user.external_id and user.managed_by}


def naming(user_id: UUID, user_name: str) -> Mapping[str, str]:
    """What a refusal tells of a person whom it is about."""
    return {"user_id": str(user_id), "user": user_name}
