"""What clients send instead of what the RFCs ask for is understood, or refused in strict mode."""

from typing import Any

import pytest

from scim.protocol import errors
from scim.protocol.patch import apply
from scim.protocol.patch_request import read_patch
from scim.protocol.reading import STRICT, Reading
from scim.protocol.schemas import USER
from scim.protocol.validation import read_resource
from tests.scim.protocol.samples import CORE, ENTERPRISE, patch_body, patched, person

Pairs = list[tuple[dict[str, Any], dict[str, Any]]]

BODIES: Pairs = [
    ({"active": "True"}, {"active": True}),
    ({"active": "False"}, {"active": False}),
    ({"active": " false "}, {"active": False}),
    ({"active": [{"value": "False"}]}, {"active": False}),
    (
        {"emails": [{"value": "a@b.example", "primary": "true"}]},
        {"emails": [{"value": "a@b.example", "primary": True}]},
    ),
    ({"emails": {"value": "a@b.example"}}, {"emails": [{"value": "a@b.example"}]}),
    ({"emails": "a@b.example"}, {"emails": [{"value": "a@b.example"}]}),
    ({"emails": ["a@b.example"]}, {"emails": [{"value": "a@b.example"}]}),
    ({"title": ["Guide"]}, {"title": "Guide"}),
    ({"title": {"value": "Guide"}}, {"title": "Guide"}),
    ({ENTERPRISE: {"manager": "7"}}, {ENTERPRISE: {"manager": {"value": "7"}}}),
    ({ENTERPRISE: {"manager": [{"$ref": None, "value": "7"}]}}, {ENTERPRISE: {"manager": {"value": "7"}}}),
    ({"name.givenName": "Ann"}, {"name": {"givenName": "Ann"}}),
    ({"name.givenName": "Ann", "name": {"familyName": "Doe"}}, {"name": {"givenName": "Ann", "familyName": "Doe"}}),
    ({f"{ENTERPRISE}:department": "R&D"}, {ENTERPRISE: {"department": "R&D"}}),
    ({f"{ENTERPRISE}:manager.value": "7"}, {ENTERPRISE: {"manager": {"value": "7"}}}),
    ({f"{CORE}:title": "Guide"}, {"title": "Guide"}),
    ({CORE: {"title": "Guide", "name.givenName": "Ann"}}, {"title": "Guide", "name": {"givenName": "Ann"}}),
    ({f"{CORE.upper()} ": {"active": False}}, {"active": False}),
    ({"active ": False}, {"active": False}),
    ({"urn:x:y:z": "x"}, {}),
    ({"urn:x:y": {"z": "x"}}, {}),
    ({"http://schemas.example/1.0:z": "x"}, {}),
    ({"schemas": [CORE, "urn:x:y"]}, {}),
    ({"name": {"givenName": "Ann", "urn:x:y:nick": "A"}}, {"name": {"givenName": "Ann"}}),
    ({ENTERPRISE: {"department": "R&D", "urn:x:y:z": 1}}, {ENTERPRISE: {"department": "R&D"}}),
    (
        {"roles": [{"value": '{"id":"7","value":"HR","displayName":"People"}'}]},
        {"roles": [{"value": "HR", "display": "People"}]},
    ),
    ({"roles": [{"value": '{"value":"HR"}', "type": "app"}]}, {"roles": [{"value": "HR", "type": "app"}]}),
    ({"roles": ['{"value":"HR","primary":true}']}, {"roles": [{"value": "HR", "primary": True}]}),
    ({"roles": [{"value": "HR", "primary": "True"}]}, {"roles": [{"value": "HR", "primary": True}]}),
]

OPERATIONS: Pairs = [
    (
        {"op": "Replace", "path": "title", "value": "Guide"},
        {"op": "replace", "path": "title", "value": "Guide"},
    ),
    (
        {"op": "ADD", "path": "title", "value": "Guide"},
        {"op": "add", "path": "title", "value": "Guide"},
    ),
    (
        {"op": "replace", "path": "active", "value": "False"},
        {"op": "replace", "path": "active", "value": False},
    ),
    (
        {"op": "replace", "value": {"active": "True"}},
        {"op": "replace", "value": {"active": True}},
    ),
    (
        {"op": "replace", "value": {"name.givenName": "Jay", f"{ENTERPRISE}:employeeNumber": "E-2"}},
        {"op": "replace", "value": {"name": {"givenName": "Jay"}, ENTERPRISE: {"employeeNumber": "E-2"}}},
    ),
    (
        {"op": "replace", "value": {CORE: {"active": False}}},
        {"op": "replace", "path": "active", "value": False},
    ),
    (
        {"op": "replace", "path": f"{CORE} ", "value": {"active": False}},
        {"op": "replace", "path": "active", "value": False},
    ),
    (
        {"op": "replace", "value": {'emails[type eq "work"].value': "new@example.com"}},
        {"op": "replace", "path": 'emails[type eq "work"].value', "value": "new@example.com"},
    ),
    (
        {"op": "add", "path": f"{ENTERPRISE}:manager", "value": "7"},
        {"op": "add", "path": f"{ENTERPRISE}:manager", "value": {"value": "7"}},
    ),
    (
        {"op": "add", "path": 'roles[primary eq "True"].value', "value": "auditor"},
        {"op": "add", "path": "roles[primary eq true].value", "value": "auditor"},
    ),
    (
        {"op": "add", "path": "roles", "value": [{"value": '{"id":"7","value":"HR","displayName":"People"}'}]},
        {"op": "add", "path": "roles", "value": [{"value": "HR", "display": "People"}]},
    ),
    (
        {"op": "add", "path": "roles[primary eq true].value", "value": '{"id":"7","value":"HR"}'},
        {"op": "add", "path": "roles[primary eq true].value", "value": "HR"},
    ),
    (
        {"op": "add", "path": "phoneNumbers", "value": [{"value": "1"}, {"number": "2"}, 3, {"value": 4}]},
        {"op": "add", "path": "phoneNumbers", "value": [{"value": "1"}]},
    ),
    (
        {"op": "remove", "path": "emails", "value": [{"$ref": None, "value": "pat@home.example"}]},
        {"op": "remove", "path": 'emails[value eq "pat@home.example"]'},
    ),
    (
        {"op": "replace", "path": 'emails[type eq "work"]', "value": [{"type": "work", "value": "x@example.com"}]},
        {"op": "replace", "path": 'emails[type eq "work"]', "value": {"type": "work", "value": "x@example.com"}},
    ),
]


def read(**attributes: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    return read_resource({"schemas": [CORE], "userName": "pat@example.com", **attributes}, USER)


@pytest.mark.parametrize(("sent", "meant"), BODIES)
def test_a_body_with_an_oddity_is_read_as_it_was_meant(sent: dict[str, Any], meant: dict[str, Any]) -> None:
    resource, notices = read(**sent)
    assert resource == read(**meant)[0]
    assert notices and read(**meant)[1] == ()


@pytest.mark.parametrize("emails", [None, [{"value": "c@d.example"}]])
def test_a_flat_name_that_does_not_say_which_value_it_means_is_refused(emails: Any) -> None:
    with pytest.raises(errors.InvalidValue, match="does not say which"):
        read(**{"emails.value": "a@b.example", "emails": emails})


def test_a_flat_name_and_a_nested_one_for_the_same_attribute_are_refused() -> None:
    with pytest.raises(errors.InvalidSyntax, match="twice"):
        read(**{"name.givenName": "Ann", "name": {"givenName": "Bea"}})


def test_a_flat_name_without_a_value_is_no_value() -> None:
    assert read(**{"name.givenName": None, f"{ENTERPRISE}:department": None})[0] == person()


@pytest.mark.parametrize("name", ["name.nick", f"{ENTERPRISE}:shoeSize", "a b", "", "."])
def test_a_flat_name_that_leads_nowhere_is_left_out(name: str) -> None:
    resource, notices = read(**{name: "x"})
    assert resource == person()
    shown = name.replace(" b", "…")
    assert notices == (f"'{shown}' is not an attribute of this resource and was left out.",)


@pytest.mark.parametrize(
    ("name", "which"),
    [("name.givenName", "'name.givenName'"), ('emails[type eq "work"].value', "starting with 'emails'")],
)
def test_a_flat_name_is_told_in_words_that_name_the_attribute(name: str, which: str) -> None:
    notices = read_patch(patch_body({"op": "replace", "value": {name: "ann@example.com"}}), USER).notices
    assert f"The attribute name {which} is a PATCH path; it was read as that path." in notices


def test_of_a_flat_name_no_more_is_told_than_the_attribute() -> None:
    name = 'emails[value eq "ada@example.com"].value'
    assert read(**{name: "x"})[1] == ("'emails…' is not an attribute of this resource and was left out.",)
    assert len(read(**{"x" * 5000: "x"})[1][0]) < 200


@pytest.mark.parametrize(("sent", "meant"), OPERATIONS)
def test_an_operation_with_an_oddity_does_what_was_meant(sent: dict[str, Any], meant: dict[str, Any]) -> None:
    before = person(
        title="Clerk",
        emails=[{"type": "work", "value": "pat@example.com"}, {"type": "home", "value": "pat@home.example"}],
    )
    assert patched(before, sent) == patched(before, meant) != before
    assert read_patch(patch_body(sent), USER).notices and not read_patch(patch_body(meant), USER).notices


def test_a_removal_that_lists_values_takes_away_only_those() -> None:
    before = person(emails=[{"value": "a@example.com"}, {"value": "b@example.com"}])
    assert patched(before, {"op": "remove", "path": "emails", "value": [{"value": "b@example.com"}]}) == person(
        emails=[{"value": "a@example.com"}]
    )
    assert patched(before, {"op": "remove", "path": "emails", "value": [{"value": "c@example.com"}]}) == before
    assert patched(before, {"op": "remove", "path": "emails", "value": []}) == before


def test_several_additions_fill_the_one_value_that_their_filter_describes() -> None:
    operations = [
        {"op": "Add", "path": 'addresses[type eq "work"].streetAddress', "value": "2 Any St"},
        {"op": "Add", "path": 'addresses[type eq "work"].locality', "value": "Springfield"},
        {"op": "Add", "path": 'addresses[type eq "work"].country', "value": "US"},
    ]
    assert patched(person(), *operations) == person(
        addresses=[{"type": "work", "streetAddress": "2 Any St", "locality": "Springfield", "country": "US"}]
    )


# Strict mode


def read_strictly(body: dict[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    return read_resource({"schemas": [CORE], "userName": "pat@example.com", **body}, USER, STRICT)


@pytest.mark.parametrize(("sent", "meant"), BODIES)
def test_a_strict_server_takes_only_what_was_meant(sent: dict[str, Any], meant: dict[str, Any]) -> None:
    with pytest.raises((errors.InvalidValue, errors.InvalidSyntax), match="Strict mode is on") as refusal:
        read_strictly(sent)
    assert refusal.value.cause == "strict-mode"
    assert read_strictly(meant) == read(**meant)


@pytest.mark.parametrize(("sent", "meant"), OPERATIONS)
def test_a_strict_server_takes_only_the_operation_that_was_meant(sent: dict[str, Any], meant: dict[str, Any]) -> None:
    with pytest.raises(errors.ScimError, match="Strict mode is on") as refusal:
        read_patch(patch_body(sent), USER, STRICT)
    assert refusal.value.status == 400 and refusal.value.scim_type
    assert read_patch(patch_body(meant), USER, STRICT) == read_patch(patch_body(meant), USER)


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "replace", "path": 'emails[type eq "home"].value', "value": "pat@home.example"},
        {"op": "add", "path": 'emails[type eq "home"].value', "value": "pat@home.example"},
        {"op": "add", "path": 'emails[type eq "home"]', "value": {"value": "pat@home.example"}},
    ],
)
def test_a_value_that_the_filter_does_not_find_is_made_or_in_strict_mode_missed(operation: dict[str, Any]) -> None:
    before = person(emails=[{"type": "work", "value": "pat@example.com"}])
    operations = read_patch(patch_body(operation), USER, STRICT).operations
    lenient = Reading()
    made = apply(before, operations, USER, lenient)
    assert made["emails"] == [*before["emails"], {"type": "home", "value": "pat@home.example"}]
    assert len(lenient.notices) == 1
    with pytest.raises(errors.NoTarget, match="selects none"):
        apply(before, operations, USER, Reading(STRICT))


@pytest.mark.parametrize(
    "attributes",
    [
        {"shoeSize": 43},
        {"name": {"givenName": "Ann", "nick": "A"}},
        {"id": "7", "meta": {"version": "x"}, "groups": "none"},
        {"password": "t1meMa$heen"},
        {"title": None, "emails": None, "phoneNumbers": []},
        {"USERNAME": "pat@example.com", "userName": None},
        {"emails": [{"value": "a@b.example"}, None]},
    ],
)
def test_a_strict_server_is_as_lenient_as_the_rfcs_let_it_be(attributes: dict[str, Any]) -> None:
    assert read_strictly(attributes) == read(**attributes)
