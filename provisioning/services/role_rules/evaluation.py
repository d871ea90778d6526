"""What a role rule asks of one user, in memory; ``evaluation_sql`` asks the same in SQL."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from core import sql
from core.addresses import canonical, fold
from provisioning.models import RoleRule
from users import profile as profiles
from users.profile import Profile
from users.services.user_sql import groups_of_users

ENTERPRISE_USER = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

_GROUPS_OF = (
    f"WITH RECURSIVE {groups_of_users('= %s')}"  # noqa: S608
    " SELECT DISTINCT g.display_name_key FROM memberships JOIN users_group g ON g.id = memberships.id"
)

# Where in a profile the attributes stand that are texts.
PATHS = {
    RoleRule.Attribute.DEPARTMENT: (ENTERPRISE_USER, "department"),
    RoleRule.Attribute.TITLE: ("title",),
    RoleRule.Attribute.USER_TYPE: ("userType",),
}


@dataclass(frozen=True, slots=True)
class UserFacts:
    """What rules look at, as it is compared: ``texts`` by attribute, ``address`` as the canonical primary address."""

    texts: tuple[tuple[str, str], ...]
    address: str

    @classmethod
    def of(cls, profile: Profile) -> UserFacts:
        """The facts of a profile."""
        texts = ((attribute.value, fold(_text(profile, path))) for attribute, path in PATHS.items())
        return cls(tuple(texts), canonical(profiles.primary_email(profile)))


def first_fit(rules: Iterable[RoleRule], facts: UserFacts, groups: frozenset[str] = frozenset()) -> RoleRule | None:
    """The first rule that fits a person who is in the groups of those folded names, at any depth."""
    texts = dict(facts.texts)
    return next((rule for rule in rules if _fits(rule, texts, facts.address, groups)), None)


def ask_for_groups(rules: Iterable[RoleRule]) -> bool:
    """Whether any rule looks at groups."""
    return any(rule.attribute == RoleRule.Attribute.GROUP for rule in rules)


def groups_of(user_id: UUID) -> frozenset[str]:
    """The folded names of the groups that a user is in, at any depth."""
    return frozenset(name for (name,) in sql.select(_GROUPS_OF, [sql.key(user_id)]))


def _fits(rule: RoleRule, texts: dict[str, str], address: str, groups: frozenset[str]) -> bool:
    match rule.attribute:
        case RoleRule.Attribute.DOMAIN:
            return address.endswith(f"@{rule.value_key}")
        case RoleRule.Attribute.GROUP:
            return any(_compares(rule, name) for name in groups)
    return _compares(rule, texts[rule.attribute])


def _compares(rule: RoleRule, text: str) -> bool:
    key: str = rule.value_key
    match rule.operator:
        case RoleRule.Operator.BEGINS:
            return text.startswith(key)
        case RoleRule.Operator.CONTAINS:
            return key in text
    return text == key


def _text(profile: Profile, path: tuple[str, ...]) -> str:
    found = profile
    for name in path:
        found = found.get(name, {})
    return found if isinstance(found, str) else ""
