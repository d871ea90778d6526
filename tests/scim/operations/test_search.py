"""POST to /.search asks what a GET asks, in a body (RFC 7644 section 3.4.3); /Me is nobody for a connection."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.identity_provider import Idp, read

SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
PATHS = pytest.mark.parametrize("path", ["/.search", "/Users/.search"])


def search(idp: Idp, path: str = "/.search", **members: Any) -> Any:
    return idp.send("POST", path, {"schemas": [SEARCH], **members})


@pytest.fixture(autouse=True)
def people(idp: Idp) -> None:
    for number in range(5):
        idp.create(f"u{number}@acme.example", title="x" if number % 2 else "y", name={"givenName": "A"})


@pytest.mark.clause("7644-3.4.3-1", "7644-3.4.3-3", "7644-3.4.3-5", "7644-3.4.3-7")
@pytest.mark.parametrize(
    "query",
    [
        {},
        {"filter": 'title eq "x"'},
        {"filter": 'title eq "nobody"'},
        {"startIndex": 2, "count": 2},
        {"filter": "userName pr", "startIndex": 4, "count": 3},
        {"count": 0},
        {"sortBy": "title", "sortOrder": "descending", "count": 3, "startIndex": 2},
        {"count": -1, "startIndex": -5},
        {"attributes": ["userName", "name.givenName"]},
        {"excludedAttributes": ["name", "title"], "count": 1},
    ],
)
def test_it_answers_what_a_get_answers(idp: Idp, query: dict[str, Any]) -> None:
    spelled = {name: ",".join(value) if isinstance(value, list) else value for name, value in query.items()}
    response = search(idp, "/Users/.search", **query)
    assert response.status_code == 200
    assert read(response) == read(idp.get("/Users", spelled))


def test_names_have_no_case_and_null_is_not_sent(idp: Idp) -> None:
    found = read(search(idp, FILTER='userName eq "u1@acme.example"', sortBy=None, count=None, attributes=[]))
    assert [user["userName"] for user in found["Resources"]] == ["u1@acme.example"]


@pytest.mark.clause("7644-3.4.3-6")
@PATHS
@pytest.mark.parametrize(
    ("members", "scim_type", "reason"),
    [
        ({"filter": 5}, "invalidValue", "'filter' must be a text"),
        ({"filter": "nonsense pr"}, "invalidFilter", "no attribute 'nonsense'"),
        ({"count": "5"}, "invalidValue", "'count' must be a whole number"),
        ({"count": True}, "invalidValue", "'count' must be a whole number"),
        ({"startIndex": 1.5}, "invalidValue", "'startIndex' must be a whole number"),
        ({"attributes": "userName"}, "invalidValue", "'attributes' must be a list"),
        ({"attributes": ["userName", 5]}, "invalidValue", "'attributes' must be a list"),
        ({"attributes": ["title"], "excludedAttributes": ["name"]}, "invalidValue", "exclude each other"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_reason(
    idp: Idp, path: str, members: dict[str, Any], scim_type: str, reason: str
) -> None:
    response = search(idp, path, **members)
    assert response.status_code == 400
    error = read(response)
    assert error["scimType"] == scim_type
    assert reason in error["detail"]


def test_the_body_must_be_a_json_object(idp: Idp) -> None:
    for body in (b"", b"[]", b"{"):
        assert read(idp.send("POST", "/.search", body))["scimType"] == "invalidSyntax"


def test_the_log_says_what_was_found_and_that_the_schema_is_missing(idp: Idp) -> None:
    idp.send("POST", "/Users/.search", {"filter": 'title eq "x"'})
    row = idp.log()[-1]
    assert row.result == "Found 2 users."
    assert SEARCH in row.notices[0]


def test_others_people_are_not_found(idp: Idp, anonymous: Idp) -> None:
    assert read(search(anonymous))["totalResults"] == 0
    assert Idp(idp.organization, anonymous.token).send("POST", "/.search", {"filter": "("}).status_code == 401


@PATHS
def test_other_verbs_do_not_apply(idp: Idp, path: str) -> None:
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        response = idp.send(method, path, {"userName": "x@acme.example"})
        assert response.status_code == 405
        assert response.headers["Allow"] == "POST"


VALUES: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=9), st.lists(st.text(max_size=9), max_size=3)
)
MEMBERS = st.sampled_from(
    ["filter", "attributes", "excludedAttributes", "count", "startIndex", "sortBy", "sortOrder", "cursor", "schemas"]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.dictionaries(MEMBERS, VALUES, max_size=5))
def test_no_body_whatever_is_a_fault(idp: Idp, body: dict[str, Any]) -> None:
    assert idp.send("POST", "/.search", json.dumps(body).encode()).status_code in (200, 400)


@pytest.mark.clause("7644-3.11-1", "7644-3.12-13")
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_me_is_not_implemented_for_a_connection(idp: Idp, method: str) -> None:
    response = idp.send(method, "/Me", {"userName": "eve@acme.example"})
    assert response.status_code == 501
    assert "by its id" in read(response)["detail"]
    assert len(idp.users()) == 5


def test_me_tells_a_stranger_nothing(idp: Idp) -> None:
    assert idp.http.get(f"{idp.base}/Me").status_code == 401
