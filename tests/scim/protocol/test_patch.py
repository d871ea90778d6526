"""PATCH does what RFC 7644 section 3.5.2 says, operation by operation."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim.protocol import errors
from scim.protocol.attributes import Attribute, Mutability, ResourceType, Schema, Type
from scim.protocol.patch import apply
from scim.protocol.patch_request import read_patch
from scim.protocol.reading import STRICT
from scim.protocol.schemas import USER
from scim.protocol.validation import read_resource
from tests.scim.protocol.samples import BARBARA, CORE, ENTERPRISE, patch_body, patched, person

WORK = {"value": "pat@example.com", "type": "work", "primary": True}
HOME = {"value": "pat@home.example", "type": "home"}

# RFC 7644 shows membership of groups in most of its examples.
GROUP = ResourceType(
    "Group",
    "Groups",
    "/Groups",
    Schema(
        "urn:ietf:params:scim:schemas:core:2.0:Group",
        "Group",
        "A group.",
        (
            Attribute("displayName", required=True),
            Attribute(
                "members",
                type=Type.COMPLEX,
                multi_valued=True,
                sub_attributes=(
                    Attribute("value", case_exact=True, mutability=Mutability.IMMUTABLE),
                    Attribute("$ref", type=Type.REFERENCE, mutability=Mutability.IMMUTABLE),
                    Attribute("type", mutability=Mutability.IMMUTABLE),
                    Attribute("display"),
                ),
            ),
            Attribute("labels", multi_valued=True),
        ),
    ),
)
BABS = {"value": "2819c223-7f76-453a-919d-413861904646", "display": "Babs Jensen"}
JAMES = {"value": "08e1d05d-121c-4561-8b96-473d93df9210", "display": "James Smith"}


def group_of(*members: dict[str, Any], **attributes: Any) -> dict[str, Any]:
    return {"displayName": "Tour Guides", "schemas": [GROUP.schema.id], "members": list(members), **attributes}


def patched_group(group: dict[str, Any], *operations: dict[str, Any]) -> dict[str, Any]:
    return apply(group, read_patch(patch_body(*operations), GROUP).operations, GROUP)


class TestTheExamplesOfTheRfc:
    """Figures of sections 3.5.2.1 to 3.5.2.3."""

    def test_add_a_member_to_a_group(self) -> None:
        operation = {"op": "add", "path": "members", "value": [BABS]}
        assert patched_group(group_of(JAMES), operation) == group_of(JAMES, BABS)

    def test_add_attributes_without_a_path(self) -> None:
        value = {"emails": [{"value": "babs@jensen.org", "type": "home"}], "nickname": "Babs"}
        assert patched(person(emails=[WORK]), {"op": "add", "value": value}) == person(
            emails=[WORK, {"value": "babs@jensen.org", "type": "home"}], nickName="Babs"
        )

    def test_remove_a_single_member(self) -> None:
        operation = {"op": "remove", "path": f'members[value eq "{BABS["value"]}"]'}
        assert patched_group(group_of(BABS, JAMES), operation) == group_of(JAMES)

    def test_remove_all_members(self) -> None:
        after = patched_group(group_of(BABS, JAMES), {"op": "remove", "path": "members"})
        assert "members" not in after

    def test_remove_values_by_a_complex_filter(self) -> None:
        operation = {"op": "remove", "path": 'emails[type eq "work" and value ew "example.com"]'}
        assert patched(person(emails=[WORK, HOME]), operation) == person(emails=[HOME])

    def test_remove_one_member_and_add_another(self) -> None:
        operations = [
            {"op": "remove", "path": f'members[value eq "{BABS["value"]}"]'},
            {"op": "add", "path": "members", "value": [JAMES]},
        ]
        assert patched_group(group_of(BABS), *operations) == group_of(JAMES)

    def test_replace_all_members(self) -> None:
        operation = {"op": "replace", "path": "members", "value": [BABS, JAMES]}
        assert patched_group(group_of({"value": "1"}), operation) == group_of(BABS, JAMES)

    def test_change_an_address(self) -> None:
        work = {
            "type": "work",
            "streetAddress": "911 Universal City Plaza",
            "locality": "Hollywood",
            "region": "CA",
            "postalCode": "91608",
            "country": "US",
            "formatted": "911 Universal City Plaza\nHollywood, CA 91608 US",
            "primary": True,
        }
        before = read_resource(BARBARA, USER)[0]
        after = patched(before, {"op": "replace", "path": 'addresses[type eq "work"]', "value": work})
        assert after == before | {"addresses": [work, BARBARA["addresses"][1]]}

    def test_change_a_part_of_an_address(self) -> None:
        before = read_resource(BARBARA, USER)[0]
        after = patched(
            before, {"op": "replace", "path": 'addresses[type eq "work"].streetAddress', "value": "1010 Broadway Ave"}
        )
        work, home = before["addresses"]
        assert after == before | {"addresses": [work | {"streetAddress": "1010 Broadway Ave"}, home]}

    @pytest.mark.clause("7644-3.5.2.3-1")
    def test_replace_attributes_without_a_path(self) -> None:
        value = {"emails": [{"value": "bjensen@example.com", "type": "work", "primary": True}], "nickname": "Babs"}
        assert patched(person(emails=[HOME], nickName="B"), {"op": "replace", "value": value}) == person(
            emails=value["emails"], nickName="Babs"
        )


class TestAdd:
    @pytest.mark.clause("7644-3.5.2.1-2")
    @pytest.mark.parametrize(
        ("before", "path", "value", "after"),
        [
            ({}, "title", "Guide", {"title": "Guide"}),
            ({"title": "Clerk"}, "title", "Guide", {"title": "Guide"}),
            ({}, "name", {"givenName": "Ann"}, {"name": {"givenName": "Ann"}}),
            (
                {"name": {"familyName": "D"}},
                "name",
                {"givenName": "A"},
                {"name": {"familyName": "D", "givenName": "A"}},
            ),
            ({}, "name.givenName", "Ann", {"name": {"givenName": "Ann"}}),
            ({}, "emails", [HOME], {"emails": [HOME]}),
            ({}, "emails", HOME, {"emails": [HOME]}),
            ({"emails": [WORK]}, "emails", [HOME], {"emails": [WORK, HOME]}),
            ({"emails": [WORK]}, "emails", [], {"emails": [WORK]}),
            ({"title": "Clerk"}, "title", None, {"title": "Clerk"}),
            ({}, "emails.value", "a@example.com", {"emails": [{"value": "a@example.com"}]}),
            ({"emails": [HOME]}, "emails.display", "Pat", {"emails": [HOME | {"display": "Pat"}]}),
            ({}, f"{ENTERPRISE}:department", "R&D", {ENTERPRISE: {"department": "R&D"}}),
            ({}, f"{ENTERPRISE}:manager.value", "7", {ENTERPRISE: {"manager": {"value": "7"}}}),
            (
                {ENTERPRISE: {"division": "X"}},
                ENTERPRISE,
                {"department": "Y"},
                {ENTERPRISE: {"division": "X", "department": "Y"}},
            ),
            ({"emails": [HOME]}, 'emails[type eq "home"]', {"display": "Pat"}, {"emails": [HOME | {"display": "Pat"}]}),
            (
                {},
                'emails[type eq "home"]',
                {"value": "a@b.example"},
                {"emails": [{"type": "home", "value": "a@b.example"}]},
            ),
        ],
    )
    def test_add_sets_what_is_missing_and_keeps_the_rest(
        self, before: dict[str, Any], path: str, value: Any, after: dict[str, Any]
    ) -> None:
        assert patched(person(**before), {"op": "add", "path": path, "value": value}) == person(**after)

    @pytest.mark.clause("7644-3.5.2.1-3")
    @pytest.mark.parametrize(
        "again",
        [
            HOME,
            {"value": HOME["value"]},
            {"value": "PAT@HOME.EXAMPLE", "type": "Home"},
        ],
    )
    def test_a_value_that_is_there_is_not_added_again(self, again: dict[str, Any]) -> None:
        before = person(emails=[WORK, HOME])
        assert patched(before, {"op": "add", "path": "emails", "value": [again]}) == before

    def test_a_value_that_says_more_of_one_that_is_there_joins_it(self) -> None:
        after = patched(
            person(emails=[WORK, HOME]), {"op": "add", "path": "emails", "value": [HOME | {"display": "P"}]}
        )
        assert after == person(emails=[WORK, HOME | {"display": "P"}])

    def test_the_same_address_of_another_type_is_another_value(self) -> None:
        other = WORK | {"type": "other", "primary": False}
        after = patched(person(emails=[WORK]), {"op": "add", "path": "emails", "value": [other]})
        assert after["emails"] == [WORK, other]

    def test_a_value_given_twice_in_one_operation_is_added_once(self) -> None:
        assert patched(person(), {"op": "add", "path": "emails", "value": [HOME, HOME]}) == person(emails=[HOME])

    def test_plain_values_are_added_once(self) -> None:
        before = group_of(BABS, labels=["a"])
        after = patched_group(before, {"op": "add", "path": "labels", "value": ["A", "b"]})
        assert after["labels"] == ["a", "b"]

    @pytest.mark.parametrize("filter_text", ['type sw "w"', 'not (type eq "home")', 'type eq "work" or type eq "home"'])
    def test_a_filter_that_describes_no_value_makes_none(self, filter_text: str) -> None:
        with pytest.raises(errors.NoTarget, match="selects none"):
            patched(person(), {"op": "add", "path": f"emails[{filter_text}].value", "value": "a@b.example"})

    def test_a_value_is_not_made_if_the_filter_would_not_select_it(self) -> None:
        with pytest.raises(errors.NoTarget):
            patched(person(), {"op": "add", "path": 'emails[value eq "a@b.example"].value', "value": "c@d.example"})


class TestReplace:
    @pytest.mark.clause("7644-3.5.2.3-2", "7644-3.5.2.3-3")
    @pytest.mark.parametrize(
        ("before", "path", "value", "after"),
        [
            ({"title": "Clerk"}, "title", "Guide", {"title": "Guide"}),
            ({}, "title", "Guide", {"title": "Guide"}),
            ({"title": "Clerk"}, "title", None, {}),
            ({"active": True}, "active", False, {"active": False}),
            (
                {"name": {"familyName": "D"}},
                "name",
                {"givenName": "A"},
                {"name": {"familyName": "D", "givenName": "A"}},
            ),
            (
                {"name": {"familyName": "D", "givenName": "A"}},
                "name",
                {"givenName": None},
                {"name": {"familyName": "D"}},
            ),
            ({"name": {"familyName": "D"}}, "name", None, {}),
            ({"name": {"familyName": "D"}}, "name.familyName", None, {}),
            ({"emails": [WORK]}, "emails", [HOME], {"emails": [HOME]}),
            ({"emails": [WORK]}, "emails", [], {}),
            ({"emails": [WORK]}, "emails", None, {}),
            (
                {"emails": [WORK, HOME]},
                "emails.display",
                "P",
                {"emails": [WORK | {"display": "P"}, HOME | {"display": "P"}]},
            ),
            (
                {"emails": [WORK, HOME]},
                'emails[type eq "home"]',
                {"value": "a@b.example"},
                {"emails": [WORK, {"type": "home", "value": "a@b.example"}]},
            ),
            ({"emails": [WORK, HOME]}, 'emails[type eq "home"]', None, {"emails": [WORK]}),
            (
                {"emails": [WORK, HOME]},
                'emails[type eq "home"].type',
                None,
                {"emails": [WORK, {"value": HOME["value"]}]},
            ),
            ({"emails": [WORK]}, 'emails[type eq "home"].type', None, {"emails": [WORK]}),
            (
                {"emails": [WORK]},
                'emails[type eq "work"].value',
                "a@b.example",
                {"emails": [WORK | {"value": "a@b.example"}]},
            ),
            ({}, 'emails[type eq "work"].value', "a@b.example", {"emails": [{"type": "work", "value": "a@b.example"}]}),
            (
                {ENTERPRISE: {"division": "X"}},
                ENTERPRISE,
                {"department": "Y"},
                {ENTERPRISE: {"division": "X", "department": "Y"}},
            ),
            ({ENTERPRISE: {"division": "X"}}, ENTERPRISE, None, {}),
        ],
    )
    def test_replace_changes_what_it_names(
        self, before: dict[str, Any], path: str, value: Any, after: dict[str, Any]
    ) -> None:
        assert patched(person(**before), {"op": "replace", "path": path, "value": value}) == person(**after)

    @pytest.mark.clause("7644-3.5.2.3-5")
    def test_replacing_values_that_no_filter_selects_fails_with_no_target(self) -> None:
        with pytest.raises(errors.NoTarget, match=r"^'emails\[type eq …\]' selects none"):
            patched(person(emails=[WORK]), {"op": "replace", "path": 'emails[type eq "home"]', "value": HOME})

    @pytest.mark.clause("7644-3.5.2.3-4")
    def test_every_value_that_the_filter_selects_is_changed(self) -> None:
        before = person(emails=[HOME, {"value": "b@home.example", "type": "home"}, WORK])
        after = patched(before, {"op": "replace", "path": 'emails[type eq "home"].type', "value": "other"})
        assert [email["type"] for email in after["emails"]] == ["other", "other", "work"]

    @pytest.mark.parametrize(("value", "error"), [(None, errors.Mutability), ([], errors.InvalidValue)])
    def test_a_required_attribute_cannot_be_replaced_by_nothing(
        self, value: Any, error: type[errors.ScimError]
    ) -> None:
        with pytest.raises(error, match="'userName'"):
            patched(person(), {"op": "replace", "path": "userName", "value": value})


class TestRemove:
    @pytest.mark.clause("7644-3.5.2.2-1", "7644-3.5.2.2-2", "7644-3.5.2.2-3", "7644-3.5.2.2-4", "7644-3.5.2.2-5")
    @pytest.mark.parametrize(
        ("before", "path", "after"),
        [
            ({"title": "Clerk"}, "title", {}),
            ({}, "title", {}),
            ({"name": {"familyName": "D", "givenName": "A"}}, "name.givenName", {"name": {"familyName": "D"}}),
            ({"name": {"familyName": "D"}}, "name.familyName", {}),
            ({"name": {"familyName": "D"}}, "name", {}),
            ({}, "name.familyName", {}),
            ({"emails": [WORK, HOME]}, "emails", {}),
            ({"emails": [WORK, HOME]}, 'emails[type eq "home"]', {"emails": [WORK]}),
            ({"emails": [HOME]}, 'emails[type eq "home"]', {}),
            ({"emails": [WORK, HOME]}, 'emails[type eq "home"].type', {"emails": [WORK, {"value": HOME["value"]}]}),
            ({"emails": [WORK, HOME]}, 'emails[type eq "home"].value', {"emails": [WORK]}),
            ({"emails": [HOME]}, "emails.type", {"emails": [{"value": HOME["value"]}]}),
            ({}, "emails.type", {}),
            ({ENTERPRISE: {"division": "X"}}, ENTERPRISE, {}),
            ({ENTERPRISE: {"division": "X"}}, f"{ENTERPRISE}:division", {}),
            ({ENTERPRISE: {"manager": {"value": "7"}}}, f"{ENTERPRISE}:manager", {}),
            ({ENTERPRISE: {"manager": {"value": "7"}}}, f"{ENTERPRISE}:manager.value", {}),
        ],
    )
    def test_remove_takes_away_what_it_names(self, before: dict[str, Any], path: str, after: dict[str, Any]) -> None:
        assert patched(person(**before), {"op": "remove", "path": path}) == person(**after)

    @pytest.mark.parametrize("path", ['emails[type eq "home"]', 'emails[type eq "home"].value'])
    def test_removing_what_no_filter_selects_fails_with_no_target(self, path: str) -> None:
        with pytest.raises(errors.NoTarget, match="selects none"):
            patched(person(emails=[WORK]), {"op": "remove", "path": path})

    def test_a_required_attribute_cannot_be_removed(self) -> None:
        with pytest.raises(errors.Mutability, match="'userName' is required"):
            patched(person(), {"op": "remove", "path": "userName"})


class TestPrimary:
    @pytest.mark.clause("7644-3.5.2-10")
    @pytest.mark.parametrize(
        "operation",
        [
            {"op": "add", "path": "emails", "value": [HOME | {"primary": True}]},
            {"op": "add", "path": 'emails[type eq "home"].primary', "value": True},
            {"op": "replace", "path": 'emails[type eq "home"].primary', "value": True},
            {"op": "replace", "path": 'emails[type eq "home"]', "value": HOME | {"primary": True}},
        ],
    )
    def test_a_new_primary_value_takes_it_from_the_old_one(self, operation: dict[str, Any]) -> None:
        after = patched(person(emails=[WORK, HOME]), operation)
        assert after["emails"] == [WORK | {"primary": False}, HOME | {"primary": True}]

    def test_a_value_that_was_primary_stays_so_when_something_else_changes(self) -> None:
        after = patched(person(emails=[WORK]), {"op": "add", "path": "emails", "value": [HOME]})
        assert after["emails"] == [WORK, HOME]

    @pytest.mark.clause("7643-2.4-3")
    def test_two_new_primary_values_are_refused(self) -> None:
        with pytest.raises(errors.InvalidValue, match="primary"):
            patched(
                person(emails=[WORK | {"primary": False}, HOME]),
                {"op": "replace", "path": "emails.primary", "value": True},
            )


class TestImmutable:
    @pytest.mark.clause("7643-7-11")
    def test_an_immutable_part_of_a_value_cannot_be_changed(self) -> None:
        operation = {"op": "replace", "path": f'members[value eq "{BABS["value"]}"].value', "value": "1"}
        with pytest.raises(errors.Mutability, match="members"):
            patched_group(group_of(BABS), operation)

    def test_it_can_be_set_to_what_it_is(self) -> None:
        operation = {"op": "replace", "path": f'members[value eq "{BABS["value"]}"].value', "value": BABS["value"]}
        assert patched_group(group_of(BABS), operation) == group_of(BABS)


class TestTheWhole:
    def test_operations_see_what_those_before_them_did(self) -> None:
        after = patched(
            person(),
            {"op": "add", "path": "emails", "value": [HOME]},
            {"op": "replace", "path": 'emails[type eq "home"].type', "value": "work"},
            {"op": "add", "path": 'emails[type eq "work"].primary', "value": True},
        )
        assert after["emails"] == [{"value": HOME["value"], "type": "work", "primary": True}]

    @pytest.mark.clause("7644-3.5.2-8")
    def test_schemas_follow_what_is_there(self) -> None:
        with_department = patched(person(), {"op": "add", "path": f"{ENTERPRISE}:department", "value": "R&D"})
        without = patched(with_department, {"op": "remove", "path": f"{ENTERPRISE}:department"})
        assert (with_department["schemas"], without["schemas"]) == ([CORE, ENTERPRISE], [CORE])

    def test_no_more_values_than_are_kept_can_be_gathered(self) -> None:
        operations = [
            {"op": "add", "path": "emails", "value": [{"value": f"{n}-{m}@example.com"} for m in range(60)]}
            for n in range(2)
        ]
        with pytest.raises(errors.InvalidValue, match="120 values"):
            patched(person(), *operations)

    def test_a_thousand_operations_are_done(self) -> None:
        operations = [{"op": "replace", "value": {"title": str(n), "name": {"givenName": "x"}}} for n in range(1000)]
        assert patched(person(), *operations) == person(title="999", name={"givenName": "x"})

    @pytest.mark.clause("7644-3.5.2-12")
    def test_a_failing_operation_leaves_the_resource_as_it_was(self) -> None:
        before = read_resource(BARBARA, USER)[0]
        snapshot = deepcopy(before)
        with pytest.raises(errors.NoTarget):
            patched(
                before,
                {"op": "replace", "path": "name.givenName", "value": "Ann"},
                {"op": "remove", "path": 'emails[type eq "other"]'},
            )
        assert before == snapshot


TYPES = st.sampled_from(["work", "home", "other"])
EMAILS = st.fixed_dictionaries(
    {"value": st.sampled_from(["a@example.com", "A@example.com", "b@example.com", "c@example.com"])},
    optional={"type": TYPES, "primary": st.booleans(), "display": st.sampled_from(["x", "y"])},
)
SOME_EMAILS = st.lists(EMAILS, max_size=4).filter(lambda emails: sum(e.get("primary", False) for e in emails) < 2)
TEXTS = st.sampled_from(["x", "y", ""]) | st.none()
AIMED = st.one_of(
    st.tuples(st.sampled_from(["title", "name.givenName", f"{ENTERPRISE}:department"]), TEXTS),
    st.tuples(st.just("name"), st.dictionaries(st.sampled_from(["givenName", "familyName"]), TEXTS)),
    st.tuples(st.just("emails"), SOME_EMAILS),
    st.tuples(
        st.builds('emails[type eq "{}"].value'.format, TYPES), st.sampled_from(["a@example.com", "d@example.com"])
    ),
    st.tuples(st.builds('emails[type eq "{}"].primary'.format, TYPES), st.booleans()),
    st.tuples(st.builds('emails[type eq "{}"]'.format, TYPES), EMAILS),
    st.tuples(st.just("emails.display"), st.sampled_from(["x", "y"])),
    st.tuples(st.just(ENTERPRISE), st.dictionaries(st.sampled_from(["department", "division"]), TEXTS)),
)
OPERATIONS = st.builds(
    lambda op, aimed: {"op": op, "path": aimed[0], "value": aimed[1]}, st.sampled_from(["add", "replace"]), AIMED
) | st.builds(lambda aimed: {"op": "remove", "path": aimed[0]}, AIMED)
PEOPLE = st.builds(
    lambda emails, more: person(emails=emails, **more),
    SOME_EMAILS,
    st.fixed_dictionaries(
        {},
        optional={
            "title": TEXTS,
            "name": st.dictionaries(st.sampled_from(["givenName", "familyName"]), TEXTS),
            ENTERPRISE: st.dictionaries(st.sampled_from(["department", "division"]), TEXTS),
        },
    ),
)


def outcome(resource: dict[str, Any], *operations: dict[str, Any]) -> Any:
    """The resource after the operations, or the kind of refusal."""
    try:
        return patched(resource, *operations)
    except errors.ScimError as error:
        return type(error)


@given(PEOPLE, st.lists(OPERATIONS, max_size=5))
def test_patch_leaves_its_argument_alone_and_gives_what_reading_would_give(
    resource: dict[str, Any], operations: list[dict[str, Any]]
) -> None:
    snapshot = deepcopy(resource)
    after = outcome(resource, *operations)
    assert resource == snapshot
    if isinstance(after, dict):
        assert read_resource(after, USER, STRICT) == (after, ())


@given(PEOPLE, OPERATIONS.filter(lambda operation: operation["op"] != "remove"))
def test_doing_an_operation_twice_is_doing_it_once(resource: dict[str, Any], operation: dict[str, Any]) -> None:
    once = outcome(resource, operation)
    if isinstance(once, dict):
        # The values that a filter selected may be gone once they were replaced by others.
        assert outcome(once, operation) in (once, errors.NoTarget)


# Only while a request lasts may there be a value that has no `value` yet.
LASTING = OPERATIONS.filter(
    lambda operation: operation["op"] != "remove" and not operation["path"].endswith(".primary")
)


@given(PEOPLE, st.lists(LASTING, min_size=1, max_size=5))
def test_operations_in_one_request_do_what_they_do_one_by_one(
    resource: dict[str, Any], operations: list[dict[str, Any]]
) -> None:
    together = outcome(resource, *operations)
    if isinstance(together, dict):
        one_by_one = resource
        for operation in operations:
            one_by_one = patched(one_by_one, operation)
        assert one_by_one == together


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False) | st.text(max_size=8) | st.just("True"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["value", "type", "primary", "givenName", "$ref", "manager", "emails", "name.givenName", "x"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)
ANY_PATH = st.sampled_from(
    [attribute.name for attribute in USER.attributes]
    + ["name.givenName", "emails.value", "emails.primary", f"{ENTERPRISE}:manager", f"{ENTERPRISE}:manager.value"]
    + [
        'emails[type eq "work"]',
        'emails[type eq "work"].value',
        "emails[primary eq true].type",
        "emails[not (value pr)]",
    ]
    + ['emails[value eq "a" and type eq null]', 'roles[primary eq "True"].value', 'x509Certificates[value eq "AA=="]']
    + ['addresses[type eq "work" or type eq "home"].country', "groups", "id", CORE, "", "x", ".", "[", "emails[", "a b"]
)
ANY_OPERATION = st.fixed_dictionaries(
    {"op": st.sampled_from(["add", "replace", "remove", "Add", "Replace"])},
    optional={"path": ANY_PATH | st.none() | st.text(max_size=12), "value": ANYTHING},
)


@given(PEOPLE, st.lists(ANY_OPERATION, min_size=1, max_size=4))
def test_whatever_is_sent_gives_a_valid_resource_or_a_refusal(
    resource: dict[str, Any], operations: list[dict[str, Any]]
) -> None:
    after = outcome(resource, *operations)
    if isinstance(after, dict):
        assert read_resource(after, USER)[0] == after
        assert {"id", "meta", "groups", "password"}.isdisjoint(after)
