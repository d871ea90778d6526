"""Lists: paging, totals, order and what filters find (RFC 7644 section 3.4.2)."""

from typing import Any

import pytest

from tests.identity_provider import Idp, read

LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"


def names(response: Any) -> list[str]:
    return [user["userName"] for user in read(response)["Resources"]]


@pytest.fixture
def people(idp: Idp) -> list[str]:
    """Seven users in the order of their making."""
    return [idp.create(f"u{number}@acme.example", title="x" if number % 2 else "y")["userName"] for number in range(7)]


@pytest.mark.clause("7644-3.4.2-2", "7644-3.4.2-3", "7644-3.4.2-7")
def test_an_empty_list_has_resources_and_numbers(idp: Idp) -> None:
    assert read(idp.get("/Users")) == {
        "schemas": [LIST],
        "totalResults": 0,
        "startIndex": 1,
        "itemsPerPage": 0,
        "Resources": [],
    }


@pytest.mark.clause("7644-3.4.2-4")
def test_the_list_holds_each_user_as_it_reads_alone(idp: Idp) -> None:
    user = idp.create(name={"familyName": "Lovelace"})
    assert read(idp.get("/Users"))["Resources"] == [user]


@pytest.mark.clause("7644-3.4.2-3", "7644-3.4.2-5", "7644-3.4.2-6")
def test_pages_in_sequence_show_everybody_once_in_one_order(idp: Idp, people: list[str]) -> None:
    for condition in ({}, {"filter": "userName pr"}):
        pages = [idp.get("/Users", {"startIndex": start, "count": 3, **condition}) for start in (1, 4, 7)]
        assert [name for page in pages for name in names(page)] == people
        assert [read(page)["totalResults"] for page in pages] == [7, 7, 7]
        assert [read(page)["itemsPerPage"] for page in pages] == [3, 3, 1]
        assert [read(page)["startIndex"] for page in pages] == [1, 4, 7]


@pytest.mark.clause("7644-3.4.2.4-2", "7644-3.4.2.4-3", "7644-3.4.2.4-4")
@pytest.mark.parametrize("condition", [{}, {"filter": "userName pr"}])
@pytest.mark.parametrize(
    ("query", "shown", "start"),
    [
        ({"count": 0}, 0, 1),
        ({"count": -5}, 0, 1),
        ({"count": 1}, 1, 1),
        ({"count": 10**30}, 7, 1),
        ({"startIndex": 0}, 7, 1),
        ({"startIndex": -3}, 7, 1),
        ({"startIndex": 8}, 0, 8),
        ({"startIndex": 8, "count": 0}, 0, 8),
        ({"startIndex": 6, "count": 5}, 2, 6),
    ],
)
def test_numbers_out_of_range_mean_the_nearest_that_is(
    idp: Idp, people: list[str], condition: dict[str, str], query: dict[str, Any], shown: int, start: int
) -> None:
    page = read(idp.get("/Users", {**query, **condition}))
    assert (page["totalResults"], page["itemsPerPage"], page["startIndex"]) == (7, shown, start)
    assert len(page["Resources"]) == shown


def test_a_start_beyond_every_number_of_users_is_an_empty_page(idp: Idp, people: list[str]) -> None:
    page = read(idp.get("/Users", {"startIndex": 10**40}))
    assert (page["totalResults"], page["Resources"]) == (7, [])


def test_the_total_follows_creations_and_deletions(idp: Idp, people: list[str]) -> None:
    user = idp.create("late@acme.example")
    assert read(idp.get("/Users", {"count": 1}))["totalResults"] == 8
    idp.send("DELETE", f"/Users/{user['id']}")
    assert read(idp.get("/Users", {"count": 1}))["totalResults"] == 7


def test_no_page_is_larger_than_what_the_configuration_says(idp: Idp) -> None:
    for number in range(203):
        idp.create(f"u{number}@acme.example")
    most = read(idp.get("/ServiceProviderConfig"))["filter"]["maxResults"]
    assert read(idp.get("/Users", {"count": 1000}))["itemsPerPage"] == most == 200
    assert read(idp.get("/Users"))["itemsPerPage"] == 100
    assert len(idp.found("userName pr", count=1000)) == most


class TestFilters:
    """What identity providers look people up by."""

    @pytest.fixture(autouse=True)
    def ada(self, idp: Idp) -> None:
        idp.create(
            "Ada.Lovelace@acme.example",
            externalId="00uAbC",
            displayName="Ada Lovelace",
            emails=[
                {"value": "Ada@acme.example", "type": "work", "primary": True},
                {"value": "ada@acme.test", "type": "home"},
            ],
            name={"familyName": "Lovelace"},
            title="50%",
            **{"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "R&D"}},
        )
        idp.create("bob@acme.example", externalId="bob", emails=[{"value": "bob@acme.example", "type": "work"}])

    @pytest.mark.clause("7643-7-8", "7644-3.4.2.2-1", "7644-3.4.2.2-15")
    @pytest.mark.parametrize(
        "condition",
        [
            'userName eq "ada.lovelace@ACME.example"',
            'userName Eq "ada.lovelace@acme.example"',
            'USERNAME eq "ada.lovelace@acme.example"',
            'urn:ietf:params:scim:schemas:core:2.0:User:userName sw "ada"',
            'externalId eq "00uAbC"',
            'emails eq "ada@acme.example"',
            'emails.value eq "ADA@acme.test"',
            'emails[type eq "work"].value eq "ada@acme.example"',
            'emails[type eq "home" and value co "test"]',
            'displayName eq "ADA LOVELACE"',
            'name.familyName ew "LACE"',
            'title co "0%"',
            'title pr and active eq true and not (externalId eq "bob")',
            'externalId ne "bob"',
            'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq "r&d"',
            'roles[value eq "app management"] and title pr',
            'meta.created gt "2020-01-01T00:00:00Z" and title pr',
            'emails.type eq "home"',
        ],
    )
    def test_find_ada(self, idp: Idp, condition: str) -> None:
        assert idp.found(condition) == ["Ada.Lovelace@acme.example"]

    @pytest.mark.clause("7643-7-8", "7644-3.4.2.2-1", "7644-3.4.2.2-8", "7644-3.4.2.2-15")
    @pytest.mark.parametrize(
        "condition",
        [
            'userName eq "0f3c6a51-9a43-4b3a-8a57-6f1c6ffb2c1e"',
            'externalId eq "00uabc"',
            'emails[type eq "work" and value eq "ada@acme.test"]',
            'title co "0_"',
            'title eq "5__"',
            'userName co "%"',
            "active eq false",
            'groups.value eq "x"',
            'id eq "1"',
            'meta.lastModified lt "2020-01-01T00:00:00Z"',
        ],
    )
    def test_find_nobody(self, idp: Idp, condition: str) -> None:
        assert idp.found(condition) == []

    def test_a_blank_may_be_sent_as_a_plus(self, idp: Idp) -> None:
        query = "filter=userName+eq+%22bob%40acme.example%22"
        headers = {"authorization": f"Bearer {idp.token}"}
        assert names(idp.http.generic("GET", f"{idp.base}/Users?{query}", headers=headers)) == ["bob@acme.example"]

    def test_an_id_is_found_by_its_meta_location_too(self, idp: Idp) -> None:
        user = read(idp.get("/Users"))["Resources"][0]
        assert idp.found(f'id eq "{user["id"]}"') == [user["userName"]]
        assert idp.found(f'meta.location eq "{user["meta"]["location"]}"') == [user["userName"]]
