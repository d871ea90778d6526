"""The documents that describe this server, read off the tables (RFC 7643 sections 5 to 7)."""

from collections.abc import Mapping
from functools import cache

from core.json_values import Json
from scim.operations.provider import AUTHENTICATION_SCHEMES, FEATURES
from scim.protocol.attributes import Attribute, Resource, ResourceType, Schema, Type
from scim.protocol.schemas import (
    CORE_GROUP,
    CORE_USER,
    GROUP,
    RESOURCE_TYPE,
    SCHEMA,
    SCHEMAS,
    SERVICE_PROVIDER_CONFIG,
    USER,
)
from scim.storage.credentials import Principal
from users.models import Role

Canonical = Mapping[Attribute | None, tuple[str, ...]]

_ROLE = next(attribute for attribute in CORE_USER.attributes if attribute.name == "roles").sub_attribute("value")


def offered_types(principal: Principal) -> tuple[ResourceType, ...]:
    """The resource types that the connection offers."""
    return (USER, GROUP) if principal.manages_groups else (USER,)


def offered_schemas(principal: Principal) -> tuple[Schema, ...]:
    """The schemas of those types, and the ones that describe the server."""
    return SCHEMAS if principal.manages_groups else tuple(each for each in SCHEMAS if each is not CORE_GROUP)


@cache
def service_provider_config(base_url: str) -> Resource:
    """What the server offers (RFC 7643 section 5)."""
    return {
        "schemas": [SERVICE_PROVIDER_CONFIG.id],
        **FEATURES,
        "authenticationSchemes": AUTHENTICATION_SCHEMES,
        "meta": _meta("ServiceProviderConfig", f"{base_url}/ServiceProviderConfig"),
    }


def resource_types(principal: Principal, base_url: str) -> list[Json]:
    """Every resource type."""
    return [resource_type(kind, base_url) for kind in offered_types(principal)]


def resource_type(kind: ResourceType, base_url: str) -> Resource:
    """One resource type (RFC 7643 section 6)."""
    return {
        "schemas": [RESOURCE_TYPE.id],
        "id": kind.name,
        "name": kind.name,
        "description": kind.description,
        "endpoint": kind.endpoint,
        "schema": kind.schema.id,
        "schemaExtensions": [{"schema": extension.id, "required": False} for extension in kind.extensions],
        "meta": _meta("ResourceType", f"{base_url}/ResourceTypes/{kind.name}"),
    }


def schemas(principal: Principal, base_url: str) -> list[Json]:
    """Every schema."""
    return [schema(each, principal, base_url) for each in offered_schemas(principal)]


def schema(described: Schema, principal: Principal, base_url: str) -> Resource:
    """One schema (RFC 7643 section 7); the one of users names the organization's roles."""
    canonical = {_ROLE: _role_names(principal)} if described is CORE_USER else {}
    return {
        "schemas": [SCHEMA.id],
        "id": described.id,
        "name": described.name,
        "description": described.description,
        "attributes": [_attribute(attribute, canonical) for attribute in described.attributes],
        "meta": _meta("Schema", f"{base_url}/Schemas/{described.id}"),
    }


def _role_names(principal: Principal) -> tuple[str, ...]:
    roles = Role.objects.of(principal.organization_id).filter(is_enabled=True)
    return tuple(sorted(roles.values_list("name", flat=True)))


def _attribute(attribute: Attribute, canonical: Canonical) -> Json:
    """``canonical`` are the canonical values that differ from one organization to another."""
    shown: dict[str, Json] = {
        "name": attribute.name,
        "type": str(attribute.type),
        "multiValued": attribute.multi_valued,
        "description": attribute.description,
        "required": attribute.required,
        "mutability": str(attribute.mutability),
        "returned": str(attribute.returned),
    }
    if attribute.type is Type.COMPLEX:
        return shown | {"subAttributes": [_attribute(sub, canonical) for sub in attribute.sub_attributes]}
    shown |= {"caseExact": attribute.case_exact, "uniqueness": str(attribute.uniqueness)}
    if values := canonical.get(attribute, attribute.canonical_values):
        shown["canonicalValues"] = list(values)
    if attribute.reference_types:
        shown["referenceTypes"] = list(attribute.reference_types)
    return shown


def _meta(kind: str, location: str) -> Json:
    return {"resourceType": kind, "location": location}
