"""Lists of users and of groups: filter, order, paging and projection (RFC 7644 section 3.4.2, RFC 9865)."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from scim.operations import cursors
from scim.operations.groups import require_groups
from scim.operations.provider import DEFAULT_RESULTS, MAX_RESULTS
from scim.operations.resources import shown
from scim.protocol.attributes import ResourceType
from scim.protocol.errors import InvalidCount, InvalidValue
from scim.protocol.filters import Resolved
from scim.protocol.grammar import parse_filter
from scim.protocol.messages import LIST_SCHEMA
from scim.protocol.ordering import Order, resolve_order
from scim.protocol.projection import EVERYTHING, Projection
from scim.protocol.resolution import as_seen_by, resolve_filter
from scim.protocol.schemas import USER
from scim.storage import repository
from scim.storage import resource_types as stored_types
from scim.storage.principals import Credentials
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
            _check_walk(parameters, order, count)
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
class Found:
    """A finished ListResponse, and what the log says of it."""

    body: bytes
    shown: int
    total: int


def search(query: Query, credentials: Credentials, *, base_url: str) -> Found:
    """The page of users that the query asks for. Raises Unauthorized, InvalidCursor and ExpiredCursor."""
    return _search(query, stored_types.USER, credentials, base_url)


def search_groups(query: Query, credentials: Credentials, *, base_url: str) -> Found:
    """The page of groups that the query asks for. Raises NotFound where there are none to be had, and as ``search``."""
    found = _search(query, stored_types.GROUP, credentials, base_url)
    if not found.shown:
        require_groups(credentials.principal())
    return found


def search_all(parameters: Mapping[str, str], credentials: Credentials, *, base_url: str) -> Found:
    """Users, then groups, as one list (RFC 7644 section 3.4.3).

    What a type of resources does not have is without a value there. Raises InvalidFilter for what none has, and
    InvalidValue for an order or a cursor, which such a list has not.
    """
    if "cursor" in parameters or "sortBy" in parameters:
        raise InvalidValue(
            "Lists of users and groups together are not sorted, nor have they cursors. Search at /Users."
        )
    stored = [stored_types.USER, *([stored_types.GROUP] if credentials.principal().manages_groups else [])]
    kinds = [each.resource_type for each in stored]
    searched = [(each, Query.parse(parameters, each.resource_type, kinds)) for each in stored]
    start_index, room = searched[0][1].start_index, searched[0][1].count
    resources: list[str] = []
    items = total = 0
    for each, query in searched:
        skip = max(start_index - 1 - total, 0)
        page = _page(replace(query, start_index=skip + 1, count=room - items), each, credentials, base_url)
        items += len(page.documents)
        pieces = _shown(query, page.documents, each, base_url)
        resources += [",", *pieces] if resources and pieces else pieces
        total += page.total
    return _list(resources, items, total, f'"startIndex":{start_index}')


def _search(query: Query, stored: StoredType, credentials: Credentials, base_url: str) -> Found:
    if query.cursor is not None:
        return _walk(query, query.cursor, stored, credentials, base_url)
    page = _page(query, stored, credentials, base_url)
    shown = _shown(query, page.documents, stored, base_url)
    return _list(shown, len(page.documents), page.total, f'"startIndex":{query.start_index}')


def _page(query: Query, stored: StoredType, credentials: Credentials, base_url: str) -> repository.Page:
    order, offset, limit = query.order, query.start_index - 1, query.count
    if query.condition is None and stored is stored_types.USER:
        return repository.page(credentials, order=order, offset=offset, limit=limit)
    return repository.matching(
        query.condition, credentials, order=order, offset=offset, limit=limit, base_url=base_url, stored=stored
    )


def _walk(query: Query, cursor: str, stored: StoredType, credentials: Credentials, base_url: str) -> Found:
    of, text = credentials.slug + stored.resource_type.endpoint, query.filter_text
    position = cursors.unseal(cursor, of=of, condition=text) if cursor else repository.START
    stretch = repository.walk(
        position, query.condition, credentials, limit=query.count, base_url=base_url, stored=stored
    )
    beside = {"previousCursor": stretch.previous, "nextCursor": stretch.next}
    sealed = {name: cursors.seal(at, of=of, condition=text) for name, at in beside.items() if at is not None}
    members = ",".join(f'"{name}":"{value}"' for name, value in sealed.items())
    shown = _shown(query, stretch.documents, stored, base_url)
    return _list(shown, len(stretch.documents), stretch.total, members)


def _shown(query: Query, documents: list[str], stored: StoredType, base_url: str) -> list[str]:
    """The resources as pieces of a JSON list, commas included; a page is long, so it is put together but once."""
    related = _related(documents, query, stored, base_url)
    if not related and query.projection is EVERYTHING:
        return repository.represent_all(documents, base_url)
    resources = [shown(each, query.projection, base_url, related.get(repository.id_of(each), "")) for each in documents]
    return [",".join(resources)] if resources else []


def _list(resources: list[str], items: int, total: int, place: str) -> Found:
    """The ListResponse of so many items; ``place`` are the members that say which page of the list it is."""
    head = f'{{"schemas":["{LIST_SCHEMA}"],"totalResults":{total},{place}{"," if place else ""}'
    body = "".join([f'{head}"itemsPerPage":{items},"Resources":[', *resources, "]}"])
    return Found(body.encode(), items, total)


def _related(documents: list[str], query: Query, stored: StoredType, base_url: str) -> dict[str, str]:
    """What other rows say about the resources of a page, by id: of users their groups, of groups their members."""
    if stored is stored_types.USER:
        name, look_up = "groups", repository.groups_of
    else:
        name, look_up = "members", repository.members_of
    if not query.projection.shows(name):
        return {}
    return look_up([repository.id_of(document) for document in documents], base_url)


def _check_walk(parameters: Mapping[str, str], order: Order | None, count: int) -> None:
    if "startIndex" in parameters:
        raise InvalidValue("'cursor' and 'startIndex' are two ways to page: send one of them.")
    if order is not None:
        raise InvalidValue("Sorted lists have no cursors: leave out 'sortBy', or page by 'startIndex'.")
    if count > MAX_RESULTS:
        raise InvalidCount(f"With a cursor, 'count' must be between 0 and {MAX_RESULTS}.")


def _integer(parameters: Mapping[str, str], name: str, default: int) -> int:
    text = parameters.get(name)
    if text is None:
        return default
    if not _INTEGER.fullmatch(text):
        raise InvalidValue(f"'{name}' must be a whole number.")
    return int(text)
