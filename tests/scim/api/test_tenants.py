"""Nothing of one organization exists for another's token."""

from typing import Any

import pytest

from tests.identity_provider import Idp, read

WRITES: list[tuple[str, Any]] = [
    ("GET", None),
    ("PUT", {"userName": "eve@globex.example"}),
    ("PATCH", {"Operations": [{"op": "replace", "path": "active", "value": False}]}),
    ("DELETE", None),
]


@pytest.mark.parametrize(("method", "body"), WRITES)
def test_another_organizations_user_is_as_unknown_as_no_user(idp: Idp, anonymous: Idp, method: str, body: Any) -> None:
    user = idp.create(externalId="a1")
    unknown = user["id"][:-1] + ("0" if user["id"][-1] != "0" else "1")
    here, nowhere = (anonymous.send(method, f"/Users/{user_id}", body) for user_id in (user["id"], unknown))
    assert here.status_code == nowhere.status_code == 404
    without = [read(answer)["detail"].replace(user["id"], "ID").replace(unknown, "ID") for answer in (here, nowhere)]
    assert without[0].partition("(request")[0] == without[1].partition("(request")[0]
    assert read(idp.get(f"/Users/{user['id']}")) == user


def test_lists_and_filters_show_own_people_only(idp: Idp, anonymous: Idp) -> None:
    idp.create("ada@acme.example", emails=[{"value": "ada@acme.test"}], externalId="1", title="Countess")
    bob = anonymous.create(
        "bob@globex.example", emails=[{"value": "bob@globex.test"}], externalId="1", title="Countess"
    )
    assert [user["userName"] for user in read(anonymous.get("/Users"))["Resources"]] == ["bob@globex.example"]
    for condition in (
        'externalId eq "1"',
        'title eq "countess"',
        'emails.value co "test"',
        'emails[value co "test"]',
        'userName pr or title eq "countess"',
        'not (userName eq "ada@acme.example")',
        f'id eq "{bob["id"]}" or userName sw "ada"',
    ):
        assert anonymous.found(condition) == ["bob@globex.example"], condition


@pytest.mark.clause("7643-3.1-10")
def test_the_same_person_can_be_in_two_organizations(idp: Idp, anonymous: Idp) -> None:
    for provider, name in ((idp, "acme"), (anonymous, "globex")):
        provider.create(f"ada@{name}.example", externalId="same")
    assert len(idp.users()) == len(anonymous.users()) == 1


@pytest.mark.clause("7644-2-4")
def test_a_token_opens_its_own_organizations_address_only(idp: Idp, anonymous: Idp) -> None:
    assert Idp(idp.organization, anonymous.token).get("/Users").status_code == 401


def test_a_manager_of_another_organization_does_not_resolve(idp: Idp, anonymous: Idp) -> None:
    urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
    boss = anonymous.create("boss@globex.example", displayName="The Boss")
    user = idp.create(**{urn: {"manager": {"value": boss["id"]}}})
    assert user[urn]["manager"] == {"value": boss["id"]}
