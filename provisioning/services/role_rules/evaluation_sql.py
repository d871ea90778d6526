"""The decisions of role rules on many users at once, in one SQL for all databases.

It asks what ``evaluation`` asks of one person. Values never stand in the text.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import Any
from uuid import UUID

from core import dialects, sql
from core.dialects import Sql
from provisioning.models import RoleRule
from provisioning.services.role_rules.evaluation import PATHS, ask_for_groups
from users.models import GivenBy, Role, Source
from users.permissions import BuiltIn

# Whose role no rule touches: the identity provider says it, or somebody gave it on a page.
SETTLED = (GivenBy.PROVIDER, GivenBy.MANUAL)


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Rules in their order, and the role of those who had one by a rule and whom none fits any more.

    ``spares_admins``: nobody gets or loses the Admin role, as where a connection asks that may not give it.
    """

    organization_id: UUID
    rules: tuple[RoleRule, ...]
    fallback: Role
    spares_admins: bool = False

    @property
    def giving_admin(self) -> str:
        """The connections, as a sub-select, that may give and take the Admin role. Value: the organization."""
        return f"{_GIVING_ADMIN} AND 1 = 0" if self.spares_admins else _GIVING_ADMIN


@dataclass(frozen=True, slots=True)
class RoleChange:
    """Whose role changes, and to what: by a rule, or by the fallback for None."""

    user_id: UUID
    rule: RoleRule | None
    role: Role


@dataclass(frozen=True, slots=True)
class Changes:
    """How many people a rule, or the fallback, takes from one role to another; ``active`` of them can sign in."""

    from_id: UUID
    rule: RoleRule | None
    role: Role
    people: int
    active: int


@dataclass(frozen=True, slots=True)
class EvaluationScope:
    """Whom a judgement is about: everybody whom SCIM manages, or fewer.

    ``members`` are people and groups, with all who are in those; ``locked`` holds them until the transaction ends.
    ``after`` is the id behind which the next ``limit`` changes are looked for, in the order of ids.
    """

    members: tuple[UUID, ...] | None = None
    locked: bool = False
    after: UUID | None = None
    limit: int | None = None
    offset: int = 0


EVERYBODY = EvaluationScope()


def changes(rule_set: RuleSet, scope: EvaluationScope = EVERYBODY) -> list[RoleChange]:
    """Those whose role the rules change, in the order of ids."""
    text, values = _wanted(rule_set, scope)
    text += " SELECT w.id, w.rule, w.wanted FROM wanted w WHERE w.wanted <> w.role_id ORDER BY w.id"
    if scope.limit is not None:
        text += " LIMIT %s OFFSET %s"
        values += [scope.limit, scope.offset]
    return [
        RoleChange(sql.from_key(user_id), *_outcome(rule_set, number))
        for user_id, number, _role_id in sql.select(text, values)
    ]


def count_changes(rule_set: RuleSet) -> list[Changes]:
    """How many change from which role by which rule, most first."""
    text, values = _wanted(rule_set, EVERYBODY)
    text += (
        " SELECT w.role_id, w.rule, COUNT(*), SUM(CASE WHEN w.is_active THEN 1 ELSE 0 END) FROM wanted w"
        " WHERE w.wanted <> w.role_id GROUP BY w.role_id, w.rule ORDER BY 3 DESC, 2, 1"
    )
    return [
        Changes(sql.from_key(from_id), *_outcome(rule_set, number), people, active)
        for from_id, number, people, active in sql.select(text, values)
    ]


def _outcome(rule_set: RuleSet, number: int) -> tuple[RoleRule | None, Role]:
    rule = rule_set.rules[number - 1] if number else None
    return rule, rule.role if rule else rule_set.fallback


_GIVING_ADMIN = "SELECT c.id FROM provisioning_connection c WHERE c.organization_id = %s AND c.manage_admins"


def _wanted(rule_set: RuleSet, scope: EvaluationScope) -> tuple[str, list[Any]]:
    """The table ``wanted``: id, role_id, is_active, rule (its number, 0 for none) and the role that follows."""
    dialect = dialects.current()
    organization = sql.key(rule_set.organization_id)
    tables: list[str] = []
    values: list[Any] = []
    if scope.members is not None:
        tables.append(
            f"scope (id) AS ({dialect.each_id} UNION SELECT COALESCE(m.user_id, m.member_group_id)"  # noqa: S608
            " FROM users_groupmember m JOIN scope ON m.group_id = scope.id)"
        )
        values.append(sql.ids(map(str, scope.members)))
    if ask_for_groups(rule_set.rules):
        named, named_values = _named_groups(rule_set)
        tables.append(f"named (rule, id) AS ({named})")
        tables.append(
            "fitting (rule, id) AS (SELECT rule, id FROM named UNION SELECT f.rule, m.member_group_id FROM fitting f"
            " JOIN users_groupmember m ON m.group_id = f.id WHERE m.member_group_id IS NOT NULL)"
        )
        values += named_values
    people, people_values = _people(rule_set, scope, organization)
    tables.append(f"people AS ({people})")
    values += people_values
    giving = rule_set.giving_admin
    conditions = [_condition(number, rule, organization, giving) for number, rule in enumerate(rule_set.rules, 1)]
    cases = " ".join(f"WHEN {text} THEN {number}" for number, (text, _) in enumerate(conditions, 1))
    judged = f"CASE {cases} ELSE 0 END" if cases else "0"
    tables.append(
        f"judged AS (SELECT p.id, p.role_id, p.role_given_by, p.is_active, {judged} AS rule FROM people p)"  # noqa: S608
    )
    values += chain.from_iterable(found for _, found in conditions)
    roles = " ".join(f"WHEN {number} THEN {dialect.id_place}" for number in range(1, len(rule_set.rules) + 1))
    # Who has the role by a rule and by none any more gets the fallback; who never had one keeps what they have.
    otherwise = f"CASE WHEN j.role_given_by = %s THEN {dialect.id_place} ELSE j.role_id END"
    role = f"CASE j.rule {roles} ELSE {otherwise} END" if roles else otherwise
    tables.append(f"wanted AS (SELECT j.id, j.role_id, j.is_active, j.rule, {role} AS wanted FROM judged j)")  # noqa: S608
    values += [*(sql.key(rule.role_id) for rule in rule_set.rules), GivenBy.RULE.value, sql.key(rule_set.fallback.pk)]
    return f"WITH RECURSIVE {', '.join(tables)}", values


def _named_groups(rule_set: RuleSet) -> tuple[str, list[Any]]:
    parts: list[str] = []
    values: list[Any] = []
    for number, rule in enumerate(rule_set.rules, 1):
        if rule.attribute == RoleRule.Attribute.GROUP:
            compared, found = _compared(rule, "g.display_name_key")
            parts.append(
                f"SELECT {number} AS rule, g.id FROM users_group g WHERE g.organization_id = %s AND {compared}"  # noqa: S608
            )
            values += [sql.key(rule_set.organization_id), *found]
    return " UNION ALL ".join(parts), values


def _people(rule_set: RuleSet, scope: EvaluationScope, organization: UUID | str) -> tuple[str, list[Any]]:
    dialect = dialects.current()
    used = [attribute for attribute in PATHS if any(rule.attribute == attribute for rule in rule_set.rules)]
    columns = "".join(
        f", {dialect.constant_text('u.search', PATHS[attribute])} AS {_column(attribute)}" for attribute in used
    )
    scope_join = " JOIN scope ON scope.id = u.id" if scope.members is not None else ""
    # Nobody gets or loses the Admin role unless the connection that keeps them may give and take it.
    text = (
        f"SELECT u.id, u.role_id, u.role_given_by, u.is_active, u.managed_by, u.email_key{columns}"  # noqa: S608
        f" FROM users_user u{scope_join} WHERE u.organization_id = %s AND u.source = %s"
        " AND u.role_given_by NOT IN (%s, %s)"
        " AND (u.role_id NOT IN (SELECT r.id FROM users_role r WHERE r.organization_id = %s AND r.key = %s)"
        f" OR u.managed_by IN ({rule_set.giving_admin}))"
    )
    settled = (each.value for each in SETTLED)
    values: list[Any] = [organization, Source.SCIM.value, *settled, organization, BuiltIn.ADMIN.value, organization]
    if scope.after is not None:
        text += " AND u.id > %s"
        values.append(sql.key(scope.after))
    if scope.locked:
        text += f" ORDER BY u.id{dialect.lock('u')}"
    return text, values


def _condition(number: int, rule: RoleRule, organization: UUID | str, giving_admin: str) -> tuple[str, list[Any]]:
    text, values = _fitting(number, rule)
    if rule.role.is_admin:
        return f"{text} AND p.managed_by IN ({giving_admin})", [*values, organization]
    return text, values


def _fitting(number: int, rule: RoleRule) -> tuple[str, list[Any]]:
    match rule.attribute:
        case RoleRule.Attribute.GROUP:
            # Asked for each person by the index of memberships; a set of all members would not fit into little memory.
            return (
                "EXISTS (SELECT 1 FROM users_groupmember m JOIN fitting f ON f.id = m.group_id"  # noqa: S608
                f" WHERE m.user_id = p.id AND f.rule = {number})"
            ), []
        case RoleRule.Attribute.DOMAIN:
            tail = dialects.current().ends(Sql("p.email_key"), f"@{rule.value_key}")
            return tail.text, [*tail.values]
    return _compared(rule, f"p.{_column(rule.attribute)}")


def _compared(rule: RoleRule, text: str) -> tuple[str, list[Any]]:
    within = dialects.current().position(text)
    match rule.operator:
        case RoleRule.Operator.BEGINS:
            return f"{within} = 1", [rule.value_key]
        case RoleRule.Operator.CONTAINS:
            return f"{within} > 0", [rule.value_key]
    return f"{text} = %s", [rule.value_key]


def _column(attribute: str) -> str:
    return f"fact_{attribute.lower()}"
