"""The new addresses that a write may give an inactive user; the others are left out.

So no address keeps a leaver in, such as the userName of 32 digits and the former name by which Entra deletes a user.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from core.addresses import AddressError, canonical, check_address
from core.refusals import Refusal
from domains.services import AddressPolicy
from users import profile as profiles
from users.models import User
from users.profile import Profile
from users.services.own_addresses import OwnAddresses
from users.services.unique_names import Names


def permitted(
    profile: Profile,
    before: Profile,
    user: User,
    *,
    spared: bool,
    secondary_anywhere: bool,
    organization_id: UUID,
) -> tuple[Profile, tuple[str, ...]]:
    """The profile with those of its new addresses that may be given, and a sentence about each of the others.

    Of the rules only the length before the @ is waived. ``spared``: the user keeps userName and primary e-mail.
    """
    if _spelled(profile) == _spelled(before):
        return profile, ()
    rules = _Rules(profile, before, user, spared, secondary_anywhere, organization_id)
    notices: dict[str, None] = {}
    user_name = profile["userName"]
    if user_name != before["userName"] and (why := rules.own(user_name, before["userName"])):
        notices[_notice("userName", user_name, why)] = None
        profile = {**profile, "userName": before["userName"]}
    primary = profiles.primary_email(profile)
    kept: list[dict[str, Any]] = []
    for entry in profile.get("emails", ()):
        address = entry.get("value", "")
        is_primary = bool(address) and address == primary
        why = rules.other(address) if address and not is_primary else ""
        if why:
            notices[_notice("emails", address, why)] = None
        else:
            kept.append(entry)
    stored = profiles.primary_email(before)
    if primary != stored and (why := rules.own(primary, stored)):
        notices[_notice("emails", primary, why)] = None
        kept = _with_primary(stored, [entry for entry in kept if entry.get("value") != primary], before)
    if "emails" in profile or kept:
        profile = {name: value for name, value in profile.items() if name != "emails"}
        profile |= {"emails": kept} if kept else {}
    if profiles.primary_email(profile) != primary and profiles.primary_email(profile) != stored:
        # What was left out made another address the first one, which nobody asked for.
        profile["emails"] = _with_primary(stored, profile.get("emails", []), before)
    return profile, tuple(notices)


def _with_primary(stored: str, entries: list[dict[str, Any]], before: Profile) -> list[dict[str, Any]]:
    """The entries with the stored primary e-mail as their primary one, as it was; without others, as all were."""
    if not entries:
        former: list[dict[str, Any]] = before.get("emails", [])
        return former
    own = next((entry for entry in before.get("emails", ()) if entry.get("value") == stored), {"value": stored})
    others = [
        {name: value for name, value in entry.items() if name != "primary"}
        for entry in entries
        if entry.get("value") != stored
    ]
    return [{**own, "primary": True}, *others]


class _Rules:
    """The rules for the addresses of one user; the database is asked at most twice."""

    def __init__(
        self,
        profile: Profile,
        before: Profile,
        user: User,
        spared: bool,
        secondary_anywhere: bool,
        organization_id: UUID,
    ) -> None:
        self._user, self._spared, self._secondary_anywhere = user, spared, secondary_anywhere
        self._known = profiles.addresses(before)
        self._spelled_before = profiles.spellings(before)
        self._own_before = profiles.own_addresses(before)
        wanted = [*profiles.addresses(profile).values(), *profiles.own_addresses(before)]
        self._address_policy = AddressPolicy(wanted, organization_id=organization_id)
        asked = User(pk=user.pk, organization_id=organization_id)
        own = OwnAddresses.of(profile)
        asked.user_name_key, asked.email_key = canonical(own.user_name), canonical(own.email)
        self._names = Names([asked], organization_id)

    def own(self, address: str, stored: str) -> str:
        """Why it may not become the userName or the primary e-mail in place of the stored one."""
        if self._spared and not OwnAddresses(address, address).is_same(OwnAddresses(stored, stored)):
            return "an Admin has to give users of this role another address"
        if why := self._syntax(address):
            return why
        key = canonical(address)
        if key in self._own_before:
            return ""
        if key in self._known:
            return self._refusal(lambda: self._address_policy.check_registered([address]), address, key)
        return self._refusal(lambda: self._address_policy.check([address]), address, key)

    def other(self, address: str) -> str:
        """Why it may not be given as one that stands for nobody."""
        if why := self._syntax(address):
            return why
        if canonical(address) in self._known or self._secondary_anywhere:
            return ""
        return self._why(lambda: self._address_policy.check_secondary(address))

    def _refusal(self, check: Callable[[], None], address: str, key: str) -> str:
        if why := self._why(check):
            return why
        owner = self._names.owner_of(key)
        return f"it belongs to {owner[1]}" if owner is not None and owner[0] != self._user.pk else ""

    def _why(self, check: Callable[[], None]) -> str:
        try:
            check()
        except Refusal as refusal:
            return refusal.message.rstrip(".")
        return ""

    def _syntax(self, address: str) -> str:
        if address in self._spelled_before:
            return ""
        try:
            check_address(address, any_local_length=True)
        except AddressError as error:
            return str(error).rstrip(".")
        return ""


def _spelled(profile: Profile) -> tuple[str, list[str]]:
    return profile["userName"], [entry.get("value", "") for entry in profile.get("emails", ())] + [
        profiles.primary_email(profile)
    ]


def _notice(attribute: str, address: str, why: str) -> str:
    shown = f"{address[:80]}…" if len(address) > 80 else address
    return f"The user is suspended, and '{attribute}' was left out for '{shown}': {why}."
