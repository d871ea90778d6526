"""A role of many people has a new name, and of two of them one profile says so already and the other not yet."""

from dataclasses import dataclass
from typing import Any

import pytest

from core.actors import Actor, Channel
from tests.identity_provider import Idp, read
from tests.role_rules import role_of
from users.models import Role
from users.services import role_reassignment, roles

DESK = [{"value": "Desk", "type": "job", "primary": True}]
FRONT_DESK = [{"value": "Front desk", "type": "job", "primary": True}]

FORMER, NEW = "bob@acme.example", "ada@acme.example"
BOTH = pytest.mark.parametrize("name", [FORMER, NEW])


@dataclass(frozen=True, slots=True)
class Renaming:
    """The role, and the two of its people as they are answered, by their userNames."""

    role: Role
    people: dict[str, dict[str, Any]]
    by: Actor

    def end(self) -> None:
        """Let everybody's profile say the new name."""
        while roles.rename_some(self.role.pk, by=self.by)[0].former_name:
            pass


@pytest.fixture
def renaming(idp: Idp, monkeypatch: pytest.MonkeyPatch) -> Renaming:
    monkeypatch.setattr(role_reassignment, "TOGETHER", 1)
    by = Actor(idp.organization.pk, "Ada", Channel.PAGE)
    role = roles.create("Desk", {}, by=by)
    ids = [idp.create(name, roles=DESK)["id"] for name in (NEW, FORMER)]
    role = roles.update(role.pk, "Front desk", {}, expected_version=1, by=by)
    roles.rename_some(role.pk, by=by)
    people = [read(idp.get(f"/Users/{user_id}")) for user_id in ids]
    assert [person["roles"] for person in people] == [FRONT_DESK, DESK]
    return Renaming(role, {person["userName"]: person for person in people}, by)


@BOTH
def test_what_is_sent_back_as_it_was_read_changes_nothing(name: str, renaming: Renaming, idp: Idp) -> None:
    person = renaming.people[name]
    same = [{"op": "replace", "path": "roles", "value": person["roles"]}, {"op": "replace", "value": {"active": True}}]
    for answer in (idp.send("PUT", f"/Users/{person['id']}", person), idp.patch(person["id"], *same)):
        assert read(answer) == person
    assert role_of(person["id"]) == "Front desk by provider"
    assert [row.notices for row in idp.log()[-2:]] == [[], []]


@BOTH
def test_a_change_of_something_else_leaves_the_entries(name: str, renaming: Renaming, idp: Idp) -> None:
    person = renaming.people[name]
    changed = read(idp.patch(person["id"], {"op": "replace", "path": "title", "value": "Boss"}))
    replaced = read(idp.send("PUT", f"/Users/{person['id']}", {"userName": name, "title": "Chief"}))
    assert changed["roles"] == replaced["roles"] == person["roles"]
    assert role_of(person["id"]) == "Front desk by provider"
    renaming.end()
    assert read(idp.get(f"/Users/{person['id']}"))["roles"] == FRONT_DESK


@BOTH
@pytest.mark.parametrize("sent", [DESK, FRONT_DESK, [{"value": "desk"}], [{"value": "front desk"}]])
def test_either_name_that_is_sent_leaves_the_role(
    sent: list[dict[str, Any]], name: str, renaming: Renaming, idp: Idp
) -> None:
    person = renaming.people[name]
    answered = read(idp.patch(person["id"], {"op": "replace", "path": "roles", "value": sent}))
    assert role_of(person["id"]) == "Front desk by provider"
    is_as_before = sent == person["roles"] == DESK
    assert answered["roles"][0]["value"].casefold() == ("desk" if is_as_before else "front desk")
    renaming.end()
    assert read(idp.get(f"/Users/{person['id']}"))["roles"][0]["value"].casefold() == "front desk"


@BOTH
def test_an_entry_that_comes_beside_the_former_name_does_not_take_the_role(
    name: str, renaming: Renaming, idp: Idp
) -> None:
    person = renaming.people[name]
    changed = read(idp.patch(person["id"], {"op": "add", "path": "roles", "value": [{"value": "HR"}]}))
    assert changed["roles"] == [*FRONT_DESK, {"value": "HR"}]
    assert role_of(person["id"]) == "Front desk by provider"
    assert idp.log()[-1].notices == []


@BOTH
def test_another_role_is_given_as_always(name: str, renaming: Renaming, idp: Idp) -> None:
    person = renaming.people[name]
    changed = read(idp.patch(person["id"], {"op": "replace", "path": "roles", "value": [{"value": "HR"}]}))
    assert (changed["roles"], role_of(person["id"])) == ([{"value": "HR"}], "HR by provider")
    renaming.end()
    assert read(idp.get(f"/Users/{person['id']}")) == changed


@BOTH
def test_no_entries_show_no_role_and_leave_it(name: str, renaming: Renaming, idp: Idp) -> None:
    person = renaming.people[name]
    assert "roles" not in read(idp.patch(person["id"], {"op": "remove", "path": "roles"}))
    renaming.end()
    assert "roles" not in read(idp.get(f"/Users/{person['id']}"))
    assert role_of(person["id"]) == "Front desk by provider"


def test_a_filter_finds_the_name_that_a_profile_says(renaming: Renaming, idp: Idp) -> None:
    assert [idp.found(f'roles.value eq "{name}"') for name in ("Desk", "Front desk")] == [[FORMER], [NEW]]
    renaming.end()
    assert idp.found('roles.value eq "Front desk"') == [NEW, FORMER]


@pytest.mark.usefixtures("renaming")
def test_a_newcomer_gets_the_role_by_its_new_name_only(idp: Idp) -> None:
    assert idp.create("cy@acme.example", roles=[{"value": "Front desk"}])["roles"] == [{"value": "Front desk"}]
    assert role_of(idp.create("di@acme.example", roles=DESK)["id"]) == "App management by default"
    assert idp.log()[-1].notices[-1] == "There is no role 'Desk'; the entry was left out."
