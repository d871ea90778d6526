"""Role rules on the page: nothing is saved before who would change was shown, and what is typed is never lost."""

from typing import Any

import pytest
from django.test import Client

from provisioning.models import Connection, RoleRuleSet
from provisioning.services.role_rules import rules as role_rules_rules
from provisioning.views import role_rules
from tests.provisioning.services.role_rules.test_rules import SALES_ARE_HR, in_department
from tests.role_rules import Line, role_named, role_of, save
from tests.signed_in import SignedIn, htmx
from tests.tenants import Tenant
from users.models import GivenBy, User
from users.permissions import BuiltIn

EDITOR = "/settings/users/scim/role-rules/"
CHANGE = f"{EDITOR}change/"
APPLY = f"{EDITOR}apply/"
SECTION = "/settings/users/"


@pytest.fixture
def admin(acme: Tenant, signed_in: SignedIn) -> Client:
    return signed_in(acme)


def press(client: Client, acme: Tenant, do: str, *lines: Line, expected_version: int = 0, **more: Any) -> Any:
    columns = list(zip(*lines, strict=True)) or [(), (), (), ()]
    names = ("attribute", "operator", "value")
    form = dict(zip(names, map(list, columns), strict=False))
    form["role"] = [str(role_named(acme.organization, name).pk) for name in columns[3]]
    return client.post(CHANGE, {"do": do, "expected_version": str(expected_version), **form, **more})


def text_of(response: Any) -> str:
    return " ".join(response.content.decode().split())


def provisioned(acme: Tenant, login: str, given_by: GivenBy = GivenBy.DEFAULT, **profile: Any) -> User:
    return acme.add(login, given_by=given_by, managed_by=acme.connection.pk, profile=profile)


def rules(acme: Tenant) -> list[str]:
    return [f"{rule}: {rule.role}" for rule in role_rules_rules.in_force(acme.id)]


def test_without_rules_the_page_says_what_they_are_for(admin: Client) -> None:
    page = text_of(admin.get(SECTION))
    assert "No rules yet" in page
    assert "gets the default role, App management" in page
    assert EDITOR in page


def test_the_preview_says_who_would_change_and_changes_nothing(acme: Tenant, admin: Client) -> None:
    ann = provisioned(acme, "ann", title="Boss")
    provisioned(acme, "bob")
    provisioned(acme, "cy", GivenBy.MANUAL, title="Boss")
    page = text_of(press(admin, acme, "preview", ("title", "is", "Boss", "HR")))
    assert "1 person changes" in page
    assert "Looked at: 3 people whom your identity provider manages." in page
    assert "1 has a role that was given by hand, which stays." in page
    assert "ann@acme.example" in page
    assert "bob@acme.example" not in page
    assert "rule 1: title is Boss" in page
    assert (rules(acme), role_of(ann.pk)) == ([], "App management by default")


def test_saving_applies_the_rules_and_says_how_many_changed(acme: Tenant, admin: Client) -> None:
    ann = provisioned(acme, "ann", title="Boss")
    answer = press(admin, acme, "save", ("title", "is", "Boss", "HR"), SALES_ARE_HR)
    assert answer.headers["Location"] == f"{SECTION}#role-rules"
    page = text_of(admin.get(SECTION))
    assert "Saved. 1 person has another role now." in page
    assert "title is <b>Boss</b>" in page
    assert (role_of(ann.pk), rules(acme)) == ("HR by rule", ["title is Boss: HR", "department is Sales: HR"])
    assert "A role rule" in text_of(admin.get(f"/settings/users/{ann.pk}/"))


def test_pressing_twice_does_nothing_twice(acme: Tenant, admin: Client) -> None:
    ann = provisioned(acme, "ann", title="Boss")
    press(admin, acme, "save", ("title", "is", "Boss", "HR"))
    again = press(admin, acme, "save", ("title", "is", "Boss", "HR"))
    assert "Somebody else has saved the role rules meanwhile" in text_of(again)
    assert User.objects.get(pk=ann.pk).version == 2


@pytest.mark.parametrize(
    ("do", "expected"),
    [
        ("up.2", ["b", "a", "c"]),
        ("down.2", ["a", "c", "b"]),
        ("delete.1", ["b", "c"]),
        ("add", ["a", "b", "c", ""]),
        ("edit", ["a", "b", "c"]),
    ],
)
def test_rules_are_moved_added_and_deleted_on_the_page_only(
    acme: Tenant, admin: Client, do: str, expected: list[str]
) -> None:
    lines: list[Line] = [("title", "contains", value, "HR") for value in "abc"]
    answer = press(admin, acme, do, *lines)
    assert [row.value for row in answer.context["rows"]] == expected
    assert rules(acme) == []


@pytest.mark.parametrize("do", ["", "up.1", "up.4", "down.3", "down.0", "delete.9", "delete.x", "add.1", "fly"])
def test_a_button_that_the_page_does_not_have_is_refused(acme: Tenant, admin: Client, do: str) -> None:
    lines: list[Line] = [("title", "is", value, "HR") for value in "abc"]
    assert press(admin, acme, do, *lines).status_code == 302
    assert "can&#x27;t be read" in text_of(admin.get(SECTION))


def test_a_form_with_half_a_rule_is_refused(acme: Tenant, admin: Client) -> None:
    assert admin.post(CHANGE, {"do": "save", "expected_version": "0", "value": ["a"]}).status_code == 302
    assert rules(acme) == []


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        (("title", "is", " ", "HR"), "Rule 2: write what the title has to be."),
        (("title", "is", "a\x00b", "HR"), "Rule 2: write the value without control characters."),
        (("title", "is", "ß" * 201, "HR"), "Rule 2: the value has more than 256 characters."),
        (("domain", "contains", "acme", "HR"), "Rule 2: an e-mail domain can only be compared as a whole"),
        (("colour", "is", "red", "HR"), "Rule 2: choose what it looks at."),
        (("title", "resembles", "red", "HR"), "Rule 2: choose what it looks at."),
    ],
)
@pytest.mark.parametrize("do", ["preview", "save"])
def test_what_is_wrong_is_said_and_what_was_typed_stays(
    acme: Tenant, admin: Client, line: Line, wrong: str, do: str
) -> None:
    page = press(admin, acme, do, SALES_ARE_HR, line)
    assert wrong.replace("'", "&#x27;") in text_of(page)
    assert [row.value for row in page.context["rows"]] == ["Sales", line[2]]
    assert rules(acme) == []


def test_a_role_of_another_organization_is_none(acme: Tenant, globex: Tenant, admin: Client) -> None:
    page = admin.post(
        CHANGE,
        {
            "do": "save",
            "expected_version": "0",
            "attribute": "title",
            "operator": "is",
            "value": "a",
            "role": globex.role("hr").pk,
        },
    )
    assert "Rule 1: choose a role." in text_of(page)
    assert rules(acme) == []


def test_whoever_saves_second_sees_the_others_rules_and_keeps_what_was_typed(acme: Tenant, admin: Client) -> None:
    save(acme.organization, ("title", "is", "Clerk", "IT"))
    page = press(admin, acme, "save", SALES_ARE_HR, expected_version=0)
    assert "Somebody else has saved the role rules meanwhile" in text_of(page)
    assert "1. title is Clerk: IT" in text_of(page)
    assert [row.value for row in page.context["rows"]] == ["Sales"]
    assert rules(acme) == ["title is Clerk: IT"]
    press(admin, acme, "save", SALES_ARE_HR, expected_version=page.context["expected_version"])
    assert rules(acme) == ["department is Sales: HR"]


def test_people_are_paged(acme: Tenant, admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(role_rules, "PER_PAGE", 2)
    for number in range(5):
        provisioned(acme, f"p{number}", title="Boss")
    expected_version = [
        [line.user.user_name for line in press(admin, acme, do, ("title", "is", "Boss", "HR")).context["people"]]
        for do in ("preview", "preview.2", "preview.3", "preview.99")
    ]
    assert [len(some) for some in expected_version] == [2, 2, 1, 1]
    assert sorted({name for some in expected_version for name in some}) == [
        f"p{number}@acme.example" for number in range(5)
    ]


def test_what_takes_long_goes_on_with_the_next_request(
    acme: Tenant, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(role_rules, "APPLIES_FOR", 0)
    monkeypatch.setattr(role_rules_rules, "LOCKED_TOGETHER", 2)
    people = [provisioned(acme, f"p{number}", title="Boss") for number in range(5)]
    press(admin, acme, "save", ("title", "is", "Boss", "HR"))
    page = text_of(admin.get(SECTION))
    assert "Saved. 2 of about 5 people have their new role." in page
    assert '<progress id="rules-progress" value="2" max="5">' in page
    assert "4 of about 5" in text_of(admin.post(APPLY, **htmx("role-rules")))
    assert "Done. 5 people have another role now." in text_of(admin.post(APPLY, **htmx("role-rules")))
    assert [role_of(each.pk) for each in people] == ["HR by rule"] * 5
    assert not RoleRuleSet.objects.get().is_applying


# Authority


@pytest.fixture
def managed_by(acme: Tenant, signed_in: SignedIn) -> Client:
    """Somebody who may set up sign-in, and nothing else."""
    return signed_in(acme, "sign-in.edit")


def test_nobody_makes_a_rule_for_a_role_that_may_do_more_than_their_own(acme: Tenant, managed_by: Client) -> None:
    for do in ("preview", "save"):
        page = text_of(press(managed_by, acme, do, ("title", "is", "Boss", "Admin")))
        assert "The role Admin may do more than yours." in page
        assert 'value="Boss"' in page
    assert rules(acme) == []


def test_nobody_changes_rules_that_give_such_a_role(acme: Tenant, managed_by: Client) -> None:
    save(acme.organization, ("title", "is", "Boss", "Admin"))
    assert "only an Admin can change them" in text_of(managed_by.get(SECTION))
    assert managed_by.get(EDITOR).status_code == 302
    press(managed_by, acme, "save", ("title", "is", "Boss", "sign-in.edit"), expected_version=1)
    assert rules(acme) == ["title is Boss: Admin"]


def test_nobody_takes_away_such_a_role_by_a_rule(acme: Tenant, managed_by: Client) -> None:
    ann = acme.add("ann", "users.edit", given_by=GivenBy.DEFAULT, profile={"title": "Boss"})
    page = press(managed_by, acme, "save", ("title", "is", "Boss", "sign-in.edit"))
    assert "1 person would lose the role users.edit" in text_of(page)
    assert (role_of(ann.pk), rules(acme)) == ("users.edit by default", [])


def test_the_preview_warns_of_admins_and_of_rules_without_effect(acme: Tenant, admin: Client) -> None:
    provisioned(acme, "ann", title="Boss")
    line = ("title", "is", "Boss", "Admin")
    page = text_of(press(admin, acme, "preview", line))
    assert "Nobody changes" in page
    assert "Rule 1 gives Admin, which has <strong>no effect</strong>" in page
    Connection.objects.of(acme.id).update(manage_admins=True)
    assert "<strong>1 person becomes Admin</strong>" in text_of(press(admin, acme, "preview", line))


def test_who_may_only_look_sees_the_rules_and_no_way_to_change_them(acme: Tenant, signed_in: SignedIn) -> None:
    save(acme.organization, SALES_ARE_HR)
    page = text_of(signed_in(acme, BuiltIn.READ_ONLY).get(SECTION))
    assert "department is <b>Sales</b>" in page
    assert EDITOR not in page


def test_a_list_of_people_costs_the_same_number_of_queries_whatever_its_length(
    acme: Tenant, admin: Client, django_assert_max_num_queries: Any
) -> None:
    for number in range(12):
        provisioned(acme, f"p{number}", **in_department("Sales"))
    with django_assert_max_num_queries(25):
        assert len(press(admin, acme, "preview", SALES_ARE_HR).context["people"]) == 12


# One person


def test_a_person_whose_role_was_given_by_hand_is_left_to_the_rules_in_one_click(acme: Tenant, admin: Client) -> None:
    save(acme.organization, ("title", "is", "Boss", "HR"))
    ann = provisioned(acme, "ann", GivenBy.MANUAL, title="Boss")
    address = f"/settings/users/{ann.pk}/"
    page = text_of(admin.get(address))
    assert "No role rule changes the role of this person, since somebody gave it by hand." in page
    assert "title is Boss, the role would be <strong>HR</strong>" in page
    assert "The role becomes HR in place of App management" in page
    answer = admin.post(f"/settings/users/scim/people/{ann.pk}/role-rules/")
    assert answer.headers["Location"] == f"{address}#access"
    page = text_of(admin.get(address))
    assert "The role rules decide about ann@acme.example from now on. The role is HR." in page
    assert "No role rule changes the role of this person" not in page
    assert role_of(ann.pk) == "HR by rule"


def test_without_rules_a_persons_page_does_not_speak_of_them(acme: Tenant, admin: Client) -> None:
    ann = provisioned(acme, "ann", GivenBy.MANUAL)
    assert "No role rule changes" not in text_of(admin.get(f"/settings/users/{ann.pk}/"))
    admin.post(f"/settings/users/scim/people/{ann.pk}/role-rules/")
    assert "There are no role rules. Make them first" in text_of(admin.get(f"/settings/users/{ann.pk}/"))


def test_whoever_may_only_look_sees_what_the_rules_say_and_no_button(acme: Tenant, signed_in: SignedIn) -> None:
    save(acme.organization, SALES_ARE_HR)
    ann = provisioned(acme, "ann", GivenBy.PROVIDER)
    page = text_of(signed_in(acme, BuiltIn.READ_ONLY).get(f"/settings/users/{ann.pk}/"))
    assert "since your identity provider sent it" in page
    assert "fits, so the role would be the default one, <strong>App management</strong>" in page
    assert "Let the role rules decide" not in page


def test_an_admin_whom_the_rules_may_not_touch_has_no_button_and_the_page_says_why(acme: Tenant, admin: Client) -> None:
    save(acme.organization, SALES_ARE_HR)
    ann = acme.add("ann", BuiltIn.ADMIN, given_by=GivenBy.MANUAL, managed_by=acme.connection.pk)
    page = text_of(admin.get(f"/settings/users/{ann.pk}/"))
    assert "take the Admin role away while" in page
    assert "Let the role rules decide" not in page
