"""How many statements each request costs; a figure that grows is a change of design.

Transaction control and the request log's batches are not counted.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from provisioning.services.request_log import writer
from scim.protocol.schemas import CORE_GROUP, CORE_USER
from scim.protocol.searching import SEARCH_SCHEMA
from tests.identity_provider import Idp, read

CONTROL = re.compile(r"(BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE)\b")


@contextmanager
def at_most(number: int) -> Iterator[None]:
    with CaptureQueriesContext(connection) as captured:
        yield
    statements = [query["sql"] for query in captured.captured_queries if not CONTROL.match(query["sql"])]
    assert len(statements) <= number, "\n".join(statements)


@pytest.fixture
def user_id(idp: Idp) -> str:
    user_id: str = idp.create(externalId="a1", emails=[{"value": "ada@acme.test", "type": "work"}])["id"]
    return user_id


def test_reading_a_user_is_one(idp: Idp, user_id: str) -> None:
    with at_most(1):
        assert idp.get(f"/Users/{user_id}").status_code == 200
    with at_most(1):
        assert idp.get(f"/Users/{user_id}", {"attributes": "userName"}).status_code == 200
    with at_most(1):
        assert idp.get(f"/Users/{user_id}", if_none_match='W/"1"').status_code == 304


def test_reading_a_user_in_groups_is_one_and_two_where_one_is_within_another(idp: Idp, user_id: str) -> None:
    inner = idp.create_group("Inner", user_id)["id"]
    with at_most(1):
        assert idp.get(f"/Users/{user_id}").status_code == 200
    idp.create_group("Outer", inner)
    with at_most(2):
        assert len(read(idp.get(f"/Users/{user_id}"))["groups"]) == 2


def test_looking_for_a_user_that_is_not_there_is_two(idp: Idp, user_id: str) -> None:
    with at_most(2):
        assert idp.get(f"/Users/{user_id[:-4]}0000").status_code == 404


def test_a_page_of_users_is_one_and_two_with_groups_to_show(idp: Idp, user_id: str) -> None:
    idp.create("bob@acme.example")
    pages = ({}, {"startIndex": 2, "count": 1}, {"filter": "userName pr"}, {"filter": 'userName sw "bob"'})
    for query in (*pages, {"count": 0}):
        with at_most(1):
            assert idp.get("/Users", query).status_code == 200
    idp.create_group("Engineering", user_id)
    for query in pages:
        with at_most(2):
            assert idp.get("/Users", query).status_code == 200
        with at_most(1):
            assert idp.get("/Users", {**query, "excludedAttributes": "groups"}).status_code == 200
    with at_most(1):
        assert len(idp.found('userName sw "bob"')) == 1


def test_a_sorted_page_is_two_and_three_with_groups_to_show(idp: Idp, user_id: str) -> None:
    idp.create("bob@acme.example")
    for most in (2, 3):
        for sort_by in ("userName", "title", "emails", "meta.created"):
            with at_most(most):
                assert idp.get("/Users", {"sortBy": sort_by, "startIndex": 2, "count": 1}).status_code == 200
            with at_most(most):
                assert idp.get("/Users", {"sortBy": sort_by, "filter": "userName pr", "count": 1}).status_code == 200
        idp.create_group(f"Group {most}", user_id)


def test_a_page_by_cursor_is_one_and_a_filtered_or_sorted_one_two(idp: Idp, user_id: str) -> None:
    for number in range(3):
        idp.create(f"bob{number}@acme.example")
    for query, most in (({}, 1), ({"filter": "userName pr"}, 2), ({"sortBy": "title"}, 2)):
        cursor = ""
        for towards in ("nextCursor", "previousCursor"):
            with at_most(most):
                response = idp.get("/Users", {"cursor": cursor, "count": 2, **query})
            cursor = json.loads(response.content).get(towards, "")


def test_searching_everything_is_six_at_most(idp: Idp, user_id: str) -> None:
    idp.create_group("Engineering", user_id)
    for query in ({}, {"sortBy": "displayName"}, {"cursor": ""}, {"cursor": "", "sortBy": "displayName"}):
        with at_most(6):
            assert idp.send("POST", "/.search", {"schemas": [SEARCH_SCHEMA], "count": 1, **query}).status_code == 200


def test_a_search_asks_for_the_token_first_and_then_costs_what_a_list_costs(idp: Idp, user_id: str) -> None:
    for query in ({}, {"filter": 'userName eq "ada@acme.example"'}):
        for body in ({"schemas": [SEARCH_SCHEMA], **query}, query):
            with at_most(2):
                assert idp.send("POST", "/Users/.search", body).status_code == 200


@pytest.mark.parametrize(
    "condition",
    [
        'userName eq "ada@acme.example"',
        'externalId eq "a1"',
        'emails[type eq "work"].value eq "ada@acme.test"',
        'title pr or emails co "test"',
    ],
)
def test_finding_somebody_or_nobody_is_two(idp: Idp, user_id: str, condition: str) -> None:
    with at_most(2):
        assert len(idp.found(condition)) == 1
    with at_most(2):
        assert idp.found(f"({condition}) and active eq false") == []
    with at_most(3):
        idp.found(condition, count=0, startIndex=5)


# On PostgreSQL a user, the values of the e-mails and the event are written in one statement.
def by_database(sqlite: int, postgresql: int) -> int:
    return {"sqlite": sqlite, "postgresql": postgresql}[connection.vendor]


@pytest.mark.parametrize("plain", [{}, {"externalId": "a1"}], ids=["without externalId", "with externalId"])
def test_creating_a_user_with_plain_attributes_is_five(idp: Idp, plain: dict[str, object]) -> None:
    with at_most(by_database(6, 5)):
        idp.create(name={"familyName": "Lovelace"}, title="Countess", **plain)


def test_creating_a_user_with_emails_and_a_role_is_six(idp: Idp) -> None:
    emails = [{"value": f"ada{number}@acme.test", "primary": number == 1} for number in range(5)]
    with at_most(by_database(8, 6)):
        idp.create(emails=emails, roles=[{"value": "HR"}])


def test_changing_plain_attributes_is_three(idp: Idp, user_id: str) -> None:
    with at_most(by_database(4, 3)):
        idp.patch(user_id, {"op": "replace", "value": {"title": "Countess", "name": {"familyName": "King"}}})


def test_a_change_that_changes_nothing_is_two_and_three_for_who_is_in_a_group(idp: Idp, user_id: str) -> None:
    operation = {"op": "replace", "path": "active", "value": True}
    with at_most(2):
        idp.patch(user_id, operation)
    idp.create_group("Engineering", user_id)
    with at_most(3):
        assert "groups" in read(idp.patch(user_id, operation))


@pytest.mark.parametrize(
    "value",
    [
        {"active": False},
        {"roles": [{"value": "HR"}]},
        {"emails": [{"value": "ada@acme.test"}, {"value": "a@acme.test"}]},
    ],
)
def test_changing_emails_activation_or_role_is_at_most_eight(idp: Idp, user_id: str, value: dict[str, object]) -> None:
    with at_most(by_database(9, 8)):
        assert idp.patch(user_id, {"op": "replace", "value": value}).status_code == 200


@pytest.mark.parametrize("value", [{"userName": "king@acme.example"}, {"emails": [{"value": "king@acme.example"}]}])
def test_another_address_takes_four_more_for_the_mail_to_the_former_one(
    idp: Idp, user_id: str, value: dict[str, object]
) -> None:
    with at_most(by_database(13, 12)):
        assert idp.patch(user_id, {"op": "replace", "value": value}).status_code == 200


@pytest.fixture
def group_id(idp: Idp, user_id: str) -> str:
    return str(idp.create_group("Engineering", user_id)["id"])


def test_reading_a_group_with_its_members_is_two_and_without_one(idp: Idp, group_id: str) -> None:
    with at_most(2):
        assert "members" in read(idp.get(f"/Groups/{group_id}"))
    with at_most(1):
        assert "members" not in read(idp.get(f"/Groups/{group_id}", {"excludedAttributes": "members"}))


def test_a_page_of_groups_is_two_and_finding_one_too(idp: Idp, group_id: str, user_id: str) -> None:
    with at_most(2):
        assert read(idp.get("/Groups"))["totalResults"] == 1
    with at_most(2):
        assert read(idp.get("/Groups", {"filter": f'members.value eq "{user_id}"'}))["totalResults"] == 1
    with at_most(3):
        assert read(idp.get("/Groups", {"filter": 'displayName eq "x"', "startIndex": 2}))["totalResults"] == 0


@pytest.mark.parametrize("size", [1, 300])
def test_adding_or_removing_one_member_is_seven_whatever_the_size_of_the_group(idp: Idp, size: int) -> None:
    people = [user.pk for user in idp.add_people(size)]
    new_user = idp.create("new@acme.example")["id"]
    group = idp.create_group("Everybody", *map(str, people))
    for operation in ("add", "remove"):
        with at_most(7):
            change = {"op": operation, "path": "members", "value": [{"value": new_user}]}
            assert idp.patch_group(group["id"], change).status_code == (200 if size == 1 else 204)


def test_describing_the_server_is_one_and_one_more_for_the_roles_that_a_schema_names(idp: Idp) -> None:
    group, user = f"/Schemas/{CORE_GROUP.id}", f"/Schemas/{CORE_USER.id}"
    for path in ("/ServiceProviderConfig", "/ResourceTypes", group):
        with at_most(1):
            idp.get(path)
    for path in ("/Schemas", user):
        with at_most(2):
            idp.get(path)


def test_a_missing_token_asks_the_database_nothing(idp: Idp) -> None:
    with at_most(0):
        assert idp.http.get(idp.base + "/Users").status_code == 401


def test_the_log_of_many_requests_is_written_in_few(idp: Idp, user_id: str) -> None:
    writer.flush()
    for _number in range(20):
        idp.get(f"/Users/{user_id}")
    # The organization, the token, the rows, the token's last use, a streak of failures that may end, the step reached.
    with at_most(26 if connection.vendor == "sqlite" else 6):
        writer.flush()
