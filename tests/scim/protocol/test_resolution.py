"""Names and values in filters (RFC 7644 section 3.4.2.2)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from scim.protocol.attributes import AttributePath, ResolvedPath
from scim.protocol.errors import InvalidFilter
from scim.protocol.filters import And, AnyValue, Compare, Not, Operator, Resolved
from scim.protocol.grammar import parse_filter
from scim.protocol.resolution import resolve_filter, resolve_value_filter
from scim.protocol.schemas import CORE_USER, ENTERPRISE_USER, USER
from scim.protocol.values import read_instant
from tests.scim.protocol.test_grammar import RFC7644_FIGURE_2


def resolve(text: str) -> Resolved:
    return resolve_filter(parse_filter(text), USER)


def found(name: str, urn: str | None = None) -> ResolvedPath:
    return USER.resolve(AttributePath(urn, *name.split(".")))


@pytest.mark.parametrize("text", RFC7644_FIGURE_2)
def test_every_example_of_figure_2_means_something_for_users(text: str) -> None:
    assert resolve(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('userName eq "Ann@BÜCHER.Example"', "ann@xn--bcher-kva.example"),
        ('displayName eq "Straße"', "strasse"),
        ('externalId eq "Ab"', "Ab"),
        ("active eq false", False),
        ('active eq "True"', True),
        ('active eq "false"', False),
        ('meta.created gt "2011-05-13T06:42:34.5+02:00"', datetime(2011, 5, 13, 4, 42, 34, 500_000, UTC)),
        ('x509Certificates.value eq "AbC="', "AbC="),
        ('profileUrl eq "https://Example.com/A"', "https://Example.com/A"),
        ('userName co " Ann"', " ann"),
        ('externalId co " A"', " A"),
        ('displayName sw "A "', "a "),
        ('userName ew "@BÜCHER.example"', "@xn--bcher-kva.example"),
    ],
)
def test_values_have_the_form_in_which_they_are_compared(text: str, value: object) -> None:
    condition = resolve(text)
    assert isinstance(condition, Compare)
    assert condition.value == value and type(condition.value) is type(value)


def test_names_are_found_in_every_schema_and_in_any_case() -> None:
    assert resolve("USERNAME pr") == Compare(found("userName"), Operator.PR)
    assert resolve(f"{CORE_USER.id}:userName pr") == Compare(found("userName"), Operator.PR)
    department = found("department", ENTERPRISE_USER.id)
    assert resolve(f"{ENTERPRISE_USER.id.upper()}:DEPARTMENT pr") == Compare(department, Operator.PR)
    assert department.keys == (ENTERPRISE_USER.id, "department")


def test_a_multi_valued_attribute_without_a_sub_attribute_means_its_value() -> None:
    assert resolve('emails co "example.com"') == Compare(found("emails.value"), Operator.CO, "example.com")
    assert resolve("emails pr") == Compare(found("emails"), Operator.PR)


def test_ne_and_null_are_told_by_not_and_pr() -> None:
    has_title = Compare(found("title"), Operator.PR)
    assert resolve('title ne "x"') == Not(Compare(found("title"), Operator.EQ, "x"))
    assert resolve("title eq null") == Not(has_title)
    assert resolve("title ne null") == Not(Not(has_title))


def test_a_value_path_compares_sub_attributes() -> None:
    emails = found("emails")
    kind, value = (ResolvedPath(None, emails.attribute.sub_attributes[index]) for index in (2, 0))
    assert resolve('emails[type eq "work" and value co "@x.example"]') == AnyValue(
        emails, And((Compare(kind, Operator.EQ, "work"), Compare(value, Operator.CO, "@x.example")))
    )
    assert resolve('emails[type eq "work"].value pr') == AnyValue(
        emails, And((Compare(kind, Operator.EQ, "work"), Compare(value, Operator.PR)))
    )


def test_a_value_path_on_an_attribute_with_one_value_is_a_comparison_with_a_dot() -> None:
    assert resolve('name[familyName eq "x" and not (givenName pr)]') == resolve(
        'name.familyName eq "x" and not (name.givenName pr)'
    )
    manager = f"{ENTERPRISE_USER.id}:manager"
    assert resolve(f'{manager}[value eq "26"]') == resolve(f'{manager}.value eq "26"')


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ('shoeSize eq "9"', "User has no attribute 'shoeSize'."),
        ('userName eq "x" and shoeSize eq "9"', "User has no attribute 'shoeSize'."),
        ('name.nick eq "x"', "'name' has no sub-attribute 'nick'."),
        ('userName.value eq "x"', "'userName' has no sub-attribute 'value'."),
        ('department eq "x"', "User has no attribute 'department'."),
        ('urn:example:2.0:Thing:name eq "x"', "'urn:example:2.0:Thing' is not a schema of User."),
        (f"{ENTERPRISE_USER.id} pr", "is a schema: name one of its attributes"),
        (f"{CORE_USER.id} pr", "is not a schema of User."),
        ('emails[kind eq "x"]', "'emails' has no sub-attribute 'kind'."),
        ('emails[emails.type eq "x"]', "'emails' has no sub-attribute 'emails.type'."),
        ('emails[urn:a:b:type eq "x"]', "'emails' has no sub-attribute 'urn:a:b:type'."),
        ('userName[value eq "x"]', "'userName' has no sub-attribute 'value'."),
        ('schemas[value eq "x"]', "'schemas' has no sub-attribute 'value'."),
        ('emails.type[value eq "x"]', "'type' has no sub-attribute 'value'."),
        ("active gt true", "'gt' does not apply to the boolean attribute 'active'."),
        ('active co "t"', "'co' does not apply to the boolean attribute 'active'."),
        ('meta.created co "2011"', "'co' does not apply to the dateTime attribute 'meta.created'."),
        ('x509Certificates.value sw "M"', "'sw' does not apply to the binary attribute 'x509Certificates.value'."),
        ('x509Certificates ge "M"', "'ge' does not apply to the binary attribute 'x509Certificates.value'."),
        ('name eq "x"', "'name' has sub-attributes: compare one of them, such as name.formatted."),
        ('addresses co "x"', "'addresses' has sub-attributes: compare one of them, such as addresses.formatted."),
        ("userName eq 5", "'userName' is compared with text in double quotes."),
        ("userName eq true", "'userName' is compared with text in double quotes."),
        ("userName co 5", "'userName' is compared with text in double quotes."),
        ("active eq 1", "'active' is compared with true or false."),
        ('active eq "yes"', "'active' is compared with true or false."),
        ('meta.created gt "yesterday"', "'meta.created' is compared with a date and time such as "),
        ('meta.created gt "2011-05-13"', "'meta.created' is compared with a date and time such as "),
        ("meta.created gt 2011", "'meta.created' is compared with a date and time such as "),
        ("userName gt null", "null can be compared by 'eq' and 'ne', not by 'gt'."),
        ('password eq "x"', "'password' can't be used in a filter."),
        ("password pr", "'password' can't be used in a filter."),
        ("not (password eq null)", "'password' can't be used in a filter."),
    ],
)
def test_what_means_nothing_is_refused_and_never_left_out(text: str, detail: str) -> None:
    with pytest.raises(InvalidFilter) as refusal:
        resolve(text)
    assert detail in refusal.value.detail


def test_the_condition_of_a_patch_path_resolves_against_its_attribute() -> None:
    emails = found("emails").attribute
    condition: Any = resolve_value_filter(parse_filter('TYPE eq "work"'), emails)
    assert (condition.path.attribute.name, condition.value) == ("type", "work")
    with pytest.raises(InvalidFilter, match="'emails' has no sub-attribute 'kind'."):
        resolve_value_filter(parse_filter('kind eq "x"'), emails)
    with pytest.raises(InvalidFilter, match="'type' has no sub-attribute 'value'."):
        resolve_value_filter(parse_filter('type[value eq "x"]'), emails)


class TestInstants:
    @pytest.mark.parametrize(
        "text",
        [
            "2011-05-13T04:42:34Z",
            "2011-05-13T04:42:34",
            "2011-05-13T04:42:34.000000000Z",
            "2011-05-13T06:42:34+02:00",
            "2011-05-12T20:42:34-08:00",
        ],
    )
    def test_one_instant_has_many_spellings(self, text: str) -> None:
        moment = read_instant(text)
        assert moment == datetime(2011, 5, 13, 4, 42, 34, tzinfo=UTC)
        assert moment.utcoffset() == timedelta(0)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "2011-05-13",
            "04:42:34Z",
            "2011-05-13 04:42:34Z",
            "2011-05-13t04:42:34z",
            "20110513T044234Z",
            "2011-W19-5T04:42:34Z",
            "2011-02-30T04:42:34Z",
            "2011-05-13T25:42:34Z",
            "2011-05-13T04:42:34+0200",
            "2011-05-13T04:42:34+99:00",
            "٢٠١١-05-13T04:42:34Z",
            "0001-01-01T00:00:00+14:00",
            "9999-12-31T23:59:59-14:00",
            "2011-05-13T04:42:34Z\n",
        ],
    )
    def test_other_texts_are_none(self, text: str) -> None:
        with pytest.raises(ValueError):
            read_instant(text)
