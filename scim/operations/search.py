"""Lists of users and of groups: paging, filter and projection (RFC 7644 section 3.4.2)."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from scim.operations.groups import require_groups
from scim.operations.provider import DEFAULT_RESULTS, MAX_RESULTS
from scim.operations.resources import shown
from scim.protocol.attributes import ResourceType
from scim.protocol.errors import InvalidValue
from scim.protocol.filters import Resolved
from scim.protocol.grammar import parse_filter
from scim.protocol.messages import LIST_SCHEMA
from scim.protocol.projection import Projection
from scim.protocol.resolution import resolve_filter
from scim.protocol.schemas import USER
from scim.storage import repository
from scim.storage import resource_types as stored_types
from scim.storage.principals import Credentials

_INTEGER = re.compile(r"[+-]?[0-9]{1,300}", re.ASCII)
# Nobody has that many users, and every database can count so far.
_HIGHEST_INDEX = 2**53


@dataclass(frozen=True, slots=True)
class Query:
    """What a client wants to see, parsed."""

    condition: Resolved | None
    start_index: int
    count: int
    projection: Projection

    @classmethod
    def parse(cls, parameters: Mapping[str, str], resource_type: ResourceType = USER) -> "Query":
        """Read the query parameters. Raises InvalidFilter and InvalidValue.

        A startIndex below 1 is 1, a count below 0 is 0 (RFC 7644 section 3.4.2.4).
        """
        text = parameters.get("filter")
        return cls(
            None if text is None else resolve_filter(parse_filter(text), resource_type),
            min(max(_integer(parameters, "startIndex", 1), 1), _HIGHEST_INDEX),
            min(max(_integer(parameters, "count", DEFAULT_RESULTS), 0), MAX_RESULTS),
            Projection.parse(parameters.get("attributes"), parameters.get("excludedAttributes"), resource_type),
        )


@dataclass(frozen=True, slots=True)
class Found:
    """A finished ListResponse, and what the log says of it."""

    body: bytes
    shown: int
    total: int


def search(query: Query, credentials: Credentials, *, base_url: str) -> Found:
    """The page of users that the query asks for. Raises Unauthorized and InvalidFilter."""
    offset, limit = query.start_index - 1, query.count
    if query.condition is None:
        page = repository.page(credentials, offset=offset, limit=limit)
    else:
        page = repository.matching(query.condition, credentials, offset=offset, limit=limit, base_url=base_url)
    related = _related(page, query, base_url, "groups", repository.groups_of)
    return _found(page, query, base_url, related)


def search_groups(query: Query, credentials: Credentials, *, base_url: str) -> Found:
    """The page of groups that the query asks for. Raises Unauthorized, NotFound and InvalidFilter."""
    page = repository.matching(
        query.condition,
        credentials,
        offset=query.start_index - 1,
        limit=query.count,
        base_url=base_url,
        stored=stored_types.GROUP,
    )
    if not page.documents:
        require_groups(credentials.principal())
    return _found(page, query, base_url, _related(page, query, base_url, "members", repository.members_of))


def _related(
    page: repository.Page,
    query: Query,
    base_url: str,
    name: str,
    look_up: Callable[[Sequence[str], str], dict[str, str]],
) -> dict[str, str]:
    if not query.projection.shows(name):
        return {}
    return look_up([repository.id_of(document) for document in page.documents], base_url)


def _found(page: repository.Page, query: Query, base_url: str, related: Mapping[str, str]) -> Found:
    resources = [
        shown(document, query.projection, base_url, related.get(repository.id_of(document), "") if related else "")
        for document in page.documents
    ]
    head = (
        f'{{"schemas":["{LIST_SCHEMA}"],"totalResults":{page.total},"startIndex":{query.start_index},'
        f'"itemsPerPage":{len(resources)},"Resources":['
    )
    return Found(f"{head}{','.join(resources)}]}}".encode(), len(resources), page.total)


def _integer(parameters: Mapping[str, str], name: str, default: int) -> int:
    text = parameters.get(name)
    if text is None:
        return default
    if not _INTEGER.fullmatch(text):
        raise InvalidValue(f"'{name}' must be a whole number.")
    return int(text)
