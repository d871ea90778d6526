"""References by bulkId: their places, their order, their ids (RFC 7644 section 3.7.2)."""

import re
from collections.abc import Iterator, Mapping, Sequence

import orjson

from core.json_values import Json

# As a whole text, or as the end of an address or of a quoted part of a filter.
_REFERENCE = re.compile(
    r'\AbulkId:(?P<whole>.+)\Z|(?<=/)bulkId:(?P<last>[^/"\\]+)\Z|(?<=")bulkId:(?P<quoted>[^/"\\]+)(?=")', re.DOTALL
)


def references_in(value: Json) -> frozenset[str]:
    """The bulkIds that a path, or any text in the data of an operation, refers to."""
    # Most data has none, and to look through it as text costs a fiftieth of a walk.
    return frozenset(_found(value)) if b"bulkId:" in orjson.dumps(value) else frozenset()


def with_ids(value: Json, ids: Mapping[str, str]) -> Json:
    """The value with ids in place of the references to the bulkIds that have one."""
    match value:
        case str() if "bulkId:" in value:
            return _REFERENCE.sub(lambda found: ids.get(_bulk_id(found), found[0]), value)
        case dict():
            return {name: with_ids(inner, ids) for name, inner in value.items()}
        case list():
            return [with_ids(inner, ids) for inner in value]
    return value


def in_order(waits_for: Sequence[Sequence[int]]) -> Iterator[tuple[int, ...]]:
    """The positions of operations in the order to carry them out, each given with the positions of those it refers to.

    That is the order of their coming, but that what somebody refers to comes before. Those that refer to each other in
    a circle come together, and are the only ones that do.
    """
    # Tarjan's algorithm, which yields every circle, and whatever is in none, after what it refers to. Without
    # recursion, for a chain of references may be as long as the request.
    reached: dict[int, int] = {}
    lowest: dict[int, int] = {}
    unassigned: list[int] = []
    for start in range(len(waits_for)):
        path = [] if start in reached else [(start, iter(waits_for[start]))]
        while path:
            at, others = path[-1]
            if at not in reached:
                reached[at] = lowest[at] = len(reached)
                unassigned.append(at)
            for other in others:
                if other not in reached:
                    path.append((other, iter(waits_for[other])))
                    break
                if other in lowest:
                    lowest[at] = min(lowest[at], reached[other])
            else:
                path.pop()
                mark = lowest[at]
                if mark == reached[at]:
                    circle: list[int] = []
                    while not circle or circle[-1] != at:
                        circle.append(unassigned.pop())
                        del lowest[circle[-1]]
                    yield tuple(sorted(circle))
                else:
                    above = path[-1][0]
                    lowest[above] = min(lowest[above], mark)


def _found(value: Json) -> Iterator[str]:
    match value:
        case str():
            yield from map(_bulk_id, _REFERENCE.finditer(value))
        case dict():
            for inner in value.values():
                yield from _found(inner)
        case list():
            for inner in value:
                yield from _found(inner)


def _bulk_id(found: re.Match[str]) -> str:
    return found["whole"] or found["last"] or found["quoted"]
