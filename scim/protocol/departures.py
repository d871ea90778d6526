"""Whether a request wants a user to be inactive, told from its body alone, so also where the body is refused."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_FALSE = ("false",)


@dataclass(frozen=True, slots=True)
class Departure:
    """A suspension or deletion that was asked for within a bulk request; ``status`` from 400 on says that it failed.

    ``step`` is that of the set-up; ``about`` names the user where the refusal does.
    """

    step: str
    user_id: str
    status: int
    cause: str = ""
    verdict: str = ""
    about: dict[str, str] | None = None


def asks_to_suspend(body: Any) -> bool:
    """Whether a PUT's or PATCH's body says that the user is inactive. Reads what is read; never fails."""
    return any(value is False or str(value).strip().lower() in _FALSE for value in _wanted(body))


def _wanted(body: Any) -> Iterator[Any]:
    if not isinstance(body, dict):
        return
    for name, value in body.items():
        match str(name).lower(), value:
            case "active", _:
                yield value
            case "operations", list():
                for operation in value:
                    yield from _of_operation(operation)


def _of_operation(operation: Any) -> Iterator[Any]:
    if not isinstance(operation, dict):
        return
    parts = {str(name).lower(): value for name, value in operation.items()}
    path, value = parts.get("path"), parts.get("value")
    if isinstance(path, str) and path:
        if path.rpartition(":")[2].strip().lower() == "active":
            yield value[0].get("value") if isinstance(value, list) and value and isinstance(value[0], dict) else value
    elif isinstance(value, dict):
        yield from (each for name, each in value.items() if str(name).rpartition(":")[2].lower() == "active")
