"""Which attributes an answer shows (RFC 7644 section 3.9, RFC 7643 section 7 "returned")."""

from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim.protocol.attributes import Attribute, Resource, ResourceType, Returned, Schema, Type
from scim.protocol.errors import InvalidValue
from scim.protocol.projection import EVERYTHING, Projection
from scim.protocol.schemas import CORE_USER, ENTERPRISE_USER, USER
from tests.scim.protocol.trees import Sample

E = ENTERPRISE_USER.id
ALWAYS: Resource = {"schemas": [CORE_USER.id, E], "id": "1"}
ANN: Resource = {
    **ALWAYS,
    "userName": "ann@example.com",
    "name": {"familyName": "O'Malley", "givenName": "Ann"},
    "active": False,
    "emails": [{"value": "ann@example.com", "type": "work"}, {"value": "a@example.org"}],
    E: {"department": "R&D", "manager": {"value": "26", "displayName": "Mo"}},
    "meta": {"resourceType": "User", "version": 'W/"1"'},
}


def only(names: str) -> Resource:
    return Projection.parse(names, None, USER).apply(ANN)


def without(names: str) -> Resource:
    return Projection.parse(None, names, USER).apply(ANN)


@pytest.mark.clause("7644-3.4.2.5-3", "7644-3.9-2")
@pytest.mark.parametrize(
    ("names", "shown"),
    [
        ("userName", {"userName": "ann@example.com"}),
        ("USERNAME, Active", {"userName": "ann@example.com", "active": False}),
        ("name.familyName", {"name": {"familyName": "O'Malley"}}),
        ("name.familyName,name", {"name": {"familyName": "O'Malley", "givenName": "Ann"}}),
        ("emails.type", {"emails": [{"type": "work"}]}),
        ("emails.display", {}),
        ("meta.version", {"meta": {"version": 'W/"1"'}}),
        (E, {E: ANN[E]}),
        (f"{E}:department", {E: {"department": "R&D"}}),
        (f"{E}:manager.displayName", {E: {"manager": {"displayName": "Mo"}}}),
        (f"{CORE_USER.id}:userName", {"userName": "ann@example.com"}),
        (f"{CORE_USER.id}:name.givenName", {"name": {"givenName": "Ann"}}),
        (CORE_USER.id, {key: ANN[key] for key in ("userName", "name", "active", "emails")}),
        ("id", {}),
        ("password", {}),
        ("shoeSize,members, ,,userName", {"userName": "ann@example.com"}),
        ("shoeSize", {}),
        ('emails[type eq "work"]', {}),
    ],
)
def test_attributes_shows_what_is_named_and_what_is_always_returned(names: str, shown: Resource) -> None:
    assert only(names) == ALWAYS | shown


@pytest.mark.clause("7644-3.4.2.5-4", "7644-3.4.2.5-5", "7644-3.9-3")
@pytest.mark.parametrize(
    ("names", "changes"),
    [
        ("userName", {"userName": None}),
        ("name,EMAILS", {"name": None, "emails": None}),
        ("name.familyName", {"name": {"givenName": "Ann"}}),
        ("name.familyName,name.givenName", {"name": None}),
        ("emails.type", {"emails": [{"value": "ann@example.com"}, {"value": "a@example.org"}]}),
        ("emails.value", {"emails": [{"type": "work"}]}),
        (E, {E: None}),
        (f"{E}:manager", {E: {"department": "R&D"}}),
        (f"{E}:manager.value", {E: {"department": "R&D", "manager": {"displayName": "Mo"}}}),
        ("id,schemas", {}),
        ("members,password,shoeSize", {}),
    ],
)
def test_excluded_attributes_takes_away_what_is_named_but_for_what_is_always_returned(
    names: str, changes: Resource
) -> None:
    assert without(names) == {key: value for key, value in (ANN | changes).items() if value is not None}


def test_a_value_that_should_have_parts_and_has_none_is_shown_as_it_is() -> None:
    assert Projection.parse("name.familyName", None, USER).apply({"name": "Ann"}) == {"name": "Ann"}


def test_the_order_of_members_is_kept() -> None:
    assert list(only("meta,userName")) == ["schemas", "id", "userName", "meta"]


@pytest.mark.parametrize("nothing", [None, ""])
def test_a_request_that_names_nothing_gets_everything(nothing: str | None) -> None:
    assert Projection.parse(nothing, nothing, USER) is EVERYTHING
    assert EVERYTHING.apply(ANN) is ANN


def test_both_at_once_are_refused() -> None:
    with pytest.raises(InvalidValue, match="exclude each other"):
        Projection.parse("userName", "emails", USER)


class TestReturnability:
    """With a type that has what users don't: attributes returned on request, and always below the top."""

    THING = ResourceType(
        "Thing",
        "Things",
        "/Things",
        Schema(
            "urn:example:2.0:Thing",
            "Thing",
            "A thing.",
            (
                Attribute("plain"),
                Attribute("costly", returned=Returned.REQUEST),
                Attribute("secret", returned=Returned.NEVER),
                Attribute(
                    "parts",
                    type=Type.COMPLEX,
                    multi_valued=True,
                    sub_attributes=(
                        Attribute("value", returned=Returned.ALWAYS),
                        Attribute("color"),
                        Attribute("weight", returned=Returned.REQUEST),
                    ),
                ),
            ),
        ),
    )
    ROCK: Resource = {
        "plain": "p",
        "costly": "c",
        "secret": "s",
        "parts": [{"value": "v", "color": "c", "weight": "w"}],
    }

    @pytest.mark.parametrize(
        ("attributes", "excluded", "shown"),
        [
            (None, None, {"plain": "p", "parts": [{"value": "v", "color": "c"}]}),
            ("costly", None, {"costly": "c"}),
            ("secret", None, {}),
            ("parts", None, {"parts": [{"value": "v", "color": "c"}]}),
            ("parts.color", None, {"parts": [{"value": "v", "color": "c"}]}),
            ("parts.weight", None, {"parts": [{"value": "v", "weight": "w"}]}),
            (None, "plain", {"parts": [{"value": "v", "color": "c"}]}),
            (None, "parts.value,parts.color", {"plain": "p", "parts": [{"value": "v"}]}),
            (None, "costly", {"plain": "p", "parts": [{"value": "v", "color": "c"}]}),
        ],
    )
    def test_returned(self, attributes: str | None, excluded: str | None, shown: Resource) -> None:
        assert Projection.parse(attributes, excluded, self.THING).apply(self.ROCK) == shown


NAMES = st.lists(
    st.sampled_from([path.name for path in USER.attributes] + ["name.familyName", "emails.value", f"{E}:manager", "x"])
).map(",".join)


@given(NAMES, st.booleans(), Sample().users())
def test_a_projection_leaves_the_resource_alone_and_is_done_once(names: str, include: bool, user: Resource) -> None:
    before = deepcopy(user)
    projection = Projection.parse(names if include else None, None if include else names, USER)
    shown = projection.apply(user)
    assert user == before
    assert projection.apply(shown) == shown
    assert {key: shown.get(key) for key in ("id", "schemas")} == {key: user.get(key) for key in ("id", "schemas")}
