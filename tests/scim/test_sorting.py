"""Lists are sorted by any attribute, in the database as in memory (RFC 7644 section 3.4.2.3)."""

import json
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from organizations.tokens import digest
from scim.protocol import schemas
from scim.protocol.attributes import Type
from scim.protocol.grammar import parse_filter
from scim.protocol.ordering import Order, resolve_order
from scim.protocol.resolution import resolve_filter
from scim.protocol.values import comparable
from scim.services.connections import base_url_at
from scim.storage import repository
from scim.storage.principals import Credentials
from tests.scim.conftest import Idp, read
from tests.scim.test_filters_agree import PATHS, RESOURCES, RICH, store
from users.models import Role

ENTERPRISE = schemas.ENTERPRISE_USER.id
SORTABLE = [name for name, attribute in PATHS.items() if attribute.type is not Type.COMPLEX]
SORTABLE += [name for name, attribute in PATHS.items() if attribute.multi_valued and attribute.sub_attribute("value")]


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
    by_id = sorted(resources, key=lambda resource: resource["id"])
    having = [resource for resource in by_id if key_in_memory(order, resource) is not None]
    lacking = [resource for resource in by_id if key_in_memory(order, resource) is None]
    having.sort(key=lambda resource: key_in_memory(order, resource))
    if order.descending:
        # Whoever ties stays in the order of the ids.
        keys = sorted({key_in_memory(order, resource) for resource in having}, reverse=True)
        having = [resource for key in keys for resource in having if key_in_memory(order, resource) == key]
    return [resource["id"] for resource in (lacking + having if order.descending else having + lacking)]


def agree(idp: Idp, resources: list[dict[str, Any]], orders: list[tuple[str, str]]) -> None:
    role = Role.objects.of(idp.organization.pk).get(is_default=True)
    users = [store(idp, resource, number % 2, role) for number, resource in enumerate(resources)]
    base_url = base_url_at("acme")
    shown = [json.loads(repository.represent(user.document, base_url)) for user in users]
    condition = resolve_filter(parse_filter("id pr"), schemas.USER)
    for sort_by, sort_order in orders:
        order = resolve_order(sort_by, sort_order, schemas.USER)
        assert order is not None
        wanted = sorted_in_memory(order, shown)
        credentials = Credentials(digest(idp.token), "acme")
        found = repository.page(credentials, order=order, offset=0, limit=200)
        filtered = repository.matching(condition, credentials, order=order, offset=1, limit=2, base_url=base_url)
        assert [json.loads(document)["id"] for document in found.documents] == wanted, (sort_by, sort_order)
        assert [json.loads(document)["id"] for document in filtered.documents] == wanted[1:3]
        assert filtered.total == len(shown)


@st.composite
def crowds(draw: st.DrawFn) -> list[dict[str, Any]]:
    """A few users, some alike but for the userName, which nobody has twice."""
    resources = draw(st.lists(RESOURCES, min_size=2, max_size=4))
    return [{**resource, "userName": f"{number}{resource['userName']}"} for number, resource in enumerate(resources)]


@pytest.mark.clause("7644-3.4.2.3-3")
@pytest.mark.django_db
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    resources=crowds(),
    orders=st.lists(st.tuples(st.sampled_from(SORTABLE), st.sampled_from(["ascending", "descending"])), min_size=8),
)
def test_the_database_and_memory_agree_on_every_order(idp: Idp, resources: Any, orders: Any) -> None:
    with transaction.atomic():
        agree(idp, resources, orders)
        transaction.set_rollback(True)


@pytest.mark.django_db
def test_every_attribute_sorts_both_ways(idp: Idp) -> None:
    poor = {"userName": "b@acme.example"}
    other = json.loads(json.dumps(RICH).replace('"Ab"', '"aa"').replace("ab@", "c@").replace("true", "false"))
    assert len(SORTABLE) > 60
    agree(idp, [RICH, poor, other], [(name, way) for name in SORTABLE for way in ("ascending", "descending")])


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

    def test_nobody_elses_people_come_up(self, idp: Idp, stranger: Idp) -> None:
        stranger.create("eve@globex.example", title="Guide")
        for more in ({}, {"filter": "title pr"}):
            assert names(stranger, sortBy="title", **more) == ["eve"]
            page = idp.get("/Users", {"sortBy": "title", **more})
            assert Idp(stranger.organization, idp.token).get("/Users", {"sortBy": "title"}).status_code == 401
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
