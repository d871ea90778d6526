"""The statement for one page of a sorted list (RFC 7644 section 3.4.2.3).

Only keys are sorted; the documents of the page are read when it is known who is on it. Of each type no more rows are
taken than the page may need, so that an index which has the order is read no further.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from core import dialects
from scim.storage import sql
from scim.storage.conditions import ALWAYS, NEVER
from scim.storage.positions import Position
from scim.storage.sql import Sql


@dataclass(frozen=True, slots=True)
class SortKey:
    """What sorts the rows ``u`` of a table.

    ``type`` is the value's type in the words of PostgreSQL. ``everywhere`` says that no row is without a value,
    ``looked_up`` that it takes a sub-select, and ``constant`` that all have this one: then the ids make the order.
    """

    value: Sql
    type: str
    descending: bool = False
    everywhere: bool = False
    looked_up: bool = False
    constant: int | None = None

    @classmethod
    def same(cls, number: int) -> "SortKey":
        """The key that is one number for all."""
        return cls(Sql(str(number)), "integer", everywhere=True, constant=number)


@dataclass(frozen=True, slots=True)
class OrderedSource:
    """The rows ``u`` of a table that satisfy a condition, the organization included, and what sorts them.

    ``related`` is whether rows of members belong to a row.
    """

    table: str
    related: str
    condition: Sql
    key: SortKey


def page(sources: Sequence[OrderedSource], position: Position | None, *, limit: int, offset: int = 0) -> Sql:
    """The statement for a page of one source or of two in one order, as rows of document, related, id and key.

    It skips ``offset`` rows of all; or of those at and after a position, which if it is backwards are those before it
    in the opposite order. The key is as ``Position`` has it.
    """
    backwards = position is not None and position.backwards
    keys = [source.key for source in sources]
    if len(sources) == 1:
        ranked = _ranked(0, sources[0], position, limit, offset)
    else:
        parts = [_ranked(number, source, position, limit + offset, 0) for number, source in enumerate(sources)]
        both = " UNION ALL ".join(f"SELECT * FROM ({part.text}) part" for part in parts)  # noqa: S608
        ranked = Sql(
            f"SELECT * FROM ({both}) parts ORDER BY {_order('parts', keys, backwards)} LIMIT %s OFFSET %s",  # noqa: S608
            (*(value for part in parts for value in part.values), limit, offset),
        )
    shown = " UNION ALL ".join(
        f"SELECT u.document, {source.related} AS related, page.id, page.sort_key FROM page"  # noqa: S608
        f" JOIN {source.table} u ON u.id = page.id WHERE page.source = {number}"
        for number, source in enumerate(sources)
    )
    key = dialects.current().plain("shown.sort_key")
    return Sql(
        f"WITH page AS MATERIALIZED ({ranked.text}) SELECT shown.document, shown.related, shown.id, {key}"  # noqa: S608
        f" FROM ({shown}) shown ORDER BY {_order('shown', keys, backwards)}",
        ranked.values,
    )


def key_of(source: OrderedSource, position: Position) -> Sql:
    """The statement for the key that the resource at a position has now."""
    key = dialects.current().plain(f"({source.key.value.text})")
    return Sql(
        f"SELECT {key} FROM {source.table} u WHERE {source.condition.text} AND u.id = %s",  # noqa: S608
        (*source.key.value.values, *source.condition.values, sql.key(position.at)),
    )


def _ranked(number: int, source: OrderedSource, position: Position | None, limit: int, offset: int) -> Sql:
    """Rows of id, sort_key and source, the first ones of a source in its order."""
    key, condition = source.key, source.condition
    side = ALWAYS if position is None else _beyond(position, key)
    order = _order("keyed", [key], position is not None and position.backwards)
    # The database would work a key out again wherever it is named.
    once = "MATERIALIZED" if key.looked_up else "NOT MATERIALIZED"
    return Sql(
        f"WITH keyed AS {once} (SELECT u.id AS id, {key.value.text} AS sort_key FROM {source.table} u"  # noqa: S608
        f" WHERE {condition.text}) SELECT id, sort_key, {number} AS source FROM keyed WHERE {side.text}"
        f" ORDER BY {order} LIMIT %s OFFSET %s",
        (*key.value.values, *condition.values, *side.values, limit, offset),
    )


def _order(alias: str, keys: Sequence[SortKey], backwards: bool) -> str:
    """The words of ORDER BY: whoever ties comes in the order of the ids, whichever way the list is sorted."""
    by_id = f"{alias}.id {'DESC' if backwards else 'ASC'}"
    if len(keys) == 1 and keys[0].constant is not None:
        return by_id
    falling = keys[0].descending != backwards
    word = "DESC" if falling else "ASC"
    if not all(key.everywhere for key in keys):
        # Without a word about those who have no value an index can serve the order.
        word += f" NULLS {'FIRST' if falling else 'LAST'}"
    return f"{alias}.sort_key {word}, {by_id}"


def _beyond(position: Position, key: SortKey) -> Sql:
    """True of the rows at and after a position, or of those before it if that is backwards."""
    identifier = sql.key(position.at)
    side = "<" if position.backwards else ">="
    if key.constant is not None:
        at = int(position.key or 0)
        if key.constant == at:
            return Sql(f"id {side} %s", (identifier,))
        return ALWAYS if (key.constant > at) != position.backwards else NEVER
    towards_none = key.descending == position.backwards
    if position.key is None:
        first = "sort_key IS NULL AND" if towards_none else "sort_key IS NOT NULL OR"
        return Sql(f"({first} id {side} %s)", (identifier,))
    further = "<" if key.descending != position.backwards else ">"
    value = dialects.current().cast("%s", key.type)
    none = " OR sort_key IS NULL" if towards_none and not key.everywhere else ""
    return Sql(
        f"(sort_key {further}= {value} AND (sort_key {further} {value} OR id {side} %s){none})",
        (position.key, position.key, identifier),
    )
