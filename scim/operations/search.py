"""Lists of resources: filter, order, paging and projection (RFC 7644 section 3.4.2, RFC 9865)."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from scim.operations import cursors
from scim.operations.cursors import CursorScope
from scim.operations.groups import require_groups
from scim.operations.provider import DEFAULT_RESULTS, MAX_RESULTS
from scim.operations.users import shown
from scim.protocol.attributes import ResourceType
from scim.protocol.errors import InvalidCount, InvalidPath, InvalidValue
from scim.protocol.filters import Resolved
from scim.protocol.grammar import parse_filter
from scim.protocol.ordering import Order, resolve_order
from scim.protocol.projection import EVERYTHING, Projection
from scim.protocol.resolution import as_seen_by, resolve_filter
from scim.protocol.responses import LIST_SCHEMA
from scim.protocol.schemas import USER
from scim.storage import lists, repository
from scim.storage import resource_types as stored_types
from scim.storage.credentials import Credentials
from scim.storage.lists import Selection, WalkPage
from scim.storage.positions import START
from scim.storage.repository import Page
from scim.storage.resource_types import StoredType

_INTEGER = re.compile(r"[+-]?[0-9]{1,300}", re.ASCII)
# Nobody has that many users, and every database can count so far.
_HIGHEST_INDEX = 2**53


@dataclass(frozen=True, slots=True)
class Query:
    """What a client wants to see, parsed.

    ``cursor`` is as the client sent it: None where pages go by index, empty for the first page of a walk. Cursors are
    bound to ``filter_text``, the filter as the client spelled it.
    """

    condition: Resolved | None
    filter_text: str | None
    order: Order | None
    start_index: int
    count: int
    cursor: str | None
    projection: Projection

    @classmethod
    def parse(
        cls,
        parameters: Mapping[str, str],
        resource_type: ResourceType = USER,
        others: Collection[ResourceType] = (),
    ) -> "Query":
        """Read the query parameters. Raises InvalidFilter, InvalidPath, InvalidValue and InvalidCount.

        A startIndex below 1 is 1, a count below 0 is 0 (RFC 7644 section 3.4.2.4); with a cursor, a count must be one
        that a page can have, and one of 0 asks for the total only (RFC 9865 sections 2 and 2.1). What only ``others``
        have, which are searched too, has no value here (RFC 7644 section 3.4.2.1).
        """
        text, cursor = parameters.get("filter"), parameters.get("cursor")
        order = resolve_order(parameters.get("sortBy"), parameters.get("sortOrder"), resource_type)
        count = _integer(parameters, "count", DEFAULT_RESULTS)
        if cursor is not None:
            _check_walk(parameters, count)
        return cls(
            None
            if text is None
            else resolve_filter(as_seen_by(resource_type, parse_filter(text), others), resource_type),
            text,
            order,
            min(max(_integer(parameters, "startIndex", 1), 1), _HIGHEST_INDEX),
            min(max(count, 0), MAX_RESULTS),
            cursor if count > 0 else None,
            Projection.parse(parameters.get("attributes"), parameters.get("excludedAttributes"), resource_type),
        )


@dataclass(frozen=True, slots=True)
class SearchResult:
    """A finished ListResponse, and what the log says of it."""

    body: bytes
    shown: int
    total: int


def search(query: Query, credentials: Credentials, *, base_url: str) -> SearchResult:
    """The page of users that the query asks for. Raises Unauthorized, InvalidCursor and ExpiredCursor."""
    return _search(query, stored_types.USER, credentials, base_url)


def search_groups(query: Query, credentials: Credentials, *, base_url: str) -> SearchResult:
    """The page of groups that the query asks for. Raises NotFound where there are none to be had, and as ``search``."""
    found = _search(query, stored_types.GROUP, credentials, base_url)
    if not found.shown:
        require_groups(credentials.principal())
    return found


def search_all(parameters: Mapping[str, str], credentials: Credentials, *, base_url: str) -> SearchResult:
    """Users and groups as one list: sorted, or users before groups (RFC 7644 section 3.4.3).

    What a type of resources does not have is without a value there, in the filter and in the order. Raises
    InvalidFilter and InvalidPath for what none has, and what ``search`` raises.
    """
    stored = [stored_types.USER, *([stored_types.GROUP] if credentials.principal().manages_groups else [])]
    orders = _orders(parameters, stored)
    others = {name: value for name, value in parameters.items() if name not in ("sortBy", "sortOrder")}
    kinds = [each.resource_type for each in stored]
    queries = [(each, Query.parse(others, each.resource_type, kinds)) for each in stored]
    selections = [Selection(each, query.condition, orders.get(each.resource_type.name)) for each, query in queries]
    query = queries[0][1]
    if query.cursor is None:
        page = lists.page(selections, credentials, offset=query.start_index - 1, limit=query.count, base_url=base_url)
        return _list(_mixed(queries, page, base_url), page, f'"startIndex":{query.start_index}')
    cursor_scope = CursorScope(f"{credentials.slug}/", query.filter_text, next(map(str, orders.values()), None))
    walk_page = _walk_page(query, cursor_scope, selections, credentials, base_url)
    return _list(_mixed(queries, walk_page.page, base_url), walk_page.page, _places(walk_page, cursor_scope))


def _orders(parameters: Mapping[str, str], stored: list[StoredType]) -> dict[str, Order]:
    """The order by the name of each resource type that has such an attribute. Raises InvalidPath where none has it."""
    orders: dict[str, Order] = {}
    refusals = []
    for each in stored:
        try:
            order = resolve_order(parameters.get("sortBy"), parameters.get("sortOrder"), each.resource_type)
        except InvalidPath as refusal:
            refusals.append(refusal)
            continue
        if order is not None:
            orders[each.resource_type.name] = order
    if refusals and not orders:
        raise refusals[0]
    return orders


def _search(query: Query, stored: StoredType, credentials: Credentials, base_url: str) -> SearchResult:
    if query.cursor is not None:
        return _walk(query, stored, credentials, base_url)
    page = _page(query, stored, credentials, base_url)
    return _list(_shown(query, page, stored, base_url), page, f'"startIndex":{query.start_index}')


def _page(query: Query, stored: StoredType, credentials: Credentials, base_url: str) -> Page:
    offset, limit = query.start_index - 1, query.count
    if query.order is not None:
        selection = Selection(stored, query.condition, query.order)
        return lists.page([selection], credentials, offset=offset, limit=limit, base_url=base_url)
    if query.condition is None and stored is stored_types.USER:
        return repository.page(credentials, offset=offset, limit=limit)
    return repository.matching(
        query.condition, credentials, offset=offset, limit=limit, base_url=base_url, stored=stored
    )


def _walk(query: Query, stored: StoredType, credentials: Credentials, base_url: str) -> SearchResult:
    order = None if query.order is None else str(query.order)
    cursor_scope = CursorScope(credentials.slug + stored.resource_type.endpoint, query.filter_text, order)
    selection = Selection(stored, query.condition, query.order)
    walk_page = _walk_page(query, cursor_scope, [selection], credentials, base_url)
    return _list(_shown(query, walk_page.page, stored, base_url), walk_page.page, _places(walk_page, cursor_scope))


def _walk_page(
    query: Query, cursor_scope: CursorScope, selections: list[Selection], credentials: Credentials, base_url: str
) -> WalkPage:
    position = cursors.unseal(query.cursor, cursor_scope) if query.cursor else START
    return lists.walk(selections, position, credentials, limit=query.count, base_url=base_url)


def _places(walk_page: WalkPage, cursor_scope: CursorScope) -> str:
    """The cursors of the pages beside one, as members of the ListResponse."""
    beside = {"previousCursor": walk_page.previous, "nextCursor": walk_page.next}
    return ",".join(f'"{name}":"{cursors.seal(at, cursor_scope)}"' for name, at in beside.items() if at is not None)


def _shown(query: Query, page: Page, stored: StoredType, base_url: str) -> list[str]:
    """The resources as pieces of a JSON list, commas included; a page is long, so it is put together but once."""
    related = _related(page, query, stored, base_url)
    if not related and query.projection is EVERYTHING:
        return repository.represent_all(page.documents, base_url)
    resources = _resources(query, page, related, base_url)
    return [",".join(resources)] if resources else []


def _resources(query: Query, page: Page, related: Mapping[str, str], base_url: str) -> list[str]:
    return [
        shown(document, query.projection, base_url, related.get(repository.id_of(document), "") if related else "")
        for document in page.documents
    ]


def _mixed(queries: list[tuple[StoredType, Query]], page: Page, base_url: str) -> list[str]:
    """The same for a page that holds several types."""
    found: dict[str, str] = {}
    for stored, query in queries:
        of_type = repository.of_type(page, stored)
        related = _related(of_type, query, stored, base_url)
        found |= zip(of_type.documents, _resources(query, of_type, related, base_url), strict=True)
    return [",".join(found[document] for document in page.documents)]


def _list(resources: list[str], page: Page, place: str) -> SearchResult:
    """The ListResponse of a page; ``place`` are the members that say which page of the list it is."""
    items = len(page.documents)
    head = f'{{"schemas":["{LIST_SCHEMA}"],"totalResults":{page.total},{place}{"," if place else ""}'
    body = "".join([f'{head}"itemsPerPage":{items},"Resources":[', *resources, "]}"])
    return SearchResult(body.encode(), items, page.total)


def _related(page: Page, query: Query, stored: StoredType, base_url: str) -> dict[str, str]:
    """What other rows say about the resources of a page, by id: of users their groups, of groups their members."""
    if stored is stored_types.USER:
        name, look_up = "groups", repository.groups_of
    else:
        name, look_up = "members", repository.members_of
    if not query.projection.shows(name):
        return {}
    return look_up(page.related, base_url)


def _check_walk(parameters: Mapping[str, str], count: int) -> None:
    if "startIndex" in parameters:
        raise InvalidValue("'cursor' and 'startIndex' are two ways to page: send one of them.")
    if count > MAX_RESULTS:
        raise InvalidCount(f"With a cursor, 'count' must be between 0 and {MAX_RESULTS}.")


def _integer(parameters: Mapping[str, str], name: str, default: int) -> int:
    text = parameters.get(name)
    if text is None:
        return default
    if not _INTEGER.fullmatch(text):
        raise InvalidValue(f"'{name}' must be a whole number.")
    return int(text)
