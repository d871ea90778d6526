"""Lists are sorted by any attribute, in the database as in memory (RFC 7644 section 3.4.2.3)."""

import json
from typing import Any

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from core.bearer_tokens import digest
from provisioning.services.connections.connections import base_url_at
from scim.protocol import schemas
from scim.protocol.attributes import Type
from scim.protocol.filters import Resolved
from scim.protocol.grammar import parse_filter
from scim.protocol.ordering import Order, resolve_order
from scim.protocol.resolution import resolve_filter
from scim.protocol.values import comparable
from scim.storage import lists
from scim.storage.credentials import Credentials
from scim.storage.lists import Selection
from scim.storage.repository import Page
from scim.storage.resource_types import GROUP, USER, StoredType
from tests.identity_provider import Idp, read
from tests.scim.storage.test_filters_agree import (
    EVERYTHING,
    GROUP_PATHS,
    PATHS,
    RICH,
    RICH_WORLD,
    Paths,
    World,
    make,
    shown,
    worlds,
)

ENTERPRISE = schemas.ENTERPRISE_USER.id
WAYS = ["ascending", "descending"]


def sortable(known: Paths) -> list[str]:
    found = [name for name, attribute in known.items() if attribute.type is not Type.COMPLEX]
    return found + [
        name for name, attribute in known.items() if attribute.multi_valued and attribute.sub_attribute("value")
    ]


SORTABLE, GROUPS_SORTABLE = sortable(PATHS), sortable(GROUP_PATHS)


def names(idp: Idp, **query: Any) -> list[str]:
    response = idp.get("/Users", query)
    assert response.status_code == 200, response.content
    return [user["userName"].partition("@")[0] for user in read(response)["Resources"]]


def key_in_memory(order: Order, resource: dict[str, Any]) -> Any:
    """The value that counts, None where there is none."""
    value: Any = resource
    for name in order.path.keys:
        if isinstance(value, list):
            value = next((entry for entry in value if entry.get("primary") is True), value[0] if value else {})
        value = value.get(name, {}) if isinstance(value, dict) else {}
    if isinstance(value, list):
        value = value[0] if value else None
    return None if value in ("", {}, None) else comparable(order.path.leaf, value)


def sorted_in_memory(order: Order, resources: list[dict[str, Any]]) -> list[str]:
    return sorted_by([(key_in_memory(order, resource), resource["id"]) for resource in resources], order.descending)


def sorted_by(keys: list[tuple[Any, str]], descending: bool) -> list[str]:
    """The ids of those who have these keys: whoever ties comes in the order of the ids, whichever way it goes."""
    having = [(key, each) for key, each in keys if key is not None]
    ranks = {key: rank for rank, key in enumerate(sorted({key for key, _each in having}, reverse=descending))}
    lacking = sorted(each for key, each in keys if key is None)
    ranked = [each for _rank, each in sorted((ranks[key], each) for key, each in having)]
    return lacking + ranked if descending else ranked + lacking


def agree(idp: Idp, world: World, orders: list[tuple[str, str]], stored: StoredType) -> None:
    resources = shown(world, *make(idp, world))[stored.resource_type.endpoint[1:]]
    base_url = base_url_at("acme")
    condition = resolve_filter(parse_filter("id pr"), stored.resource_type)
    credentials = Credentials(digest(idp.token), "acme")

    def page(condition: Resolved | None, order: Order, offset: int, limit: int) -> Page:
        return lists.page(
            [Selection(stored, condition, order)], credentials, offset=offset, limit=limit, base_url=base_url
        )

    for sort_by, sort_order in orders:
        order = resolve_order(sort_by, sort_order, stored.resource_type)
        assert order is not None
        wanted = sorted_in_memory(order, resources)
        found, filtered = page(None, order, 0, 200), page(condition, order, 1, 2)
        assert [json.loads(document)["id"] for document in found.documents] == wanted, (sort_by, sort_order)
        assert [json.loads(document)["id"] for document in filtered.documents] == wanted[1:3]
        assert filtered.total == len(resources)


def orders_by(sortable: list[str]) -> st.SearchStrategy[list[tuple[str, str]]]:
    return st.lists(st.tuples(st.sampled_from(sortable), st.sampled_from(WAYS)), min_size=8)


@pytest.mark.clause("7644-3.4.2.3-3")
@pytest.mark.django_db
@settings(suppress_health_check=EVERYTHING)
@given(world=worlds(), of_users=orders_by(SORTABLE), of_groups=orders_by(GROUPS_SORTABLE))
def test_the_database_and_memory_agree_on_every_order(idp: Idp, world: World, of_users: Any, of_groups: Any) -> None:
    for stored, orders in ((USER, of_users), (GROUP, of_groups)):
        with transaction.atomic():
            agree(idp, world, orders, stored)
            transaction.set_rollback(True)


@pytest.mark.django_db
def test_every_attribute_sorts_both_ways(idp: Idp) -> None:
    other = json.loads(json.dumps(RICH).replace('"Ab"', '"aa"').replace("ab@", "c@").replace("true", "false"))
    world = {**RICH_WORLD, "Users": [*RICH_WORLD["Users"], other]}
    assert len(SORTABLE) > 60 and "groups.type" in SORTABLE and "members.display" in GROUPS_SORTABLE
    for stored, sortable in ((USER, SORTABLE), (GROUP, GROUPS_SORTABLE)):
        with transaction.atomic():
            agree(idp, world, [(name, way) for name in sortable for way in WAYS], stored)
            transaction.set_rollback(True)


class TestOrder:
    @pytest.fixture(autouse=True)
    def people(self, idp: Idp) -> None:
        idp.create("b@acme.example", title="Guide", name={"familyName": "zeta"})
        idp.create("A@acme.example", title="guide", emails=[{"value": "z@acme.test"}, {"value": "x@acme.test"}])
        idp.create(
            "c@acme.example",
            name={"familyName": "Alpha"},
            emails=[{"value": "y@acme.test"}, {"value": "w@acme.test", "primary": True}],
            **{ENTERPRISE: {"department": "Tours"}},
        )

    @pytest.mark.clause("7644-3.4.2.3-1", "7644-3.4.2.3-2", "7644-3.4.2.3-3")
    @pytest.mark.parametrize(
        ("sort_by", "ascending", "descending"),
        [
            ("userName", "Abc", "cbA"),
            ("USERNAME", "Abc", "cbA"),
            ("id", "bAc", "cAb"),
            ("meta.location", "bAc", "cAb"),
            ("title", "bAc", "cbA"),
            ("name.familyName", "cbA", "Abc"),
            ("emails", "cAb", "bAc"),
            ("emails.value", "cAb", "bAc"),
            (f"{ENTERPRISE}:department", "cbA", "bAc"),
            ("urn:ietf:params:scim:schemas:core:2.0:User:userName", "Abc", "cbA"),
        ],
    )
    def test_who_comes_first(self, idp: Idp, sort_by: str, ascending: str, descending: str) -> None:
        assert "".join(names(idp, sortBy=sort_by)) == ascending
        assert "".join(names(idp, sortBy=sort_by, sortOrder="Descending")) == descending

    def test_pages_follow_the_order(self, idp: Idp) -> None:
        for more in ({}, {"filter": "userName pr"}):
            pages = [names(idp, sortBy="userName", startIndex=start, count=2, **more) for start in (1, 3, 5)]
            assert pages == [["A", "b"], ["c"], []]
            page = read(idp.get("/Users", {"sortBy": "userName", "count": 0, **more}))
            assert (page["totalResults"], page["Resources"]) == (3, [])

    def test_an_order_without_an_attribute_says_nothing(self, idp: Idp) -> None:
        assert "".join(names(idp, sortOrder="descending")) == "bAc"

    def test_nobody_elses_people_come_up(self, idp: Idp, anonymous: Idp) -> None:
        anonymous.create("eve@globex.example", title="Guide")
        for more in ({}, {"filter": "title pr"}):
            assert names(anonymous, sortBy="title", **more) == ["eve"]
            page = idp.get("/Users", {"sortBy": "title", **more})
            assert Idp(anonymous.organization, idp.token).get("/Users", {"sortBy": "title"}).status_code == 401
            assert "eve" not in str(read(page))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("sort_by", "sort_order", "scim_type", "reason"),
    [
        ("nonsense", "ascending", "invalidPath", "no attribute 'nonsense'"),
        ("", "ascending", "invalidPath", "not the name of an attribute"),
        ("title; DROP TABLE users_user", "ascending", "invalidPath", "not the name of an attribute"),
        ("name", "ascending", "invalidPath", "such as name.formatted"),
        ("addresses", "ascending", "invalidPath", "such as addresses.formatted"),
        (ENTERPRISE, "ascending", "invalidPath", "can't be sorted by"),
        ("password", "ascending", "invalidPath", "can't be sorted by"),
        ("title", "upwards", "invalidValue", "'ascending' or 'descending'"),
    ],
)
def test_an_order_that_makes_no_sense(idp: Idp, sort_by: str, sort_order: str, scim_type: str, reason: str) -> None:
    response = idp.get("/Users", {"sortBy": sort_by, "sortOrder": sort_order})
    assert response.status_code == 400
    assert read(response)["scimType"] == scim_type
    assert reason in read(response)["detail"]
