"""Who has which userName and e-mail address: both are a name, and nobody takes a colleague's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from uuid import UUID

from organizations.refusals import Refusal
from users.models import User
from users.statements import holders


class NameTaken(Refusal):
    """The userName or e-mail address belongs to a colleague."""

    code = "name-taken"


class Names:
    """Who has the userNames and e-mail addresses that some users want to have; asked of the database once."""

    def __init__(self, users: Iterable[User], organization_id: UUID) -> None:
        wanted = {key for user in users for key in (user.user_name_key, user.email_key)}
        self._by_user_name: dict[str, tuple[UUID, str]] = {}
        self._by_email: dict[str, tuple[UUID, str]] = {}
        for user_id, user_name, *keys in holders(wanted, organization_id):
            self._note((user_id, user_name), *keys)

    def take(self, user: User) -> None:
        """Let a user have both names from now on. Raises NameTaken."""
        self.check(user)
        self._note((user.pk, user.user_name), user.user_name_key, user.email_key)

    def check(self, user: User) -> None:
        """Make sure that both names are free for a user. Raises NameTaken."""
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

    def _note(self, owner: tuple[UUID, str], user_name_key: str, email_key: str) -> None:
        self._by_user_name[user_name_key] = self._by_email[email_key] = owner


def naming(user_id: UUID, user_name: str) -> Mapping[str, str]:
    """What a refusal tells of a person whom it is about."""
    return {"user_id": str(user_id), "user": user_name}
