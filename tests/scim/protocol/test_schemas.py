"""The schema tables say what RFC 7643 section 8.7 says."""

from collections.abc import Iterator
from typing import Any

import pytest
import scim2_models

from scim.protocol.attributes import Attribute, Mutability, Returned, Schema, Type
from scim.protocol.schemas import (
    COMMON,
    CORE_GROUP,
    CORE_USER,
    ENTERPRISE_USER,
    RESOURCE_TYPE,
    SCHEMA,
    SCHEMAS,
    SERVICE_PROVIDER_CONFIG,
    USER,
)

# What another implementation of the RFC says about the same attributes.
SECOND_OPINIONS = [
    (CORE_USER, scim2_models.User),
    (ENTERPRISE_USER, scim2_models.EnterpriseUser),
    (CORE_GROUP, scim2_models.Group),
    (SERVICE_PROVIDER_CONFIG, scim2_models.ServiceProviderConfig),
    (RESOURCE_TYPE, scim2_models.ResourceType),
    (SCHEMA, scim2_models.Schema),
]

# Where it differs, and why we stay: section 8.7.1 says that these are not case-exact and that no manager is required.
# Our groups' names are unique within the organization, and their members' names are ours to say.
# "id" is a common attribute rather than one of ServiceProviderConfig.
DIFFERENCES = {
    ("User", "password"): {"case_exact"},
    ("User", "groups.value"): {"case_exact"},
    ("Group", "displayName"): {"uniqueness"},
    ("Group", "members.value"): {"case_exact"},
    ("Group", "members.display"): {"mutability"},
    ("EnterpriseUser", "manager.value"): {"case_exact", "required"},
    ("EnterpriseUser", "manager.$ref"): {"required"},
}
NOT_OURS = {"id"}


def walk(attributes: tuple[Attribute, ...], prefix: str = "") -> Iterator[tuple[str, Attribute]]:
    for attribute in attributes:
        yield prefix + attribute.name, attribute
        yield from walk(attribute.sub_attributes, f"{prefix}{attribute.name}.")


def theirs(attributes: list[scim2_models.Attribute], prefix: str = "") -> Iterator[tuple[str, dict[str, object]]]:
    for attribute in attributes:
        facts = attribute.model_dump()
        yield (
            prefix + facts["name"],
            {
                "type": facts["type"],
                "multi_valued": facts["multiValued"],
                "required": facts.get("required", False),
                "case_exact": facts.get("caseExact", False),
                "mutability": facts["mutability"],
                "returned": facts["returned"],
                "uniqueness": facts["uniqueness"],
                "canonical_values": tuple(facts.get("canonicalValues", ())),
                "reference_types": tuple(facts.get("referenceTypes", ())),
            },
        )
        yield from theirs(attribute.sub_attributes or [], f"{prefix}{facts['name']}.")


@pytest.mark.parametrize(("schema", "model"), SECOND_OPINIONS, ids=[schema.name for schema, _ in SECOND_OPINIONS])
def test_characteristics_agree_with_a_second_implementation(schema: Schema, model: Any) -> None:
    ours = dict(walk(schema.attributes))
    second = {
        path: facts
        for path, facts in theirs(model.to_schema().attributes)
        if path in ours or path.split(".")[0] not in NOT_OURS
    }
    assert list(ours) == list(second)
    for path, facts in second.items():
        different = {name for name, value in facts.items() if getattr(ours[path], name) != value}
        assert different == DIFFERENCES.get((schema.name, path), set()), path


@pytest.mark.clause("7643-3-6", "7643-3.1-1")
def test_common_attributes_are_part_of_resources_and_not_of_schemas() -> None:
    names = {attribute.name for attribute in COMMON}
    assert names == {"schemas", "id", "externalId", "meta"}
    assert names <= {attribute.name for attribute in USER.attributes}
    assert not names & {attribute.name for attribute in CORE_USER.attributes}


def test_id_and_schemas_are_always_returned_and_nothing_else_is() -> None:
    always = {path for path, attribute in walk(USER.attributes) if attribute.returned is Returned.ALWAYS}
    assert always == {"schemas", "id"}


@pytest.mark.clause("7643-4.1.1-13")
def test_passwords_can_be_written_and_never_read() -> None:
    password = CORE_USER.attribute("password")
    assert password is not None
    assert (password.mutability, password.returned) == (Mutability.WRITE_ONLY, Returned.NEVER)


def test_ids_external_ids_references_and_binaries_are_case_exact() -> None:
    exact = {path for path, attribute in walk(USER.attributes) if attribute.case_exact}
    assert {"id", "externalId", "meta.version", "photos.value", "profileUrl", "x509Certificates.value"} <= exact
    assert not {"userName", "emails.value", "displayName", "name.familyName"} & exact


@pytest.mark.clause("7643-7-7")
def test_every_attribute_is_described() -> None:
    assert [
        path for schema in SCHEMAS for path, attribute in walk(schema.attributes) if not attribute.description
    ] == []


@pytest.mark.clause("7643-1.2-1", "7643-7-6")
def test_complex_attributes_and_no_others_have_sub_attributes() -> None:
    for schema in SCHEMAS:
        for path, attribute in walk(schema.attributes):
            assert (attribute.type is Type.COMPLEX) == bool(attribute.sub_attributes), path


def test_schemas_are_listed_once_by_their_urn() -> None:
    assert [schema.id.removeprefix("urn:ietf:params:scim:schemas:") for schema in SCHEMAS] == [
        "core:2.0:User",
        "extension:enterprise:2.0:User",
        "core:2.0:Group",
        "core:2.0:ServiceProviderConfig",
        "core:2.0:ResourceType",
        "core:2.0:Schema",
    ]
