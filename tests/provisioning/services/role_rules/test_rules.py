"""Rules give a role to whom the identity provider sends none: on create, on change, by groups, and in bulk."""

import json
from typing import Any
from uuid import UUID

import pytest

from audit.models import AuditEvent
from core.actors import operator_at_the_command_line
from core.refusals import StaleVersion
from provisioning.models import Connection, IdentityProvider
from provisioning.services.connections import connections
from provisioning.services.role_rules import rules
from scim.protocol.bulk import REQUEST_SCHEMA
from tests.identity_provider import Idp, read
from tests.role_rules import make_default, role_named, role_of, save, somebody
from tests.scim.storage.test_statements import at_most
from users.models import Source, User
from users.services import accounts, roles

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

SALES_ARE_HR = ("department", "is", "Sales", "HR")


def in_department(name: str) -> dict[str, Any]:
    return {ENTERPRISE: {"department": name}}


def let_manage_admins(idp: Idp) -> None:
    Connection.objects.of(idp.organization.pk).update(manage_admins=True)


@pytest.mark.parametrize(
    ("line", "fitting", "other"),
    [
        (SALES_ARE_HR, in_department("sALES"), in_department("Salesforce")),
        (("department", "begins", "sales", "HR"), in_department("Sales EMEA"), in_department("Presales")),
        (("title", "contains", "ENGINEER", "HR"), {"title": "Lead Engineer"}, {"title": "Lead"}),
        (("userType", "is", "Straße", "HR"), {"userType": "STRASSE"}, {}),
        (("domain", "is", "@ACME.test", "HR"), {"emails": [{"value": "a@acme.test"}]}, {}),
    ],
)
def test_a_rule_that_fits_gives_its_role_and_else_there_is_the_default_one(
    idp: Idp, line: Any, fitting: dict[str, Any], other: dict[str, Any]
) -> None:
    save(idp.organization, line)
    ada, bob = idp.create("ada@acme.example", **fitting), idp.create("bob@acme.example", **other)
    assert ada["roles"] == [{"value": "HR", "primary": True}]
    assert (role_of(ada["id"]), role_of(bob["id"])) == ("HR by rule", "App management by default")


def test_the_first_rule_that_fits_wins(idp: Idp) -> None:
    save(idp.organization, ("title", "contains", "lead", "IT"), SALES_ARE_HR)
    assert role_of(idp.create("a@acme.example", title="Lead", **in_department("Sales"))["id"]) == "IT by rule"
    assert role_of(idp.create("b@acme.example", title="Clerk", **in_department("Sales"))["id"]) == "HR by rule"


def test_the_log_and_the_trail_say_which_rule_gave_the_role(idp: Idp) -> None:
    save(idp.organization, ("title", "is", "Boss", "IT"), SALES_ARE_HR)
    ada = idp.create(**in_department("Sales"))
    idp.patch(ada["id"], {"op": "replace", "value": {"title": "Boss"}})
    idp.patch(ada["id"], {"op": "replace", "value": {"title": "Clerk", f"{ENTERPRISE}:department": "Law"}})
    assert [(row.notices[-1:], row.cause) for row in idp.log()] == [
        (["The rule 'department is Sales' gave the role HR."], "role-by-rule"),
        (["The rule 'title is Boss' gave the role IT."], "role-by-rule"),
        (["No rule fits any more, which gave the default role App management."], "role-by-rule"),
    ]
    events = AuditEvent.objects.filter(target_id=ada["id"]).order_by("id")
    assert [(event.action, event.changes["reason"]) for event in events] == [
        ("user.created", [None, "rule 2: department is Sales"]),
        ("user.role-changed", [None, "rule 1: title is Boss"]),
        ("user.role-changed", [None, "no rule fits any more: the default role"]),
    ]
    assert events[1].changes["roles"] == [[{"value": "HR", "primary": True}], [{"value": "IT", "primary": True}]]


def test_a_change_that_no_longer_fits_gives_the_next_rules_role_and_then_the_default_one(idp: Idp) -> None:
    save(idp.organization, SALES_ARE_HR, ("title", "is", "Clerk", "IT"))
    ada = idp.create(title="Clerk", **in_department("Sales"))
    for value, expected in (
        ({f"{ENTERPRISE}:department": "Law"}, "IT by rule"),
        ({"title": "Boss"}, "App management by default"),
        ({f"{ENTERPRISE}:department": "Sales"}, "HR by rule"),
    ):
        answer = idp.patch(ada["id"], {"op": "replace", "value": value})
        assert role_of(ada["id"]) == expected
    assert answer.headers["ETag"] == 'W/"4"'
    assert read(answer)["roles"] == [{"value": "HR", "primary": True}]


def test_a_put_is_judged_as_well(idp: Idp) -> None:
    save(idp.organization, SALES_ARE_HR)
    ada = idp.create()
    body = {"userName": "ada@acme.example", **in_department("Sales")}
    assert idp.send("PUT", f"/Users/{ada['id']}", body).status_code == 200
    assert role_of(ada["id"]) == "HR by rule"


def test_a_role_that_the_identity_provider_sends_wins_and_stays(idp: Idp) -> None:
    save(idp.organization, SALES_ARE_HR)
    ada = idp.create(roles=[{"value": "IT"}], **in_department("Sales"))
    assert role_of(ada["id"]) == "IT by provider"
    idp.patch(ada["id"], {"op": "replace", "value": {f"{ENTERPRISE}:department": "Law"}})
    idp.patch(ada["id"], {"op": "replace", "value": {f"{ENTERPRISE}:department": "Sales"}})
    assert role_of(ada["id"]) == "IT by provider"


def test_roles_of_which_none_is_known_leave_the_say_to_the_rules(idp: Idp) -> None:
    save(idp.organization, SALES_ARE_HR)
    ada = idp.create(roles=[{"value": "Employee"}], **in_department("Sales"))
    assert role_of(ada["id"]) == "HR by rule"


def test_a_role_given_on_a_page_stays(idp: Idp) -> None:
    save(idp.organization, SALES_ARE_HR)
    ada = idp.create(**in_department("Sales"))
    accounts.change_role(UUID(ada["id"]), role_named(idp.organization, "Finance"), by=somebody(idp.organization))
    idp.patch(ada["id"], {"op": "replace", "value": {f"{ENTERPRISE}:department": "Law"}})
    save(idp.organization, ("department", "is", "Law", "IT"))
    assert role_of(ada["id"]) == "Finance by hand"


def test_who_was_taken_over_keeps_the_role_that_a_page_gave(idp: Idp) -> None:
    save(idp.organization, SALES_ARE_HR)
    by, role = somebody(idp.organization), role_named(idp.organization, "IT")
    ada = accounts.create(accounts.NewUser({"userName": "ada@acme.example"}, role, Source.MANUAL), by=by)
    body = {"userName": "ada@acme.example", "externalId": "a1", **in_department("Sales")}
    assert idp.send("PUT", f"/Users/{ada.pk}", body).status_code == 200
    assert role_of(ada.pk) == "IT by hand"


def test_who_had_the_default_role_when_it_was_another_keeps_it_while_no_rule_fits(idp: Idp) -> None:
    save(idp.organization, SALES_ARE_HR)
    ada = idp.create()
    make_default(idp.organization, "Read-only")
    idp.patch(ada["id"], {"op": "replace", "value": {"title": "Boss"}})
    assert role_of(ada["id"]) == "App management by default"


# Admins


def test_no_rule_gives_admin_unless_the_switch_allows_it(idp: Idp) -> None:
    save(idp.organization, ("title", "is", "Boss", "Admin"), SALES_ARE_HR)
    ada = idp.create("ada@acme.example", title="Boss", **in_department("Sales"))
    assert role_of(ada["id"]) == "HR by rule"
    let_manage_admins(idp)
    bob = idp.create("bob@acme.example", title="Boss", **in_department("Sales"))
    assert role_of(bob["id"]) == "Admin by rule"


def test_without_the_switch_no_rule_takes_admin_away(idp: Idp) -> None:
    let_manage_admins(idp)
    save(idp.organization, ("title", "is", "Boss", "Admin"))
    people = [idp.create(f"{name}@acme.example", title="Boss")["id"] for name in ("ada", "bob")]
    Connection.objects.of(idp.organization.pk).update(manage_admins=False)
    idp.patch(people[0], {"op": "replace", "value": {"title": "Clerk"}})
    save(idp.organization, SALES_ARE_HR)
    assert [role_of(each) for each in people] == ["Admin by rule"] * 2


def test_admin_is_given_only_to_the_people_of_a_connection_that_may(idp: Idp) -> None:
    other = connections.add("Okta", IdentityProvider.OKTA, by=somebody(idp.organization))
    theirs, ours = (idp.create(f"{name}@acme.example", title="Boss")["id"] for name in ("ada", "bob"))
    User.objects.filter(pk=theirs).update(managed_by=other.pk)
    connections.set_manage_admins(other, True, by=operator_at_the_command_line(idp.organization.pk))
    save(idp.organization, ("title", "is", "Boss", "Admin"))
    assert (role_of(theirs), role_of(ours)) == ("Admin by rule", "App management by default")


def test_a_group_makes_no_admins_when_a_connection_changes_it_that_may_not(idp: Idp) -> None:
    other = connections.add("Okta", IdentityProvider.OKTA, by=somebody(idp.organization))
    connections.set_manage_admins(other, True, by=operator_at_the_command_line(idp.organization.pk))
    theirs = idp.create("ada@acme.example")["id"]
    User.objects.filter(pk=theirs).update(managed_by=other.pk)
    save(idp.organization, ("group", "is", "Bosses", "Admin"))
    group = idp.create_group("Bosses", theirs)
    assert role_of(theirs) == "App management by default"
    # By the connection that may, it does, and the other one takes nothing away.
    Connection.objects.of(idp.organization.pk).update(manage_admins=True)
    idp.patch_group(group["id"], {"op": "remove", "path": "members"})
    idp.patch_group(group["id"], {"op": "add", "path": "members", "value": [{"value": theirs}]})
    assert role_of(theirs) == "Admin by rule"
    Connection.objects.of(idp.organization.pk).exclude(pk=other.pk).update(manage_admins=False)
    idp.patch_group(group["id"], {"op": "remove", "path": "members"})
    assert role_of(theirs) == "Admin by rule"


def test_the_default_role_admin_is_no_role_to_fall_back_to(idp: Idp) -> None:
    let_manage_admins(idp)
    save(idp.organization, SALES_ARE_HR)
    people = [idp.create(f"{name}@acme.example", **in_department("Sales"))["id"] for name in ("ada", "bob")]
    make_default(idp.organization, "Admin")
    idp.patch(people[0], {"op": "replace", "value": {f"{ENTERPRISE}:department": "Law"}})
    save(idp.organization)
    assert [role_of(each) for each in people] == ["App management by default"] * 2


def test_the_last_active_admin_stays_one_and_the_change_goes_through(idp: Idp) -> None:
    let_manage_admins(idp)
    save(idp.organization, ("title", "is", "Boss", "Admin"))
    ada = idp.create(title="Boss")
    answer = idp.patch(ada["id"], {"op": "replace", "value": {"title": "Clerk"}})
    assert read(answer)["title"] == "Clerk"
    assert role_of(ada["id"]) == "Admin by rule"
    assert "stays Admin" in idp.log()[-1].notices[0]


def test_the_last_active_admin_stays_one_when_rules_are_applied_to_all(idp: Idp) -> None:
    let_manage_admins(idp)
    save(idp.organization, ("title", "is", "Boss", "Admin"))
    people = [idp.create(f"{name}@acme.example", title="Boss")["id"] for name in ("ada", "bob")]
    whole = save(idp.organization)
    assert sorted(map(role_of, people)) == ["Admin by rule", "App management by default"]
    assert not whole.is_applying


# Groups


def test_who_comes_into_a_group_gets_its_role_and_who_leaves_loses_it(idp: Idp) -> None:
    save(idp.organization, ("group", "is", "engineering", "IT"))
    ada, bob = idp.create("ada@acme.example")["id"], idp.create("bob@acme.example")["id"]
    group = idp.create_group("Engineering", ada)["id"]
    assert (role_of(ada), role_of(bob)) == ("IT by rule", "App management by default")
    idp.patch_group(group, {"op": "add", "path": "members", "value": [{"value": bob}]})
    idp.patch_group(group, {"op": "remove", "path": f'members[value eq "{ada}"]'})
    assert (role_of(ada), role_of(bob)) == ("App management by default", "IT by rule")
    assert [row.notices[-1:] for row in idp.log()][2:] == [
        ["The rule 'group is engineering' gave the role IT."],
        ["The rule 'group is engineering' gave the role IT."],
        ["No rule fits any more, which gave the default role App management."],
    ]
    assert idp.get(f"/Users/{ada}").headers["ETag"] == 'W/"3"'


def test_a_group_within_a_group_counts(idp: Idp) -> None:
    save(idp.organization, ("group", "is", "Everybody", "IT"))
    people = [idp.create(f"{name}@acme.example")["id"] for name in ("ada", "bob")]
    inner = idp.create_group("Engineering", *people)["id"]
    outer = idp.create_group("Everybody", inner)["id"]
    assert [role_of(each) for each in people] == ["IT by rule"] * 2
    assert idp.log()[-1].notices[-1:] == ["The rule 'group is Everybody' gave the role IT to 2 people."]
    idp.patch(people[0], {"op": "replace", "value": {"title": "Boss"}})
    assert role_of(people[0]) == "IT by rule"
    idp.patch_group(outer, {"op": "replace", "path": "members", "value": []})
    assert [role_of(each) for each in people] == ["App management by default"] * 2


def test_who_is_in_two_parts_of_a_large_group_is_changed_once(idp: Idp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "LOOKED_AT_TOGETHER", 1)
    save(idp.organization, ("group", "is", "Everybody", "IT"))
    ada = idp.create()["id"]
    idp.create_group("Everybody", ada, idp.create_group("Engineering", ada)["id"])
    assert role_of(ada) == "IT by rule"
    assert AuditEvent.objects.filter(target_id=ada, action="user.role-changed").count() == 1


def test_renaming_and_deleting_a_group_count_too(idp: Idp) -> None:
    save(idp.organization, ("group", "begins", "Eng", "IT"))
    ada = idp.create()["id"]
    group = idp.create_group("Sales", idp.create_group("Within", ada)["id"])["id"]
    assert role_of(ada) == "App management by default"
    idp.patch_group(group, {"op": "replace", "value": {"displayName": "Engineering"}})
    assert role_of(ada) == "IT by rule"
    idp.send("DELETE", f"/Groups/{group}")
    assert role_of(ada) == "App management by default"
    assert idp.log()[-1].notices[-1:] == ["No rule fits any more, which gave the default role App management."]


def test_a_change_of_a_group_that_is_refused_changes_no_role(idp: Idp) -> None:
    save(idp.organization, ("group", "is", "Engineering", "IT"))
    ada = idp.create()["id"]
    group = idp.create_group("Engineering")["id"]
    anonymous_rows = [{"value": ada}, {"value": "01899a3c-0000-7000-8000-000000000000"}]
    answer = idp.patch_group(group, {"op": "add", "path": "members", "value": anonymous_rows})
    assert answer.status_code == 400
    assert role_of(ada) == "App management by default"


def test_a_group_leaves_those_alone_whose_role_came_otherwise(idp: Idp) -> None:
    save(idp.organization, ("group", "is", "Engineering", "IT"))
    ada = idp.create(roles=[{"value": "HR"}])["id"]
    idp.create_group("Engineering", ada)
    assert role_of(ada) == "HR by provider"


def test_bulk_makes_users_and_groups_by_the_same_rules(idp: Idp) -> None:
    save(idp.organization, ("group", "is", "Engineering", "IT"), SALES_ARE_HR)
    users = [
        {"method": "POST", "path": "/Users", "bulkId": name, "data": {"userName": f"{name}@acme.example", **more}}
        for name, more in (("ada", {}), ("bob", in_department("Sales")), ("cy", {"roles": [{"value": "Finance"}]}))
    ]
    members = [{"value": f"bulkId:{name}"} for name in ("ada", "cy")]
    group = {
        "method": "POST",
        "path": "/Groups",
        "bulkId": "g",
        "data": {"displayName": "Engineering", "members": members},
    }
    answer = idp.send("POST", "/Bulk", {"schemas": [REQUEST_SCHEMA], "Operations": [*users, group]})
    assert [each["status"] for each in json.loads(answer.content)["Operations"]] == ["201"] * 4
    found = {user.user_name: role_of(user.pk) for user in idp.users()}
    assert found == {
        "ada@acme.example": "IT by rule",
        "bob@acme.example": "HR by rule",
        "cy@acme.example": "Finance by provider",
    }


# Saving and applying


def test_saved_rules_are_applied_to_those_who_are_there_and_each_has_an_event(idp: Idp) -> None:
    ada, bob = idp.create("ada@acme.example", **in_department("Sales")), idp.create("bob@acme.example")
    whole = save(idp.organization, SALES_ARE_HR)
    assert (whole.expected, whole.changed, whole.is_applying) == (1, 1, False)
    assert (role_of(ada["id"]), role_of(bob["id"])) == ("HR by rule", "App management by default")
    event = AuditEvent.objects.filter(target_id=ada["id"]).latest("id")
    assert (event.action, event.actor_label) == ("user.role-changed", "Ada Moreau")
    assert event.changes["reason"] == [None, "rule 1: department is Sales"]
    assert idp.found('roles.value eq "hr"') == ["ada@acme.example"]
    saved = AuditEvent.objects.get(action="scim.role-rules-saved")
    assert saved.changes == {"rules": [[], ["department is Sales: HR"]]}


def test_people_of_another_organization_and_those_made_by_hand_stay_as_they_are(idp: Idp, anonymous: Idp) -> None:
    theirs = anonymous.create("ada@globex.example", **in_department("Sales"))
    by = somebody(idp.organization)
    role = role_named(idp.organization, "IT")
    own = accounts.create(
        accounts.NewUser({"userName": "a@acme.example", **in_department("Sales")}, role, Source.MANUAL), by=by
    )
    save(idp.organization, SALES_ARE_HR)
    assert (role_of(theirs["id"]), role_of(own.pk)) == ("App management by default", "IT by hand")


def test_applying_goes_on_where_it_stopped(idp: Idp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "LOCKED_TOGETHER", 2)
    for number in range(5):
        idp.create(f"p{number}@acme.example", **in_department("Sales"))
    by, hr = somebody(idp.organization), role_named(idp.organization, "HR")
    wanted = [rules.RuleInput("department", "is", "Sales", str(hr.pk))]
    states = [rules.save(wanted, expected_version=0, by=by)]
    while states[-1].is_applying:
        states.append(rules.apply_some(by=by))
    assert [each.changed for each in states] == [0, 2, 4, 5]
    assert User.objects.of(idp.organization.pk).filter(role=hr).count() == 5


def test_who_saves_second_is_told_and_changes_nothing(idp: Idp) -> None:
    save(idp.organization, SALES_ARE_HR)
    with pytest.raises(StaleVersion):
        rules.save([], expected_version=0, by=somebody(idp.organization))
    assert [str(rule) for rule in rules.in_force(idp.organization.pk)] == ["department is Sales"]


def test_a_role_that_a_rule_gives_goes_only_with_an_heir_who_gets_the_rule_too(idp: Idp) -> None:
    by = somebody(idp.organization)
    own = roles.create("Sales desk", {}, by=by)
    save(idp.organization, ("department", "is", "Sales", "Sales desk"))
    with pytest.raises(roles.RoleInUse):
        roles.delete(own.pk, expected_version=1, by=by)
    ada = idp.create(**in_department("Sales"))
    roles.delete(own.pk, replacement_id=role_named(idp.organization, "IT").pk, expected_version=1, by=by)
    assert role_of(ada["id"]) == "IT by rule"
    assert role_of(idp.create("bob@acme.example", **in_department("Sales"))["id"]) == "IT by rule"


# What it costs


def test_without_rules_nothing_costs_more_and_with_rules_one_statement_or_two(idp: Idp) -> None:
    with at_most(6):
        idp.create("a@acme.example", title="Countess")
    save(idp.organization, ("group", "is", "Engineering", "IT"), SALES_ARE_HR)
    with at_most(7):
        ada = idp.create("b@acme.example", **in_department("Sales"))["id"]
    with at_most(6):
        idp.patch(ada, {"op": "replace", "value": {"name": {"familyName": "King"}}})
    with at_most(7):
        idp.patch(ada, {"op": "replace", "value": {"title": "Countess"}})
    group = idp.create_group("Sales", ada)["id"]
    with at_most(9):
        idp.patch(ada, {"op": "replace", "value": {"title": "Clerk"}})
    bob = idp.create("c@acme.example", roles=[{"value": "HR"}])["id"]
    with at_most(9):
        idp.patch_group(group, {"op": "add", "path": "members", "value": [{"value": bob}]})


@pytest.mark.parametrize("size", [2, 40])
def test_a_group_costs_as_many_statements_for_many_whose_role_changes_as_for_two(idp: Idp, size: int) -> None:
    save(idp.organization, ("group", "is", "Everybody", "IT"))
    people = [str(user.pk) for user in idp.add_people(size)]
    User.objects.filter(pk__in=people).update(role_given_by="default")
    body = {"displayName": "Everybody", "members": [{"value": each} for each in people]}
    with at_most(14):
        assert idp.send("POST", "/Groups", body).status_code == 201
    assert {role_of(each) for each in people} == {"IT by rule"}
