"""The schemas as tables: User, EnterpriseUser, Group, the server's (RFC 7643 sections 3 to 5, 8.7).

One table serves discovery, reading, filters, PATCH and projection; nothing about an attribute is said twice.

Characteristics are those of section 8.7.1, but for three places where that listing disagrees with the text it
illustrates: references and binaries are case-exact (sections 2.3.6 and 2.3.7), an address can be the primary one
(sections 2.4 and 8.2), and a user's ``groups.$ref`` leads to a Group.
"""

from functools import partial

from scim.protocol.attributes import (
    Attribute,
    Mutability,
    ResourceType,
    Returned,
    Schema,
    Type,
    UniquenessScope,
)

_string = Attribute
_boolean = partial(Attribute, type=Type.BOOLEAN)
_complex = partial(Attribute, type=Type.COMPLEX)
_reference = partial(Attribute, type=Type.REFERENCE, case_exact=True)

# Everything that describes the server rather than a person is set by the server.
_fixed_string = partial(_string, mutability=Mutability.READ_ONLY)
_fixed_boolean = partial(_boolean, mutability=Mutability.READ_ONLY)
_fixed_integer = partial(Attribute, type=Type.INTEGER, mutability=Mutability.READ_ONLY)
_fixed_datetime = partial(Attribute, type=Type.DATETIME, mutability=Mutability.READ_ONLY)
_fixed_complex = partial(_complex, mutability=Mutability.READ_ONLY)
_fixed_reference = partial(_reference, mutability=Mutability.READ_ONLY)


def _plural(name: str, description: str, value: Attribute, types: tuple[str, ...] = ()) -> Attribute:
    """A multi-valued attribute with the sub-attributes that RFC 7643 section 2.4 gives to all of them."""
    return _complex(
        name,
        description,
        multi_valued=True,
        sub_attributes=(
            value,
            _string("display", "A name for the value, meant for people."),
            _string("type", "What the value is used for.", canonical_values=types),
            _PRIMARY,
        ),
    )


_PRIMARY = _boolean("primary", "Whether this is the preferred value; true for one value at most.")

# What every resource has and no schema lists (RFC 7643 sections 3 and 3.1).
COMMON: tuple[Attribute, ...] = (
    _fixed_reference(
        "schemas",
        "The URIs of the schemas whose attributes the resource has.",
        multi_valued=True,
        required=True,
        returned=Returned.ALWAYS,
        reference_types=("uri",),
    ),
    _fixed_string(
        "id",
        "The resource's identifier, given by this server; it never changes.",
        case_exact=True,
        returned=Returned.ALWAYS,
        uniqueness=UniquenessScope.SERVER,
    ),
    _string("externalId", "The identifier that the client uses for the resource.", case_exact=True),
    _fixed_complex(
        "meta",
        "Facts about the resource itself.",
        sub_attributes=(
            _fixed_string("resourceType", "The name of the resource's type.", case_exact=True),
            _fixed_datetime("created", "When the resource was created."),
            _fixed_datetime("lastModified", "When the resource was last changed."),
            _fixed_reference("location", "The resource's address.", reference_types=("uri",)),
            _fixed_string("version", "The resource's version, as in its ETag.", case_exact=True),
        ),
    ),
)

CORE_USER = Schema(
    "urn:ietf:params:scim:schemas:core:2.0:User",
    "User",
    "A person's account.",
    (
        _string(
            "userName",
            "The name that the person signs in with: an e-mail address, unique within the organization.",
            required=True,
            uniqueness=UniquenessScope.SERVER,
            address=True,
        ),
        _complex(
            "name",
            "The parts of the person's name.",
            sub_attributes=(
                _string("formatted", "The whole name as it is shown, titles included."),
                _string("familyName", "The family name, or last name."),
                _string("givenName", "The given name, or first name."),
                _string("middleName", "The middle names."),
                _string("honorificPrefix", "What precedes the name, such as Dr."),
                _string("honorificSuffix", "What follows the name, such as III."),
            ),
        ),
        _string("displayName", "The name to show for the person."),
        _string("nickName", "What the person is called in everyday life."),
        _reference("profileUrl", "The address of a page about the person.", reference_types=("external",)),
        _string("title", "The job title, such as Vice President."),
        _string("userType", "The relation to the organization, such as Employee or Contractor."),
        _string("preferredLanguage", "The languages that the person reads, as in Accept-Language."),
        _string("locale", "The language and region for formats, such as en-US."),
        _string("timezone", "The time zone by its IANA name, such as Europe/Berlin."),
        _boolean("active", "Whether the person may sign in."),
        _string(
            "password",
            "Accepted and not kept: people set their password themselves.",
            mutability=Mutability.WRITE_ONLY,
            returned=Returned.NEVER,
        ),
        _plural(
            "emails",
            "The person's e-mail addresses.",
            _string("value", "The e-mail address.", address=True),
            ("work", "home", "other"),
        ),
        _plural(
            "phoneNumbers",
            "The person's telephone numbers.",
            _string("value", "The number, at best as a tel: URI."),
            ("work", "home", "mobile", "fax", "pager", "other"),
        ),
        _plural(
            "ims",
            "The person's addresses for instant messages.",
            _string("value", "The address for instant messages."),
            ("aim", "gtalk", "icq", "xmpp", "msn", "skype", "qq", "yahoo"),
        ),
        _plural(
            "photos",
            "Pictures of the person.",
            _reference("value", "The picture's address.", reference_types=("external",)),
            ("photo", "thumbnail"),
        ),
        _complex(
            "addresses",
            "The person's postal addresses.",
            multi_valued=True,
            sub_attributes=(
                _string("formatted", "The whole address as it is printed on a letter."),
                _string("streetAddress", "Street, house number and what else is on those lines."),
                _string("locality", "The city or town."),
                _string("region", "The state or region."),
                _string("postalCode", "The postal code."),
                _string("country", "The country by its two-letter code of ISO 3166-1."),
                _string("type", "What the address is used for.", canonical_values=("work", "home", "other")),
                _PRIMARY,
            ),
        ),
        _fixed_complex(
            "groups",
            "The groups that the person belongs to; changed at the groups.",
            multi_valued=True,
            sub_attributes=(
                _fixed_string("value", "The group's id."),
                _fixed_reference("$ref", "The group's address.", reference_types=("Group",)),
                _fixed_string("display", "The group's name."),
                _fixed_string(
                    "type",
                    "Whether the person is a member of the group itself or of a group within it.",
                    canonical_values=("direct", "indirect"),
                ),
            ),
        ),
        _plural("entitlements", "Things that the person is entitled to.", _string("value", "The entitlement.")),
        _plural("roles", "The person's roles in this product.", _string("value", "The role's name.")),
        _plural(
            "x509Certificates",
            "The person's certificates.",
            Attribute("value", "The certificate, DER in base64.", Type.BINARY, case_exact=True),
        ),
    ),
)

ENTERPRISE_USER = Schema(
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
    "EnterpriseUser",
    "A person's place in a company.",
    (
        _string("employeeNumber", "The number or code that the company has for the person."),
        _string("costCenter", "The name of the cost center."),
        _string("organization", "The name of the organization."),
        _string("division", "The name of the division."),
        _string("department", "The name of the department."),
        _complex(
            "manager",
            "The person's manager.",
            sub_attributes=(
                _string("value", "The id of the user who is the manager."),
                _reference("$ref", "The address of that user.", reference_types=("User",)),
                _fixed_string("displayName", "The manager's name."),
            ),
        ),
    ),
)

CORE_GROUP = Schema(
    "urn:ietf:params:scim:schemas:core:2.0:Group",
    "Group",
    "A set of people and of other groups.",
    (
        _string(
            "displayName",
            "The group's name, unique within the organization.",
            required=True,
            uniqueness=UniquenessScope.SERVER,
            trimmed=True,
        ),
        _complex(
            "members",
            "The direct members: users, and groups within this one.",
            multi_valued=True,
            sub_attributes=(
                _string("value", "The member's id.", mutability=Mutability.IMMUTABLE),
                _reference(
                    "$ref",
                    "The member's address.",
                    mutability=Mutability.IMMUTABLE,
                    reference_types=("User", "Group"),
                ),
                _string(
                    "type",
                    "What the member is.",
                    mutability=Mutability.IMMUTABLE,
                    canonical_values=("User", "Group"),
                ),
                _fixed_string("display", "The member's name."),
            ),
        ),
    ),
)

GROUP = ResourceType("Group", "Groups of people", "/Groups", CORE_GROUP, (), COMMON)

USER = ResourceType("User", "People's accounts", "/Users", CORE_USER, (ENTERPRISE_USER,), COMMON)


def _feature(name: str, description: str, *more: Attribute) -> Attribute:
    return _fixed_complex(
        name,
        description,
        required=True,
        sub_attributes=(_fixed_boolean("supported", "Whether this server offers it.", required=True), *more),
    )


SERVICE_PROVIDER_CONFIG = Schema(
    "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig",
    "ServiceProviderConfig",
    "What this server offers.",
    (
        _fixed_reference(
            "documentationUri", "The address of the documentation for people.", reference_types=("external",)
        ),
        _feature("patch", "Changing parts of a resource."),
        _feature(
            "bulk",
            "Many operations in one request.",
            _fixed_integer("maxOperations", "The largest number of operations in a request.", required=True),
            _fixed_integer("maxPayloadSize", "The largest size of a request's body in bytes.", required=True),
        ),
        _feature(
            "filter",
            "Selecting resources by a filter.",
            _fixed_integer("maxResults", "The largest number of resources in one answer.", required=True),
        ),
        _feature("changePassword", "Changing passwords."),
        _feature("sort", "Sorting lists."),
        _feature("etag", "Versions as ETags."),
        _fixed_complex(
            "authenticationSchemes",
            "The ways in which a client can authenticate.",
            multi_valued=True,
            required=True,
            sub_attributes=(
                _fixed_string(
                    "type",
                    "The kind of authentication.",
                    required=True,
                    canonical_values=("oauth", "oauth2", "oauthbearertoken", "httpbasic", "httpdigest"),
                ),
                _fixed_string("name", "The usual name of the scheme.", required=True),
                _fixed_string("description", "What the scheme is.", required=True),
                _fixed_reference("specUri", "The address of its specification.", reference_types=("external",)),
                _fixed_reference("documentationUri", "The address of how to use it.", reference_types=("external",)),
                _fixed_boolean("primary", "Whether this is the preferred scheme."),
            ),
        ),
        _fixed_complex(
            "pagination",
            "The ways to walk through a list page by page.",
            sub_attributes=(
                _fixed_boolean("cursor", "Whether pages can be asked for by cursor.", required=True),
                _fixed_boolean("index", "Whether pages can be asked for by startIndex.", required=True),
                _fixed_string(
                    "defaultPaginationMethod",
                    "The way of a request that names neither.",
                    canonical_values=("cursor", "index"),
                ),
                _fixed_integer("defaultPageSize", "How many resources a page has if the client does not say."),
                _fixed_integer("maxPageSize", "The largest number of resources in a page."),
                _fixed_integer("cursorTimeout", "The seconds after which a cursor expires."),
            ),
        ),
    ),
)

RESOURCE_TYPE = Schema(
    "urn:ietf:params:scim:schemas:core:2.0:ResourceType",
    "ResourceType",
    "A kind of resource that this server has.",
    (
        _fixed_string("id", "The resource type's id, usually its name."),
        _fixed_string(
            "name", "The resource type's name.", required=True, case_exact=True, uniqueness=UniquenessScope.SERVER
        ),
        _fixed_string("description", "What the resources are."),
        _fixed_reference(
            "endpoint",
            "The path of the resources below the base URL, such as /Users.",
            required=True,
            uniqueness=UniquenessScope.SERVER,
            reference_types=("uri",),
        ),
        _fixed_reference("schema", "The URI of the core schema.", required=True, reference_types=("uri",)),
        _fixed_complex(
            "schemaExtensions",
            "The extensions of the core schema.",
            multi_valued=True,
            required=True,
            sub_attributes=(
                _fixed_reference("schema", "The URI of the extension.", required=True, reference_types=("uri",)),
                _fixed_boolean("required", "Whether every resource must have the extension.", required=True),
            ),
        ),
    ),
)


def _characteristics(*more: Attribute) -> tuple[Attribute, ...]:
    """The sub-attributes that describe an attribute (RFC 7643 section 7)."""
    return (
        _fixed_string("name", "The attribute's name.", required=True, case_exact=True),
        _fixed_string("type", "The attribute's data type.", required=True, canonical_values=tuple(map(str, Type))),
        _fixed_boolean("multiValued", "Whether the attribute has many values.", required=True),
        _fixed_string("description", "What the attribute means.", case_exact=True),
        _fixed_boolean("required", "Whether every resource must have the attribute."),
        _fixed_string("canonicalValues", "The usual values.", multi_valued=True, case_exact=True),
        _fixed_boolean("caseExact", "Whether upper and lower case make a difference."),
        _fixed_string(
            "mutability", "Who may write the attribute.", case_exact=True, canonical_values=tuple(map(str, Mutability))
        ),
        _fixed_string(
            "returned",
            "When the attribute is in an answer.",
            case_exact=True,
            canonical_values=tuple(map(str, Returned)),
        ),
        _fixed_string(
            "uniqueness",
            "Within what a value occurs once.",
            case_exact=True,
            canonical_values=tuple(map(str, UniquenessScope)),
        ),
        _fixed_string("referenceTypes", "What a reference may lead to.", multi_valued=True, case_exact=True),
        *more,
    )


SCHEMA = Schema(
    "urn:ietf:params:scim:schemas:core:2.0:Schema",
    "Schema",
    "A named set of attributes.",
    (
        _fixed_string("id", "The schema's URI.", required=True),
        _fixed_string("name", "The schema's name for people.", required=True),
        _fixed_string("description", "What the schema describes."),
        _fixed_complex(
            "attributes",
            "The schema's attributes.",
            multi_valued=True,
            required=True,
            sub_attributes=_characteristics(
                _fixed_complex(
                    "subAttributes",
                    "The parts of a complex attribute.",
                    multi_valued=True,
                    sub_attributes=_characteristics(),
                )
            ),
        ),
    ),
)

# What /Schemas shows, in this order.
SCHEMAS: tuple[Schema, ...] = (CORE_USER, ENTERPRISE_USER, CORE_GROUP, SERVICE_PROVIDER_CONFIG, RESOURCE_TYPE, SCHEMA)
