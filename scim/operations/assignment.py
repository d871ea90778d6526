"""What a written profile says about others than its person: the role that it gives, and the manager."""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from functools import cached_property
from uuid import UUID

from core.addresses import fold
from core.json_values import Json
from core.notice import Notice
from provisioning.models import RoleRule
from provisioning.services.connections.connections import base_url_at
from provisioning.services.role_rules import evaluation
from provisioning.services.role_rules import rules as role_rules
from provisioning.services.role_rules.evaluation import UserFacts
from provisioning.services.role_rules.evaluation_sql import RuleSet
from scim.protocol import schemas
from scim.protocol.errors import LONGEST_NAME
from scim.storage.credentials import Principal
from users import profile as profiles
from users.models import GivenBy, Role, User
from users.permissions import BuiltIn
from users.profile import Profile
from users.services import accounts

Notices = tuple[str, ...]

_ADMIN_ONLY_BY_SWITCH = "Turn on 'Let SCIM give and take the Admin role' to let the identity provider do that."


@dataclass(frozen=True, slots=True)
class Assigned:
    """The role of a user, by what it came, and the profile that says so; ``reason`` is for the audit trail."""

    role: Role
    given_by: GivenBy
    profile: Profile
    notices: Notices = ()
    reason: str = ""


class Roles:
    """The roles that a connection may give; asked of the database where somebody needs them, and then once."""

    def __init__(self, principal: Principal) -> None:
        self._principal = principal

    @property
    def manages_admins(self) -> bool:
        """Whether the connection may give and take the Admin role."""
        return self._principal.manages_admins

    @property
    def has_rules(self) -> bool:
        """Whether any role rule is in force."""
        return self._principal.has_role_rules

    @cached_property
    def rule_set(self) -> RuleSet:
        """The role rules."""
        organization_id = self._principal.organization_id
        rules = role_rules.in_force(organization_id) if self.has_rules else ()
        return role_rules.rule_set_of(rules, organization_id=organization_id, default=self._principal.default_role)

    @property
    def rules(self) -> list[RoleRule]:
        """Those of them that hold for the connection's own people: none gives Admin unless it may."""
        return [rule for rule in self.rule_set.rules if self.manages_admins or not rule.role.is_admin]

    @cached_property
    def by_name(self) -> Mapping[str, Role]:
        """All that can be given, by their folded names."""
        roles = Role.objects.of(self._principal.organization_id).filter(is_enabled=True)
        return {role.name_key: role for role in roles}

    @cached_property
    def of_new_users(self) -> tuple[Role, Notices]:
        """The role of new users for whom none is sent, and what there is to say about that."""
        role = self._principal.default_role
        if not role.is_admin or self.manages_admins:
            return role, ()
        role = Role.objects.of(self._principal.organization_id).get(key=BuiltIn.APP_MANAGEMENT)
        notice = f"The default role is Admin; the user got {role.name} instead. {_ADMIN_ONLY_BY_SWITCH}"
        return role, (Notice(notice, "admin-not-given"),)


def on_create(profile: Profile, roles: Roles) -> Assigned:
    """The role of a new user and the profile with the entries that are kept.

    That is the role sent, else that of the first rule that fits, else the default one.
    """
    default, notices = roles.of_new_users
    sent, more = _sent(profile, default, roles)
    if sent:
        return _as_sent(profile, sent, more)
    rule = evaluation.first_fit(roles.rules, UserFacts.of(profile)) if roles.has_rules else None
    if rule is None:
        profile = _with_roles(profile, profiles.role_entries(default))
        return Assigned(default, GivenBy.DEFAULT, profile, (*notices, *more))
    return _by_rule(profile, rule, more)


def on_change(profile: Profile, before: Profile, user: User, principal: Principal) -> Assigned:
    """The role of a changed user: the role sent, else what the rules say now, else the one that they have.

    A profile that lost its ``roles`` stays without: what is no longer shown is still the user's role.
    """
    assert user.role is not None  # noqa: S101  (only operators have none, and they have no organization)
    roles = Roles(principal)
    notices: Notices = ()
    if profile.get("roles") != before.get("roles"):
        # The former name that a profile may still say names no role any more.
        profile, before = (profiles.with_present_name(each, user.role) for each in (profile, before))
    if profile.get("roles") and profile["roles"] != before.get("roles"):
        sent, notices = _sent(profile, user.role, roles)
        if sent:
            return _as_sent(profile, sent, notices)
        profile = _with_roles(profile, before.get("roles", []))
    return _by_the_rules(profile, before, user, roles, notices)


def _by_the_rules(profile: Profile, before: Profile, user: User, roles: Roles, notices: Notices) -> Assigned:
    """What the rules say once they have something new to look at; nobody gives or takes Admin who may not."""
    assert user.role is not None  # noqa: S101  (only operators have none, and they have no organization)
    as_before = Assigned(user.role, GivenBy(user.role_given_by), profile, notices)
    if not roles.has_rules or user.role_given_by not in (GivenBy.DEFAULT, GivenBy.RULE):
        return as_before
    facts = UserFacts.of(profile)
    if facts == UserFacts.of(before) or (user.role.is_admin and not roles.manages_admins):
        return as_before
    rules = roles.rules
    groups = evaluation.groups_of(user.pk) if user.in_groups and evaluation.ask_for_groups(rules) else frozenset()
    rule = evaluation.first_fit(rules, facts, groups)
    if rule is None and user.role_given_by == GivenBy.DEFAULT:
        return as_before
    role, given_by = (rule.role, GivenBy.RULE) if rule else (roles.rule_set.fallback, GivenBy.DEFAULT)
    if role == user.role:
        return Assigned(role, given_by, profile, notices)
    if user.role.is_admin and user.is_active and accounts.is_last_admin(user):
        kept = f"{user.user_name} stays Admin, being the last active one, though the role rules give {role}."
        return Assigned(user.role, GivenBy(user.role_given_by), profile, (*notices, kept))
    if rule is not None:
        return _by_rule(profile, rule, notices)
    notice = Notice(role_rules.sentence(None, role), "role-by-rule")
    profile = _with_roles(profile, profiles.role_entries(role))
    return Assigned(role, given_by, profile, (*notices, notice), role_rules.reason_of(None))


def _by_rule(profile: Profile, rule: RoleRule, notices: Notices) -> Assigned:
    profile = _with_roles(profile, profiles.role_entries(rule.role))
    notice = Notice(role_rules.sentence(rule, rule.role), "role-by-rule")
    return Assigned(rule.role, GivenBy.RULE, profile, (*notices, notice), role_rules.reason_of(rule))


def without_own_entry(profile: Profile) -> Profile:
    """The profile without the role entry that stands there because nobody sent one: what is added takes its place."""
    match profile.get("roles"):
        case [{"value": _, "primary": True, **rest}] if not rest:
            return {name: value for name, value in profile.items() if name != "roles"}
    return profile


def without_former_labels(profile: Profile, before: Profile, sent: Set[Json]) -> Profile:
    """The profile whose role entries with a new `value` have no `display` that was the former value's.

    A role may be named by either, and what names the former role would give that again. ``sent`` are those labels that
    the client does send.
    """
    if profile.get("roles") == before.get("roles"):
        return profile
    known = {(entry.get("value"), entry.get("display")) for entry in before.get("roles") or ()}
    former = {label for _, label in known} - sent
    entries = [
        {name: value for name, value in entry.items() if name != "display"}
        if entry.get("display") in former and (entry.get("value"), entry.get("display")) not in known
        else entry
        for entry in profile.get("roles") or ()
    ]
    return _with_roles(profile, entries)


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


def _as_sent(profile: Profile, sent: list[tuple[Profile, Role]], notices: Notices) -> Assigned:
    effective = next((role for entry, role in sent if entry.get("primary") is True), sent[0][1])
    entries = [entry for entry, _role in sent]
    return Assigned(effective, GivenBy.PROVIDER, {**profile, "roles": entries}, notices)


def _sent(profile: Profile, present: Role, roles: Roles) -> tuple[list[tuple[Profile, Role]], Notices]:
    """The entries that were sent and name a role that may be given, and what there is to say about the others."""
    notices: Notices = ()
    kept: list[tuple[Profile, Role]] = []
    for entry in profile.get("roles") or ():
        role = _named(entry, roles.by_name)
        if role is None:
            notices += (Notice(f"There is no role {_name(entry)!r}; the entry was left out.", "role-unknown"),)
        elif role != present and (role.is_admin or present.is_admin) and not roles.manages_admins:
            notices += (Notice(f"The role {role.name!r} was not given. {_ADMIN_ONLY_BY_SWITCH}", "admin-not-given"),)
        else:
            kept.append((entry, role))
    return kept, notices


def _with_roles(profile: Profile, entries: list[Profile]) -> Profile:
    others = {name: value for name, value in profile.items() if name != "roles"}
    return {**others, "roles": entries} if entries else others


def _named(entry: Profile, known: Mapping[str, Role]) -> Role | None:
    names = (fold(text) for text in (entry.get("value"), entry.get("display")) if isinstance(text, str))
    return next((known[name] for name in names if name in known), None)


def _name(entry: Profile) -> Json:
    name: Json = entry.get("value") or entry.get("display")
    return name[:LONGEST_NAME] if isinstance(name, str) else name
