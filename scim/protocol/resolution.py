"""Resolve a filter: every attribute found, every value read by its type (RFC 7644 section 3.4.2.2)."""

from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from functools import partial

from core.addresses import fold
from scim.protocol.attributes import Attribute, AttributePath, ResolvedPath, ResourceType, Returned, Type
from scim.protocol.errors import InvalidFilter, InvalidPath, shown_name
from scim.protocol.filters import (
    And,
    AnyValue,
    Compare,
    Comparison,
    Filter,
    Not,
    Operator,
    Or,
    Resolved,
    ValuePath,
)
from scim.protocol.values import comparable

Literal = str | int | float | bool

_PARTS = frozenset({Operator.CO, Operator.SW, Operator.EW})
_EQUALITY = frozenset({Operator.EQ})
_ORDER = _EQUALITY | {Operator.GT, Operator.GE, Operator.LT, Operator.LE}

# RFC 7644 table 3: no order among booleans and binaries; parts are parts of text. `ne` goes with `eq`.
OPERATORS = {
    Type.STRING: _ORDER | _PARTS,
    Type.REFERENCE: _ORDER | _PARTS,
    Type.DATETIME: _ORDER,
    Type.INTEGER: _ORDER,
    Type.DECIMAL: _ORDER,
    Type.BOOLEAN: _EQUALITY,
    Type.BINARY: _EQUALITY,
}

_WANTED = {
    Type.STRING: "text in double quotes",
    Type.REFERENCE: "text in double quotes",
    Type.BINARY: "text in double quotes",
    Type.DATETIME: 'a date and time such as "2011-05-13T04:42:34Z"',
    Type.INTEGER: "a number",
    Type.DECIMAL: "a number",
    Type.BOOLEAN: "true or false",
}

_BOOLEANS = {"true": True, "false": False}


def resolve_filter(condition: Filter, resource_type: ResourceType) -> Resolved:
    """The condition over resources of that type, ready for evaluation.

    Raises InvalidFilter for an attribute that does not exist or is never returned, for an operator that does not apply
    to the attribute's type, and for a value of another type.
    """
    return _resolve(condition, partial(_in_resource, resource_type))


def as_seen_by(resource_type: ResourceType, condition: Filter, others: Collection[ResourceType]) -> Filter:
    """The condition over resources of one type, of a list that has ``others`` too.

    An attribute that only others have is one without a value here (RFC 7644 section 3.4.2.1); what none has stays as it
    is, for ``resolve_filter`` to refuse.
    """
    match condition:
        case And(terms):
            return And(tuple(as_seen_by(resource_type, term, others) for term in terms))
        case Or(terms):
            return Or(tuple(as_seen_by(resource_type, term, others) for term in terms))
        case Not(term):
            return Not(as_seen_by(resource_type, term, others))
        case ValuePath(path) | Comparison(path) if not _has(resource_type, path):
            return _of_no_value(condition) if any(_has(other, path) for other in others) else condition
    return condition


def _has(resource_type: ResourceType, path: AttributePath) -> bool:
    try:
        resource_type.resolve(path)
    except InvalidPath:
        return False
    return True


def _of_no_value(condition: Filter) -> Filter:
    """What a comparison comes to where there is no value: `ne` something and `eq null` hold, as every id is there."""
    match condition:
        case Comparison(_, Operator.NE, value) if value is not None:
            return _ALWAYS
        case Comparison(_, Operator.EQ, None):
            return _ALWAYS
    return Not(_ALWAYS)


_ALWAYS = Comparison(AttributePath(None, "id"), Operator.PR)


def resolve_value_filter(condition: Filter, attribute: Attribute) -> Resolved:
    """The condition inside ``attribute[...]``, over single values of that complex attribute.

    Raises InvalidFilter as ``resolve_filter`` does; an attribute that isn't complex has no sub-attribute to name.
    """
    return _resolve(condition, partial(_in_value, attribute))


def quoted_booleans(condition: Filter, resource_type: ResourceType) -> Iterator[Attribute]:
    """The boolean attributes that a condition, which resolves, compares with a text."""
    return _quoted(condition, partial(_in_resource, resource_type))


def quoted_booleans_of_values(condition: Filter, attribute: Attribute) -> Iterator[Attribute]:
    """The same inside ``attribute[...]``."""
    return _quoted(condition, partial(_in_value, attribute))


def _quoted(condition: Filter, find: Callable[[AttributePath], ResolvedPath]) -> Iterator[Attribute]:
    match condition:
        case And(terms) | Or(terms):
            for term in terms:
                yield from _quoted(term, find)
        case Not(term):
            yield from _quoted(term, find)
        case ValuePath(path, inner):
            yield from _quoted(inner, partial(_in_value, find(path).leaf))
        case Comparison(path, _, str()) if (leaf := find(path).leaf).type is Type.BOOLEAN:
            yield leaf


def _resolve(condition: Filter, find: Callable[[AttributePath], ResolvedPath]) -> Resolved:
    match condition:
        case And(terms):
            return And(tuple(_resolve(term, find) for term in terms))
        case Or(terms):
            return Or(tuple(_resolve(term, find) for term in terms))
        case Not(term):
            return Not(_resolve(term, find))
        case ValuePath(path, inner):
            return _value_path(find(path), inner)
        case Comparison(path, operator, value):
            return _comparison(find(path), operator, value)


def _in_resource(resource_type: ResourceType, path: AttributePath) -> ResolvedPath:
    try:
        found = resource_type.resolve(path)
    except InvalidPath as error:
        raise InvalidFilter(error.detail) from None
    if resource_type.extension(found.attribute.name):
        raise InvalidFilter(f"'{shown_name(str(path))}' is a schema: name one of its attributes.")
    return found


def _in_value(attribute: Attribute, path: AttributePath) -> ResolvedPath:
    sub = attribute.sub_attribute(path.name) if path.urn is None and path.sub is None else None
    if sub is None:
        raise InvalidFilter(f"'{attribute.name}' has no sub-attribute '{shown_name(str(path))}'.")
    return ResolvedPath(None, sub)


def _value_path(path: ResolvedPath, inner: Filter) -> Resolved:
    if path.leaf.multi_valued:
        return AnyValue(path, resolve_value_filter(inner, path.leaf))
    # Of an attribute with one value, name[familyName eq "x"] says the same as name.familyName eq "x".
    return _resolve(inner, partial(_below, path))


def _below(path: ResolvedPath, sub: AttributePath) -> ResolvedPath:
    return ResolvedPath(path.extension, path.attribute, _in_value(path.leaf, sub).attribute)


def _comparison(path: ResolvedPath, operator: Operator, value: Literal | None) -> Resolved:
    if path.leaf.returned is Returned.NEVER:
        raise InvalidFilter(f"'{path}' can't be used in a filter.")
    if operator is Operator.PR:
        return Compare(path, operator)
    if operator is Operator.NE:
        return Not(_comparison(path, Operator.EQ, value))
    if value is None:
        if operator is not Operator.EQ:
            raise InvalidFilter(f"null can be compared by 'eq' and 'ne', not by '{operator}'.")
        return Not(Compare(path, Operator.PR))
    if path.leaf.type is Type.COMPLEX:
        path = _default_sub_attribute(path)
    if operator not in OPERATORS[path.leaf.type]:
        raise InvalidFilter(f"'{operator}' does not apply to the {path.leaf.type} attribute '{path}'.")
    wanted = _wanted(path.leaf, operator, value)
    if wanted is None:
        raise InvalidFilter(f"'{path}' is compared with {_WANTED[path.leaf.type]}.")
    if wanted is False and path.leaf.name == "primary":
        return _not_primary(path)
    return Compare(path, operator, wanted)


def _not_primary(path: ResolvedPath) -> Resolved:
    """A value that does not say to be the primary one is not (RFC 7643 section 2.4)."""
    not_so: Resolved = Not(Compare(ResolvedPath(None, path.leaf), Operator.EQ, True))
    return not_so if path.sub is None else AnyValue(ResolvedPath(path.extension, path.attribute), not_so)


def _default_sub_attribute(path: ResolvedPath) -> ResolvedPath:
    """``emails co "example.com"`` means the value of an e-mail, as in RFC 7644 figure 2."""
    value = path.attribute.sub_attribute("value") if path.attribute.multi_valued else None
    if value is None or path.sub is not None:
        example = path.leaf.sub_attributes[0].name
        raise InvalidFilter(f"'{path}' has sub-attributes: compare one of them, such as {path}.{example}.")
    return ResolvedPath(path.extension, path.attribute, value)


def _wanted(attribute: Attribute, operator: Operator, value: Literal) -> Literal | datetime | None:
    """The value as ``Compare`` holds it; None where it isn't of the attribute's type."""
    if isinstance(value, str):
        if operator in _PARTS and (attribute.address or attribute.trimmed) and value != value.strip():
            # What is compared has no blank at its ends; this part has one, which key() would take off.
            return fold(value)
        if attribute.type is Type.BOOLEAN:
            # What ``quoted_booleans`` tells of.
            return _BOOLEANS.get(value.lower())
    return comparable(attribute, value)
