"""Apply an address that a connection was not allowed to give, on an Admin's decision."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from audit.actions import Action
from core.actors import Actor
from core.addresses import canonical, same_mailbox
from core.refusals import StaleVersion
from users import profile as profiles
from users.models import User
from users.profile import Profile
from users.services import accounts, authority
from users.services.authority import BeyondOwnRights
from users.services.own_addresses import OwnAddresses


@transaction.atomic
def apply(user_id: UUID, wanted: OwnAddresses, *, expected: OwnAddresses, by: Actor) -> User:
    """Give a user exactly these addresses in place of those that they had when they were refused (``expected``).

    All rules are asked again, as they are now. Where it is so already, nothing happens. Raises BeyondOwnRights for
    everybody but Admins, StaleVersion where the user has other addresses by now, and what ``accounts.find`` and
    ``accounts.update`` do.
    """
    if not authority.of_actor(by).is_whole:
        raise BeyondOwnRights("Only an Admin can apply this address. Ask an Admin of your organization.")
    user = accounts.find(user_id, organization_id=by.organization_id)
    before = profiles.read(user)
    present = OwnAddresses.of(before)
    if present == wanted:
        return user
    if present != expected:
        raise StaleVersion(
            f"{user} has another address by now than when the request was refused. Let your identity provider send the "
            "address again, and apply that."
        )
    accounts.update(user, with_addresses(before, wanted), by=by, action=Action.USER_ADDRESS_APPLIED)
    return user


def with_addresses(profile: Profile, wanted: OwnAddresses) -> Profile:
    """The profile with other own addresses.

    A primary e-mail that it has as another one already becomes the primary; else it takes the present one's place.
    """
    profile = {**profile, "userName": wanted.user_name}
    if same_mailbox(profiles.primary_email(profile), wanted.email):
        return profile
    emails = [dict(entry) for entry in profile.get("emails", ())]
    chosen = next((entry for entry in emails if canonical(entry.get("value", "")) == canonical(wanted.email)), None)
    if chosen is None:
        present = profiles.primary_email(profile)
        chosen = next((entry for entry in emails if entry.get("value") == present), None)
    if chosen is None:
        chosen = {}
        emails.append(chosen)
    for entry in emails:
        entry.pop("primary", None)
    chosen |= {"value": wanted.email, "primary": True}
    return {**profile, "emails": emails}
