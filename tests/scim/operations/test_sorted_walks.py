"""Walking by cursor through lists in any order (RFC 9865 with RFC 7644 section 3.4.2.3)."""

import re
from typing import Any

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from core.bearer_tokens import digest
from provisioning.services.connections.connections import base_url_at
from scim.operations import cursors
from scim.operations.cursors import CursorScope
from scim.protocol.errors import InvalidPath
from scim.protocol.grammar import parse_filter
from scim.protocol.ordering import Order, resolve_order
from scim.protocol.resolution import resolve_filter
from scim.storage import lists, repository
from scim.storage.credentials import Credentials
from scim.storage.lists import Selection, WalkPage
from scim.storage.positions import START, Position
from scim.storage.resource_types import GROUP, USER, StoredType
from tests.identity_provider import Idp, read
from tests.scim.storage.test_filters_agree import EVERYTHING, World, make, shown, worlds
from tests.scim.storage.test_sorting import GROUPS_SORTABLE, SORTABLE, WAYS, key_in_memory, sorted_by


def page(idp: Idp, cursor: str = "", path: str = "/Users", **query: Any) -> Any:
    response = idp.get(path, {"cursor": cursor, **query})
    assert response.status_code == 200, response.content
    return read(response)


def walk(idp: Idp, towards: str = "nextCursor", cursor: str = "", **query: Any) -> tuple[list[str], str]:
    """The userNames that are met on the way, and the last cursor."""
    met = []
    while True:
        answer = page(idp, cursor, **query)
        names = [user["userName"].partition("@")[0] for user in answer["Resources"]]
        met += names if towards == "nextCursor" else reversed(names)
        assert len(met) < 50
        if towards not in answer:
            return met, cursor
        cursor = answer[towards]


def through(selections: list[Selection], count: int, idp: Idp, start: Position = START) -> tuple[list[str], WalkPage]:
    """The ids met on a walk to the end, or back to the beginning, by way of cursors, and the last page."""
    credentials, of = Credentials(digest(idp.token), "acme"), CursorScope("acme/")
    position: Position | None = start
    met: list[str] = []
    while position is not None:
        position = cursors.unseal(cursors.seal(position, of), of)
        walk_page = lists.walk(selections, position, credentials, limit=count, base_url=base_url_at("acme"))
        ids = [*map(repository.id_of, walk_page.page.documents)]
        met += reversed(ids) if start.backwards else ids
        position = walk_page.previous if start.backwards else walk_page.next
    return met, walk_page


def agree(idp: Idp, stored: list[StoredType], resources: World, sort_by: str, way: str, count: int) -> None:
    """A walk forth and a walk back meet everybody once and in order, of all or of those who satisfy a filter."""
    keys: list[tuple[Any, str]] = []
    orders: list[Order | None] = []
    for each in stored:
        try:
            order = resolve_order(sort_by, way, each.resource_type)
        except InvalidPath:
            order = None
        orders.append(order)
        of_type = resources[each.resource_type.endpoint[1:]]
        keys += [(order and key_in_memory(order, resource), resource["id"]) for resource in of_type]
    wanted = sorted_by(keys, way == "descending")
    for text in (None, "id pr"):
        conditions = [text and resolve_filter(parse_filter(text), each.resource_type) for each in stored]
        selections = [Selection(*each) for each in zip(stored, conditions, orders, strict=True)]
        there, last = through(selections, count, idp)
        assert there == wanted, (sort_by, way, count)
        if last.previous is not None:
            back, first = through(selections, count, idp, last.previous)
            assert [*reversed(back), *map(repository.id_of, last.page.documents)] == wanted, (sort_by, way, count)
            assert text is None or first.page.total == last.page.total == len(wanted)


@st.composite
def orders(draw: st.DrawFn) -> tuple[str, str, int]:
    names = st.sampled_from(SORTABLE) | st.sampled_from(GROUPS_SORTABLE)
    return draw(names), draw(st.sampled_from(WAYS)), draw(st.integers(1, 5))


@pytest.mark.django_db
@settings(suppress_health_check=EVERYTHING)
@given(world=worlds(), wanted=st.lists(orders(), min_size=4, max_size=20))
def test_a_walk_in_any_order_meets_everybody_once_forth_and_back(idp: Idp, world: World, wanted: Any) -> None:
    with transaction.atomic():
        resources = shown(world, *make(idp, world))
        for sort_by, way, count in wanted:
            for stored, sortable in ((USER, SORTABLE), (GROUP, GROUPS_SORTABLE)):
                if sort_by in sortable:
                    agree(idp, [stored], resources, sort_by, way, count)
            agree(idp, [USER, GROUP], resources, sort_by, way, count)
        transaction.set_rollback(True)


@pytest.fixture
def people(idp: Idp) -> None:
    for name, title in (("b", "x"), ("a", ""), ("d", "X"), ("c", "y"), ("f", ""), ("e", "w")):
        idp.create(f"{name}@acme.example", **({"title": title} if title else {}))


@pytest.mark.usefixtures("people")
class TestWalk:
    @pytest.mark.parametrize("count", [1, 2, 3, 5, 6])
    @pytest.mark.parametrize(
        ("order", "wanted"),
        [
            ({"sortBy": "userName"}, "abcdef"),
            ({"sortBy": "userName", "sortOrder": "descending"}, "fedcba"),
            ({"sortBy": "title"}, "ebdcaf"),
            ({"sortBy": "title", "sortOrder": "descending"}, "afcbde"),
            ({"sortBy": "title", "filter": "title pr"}, "ebdc"),
            ({"sortBy": "meta.created"}, "badcfe"),
            ({"sortBy": "active", "sortOrder": "descending"}, "badcfe"),
        ],
    )
    def test_forth_and_back(self, idp: Idp, order: dict[str, str], wanted: str, count: int) -> None:
        there, cursor = walk(idp, count=count, **order)
        assert "".join(there) == wanted
        back, _cursor = walk(idp, "previousCursor", cursor, count=count, **order)
        assert "".join(reversed(back)) == wanted

    def test_a_cursor_is_good_for_its_own_order_only(self, idp: Idp) -> None:
        by_name = page(idp, count=2, sortBy="userName")["nextCursor"]
        by_id = page(idp, count=2)["nextCursor"]
        for cursor, query in (
            (by_name, {}),
            (by_name, {"sortBy": "title"}),
            (by_name, {"sortBy": "userName", "sortOrder": "descending"}),
            (by_id, {"sortBy": "userName"}),
        ):
            response = idp.get("/Users", {"cursor": cursor, **query})
            assert (response.status_code, read(response)["scimType"]) == (400, "invalidCursor")
            assert "'sortBy'" in read(response)["detail"]
        spelled_differently = {
            "sortBy": "urn:ietf:params:scim:schemas:core:2.0:User:USERNAME",
            "sortOrder": "Ascending",
        }
        assert len(page(idp, by_name, **spelled_differently)["Resources"]) == 4

    def test_who_goes_or_changes_meanwhile_disturbs_nobody(self, idp: Idp) -> None:
        cursor = page(idp, count=3, sortBy="userName")["nextCursor"]
        users = {user.user_name[0]: str(user.pk) for user in idp.users()}
        idp.send("DELETE", f"/Users/{users['d']}")
        assert walk(idp, cursor=cursor, count=3, sortBy="userName")[0] == ["e", "f"]
        cursor = page(idp, count=2, sortBy="title")["nextCursor"]
        idp.patch(users["c"], {"op": "replace", "path": "title", "value": "a"})
        assert walk(idp, cursor=cursor, count=2, sortBy="title")[0] == ["a", "f"]

    def test_a_page_whose_people_are_all_gone_leads_back(self, idp: Idp) -> None:
        cursor = page(idp, count=5, sortBy="title")["nextCursor"]
        idp.send("DELETE", f"/Users/{next(str(user.pk) for user in idp.users() if user.user_name[0] == 'f')}")
        answer = page(idp, cursor, count=5, sortBy="title")
        assert (answer["Resources"], "nextCursor" in answer) == ([], False)
        assert walk(idp, "previousCursor", answer["previousCursor"], sortBy="title")[0] == [*"acdbe"]


class TestLongKeys:
    ALIKE = "\U0001f600é" * 500

    @pytest.fixture
    def users(self, idp: Idp) -> dict[str, str]:
        ends = {"a": "", "b": "1", "c": "2", "d": "2", "e": "3"}
        users = {name: idp.create(f"{name}@acme.example", title=self.ALIKE + end)["id"] for name, end in ends.items()}
        return users | {"f": idp.create("f@acme.example", title="\U0001f600é" + "z" * 1000)["id"]}

    @pytest.mark.parametrize(("way", "wanted"), [("ascending", "fabcde"), ("descending", "ecdbaf")])
    @pytest.mark.parametrize("count", [1, 2, 4])
    def test_are_walked_like_all_others(
        self, idp: Idp, users: dict[str, str], way: str, wanted: str, count: int
    ) -> None:
        there, cursor = walk(idp, count=count, sortBy="title", sortOrder=way)
        assert "".join(there) == wanted
        back, _cursor = walk(idp, "previousCursor", cursor, count=count, sortBy="title", sortOrder=way)
        assert "".join(reversed(back)) == wanted

    def test_make_cursors_that_fit_into_a_url(self, idp: Idp, users: dict[str, str]) -> None:
        cursor = page(idp, count=2, sortBy="title")["nextCursor"]
        assert re.fullmatch(r"[A-Za-z0-9._~-]{100,2100}", cursor)

    @pytest.mark.parametrize(("way", "before", "after"), [("ascending", "fab", "de"), ("descending", "e", "dbaf")])
    @pytest.mark.parametrize("gone", [True, False])
    def test_leave_nobody_out_when_who_was_there_is_gone_or_changed(
        self, idp: Idp, users: dict[str, str], way: str, before: str, after: str, gone: bool
    ) -> None:
        order = {"sortBy": "title", "sortOrder": way, "count": len(before)}
        forth = page(idp, **order)["nextCursor"]
        back = page(idp, forth, **order)["previousCursor"]
        if gone:
            idp.send("DELETE", f"/Users/{users['c']}")
        else:
            idp.patch(users["c"], {"op": "replace", "path": "title", "value": "z"})
        assert set(after) <= set(walk(idp, cursor=forth, **order)[0])
        assert set(before) <= set(walk(idp, "previousCursor", back, **order)[0])
