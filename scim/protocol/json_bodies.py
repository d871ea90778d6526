"""The JSON of a body, read within bounds (RFC 8259, RFC 7493)."""

import json
import math
import re
from collections import Counter
from typing import Any, NoReturn

from core.json_values import Json
from scim.protocol.errors import InvalidSyntax, shown_name

MAX_DEPTH = 32


_LARGEST = 2**63 - 1
_SMALLEST = -(2**63)
_SURROGATE_OR_NUL = re.compile("[\x00\ud800-\udfff]")


def read_json(body: bytes) -> dict[str, Json]:
    """The JSON object that a request body holds.

    Stricter than RFC 8259 has to be, so that no two readers can differ on what was said and every value can be
    stored: UTF-8, an object on top, no name twice, no NaN, numbers of at most 64 bits, neither NUL nor half a surrogate
    pair in texts, at most MAX_DEPTH levels. Raises InvalidSyntax.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidSyntax(f"The body is not UTF-8 (byte {error.start}).") from None
    if not text.strip():
        raise InvalidSyntax("The body is empty; this request needs a JSON object.")
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise InvalidSyntax(
            f"The body is not JSON: {error.msg} in line {error.lineno}, column {error.colno}."
        ) from None
    except RecursionError:
        raise InvalidSyntax(_TOO_DEEP) from None
    if not isinstance(value, dict):
        raise InvalidSyntax("The body must be a JSON object.")
    in_any_case(value)
    # Only many brackets can make a deep value, and only an escape a NUL or a surrogate: most bodies skip both walks.
    if text.count("[") + text.count("{") > MAX_DEPTH:
        check_depth(value)
    if "\\u" in text:
        _check_texts(value)
    return value


_TOO_DEEP = f"The body is nested more than {MAX_DEPTH} levels deep."


def check_depth(value: dict[str, Json]) -> None:
    """Raise InvalidSyntax for an object of more than MAX_DEPTH levels."""
    level: list[Any] = [value]
    for _depth in range(MAX_DEPTH):
        level = [
            inner
            for holder in level
            for inner in (holder.values() if type(holder) is dict else holder)
            if type(inner) is dict or type(inner) is list
        ]
    if level:
        raise InvalidSyntax(_TOO_DEEP)


def _check_texts(value: Json) -> None:
    match value:
        case str() if _SURROGATE_OR_NUL.search(value):
            raise InvalidSyntax("The body has a text with a NUL or with half a surrogate pair.")
        case dict():
            _check_texts([*value, *value.values()])
        case list():
            for inner in value:
                _check_texts(inner)


def _members_once(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members = dict(pairs)
    if len(members) != len(pairs):
        # Counted in one pass: whoever repeats one name may send a hundred thousand others with it.
        times = Counter(name for name, _ in pairs)
        twice = next(name for name in members if times[name] > 1)
        raise InvalidSyntax(f"The body has the member '{shown_name(twice)}' twice in one object.")
    return members


def _integer(digits: str) -> int:
    # The length comes first: Python takes quadratic time for, and then refuses, integers of thousands of digits.
    if len(digits) > 20 or not _SMALLEST <= (number := int(digits)) <= _LARGEST:
        raise InvalidSyntax("The body has a number that does not fit into 64 bits.")
    return number


def _decimal(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise InvalidSyntax("The body has a number that does not fit into 64 bits.")
    return number


def _no_constant(name: str) -> NoReturn:
    raise InvalidSyntax(f"{name} is not JSON.")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_members_once, parse_int=_integer, parse_float=_decimal, parse_constant=_no_constant
)


def in_any_case(members: dict[str, Json]) -> dict[str, Json]:
    """The members of an object by their names in lower case. Raises InvalidSyntax for one that is there twice."""
    lowered = {name.lower(): value for name, value in members.items()}
    if len(lowered) != len(members):
        raise InvalidSyntax("The body has a member twice, in different letter case.")
    return lowered


def texts(value: Json) -> tuple[str, ...]:
    """The texts in a list; none where there is no list."""
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()
