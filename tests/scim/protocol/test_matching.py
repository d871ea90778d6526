"""Which resources a filter finds (RFC 7644 section 3.4.2.2)."""

from typing import Any

import pytest
from hypothesis import given
from scim2_models import EnterpriseUser, ScimFilter, User

from scim.protocol.attributes import Resource, ResourceType
from scim.protocol.filters import And, AnyValue, Compare, Filter, Not, Or, Resolved
from scim.protocol.grammar import parse_filter
from scim.protocol.matching import matches, matches_value
from scim.protocol.resolution import resolve_filter, resolve_value_filter
from scim.protocol.schemas import ENTERPRISE_USER, SERVICE_PROVIDER_CONFIG, USER
from tests.scim.protocol.trees import PLAIN_WORDS, Sample

ANN: Resource = {
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE_USER.id],
    "id": "2819c223-7f76-453a-919d-413861904646",
    "externalId": "E1",
    "userName": "Ann@Example.com",
    "name": {"familyName": "O'Malley", "givenName": "Ann"},
    "displayName": "Ann Straße",
    "title": '100% "Boss"',
    "nickName": "",
    "active": True,
    "emails": [
        {"value": "ann@example.com", "type": "work", "primary": True},
        {"value": "ann@bücher.example", "type": "home"},
    ],
    "x509Certificates": [{"value": "AbC="}],
    ENTERPRISE_USER.id: {"department": "R&D", "manager": {"value": "26118915"}},
    "meta": {"lastModified": "2011-05-13T04:42:34Z", "version": 'W/"1"'},
}


def finds_ann(text: str) -> bool:
    return matches(resolve_filter(parse_filter(text), USER), ANN)


@pytest.mark.clause("7644-3.4.2.2-8")
@pytest.mark.parametrize(
    "text",
    [
        'userName eq "ANN@example.COM"',
        'userName sw "ann"',
        'userName ew "@EXAMPLE.com"',
        'displayName eq "ann STRASSE"',
        'displayName co "n s"',
        'name.familyName co "O\'Malley"',
        'title sw "100%"',
        r'title co "\"boss\""',
        'externalId eq "E1"',
        "active eq true",
        'active eq "True"',
        "title pr",
        "name pr",
        "emails pr",
        "userType eq null",
        "title ne null",
        'userType ne "Employee"',
        'meta.lastModified eq "2011-05-13T06:42:34+02:00"',
        'meta.lastModified ge "2011-05-13T04:42:34Z"',
        'meta.lastModified lt "2011-05-13T04:42:34.001Z"',
        'emails eq "ANN@xn--bcher-kva.example"',
        'emails co "example.com"',
        'emails.type eq "work" and emails.value co "bcher"',
        'emails[type eq "work" and value eq "ann@example.com"]',
        'emails[type eq "work"].value eq "ann@example.com"',
        'emails[not (type eq "work")]',
        "emails[primary eq null]",
        'emails[type eq "work"] and emails[type eq "home"]',
        'schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"',
        f'{ENTERPRISE_USER.id}:department eq "r&d"',
        f'{ENTERPRISE_USER.id}:manager.value eq "26118915"',
        'displayName gt "Ann"',
        'title pr or userType pr and locale eq "de"',
        'not (userType eq "Employee")',
    ],
)
def test_filters_that_find_ann(text: str) -> None:
    assert finds_ann(text)


@pytest.mark.parametrize(
    "text",
    [
        'userName eq "ann"',
        'userName co " "',
        'externalId eq "e1"',
        'x509Certificates eq "abc="',
        "active eq false",
        "nickName pr",
        "userType pr",
        'userType eq "Employee"',
        'userType gt "A"',
        'emails ne "ann@example.com"',
        'not (emails.type eq "work")',
        'emails[type eq "work" and value co "bcher"]',
        'emails[type eq "other"]',
        "phoneNumbers[not (type pr)]",
        'meta.lastModified gt "2011-05-13T04:42:34Z"',
        'displayName co "100%"',
        'title co "_"',
        'displayName eq "Ann Straße "',
        '(title pr or userType pr) and locale eq "de"',
    ],
)
def test_filters_that_do_not_find_ann(text: str) -> None:
    assert not finds_ann(text)


def test_a_condition_of_a_patch_path_picks_single_values() -> None:
    emails = USER.schema.attribute("emails")
    assert emails is not None
    work = resolve_value_filter(parse_filter('type eq "work"'), emails)
    assert [matches_value(work, value) for value in ANN["emails"]] == [True, False]  # type: ignore[union-attr]
    assert not matches_value(work, "work")


@pytest.mark.parametrize("value", [5, "x", None, [], {}, [None], [5], {"value": 5}, [{"value": None, "type": []}]])
@pytest.mark.parametrize("name", ["userName", "active", "emails", "name", "meta"])
@pytest.mark.parametrize(
    "text",
    ['userName co "@"', "active eq true", 'emails co "@"', 'emails[type eq "a"]', "name.givenName pr"],
)
def test_values_of_a_wrong_type_match_nothing_and_break_nothing(name: str, value: Any, text: str) -> None:
    assert not matches(resolve_filter(parse_filter(text), USER), {name: value})


def test_a_number_is_no_boolean() -> None:
    assert not matches(resolve_filter(parse_filter("active eq true"), USER), {"active": 1})


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("bulk.maxOperations ge 1000", True),
        ("bulk.maxOperations eq 1000.0", True),
        ("bulk.maxOperations lt 9.5e2", False),
        ("bulk.maxOperations ne 1", True),
        ("bulk[supported eq true and maxPayloadSize gt 5]", False),
        ("bulk[supported eq true or maxPayloadSize gt 5]", True),
    ],
)
def test_numbers_compare_as_numbers(text: str, found: bool) -> None:
    config = ResourceType("Config", "Configurations", "/Configs", SERVICE_PROVIDER_CONFIG)
    resource: Resource = {"bulk": {"supported": True, "maxOperations": 1000, "maxPayloadSize": True}}
    assert matches(resolve_filter(parse_filter(text), config), resource) is found


ANY_USER = Sample()


def by_the_letter(condition: Resolved, resource: Resource) -> bool:
    """What the rules say of the connectives, one by one."""
    match condition:
        case And(terms):
            return not any(not by_the_letter(term, resource) for term in terms)
        case Or(terms):
            return by_the_letter(Not(And(tuple(Not(term) for term in terms))), resource)
        case Not(term):
            return not by_the_letter(term, resource)
        case AnyValue() | Compare():
            return matches(condition, resource)


@given(ANY_USER.filters(), ANY_USER.users())
def test_and_or_and_not_are_those_of_logic(tree: Filter, user: Resource) -> None:
    condition = resolve_filter(tree, USER)
    assert matches(condition, user) is by_the_letter(condition, user)


# What two implementations mean the same by: letters without accents.
COMMON_GROUND = Sample(
    ("userName", "externalId", "name", "displayName", "title", "active", "phoneNumbers", "roles", "addresses"),
    PLAIN_WORDS,
)


@given(COMMON_GROUND.filters(disputed=False), COMMON_GROUND.users())
def test_a_second_implementation_finds_the_same_users(tree: Filter, user: Resource) -> None:
    theirs = User[EnterpriseUser].model_validate(user)
    assert matches(resolve_filter(tree, USER), user) is ScimFilter[User[EnterpriseUser]](str(tree)).match(theirs)
