"""Evaluate a resolved filter over a resource in memory (RFC 7644 section 3.4.2.2)."""

import operator
from collections.abc import Callable, Mapping
from typing import Any

from core.json_values import Json
from scim.protocol.attributes import ResolvedPath, Resource
from scim.protocol.filters import And, AnyValue, Compare, Not, Operator, Or, Resolved
from scim.protocol.values import comparable

_TESTS: Mapping[Operator, Callable[[Any, Any], bool]] = {
    Operator.EQ: operator.eq,
    Operator.CO: operator.contains,
    Operator.SW: str.startswith,
    Operator.EW: str.endswith,
    Operator.GT: operator.gt,
    Operator.GE: operator.ge,
    Operator.LT: operator.lt,
    Operator.LE: operator.le,
}


def matches(condition: Resolved, resource: Resource) -> bool:
    """Whether the condition is true of the resource."""
    match condition:
        case And(terms):
            return all(matches(term, resource) for term in terms)
        case Or(terms):
            return any(matches(term, resource) for term in terms)
        case Not(term):
            return not matches(term, resource)
        case AnyValue(path, inner):
            return any(matches_value(inner, value) for value in _values(path, resource))
        case Compare(path, Operator.PR):
            return any(_is_present(value) for value in _values(path, resource))
        case Compare(path, comparison, wanted):
            test = _TESTS[comparison]
            keys = (comparable(path.leaf, value) for value in _values(path, resource))
            return any(key is not None and test(key, wanted) for key in keys)


def matches_value(condition: Resolved, value: Json) -> bool:
    """Whether the condition inside ``attribute[...]`` is true of one value of that attribute."""
    return isinstance(value, dict) and matches(condition, value)


def _values(path: ResolvedPath, resource: Resource) -> list[Json]:
    """Every value that the path leads to; through multi-valued attributes there may be many."""
    found: list[Json] = [resource]
    for name in path.keys:
        members = [value[name] for value in found if isinstance(value, dict) and name in value]
        found = [value for member in members for value in (member if isinstance(member, list) else [member])]
    return found


def _is_present(value: Json) -> bool:
    """RFC 7644 table 3: ``pr`` is true of a non-empty value, and of a complex one with a non-empty sub-attribute."""
    return any(map(_is_present, value.values())) if isinstance(value, dict) else value not in (None, "", [])
