"""What clients send becomes a resource in canonical form, or a refusal that names the attribute."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim.protocol import errors
from scim.protocol.attributes import Attribute, ResourceType, Schema, Type
from scim.protocol.schemas import USER
from scim.protocol.validation import MAX_TEXT, MAX_VALUES, check_resource, read_resource
from tests.scim.protocol.samples import BARBARA, CORE, ENTERPRISE, person

# Every type of RFC 7643 section 2.3, since User lacks some.
EVERYTHING = ResourceType(
    "Thing",
    "Things",
    "/Things",
    Schema(
        "urn:example:Thing",
        "Thing",
        "One attribute of every type.",
        (
            Attribute("when", type=Type.DATETIME),
            Attribute("count", type=Type.INTEGER),
            Attribute("weight", type=Type.DECIMAL),
            Attribute("blob", type=Type.BINARY),
            Attribute("link", type=Type.REFERENCE),
            Attribute("flag", type=Type.BOOLEAN),
            Attribute("tags", multi_valued=True),
        ),
    ),
)


def read(body: dict[str, Any]) -> dict[str, Any]:
    return read_resource(body, USER)[0]


def thing(**attributes: Any) -> dict[str, Any]:
    resource = read_resource({"schemas": ["urn:example:Thing"], **attributes}, EVERYTHING)[0]
    return {name: value for name, value in resource.items() if name != "schemas"}


class TestCanonicalForm:
    def test_the_rfcs_full_user_comes_through_without_what_the_server_sets(self) -> None:
        expected = deepcopy(BARBARA)
        for name in ("id", "meta", "groups", "password"):
            del expected[name]
        del expected[ENTERPRISE]["manager"]["displayName"]
        assert read(BARBARA) == expected

    def test_reading_leaves_the_body_alone(self) -> None:
        body = deepcopy(BARBARA)
        read(body)
        assert body == BARBARA

    def test_reading_what_was_read_changes_nothing(self) -> None:
        once = read(BARBARA)
        assert read(once) == once

    def test_names_and_urns_are_read_in_any_letter_case(self) -> None:
        body = {
            "SCHEMAS": [CORE],
            "USERNAME": "Pat@example.com",
            "Name": {"FAMILYname": "Doe"},
            "eMails": [{"VALUE": "a@example.com"}],
            ENTERPRISE.upper(): {"DEPARTMENT": "R&D"},
        }
        assert read(body) == {
            "schemas": [CORE, ENTERPRISE],
            "userName": "Pat@example.com",
            "name": {"familyName": "Doe"},
            "emails": [{"value": "a@example.com"}],
            ENTERPRISE: {"department": "R&D"},
        }

    @pytest.mark.clause("7643-2.5-1")
    def test_null_and_empty_mean_no_value(self) -> None:
        assert "emails" not in person(emails=None)
        assert "emails" not in person(emails=[])
        assert "emails" not in person(emails=[None, {}, {"value": None}])
        assert "name" not in person(name={"givenName": None})
        assert ENTERPRISE not in person(**{ENTERPRISE: {"department": None}})

    @pytest.mark.parametrize("blank", ["", " ", "\t\n", "\u00a0", "\u200b", "\u3164", "\u2800 \ufeff"])
    def test_a_text_that_shows_nothing_is_no_value(self, blank: str) -> None:
        assert person(title=blank, profileUrl=blank, name={"givenName": blank}, emails=[{"value": blank}]) == person()
        assert person(**{ENTERPRISE: {"manager": blank, "department": blank}}) == person()
        with pytest.raises(errors.InvalidValue, match="'userName' is required"):
            person(userName=blank)

    @pytest.mark.clause("7643-3-3")
    def test_schemas_tell_what_is_there_rather_than_what_was_sent(self) -> None:
        sent_without = read({"schemas": [CORE, ENTERPRISE], "userName": "pat@example.com"})
        unsent_with = read({"schemas": [CORE], "userName": "pat@example.com", ENTERPRISE: {"department": "R&D"}})
        assert sent_without["schemas"] == [CORE]
        assert unsent_with["schemas"] == [CORE, ENTERPRISE]

    @pytest.mark.parametrize(
        ("sent", "kept"),
        [
            ("2011-05-13T04:42:34Z", "2011-05-13T04:42:34.000Z"),
            ("2011-05-13T06:42:34+02:00", "2011-05-13T04:42:34.000Z"),
            ("2011-05-13T04:42:34", "2011-05-13T04:42:34.000Z"),
        ],
    )
    def test_instants_are_kept_in_utc(self, sent: str, kept: str) -> None:
        assert thing(when=sent) == {"when": kept}

    @pytest.mark.clause("7643-2.3.6-1")
    @pytest.mark.parametrize("sent", ["+/+/AA==", "-_-_AA==", "-_-_AA", "+/+/\r\nAA==\n"])
    def test_binaries_come_in_both_alphabets_and_are_kept_in_one(self, sent: str) -> None:
        assert thing(blob=sent) == {"blob": "+/+/AA=="}

    def test_other_types_stay_as_they_are(self) -> None:
        values = {"count": -3, "weight": 2.5, "link": "../Users/1", "flag": False, "tags": ["a", "b"]}
        assert thing(**values) == values
        assert thing(weight=2) == {"weight": 2}


class TestRefusals:
    @pytest.mark.parametrize(
        ("attributes", "reason"),
        [
            ({"userName": 5}, "'userName' takes a text, not a number"),
            ({"title": True}, "'title' takes a text, not a boolean"),
            ({"title": ["a", "b"]}, "'title' takes a text, not a list"),
            ({"title": {"a": 1}}, "'title' takes a text, not an object"),
            ({"active": 1}, "'active' takes true or false, not a number"),
            ({"active": "perhaps"}, "'active' takes true or false, not a text"),
            ({"name": "Pat"}, "'name' takes an object, not a text"),
            ({"name": {"givenName": 5}}, "'name.givenName' takes a text"),
            ({"emails": 5}, "'emails' takes a list, not a number"),
            ({"emails": [5]}, "'emails' takes an object, not a number"),
            ({"emails": [["a@example.com"]]}, "'emails' takes an object, not a list"),
            ({"title": [["x"]]}, "'title' takes a text, not a list"),
            ({"title": [{"value": "x"}]}, "'title' takes a text, not a list"),
            ({"title": {"value": {"value": "x"}}}, "'title' takes a text, not an object"),
            ({"title": {"value": ["x"]}}, "'title' takes a text, not an object"),
            ({"emails": [{"value": 5}]}, "'emails.value' takes a text"),
            ({"emails": [{"value": "a@example.com", "primary": "x"}]}, "'emails.primary' takes true or false"),
            ({"addresses": ["Main St"]}, "'addresses' takes an object, not a text"),
            ({"profileUrl": 5}, "'profileUrl' takes a URI as text"),
            ({"x509Certificates": [{"value": "no base64!"}]}, "'x509Certificates.value' takes a text in base64"),
            ({ENTERPRISE: "R&D"}, "takes an object, not a text"),
            ({ENTERPRISE: {"manager": {"value": 5}}}, "User.manager.value' takes a text"),
            ({"title": "x" * (MAX_TEXT + 1)}, "'title' is longer than 1,024 characters"),
            ({"x509Certificates": [{"value": "A" * 8196}]}, "longer than 8,192 characters"),
            ({"emails": [{"value": f"{n}@example.com"} for n in range(MAX_VALUES + 1)]}, "has 101 values"),
            (
                {"emails": [{"value": "a@b.example", "primary": True}, {"value": "c@d.example", "primary": True}]},
                "Only one of the values of 'emails'",
            ),
        ],
    )
    def test_a_value_that_does_not_fit_is_named_with_what_fits(self, attributes: dict[str, Any], reason: str) -> None:
        with pytest.raises(errors.InvalidValue, match=reason):
            person(**attributes)

    @pytest.mark.parametrize("attribute", ["when", "blob", "count", "weight", "link", "flag"])
    @pytest.mark.parametrize("value", [[1, 2], {"a": 1}])
    def test_every_simple_type_refuses_lists_and_objects(self, attribute: str, value: Any) -> None:
        with pytest.raises(errors.InvalidValue, match=f"'{attribute}' takes"):
            thing(**{attribute: value})

    @pytest.mark.parametrize("attribute", ["when", "blob", "count", "weight", "flag"])
    def test_text_is_not_taken_for_another_type(self, attribute: str) -> None:
        with pytest.raises(errors.InvalidValue, match=f"'{attribute}' takes"):
            thing(**{attribute: "nonsense!"})

    @pytest.mark.clause("7643-2.3.5-1", "7643-2.3.5-2", "7643-2.3.5-3")
    @pytest.mark.parametrize("value", ["2011-05-13", "2011-02-30T00:00:00Z", "tomorrow", "2011-W01-1T00:00:00Z"])
    def test_only_a_full_date_and_time_is_an_instant(self, value: str) -> None:
        with pytest.raises(errors.InvalidValue, match="date and time"):
            thing(when=value)

    @pytest.mark.clause("7643-2.3.4-1")
    @pytest.mark.parametrize("value", [True, 2.5])
    def test_neither_booleans_nor_fractions_are_whole_numbers(self, value: Any) -> None:
        with pytest.raises(errors.InvalidValue, match="whole number"):
            thing(count=value)

    @pytest.mark.clause("7643-4.1.1-1")
    @pytest.mark.parametrize("body", [{}, {"userName": None}, {"schemas": [CORE], "userName": []}])
    def test_the_user_name_is_required(self, body: dict[str, Any]) -> None:
        with pytest.raises(errors.InvalidValue, match="'userName'"):
            read(body)

    @pytest.mark.parametrize(
        "attributes",
        [
            {"name": {"givenName": "a", "GIVENNAME": "b"}},
            {"emails": [{"value": "a@b.example", "Value": "b@b.example"}]},
            {ENTERPRISE: {"department": "a"}, ENTERPRISE.upper(): {"department": "b"}},
        ],
    )
    def test_one_attribute_in_two_spellings_is_refused(self, attributes: dict[str, Any]) -> None:
        with pytest.raises(errors.InvalidSyntax, match="twice"):
            person(**attributes)


class TestAdvice:
    def test_a_client_that_keeps_to_the_rfcs_gets_none(self) -> None:
        body = {name: value for name, value in BARBARA.items() if name != "password"}
        assert read_resource(body, USER)[1] == ()

    @pytest.mark.parametrize(
        ("attributes", "sentence"),
        [
            ({"shoeSize": 43}, "'shoeSize' is not an attribute of this resource and was left out."),
            (
                {"name": {"nick": "x", "givenName": None}},
                "'name.nick' is not an attribute of this resource and was left out.",
            ),
            ({"password": "secret"}, "'password' was not kept; this server has no use for it."),
            ({"schemas": None}, f"'schemas' should be a list with {CORE}; the body was read as if it were."),
            ({"schemas": [CORE, "urn:x:y"]}, "'urn:x:y' belongs to a schema that is not known here; it was left out."),
            ({"emails": [{"value": " "}, None, ""]}, "'emails' was sent without a value, so it changes nothing."),
            ({"name": {}}, "'name' was sent without a value, so it changes nothing."),
        ],
    )
    def test_what_was_left_out_is_told(self, attributes: dict[str, Any], sentence: str) -> None:
        body = {"schemas": [CORE], "userName": "pat@example.com", **attributes}
        resource, notices = read_resource(body, USER)
        assert resource == person()
        assert notices == (sentence,)

    def test_advice_is_given_once_and_not_without_end(self) -> None:
        many = {f"unknown{n}": n for n in range(1000)}
        assert len(read_resource({"userName": "pat@example.com", **many}, USER)[1]) == 20
        twice = [{"value": "a@b.example", "x": 1}, {"value": "c@d.example", "x": 1}]
        assert len(read_resource({"schemas": [CORE], "userName": "pat@example.com", "emails": twice}, USER)[1]) == 1

    def test_a_password_never_gets_into_an_advice(self) -> None:
        _, notices = read_resource({"userName": "pat@example.com", "password": "t1meMa$heen"}, USER)
        assert "t1meMa$heen" not in "".join(notices)


class TestChecking:
    def test_a_resource_that_was_read_passes(self) -> None:
        check_resource(read(BARBARA), USER)

    @pytest.mark.parametrize(
        "broken",
        [
            {"schemas": [CORE]},
            {"userName": "a", "emails": [{"value": "x", "primary": True}, {"value": "y", "primary": True}]},
            {"userName": "a", "emails": [{"value": str(n)} for n in range(MAX_VALUES + 1)]},
        ],
    )
    def test_what_no_single_value_shows_is_found(self, broken: dict[str, Any]) -> None:
        with pytest.raises(errors.InvalidValue):
            check_resource(broken, USER)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["value", "type", "primary", "givenName", "x", "$ref"]), inner, max_size=3)
    ),
    max_leaves=8,
)
NAMES = st.sampled_from(
    [attribute.name for attribute in USER.attributes]
    + [
        "name.givenName",
        "emails.value",
        f"{ENTERPRISE}:department",
        "x",
        "",
        ".",
        ":",
        "a[",
        'emails[type eq "x"].value',
    ]
)


@given(st.dictionaries(NAMES, ANYTHING, max_size=6))
def test_any_object_is_read_or_refused_and_what_was_read_reads_as_itself(body: dict[str, Any]) -> None:
    try:
        resource = read({**body, "userName": "pat@example.com"})
    except errors.ScimError as error:
        assert error.status == 400
        return
    assert read(resource) == resource
    assert "password" not in resource
