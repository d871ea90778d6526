"""Lists of users: filter, order, paging and projection (RFC 7644 section 3.4.2, RFC 9865)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from scim.operations import cursors
from scim.operations.provider import DEFAULT_RESULTS, MAX_RESULTS
from scim.operations.resources import shown
from scim.protocol.errors import InvalidCount, InvalidValue
from scim.protocol.filters import Resolved
from scim.protocol.grammar import parse_filter
from scim.protocol.messages import LIST_SCHEMA
from scim.protocol.ordering import Order, resolve_order
from scim.protocol.projection import Projection
from scim.protocol.resolution import resolve_filter
from scim.protocol.schemas import USER
from scim.storage import repository
from scim.storage.principals import Credentials

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
    def parse(cls, parameters: Mapping[str, str]) -> "Query":
        """Read the query parameters. Raises InvalidFilter, InvalidPath, InvalidValue and InvalidCount.

        A startIndex below 1 is 1, a count below 0 is 0 (RFC 7644 section 3.4.2.4); with a cursor, a count must be one
        that a page can have (RFC 9865 section 2.1).
        """
        text, cursor = parameters.get("filter"), parameters.get("cursor")
        order = resolve_order(parameters.get("sortBy"), parameters.get("sortOrder"), USER)
        count = _integer(parameters, "count", DEFAULT_RESULTS)
        if cursor is not None:
            _check_walk(parameters, order, count)
        return cls(
            None if text is None else resolve_filter(parse_filter(text), USER),
            text,
            order,
            min(max(_integer(parameters, "startIndex", 1), 1), _HIGHEST_INDEX),
            min(max(count, 0), MAX_RESULTS),
            cursor,
            Projection.parse(parameters.get("attributes"), parameters.get("excludedAttributes"), USER),
        )


@dataclass(frozen=True, slots=True)
class Found:
    """A finished ListResponse, and what the log says of it."""

    body: bytes
    shown: int
    total: int


def search(query: Query, credentials: Credentials, *, base_url: str) -> Found:
    """The page of users that the query asks for. Raises Unauthorized, InvalidCursor and ExpiredCursor."""
    if query.cursor is not None:
        return _walk(query, query.cursor, credentials, base_url)
    condition, order, offset, limit = query.condition, query.order, query.start_index - 1, query.count
    if condition is None:
        page = repository.page(credentials, order=order, offset=offset, limit=limit)
    else:
        page = repository.matching(condition, credentials, order=order, offset=offset, limit=limit, base_url=base_url)
    return _found(query, page.documents, page.total, f'"startIndex":{query.start_index}', base_url)


def _walk(query: Query, cursor: str, credentials: Credentials, base_url: str) -> Found:
    slug, text = credentials.slug, query.filter_text
    position = cursors.unseal(cursor, slug=slug, condition=text) if cursor else repository.START
    stretch = repository.walk(position, query.condition, credentials, limit=query.count, base_url=base_url)
    beside = {"previousCursor": stretch.previous, "nextCursor": stretch.next}
    sealed = {name: cursors.seal(at, slug=slug, condition=text) for name, at in beside.items() if at is not None}
    members = ",".join(f'"{name}":"{value}"' for name, value in sealed.items())
    return _found(query, stretch.documents, stretch.total, members, base_url)


def _found(query: Query, documents: list[str], total: int, place: str, base_url: str) -> Found:
    """The ListResponse; ``place`` are the members that say which page of the list it is."""
    resources = [shown(document, query.projection, base_url) for document in documents]
    head = f'{{"schemas":["{LIST_SCHEMA}"],"totalResults":{total},{place}{"," if place else ""}'
    body = f'{head}"itemsPerPage":{len(resources)},"Resources":[{",".join(resources)}]}}'
    return Found(body.encode(), len(resources), total)


def _check_walk(parameters: Mapping[str, str], order: Order | None, count: int) -> None:
    if "startIndex" in parameters:
        raise InvalidValue("'cursor' and 'startIndex' are two ways to page: send one of them.")
    if order is not None:
        raise InvalidValue("Sorted lists have no cursors: leave out 'sortBy', or page by 'startIndex'.")
    if not 1 <= count <= MAX_RESULTS:
        raise InvalidCount(f"With a cursor, 'count' must be between 1 and {MAX_RESULTS}.")


def _integer(parameters: Mapping[str, str], name: str, default: int) -> int:
    text = parameters.get(name)
    if text is None:
        return default
    if not _INTEGER.fullmatch(text):
        raise InvalidValue(f"'{name}' must be a whole number.")
    return int(text)
