"""/Schemas says what RFC 7643 section 8.7 says, attribute by attribute; every difference is here, with its reason."""

import pytest

from core.json_values import Json
from tests.identity_provider import Idp, read

# Section 8.7 in short: a name, then what differs from a singular text that is optional, readWrite, returned by default,
# not case-exact and not unique. `many` is multi-valued, `exact` is case-exact, `to` are reference types.
LETTER = {
    "core:2.0:User": """
    userName: required server
    name: complex
    name.formatted
    name.familyName
    name.givenName
    name.middleName
    name.honorificPrefix
    name.honorificSuffix
    displayName
    nickName
    profileUrl: reference to=external
    title
    userType
    preferredLanguage
    locale
    timezone
    active: boolean
    password: writeOnly never
    emails: complex many
    emails.value
    emails.display
    emails.type: values=work|home|other
    emails.primary: boolean
    phoneNumbers: complex many
    phoneNumbers.value
    phoneNumbers.display
    phoneNumbers.type: values=work|home|mobile|fax|pager|other
    phoneNumbers.primary: boolean
    ims: complex many
    ims.value
    ims.display
    ims.type: values=aim|gtalk|icq|xmpp|msn|skype|qq|yahoo
    ims.primary: boolean
    photos: complex many
    photos.value: reference to=external
    photos.display
    photos.type: values=photo|thumbnail
    photos.primary: boolean
    addresses: complex many
    addresses.formatted
    addresses.streetAddress
    addresses.locality
    addresses.region
    addresses.postalCode
    addresses.country
    addresses.type: values=work|home|other
    groups: complex many readOnly
    groups.value: readOnly
    groups.$ref: reference readOnly to=User|Group
    groups.display: readOnly
    groups.type: readOnly values=direct|indirect
    entitlements: complex many
    entitlements.value
    entitlements.display
    entitlements.type
    entitlements.primary: boolean
    roles: complex many
    roles.value
    roles.display
    roles.type
    roles.primary: boolean
    x509Certificates: complex many
    x509Certificates.value: binary
    x509Certificates.display
    x509Certificates.type
    x509Certificates.primary: boolean
    """,
    "extension:enterprise:2.0:User": """
    employeeNumber
    costCenter
    organization
    division
    department
    manager: complex
    manager.value
    manager.$ref: reference to=User
    manager.displayName: readOnly
    """,
    "core:2.0:Group": """
    displayName
    members: complex many
    members.value: immutable
    members.$ref: reference immutable to=User|Group
    members.type: immutable values=User|Group
    """,
    "core:2.0:ServiceProviderConfig": """
    documentationUri: reference readOnly to=external
    patch: complex required readOnly
    patch.supported: boolean required readOnly
    bulk: complex required readOnly
    bulk.supported: boolean required readOnly
    bulk.maxOperations: integer required readOnly
    bulk.maxPayloadSize: integer required readOnly
    filter: complex required readOnly
    filter.supported: boolean required readOnly
    filter.maxResults: integer required readOnly
    changePassword: complex required readOnly
    changePassword.supported: boolean required readOnly
    sort: complex required readOnly
    sort.supported: boolean required readOnly
    authenticationSchemes: complex many required readOnly
    authenticationSchemes.name: required readOnly
    authenticationSchemes.description: required readOnly
    authenticationSchemes.specUri: reference readOnly to=external
    authenticationSchemes.documentationUri: reference readOnly to=external
    """,
    "core:2.0:ResourceType": """
    id: readOnly
    name: required readOnly
    description: readOnly
    endpoint: reference required readOnly to=uri
    schema: reference required exact readOnly to=uri
    schemaExtensions: complex required readOnly
    schemaExtensions.schema: reference required exact readOnly to=uri
    schemaExtensions.required: boolean required readOnly
    """,
    "core:2.0:Schema": """
    id: required readOnly
    name: required readOnly
    description: readOnly
    attributes: complex many required readOnly
    attributes.name: required exact readOnly
    attributes.type: required readOnly values=string|complex|boolean|decimal|integer|dateTime|reference
    attributes.multiValued: boolean required readOnly
    attributes.description: exact readOnly
    attributes.required: boolean readOnly
    attributes.canonicalValues: many exact readOnly
    attributes.caseExact: boolean readOnly
    attributes.mutability: exact readOnly values=readOnly|readWrite|immutable|writeOnly
    attributes.returned: exact readOnly values=always|never|default|request
    attributes.uniqueness: exact readOnly values=none|server|global
    attributes.referenceTypes: many exact readOnly
    attributes.subAttributes: complex many readOnly
    attributes.subAttributes.name: required exact readOnly
    attributes.subAttributes.type: required readOnly values=string|complex|boolean|decimal|integer|dateTime|reference
    attributes.subAttributes.multiValued: boolean required readOnly
    attributes.subAttributes.description: exact readOnly
    attributes.subAttributes.required: boolean readOnly
    attributes.subAttributes.canonicalValues: many exact readOnly
    attributes.subAttributes.caseExact: boolean readOnly
    attributes.subAttributes.mutability: exact readOnly values=readOnly|readWrite|immutable|writeOnly
    attributes.subAttributes.returned: exact readOnly values=always|never|default|request
    attributes.subAttributes.uniqueness: exact readOnly values=none|server|global
    attributes.subAttributes.referenceTypes: exact readOnly
    """,
}

# What else this server says of those attributes, and why.
CASE_OF_URIS = "URIs differ by case (section 2.3.7)"
DIFFERENCES: dict[str, dict[str, tuple[str, str]]] = {
    "core:2.0:User": {
        "profileUrl": ("reference exact to=external", CASE_OF_URIS),
        "photos.value": ("reference exact to=external", CASE_OF_URIS),
        "addresses.primary": ("boolean", "multi-valued attributes have it (section 2.4), and section 8.2 shows it"),
        "groups.$ref": ("reference exact readOnly to=Group", f"only groups have members; {CASE_OF_URIS}"),
        "roles.value": (
            "values=Admin|App management|Domain manager|Finance|HR|IT|Read-only",
            "the organization's own roles are the only ones that are given",
        ),
        "x509Certificates.value": ("binary exact", "base64 differs by case (section 2.3.6)"),
    },
    "extension:enterprise:2.0:User": {"manager.$ref": ("reference exact to=User", CASE_OF_URIS)},
    "core:2.0:Group": {
        "displayName": ("required server", "required by section 4.2; unique here, so that names match one group"),
        "members.$ref": ("reference exact immutable to=User|Group", CASE_OF_URIS),
        "members.display": ("readOnly", "section 2.4 has it and section 8.4 shows it; the name is the member's own"),
    },
    "core:2.0:ServiceProviderConfig": {
        "documentationUri": ("reference exact readOnly to=external", CASE_OF_URIS),
        "etag": ("complex required readOnly", "section 5 requires it, section 8.7.2 has left it out"),
        "etag.supported": ("boolean required readOnly", "section 5 requires it, section 8.7.2 has left it out"),
        "authenticationSchemes.type": (
            "required readOnly values=oauth|oauth2|oauthbearertoken|httpbasic|httpdigest",
            "section 5 requires it, section 8.7.2 has left it out",
        ),
        "authenticationSchemes.specUri": ("reference exact readOnly to=external", CASE_OF_URIS),
        "authenticationSchemes.documentationUri": ("reference exact readOnly to=external", CASE_OF_URIS),
        "authenticationSchemes.primary": ("boolean readOnly", "section 2.4 has it and section 8.5 shows it"),
        "pagination": ("complex readOnly", "RFC 9865 section 4"),
        "pagination.cursor": ("boolean required readOnly", "RFC 9865 section 4"),
        "pagination.index": ("boolean required readOnly", "RFC 9865 section 4"),
        "pagination.defaultPaginationMethod": ("readOnly values=cursor|index", "RFC 9865 section 4"),
        "pagination.defaultPageSize": ("integer readOnly", "RFC 9865 section 4"),
        "pagination.maxPageSize": ("integer readOnly", "RFC 9865 section 4"),
        "pagination.cursorTimeout": ("integer readOnly", "RFC 9865 section 4"),
    },
    "core:2.0:ResourceType": {
        "name": ("required exact readOnly server", "it is looked up by its one spelling, and there is one of each"),
        "endpoint": ("reference required exact readOnly server to=uri", f"there is one of each; {CASE_OF_URIS}"),
        "schemaExtensions": ("complex many required readOnly", "section 6 and section 8.6 have a list"),
    },
    "core:2.0:Schema": {
        "attributes.type": (
            "required readOnly values=string|complex|boolean|decimal|integer|dateTime|reference|binary",
            "section 2.3.6 has binary, and certificates are",
        ),
        "attributes.subAttributes.type": (
            "required readOnly values=string|complex|boolean|decimal|integer|dateTime|reference|binary",
            "section 2.3.6 has binary, and certificates are",
        ),
        "attributes.subAttributes.referenceTypes": (
            "many exact readOnly",
            "as that of attributes, and section 8.7.1 has lists",
        ),
    },
}

DEFAULTS = {"mutability": "readWrite", "returned": "default", "uniqueness": "none"}


def described(attributes: list[dict[str, Json]], prefix: str = "") -> dict[str, str]:
    """What a schema says of its attributes, in the notation above."""
    found: dict[str, str] = {}
    for attribute in attributes:
        name = f"{prefix}{attribute['name']}"
        words = [str(attribute["type"])] if attribute["type"] != "string" else []
        words += [
            word
            for word, member in (("many", "multiValued"), ("required", "required"), ("exact", "caseExact"))
            if attribute.get(member)
        ]
        words += [str(attribute[member]) for member, usual in DEFAULTS.items() if attribute.get(member, usual) != usual]
        words += [
            f"{word}={'|'.join(attribute[member])}"  # type: ignore[arg-type]
            for word, member in (("values", "canonicalValues"), ("to", "referenceTypes"))
            if attribute.get(member)
        ]
        found[name] = " ".join(words)
        found |= described(attribute.get("subAttributes", []), f"{name}.")  # type: ignore[arg-type]
    return found


@pytest.mark.clause("7643-4.1.2-6", "7644-4-2")
@pytest.mark.parametrize("urn", LETTER)
def test_a_schema_is_that_of_the_rfc_but_for_what_is_said_here(idp: Idp, urn: str) -> None:
    lines = [line.strip().partition(": ") for line in LETTER[urn].split("\n") if line.strip()]
    letter = {name: words for name, _colon, words in lines}
    ours = described(read(idp.get(f"/Schemas/urn:ietf:params:scim:schemas:{urn}"))["attributes"])
    different = {name: words for name, words in ours.items() if letter.get(name) != words}
    assert different == {name: words for name, (words, _reason) in DIFFERENCES.get(urn, {}).items()}
    assert letter.keys() <= ours.keys()


@pytest.mark.clause("7643-7-1", "7643-7-2", "7643-7-3", "7643-7-4", "7643-7-5", "7644-3.1-2", "7644-4-3")
def test_the_list_has_these_schemas_with_id_name_and_description_and_no_others(idp: Idp) -> None:
    listed = read(idp.get("/Schemas"))
    assert listed["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:ListResponse"]
    assert {schema["id"] for schema in listed["Resources"]} == {f"urn:ietf:params:scim:schemas:{urn}" for urn in LETTER}
    for schema in listed["Resources"]:
        assert schema["schemas"] == ["urn:ietf:params:scim:schemas:core:2.0:Schema"]
        assert schema["name"] and schema["description"] and schema["attributes"]
        for attribute in schema["attributes"]:
            assert attribute.keys() >= {"name", "type", "multiValued", "required", "mutability", "returned"}
