"""Whom a request is about, told by its body or filter alone: what is found, what is masked, and that nothing fails."""

from typing import Any

import orjson
import pytest

from provisioning.services.request_log import subject_keys
from provisioning.services.request_log.masking import Masking
from scim.api import subjects

PATCH = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"]}
CORE = "urn:ietf:params:scim:schemas:core:2.0:User"


def of(body: dict[str, Any]) -> tuple[str, ...]:
    return subjects.of_body(body, orjson.dumps(body), Masking(())).names


def patch(*operations: Any) -> dict[str, Any]:
    return {**PATCH, "Operations": list(operations)}


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({"userName": "lena@acme.co"}, ("lena@acme.co",)),
        ({"externalId": "00u1", "USERNAME": "lena@acme.co"}, ("lena@acme.co", "00u1")),
        ({"displayName": "Engineering", "externalId": "g-1"}, ("Engineering", "g-1")),
        ({"userName": "lena@acme.co", "emails": [{"value": "other@acme.co"}]}, ("lena@acme.co",)),
        ({"emails": [{"type": "work", "value": "lena@acme.co"}]}, ("lena@acme.co",)),
        ({f"{CORE}:userName": "lena@acme.co"}, ("lena@acme.co",)),
        ({"userName": ["lena@acme.co"], "externalId": {"value": 7}}, ("lena@acme.co", "7")),
        ({"userName": None, "externalId": True, "displayName": {}}, ()),
        ({"userName": " ", "externalId": "\u2003"}, ()),
        (patch({"op": "replace", "path": "userName", "value": "lena@acme.co"}), ("lena@acme.co",)),
        (patch({"op": "Add", "path": f"{CORE}:externalId", "value": [{"value": "00u1"}]}), ("00u1",)),
        (patch({"op": "replace", "value": {"displayName": "Engineering"}}), ("Engineering",)),
        (patch({"op": "replace", "path": 'emails[type eq "work"].value', "value": "lena@acme.co"}), ("lena@acme.co",)),
        (patch({"op": "replace", "path": "active", "value": False}, 7, None, {"path": 1, "value": []}), ()),
        ({"Operations": "none", "userName": "lena@acme.co"}, ("lena@acme.co",)),
        ({}, ()),
    ],
    ids=str,
)
def test_a_body_names_whom_it_is_about(body: dict[str, Any], names: tuple[str, ...]) -> None:
    assert of(body) == names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('userName eq "lena@acme.co"', ("lena@acme.co",)),
        ('USERNAME Eq "lena@acme.co" and active eq true', ("lena@acme.co",)),
        (f'{CORE}:userName eq "lena@acme.co"', ("lena@acme.co",)),
        ('userName eq "a@acme.co" or externalId eq "00u1"', ("a@acme.co", "00u1")),
        ('emails[type eq "work"].value eq "lena@acme.co"', ("lena@acme.co",)),
        ('emails[type eq "work" and value eq "lena@acme.co"]', ("lena@acme.co",)),
        ('emails.value sw "lena"', ("lena",)),
        ('name.familyName co "Lost"', ("Lost",)),
        (r'displayName eq "A \"B\" \u00c9"', ('A "B" É',)),
        ('userName eq "lena@acme.co', ("lena@acme.co",)),
        ('userNmae eq "lena@acme.co" or (userName sw "le"', ("le",)),
        ('emails[type eq "work"] and meta.lastModified gt "2020-01-01T00:00:00Z"', ()),
        ('] "x" eq "y" .value eq "z" [', ()),
        ("", ()),
    ],
)
def test_a_filter_names_whom_it_is_about(text: str, names: tuple[str, ...]) -> None:
    assert subjects.of_filter(text, Masking(())).names == names


def test_a_filter_by_id_is_about_the_one_who_has_it() -> None:
    ID = "01890a5d-ac96-774b-bcce-b302099a8057"
    assert subjects.of_filter(f'id eq "{ID.upper()}"', Masking(())).user_id == ID
    of_member = f'id eq "11111111-ac96-774b-bcce-b302099a8057" and members eq "{ID}"'
    assert subjects.of_filter(of_member, Masking(()), groups=True).user_id == ID


@pytest.mark.parametrize(
    "query",
    [
        "filter=userName+eq+%22lena%40acme.co%22",
        "count=1&filter=userName%20eq%20%22lena@acme.co%22",
        "FILTER=userName%20eq%20%22lena%40acme.co%22&startIndex=1",
    ],
)
def test_a_query_is_read_decoded(query: str) -> None:
    assert subjects.of_query(query, Masking(())).names == ("lena@acme.co",)


@pytest.mark.parametrize(
    ("raw", "names"),
    [
        (b'{"userName":"lena@acme.co",}', ("lena@acme.co",)),
        (b'{"externalId" : "00u1", "userName":"le\\u006ea@acme.co"', ("lena@acme.co", "00u1")),
        (b'{"userName":"lena@acme.co"}', ("lena@acme.co",)),
        (b'{"userName":"lena@acme', ("lena@acme",)),
        (b'{"userName":"lena@acme.co","userName":"x"', ("lena@acme.co", "x")),
        (b"<userName>lena@acme.co</userName>", ()),
        (b'["userName"]', ()),
        (b"\xff\xfe\x00", ()),
        (b"", ()),
    ],
)
def test_what_was_refused_unread_may_still_tell(raw: bytes, names: tuple[str, ...]) -> None:
    assert subjects.of_unread(raw, Masking(())).names == names


@pytest.mark.parametrize(
    "body",
    [
        {"userName": "hunter22-secret", "password": "hunter22-secret"},
        {"userName": "x hunter22-secret y", "urn:acme:Extra": {"apiToken": "hunter22-secret"}},
        {"password": "hunter22-secret", "externalId": "hunter22-secret", "userName": "lena@acme.co"},
        {"userName": "Bearer hunter22-secret"},
        {"userName": "password=hunter22-secret"},
        {"emails": [{"value": "hunter22-secret"}], "a": [[{"b": {"clientSecret": "hunter22-secret"}}]]},
        {"userName": "hunter22-secret", "pass\u0077ord": "hunter22-secret"},
        patch(
            {"op": "replace", "path": "password", "value": "hunter22-secret"},
            {"op": "replace", "path": "externalId", "value": "hunter22-secret"},
        ),
        patch({"op": "replace", "value": {"displayName": "hunter22-secret", "password": "hunter22-secret"}}),
    ],
    ids=str,
)
def test_a_secret_is_nobodys_name(body: dict[str, Any]) -> None:
    assert "hunter22" not in "".join(of(body))
    raw = orjson.dumps(body)
    for broken in (raw[:-1], raw[:-1] + b",}", raw + b"x"):
        assert "hunter22" not in "".join(subjects.of_unread(broken, Masking(())).names)


def test_a_secret_in_a_filter_is_nobodys_name() -> None:
    query = "filter=userName+eq+%22hunter22-secret%22+and+password+eq+%22hunter22-secret%22"
    masking = Masking(())
    masking.query(query)
    assert "hunter22" not in str(subjects.of_query(query, masking))


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
@pytest.mark.parametrize("depth", [40, 1000, 5000])
def test_a_deep_body_that_is_refused_unread_is_no_fault(opening: str, closing: str, depth: int) -> None:
    deep = f"{opening * depth}1{closing * depth}"
    body = f'{{"password":"x","path":[1],"userName":"lena@acme.co","name":[{deep}]}}'
    assert subjects.of_unread(body.encode(), Masking(())).names in ((), ("lena@acme.co",))


def test_of_many_long_names_some_are_kept_and_cut() -> None:
    many = patch(*({"op": "add", "path": "externalId", "value": f"{number}-{'x' * 5000}"} for number in range(900)))
    found = of(many)
    assert len(found) == subject_keys.MOST
    assert all(len(name) == subject_keys.LONGEST for name in found)


def test_a_key_finds_parts_and_tells_whole_names_from_parts() -> None:
    key = subject_keys.key(["Lena.Lost@Acme.co", "ÉLÈVES  de Paris", "lena.lost@acme.co"])
    assert key == "\nlena.lost@acme.co\nélèves de paris\n"
    assert subject_keys.whole("LENA.LOST@acme.co") in key
    assert subject_keys.whole("lost@acme.co") not in key
    assert subject_keys.key([]) == subject_keys.key(["", " "]) == ""
