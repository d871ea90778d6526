"""Whether a request wants a user to be inactive, told from its body alone, even a refused one.

And what is left of such a body without those attributes by which nobody is to stay in.
"""

from collections import deque
from collections.abc import Collection, Iterator, Set
from typing import Any

from scim.protocol.schemas import CORE_USER, USER

_CORE = CORE_USER.id.lower()
_ACTIVE = "active"
# Also what means it but is refused, since it is no boolean: such a request is a suspension that failed.
_FALSE = frozenset({"false", "0", "f", "no", "n", "off"})


def asks_to_suspend(body: Any) -> bool:
    """Whether a PUT's or PATCH's body says in the end that the user is inactive. Reads what is read; never fails."""
    return any(map(_is_false, deque(_wanted(body), maxlen=1)))


def _is_false(value: Any) -> bool:
    """Whether a value is false or means it, also where it is wrapped as some clients wrap it."""
    if isinstance(value, list):
        value = value[0] if len(value) == 1 else None
    if isinstance(value, dict):
        value = next((inner for name, inner in value.items() if str(name).lower() == "value"), None)
    if isinstance(value, str):
        return value.strip().lower() in _FALSE
    return isinstance(value, bool | int | float) and value == 0


def _wanted(body: Any) -> Iterator[Any]:
    if not isinstance(body, dict):
        return
    for name, value in body.items():
        if str(name).lower() == "operations":
            for operation in _objects(value):
                yield from _of_operation(operation)
        else:
            yield from _of_member(name, value)


def _of_operation(operation: dict[str, Any]) -> Iterator[Any]:
    parts = {str(name).lower(): value for name, value in operation.items()}
    path, value = parts.get("path"), parts.get("value")
    if str(parts.get("op")).strip().lower() == "remove":
        value = None
    if isinstance(path, str) and path.strip():
        yield from _of_member(path, value)
        return
    for attributes in _objects(value):
        for name, inner in attributes.items():
            yield from _of_member(name, inner)


def _of_member(name: Any, value: Any) -> Iterator[Any]:
    """What a member, or an operation with that path, says of ``active``, also within an object under a schema's URN."""
    if _names_active(name):
        yield value
    elif USER.is_akin(str(name)):
        for attributes in _objects(value):
            yield from (inner for each, inner in attributes.items() if _names_active(each))


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    for each in value if isinstance(value, list) else (value,):
        if isinstance(each, dict):
            yield each


def _names_active(name: Any) -> bool:
    """Whether a name is that of ``active``, also with something wrong before or behind it; not of a foreign schema."""
    if _ACTIVE not in str(name).lower():
        return False
    found = USER.begun_with(str(name))
    return found is not None and found.attribute.name == _ACTIVE


def without_attributes(body: dict[str, Any], names: Collection[str]) -> dict[str, Any]:
    """The body of a PUT or PATCH without the core attributes of those names, and without operations about these."""
    left_out = {name.lower() for name in names}
    rest: dict[str, Any] = {}
    for name, value in body.items():
        if _attribute(name) in left_out:
            continue
        if str(name).lower() == "operations" and isinstance(value, list):
            rest[name] = [left for each in value if (left := _operation_left(each, left_out)) is not None]
        else:
            rest[name] = _attributes_left(value, left_out) if _is_core(name) else value
    return rest


def _operation_left(operation: Any, left_out: Set[str]) -> Any:
    if not isinstance(operation, dict):
        return operation
    left: dict[str, Any] = {}
    for name, value in operation.items():
        match str(name).lower(), value:
            case "path", str() if _attribute(value) in left_out:
                return None
            case "value", dict():
                left[name] = _attributes_left(value, left_out)
            case _:
                left[name] = value
    return left


def _attributes_left(value: Any, left_out: Set[str]) -> Any:
    """The attributes without those left out, also within an object that the core schema's URN names."""
    if not isinstance(value, dict):
        return value
    return {
        name: {each: inner for each, inner in inner_value.items() if _attribute(each) not in left_out}
        if _is_core(name) and isinstance(inner_value, dict)
        else inner_value
        for name, inner_value in value.items()
        if _attribute(name) not in left_out
    }


def _is_core(name: Any) -> bool:
    return str(name).strip().lower() == _CORE


def _attribute(path: str) -> str:
    """The first name of a path, in lower case, without a schema before it and a filter or sub-attribute behind it."""
    name = path.strip().lower().removeprefix(f"{_CORE}:")
    return name.partition("[")[0].partition(".")[0].strip()
