"""Walking through lists by cursor (RFC 9865)."""

import re
from typing import Any

import pytest
import time_machine

from scim.operations.provider import CURSOR_TIMEOUT
from tests.identity_provider import Idp, read

FILTERS = pytest.mark.parametrize("more", [{}, {"filter": "userName pr"}], ids=["all", "filtered"])


@pytest.fixture
def people(idp: Idp) -> list[str]:
    return [idp.create(f"u{number}@acme.example", title="x" if number % 2 else "y")["id"] for number in range(7)]


def page(idp: Idp, cursor: str = "", **query: Any) -> Any:
    response = idp.get("/Users", {"cursor": cursor, **query})
    assert response.status_code == 200, response.content
    return read(response)


def ids(answer: Any) -> list[str]:
    return [user["id"] for user in answer["Resources"]]


def walk(idp: Idp, towards: str = "nextCursor", cursor: str = "", **query: Any) -> list[list[str]]:
    pages = []
    while True:
        answer = page(idp, cursor, **query)
        pages.append(ids(answer))
        assert len(pages) < 20
        if towards not in answer:
            return pages
        cursor = answer[towards]


def refused(response: Any) -> tuple[str, str]:
    assert response.status_code == 400
    return read(response)["scimType"], read(response)["detail"]


@pytest.mark.clause("9865-2-1", "9865-2-3", "9865-2-4", "9865-2-5")
@FILTERS
@pytest.mark.parametrize("count", [1, 2, 3, 6, 7, 8, 200])
def test_a_walk_shows_everybody_once_in_one_order_and_back(
    idp: Idp, people: list[str], count: int, more: dict[str, str]
) -> None:
    there = walk(idp, count=count, **more)
    assert [user for pages in there for user in pages] == people
    assert all(len(pages) == count for pages in there[:-1])
    last, cursor = page(idp, count=count, **more), ""
    while "nextCursor" in last:
        cursor = last["nextCursor"]
        last = page(idp, cursor, count=count, **more)
    assert list(reversed(walk(idp, "previousCursor", cursor, count=count, **more))) == there


@pytest.mark.clause("9865-2-4", "9865-2-5", "9865-2-6")
@FILTERS
def test_the_first_page_has_no_previous_and_the_last_no_next(idp: Idp, people: list[str], more: dict[str, str]) -> None:
    first = page(idp, count=4, **more)
    assert "previousCursor" not in first
    last = page(idp, first["nextCursor"], count=4, **more)
    assert "nextCursor" not in last
    again = page(idp, last["previousCursor"], count=4, **more)
    assert (ids(again), "previousCursor" in again) == (ids(first), False)
    for answer in (first, last, again):
        assert answer["totalResults"] == 7
        assert answer["itemsPerPage"] == len(answer["Resources"])
        assert "startIndex" not in answer


def test_only_those_whom_the_filter_finds_are_met(idp: Idp, people: list[str]) -> None:
    pages = walk(idp, count=2, filter='title eq "x"')
    assert pages == [people[1:4:2], people[5:6]]
    assert page(idp, count=2, filter='title eq "x"')["totalResults"] == 3
    assert page(idp, filter='title eq "nobody"')["Resources"] == page(idp, filter='id eq "x"')["Resources"] == []


def test_nobody_at_all_is_one_empty_page(idp: Idp) -> None:
    answer = page(idp)
    assert (answer["totalResults"], answer["Resources"]) == (0, [])
    assert not {"nextCursor", "previousCursor"} & answer.keys()


@FILTERS
def test_who_comes_and_goes_meanwhile_disturbs_nobody(idp: Idp, people: list[str], more: dict[str, str]) -> None:
    first = page(idp, count=3, **more)
    for gone in (people[0], people[2], people[3]):
        idp.send("DELETE", f"/Users/{gone}")
    late = idp.create("late@acme.example")["id"]
    second = page(idp, first["nextCursor"], count=3, **more)
    assert ids(second) == people[4:7]
    third = page(idp, second["nextCursor"], count=3, **more)
    assert (ids(third), "nextCursor" in third) == ([late], False)
    assert ids(page(idp, second["previousCursor"], count=3, **more)) == [people[1]]


@FILTERS
def test_a_page_whose_people_are_all_gone_leads_back(idp: Idp, people: list[str], more: dict[str, str]) -> None:
    cursor = page(idp, count=6, **more)["nextCursor"]
    idp.send("DELETE", f"/Users/{people[6]}")
    answer = page(idp, cursor, count=6, **more)
    assert (ids(answer), answer["totalResults"], "nextCursor" in answer) == ([], 6, False)
    assert ids(page(idp, answer["previousCursor"], count=6, **more)) == people[:6]


def test_projection_and_page_size_may_change_on_the_way(idp: Idp, people: list[str]) -> None:
    cursor = page(idp, count=2)["nextCursor"]
    answer = page(idp, cursor, count=3, attributes="title")
    assert ids(answer) == people[2:5]
    assert answer["Resources"][0].keys() == {"schemas", "id", "title"}


def test_a_search_walks_too(idp: Idp, people: list[str]) -> None:
    found: list[str] = []
    body: dict[str, Any] = {"cursor": "", "count": 2, "filter": "title pr"}
    while body["cursor"] is not None:
        answer = read(idp.send("POST", "/Users/.search", body))
        found += ids(answer)
        body["cursor"] = answer.get("nextCursor")
    assert found == people


@pytest.mark.clause("9865-2.4-1")
def test_a_list_without_a_cursor_is_paged_by_index_and_has_none(idp: Idp, people: list[str]) -> None:
    answer = read(idp.get("/Users", {"count": 2}))
    assert answer["startIndex"] == 1
    assert "nextCursor" not in answer


def test_a_cursor_may_stand_in_a_url_as_it_is(idp: Idp, people: list[str]) -> None:
    assert re.fullmatch(r"[A-Za-z0-9._~-]+", page(idp, count=2, filter="userName pr")["nextCursor"])


@pytest.mark.clause("9865-2-8", "9865-2.1-1", "9865-2.1-2")
@pytest.mark.parametrize(
    "change",
    [
        lambda cursor: cursor[:-1] + ("A" if cursor[-1] != "A" else "B"),
        lambda cursor: "A" + cursor[1:],
        lambda cursor: cursor + "A",
        lambda cursor: cursor[:20],
        lambda cursor: cursor.replace(".", ":"),
        lambda cursor: "nonsense",
        lambda cursor: "..",
        lambda cursor: "é",
        lambda cursor: "x" * 5000,
    ],
)
def test_a_forged_cursor_is_refused(idp: Idp, people: list[str], change: Any) -> None:
    cursor = change(page(idp, count=2)["nextCursor"])
    for response in (
        idp.get("/Users", {"cursor": cursor}),
        idp.send("POST", "/Users/.search", {"cursor": cursor[:2] + "Z"}),
    ):
        scim_type, detail = refused(response)
        assert scim_type == "invalidCursor"
        assert "nextCursor" in detail


@pytest.mark.clause("9865-2-7")
def test_a_cursor_is_good_for_its_own_filter_only(idp: Idp, people: list[str]) -> None:
    of_all = page(idp, count=2)["nextCursor"]
    of_some = page(idp, count=2, filter="title pr")["nextCursor"]
    for cursor, more in ((of_all, {"filter": "title pr"}), (of_some, {}), (of_some, {"filter": "userName pr"})):
        scim_type, detail = refused(idp.get("/Users", {"cursor": cursor, **more}))
        assert scim_type == "invalidCursor"
        assert "another filter or order" in detail


@pytest.mark.clause("9865-5.2-1", "9865-5.2-4")
def test_a_cursor_is_good_in_its_own_organization_only(idp: Idp, anonymous: Idp, people: list[str]) -> None:
    cursor = page(idp, count=2)["nextCursor"]
    assert refused(anonymous.get("/Users", {"cursor": cursor}))[0] == "invalidCursor"
    assert Idp(idp.organization, anonymous.token).get("/Users", {"cursor": cursor}).status_code == 401
    assert Idp(idp.organization, anonymous.token).get("/Users", {"cursor": "x"}).status_code == 401
    anonymous.create("bob@globex.example")
    assert len(ids(page(anonymous))) == 1


@pytest.mark.clause("9865-2.1-1")
def test_a_cursor_expires(idp: Idp, people: list[str]) -> None:
    with time_machine.travel("2026-03-01T12:00:00Z", tick=False) as clock:
        cursor = page(idp, count=2)["nextCursor"]
        clock.shift(CURSOR_TIMEOUT - 1)
        assert ids(page(idp, cursor, count=2)) == people[2:4]
        clock.shift(2)
        scim_type, detail = refused(idp.get("/Users", {"cursor": cursor, "count": 2}))
    assert scim_type == "expiredCursor"
    assert "within 3600 seconds" in detail


@pytest.mark.clause("9865-2.1-1")
@pytest.mark.parametrize(
    ("query", "scim_type"),
    [
        ({"count": 201}, "invalidCount"),
        ({"count": "x"}, "invalidValue"),
        ({"startIndex": 1}, "invalidValue"),
        ({"sortBy": "nonsense"}, "invalidPath"),
        ({"filter": "("}, "invalidFilter"),
    ],
)
def test_what_goes_with_no_cursor_is_refused(idp: Idp, query: dict[str, Any], scim_type: str) -> None:
    assert refused(idp.get("/Users", {"cursor": "", **query}))[0] == scim_type


@pytest.mark.clause("9865-2-2")
@FILTERS
@pytest.mark.parametrize("count", [0, -1, -200])
def test_a_count_of_nothing_asks_for_the_total_only(
    idp: Idp, people: list[str], count: int, more: dict[str, str]
) -> None:
    answer = page(idp, count=count, **more)
    assert (answer["totalResults"], answer["itemsPerPage"], answer["Resources"]) == (7, 0, [])
    assert not {"nextCursor", "previousCursor"} & answer.keys()


@pytest.mark.clause("9865-4-1", "9865-4-2", "9865-4-3")
def test_the_configuration_says_how_to_page(idp: Idp, people: list[str]) -> None:
    config = read(idp.get("/ServiceProviderConfig"))["pagination"]
    assert (config["cursor"], config["index"], config["defaultPaginationMethod"]) == (True, True, "index")
    assert config["cursorTimeout"] == CURSOR_TIMEOUT
    assert page(idp, count=config["maxPageSize"])["itemsPerPage"] == 7
    assert refused(idp.get("/Users", {"cursor": "", "count": config["maxPageSize"] + 1}))[0] == "invalidCount"
    for number in range(config["defaultPageSize"]):
        idp.create(f"more{number}@acme.example")
    assert page(idp)["itemsPerPage"] == config["defaultPageSize"]
