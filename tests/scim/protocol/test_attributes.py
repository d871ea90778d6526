"""How a name finds its attribute (RFC 7643 section 2.1, RFC 7644 section 3.10)."""

import pytest

from scim.protocol.attributes import AttributePath, ResolvedPath
from scim.protocol.errors import InvalidPath
from scim.protocol.grammar import parse_attribute_path
from scim.protocol.schemas import CORE_USER, ENTERPRISE_USER, USER


def resolve(text: str) -> ResolvedPath:
    return USER.resolve(parse_attribute_path(text))


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("userName", ("userName",)),
        ("USERNAME", ("userName",)),
        ("name.familyName", ("name", "familyName")),
        ("emails.VALUE", ("emails", "value")),
        ("id", ("id",)),
        ("externalid", ("externalId",)),
        ("meta.lastModified", ("meta", "lastModified")),
        (f"{CORE_USER.id}:userName", ("userName",)),
        (f"{CORE_USER.id.upper()}:NAME.GIVENNAME", ("name", "givenName")),
        (f"{ENTERPRISE_USER.id}:department", (ENTERPRISE_USER.id, "department")),
        (f"{ENTERPRISE_USER.id.lower()}:manager.$REF", (ENTERPRISE_USER.id, "manager", "$ref")),
        (ENTERPRISE_USER.id, (ENTERPRISE_USER.id,)),
    ],
)
def test_a_path_leads_to_the_member_in_its_canonical_spelling(text: str, keys: tuple[str, ...]) -> None:
    assert resolve(text).keys == keys


@pytest.mark.parametrize(
    "text",
    [
        "nope",
        "userName.value",
        "name.nope",
        "department",
        f"{ENTERPRISE_USER.id}:userName",
        "urn:example:nobody:1.0:Nobody:name",
        CORE_USER.id,
    ],
)
def test_what_no_schema_defines_is_an_invalid_path(text: str) -> None:
    with pytest.raises(InvalidPath):
        resolve(text)


@pytest.mark.parametrize("text", ["userName", "name.familyName", f"{ENTERPRISE_USER.id}:manager.value"])
def test_a_resolved_path_prints_as_it_is_written(text: str) -> None:
    assert str(resolve(text)) == text
    assert str(parse_attribute_path(text)) == text


def test_an_extension_is_one_complex_member_of_the_resource() -> None:
    path = resolve(ENTERPRISE_USER.id)
    assert path.attribute.sub_attributes == ENTERPRISE_USER.attributes
    assert USER.attribute(ENTERPRISE_USER.id.upper()) is path.attribute
    assert USER.extension(ENTERPRISE_USER.id.upper()) is ENTERPRISE_USER


def test_addresses_compare_by_their_canonical_form_and_ids_as_they_are() -> None:
    def key(name: str, text: str) -> str:
        return USER.resolve(AttributePath(None, *name.split("."))).leaf.key(text)

    assert key("userName", "Ann@BÜCHER.example") == "ann@xn--bcher-kva.example"
    assert key("emails.value", " Ann@Example.com ") == "ann@example.com"
    assert key("displayName", "STRASSE") == key("displayName", "Straße")
    assert key("externalId", "A1") != key("externalId", "a1")
