"""Compile a resolved filter to a condition in SQL that agrees with ``protocol.matching`` on every user, and an order.

Each condition yields true or false, never NULL, so that ``not`` is plain negation. Texts compare by code point on both
databases. What a client sent is only ever the value of a placeholder; LIKE and its wildcards are not used at all.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection

from scim.protocol.attributes import Attribute, ResolvedPath, Type
from scim.protocol.errors import InvalidPath
from scim.protocol.filters import And, AnyValue, Compare, Not, Operator, Or, Resolved
from scim.protocol.ordering import Order
from scim.storage import relations, sql
from scim.storage.bindings import (
    Address,
    Binding,
    FlagColumn,
    Folded,
    IdColumn,
    InstantColumn,
    Members,
    Memberships,
    Rows,
    TextColumn,
)
from scim.storage.resource_types import StoredType
from scim.storage.sql import SortKey, Sql

Literal = str | int | float | bool | datetime | None

_NEVER, _ALWAYS = Sql("(1 = 0)"), Sql("(1 = 1)")
_SYMBOLS = {
    Operator.EQ: "=",
    Operator.GT: ">",
    Operator.GE: ">=",
    Operator.LT: "<",
    Operator.LE: "<=",
}
_PARTS = frozenset({Operator.CO, Operator.SW, Operator.EW})

# What an index row can answer: it says which values there are, but not whether an entry without one has a type.
_BY_ROWS = frozenset({Operator.EQ, *_PARTS})
_LAST_CODE_POINT, _SURROGATES = 0x10FFFF, range(0xD800, 0xE000)


def compile_filter(condition: Resolved, stored: StoredType, tenant: Sql, base_url: str) -> Sql:
    """The condition on rows ``u`` of the users' table; ``tenant`` gives the organization's id.

    The condition does not select the tenant's rows: the statement around it does.
    """
    return _Compiler(stored.bindings, tenant, base_url, _DIALECTS[sql.vendor()]).condition(condition)


def compile_order(order: Order, stored: StoredType) -> SortKey:
    """What sorts the rows ``u`` of the type's table as ``protocol.ordering`` says. Raises InvalidPath."""
    return SortKey(_Sorter(stored.bindings, _DIALECTS[sql.vendor()]).key(order.path), _direction(order))


def _direction(order: Order) -> str:
    word = "DESC" if order.descending else "ASC"
    if order.path.leaf.required:
        # Everybody has a value, and without a word about those who have none an index can serve the order.
        return word
    return f"{word} NULLS {'FIRST' if order.descending else 'LAST'}"


@dataclass(frozen=True, slots=True)
class _Sorter:
    bindings: Mapping[str, Binding]
    dialect: "_Dialect"

    def key(self, path: ResolvedPath) -> Sql:
        """The value that counts; NULL where there is none."""
        binding = _binding(self.bindings, path)
        match binding:
            case TextColumn(name):
                return Sql(f"u.{name}") if path.leaf.required else Sql(f"NULLIF(u.{name}, '')")
            case FlagColumn(name):
                shown = _shown(self.dialect, path)
                return Sql(f"CASE WHEN {shown.text} THEN u.{name} END", shown.values)
            case InstantColumn(name):
                return Sql(f"u.{name}")
            case IdColumn():
                return Sql("u.id")
            case Members() | Memberships():
                raise InvalidPath(f"Lists can't be sorted by '{path.attribute.name}', of which each may have many.")
        exact = not isinstance(binding, Folded | Rows)
        document = self.dialect.documents[exact]
        if not path.attribute.multi_valued:
            return self.value(path.leaf, document, path.keys)
        return self.of_entry(path, document, _ALIASES[exact])

    def of_entry(self, path: ResolvedPath, document: str, alias: str) -> Sql:
        whole = ResolvedPath(path.extension, path.attribute)
        entries = self.dialect.entries(document, whole.keys, alias)
        entry = self.dialect.entry(alias)
        found = self.value(path.leaf, entry, () if path.sub is None else (path.sub.name,))
        primary = Sql("")
        if path.attribute.sub_attribute("primary"):
            flag = self.dialect.boolean(entry, ("primary",))
            primary = Sql(f"({flag.text} = {self.dialect.booleans[True]}) IS TRUE DESC, ", flag.values)
        return Sql(
            f"(SELECT {found.text} FROM {entries.text} ORDER BY {primary.text}{alias}.key LIMIT 1)",  # noqa: S608
            (*found.values, *entries.values, *primary.values),
        )

    def value(self, leaf: Attribute, holder: str, keys: Sequence[str]) -> Sql:
        if leaf.type is Type.BOOLEAN:
            return self.dialect.boolean(holder, keys)
        text = self.dialect.text(holder, keys)
        return Sql(f"NULLIF({text.text}, '')", text.values)


def _binding(bindings: Mapping[str, Binding], path: ResolvedPath) -> Binding:
    return bindings.get(str(path)) or bindings[str(ResolvedPath(path.extension, path.attribute))]


@dataclass(frozen=True, slots=True)
class _Compiler:
    bindings: Mapping[str, Binding]
    tenant: Sql
    base_url: str
    dialect: "_Dialect"

    def condition(self, node: Resolved) -> Sql:
        match node:
            case And(terms):
                return _joined(" AND ", [self.condition(term) for term in terms])
            case Or(terms):
                return _joined(" OR ", [self.condition(term) for term in terms])
            case Not(term):
                return _around("NOT ", self.condition(term))
            case AnyValue(path, inner):
                binding = self.bindings[str(path)]
                if isinstance(binding, Rows) and (rows := _on_rows(inner)):
                    return self.any_row(binding, rows)
                if isinstance(binding, Members | Memberships):
                    return self.related(binding, inner)
                return self.any_entry(path, lambda entry: self.inside(path, inner, entry))
            case Compare(path):
                return self.compare(node, path)

    def compare(self, node: Compare, path: ResolvedPath) -> Sql:
        operator, value = node.operator, node.value
        match self.binding(path):
            case TextColumn(name):
                return _text_column(f"u.{name}", operator, value)
            case FlagColumn(name):
                return _flag(f"u.{name}", operator, value, _shown(self.dialect, path))
            case InstantColumn(name):
                return _instant(f"u.{name}", operator, value)
            case IdColumn() if operator is Operator.EQ:
                return _id(value)
            case Rows() as binding if path.sub is not None and (
                rows := _on_rows(Compare(ResolvedPath(None, path.sub), operator, value))
            ):
                return self.any_row(binding, rows)
            case Members() | Memberships() as binding:
                if path.sub is None:
                    return self.related(binding, None)
                return self.related(binding, Compare(ResolvedPath(None, path.sub), operator, value))
            case Address():
                inside = self.dialect.text(self.document(path), path.keys)
                whole = Sql(f"({self.dialect.parameter} || {inside.text})", (self.base_url, *inside.values))
                return _compared(whole, operator, value)
        if path.attribute.multi_valued:
            return self.any_entry(path, lambda entry: self.of_entry(path, operator, value, entry))
        return self.of_value(path.leaf, self.document(path), path.keys, operator, value)

    def binding(self, path: ResolvedPath) -> Binding:
        return _binding(self.bindings, path)

    def document(self, path: ResolvedPath) -> str:
        return self.dialect.documents[not isinstance(self.binding(path), Folded | Rows)]

    def any_row(self, binding: Rows, inner: Sql) -> Sql:
        """Led by the value: the index finds the few users that have it, whatever the organization's size."""
        return Sql(
            "u.id IN (SELECT v.user_id FROM users_uservalue v"  # noqa: S608
            f" WHERE v.organization_id = {self.tenant.text} AND v.attribute = %s AND {inner.text})",
            (*self.tenant.values, binding.attribute, *inner.values),
        )

    def related(self, binding: Members | Memberships, inner: Resolved | None) -> Sql:
        """Who has members, or is in groups, that satisfy the condition; None for any."""
        match binding, inner:
            case Members(), None | Compare(operator=Operator.PR):
                return self.holders(_ALWAYS)
            case Members(), Compare(ResolvedPath(attribute=Attribute(name="value")), Operator.EQ, value):
                return self.holders(relations.member_is(value))
            case Members(), _:
                return self.holders(relations.member_condition(inner))
            case Memberships(), _:
                return relations.in_groups(inner, self.tenant)
        raise TypeError(binding)

    def holders(self, condition: Sql) -> Sql:
        return Sql(
            "u.id IN (SELECT m.group_id FROM users_groupmember m"  # noqa: S608
            f" WHERE m.organization_id = {self.tenant.text} AND {condition.text})",
            (*self.tenant.values, *condition.values),
        )

    def any_entry(self, path: ResolvedPath, inner: "Callable[[_Entry], Sql]") -> Sql:
        """True where some entry satisfies the inner condition; its folded and its exact form are one entry."""
        whole = ResolvedPath(path.extension, path.attribute)
        entry = _Entry()
        condition = inner(entry)
        sources = [
            self.dialect.entries(self.dialect.documents[exact], whole.keys, _ALIASES[exact]) for exact in entry.used
        ]
        tie = f"{self.dialect.same_entry} AND " if len(sources) == 2 else ""
        return Sql(
            f"EXISTS (SELECT 1 FROM {', '.join(source.text for source in sources)} WHERE {tie}{condition.text})",  # noqa: S608
            (*(value for source in sources for value in source.values), *condition.values),
        )

    def inside(self, path: ResolvedPath, node: Resolved, entry: "_Entry") -> Sql:
        match node:
            case And(terms):
                return _joined(" AND ", [self.inside(path, term, entry) for term in terms])
            case Or(terms):
                return _joined(" OR ", [self.inside(path, term, entry) for term in terms])
            case Not(term):
                return _around("NOT ", self.inside(path, term, entry))
            case Compare(sub, operator, value):
                whole = ResolvedPath(path.extension, path.attribute, sub.attribute)
                return self.of_entry(whole, operator, value, entry)
            case AnyValue():
                raise TypeError("No attribute has values within values.")

    def of_entry(self, path: ResolvedPath, operator: Operator, value: Literal, entry: "_Entry") -> Sql:
        alias = entry.source(exact=not isinstance(self.binding(path), Folded | Rows))
        keys = () if path.sub is None else (path.sub.name,)
        return self.of_value(path.leaf, self.dialect.entry(alias), keys, operator, value)

    def of_value(self, leaf: Attribute, holder: str, keys: Sequence[str], operator: Operator, value: Literal) -> Sql:
        if operator is Operator.PR:
            return self.present(leaf, holder, keys)
        if leaf.type is Type.BOOLEAN:
            found = self.dialect.boolean(holder, keys)
            return Sql(f"({found.text} = {self.dialect.booleans[bool(value)]}) IS TRUE", found.values)
        return _compared(self.dialect.text(holder, keys), operator, value)

    def present(self, leaf: Attribute, holder: str, keys: Sequence[str]) -> Sql:
        if leaf.type is Type.COMPLEX:
            return _joined(" OR ", [self.present(sub, holder, (*keys, sub.name)) for sub in leaf.sub_attributes])
        if leaf.type is Type.BOOLEAN:
            found = self.dialect.boolean(holder, keys)
            return Sql(f"({found.text} IS NOT NULL)", found.values)
        found = self.dialect.text(holder, keys)
        return Sql(f"({found.text} <> '') IS TRUE", found.values)


class _Entry:
    """Which forms of a list's entries a condition reads: the folded one, the exact one or both."""

    def __init__(self) -> None:
        self.used: list[bool] = []

    def source(self, *, exact: bool) -> str:
        if exact not in self.used:
            self.used.append(exact)
        return _ALIASES[exact]


_ALIASES = {False: "folded", True: "exact"}


def _on_rows(node: Resolved) -> Sql | None:
    """The inner condition over index rows, or None where only the document can tell."""
    terms = node.terms if isinstance(node, And) else (node,)
    compared = [term for term in terms if isinstance(term, Compare) and term.value and term.operator in _BY_ROWS]
    names = [term.path.attribute.name for term in compared]
    if len(compared) < len(terms) or "value" not in names or not {"value", "type"}.issuperset(names):
        return None
    columns = {"value": "v.value_key", "type": "v.type"}
    return _joined(
        " AND ", [_text_column(columns[term.path.attribute.name], term.operator, term.value) for term in compared]
    )


def _text_column(column: str, operator: Operator, value: Literal) -> Sql:
    """A comparison on a column whose collation is by code point and whose empty text means that there is no value."""
    text = str(value)
    if operator is Operator.PR:
        return Sql(f"{column} <> ''")
    if operator is Operator.EQ:
        return Sql(f"{column} = %s", (text,)) if text else _NEVER
    if operator is Operator.SW and text:
        return _starts_with(column, text)
    if operator in _PARTS:
        return _part(Sql(column), operator, text) if text else Sql(f"{column} <> ''")
    return Sql(f"({column} <> '' AND {column} {_SYMBOLS[operator]} %s)", (text,))


def _starts_with(column: str, prefix: str) -> Sql:
    """A range, which an index on the column serves."""
    for length in range(len(prefix), 0, -1):
        following = ord(prefix[length - 1]) + 1
        if following in _SURROGATES:
            following = _SURROGATES.stop
        if following <= _LAST_CODE_POINT:
            end = prefix[: length - 1] + chr(following)
            return Sql(f"({column} >= %s AND {column} < %s)", (prefix, end))
    return Sql(f"{column} >= %s", (prefix,))


def _flag(column: str, operator: Operator, value: Literal, shown: Sql) -> Sql:
    if operator is Operator.PR:
        return shown
    return Sql(f"({column} AND {shown.text})", shown.values) if value else Sql(f"NOT {column}")


def _shown(dialect: "_Dialect", path: ResolvedPath) -> Sql:
    """Whether the document has the flag; read from its folded twin, which PostgreSQL need not parse."""
    found = dialect.boolean(dialect.documents[False], path.keys)
    return Sql(f"({found.text} IS NOT NULL)", found.values)


def _instant(column: str, operator: Operator, value: Literal) -> Sql:
    if operator is Operator.PR:
        return _ALWAYS
    stored = connection.ops.adapt_datetimefield_value(value)  # type: ignore[arg-type]
    return Sql(f"{column} {_SYMBOLS[operator]} %s", (stored,))


def _id(value: Literal) -> Sql:
    text = str(value)
    try:
        identifier = UUID(text)
    except ValueError:
        return _NEVER
    return Sql("u.id = %s", (sql.key(identifier),)) if str(identifier) == text else _NEVER


def _compared(found: Sql, operator: Operator, value: Literal) -> Sql:
    """A comparison of a text that may be NULL."""
    text = str(value)
    if operator is Operator.PR:
        return Sql(f"({found.text} <> '') IS TRUE", found.values)
    if operator in _PARTS:
        part = _part(found, operator, text) if text else Sql(f"{found.text} IS NOT NULL", found.values)
    else:
        part = Sql(f"{found.text} {_SYMBOLS[operator]} %s", (*found.values, text))
    return Sql(f"({part.text}) IS TRUE", part.values)


def _part(found: Sql, operator: Operator, text: str) -> Sql:
    return _DIALECTS[sql.vendor()].parts[operator](found, text)


def _joined(word: str, terms: list[Sql]) -> Sql:
    return Sql(f"({word.join(term.text for term in terms)})", tuple(value for term in terms for value in term.values))


def _around(word: str, term: Sql) -> Sql:
    return Sql(f"{word}({term.text})", term.values)


@dataclass(frozen=True, slots=True)
class _Dialect:
    """What the two databases write differently.

    ``documents`` are the folded and the exact document; ``text`` and ``boolean`` read one value below a JSON holder by
    its keys, ``entries`` lists a JSON list under an alias, ``entry`` is one of those, ``same_entry`` ties two lists.
    """

    documents: tuple[str, str]
    text: Callable[[str, Sequence[str]], Sql]
    boolean: Callable[[str, Sequence[str]], Sql]
    booleans: tuple[str, str]
    entries: Callable[[str, Sequence[str], str], Sql]
    entry: Callable[[str], str]
    same_entry: str
    parts: Mapping[Operator, Callable[[Sql, str], Sql]]
    parameter: str = "%s"


def _json_path(keys: Sequence[str]) -> str:
    return "$" + "".join(f'."{key}"' for key in keys)


_SQLITE = _Dialect(
    documents=("u.search", "u.document"),
    text=lambda holder, keys: Sql(f"json_extract({holder}, %s)", (_json_path(keys),)) if keys else Sql(holder),
    boolean=lambda holder, keys: Sql(f"json_extract({holder}, %s)", (_json_path(keys),)),
    booleans=("0", "1"),
    entries=lambda holder, keys, alias: Sql(f"json_each({holder}, %s) AS {alias}", (_json_path(keys),)),
    entry=lambda alias: f"{alias}.value",
    same_entry="folded.key = exact.key",
    parts={
        Operator.CO: lambda found, text: Sql(f"instr({found.text}, %s) > 0", (*found.values, text)),
        Operator.SW: lambda found, text: Sql(f"substr({found.text}, 1, %s) = %s", (*found.values, len(text), text)),
        Operator.EW: lambda found, text: Sql(f"substr({found.text}, %s) = %s", (*found.values, -len(text), text)),
    },
)


def _postgresql_text(holder: str, keys: Sequence[str]) -> Sql:
    # An empty path takes the text out of a JSON text itself, for lists of plain texts.
    return Sql(f'({holder} #>> %s::text[]) COLLATE "C"', (list(keys),))


_POSTGRESQL = _Dialect(
    documents=("u.search", "u.document::jsonb"),
    text=_postgresql_text,
    boolean=lambda holder, keys: Sql(f"({holder} #> %s::text[])", (list(keys),)),
    booleans=("'false'::jsonb", "'true'::jsonb"),
    entries=lambda holder, keys, alias: Sql(
        f"jsonb_array_elements({holder} #> %s::text[]) WITH ORDINALITY AS {alias} (value, key)", (list(keys),)
    ),
    entry=lambda alias: f"{alias}.value",
    same_entry="folded.key = exact.key",
    parts={
        Operator.CO: lambda found, text: Sql(f"strpos({found.text}, %s) > 0", (*found.values, text)),
        Operator.SW: lambda found, text: Sql(f"starts_with({found.text}, %s)", (*found.values, text)),
        Operator.EW: lambda found, text: Sql(f"right({found.text}, %s) = %s", (*found.values, len(text), text)),
    },
    parameter="%s::text",
)

_DIALECTS = {"sqlite": _SQLITE, "postgresql": _POSTGRESQL}
