"""Whether a request wants a user to be inactive, told from its body alone, even a refused one.

And what is left of such a body without the addresses, by which nobody is to stay in.
"""

from collections.abc import Iterator
from typing import Any

from scim.protocol.schemas import CORE_USER

_CORE = CORE_USER.id.lower()
_ADDRESSES = ("username", "emails")


def asks_to_suspend(body: Any) -> bool:
    """Whether a PUT's or PATCH's body says that the user is inactive. Reads what is read; never fails."""
    return any(map(_is_false, _wanted(body)))


def _is_false(value: Any) -> bool:
    """Whether a value is or says false, also where it is wrapped as some clients wrap it."""
    if isinstance(value, list):
        value = value[0] if len(value) == 1 else None
    if isinstance(value, dict):
        value = next((inner for name, inner in value.items() if str(name).lower() == "value"), None)
    return value is False or (isinstance(value, str) and value.strip().lower() == "false")


def _wanted(body: Any) -> Iterator[Any]:
    if not isinstance(body, dict):
        return
    for name, value in body.items():
        match _plain(name), value:
            case "active", _:
                yield value
            case "operations", list():
                for operation in value:
                    yield from _of_operation(operation)
            case "operations", dict():
                yield from _of_operation(value)
            case _, dict() if _is_core(name):
                yield from _of_attributes(value)


def _of_operation(operation: Any) -> Iterator[Any]:
    if not isinstance(operation, dict):
        return
    parts = {str(name).lower(): value for name, value in operation.items()}
    path, value = parts.get("path"), parts.get("value")
    if isinstance(path, str) and path.strip() and not _is_core(path):
        if _plain(path) == "active":
            yield value
    elif isinstance(value, dict):
        yield from _of_attributes(value)
    elif isinstance(value, list):
        for each in value:
            yield from _of_attributes(each) if isinstance(each, dict) else ()


def _of_attributes(attributes: dict[str, Any]) -> Iterator[Any]:
    for name, value in attributes.items():
        if _plain(name) == "active":
            yield value
        elif _is_core(name) and isinstance(value, dict):
            yield from (inner for each, inner in value.items() if _plain(each) == "active")


def without_addresses(body: dict[str, Any]) -> dict[str, Any]:
    """The body of a PUT or PATCH without userName and emails, and without the operations that are about these."""
    rest: dict[str, Any] = {}
    for name, value in body.items():
        if _attribute(name) in _ADDRESSES:
            continue
        if str(name).lower() == "operations" and isinstance(value, list):
            rest[name] = [left for each in value if (left := _operation_left(each)) is not None]
        else:
            rest[name] = _attributes_left(value) if _is_core(name) else value
    return rest


def _operation_left(operation: Any) -> Any:
    if not isinstance(operation, dict):
        return operation
    left: dict[str, Any] = {}
    for name, value in operation.items():
        match str(name).lower(), value:
            case "path", str() if _attribute(value) in _ADDRESSES:
                return None
            case "value", dict():
                left[name] = _attributes_left(value)
            case _:
                left[name] = value
    return left


def _attributes_left(value: Any) -> Any:
    """The attributes without the addresses, also within an object that the core schema's URN names."""
    if not isinstance(value, dict):
        return value
    return {
        name: {each: inner for each, inner in inner_value.items() if _attribute(each) not in _ADDRESSES}
        if _is_core(name) and isinstance(inner_value, dict)
        else inner_value
        for name, inner_value in value.items()
        if _attribute(name) not in _ADDRESSES
    }


def _is_core(name: Any) -> bool:
    return str(name).strip().lower() == _CORE


def _attribute(path: str) -> str:
    """The first name of a path, in lower case, without a schema before it and a filter or sub-attribute behind it."""
    name = path.strip().lower().removeprefix(f"{_CORE}:")
    return name.partition("[")[0].partition(".")[0].strip()


def _plain(name: Any) -> str:
    """An attribute's name without its schema and without what goes wrong behind it, in lower case."""
    return str(name).rpartition(":")[2].partition("[")[0].partition(".")[0].strip().lower()
