"""Whom a request is about: a userName, an externalId, a group's name (RFC 7643 sections 3.1, 4).

For the request log, so also of requests that are refused, and never with a value that masking finds to be a secret.
Reads what can be read, and never fails.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from operator import itemgetter
from urllib.parse import unquote_plus

import orjson

from core.addresses import is_blank
from core.json_values import Json
from provisioning.services.request_log.masking import MASK, MOST_PARAMETERS, SHORTEST_FOUND, Masking
from provisioning.services.request_log.subject_keys import LONGEST, MOST, NOBODY, Subject
from scim.protocol.errors import InvalidSyntax
from scim.protocol.grammar import MAX_LENGTH, tokens
from scim.protocol.json_bodies import check_depth
from scim.protocol.schemas import CORE_GROUP, CORE_USER

# So many are read, of which some may be secrets or blanks.
_MOST_READ = 4 * MOST

# Of a body that is refused before it is read as JSON, in bytes.
LONGEST_GLANCE = 64 * 1024

# What tells best stands first.
_RANKS: Mapping[str, int] = {"username": 0, "displayname": 1, "externalid": 2, "emails": 3}

_ADDRESSES = _RANKS["emails"]
_CORE = frozenset({CORE_USER.id.lower(), CORE_GROUP.id.lower()})
_its_rank = itemgetter(0)

# Attributes whose values a filter compares to find somebody or a group, and what may stand behind a dot there.
_FINDING = frozenset({"username", "externalid", "displayname", "nickname", "emails", "id", "members"})
_SUBS = frozenset({"", "value", "display"})
_COMPARING = frozenset({"eq", "co", "sw", "ew"})

_NAMED = re.compile(r'"(userName|displayName|externalId)"\s*+:\s*+"((?:[^"\\]++|\\.)*+)', re.IGNORECASE | re.DOTALL)
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def of_body(body: Mapping[str, Json], raw: bytes, masking: Masking) -> Subject:
    """Whom the body of a POST, PUT or PATCH is about; ``raw`` is the same as it was sent."""
    found = _sent(body)
    if not found:
        return NOBODY
    if masking.has_nothing(raw):
        return _named([name[:LONGEST] for name in found[:MOST] if not is_blank(name)])
    masking.learn(body)
    return _named(_masked(found, masking))


def of_part(body: Mapping[str, Json], masking: Masking) -> Subject:
    """The same for a part of a body that the masking has learned already, such as an operation of a bulk request."""
    return _named(_masked(_sent(body), masking))


def of_unread(raw: bytes, masking: Masking) -> Subject:
    """Whom a body is about that was refused unread, or that is no JSON."""
    raw = raw[:LONGEST_GLANCE]
    body = loosely_read(raw)
    return _of_text(raw.decode(errors="replace"), masking) if body is None else of_body(body, raw, masking)


def loosely_read(raw: bytes) -> dict[str, Json] | None:
    """The object in a body that nothing is done with; None where it is none, or too long to be looked at."""
    try:
        body = orjson.loads(raw) if len(raw) <= LONGEST_GLANCE else None
        if not isinstance(body, dict):
            return None
        check_depth(body)
    except (orjson.JSONDecodeError, InvalidSyntax):
        return None
    return body


def of_query(query: str, masking: Masking, *, groups: bool = False) -> Subject:
    """Whom the filter in a query is about. The masking has seen the query; ``groups`` are looked for, not users."""
    for parameter in query.split("&", MOST_PARAMETERS)[:MOST_PARAMETERS]:
        name, _, value = parameter.partition("=")
        if name.lower() == "filter":
            return of_filter(unquote_plus(value), masking, groups=groups)
    return NOBODY


def of_filter(text: str, masking: Masking, *, groups: bool = False) -> Subject:
    """Whom a filter is about, also one that breaks the grammar."""
    found, user_id = [], ""
    for attribute, literal in _compared(tokens(text[:MAX_LENGTH])):
        if attribute == ("members" if groups else "id") and _ID.fullmatch(literal):
            user_id = literal.lower()
        else:
            found.append(literal)
    names = _masked(found, masking)
    return Subject(", ".join(names)[:LONGEST], tuple(names), user_id) if names or user_id else NOBODY


def _named(names: Sequence[str]) -> Subject:
    return Subject(names[0], tuple(names)) if names else NOBODY


def _sent(body: Mapping[str, Json]) -> list[str]:
    """The names in a body, or in the operations of a PATCH; those that tell best first."""
    found: list[tuple[int, str]] = []
    for name, value in body.items():
        if len(found) >= _MOST_READ:
            break
        if (rank := _rank(name)) is not None:
            found.append((rank, value if type(value) is str else _text(value)))
        elif type(value) is list and name.lower() == "operations":
            for operation in value:
                if isinstance(operation, dict) and len(found) < _MOST_READ:
                    found += _of_operation(operation)
    return _in_order(found)


def _in_order(found: list[tuple[int, str]]) -> list[str]:
    found = sorted(((rank, name) for rank, name in found if name), key=_its_rank)
    if found and found[0][0] < _ADDRESSES:
        # Addresses repeat the userName more often than not, and are asked only where there is nothing else.
        return [name for rank, name in found if rank < _ADDRESSES]
    return [name for _, name in found]


def _of_operation(operation: Mapping[str, Json]) -> Iterator[tuple[int, str]]:
    members = {name.lower(): value for name, value in operation.items()}
    path, value = members.get("path"), members.get("value")
    if isinstance(path, str) and path.strip() and path.strip().lower() not in _CORE:
        if (rank := _rank(path.partition("[")[0].strip())) is not None:
            yield rank, _text(value)
    elif isinstance(value, dict):
        for name, inner in value.items():
            if (rank := _rank(name)) is not None:
                yield rank, _text(inner)


def _rank(name: str) -> int | None:
    return _RANKS.get(name.lower() if ":" not in name else name.rpartition(":")[2].lower())


def _text(value: Json) -> str:
    """The text of a value, also where it is wrapped in what it should not be."""
    for _ in range(3):
        match value:
            case [first, *_]:
                value = first
            case {"value": inner}:
                value = inner
            case _:
                break
    return value if isinstance(value, str) else str(value) if type(value) in (int, float) else ""


def _masked(names: Sequence[str], masking: Masking) -> Sequence[str]:
    shown: dict[str, None] = {}
    for name in names[:_MOST_READ]:
        text = masking.text(name[: 4 * LONGEST].strip(), LONGEST)[:LONGEST]
        if not is_blank(text) and text != MASK:
            shown[text] = None
    return list(shown)[:MOST]


def _of_text(text: str, masking: Masking) -> Subject:
    found = [(_RANKS[name.lower()], quoted) for name, quoted in _NAMED.findall(text)[:_MOST_READ]]
    if masking.may_name(text):
        # Nothing tells which texts are secret, so none is shown that has to do with another one.
        times = Counter(token.strip('"') for token in tokens(text) if token[:1] == '"')
        longer = [each for each in times if len(each) >= SHORTEST_FOUND]
        found = [
            (rank, quoted)
            for rank, quoted in found
            if times[quoted] <= 1 and not any(each != quoted and (each in quoted or quoted in each) for each in longer)
        ]
    return _named(_masked([_unescaped(quoted) for quoted in _in_order(found)], masking))


def _unescaped(quoted: str) -> str:
    try:
        return str(json.loads(f'"{quoted}"', strict=False))
    except ValueError:
        return quoted


def _compared(parts: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The attributes that tell who is meant, each with a text that it is compared with."""
    within = behind = ""
    for at, token in enumerate(parts):
        match token:
            case "[":
                within = parts[at - 1] if at else ""
            case "]":
                within, behind = "", within
            case _ if token[:1] == '"' and at > 1 and parts[at - 1].lower() in _COMPARING:
                path = parts[at - 2]
                if path.startswith("."):
                    path = f"{behind}{path}"
                elif within:
                    path = f"{within}.{path}"
                attribute, _, sub = path.rpartition(":")[2].lower().partition(".")
                if (attribute in _FINDING and sub in _SUBS) or attribute == "name":
                    yield attribute, _unescaped(token[1:-1] if token[-1:] == '"' and len(token) > 1 else token[1:])
