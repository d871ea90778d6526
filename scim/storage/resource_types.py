"""The resource types as they are stored: each schema with the place of every attribute."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.checks import CheckMessage, Error

from scim.protocol import schemas
from scim.protocol.attributes import Attribute, ResourceType, Returned, Type
from scim.storage import sql
from scim.storage.bindings import (
    Address,
    Binding,
    Exact,
    FlagColumn,
    Folded,
    IdColumn,
    InstantColumn,
    Members,
    Memberships,
    Rows,
    TextColumn,
)

# What the document can be searched for: its booleans and texts (the others have no JSON type of their own).
CASED = frozenset({Type.STRING, Type.REFERENCE, Type.BINARY})
SEARCHABLE = CASED | {Type.BOOLEAN, Type.COMPLEX}


@dataclass(frozen=True, slots=True)
class StoredType:
    """A resource type and its bindings, by the attribute's name as ``ResolvedPath`` prints it.

    ``tenant`` is the sub-select that gives the organization's id if the token may see resources of this type,
    ``related`` the condition on a row that other rows, those of members, belong to it.
    A complex attribute's binding is that of its parts, where these have none of their own.
    """

    resource_type: ResourceType
    bindings: Mapping[str, Binding]
    table: str = "users_user"
    tenant: str = sql.TENANT
    related: str = sql.IN_GROUPS


_ENTERPRISE = schemas.ENTERPRISE_USER.id

USER = StoredType(
    schemas.USER,
    {
        "schemas": Exact(),
        "id": IdColumn(),
        "externalId": TextColumn("external_id"),
        "meta": Exact(),
        "meta.created": InstantColumn("created_at"),
        "meta.lastModified": InstantColumn("updated_at"),
        "meta.location": Address(),
        "userName": TextColumn("user_name_key"),
        "name": Folded(),
        "displayName": Folded(),
        "nickName": Folded(),
        "profileUrl": Exact(),
        "title": Folded(),
        "userType": Folded(),
        "preferredLanguage": Folded(),
        "locale": Folded(),
        "timezone": Folded(),
        "active": FlagColumn("is_active"),
        "emails": Rows("emails"),
        "phoneNumbers": Folded(),
        "ims": Folded(),
        "photos": Folded(),
        "photos.value": Exact(),
        "addresses": Folded(),
        "groups": Memberships(),
        "entitlements": Folded(),
        "roles": Folded(),
        "x509Certificates": Folded(),
        "x509Certificates.value": Exact(),
        f"{_ENTERPRISE}:employeeNumber": Folded(),
        f"{_ENTERPRISE}:costCenter": Folded(),
        f"{_ENTERPRISE}:organization": Folded(),
        f"{_ENTERPRISE}:division": Folded(),
        f"{_ENTERPRISE}:department": Folded(),
        f"{_ENTERPRISE}:manager": Folded(),
        f"{_ENTERPRISE}:manager.$ref": Exact(),
    },
)


GROUP = StoredType(
    schemas.GROUP,
    {
        "schemas": Exact(),
        "id": IdColumn(),
        "externalId": TextColumn("external_id"),
        "meta": Exact(),
        "meta.created": InstantColumn("created_at"),
        "meta.lastModified": InstantColumn("updated_at"),
        "meta.location": Address(),
        "displayName": TextColumn("display_name_key"),
        "members": Members(),
    },
    table="users_group",
    tenant=sql.GROUPS_TENANT,
    related=sql.HAS_MEMBERS,
)


def check_bindings(app_configs: Any = None, **_options: Any) -> list[CheckMessage]:
    """Django's system check: just the attributes that a filter may name have a binding, and it suits them."""
    return [Error(fault, id="scim.E001") for stored in (USER, GROUP) for fault in _faults(stored)]


def _faults(stored: StoredType) -> Iterator[str]:
    used = set()
    for whole, name, attribute in _attributes(stored.resource_type):
        place = name if name in stored.bindings else whole
        used.add(place)
        match stored.bindings.get(place):
            case None:
                yield f"{stored.resource_type.name}: nothing says where '{name}' is stored."
            case Folded() | Exact() if attribute.type not in SEARCHABLE:
                yield f"{stored.resource_type.name}: '{name}' is of a type that the document can't be searched for."
            case Folded() | Exact() as place_of if attribute.type in CASED and attribute.case_exact != (
                place_of == Exact()
            ):
                yield f"{stored.resource_type.name}: '{name}' is bound to the document with the wrong letter case."
    for name in stored.bindings.keys() - used:
        yield f"{stored.resource_type.name}: '{name}' is bound, but no filter can name it."


def _attributes(resource_type: ResourceType) -> Iterator[tuple[str, str, Attribute]]:
    """Every attribute that a filter may name: the top-level one it belongs to, its own name, itself."""
    holders = [("", (*resource_type.common, *resource_type.schema.attributes))]
    holders += [(f"{schema.id}:", schema.attributes) for schema in resource_type.extensions]
    for prefix, attributes in holders:
        for attribute in attributes:
            if attribute.returned is not Returned.NEVER:
                whole = prefix + attribute.name
                yield whole, whole, attribute
                for sub in attribute.sub_attributes:
                    yield whole, f"{whole}.{sub.name}", sub
