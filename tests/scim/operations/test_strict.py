"""Strict mode of the connection: what strays from the RFCs is refused whole, and the log says what it was."""

from typing import Any

import pytest

from core.actors import operator_at_the_command_line
from provisioning.services.connections import connections
from scim.protocol.schemas import CORE_GROUP, CORE_USER
from tests.identity_provider import Idp, read
from tests.scim.operations.test_me import me_of
from users.models import Group, User

SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"


@pytest.fixture
def strict(idp: Idp) -> Idp:
    connection = connections.default_connection(idp.organization.pk)
    connections.set_strict(connection, True, by=operator_at_the_command_line(idp.organization.pk))
    return idp


def test_a_create_that_would_be_healed_makes_nobody(strict: Idp) -> None:
    body = {"schemas": [CORE_USER.id], "userName": "ada@acme.example", "active": "True"}
    response = strict.send("POST", "/Users", body)
    assert (response.status_code, read(response)["scimType"]) == (400, "invalidValue")
    assert strict.users() == []
    (row,) = strict.log()
    assert row.cause == "strict-mode"
    assert row.result == "Refused: 'active' is a boolean. Strict mode is on, so that is refused."
    assert row.notices == []


def test_what_is_right_goes_through_and_leaves_no_advice(strict: Idp) -> None:
    user = strict.create(schemas=[CORE_USER.id], active=True)
    response = strict.patch(user["id"], {"op": "replace", "path": "active", "value": False})
    assert read(response)["active"] is False
    assert [row.notices for row in strict.log()] == [[], []]


@pytest.mark.clause("7644-3.5.2.3-5")
@pytest.mark.parametrize(
    ("operation", "scim_type"),
    [
        ({"op": "Replace", "path": "title", "value": "x"}, "invalidSyntax"),
        ({"op": "replace", "path": "active", "value": "False"}, "invalidValue"),
        ({"op": "replace", "path": 'emails[type eq "home"].value', "value": "ada@acme.test"}, "noTarget"),
        ({"op": "replace", "value": {"name.givenName": "Ada"}}, "invalidSyntax"),
        ({"op": "add", "path": 'roles[primary eq "True"].value', "value": "HR"}, "invalidFilter"),
        ({"op": "replace", "path": CORE_USER.id, "value": {"title": "x"}}, "invalidPath"),
        ({"op": "remove", "path": "emails", "value": [{"value": "ada@acme.test"}]}, "invalidValue"),
    ],
)
def test_a_patch_that_would_be_healed_changes_nothing(strict: Idp, operation: dict[str, Any], scim_type: str) -> None:
    user = strict.create(schemas=[CORE_USER.id])
    harmless = {"op": "replace", "path": "nickName", "value": "Ada"}
    response = strict.patch(user["id"], harmless, operation)
    assert (response.status_code, read(response)["scimType"]) == (400, scim_type)
    assert read(strict.get(f"/Users/{user['id']}")) == user


@pytest.mark.clause("7643-2.3.7-1")
@pytest.mark.parametrize("text", ["Ada Lovelace.png", "https://a.test/ä", "https://a.test/%zz", "a\\b", "<a>"])
def test_a_reference_is_a_uri(strict: Idp, text: str) -> None:
    for attribute in ({"profileUrl": text}, {"photos": [{"value": text, "type": "photo"}]}):
        response = strict.send(
            "POST", "/Users", {"schemas": [CORE_USER.id], "userName": "ada@acme.example", **attribute}
        )
        assert (response.status_code, read(response)["scimType"]) == (400, "invalidValue")
        assert "takes a URI" in read(response)["detail"]
    for number, good in enumerate(
        ("https://a.test/%C3%A4?x=1#y", "../Users/1", "urn:a:b", "data:image/png;base64,AA==")
    ):
        assert strict.create(f"u{number}@acme.example", schemas=[CORE_USER.id], profileUrl=good)["profileUrl"] == good


@pytest.mark.clause("7644-3.5.2-1")
def test_a_patch_has_to_say_that_it_is_one(strict: Idp) -> None:
    user = strict.create(schemas=[CORE_USER.id])
    operations = [{"op": "replace", "path": "title", "value": "x"}]
    response = strict.send("PATCH", f"/Users/{user['id']}", {"Operations": operations})
    assert (response.status_code, read(response)["scimType"]) == (400, "invalidSyntax")
    assert "PatchOp" in read(response)["detail"]
    assert read(strict.patch(user["id"], *operations))["title"] == "x"


def test_groups_are_read_as_strictly(strict: Idp) -> None:
    response = strict.send("POST", "/Groups", {"displayName": "Engineering"})
    assert (response.status_code, read(response)["scimType"]) == (400, "invalidSyntax")
    user = strict.create(schemas=[CORE_USER.id])["id"]
    group = strict.create_group("Engineering", user, schemas=[CORE_GROUP.id])
    removal = {"op": "remove", "path": "members", "value": [{"value": user}]}
    assert strict.patch_group(group["id"], removal).status_code == 400
    assert strict.send("PUT", f"/Groups/{group['id']}", {"displayName": "Research"}).status_code == 400
    assert strict.members(group["id"]) == [user]
    assert Group.objects.get().display_name == "Engineering"


@pytest.mark.clause("7644-3.4.3-2")
@pytest.mark.parametrize("path", ["/.search", "/Users/.search", "/Groups/.search"])
def test_a_search_has_to_say_that_it_is_one(strict: Idp, path: str) -> None:
    response = strict.send("POST", path, {"filter": "id pr"})
    assert (response.status_code, read(response)["scimType"]) == (400, "invalidSyntax")
    assert SEARCH in read(response)["detail"]
    assert strict.send("POST", path, {"schemas": [SEARCH], "filter": "id pr"}).status_code == 200


def test_a_boolean_in_quotes_is_no_boolean(strict: Idp) -> None:
    strict.create(schemas=[CORE_USER.id])
    for condition, right in (
        ('active eq "true"', "active eq true"),
        ('emails[primary eq "False"] or id pr', "emails[primary eq false] or id pr"),
        ('not (active ne "TRUE")', "not (active ne true)"),
    ):
        for answer, fine in (
            (strict.get("/Users", {"filter": condition}), strict.get("/Users", {"filter": right})),
            *(
                [strict.send("POST", path, {"schemas": [SEARCH], "filter": text}) for text in (condition, right)]
                for path in ("/.search", "/Users/.search")
            ),
        ):
            assert (answer.status_code, read(answer)["scimType"]) == (400, "invalidFilter")
            assert "without quotes" in read(answer)["detail"]
            assert read(fine)["totalResults"] == 1


@pytest.mark.parametrize("condition", ['userName eq "true"', 'title eq "False"', 'name[givenName eq "true"]'])
def test_a_text_may_say_what_a_boolean_says(strict: Idp, condition: str) -> None:
    assert strict.found(condition) == []
    assert strict.log()[-1].notices == []


@pytest.mark.parametrize(
    "condition", ['active eq "maybe" or active eq "true"', 'nobody eq "true"', 'active eq "true" or']
)
def test_a_wrong_filter_is_told_as_what_it_is(strict: Idp, condition: str) -> None:
    for answer in (
        strict.get("/Users", {"filter": condition}),
        strict.send("POST", "/.search", {"schemas": [SEARCH], "filter": condition}),
    ):
        assert (answer.status_code, read(answer)["scimType"]) == (400, "invalidFilter")


def test_what_people_write_about_themselves_is_none_of_the_connections_business(strict: Idp) -> None:
    ada = User.objects.get(pk=strict.create(schemas=[CORE_USER.id])["id"])
    response = me_of(strict, ada).send("PUT", "/Me", {"userName": ["ada@acme.example"], "nickName": "Ada"})
    assert read(response)["nickName"] == "Ada"
