"""A profile goes into the document and comes out as it was; the index follows from it and from nothing else."""

import re
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.addresses import canonical, fold
from users import profile as profiles
from users.models import Role, User
from users.permissions import BuiltIn

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

# RFC 7643 section 8.2, cut down to one entry of each kind.
BARBARA: dict[str, Any] = {
    "externalId": "701984",
    "userName": "bjensen@example.com",
    "name": {
        "formatted": "Ms. Barbara J Jensen, III",
        "familyName": "Jensen",
        "givenName": "Barbara",
        "middleName": "Jane",
        "honorificPrefix": "Ms.",
        "honorificSuffix": "III",
    },
    "displayName": "Babs Jensen",
    "nickName": "Babs",
    "emails": [
        {"value": "babs@jensen.example", "type": "home"},
        {"value": "bjensen@example.com", "type": "work", "primary": True},
    ],
    "addresses": [{"type": "work", "streetAddress": "100 Universal City Plaza", "primary": True}],
    "phoneNumbers": [{"value": "555-555-5555", "type": "work"}],
    "title": "Tour Guide",
    "active": True,
    ENTERPRISE: {"employeeNumber": "701984", "department": "Tour Operations"},
}

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
ENTRY = st.fixed_dictionaries({"value": TEXT.filter(bool)}, optional={"type": TEXT, "primary": st.booleans()})
PROFILES = st.fixed_dictionaries(
    {"userName": TEXT.filter(bool)},
    optional={
        "active": st.booleans(),
        "externalId": TEXT,
        "displayName": TEXT,
        "title": TEXT,
        "name": st.dictionaries(st.sampled_from(["givenName", "familyName", "formatted"]), TEXT),
        "emails": st.lists(ENTRY, max_size=4),
        "phoneNumbers": st.lists(ENTRY, max_size=3),
        "x509Certificates": st.lists(ENTRY, max_size=1),
        ENTERPRISE: st.dictionaries(st.sampled_from(["department", "employeeNumber"]), TEXT),
    },
)


def written(profile: dict[str, Any]) -> User:
    user = User(organization_id=UUID(int=1))
    profiles.write(user, profile)
    return user


@given(PROFILES)
def test_what_is_written_is_read_back(profile: dict[str, Any]) -> None:
    assert profiles.read(written(profile)) == profile


@given(PROFILES)
def test_the_document_is_the_whole_resource_and_ends_where_readers_cut_it(profile: dict[str, Any]) -> None:
    user = written(profile)
    document = orjson.loads(user.document)
    assert list(document)[:2] == ["schemas", "id"]
    assert list(document)[-1] == "meta"
    assert document["id"] == str(user.pk)
    assert document["schemas"] == [profiles.CORE_SCHEMA, *([ENTERPRISE] if ENTERPRISE in profile else [])]
    assert document["meta"]["location"] == f"/Users/{user.pk}"
    assert user.document.endswith(f'"/Users/{user.pk}"}}}}')


@given(PROFILES)
def test_the_index_follows_from_the_profile(profile: dict[str, Any]) -> None:
    user = written(profile)
    assert user.user_name == profile["userName"]
    assert user.external_id == profile.get("externalId", "")
    assert user.is_active is profile.get("active", True)
    assert user.search["userName"] == canonical(profile["userName"])
    assert user.search.get("title") == (fold(profile["title"]) if "title" in profile else None)
    rows = [(row.attribute, row.type, row.value_key) for row in profiles.value_rows(user)]
    assert rows == [
        ("emails", fold(entry.get("type", "")), canonical(entry["value"])) for entry in profile.get("emails", [])
    ]


@given(PROFILES, PROFILES)
def test_the_second_write_leaves_nothing_of_the_first(first: dict[str, Any], second: dict[str, Any]) -> None:
    user = written(first)
    created = user.created_at
    profiles.write(user, second)
    fresh = written(second)
    assert profiles.read(user) == second
    assert user.created_at == created
    for column in set(profiles.COLUMNS) - {"document", "created_at", "updated_at", "is_active"}:
        assert getattr(user, column) == getattr(fresh, column), column
    assert user.is_active is second.get("active", first.get("active", True))


def test_the_rfcs_own_example_is_found_by_its_names_and_addresses() -> None:
    barbara = written(BARBARA)
    assert barbara.email == "bjensen@example.com"
    assert barbara.display_name == "Babs Jensen"
    assert barbara.name_key == "babs jensen barbara jensen"
    assert [row.value_key for row in profiles.value_rows(barbara)] == ["babs@jensen.example", "bjensen@example.com"]
    assert barbara.search["emails"][0] == {"value": "babs@jensen.example", "type": "home"}
    assert barbara.search[ENTERPRISE]["department"] == "tour operations"


def test_read_gives_a_copy_that_may_be_changed() -> None:
    barbara = written(BARBARA)
    profiles.read(barbara)["name"]["familyName"] = "Smith"
    assert profiles.read(barbara)["name"]["familyName"] == "Jensen"


@pytest.mark.parametrize(
    ("emails", "expected"),
    [
        (None, "ann@acme.example"),
        ([], "ann@acme.example"),
        ([{"type": "work"}], "ann@acme.example"),
        ([{"value": "first@acme.example"}, {"value": "second@acme.example"}], "first@acme.example"),
        ([{"value": "first@acme.example"}, {"value": "second@acme.example", "primary": True}], "second@acme.example"),
    ],
)
def test_mail_goes_to_the_primary_address_else_the_first_else_the_user_name(emails: Any, expected: str) -> None:
    profile = {"userName": "ann@acme.example", **({} if emails is None else {"emails": emails})}
    assert profiles.primary_email(profile) == expected


def test_one_address_spelled_twice_is_one_address() -> None:
    profile = {"userName": "Ann@ACME.example", "emails": [{"value": "ann@acme.example"}, {"value": "lee@x.example"}]}
    assert list(profiles.addresses(profile)) == ["ann@acme.example", "lee@x.example"]


@pytest.mark.clause("7643-4.1.1-6")
@pytest.mark.parametrize(
    ("profile", "shown"),
    [
        ({"displayName": "Annie", "name": {"givenName": "Ann"}}, "Annie"),
        ({"name": {"formatted": "Dr. Ann Lee", "givenName": "Ann"}}, "Dr. Ann Lee"),
        ({"name": {"givenName": "Ann", "familyName": "Lee"}}, "Ann Lee"),
        ({"name": {"familyName": "Lee"}}, "Lee"),
        ({"displayName": ""}, "ann@acme.example"),
        ({}, "ann@acme.example"),
    ],
)
def test_people_are_called_by_the_best_name_there_is(profile: dict[str, Any], shown: str) -> None:
    assert profiles.display_name({"userName": "ann@acme.example", **profile}) == shown


def test_times_are_utc_with_milliseconds_in_document_and_column_alike() -> None:
    user = written({"userName": "ann@acme.example"})
    meta = orjson.loads(user.document)["meta"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", meta["created"])
    assert datetime.fromisoformat(meta["lastModified"]) == user.updated_at
    assert profiles.timestamp(datetime(2026, 1, 2, 3, 4, 5, 6_999, UTC)) == "2026-01-02T03:04:05.006Z"
    assert profiles.timestamp(None) is None


def test_a_version_reads_as_a_weak_entity_tag() -> None:
    assert profiles.etag(7) == 'W/"7"'
    assert orjson.loads(written({"userName": "a"}).document)["meta"]["version"] == 'W/"1"'


def test_a_role_shows_by_its_name() -> None:
    role = Role(key=BuiltIn.READ_ONLY, name="Read-only")
    assert profiles.role_entries(role) == [{"value": "Read-only", "primary": True}]


def test_a_huge_name_still_fits_its_columns() -> None:
    user = written({"userName": "ann@acme.example", "displayName": "ﷺ" * 1024, "name": {"givenName": "x" * 1024}})
    assert len(user.display_name) <= 1024
    assert len(user.name_key) <= 1100
