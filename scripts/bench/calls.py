"""The requests of the bench, with a check of each answer."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count, cycle
from urllib.parse import quote

import orjson

from scripts.bench.people import person

PATCH_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
BULK_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
PAGE = 100
WALKED_AT_ONCE = 200
BULK = 100


@dataclass(frozen=True, slots=True)
class Call:
    """One request; ``path`` goes below the Base URL. Its answer holds ``proof`` so many ``times``."""

    method: str
    path: str
    proof: bytes
    times: int = 1
    body: bytes = b""
    status: int = 200


@dataclass(frozen=True, slots=True)
class Target:
    """What a client knows of one of the servers.

    ``people`` are some of its ``users``: id and userName. ``late_cursor`` is for the page at 90 % of the list.
    """

    base_path: str
    token: str
    users: int
    people: list[list[str]]
    late_cursor: str = ""


Calls = Iterator[Call]
Ask = Callable[[Call], bytes]


def walk(target: Target, ask: Ask) -> str:
    """The cursor for the page at 90 % of the list, got as a client gets it: from page to page."""
    cursor, left = "", target.users * 9 // 10
    while left:
        size = min(left, WALKED_AT_ONCE)
        page = orjson.loads(ask(_page(f"/Users?cursor={quote(cursor)}&count={size}", size)))
        cursor, left = page["nextCursor"], left - size
    return cursor


def read(target: Target) -> Calls:
    for user_id, _name in _known(target):
        yield Call("GET", f"/Users/{user_id}", _member("id", user_id))


def find_by_name(target: Target) -> Calls:
    for _id, name in _known(target):
        yield _find(f'userName eq "{name}"', name)


def find_by_email(target: Target) -> Calls:
    for _id, name in _known(target):
        yield _find(f'emails[type eq "work" and value eq "{name}"]', name)


def first_page(target: Target) -> Calls:
    size = min(PAGE, target.users)
    return cycle([_page(f"/Users?count={size}", size)])


def first_page_of_some_attributes(target: Target) -> Calls:
    size = min(PAGE, target.users)
    return cycle([_page(f"/Users?count={size}&attributes=userName,active,emails", size)])


def first_page_by_cursor(target: Target) -> Calls:
    size = _late_page(target)
    return cycle([_page(f"/Users?cursor=&count={size}", size)])


def late_page_by_cursor(target: Target) -> Calls:
    size = _late_page(target)
    return cycle([_page(f"/Users?cursor={quote(target.late_cursor)}&count={size}", size)])


def create(target: Target) -> Calls:
    group = _new_users()
    for number in count():
        body = orjson.dumps(person(number, group))
        yield Call("POST", "/Users", b'"id":"', body=body, status=201)


def create_plain(target: Target) -> Calls:
    """People without e-mail addresses other than their userName."""
    group = _new_users()
    for number in count():
        resource = {name: value for name, value in person(number, group).items() if name != "emails"}
        yield Call("POST", "/Users", b'"id":"', body=orjson.dumps(resource), status=201)


def rename(target: Target) -> Calls:
    """A new title for one after the other, never twice the same."""
    for number, (user_id, _name) in enumerate(cycle(target.people)):
        title = f"Software engineer {number}"
        yield _patch(user_id, "title", title, _member("title", title))


def suspend_or_restore(target: Target) -> Calls:
    """Everybody is suspended, then restored, and so on: each request is a change."""
    for active in cycle((False, True)):
        for user_id, _name in target.people:
            yield _patch(user_id, "active", active, b'"active":' + orjson.dumps(active))


def suspend_and_restore_one(target: Target) -> Calls:
    """The same person time and again: from the second on, each request is a change whatever was before."""
    for active in cycle((False, True)):
        yield _patch(target.people[0][0], "active", active, b'"active":' + orjson.dumps(active))


def create_many(target: Target) -> Calls:
    group = _new_users()
    for start in count(step=BULK):
        operations = [
            {"method": "POST", "path": "/Users", "bulkId": f"b{number}", "data": person(number, group)}
            for number in range(start, start + BULK)
        ]
        body = orjson.dumps({"schemas": [BULK_SCHEMA], "Operations": operations})
        yield Call("POST", "/Bulk", b'"201"', BULK, body=body)


def _known(target: Target) -> Iterator[list[str]]:
    """The people in another order than that of their rows, over and over."""
    return cycle(random.Random(11).sample(target.people, len(target.people)))  # noqa: S311


def _new_users() -> str:
    """A group that nobody is in: two runs of one operation, or two processes, must not make the same people."""
    return f"n{random.SystemRandom().getrandbits(64):016x}-"


def _patch(user_id: str, path: str, value: object, proof: bytes) -> Call:
    operations = [{"op": "replace", "path": path, "value": value}]
    body = orjson.dumps({"schemas": [PATCH_SCHEMA], "Operations": operations})
    return Call("PATCH", f"/Users/{user_id}", proof, body=body)


def _find(condition: str, name: str) -> Call:
    return Call("GET", f"/Users?filter={quote(condition)}", _member("userName", name))


def _page(path: str, size: int) -> Call:
    return Call("GET", path, b'"userName":', size)


def _late_page(target: Target) -> int:
    """A full page, if a tenth of the list is that long."""
    return min(PAGE, max(target.users // 10 - 1, 1))


def _member(name: str, value: str) -> bytes:
    return f'"{name}":"{value}"'.encode()
