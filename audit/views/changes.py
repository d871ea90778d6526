"""What an event changed, field by field, in a form that people can read."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

# Characters: what is shown at once, and what is shown at all. The export has everything.
SHORT = 80
MOST = 4_000

WITHIN = " › "

# Of years that stay within the calendar in every zone: anybody may write such a text into a profile.
_MOMENT = re.compile(r"(?:19|20)\d\d-\d\d-\d\dT\d\d:\d\d\S*(?:Z|[+-]\d\d:\d\d)")


@dataclass(frozen=True, slots=True)
class Value:
    """A value as text; empty for none. ``head`` is its beginning where all of it is too long to be shown at once.

    ``moment`` is the point in time that it names, if it is one, for whoever reads it in a zone of their own.
    """

    text: str
    head: str = ""
    moment: datetime | None = None


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field; where it lies within others, they are named before it."""

    field: str
    before: Value
    after: Value


def lines(changes: Mapping[str, Any]) -> list[FieldChange]:
    """The fields that differ. Objects are taken apart, so that each of their fields has a line of its own.

    The name of an object that is all that changed, or of a profile that came or went as a whole, would say nothing; a
    schema's URN is too long to say anything.
    """
    found = list(_leaves(changes))
    outer = next(iter(changes)) if len(changes) == 1 else "profile"
    return [
        FieldChange(field.removeprefix(f"{outer}{WITHIN}"), _value(before), _value(after))
        for field, before, after in found
    ]


def _leaves(changes: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, Any, Any]]:
    for field, (before, after) in changes.items():
        is_schema = field.startswith("urn:")
        name = within if is_schema else f"{within}{field.replace('_', ' ')}"
        match before, after:
            case (dict(), dict() | None) | (None, dict()):
                old, new = before or {}, after or {}
                parts = {part: (old.get(part), new.get(part)) for part in {**old, **new}}
                yield from _leaves(parts, name if is_schema else f"{name}{WITHIN}")
            case _ if before != after:
                yield name or field, before, after


def _value(value: Any) -> Value:
    text = _text(value)
    if len(text) <= SHORT:
        return Value(text, moment=_moment(text))
    whole = text if len(text) <= MOST else f"{text[:MOST]}… ({len(text):,} characters)"
    return Value(whole, f"{' '.join(text[:SHORT].split())}…")


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if _MOMENT.fullmatch(text) else None
    except ValueError:
        return None


def _text(value: Any) -> str:
    """Each value of a list on a line of its own, and the parts of an object one after the other."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case list():
            return "\n".join(map(_text, value))
        case dict():
            return ", ".join(f"{name}: {_text(part)}" for name, part in value.items())
    return str(value)
