"""Bulk requests that make no sense, ask for too much, or mean harm: SCIM errors, and nothing is changed."""

import gzip
import json
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.models import AuditEvent
from tests.identity_provider import Idp, read
from tests.scim.api.test_bad_input import BODIES, JSON_VALUES, refused
from tests.scim.operations.test_bulk import bulk, make, make_group, managed_by, statuses

LIMIT = 2 * 1024 * 1024
GOOD = make("good")


@pytest.fixture(autouse=True)
def nothing_changes(idp: Idp) -> Any:
    idp.create("witness@acme.example")
    idp.create_group("Witnesses")
    before = state(idp)
    yield
    assert state(idp) == before


def state(idp: Idp) -> Any:
    groups = read(idp.get("/Groups"))["Resources"]
    return [user.document for user in idp.users()], groups, AuditEvent.objects.count()


def send(idp: Idp, *operations: Any, **members: Any) -> Any:
    return idp.send("POST", "/Bulk", {"Operations": list(operations), **members})


@pytest.mark.clause("7644-3.7-10")
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_a_body_that_is_no_good_json_object(idp: Idp, body: bytes) -> None:
    assert refused(idp.send("POST", "/Bulk", body))["scimType"] == "invalidSyntax"


@pytest.mark.clause("7644-3.7-1", "7644-3.7-10")
@pytest.mark.parametrize("operations", [None, [], {}, "x", 5, [5], [None], ["x"], [[]], [{}]])
def test_operations_that_are_none(idp: Idp, operations: Any) -> None:
    assert refused(idp.send("POST", "/Bulk", {"Operations": operations}))["scimType"] == "invalidSyntax"


@pytest.mark.clause("7644-3.7-2")
@pytest.mark.parametrize(
    "operation",
    [
        {"path": "/Users", "bulkId": "x", "data": {}},
        {**GOOD, "method": None},
        {**GOOD, "method": 5},
        {**GOOD, "METHOD": "POST"},
        {**GOOD, "bulkId": 5},
        {**GOOD, "bulkId": ["x"]},
    ],
)
def test_an_operation_of_which_no_answer_could_tell_ends_the_request(idp: Idp, operation: Any) -> None:
    assert refused(send(idp, GOOD, operation))["scimType"] == "invalidSyntax"


def test_a_bulk_id_that_stands_for_two_resources_ends_the_request(idp: Idp) -> None:
    error = refused(send(idp, make("a"), make_group("a")))
    assert error["scimType"] == "invalidValue"
    assert "'a'" in error["detail"]


@pytest.mark.parametrize("limit", [0, -1, 1.5, "1", True, [], 10**30])
def test_a_number_of_failures_that_is_none(idp: Idp, limit: Any) -> None:
    refused(send(idp, GOOD, failOnErrors=limit))


@pytest.mark.clause("7644-3.7-3", "7644-3.7-4", "7644-3.7-5")
@pytest.mark.parametrize(
    ("operation", "status"),
    [
        ({**GOOD, "method": "GET"}, "400"),
        ({**GOOD, "method": ""}, "400"),
        ({**GOOD, "method": "x" * 10_000}, "400"),
        ({"method": "POST", "path": "/Users", "data": {"userName": "a@acme.example"}}, "400"),
        ({**GOOD, "bulkId": ""}, "400"),
        ({**GOOD, "path": None}, "400"),
        ({**GOOD, "path": ""}, "400"),
        ({**GOOD, "path": 5}, "400"),
        ({**GOOD, "path": "Users"}, "404"),
        ({**GOOD, "path": "/users"}, "404"),
        ({**GOOD, "path": "/Me"}, "404"),
        ({**GOOD, "path": "/Bulk"}, "404"),
        ({**GOOD, "path": "/.search"}, "404"),
        ({**GOOD, "path": "/Users/.search"}, "405"),
        ({**GOOD, "path": "/Users/1/2"}, "404"),
        ({**GOOD, "path": "/Users?attributes=id"}, "404"),
        ({**GOOD, "path": "/Schemas"}, "404"),
        ({**GOOD, "path": "/../acme/v2/Users"}, "404"),
        ({**GOOD, "path": "https://evil.example/scim/acme/v2/Users"}, "404"),
        ({**GOOD, "path": "http://testserver/scim/acme/v2/Users"}, "404"),
        ({**GOOD, "path": f"/Users/{uuid4()}"}, "405"),
        ({**GOOD, "path": "/" * 100_000}, "404"),
        ({**GOOD, "data": None}, "400"),
        ({**GOOD, "data": "{}"}, "400"),
        ({**GOOD, "data": []}, "400"),
        ({**GOOD, "data": {}}, "400"),
        ({**GOOD, "data": {"userName": "a@acme.example", "USERNAME": "b@acme.example"}}, "400"),
        ({"method": "POST", "path": "/Users", "bulkId": "x"}, "400"),
        ({"method": "DELETE", "path": "/Users"}, "405"),
        ({"method": "DELETE", "path": "/Users/"}, "405"),
        ({"method": "DELETE", "path": "/Groups"}, "405"),
        ({"method": "DELETE", "path": "/Users/%00"}, "404"),
        ({"method": "DELETE", "path": "/Users/\u202e"}, "404"),
        ({"method": "DELETE", "path": "/Users/" + "9" * 10_000}, "404"),
        ({"method": "DELETE", "path": "/Users/bulkId:"}, "404"),
        ({"method": "PUT", "path": "/Groups", "data": {"displayName": "x"}}, "405"),
        ({"method": "PATCH", "path": f"/Users/{uuid4()}"}, "400"),
        ({"method": "PATCH", "path": f"/Users/{uuid4()}", "data": {"Operations": []}}, "400"),
        ({"method": "PATCH", "path": f"/Groups/{uuid4()}", "data": {"Operations": []}}, "400"),
        ({"method": "PUT", "path": f"/Users/{uuid4()}", "version": 1, "data": {}}, "400"),
    ],
)
def test_an_operation_that_makes_no_sense_fails_alone(idp: Idp, operation: Any, status: str) -> None:
    told = bulk(idp, operation, {"method": "DELETE", "path": "/Users/nobody"})
    assert statuses(told) == [status, "404"]
    assert told[0]["response"]["status"] == status
    assert len(told[0]["response"]["detail"]) < 1000


@pytest.mark.parametrize("version", ['W/"2"', "", "nonsense", "1"])
def test_another_version_is_a_failed_precondition(idp: Idp, version: str) -> None:
    path, data = f"/Users/{idp.users()[0].pk}", {"userName": "x@acme.example"}
    told = bulk(
        idp,
        {"method": "PUT", "path": path, "version": version, "data": data},
        {"method": "DELETE", "path": path, "version": version},
    )
    assert statuses(told) == ["412", "412"]


@pytest.mark.clause("7644-3.7.4-2", "7644-3.7.4-3", "7644-3.12-11")
def test_more_operations_than_announced_are_413(idp: Idp) -> None:
    error = refused(send(idp, *[{"method": "DELETE", "path": "/Users/x"}] * 1001), 413)
    assert "maxOperations (1,000)" in error["detail"]
    assert set(statuses(bulk(idp, *[{"method": "DELETE", "path": "/Users/x"}] * 1000))) == {"404"}


@pytest.mark.clause("7644-3.7.4-2", "7644-3.7.4-3", "7644-3.12-11")
@pytest.mark.parametrize("packed", [False, True])
def test_a_larger_body_than_announced_is_413(idp: Idp, packed: bool) -> None:
    def body(length: int) -> bytes:
        head, tail = b'{"Operations":[{"method":"DELETE","path":"/Users/x","data":"', b'"}]}'
        return head + b"x" * (length - len(head) - len(tail)) + tail

    headers = {"content_encoding": "gzip"} if packed else {}
    pack = gzip.compress if packed else bytes
    error = refused(idp.send("POST", "/Bulk", pack(body(LIMIT + 1)), **headers), 413)
    assert "maxPayloadSize (2,097,152 bytes)" in error["detail"]
    assert statuses(read(idp.send("POST", "/Bulk", pack(body(LIMIT)), **headers))["Operations"]) == ["404"]


def test_a_bomb_of_brackets_is_refused(idp: Idp) -> None:
    deep = json.dumps({"Operations": [GOOD]}).encode()[:-2] + b"," + b'{"data":' * 1000 + b"1" + b"}" * 1000 + b"]}"
    assert refused(idp.send("POST", "/Bulk", deep))["scimType"] == "invalidSyntax"


def test_a_thousand_who_all_refer_to_each_other_are_refused_at_once(idp: Idp) -> None:
    ring = [make(f"u{at}", "x", **managed_by(f"bulkId:u{(at + 1) % 1000}")) for at in range(1000)]
    assert set(statuses(bulk(idp, *ring))) == {"400", "409"}
    everybody = [f"bulkId:g{at}" for at in range(200)]
    assert set(statuses(bulk(idp, *(make_group(f"g{at}", *everybody) for at in range(200))))) == {"409"}


def test_many_patches_of_one_group_by_strangers_are_told_of_each(idp: Idp) -> None:
    value = [{"value": str(uuid4())} for _ in range(10)]
    data = {"Operations": [{"op": "add", "path": "members", "value": value}]}
    group = read(idp.get("/Groups"))["Resources"][0]["id"]
    told = bulk(idp, *[{"method": "PATCH", "path": f"/Groups/{group}", "data": data}] * 50)
    assert set(statuses(told)) == {"400"}


MEMBERS = st.sampled_from(["method", "path", "bulkId", "data", "version", "Operations", "failOnErrors", "value"])
WORDS = st.sampled_from(["POST", "PUT", "PATCH", "DELETE", "/Users", "/Groups", "/Users/x", "bulkId:a", "a", "/", ""])
OPERATIONS = st.dictionaries(MEMBERS, WORDS | JSON_VALUES, max_size=6)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(operations=st.lists(OPERATIONS, max_size=4), members=st.dictionaries(MEMBERS, JSON_VALUES, max_size=2))
def test_no_bulk_request_whatever_is_a_fault(idp: Idp, operations: Any, members: Any) -> None:
    response = idp.send("POST", "/Bulk", {**members, "Operations": operations})
    assert response.status_code in (200, 400)
    if response.status_code == 200:
        assert all("400" <= status < "500" for status in statuses(read(response)["Operations"]))
