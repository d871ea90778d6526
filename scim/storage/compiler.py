"""Compile a resolved filter to SQL that agrees with ``protocol.matching`` on every user.

Each condition yields true or false, never NULL, so that ``not`` is plain negation. Texts compare by code point on both
databases.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from django.db import connection

from core import dialects
from core.dialects import Dialect
from core.parsing import canonical_id
from scim.protocol.attributes import Attribute, ResolvedPath, Type
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
from scim.storage.conditions import ALWAYS, NEVER, SYMBOLS, Literal, compared, joined, negated, over, text_column
from scim.storage.ordered import SortKey
from scim.storage.resource_types import StoredType
from scim.storage.sql import Sql

_PARTS = frozenset({Operator.CO, Operator.SW, Operator.EW})

# What an index row can answer: it says which values there are, but not whether an entry without one has a type.
_BY_ROWS = frozenset({Operator.EQ, *_PARTS})


def compile_filter(condition: Resolved, stored: StoredType, tenant: Sql, base_url: str) -> Sql:
    """The condition on rows ``u`` of the users' table; ``tenant`` gives the organization's id.

    The condition does not select the tenant's rows: the statement around it does.
    """
    return _Compiler(stored.bindings, tenant, base_url, dialects.current()).condition(condition)


def compile_order(order: Order, stored: StoredType, base_url: str) -> SortKey:
    """What sorts the rows ``u`` of the type's table as ``protocol.ordering`` says."""
    sorter = _Sorter(stored.bindings, base_url, dialects.current())
    path = order.path
    return SortKey(
        sorter.key(path),
        sorter.type_of(path),
        order.descending,
        everywhere=path.leaf.required,
        looked_up=path.attribute.multi_valued,
    )


@dataclass(frozen=True, slots=True)
class _Sorter:
    bindings: Mapping[str, Binding]
    base_url: str
    dialect: Dialect

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
            case Members():
                return relations.of_first_member(path.leaf.name, self.base_url)
            case Memberships():
                return relations.of_first_group(path.leaf.name, self.base_url)
        exact = not isinstance(binding, Folded | Rows)
        document = self.dialect.documents[exact]
        if not path.attribute.multi_valued:
            return self.value(path.leaf, document, path.keys)
        return self.of_entry(path, document, _ALIASES[exact])

    def type_of(self, path: ResolvedPath) -> str:
        """The type of that value in the words of PostgreSQL."""
        match _binding(self.bindings, path):
            case FlagColumn():
                return "boolean"
            case InstantColumn():
                return "timestamptz"
            case IdColumn():
                return "uuid"
        return "jsonb" if path.leaf.type is Type.BOOLEAN else "text"

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
    dialect: Dialect

    def condition(self, node: Resolved) -> Sql:
        match node:
            case And(terms):
                return joined(" AND ", [self.condition(term) for term in terms])
            case Or(terms):
                return joined(" OR ", [self.condition(term) for term in terms])
            case Not(term):
                return negated(self.condition(term))
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
                return text_column(f"u.{name}", operator, value)
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
                inner = None if path.sub is None else Compare(ResolvedPath(None, path.sub), operator, value)
                return self.related(binding, inner)
            case Address():
                inside = self.dialect.text(self.document(path), path.keys)
                whole = Sql(f"({self.dialect.cast('%s', 'text')} || {inside.text})", (self.base_url, *inside.values))
                return compared(whole, operator, value)
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
        find = relations.with_member if isinstance(binding, Members) else relations.in_group
        return find(inner, self.tenant, self.base_url)

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
        def of_entry(inner: Compare) -> Sql:
            whole = ResolvedPath(path.extension, path.attribute, inner.path.attribute)
            return self.of_entry(whole, inner.operator, inner.value, entry)

        return over(node, of_entry)

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
        return compared(self.dialect.text(holder, keys), operator, value)

    def present(self, leaf: Attribute, holder: str, keys: Sequence[str]) -> Sql:
        if leaf.type is Type.COMPLEX:
            return joined(" OR ", [self.present(sub, holder, (*keys, sub.name)) for sub in leaf.sub_attributes])
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
    return joined(
        " AND ", [text_column(columns[term.path.attribute.name], term.operator, term.value) for term in compared]
    )


def _flag(column: str, operator: Operator, value: Literal, shown: Sql) -> Sql:
    if operator is Operator.PR:
        return shown
    return Sql(f"({column} AND {shown.text})", shown.values) if value else Sql(f"NOT {column}")


def _shown(dialect: Dialect, path: ResolvedPath) -> Sql:
    """Whether the document has the flag; read from its folded twin, which PostgreSQL need not parse."""
    found = dialect.boolean(dialect.documents[False], path.keys)
    return Sql(f"({found.text} IS NOT NULL)", found.values)


def _instant(column: str, operator: Operator, value: Literal) -> Sql:
    if operator is Operator.PR:
        return ALWAYS
    stored = connection.ops.adapt_datetimefield_value(value)  # type: ignore[arg-type]
    return Sql(f"{column} {SYMBOLS[operator]} %s", (stored,))


def _id(value: Literal) -> Sql:
    identifier = canonical_id(str(value))
    return Sql("u.id = %s", (sql.key(identifier),)) if identifier else NEVER
