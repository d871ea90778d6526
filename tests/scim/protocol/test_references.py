"""bulkId references: where they stand, what comes first, and what stands there then (RFC 7644 section 3.7.2)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim.protocol.references import in_order, references_in, with_ids

IDS = {"a": "1", "b c": "2", "x/y": "3"}


@pytest.mark.parametrize(
    ("value", "referred", "resolved"),
    [
        ("bulkId:a", {"a"}, "1"),
        ("bulkId:b c", {"b c"}, "2"),
        ("bulkId:x/y", {"x/y"}, "3"),
        ("../Users/bulkId:a", {"a"}, "../Users/1"),
        ('members[value eq "bulkId:a"]', {"a"}, 'members[value eq "1"]'),
        (
            'members[value eq "bulkId:a" or value eq "bulkId:b c"]',
            {"a", "b c"},
            'members[value eq "1" or value eq "2"]',
        ),
        ({"members": [{"value": "bulkId:a"}, {"value": "9"}]}, {"a"}, {"members": [{"value": "1"}, {"value": "9"}]}),
        ([["bulkId:a", 1, None, True]], {"a"}, [["1", 1, None, True]]),
        ({"manager": {"value": "bulkId:zed"}}, {"zed"}, {"manager": {"value": "bulkId:zed"}}),
        ("bulkId:", set(), "bulkId:"),
        ("BULKID:a", set(), "BULKID:a"),
        ("our bulkId:a is", set(), "our bulkId:a is"),
        ("a", set(), "a"),
        (5, set(), 5),
        ({"bulkId:a": 1}, set(), {"bulkId:a": 1}),
    ],
)
def test_where_references_stand_and_what_becomes_of_them(value: Any, referred: set[str], resolved: Any) -> None:
    assert references_in(value) == referred
    assert with_ids(value, IDS) == resolved


@pytest.mark.parametrize(
    ("waits_for", "order"),
    [
        ([], []),
        ([[], [], []], [(0,), (1,), (2,)]),
        ([[2], [], []], [(2,), (0,), (1,)]),
        ([[], [0], [1]], [(0,), (1,), (2,)]),
        ([[1], [2], []], [(2,), (1,), (0,)]),
        ([[2, 1], [], []], [(2,), (1,), (0,)]),
        ([[0], []], [(0,), (1,)]),
        ([[1], [0], []], [(0, 1), (2,)]),
        ([[], [3], [1], [2]], [(0,), (1, 2, 3)]),
        ([[1], [2], [1], [0]], [(1, 2), (0,), (3,)]),
    ],
)
def test_what_is_referred_to_comes_first_and_circles_together(waits_for: Any, order: Any) -> None:
    assert list(in_order(waits_for)) == order


def test_a_chain_may_be_as_long_as_it_likes() -> None:
    length = 20_000
    chain = [[at + 1] for at in range(length)] + [[]]
    assert [at for (at,) in in_order(chain)] == list(range(length, -1, -1))


@given(
    st.integers(1, 8).flatmap(lambda n: st.lists(st.lists(st.integers(0, n - 1), max_size=3), min_size=n, max_size=n))
)
def test_circles_are_those_who_reach_each_other(waits_for: list[list[int]]) -> None:
    def reached(start: int) -> set[int]:
        found: set[int] = set()
        ahead = [start]
        while ahead:
            ahead = [other for at in ahead for other in waits_for[at] if other not in found]
            found.update(ahead)
        return found

    order = list(in_order(waits_for))
    assert sorted(at for circle in order for at in circle) == list(range(len(waits_for)))
    place = {at: number for number, circle in enumerate(order) for at in circle}
    for at in range(len(waits_for)):
        for other in range(len(waits_for)):
            together = at == other or (other in reached(at) and at in reached(other))
            assert (place[at] == place[other]) == together
            if other in reached(at):
                assert place[other] <= place[at]
