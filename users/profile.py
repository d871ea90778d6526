"""The profile document of a user (RFC 7643 vocabulary), with the index that follows from it.

The only writer of ``User.document``. It knows nothing of HTTP, filters or validation: what comes in is valid.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import orjson
from django.utils import timezone

from core.addresses import canonical, fold, is_blank, readable
from core.search_keys import searchable
from users.models import Role, User, UserValue

# A user's attributes by their canonical names, as RFC 7643 spells them; without schemas, id and meta.
Profile = dict[str, Any]

CORE_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:User"

# The columns that write() sets.
COLUMNS = (
    "user_name", "user_name_key", "email", "email_key", "external_id", "is_active", "display_name", "name_key",
    "search_key", "document", "search", "created_at", "updated_at",
)  # fmt: skip

# As much of names and addresses as a search looks in.
LONGEST_SEARCH_KEY = 4000

# Multi-valued attributes that filters look up through UserValue, and attributes that compare as e-mail addresses.
INDEXED = ("emails",)
ADDRESSES = frozenset({("userName",), ("emails", "value")})


def read(user: User) -> Profile:
    """The user's profile, parsed anew: the caller may change it."""
    document: Profile = orjson.loads(user.document)
    return {name: value for name, value in document.items() if name not in ("schemas", "id", "meta")}


def write(user: User, profile: Profile) -> None:
    """Put a profile on a user: the document and every column that follows from it. Saves nothing.

    A profile that does not say whether the user is ``active`` leaves that as it is.
    """
    user.updated_at = now()
    user.created_at = user.created_at or user.updated_at
    user.document = render(user, profile)
    user.user_name = profile["userName"]
    user.email = primary_email(profile)
    user.user_name_key, user.email_key = canonical(user.user_name), canonical(user.email)
    user.external_id = profile.get("externalId", "")
    user.is_active = profile.get("active", user.is_active)
    user.display_name = display_name(profile)
    name = profile.get("name", {})
    user.name_key = fold(" ".join([user.display_name, name.get("givenName", ""), name.get("familyName", "")]))[:1100]
    user.search_key = search_key(user)
    user.search = _folded(profile)


def search_key(user: User) -> str:
    """What the pages' search looks in, as it follows from the other columns: addresses, and behind them the names."""
    return search_key_of(user.user_name_key, user.email_key, names=user.name_key)


def search_key_of(*addresses: str, names: str = "") -> str:
    """What a search looks in for whoever has these canonical addresses and names, of bounded length.

    A domain is there as people write it and as DNS has it.
    """
    spelled = (spelling for address in dict.fromkeys(addresses) for spelling in (readable(address), address))
    return searchable(*spelled, names)[:LONGEST_SEARCH_KEY]


def write_roles(user: User, entries: list[Profile]) -> None:
    """Put other role entries on a user and leave all else, which is much less work than ``write``. Saves nothing."""
    user.updated_at = now()
    user.document = render(user, {**read(user), "roles": entries})
    user.search = {**user.search, "roles": _folded(entries, ("roles",))}


def render(user: User, profile: Profile) -> str:
    """The SCIM resource as compact JSON: schemas and id first, meta last, its location relative to the Base URL."""
    extensions = [name for name in profile if name.startswith("urn:")]
    return orjson.dumps(
        {
            "schemas": [CORE_SCHEMA, *extensions],
            "id": str(user.pk),
            **profile,
            "meta": {
                "resourceType": "User",
                "created": timestamp(user.created_at),
                "lastModified": timestamp(user.updated_at),
                "version": etag(user.version),
                "location": f"/Users/{user.pk}",
            },
        }
    ).decode()


def etag(version: int) -> str:
    """The weak entity tag of a version (RFC 7644 section 3.14)."""
    return f'W/"{version}"'


def timestamp(moment: datetime | None) -> str | None:
    """A dateTime of RFC 7643 section 2.3.5, in UTC with milliseconds."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z" if moment else None


def value_rows(user: User) -> Iterator[UserValue]:
    """The index rows of the user's multi-valued attributes."""
    document = orjson.loads(user.document)
    organization_id = cast(UUID, user.organization_id)  # operators have no document
    for attribute in INDEXED:
        for entry in document.get(attribute, ()):
            if "value" in entry:
                yield UserValue(
                    organization_id=organization_id,
                    user_id=user.pk,
                    attribute=attribute,
                    type=fold(entry.get("type", "")),
                    value_key=canonical(entry["value"]),
                )


def primary_email(profile: Profile) -> str:
    """The address that mail goes to: the primary e-mail, else the first, else the userName."""
    emails = [entry for entry in profile.get("emails", ()) if entry.get("value")]
    primary = next((entry for entry in emails if entry.get("primary")), emails[0] if emails else None)
    address: str = primary["value"] if primary else profile["userName"]
    return address


def addresses(profile: Profile) -> dict[str, str]:
    """Every e-mail address of a profile, userName included: canonical form to spelling."""
    return {canonical(address): address for address in spellings(profile)}


def spellings(profile: Profile) -> dict[str, None]:
    """Every e-mail address of a profile, userName included, as it is spelled; several may be one address."""
    emails = (entry["value"] for entry in profile.get("emails", ()) if entry.get("value"))
    return dict.fromkeys([profile["userName"], *emails])


def own_addresses(profile: Profile) -> set[str]:
    """The canonical forms of the addresses that stand for the person: userName and primary e-mail."""
    return {canonical(profile["userName"]), canonical(primary_email(profile))}


def display_name(profile: Profile) -> str:
    """What pages call the person."""
    name = profile.get("name", {})
    parts = " ".join(filter(None, [name.get("givenName"), name.get("familyName")]))
    for shown in (profile.get("displayName"), name.get("formatted"), parts):
        # A document of before blanks were no value may have them.
        if shown and not is_blank(shown):
            return str(shown[:1024])
    return str(profile["userName"])[:1024]


def role_entries(role: Role) -> list[Profile]:
    """How a role shows in a profile whose owner sent none (RFC 7643 section 4.1.2)."""
    return [{"value": role.name, "primary": True}]


def renamed(entries: list[Profile], role: Role) -> list[Profile]:
    """Role entries that say the name of a role in place of its former one, with all else as it was."""
    former_key = fold(role.former_name)
    return [
        {
            part: role.name if part in ("value", "display") and fold(str(text)) == former_key else text
            for part, text in entry.items()
        }
        for entry in entries
    ]


def with_present_name(profile: Profile, role: Role | None) -> Profile:
    """The profile of somebody who has a role, as though a change of its name that is going on were done.

    So it is kept where the role is left: nobody finds a role by its former name later.
    """
    if role is None or not role.former_name or not profile.get("roles"):
        return profile
    return {**profile, "roles": renamed(profile["roles"], role)}


def now() -> datetime:
    """The present instant as documents and columns keep it, to the millisecond."""
    moment = timezone.now()
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _folded(value: Any, path: tuple[str, ...] = ()) -> Any:
    if isinstance(value, str):
        return canonical(value) if path in ADDRESSES else fold(value)
    if isinstance(value, dict):
        return {name: _folded(member, (*path, name)) for name, member in value.items()}
    if isinstance(value, list):
        return [_folded(member, path) for member in value]
    return value
