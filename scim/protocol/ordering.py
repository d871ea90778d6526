"""By what a list is sorted: ``sortBy`` and ``sortOrder`` (RFC 7644 section 3.4.2.3).

The rules, which the database follows and the tests follow in memory:

- Values compare as in filters (``Attribute.key``): without regard to case unless the attribute is case-exact, in code
  point order; instants as instants; false comes before true.
- Of a multi-valued attribute the primary value counts, where there is none the first.
- Who has no value, or an empty one, comes last in ascending order and first in descending.
- Who ties comes in the order of the ids, whichever way the list is sorted.
"""

from dataclasses import dataclass

from scim.protocol.attributes import ResolvedPath, ResourceType, Returned, Type
from scim.protocol.errors import InvalidPath, InvalidValue, shown_name
from scim.protocol.grammar import parse_attribute_path

_DESCENDING = {"ascending": False, "descending": True}


@dataclass(frozen=True, slots=True)
class Order:
    """The attribute that a list is sorted by, which is never a complex one, and whether from its end."""

    path: ResolvedPath
    descending: bool = False

    def __str__(self) -> str:
        return f"{self.path} {'descending' if self.descending else 'ascending'}"


def resolve_order(sort_by: str | None, sort_order: str | None, resource_type: ResourceType) -> Order | None:
    """The order that a request asks for; None where it names no attribute, for ``sortOrder`` alone says nothing.

    ``emails`` means ``emails.value``, as in filters. Raises InvalidPath for an attribute that does not exist, has parts
    or is never returned, InvalidValue for a ``sortOrder`` that is neither of the two.
    """
    if sort_by is None:
        return None
    descending = _DESCENDING.get((sort_order or "ascending").lower())
    if descending is None:
        raise InvalidValue("'sortOrder' must be 'ascending' or 'descending'.")
    path = resource_type.resolve(parse_attribute_path(sort_by))
    if path.leaf.returned is Returned.NEVER or resource_type.extension(path.attribute.name):
        raise InvalidPath(f"Lists can't be sorted by '{shown_name(str(path))}'.")
    if path.leaf.type is Type.COMPLEX:
        value = path.leaf.sub_attribute("value") if path.leaf.multi_valued else None
        if value is None:
            example = path.leaf.sub_attributes[0].name
            raise InvalidPath(f"'{path}' has sub-attributes: sort by one of them, such as {path}.{example}.")
        path = ResolvedPath(path.extension, path.attribute, value)
    return Order(path, descending)
