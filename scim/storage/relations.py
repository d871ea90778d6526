"""Membership in SQL: filters and orders by a group's ``members`` or a user's ``groups``.

A member's value, type and address follow from its row, its name is that of the user or group as it is now. All are
read in the form that is compared.
"""

from uuid import UUID

from core import dialects
from core.parsing import canonical_id
from scim.protocol.filters import And, Compare, Operator, Resolved
from scim.protocol.matching import matches
from scim.storage import sql
from scim.storage.conditions import ALWAYS, NEVER, compared, joined, over, text_column
from scim.storage.sql import Sql

# What a member, row ``m``, leads to: a user ``p`` or a group ``g``.
_WHOM = "LEFT JOIN users_user p ON p.id = m.user_id LEFT JOIN users_group g ON g.id = m.member_group_id"


def with_member(node: Resolved | None, tenant: Sql, base_url: str) -> Sql:
    """True of groups ``u`` that have a member of which the condition is true; None for any member."""
    if node is None:
        return Sql(sql.HAS_MEMBERS)
    condition = over(node, lambda term: _of_member(term, base_url))
    named = _named(node)
    if named is None:
        return Sql(
            f"EXISTS (SELECT 1 FROM users_groupmember m {_WHOM} WHERE m.group_id = u.id AND {condition.text})",  # noqa: S608
            condition.values,
        )
    # Indexes lead to the few rows of whom an id names, whatever the number of groups and members.
    key = sql.key(named)
    return Sql(
        "u.id IN (SELECT m.group_id FROM (SELECT * FROM users_groupmember WHERE user_id = %s"  # noqa: S608
        f" UNION ALL SELECT * FROM users_groupmember WHERE member_group_id = %s) m {_WHOM}"
        f" WHERE m.organization_id = {tenant.text} AND {condition.text})",
        (key, key, *tenant.values, *condition.values),
    )


def in_group(node: Resolved | None, tenant: Sql, base_url: str) -> Sql:
    """True of users ``u`` who are, at any depth, in a group of which the condition is true; None for any group."""
    if node is None:
        return Sql(sql.IN_GROUPS)
    direct = over(node, lambda term: _of_group(term, "direct", base_url))
    indirect = over(node, lambda term: _of_group(term, "indirect", base_url))
    if direct == indirect:
        return _inside(direct, tenant)
    return joined(" OR ", [_member_of(direct, tenant), _only_inside(indirect, tenant)])


def of_first_member(name: str, base_url: str) -> Sql:
    """What the first member of group ``u`` has under that name; NULL where there is none."""
    found = _member_text(name, base_url)
    return Sql(
        f"(SELECT {found.text} FROM users_groupmember m {_WHOM} WHERE m.group_id = u.id ORDER BY m.id LIMIT 1)",  # noqa: S608
        found.values,
    )


def of_first_group(name: str, base_url: str) -> Sql:
    """What the first group that user ``u`` is in has under that name; NULL where there is none."""
    found = _group_text(name, base_url)
    return Sql(
        f"(WITH RECURSIVE {sql.MEMBERSHIPS} SELECT {found.text} FROM memberships"  # noqa: S608
        " JOIN users_group g ON g.id = memberships.id GROUP BY g.id, g.display_name_key ORDER BY g.id LIMIT 1)",
        found.values,
    )


def _named(node: Resolved) -> UUID | None:
    """The one member of whom alone the condition can be true, if its id is in it."""
    match node:
        case And(terms):
            return next((named for term in terms if (named := _named(term)) is not None), None)
        case Compare(path, Operator.EQ, value) if path.leaf.name == "value":
            return canonical_id(str(value))
    return None


def _of_member(term: Compare, base_url: str) -> Sql:
    """A comparison over row ``m`` and what it leads to, a user ``p`` or a group ``g``."""
    name = term.path.leaf.name
    if (name, term.operator) != ("value", Operator.EQ):
        return compared(_member_text(name, base_url), term.operator, term.value)
    identifier = canonical_id(str(term.value))
    if identifier is None:
        return NEVER
    return Sql(
        "(m.user_id IS NOT NULL AND m.user_id = %s OR m.member_group_id IS NOT NULL AND m.member_group_id = %s)",
        (sql.key(identifier),) * 2,
    )


def _member_text(name: str, base_url: str) -> Sql:
    """What a member has under that name, in the form that is compared."""
    dialect = dialects.current()
    identifier = dialect.id_text("COALESCE(m.user_id, m.member_group_id)")
    match name:
        case "value":
            return Sql(identifier)
        case "type":
            return Sql(dialect.by_code_point("CASE WHEN m.user_id IS NULL THEN 'group' ELSE 'user' END"))
        case "$ref":
            endpoint = "CASE WHEN m.user_id IS NULL THEN '/Groups/' ELSE '/Users/' END"
            return Sql(f"({dialect.cast('%s', 'text')} || {endpoint} || {identifier})", (base_url,))
        case "display":
            person = _display()
            return Sql(f"CASE WHEN m.user_id IS NULL THEN g.display_name_key ELSE {person.text} END", person.values)
    raise TypeError(name)


def _display() -> Sql:
    """The name of user ``p``, folded: of the document what ``users.profile.display_name`` takes."""
    read = dialects.current().text
    display, formatted, given, family = (
        read("p.search", keys)
        for keys in (("displayName",), ("name", "formatted"), ("name", "givenName"), ("name", "familyName"))
    )
    given, family = (Sql(f"COALESCE({part.text}, '')", part.values) for part in (given, family))
    both = Sql(
        f"CASE WHEN {given.text} <> '' AND {family.text} <> '' THEN ' ' ELSE '' END", given.values + family.values
    )
    parts = (display, formatted, joined(" || ", [given, both, family]))
    text = ", ".join(f"NULLIF({part.text}, '')" for part in parts)
    # Without any of these it is the userName, and the two names that are kept behind it are empty.
    return Sql(
        f"COALESCE({text}, substr(p.name_key, 1, length(p.name_key) - 2))",
        tuple(value for part in parts for value in part.values),
    )


def _of_group(term: Compare, kind: str, base_url: str) -> Sql:
    """A comparison over group ``g`` for those whose membership is of that kind."""
    match term.path.leaf.name, term.operator:
        case "type", _:
            return ALWAYS if matches(term, {"type": kind}) else NEVER
        case "value", Operator.EQ:
            identifier = canonical_id(str(term.value))
            return NEVER if identifier is None else Sql("g.id = %s", (sql.key(identifier),))
        case "display", _:
            return text_column("g.display_name_key", term.operator, term.value)
        case name, _:
            return compared(_group_text(name, base_url), term.operator, term.value)


def _group_text(name: str, base_url: str) -> Sql:
    """What a membership has under that name, in the form that is compared."""
    dialect = dialects.current()
    match name:
        case "value":
            return Sql(dialect.id_text("g.id"))
        case "type":
            return Sql(dialect.by_code_point("CASE MAX(memberships.direct) WHEN 1 THEN 'direct' ELSE 'indirect' END"))
        case "$ref":
            return Sql(f"({dialect.cast('%s', 'text')} || '/Groups/' || {dialect.id_text('g.id')})", (base_url,))
        case "display":
            return Sql("g.display_name_key")
    raise TypeError(name)


def _member_of(condition: Sql, tenant: Sql) -> Sql:
    """True of users who are members of such a group itself."""
    return Sql(
        "u.id IN (SELECT m.user_id FROM users_group g JOIN users_groupmember m ON m.group_id = g.id"  # noqa: S608
        f" WHERE g.organization_id = {tenant.text} AND m.user_id IS NOT NULL AND {condition.text})",
        (*tenant.values, *condition.values),
    )


def _inside(condition: Sql, tenant: Sql) -> Sql:
    """True of users who are members of such a group or of a group within it."""
    return Sql(
        "u.id IN (WITH RECURSIVE inside (id) AS"  # noqa: S608
        f" (SELECT g.id FROM users_group g WHERE g.organization_id = {tenant.text} AND {condition.text}"
        " UNION SELECT m.member_group_id FROM users_groupmember m JOIN inside ON m.group_id = inside.id"
        " WHERE m.member_group_id IS NOT NULL)"
        " SELECT m.user_id FROM users_groupmember m JOIN inside ON m.group_id = inside.id"
        " WHERE m.user_id IS NOT NULL)",
        (*tenant.values, *condition.values),
    )


def _only_inside(condition: Sql, tenant: Sql) -> Sql:
    """True of users who are members of a group within such a group, and not of that group itself."""
    return Sql(
        "u.id IN (WITH RECURSIVE inside (top, id) AS"  # noqa: S608
        " (SELECT g.id, m.member_group_id FROM users_group g JOIN users_groupmember m ON m.group_id = g.id"
        f" WHERE g.organization_id = {tenant.text} AND m.member_group_id IS NOT NULL AND {condition.text}"
        " UNION SELECT inside.top, m.member_group_id FROM users_groupmember m JOIN inside ON m.group_id = inside.id"
        " WHERE m.member_group_id IS NOT NULL)"
        " SELECT m.user_id FROM users_groupmember m JOIN inside ON m.group_id = inside.id"
        " WHERE m.user_id IS NOT NULL AND NOT EXISTS"
        " (SELECT 1 FROM users_groupmember d WHERE d.group_id = inside.top AND d.user_id = m.user_id))",
        (*tenant.values, *condition.values),
    )
