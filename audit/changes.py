"""What an event changed, field by field, in a form that people can read."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# Characters: what is shown at once, and what is shown at all. The export has everything.
SHORT = 80
MOST = 4_000


@dataclass(frozen=True, slots=True)
class Value:
    """A value as text; empty for none. ``head`` is its beginning where all of it is too long to be shown at once."""

    text: str
    head: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One field; where it lies within others, they are named before it."""

    field: str
    before: Value
    after: Value


def lines(changes: Mapping[str, Any]) -> list[Line]:
    """The fields that differ. Objects are taken apart, so that each of their fields has a line of its own."""
    return [Line(field, _value(before), _value(after)) for field, before, after in _leaves(changes)]


def _leaves(changes: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, Any, Any]]:
    for field, (before, after) in changes.items():
        name = f"{within}{field.replace('_', ' ')}"
        match before, after:
            case (dict(), dict() | None) | (None, dict()):
                old, new = before or {}, after or {}
                parts = {part: (old.get(part), new.get(part)) for part in {**old, **new}}
                yield from _leaves(parts, f"{name} › ")
            case _ if before != after:
                yield name, before, after


def _value(value: Any) -> Value:
    match value:
        case None:
            return Value("")
        case str():
            text = value
        case _:
            text = json.dumps(value, ensure_ascii=False, indent=2 if isinstance(value, list | dict) else None)
    if len(text) <= SHORT:
        return Value(text)
    whole = text if len(text) <= MOST else f"{text[:MOST]}… ({len(text)} characters)"
    return Value(whole, f"{' '.join(text[:SHORT].split())}…")
