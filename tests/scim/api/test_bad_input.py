"""Whatever a client sends: a SCIM error that says what is wrong, never a fault of this server, nothing changed."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.models import AuditEvent
from tests.identity_provider import Idp, read

LONG = "a" * 1025
BODIES: dict[str, bytes] = {
    "empty": b"",
    "cut off": b'{"userName": "a',
    "no object": b"[]",
    "null": b"null",
    "a number": b"1",
    "not UTF-8": b'{"userName": "\xff"}',
    "NUL": b'{"userName": "ada@acme.example", "title": "\\u0000"}',
    "raw NUL": b'{"userName": "ada@acme.example", "title": "\x00"}',
    "lone surrogate": b'{"userName": "ada@acme.example", "title": "\\ud800"}',
    "member twice": b'{"userName": "ada@acme.example", "userName": "bob@acme.example"}',
    "member twice, other case": b'{"userName": "ada@acme.example", "USERNAME": "bob@acme.example"}',
    "NaN": b'{"userName": "ada@acme.example", "x": NaN}',
    "Infinity": b'{"userName": "ada@acme.example", "x": -Infinity}',
    "endless digits": b'{"userName": "ada@acme.example", "x": ' + b"9" * 5000 + b"}",
    "great exponent": b'{"userName": "ada@acme.example", "x": 1e999}',
    "deep list": b'{"userName": "ada@acme.example", "x": ' + b"[" * 990 + b"]" * 990 + b"}",
    "very deep list": b"[" * 200_000,
    "very deep object": b'{"a":' * 100_000,
    "two values": b"{} {}",
}
WRONG_VALUES: dict[str, dict[str, Any]] = {
    "userName missing": {"title": "x"},
    "userName null": {"userName": None},
    "userName a number": {"userName": 5},
    "userName a list": {"userName": ["a@acme.example", "b@acme.example"]},
    "active a number": {"active": 1},
    "active a word": {"active": "maybe"},
    "name a list": {"name": [1, 2]},
    "emails a number": {"emails": 5},
    "emails of numbers": {"emails": [5]},
    "emails without an address": {"emails": [{"value": "nonsense"}]},
    "two primaries": {
        "emails": [{"value": "a@acme.example", "primary": True}, {"value": "b@acme.example", "primary": True}]
    },
    "title too long": {"title": LONG},
    "externalId too long": {"externalId": "a" * 513},
    "too many values": {"emails": [{"value": f"a{number}@acme.example"} for number in range(101)]},
    "certificate no base64": {"x509Certificates": [{"value": "!!!"}]},
    "grows when folded": {"emails": [{"value": "a@acme.example", "type": "ﷺ" * 1024}], "active": 7},
}
FILTERS = [
    "", " ", "x", "%", "1", '"', "(", "((((", ")", "[", "]", "not", "eq eq eq", "'; DROP TABLE users_user; --",
    "userName", "userName eq", "userName eq x", "userName eq 5", "id eq 1", 'userName zz "a"', 'userName eq "a" and',
    'userName eq "a" or or', "not userName pr", "nonsense pr", 'urn:nonsense:User:title eq "x"',
    "urn:ietf:params:scim:schemas:core:2.0:User pr", 'name eq "x"', 'password eq "x"', "active gt true",
    'meta.created gt "yesterday"', 'meta.created co "2026"', 'emails[type eq "work"', "emails[]",
    'emails[nonsense eq "x"]', "emails[value[x pr]]", 'title[value eq "x"]', 'userName eq "\\ud800"',
    'userName co "\\udfff"', 'userName eq "\\u0000"', 'userName eq "\x00"', 'title eq "a\nb',
    'userName eq "' + "a" * 10_000 + '"', " or ".join(['title eq "x"'] * 101), " and ".join(["title pr"] * 3000),
    "(" * 21 + "title pr" + ")" * 21, "(" * 4000 + "title pr" + ")" * 4000, "not (" * 1000, "emails[" * 500,
]  # fmt: skip
OPERATIONS: list[Any] = [
    None, [], {}, "x", [1], [{}], [{"op": 1}], [{"op": "add"}], [{"op": "add", "value": 5}],
    [{"op": "add", "path": 5, "value": 1}], [{"op": "add", "path": "emails", "value": "x"}],
    [{"op": "replace", "path": "", "value": 5}], [{"op": "replace", "path": "[", "value": 5}],
    [{"op": "replace", "path": 'emails[type eq "x"', "value": 5}], [{"op": "replace", "path": "a.b.c.d", "value": 5}],
    [{"op": "replace", "path": "emails[" * 500, "value": 5}], [{"op": "replace", "path": "x" * 10_000, "value": 5}],
    [{"op": "replace", "path": "name", "value": "x"}], [{"op": "replace", "path": "__proto__", "value": "x"}],
    [{"op": "replace", "path": "title", "value": "x"}] * 1001,
]  # fmt: skip
QUERIES = ["a=1&" * 2000, "%", "%zz=%zz", "filter=%ff", "filter=%00", "\x00", "attributes=" + "," * 5000]


@pytest.fixture(autouse=True)
def nothing_changes(idp: Idp) -> Any:
    idp.create("witness@acme.example")
    before = [user.document for user in idp.users()], AuditEvent.objects.count()
    yield
    assert ([user.document for user in idp.users()], AuditEvent.objects.count()) == before


def refused(response: Any, status: int = 400) -> Any:
    assert response.status_code == status, response.content[:500]
    error = read(response)
    assert error["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    assert error["status"] == str(status)
    assert len(error["detail"]) < 1000
    return error


@pytest.mark.clause("7644-3.2-4", "7644-3.2-5", "7644-3.12-1", "7644-3.12-2", "7644-3.12-5")
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_a_body_that_is_no_good_json_object(idp: Idp, method: str, body: bytes) -> None:
    path = "/Users" if method == "POST" else f"/Users/{idp.users()[0].pk}"
    assert refused(idp.send(method, path, body))["scimType"] in ("invalidSyntax", "invalidValue")


@pytest.mark.clause(
    "7643-2.3.6-1", "7643-2.4-3", "7643-4.1.1-1", "7643-4.1.1-3", "7643-4.1.2-1", "7644-3.5.1-7", "7644-3.12-5"
)
@pytest.mark.parametrize("values", WRONG_VALUES.values(), ids=WRONG_VALUES.keys())
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_value_that_does_not_fit(idp: Idp, method: str, values: dict[str, Any]) -> None:
    path = "/Users" if method == "POST" else f"/Users/{idp.users()[0].pk}"
    body = {"userName": "ada@acme.example"} | values
    if values == WRONG_VALUES["userName missing"]:
        del body["userName"]
    assert refused(idp.send(method, path, body))["scimType"] == "invalidValue"


@pytest.mark.parametrize("operations", OPERATIONS)
def test_a_patch_that_makes_no_sense(idp: Idp, operations: Any) -> None:
    refused(idp.send("PATCH", f"/Users/{idp.users()[0].pk}", {"Operations": operations}))


@pytest.mark.clause(
    "7644-3.4.2.2-2", "7644-3.4.2.2-3", "7644-3.4.2.2-9", "7644-3.4.2.2-10", "7644-3.4.2.2-12", "7644-3.4.2.2-14"
)
@pytest.mark.parametrize("condition", FILTERS)
def test_a_filter_that_makes_no_sense(idp: Idp, condition: str) -> None:
    assert refused(idp.get("/Users", {"filter": condition}))["scimType"] == "invalidFilter"


@pytest.mark.parametrize("name", ["startIndex", "count"])
@pytest.mark.parametrize("text", ["x", "", "1.5", "1e3", "0x10", "١", "1_000", " 1", "null", "9" * 5000])
def test_a_number_that_is_none(idp: Idp, name: str, text: str) -> None:
    assert refused(idp.get("/Users", {name: text}))["scimType"] == "invalidValue"


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_that_makes_no_sense_is_no_fault(idp: Idp, query: str) -> None:
    response = idp.http.generic("GET", f"{idp.base}/Users?{query}", headers={"authorization": f"Bearer {idp.token}"})
    assert response.status_code in (200, 400)
    read(response)


JSON_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from(["userName", "emails", "name", "active", "roles", "meta", "externalId", "op", "path", "value"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.dictionaries(NAMES | st.text(max_size=8), JSON_VALUES, max_size=6))
def test_no_body_whatever_is_a_fault(idp: Idp, body: dict[str, Any]) -> None:
    # With "active": false somebody would be suspended all the same, without the address.
    raw = json.dumps(body | {"userName": "nobody@evil.example", "active": True}).encode()
    witness = idp.users()[0].pk
    assert 400 <= idp.send("POST", "/Users", raw).status_code < 500
    assert 400 <= idp.send("PUT", f"/Users/{witness}", raw).status_code < 500


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40))
def test_no_filter_whatever_is_a_fault(idp: Idp, text: str) -> None:
    assert idp.get("/Users", {"filter": text}).status_code in (200, 400)
    assert idp.get("/Users", {"filter": f"userName co {json.dumps(text)}"}).status_code in (200, 400)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(operations=st.lists(st.dictionaries(NAMES, JSON_VALUES, max_size=4), max_size=3))
def test_no_patch_whatever_is_a_fault(idp: Idp, operations: Any) -> None:
    impossible = {"op": "replace", "path": "id", "value": "x"}
    response = idp.send("PATCH", f"/Users/{idp.users()[0].pk}", {"Operations": [*operations, impossible]})
    assert 400 <= response.status_code < 500
