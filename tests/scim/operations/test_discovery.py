"""What the server says of itself is what it does (RFC 7643 sections 5 to 7, RFC 7644 section 4)."""

from typing import Any

import pytest

from scim.operations import provider
from scim.protocol.schemas import CORE_USER
from tests.identity_provider import Idp, read
from users.models import Role

USER = "urn:ietf:params:scim:schemas:core:2.0:User"


@pytest.mark.clause("7643-1.1-1", "7644-4-1")
def test_the_configuration_claims_nothing_that_is_not_there(idp: Idp) -> None:
    config = read(idp.get("/ServiceProviderConfig"))
    assert config["schemas"] == ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"]
    supported = {
        name: value["supported"]
        for name, value in config.items()
        if isinstance(value, dict) and name not in ("meta", "pagination")
    }
    assert supported == {
        "patch": True,
        "bulk": True,
        "filter": True,
        "changePassword": False,
        "sort": True,
        "etag": True,
    }
    assert [scheme["type"] for scheme in config["authenticationSchemes"]] == ["oauthbearertoken"]
    assert config["filter"]["maxResults"] == provider.MAX_RESULTS


@pytest.mark.clause("7643-6-6", "7643-6-8")
def test_the_resource_types_lead_to_endpoints_and_schemas_that_are_there(idp: Idp) -> None:
    listed = read(idp.get("/ResourceTypes"))
    assert listed["totalResults"] == len(listed["Resources"]) == 2
    user, group = listed["Resources"]
    assert (group["name"], group["endpoint"], group["schemaExtensions"]) == ("Group", "/Groups", [])
    assert read(idp.get("/ResourceTypes/Group")) == group
    assert idp.get(group["endpoint"]).status_code == 200
    assert read(idp.get(f"/Schemas/{group['schema']}"))["id"] == group["schema"]
    assert user["name"] == "User"
    assert idp.get(user["endpoint"]).status_code == 200
    for urn in (user["schema"], *(extension["schema"] for extension in user["schemaExtensions"])):
        assert read(idp.get(f"/Schemas/{urn}"))["id"] == urn
    assert read(idp.get("/ResourceTypes/User")) == user


@pytest.mark.clause("7644-4-2")
def test_every_schema_of_the_list_can_be_read_alone(idp: Idp) -> None:
    listed = read(idp.get("/Schemas"))
    assert listed["totalResults"] == listed["itemsPerPage"] == len(listed["Resources"])
    for schema in listed["Resources"]:
        assert read(idp.get(f"/Schemas/{schema['id']}")) == schema
        assert schema["meta"]["location"].endswith(f"/Schemas/{schema['id']}")


def test_every_attribute_of_a_user_stands_in_its_schema(idp: Idp) -> None:
    user = idp.create(title="x", emails=[{"value": "ada@acme.test", "type": "work", "primary": True, "display": "A"}])
    schema: dict[str, Any] = read(idp.get(f"/Schemas/{USER}"))
    described = {attribute["name"]: attribute for attribute in schema["attributes"]}
    assert user.keys() - {"schemas", "id", "externalId", "meta"} <= described.keys()
    assert user["emails"][0].keys() == {sub["name"] for sub in described["emails"]["subAttributes"]}


@pytest.mark.parametrize("path", ["/ResourceTypes/Nope", "/Schemas/urn:nope"])
def test_what_is_not_there_is_404(idp: Idp, path: str) -> None:
    assert idp.get(path).status_code == 404


@pytest.mark.clause("7644-4-5")
@pytest.mark.parametrize("path", ["/ServiceProviderConfig", "/ResourceTypes", "/Schemas"])
def test_filters_are_forbidden(idp: Idp, path: str) -> None:
    assert idp.get(path, {"filter": 'name eq "x"'}).status_code == 403


@pytest.mark.clause("7644-4-4")
@pytest.mark.parametrize("path", ["/ResourceTypes", "/Schemas"])
def test_paging_and_sorting_are_ignored(idp: Idp, path: str) -> None:
    assert read(idp.get(path, {"startIndex": 5, "count": 1, "sortBy": "id"})) == read(idp.get(path))


def role_values(idp: Idp) -> list[list[str]]:
    """What both documents say that a role can be."""
    listed = read(idp.get("/Schemas"))["Resources"]
    documents = [next(schema for schema in listed if schema["id"] == CORE_USER.id)]
    documents.append(read(idp.get(f"/Schemas/{CORE_USER.id.upper()}")))
    found = []
    for document in documents:
        roles = next(attribute for attribute in document["attributes"] if attribute["name"] == "roles")
        value = next(sub for sub in roles["subAttributes"] if sub["name"] == "value")
        found.append(value["canonicalValues"])
    return found


def test_the_canonical_roles_are_those_of_the_organization_that_can_be_given(idp: Idp, anonymous: Idp) -> None:
    all_of_them = ["Admin", "App management", "Domain manager", "Finance", "HR", "IT", "Read-only"]
    Role.objects.of(idp.organization.pk).filter(name="HR").update(is_enabled=False)
    Role.objects.of(idp.organization.pk).filter(name="IT").update(name="Ingenieure")
    ours = ["Admin", "App management", "Domain manager", "Finance", "Ingenieure", "Read-only"]
    assert role_values(idp) == [ours, ours]
    assert role_values(anonymous) == [all_of_them, all_of_them]
