"""Filters over membership as SQL on its rows: a group's ``members`` and a user's ``groups``.

Each member is known by its id, so filters compare ids for equality, and the group's name too; names of members and
addresses follow from the ids and can't be searched for.
"""

from uuid import UUID

from scim.protocol.errors import InvalidFilter
from scim.protocol.filters import And, AnyValue, Compare, Not, Operator, Or, Resolved
from scim.storage import sql
from scim.storage.sql import Sql

_NEVER, _ALWAYS = Sql("(1 = 0)"), Sql("(1 = 1)")


def member_is(value: object) -> Sql:
    """True of row ``m`` where that is the member's id; for conditions that are not negated, since it may be NULL."""
    identifier = _id(value)
    if identifier is None:
        return _NEVER
    return Sql("(m.user_id = %s OR m.member_group_id = %s)", (sql.key(identifier),) * 2)


def member_condition(node: Resolved | None) -> Sql:
    """The condition on one member, over row ``m``; true or false, never NULL. Raises InvalidFilter."""
    match node:
        case And(terms):
            return _joined(" AND ", [member_condition(term) for term in terms])
        case Or(terms):
            return _joined(" OR ", [member_condition(term) for term in terms])
        case Not(term):
            inner = member_condition(term)
            return Sql(f"NOT {inner.text}", inner.values)
        case Compare(operator=Operator.PR):
            return _ALWAYS
        case Compare(path, Operator.EQ, value) if path.leaf.name == "value":
            identifier = _id(value)
            if identifier is None:
                return _NEVER
            return Sql("(COALESCE(m.user_id, m.member_group_id) = %s)", (sql.key(identifier),))
        case Compare(path, Operator.EQ, value) if path.leaf.name == "type":
            return {"user": Sql("(m.user_id IS NOT NULL)"), "group": Sql("(m.user_id IS NULL)")}.get(str(value), _NEVER)
        case Compare() | AnyValue() | None:
            return _refuse()


def in_groups(node: Resolved | None, tenant: Sql) -> Sql:
    """True of users ``u`` who are, at any depth, in a group of which the condition is true. Raises InvalidFilter."""
    match node:
        case None | Compare(operator=Operator.PR):
            return Sql(
                "u.id IN (SELECT m.user_id FROM users_groupmember m"  # noqa: S608
                f" WHERE m.organization_id = {tenant.text} AND m.user_id IS NOT NULL)",
                tenant.values,
            )
        case Compare(path, Operator.EQ, value) if path.leaf.name == "value":
            identifier = _id(value)
            return _NEVER if identifier is None else _inside(Sql("g.id = %s", (sql.key(identifier),)), tenant)
        case Compare(path, Operator.EQ, value) if path.leaf.name == "display":
            return _inside(Sql("g.display_name_key = %s", (str(value),)), tenant)
    raise InvalidFilter("'groups' can be filtered by groups.value or groups.display, each with 'eq', and by 'pr'.")


def _inside(condition: Sql, tenant: Sql) -> Sql:
    return Sql(
        "u.id IN (WITH RECURSIVE inside (id) AS"  # noqa: S608
        f" (SELECT g.id FROM users_group g WHERE g.organization_id = {tenant.text} AND {condition.text}"
        " UNION SELECT m.member_group_id FROM users_groupmember m JOIN inside ON m.group_id = inside.id"
        " WHERE m.member_group_id IS NOT NULL)"
        " SELECT m.user_id FROM users_groupmember m JOIN inside ON m.group_id = inside.id"
        " WHERE m.user_id IS NOT NULL)",
        (*tenant.values, *condition.values),
    )


def _id(value: object) -> UUID | None:
    text = str(value)
    try:
        identifier = UUID(text)
    except ValueError:
        return None
    return identifier if str(identifier) == text else None


def _refuse() -> Sql:
    raise InvalidFilter(
        "'members' can be filtered by members.value and members.type, each with 'eq' or 'ne', and 'pr'."
    )


def _joined(word: str, terms: list[Sql]) -> Sql:
    return Sql(f"({word.join(term.text for term in terms)})", tuple(value for term in terms for value in term.values))
