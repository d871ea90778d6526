"""Sorted lists, page by page: users, groups or both."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from core import dialects
from scim.protocol.filters import Resolved
from scim.protocol.ordering import Order
from scim.storage import ordered, repository, sql
from scim.storage.compiler import compile_filter, compile_order
from scim.storage.credentials import Credentials
from scim.storage.ordered import OrderedSource, SortKey
from scim.storage.positions import START, Key, Position
from scim.storage.repository import Page
from scim.storage.resource_types import USER, StoredType
from scim.storage.sql import Row, Sql


@dataclass(frozen=True, slots=True)
class Selection:
    """The resources of a type that satisfy a filter, None for all, and what they are sorted by.

    ``order`` is None where the list is not sorted, or sorted by what resources of this type don't have.
    """

    stored: StoredType
    condition: Resolved | None = None
    order: Order | None = None


@dataclass(frozen=True, slots=True)
class WalkPage:
    """A page of a walk, and where the pages beside it are."""

    page: Page
    next: Position | None
    previous: Position | None


def page(selections: Sequence[Selection], credentials: Credentials, *, offset: int, limit: int, base_url: str) -> Page:
    """Some of all that is selected, sorted; unsorted, one type comes after the other. Raises Unauthorized."""
    statement = ordered.page(_sources(selections, credentials, base_url), None, limit=limit, offset=offset)
    rows = sql.rows(statement.text, statement.values) if limit else []
    whole = limit and len(rows) < limit and (rows or not offset)
    if not rows:
        credentials.principal()
    return _page(rows, offset + len(rows) if whole else _total(selections, credentials, base_url))


def walk(
    selections: Sequence[Selection], position: Position, credentials: Credentials, *, limit: int, base_url: str
) -> WalkPage:
    """The page at a position in the list that ``page`` gives. Raises Unauthorized."""
    if [*selections] == [Selection(USER)]:
        return _walk_of_all(position, credentials, limit)
    sources = _sources(selections, credentials, base_url)
    if position.digest:
        position = position.completed(_present_key(position, sources), descending=sources[0].key.descending)
    statement = ordered.page(sources, None if position == START else position, limit=limit + 1)
    rows = sql.rows(statement.text, statement.values)
    if not rows:
        credentials.principal()
    whole = position == START and len(rows) <= limit
    return _walk_page(rows, position, limit, len(rows) if whole else _total(selections, credentials, base_url))


def _walk_of_all(position: Position, credentials: Credentials, limit: int) -> WalkPage:
    statement = sql.WALK_BACK if position.backwards else sql.WALK_ON
    rows = sql.rows(statement, (*credentials.values, sql.key(position.at), limit + 1))
    total = rows[0][3] if rows else repository.headcount(credentials)
    return _walk_page([(*row[:3], None) for row in rows], position, limit, total)


def _walk_page(rows: list[Row], position: Position, limit: int, total: int) -> WalkPage:
    """What the rows at a position, one more than the page holds if there is one, come to."""
    page, beyond = rows[:limit], rows[limit:]
    if position.backwards:
        page.reverse()
        following: Position | None = replace(position, backwards=False)
        preceding = _before(page[0]) if beyond else None
    else:
        following = replace(_before(beyond[0]), backwards=False) if beyond else None
        first = _before(page[0]) if page else replace(position, backwards=True)
        preceding = None if position == START else first
    return WalkPage(_page(page, total), following, preceding)


def _page(rows: list[Row], total: int) -> Page:
    return Page([row[0] for row in rows], total, repository.related(rows))


def _before(row: Row) -> Position:
    _document, _related, identifier, key = row
    return Position(sql.from_key(identifier), backwards=True, key=key)


def _sources(selections: Sequence[Selection], credentials: Credentials, base_url: str) -> list[OrderedSource]:
    keys = [None if each.order is None else compile_order(each.order, each.stored, base_url) for each in selections]
    some = next((key for key in keys if key is not None), None)
    sources = []
    for number, (selection, key) in enumerate(zip(selections, keys, strict=True)):
        stored = selection.stored
        tenant = Sql(stored.tenant, credentials.values)
        condition = Sql(f"u.organization_id = {tenant.text}", tenant.values)
        if selection.condition is not None:
            compiled = compile_filter(selection.condition, stored, tenant, base_url)
            condition = Sql(f"{condition.text} AND {compiled.text}", condition.values + compiled.values)
        if some is None:
            key = SortKey.same(number)
        elif len(selections) > 1 or key is None:
            key = _alike(key or replace(some, value=Sql("NULL"), everywhere=False, looked_up=False))
        sources.append(OrderedSource(stored.table, stored.related, condition, key))
    return sources


def _alike(key: SortKey) -> SortKey:
    """The key as two types can have it in one list: of the same type in the database's eyes too."""
    dialect = dialects.current()
    value = dialect.cast(f"({key.value.text})", key.type)
    return replace(key, value=Sql(dialect.by_code_point(value) if key.type == "text" else value, key.value.values))


def _present_key(position: Position, sources: Sequence[OrderedSource]) -> Key:
    for source in sources:
        statement = ordered.key_of(source, position)
        row = sql.one(statement.text, statement.values)
        if row is not None:
            key: Key = row[0]
            return key
    return None


def _total(selections: Sequence[Selection], credentials: Credentials, base_url: str) -> int:
    return sum(
        repository.count(each.condition, credentials, stored=each.stored, base_url=base_url) for each in selections
    )
