"""The body of a search, read (RFC 7644 section 3.4.3)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from core.json_values import Json
from scim.protocol import quirks
from scim.protocol.errors import InvalidValue
from scim.protocol.json_bodies import in_any_case, texts
from scim.protocol.reading import Quirk

SEARCH_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """What a search asks for, as the query parameters that a GET would have, and what is odd about how it does."""

    parameters: Mapping[str, str]
    quirk: Quirk | None = None


def read_search(body: dict[str, Json]) -> SearchRequest:
    """The query that the body of a POST to ``/.search`` holds (RFC 7644 section 3.4.3).

    A member that is null or an empty list counts as not sent; members that no search has are passed over. Raises
    InvalidValue for a member of the wrong type.
    """
    members = in_any_case(body)
    parameters = {}
    for name, (reader, wanted) in _MEMBERS.items():
        value = members.get(name.lower())
        if value is None or value == []:
            continue
        text = reader(value)
        if text is None:
            raise InvalidValue(f"'{name}' must be {wanted}.")
        parameters[name] = text
    if SEARCH_SCHEMA in texts(members.get("schemas")):
        return SearchRequest(parameters)
    return SearchRequest(parameters, quirks.schema_not_named(SEARCH_SCHEMA))


def _names(value: Json) -> str | None:
    names = texts(value)
    return ",".join(names) if isinstance(value, list) and len(names) == len(value) else None


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: Json) -> str | None:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


_MEMBERS: Mapping[str, tuple[Callable[[Json], str | None], str]] = {
    "attributes": (_names, "a list of attribute names"),
    "excludedAttributes": (_names, "a list of attribute names"),
    "filter": (_text, "a text"),
    "sortBy": (_text, "a text"),
    "sortOrder": (_text, "a text"),
    "startIndex": (_number, "a whole number"),
    "count": (_number, "a whole number"),
    "cursor": (_text, "a text"),
}
