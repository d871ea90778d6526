"""What a written profile says about others than its person: the role that it gives, and the manager."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from uuid import UUID

from domains.addresses import fold
from scim.protocol import schemas
from scim.protocol.advice import Told
from scim.protocol.attributes import Json
from scim.services.connections import base_url_at
from scim.storage.principals import Principal
from users import profile as profiles
from users.models import Role, User
from users.permissions import BuiltIn
from users.profile import Profile

Advice = tuple[str, ...]
Assigned = tuple[Role, Profile, Advice]

_ADMIN_ONLY_BY_SWITCH = "Turn on 'Let SCIM give and take the Admin role' to let the identity provider do that."


class Roles:
    """The roles that a connection may give; asked of the database where somebody needs them, and then once."""

    def __init__(self, principal: Principal) -> None:
        self._principal = principal

    @property
    def manages_admins(self) -> bool:
        """Whether the connection may give and take the Admin role."""
        return self._principal.manages_admins

    @cached_property
    def by_name(self) -> Mapping[str, Role]:
        """All that can be given, by their folded names."""
        roles = Role.objects.of(self._principal.organization_id).filter(is_enabled=True)
        return {role.name_key: role for role in roles}

    @cached_property
    def of_newcomers(self) -> tuple[Role, Advice]:
        """The role of new users for whom none is sent, and what there is to say about that."""
        role = self._principal.default_role
        if not role.is_admin or self.manages_admins:
            return role, ()
        role = Role.objects.of(self._principal.organization_id).get(key=BuiltIn.APP_MANAGEMENT)
        told = f"The default role is Admin; the user got {role.name} instead. {_ADMIN_ONLY_BY_SWITCH}"
        return role, (Told(told, "admin-not-given"),)


def on_create(profile: Profile, roles: Roles) -> Assigned:
    """The role of a new user, and the profile with the entries that are kept: the role sent, else the default one."""
    role, advice = roles.of_newcomers
    return _assigned(profile, profiles.role_entries(role), role, advice, roles)


def on_change(profile: Profile, before: Profile, user: User, principal: Principal) -> Assigned:
    """The role of a changed user: the role sent, else the one that they have.

    A profile that lost its ``roles`` stays without: what is no longer shown is still the user's role.
    """
    assert user.role is not None  # noqa: S101  (only operators have none, and they have no organization)
    if not profile.get("roles") or profile["roles"] == before.get("roles"):
        return user.role, profile, ()
    return _assigned(profile, before.get("roles", []), user.role, (), Roles(principal))


def without_own_entry(profile: Profile) -> Profile:
    """The profile without the role entry that stands there because nobody sent one: what is added takes its place."""
    match profile.get("roles"):
        case [{"value": _, "primary": True, **rest}] if not rest:
            return {name: value for name, value in profile.items() if name != "roles"}
    return profile


def with_manager(
    profile: Profile, before: Profile, principal: Principal, colleagues: Mapping[str, str] | None = None
) -> Profile:
    """The profile, with the manager's address and name where the manager is one of the organization's users.

    The address is relative to the Base URL (RFC 7643 section 2.3.7), unless the client sent the right one in full. Of a
    manager who is no user here, the value is kept as it was sent. ``colleagues`` is what ``managers`` found, if it was
    asked for this profile.
    """
    urn = schemas.ENTERPRISE_USER.id
    manager = profile.get(urn, {}).get("manager")
    if manager is None or manager == before.get(urn, {}).get("manager"):
        return profile
    resolved = {"value": manager["value"]} if "value" in manager else {}
    found = _id_of_manager(profile)
    colleagues = managers([profile], principal) if colleagues is None else colleagues
    if found in colleagues:
        location = f"Users/{found}"
        in_full = f"{base_url_at(principal.slug)}/{location}"
        sent = manager.get("$ref")
        resolved |= {"$ref": sent if sent == in_full else location, "displayName": colleagues[found]}
    extension = {name: value for name, value in profile[urn].items() if name != "manager"}
    if resolved:
        extension["manager"] = resolved
    return {name: value for name, value in profile.items() if name != urn} | ({urn: extension} if extension else {})


def managers(profiles: Iterable[Profile], principal: Principal) -> dict[str, str]:
    """The names, by their ids, of those whom the profiles have as managers and who are users here; in one query."""
    ids = {found for profile in profiles if (found := _id_of_manager(profile))}
    if not ids:
        return {}
    users = User.objects.of(principal.organization_id).filter(pk__in=ids)
    return {str(pk): display_name for pk, display_name in users.values_list("pk", "display_name")}


def _id_of_manager(profile: Profile) -> str:
    """The manager's id as ours are spelled; empty for what can be none."""
    try:
        return str(UUID(str(profile.get(schemas.ENTERPRISE_USER.id, {}).get("manager", {}).get("value", ""))))
    except ValueError:
        return ""


def _assigned(profile: Profile, otherwise: list[Profile], present: Role, advice: Advice, roles: Roles) -> Assigned:
    sent = profile.get("roles")
    if not sent:
        return present, _with_roles(profile, otherwise), advice
    kept: list[tuple[Profile, Role]] = []
    for entry in sent:
        role = _named(entry, roles.by_name)
        if role is None:
            advice += (Told(f"There is no role {_name(entry)!r}; the entry was left out.", "role-unknown"),)
        elif role != present and (role.is_admin or present.is_admin) and not roles.manages_admins:
            advice += (Told(f"The role {role.name!r} was not given. {_ADMIN_ONLY_BY_SWITCH}", "admin-not-given"),)
        else:
            kept.append((entry, role))
    if not kept:
        return present, _with_roles(profile, otherwise), advice
    effective = next((role for entry, role in kept if entry.get("primary") is True), kept[0][1])
    return effective, {**profile, "roles": [entry for entry, _role in kept]}, advice


def _with_roles(profile: Profile, entries: list[Profile]) -> Profile:
    others = {name: value for name, value in profile.items() if name != "roles"}
    return {**others, "roles": entries} if entries else others


def _named(entry: Profile, known: Mapping[str, Role]) -> Role | None:
    names = (fold(text) for text in (entry.get("value"), entry.get("display")) if isinstance(text, str))
    return next((known[name] for name in names if name in known), None)


def _name(entry: Profile) -> Json:
    name: Json = entry.get("value") or entry.get("display")
    return name
