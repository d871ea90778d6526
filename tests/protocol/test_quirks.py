"""What clients send instead of what the RFCs ask for is understood, and the log gets an advice."""

from typing import Any

import pytest

from scim.protocol import errors
from scim.protocol.messages import read_patch
from scim.protocol.schemas import USER
from scim.protocol.validation import read_resource
from tests.protocol.samples import CORE, ENTERPRISE, patch_body, patched, person


def read(**attributes: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    return read_resource({"schemas": [CORE], "userName": "pat@example.com", **attributes}, USER)


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
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
    ],
)
def test_a_body_with_an_oddity_is_read_as_it_was_meant(sent: dict[str, Any], meant: dict[str, Any]) -> None:
    resource, advice = read(**sent)
    assert resource == read(**meant)[0]
    assert advice and read(**meant)[1] == ()


@pytest.mark.parametrize("emails", [None, [{"value": "c@d.example"}]])
def test_a_flat_name_that_does_not_say_which_value_it_means_is_refused(emails: Any) -> None:
    with pytest.raises(errors.InvalidValue, match="does not say which"):
        read(**{"emails.value": "a@b.example", "emails": emails})


def test_a_flat_name_and_a_nested_one_for_the_same_attribute_are_refused() -> None:
    with pytest.raises(errors.InvalidSyntax, match="twice"):
        read(**{"name.givenName": "Ann", "name": {"givenName": "Bea"}})


def test_a_flat_name_without_a_value_is_no_value() -> None:
    assert read(**{"name.givenName": None, f"{ENTERPRISE}:department": None})[0] == person()


@pytest.mark.parametrize("name", ["name.nick", "urn:x:y:z", f"{ENTERPRISE}:shoeSize", "a b", "", "."])
def test_a_flat_name_that_leads_nowhere_is_left_out(name: str) -> None:
    resource, advice = read(**{name: "x"})
    assert resource == person()
    assert advice == (f"'{name}' is not an attribute of this resource and was left out.",)


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
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
            {"op": "remove", "path": "emails", "value": [{"$ref": None, "value": "pat@home.example"}]},
            {"op": "remove", "path": 'emails[value eq "pat@home.example"]'},
        ),
        (
            {"op": "replace", "path": 'emails[type eq "work"]', "value": [{"type": "work", "value": "x@example.com"}]},
            {"op": "replace", "path": 'emails[type eq "work"]', "value": {"type": "work", "value": "x@example.com"}},
        ),
    ],
)
def test_an_operation_with_an_oddity_does_what_was_meant(sent: dict[str, Any], meant: dict[str, Any]) -> None:
    before = person(
        title="Clerk",
        emails=[{"type": "work", "value": "pat@example.com"}, {"type": "home", "value": "pat@home.example"}],
    )
    assert patched(before, sent) == patched(before, meant) != before
    assert read_patch(patch_body(sent), USER).advice and not read_patch(patch_body(meant), USER).advice


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
