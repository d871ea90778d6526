"""No secret ever comes out of what is kept of a request, wherever it stands and however it is nested."""

import json
from base64 import b64encode
from typing import Any
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.services.request_log.masking import MASK, Masking

SECRET = "hunter2~Zq9"
CONDITION = f'password eq "{SECRET}"'
COMPOUND = f'userName eq "a" and ssn eq "{SECRET}"'
BRACKETS = f'emails[password eq "{SECRET}"]'
NAMES = ["ssn", "apiKey", "nationalId"]


def masked(body: Any) -> Any:
    return json.loads(Masking(NAMES).body(json.dumps(body).encode()) or "null")


@pytest.mark.parametrize(
    "body",
    [
        {"password": SECRET},
        {"Password": SECRET},
        {"urn:ietf:params:scim:schemas:core:2.0:User:password": SECRET},
        {"urn:example:2.0:User": {"new_password": [SECRET, {"x": SECRET}]}},
        {"clientSecret": SECRET, "access_token": SECRET, "api-key": SECRET, "SSN": SECRET},
        {"name": {"nationalID": 1234567890123}, "title": "1234567890123"},
        {"Operations": [{"op": "replace", "path": "password", "value": SECRET}]},
        {"Operations": [{"op": "add", "PATH": "urn:x:2.0:User:Password", "Value": {"deep": [SECRET]}}]},
        {"Operations": [{"op": "add", "path": "name.ssn", "value": SECRET}]},
        {"Operations": [{"op": SECRET, "path": "password"}]},
        {"Operations": [{"op": "add", "value": {"password": SECRET}}]},
        {"Operations": [{"op": "add", "value": [{"name.password": SECRET}]}]},
        {"Operations": [{"op": "remove", "path": f'emails[password eq "{SECRET}"].value'}]},
        {"Operations": [{"op": "remove", "path": f"emails[password eq {SECRET}].value"}]},
        {"Operations": [{"op": "add", "value": {f'keys[ssn eq "{SECRET}"].value': "x"}}]},
        {"Operations": [{"method": "PATCH", "path": "/Users/1", "data": {"Operations": [{"value": {"ssn": SECRET}}]}}]},
        {"Operations": [{"method": "GET", "path": f"/Users?filter=password%20eq%20%22{SECRET}%22"}]},
        {"Operations": [{"method": "GET", "path": f"/Users?filter=%70assword+eq+{SECRET}"}]},
        {"filter": f'userName eq "a" and password eq "{SECRET}"'},
        {"value": json.dumps({"password": SECRET})},
        {"value": json.dumps([{"value": SECRET, "path": "password"}])},
        {"value": '{"value": "' + SECRET + '", "path": "password"'},
        {"name": "password", "value": SECRET},
        {"title": f"password: {SECRET}"},
        {"title": f"Bearer {SECRET}"},
        {"title": SECRET, "password": SECRET},
        {f"password={SECRET}": 1},
    ],
)  # fmt: skip
def test_a_secret_in_json_is_masked(body: Any) -> None:
    text = Masking(NAMES).request([], "", json.dumps(body).encode())[2]
    assert text is not None
    assert SECRET not in text
    assert "1234567890123" not in text
    assert MASK in text


def test_the_rest_stays_as_it_is() -> None:
    body = {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": "secretary@acme.example",
        "title": "Secretary to the board",
        "active": True,
        "emails": [{"value": "pinto@acme.example", "type": "work", "primary": True}],
        "employeeNumber": 17,
        "manager": None,
        "password": None,
    }
    assert masked(body) == body
    patch = {"Operations": [{"op": "Replace", "path": 'emails[type eq "work"].value', "value": "a@acme.example"}]}
    assert masked(patch) == patch
    error = {"detail": "'password' was not kept; this server has no use for it.", "status": "400"}
    assert masked(error) == error


@pytest.mark.parametrize(
    "body",
    [
        b'{"password": "' + SECRET.encode(),
        b'{"p\\u0061ssword": "' + SECRET.encode(),
        b"p%61ssword=" + SECRET.encode(),
        f"password={SECRET}".encode(),
        f'{{"password": "{SECRET}"'.encode("utf-16"),
        f'{{"title": NaN, "ssn": "{SECRET}"}}'.encode(),
        f"<password>{SECRET}</password>".encode(),
        b"\xff" + SECRET.encode(),
    ],
)
def test_of_what_is_no_json_nothing_is_shown_that_could_be_secret(body: bytes) -> None:
    assert Masking(NAMES).body(body) is None


def test_of_what_is_no_json_the_rest_is_shown() -> None:
    assert Masking(NAMES).body(b'{"title": "x",}') == '{"title": "x",}'


def test_json_that_is_nested_without_end_is_cut_off() -> None:
    deep: Any = {"password": SECRET}
    for _ in range(200):
        deep = {"x": [deep]}
    assert SECRET not in str(masked(deep))


@pytest.mark.parametrize(
    "query",
    [
        f"password={SECRET}",
        f"access_token={SECRET}&count=1",
        f"filter={quote(CONDITION)}",
        f"filter={quote_plus(COMPOUND)}",
        f"filter={quote(quote(CONDITION))}",
        f"filter=password eq {SECRET}",
        f"p%61ssword={SECRET}",
        f"filter={quote(BRACKETS)}&x=smgr_abcdef",
    ],
)
def test_a_secret_in_a_query_is_masked(query: str) -> None:
    shown = Masking(NAMES).query(query)
    assert SECRET not in shown
    assert "abcdef" not in shown


def test_the_rest_of_a_query_stays_as_it_was_sent() -> None:
    query = "filter=userName%20eq%20%22secretary%40acme.example%22&attributes=userName,password&count=1"
    assert Masking(NAMES).query(query) == query


def test_credentials_and_cookies_are_masked_in_headers() -> None:
    basic = b64encode(f"ada:{SECRET}".encode()).decode()
    headers = [
        ("Authorization", f"Bearer {SECRET}"), ("Proxy-Authorization", f"Basic {basic}"), ("Cookie", f"a={SECRET}"),
        ("Set-Cookie", f"a={SECRET}"), ("X-Api-Key", SECRET), ("User-Agent", f"smgr_{SECRET}"),
        ("Referer", f"https://x.example/?token={SECRET}"), ("Accept", "application/scim+json"),
    ]  # fmt: skip
    shown = Masking(NAMES).headers(headers)
    assert SECRET not in str(shown)
    assert basic not in str(shown)
    assert shown[0] == ("Authorization", "Bearer ***")
    assert shown[-1] == headers[-1]


def test_a_header_without_a_scheme_shows_nothing_of_what_may_be_a_token() -> None:
    assert Masking([]).headers([("Authorization", SECRET)]) == [("Authorization", MASK)]


def test_what_was_sent_as_a_secret_is_masked_where_the_answer_repeats_it() -> None:
    masking = Masking([])
    masking.request([("Authorization", f"Bearer {SECRET}")], "", b'{"password": "' + SECRET[::-1].encode() + b'"}')
    answer = {"detail": f"What is {SECRET}, and what {SECRET[::-1]}?"}
    assert masking.body(json.dumps(answer).encode()) == '{\n  "detail": "What is ***, and what ***?"\n}'


NAME = st.sampled_from(["password", "PassWord", "pass-word", "urn:x:User:password", "ssn", "API_key", "authToken"])
PATH = st.sampled_from(
    ["password", "urn:x:2.0:User:Password", "name.ssn", 'emails[type eq "work"].apiKey', "User/token"]
)
HOLDER = st.recursive(
    st.just(SECRET),
    lambda inside: (
        st.lists(inside, min_size=1, max_size=2) | st.dictionaries(st.text(), inside, min_size=1, max_size=2)
    ),
)
PLACE = (
    st.builds(lambda name, held: {name: held}, NAME, HOLDER)
    | st.builds(lambda path, held: {"op": "add", "path": path, "value": held}, PATH, HOLDER)
    | st.builds(lambda path, held: {"value": held, "Path": path}, PATH, HOLDER)
    | st.builds(lambda name: {"path": f'x[{name} eq "{SECRET}"]'}, NAME)
    | st.builds(lambda name: {"filter": f"title pr and {name} eq {SECRET}"}, NAME)
    | st.builds(lambda name: {"path": "/Users?" + urlencode({name: SECRET})}, NAME)
)
OTHERS = st.dictionaries(st.text(), st.none() | st.booleans() | st.integers() | st.text(), max_size=2)
NESTED = st.recursive(
    PLACE,
    lambda inside: (
        st.builds(lambda others, key, held: {**others, key: held}, OTHERS, st.text(), inside)
        | st.builds(lambda before, held: [*before, held], st.lists(st.text(), max_size=2), inside)
        | st.builds(lambda held: {"value": json.dumps(held)}, inside)
    ),
)


@given(NESTED)
def test_no_secret_comes_out_however_it_is_nested(body: Any) -> None:
    sent = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
    assert SECRET not in (Masking(NAMES).body(sent) or "")


@given(NESTED, st.integers(0, 400))
def test_no_secret_comes_out_of_a_body_that_is_cut_off(body: Any, length: int) -> None:
    sent = json.dumps(body).encode()[:length]
    assert SECRET not in (Masking(NAMES).body(sent) or "")


@given(st.text(), st.binary(), st.text())
def test_nothing_that_is_sent_is_a_fault(query: str, body: bytes, header: str) -> None:
    Masking(NAMES).request([("Authorization", header), ("X", header)], query, body)
