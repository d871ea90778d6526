"""Attributes, schemas, resource types, the lookup of attributes by name (RFC 7643 sections 2, 6, 7)."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache

from core.addresses import canonical, fold
from core.json_values import Json
from scim.protocol.errors import InvalidPath, shown_name

# The beginning of a URI that names a schema; a misspelt name with a colon is none.
_SCHEMA_URI = re.compile(r"urn:|[a-z][a-z0-9+.-]*://", re.ASCII | re.IGNORECASE)

_CORE_URNS = ("urn:ietf:params:scim:schemas:core:", "urn:scim:schemas:core:")

Resource = dict[str, Json]


class Type(StrEnum):
    """The data types of RFC 7643 section 2.3."""

    STRING = "string"
    COMPLEX = "complex"
    BOOLEAN = "boolean"
    DECIMAL = "decimal"
    INTEGER = "integer"
    DATETIME = "dateTime"
    REFERENCE = "reference"
    BINARY = "binary"


class Mutability(StrEnum):
    """Who may write the attribute, and when (RFC 7643 section 7)."""

    READ_ONLY = "readOnly"
    READ_WRITE = "readWrite"
    IMMUTABLE = "immutable"
    WRITE_ONLY = "writeOnly"


class Returned(StrEnum):
    """When the attribute is part of an answer (RFC 7643 section 7)."""

    ALWAYS = "always"
    NEVER = "never"
    DEFAULT = "default"
    REQUEST = "request"


class UniquenessScope(StrEnum):
    """Within what a value may occur once (RFC 7643 section 7)."""

    NONE = "none"
    SERVER = "server"
    GLOBAL = "global"


@dataclass(frozen=True, slots=True, eq=False)
class Attribute:
    """One attribute with its characteristics (RFC 7643 section 2.2).

    ``address`` marks e-mail addresses, which compare by their canonical form rather than by plain case folding;
    ``trimmed`` marks texts that compare without the blanks at their ends. ``is_plain_text``: one text, which clients
    may write and read back.
    Attributes, schemas and resource types are tables written once: two are equal if they are the same one.
    """

    name: str
    description: str = ""
    type: Type = Type.STRING
    multi_valued: bool = False
    required: bool = False
    case_exact: bool = False
    mutability: Mutability = Mutability.READ_WRITE
    returned: Returned = Returned.DEFAULT
    uniqueness: UniquenessScope = UniquenessScope.NONE
    canonical_values: tuple[str, ...] = ()
    reference_types: tuple[str, ...] = ()
    sub_attributes: tuple["Attribute", ...] = ()
    address: bool = False
    trimmed: bool = False
    is_plain_text: bool = field(init=False, repr=False)
    _by_name: Mapping[str, "Attribute"] = field(init=False, repr=False)
    _spellings: Mapping[str, str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", _by_name(self.sub_attributes))
        object.__setattr__(
            self,
            "is_plain_text",
            (self.type is Type.STRING and not self.multi_valued)
            and self.mutability is not Mutability.READ_ONLY
            and self.returned is not Returned.NEVER,
        )
        object.__setattr__(self, "_spellings", {value.lower(): value for value in self.canonical_values})

    def spelled(self, text: str) -> str:
        """The text as the canonical value that it is in another letter case, if so (RFC 7643 section 2.4)."""
        return self._spellings.get(text.lower(), text) if self._spellings else text

    def sub_attribute(self, name: str) -> "Attribute | None":
        """The sub-attribute of that name; names are case-insensitive (RFC 7643 section 2.1)."""
        return self._by_name.get(name.lower())

    def key(self, text: str) -> str:
        """The form in which two strings of this attribute are compared."""
        if self.case_exact:
            return text
        if self.address:
            return canonical(text)
        return fold(text).strip() if self.trimmed else fold(text)


@dataclass(frozen=True, slots=True, eq=False)
class Schema:
    """A named set of attributes (RFC 7643 section 7): exactly those that ``/Schemas`` shows for it."""

    id: str
    name: str
    description: str
    attributes: tuple[Attribute, ...]
    _by_name: Mapping[str, Attribute] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", _by_name(self.attributes))

    def attribute(self, name: str) -> Attribute | None:
        """The top-level attribute of that name; names are case-insensitive (RFC 7643 section 2.1)."""
        return self._by_name.get(name.lower())


@dataclass(frozen=True, slots=True)
class AttributePath:
    """An attribute as a client spelled it: ``[URN:]name[.sub]`` (RFC 7644 section 3.10). Not yet looked up.

    A schema's bare URN is a path too; its last segment is then the name.
    """

    urn: str | None
    name: str
    sub: str | None = None

    def __str__(self) -> str:
        return (f"{self.urn}:" if self.urn else "") + self.name + (f".{self.sub}" if self.sub else "")


@dataclass(frozen=True, slots=True)
class ResolvedPath:
    """An attribute path that was found in a resource type's schemas.

    ``extension`` is the schema whose URN holds the attribute in the resource, None for the core schema.
    """

    extension: Schema | None
    attribute: Attribute
    sub: Attribute | None = None

    @property
    def leaf(self) -> Attribute:
        """The attribute that holds the value."""
        return self.sub or self.attribute

    @property
    def keys(self) -> tuple[str, ...]:
        """The members to follow from the resource down to the value, in canonical spelling."""
        names = (self.attribute.name,) if self.sub is None else (self.attribute.name, self.sub.name)
        return names if self.extension is None else (self.extension.id, *names)

    def __str__(self) -> str:
        prefix = "" if self.extension is None else f"{self.extension.id}:"
        return prefix + self.attribute.name + (f".{self.sub.name}" if self.sub else "")


@dataclass(frozen=True, slots=True, eq=False)
class ResourceType:
    """A kind of resource: its endpoint, core schema and extensions (RFC 7643 section 6).

    ``common`` are the attributes that every resource has without any schema listing them (RFC 7643 section 3.1).
    ``attributes`` is all that a resource may hold: common ones, the core schema's, and each extension as one complex
    attribute named by its URN, which is what it is in JSON.
    """

    name: str
    description: str
    endpoint: str
    schema: Schema
    extensions: tuple[Schema, ...] = ()
    common: tuple[Attribute, ...] = ()
    attributes: tuple[Attribute, ...] = field(init=False, repr=False)
    _by_name: Mapping[str, Attribute] = field(init=False, repr=False)
    _extensions: Mapping[str, Schema] = field(init=False, repr=False)
    _families: tuple[str, ...] = field(init=False, repr=False)
    _words: frozenset[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        containers = tuple(
            Attribute(schema.id, schema.description, Type.COMPLEX, sub_attributes=schema.attributes)
            for schema in self.extensions
        )
        object.__setattr__(self, "attributes", (*self.common, *self.schema.attributes, *containers))
        object.__setattr__(self, "_by_name", _by_name(self.attributes))
        object.__setattr__(self, "_extensions", {schema.id.lower(): schema for schema in self.extensions})
        object.__setattr__(self, "_families", tuple(map(_family, self.extensions)))
        words = {word for schema in (self.schema, *self.extensions) for word in _parts(schema.id.lower())}
        object.__setattr__(self, "_words", frozenset({*words, self.name.lower(), f"{self.name.lower()}s"}))

    def attribute(self, name: str) -> Attribute | None:
        """The member of a resource that is spelled so; neither names nor URNs have a case (RFC 7643 section 2.1)."""
        return self._by_name.get(name.lower())

    def extension(self, urn: str) -> Schema | None:
        """The extension of that URN, which is compared without regard to case."""
        return self._extensions.get(urn.lower())

    def begun_with(self, name: str) -> ResolvedPath | None:
        """The attribute that a name or path begins with, whatever follows: a filter, a dot and a word, anything.

        For what ``resolve`` does not find. The URN of a schema may be misspelt behind its family. Where no attribute of
        an extension follows its URN, it is one of the core schema that stands there, or the extension as a whole.
        A prefix that has nothing to do with these URNs does not make a name one that says whether somebody may come in.
        """
        text = name.strip().lower().partition("[")[0]
        for schema, family in zip(self.extensions, self._families, strict=True):
            if text.startswith(family):
                parts = _parts(text.removeprefix(family))
                if part := next(filter(None, map(schema.attribute, parts)), None):
                    return ResolvedPath(schema, part)
                return ResolvedPath(None, self._first(parts) or self._by_name[schema.id.lower()])
        if is_core_uri(text):
            found = self._first(_parts(text))
        elif is_schema_uri(text):
            found = None
        elif (parts := _parts(text))[0] in self._words or "scim" in parts:
            found = self._first(parts)
        else:
            names = [part.partition(".")[0].strip() for part in text.split(":")]
            found = self._first(names)
            if found is not None and found.type is Type.BOOLEAN and found.name.lower() != names[0]:
                found = None
        return ResolvedPath(None, found) if found else None

    def _first(self, names: Iterable[str]) -> Attribute | None:
        """The first attribute among names that clients can write."""
        found = filter(None, map(self.attribute, names))
        return next((each for each in found if each.mutability is not Mutability.READ_ONLY), None)

    def is_akin(self, name: str) -> bool:
        """Whether a name begins as the URNs of this type's schemas do, in any version and with any misspelt end."""
        text = name.strip()
        return is_core_uri(text) or text.lower().startswith(self._families)

    def is_own_schema(self, name: str) -> bool:
        """Whether a name is the URN of the core schema."""
        return name.strip().lower() == self.schema.id.lower()

    def is_foreign(self, name: str) -> bool:
        """Whether a name, or a path, stands under the URI of a schema that this type does not have."""
        if not is_schema_uri(name):
            return False
        lowered = name.lower()
        return not any(
            lowered == urn or lowered.startswith((f"{urn}:", f"{urn}."))
            for urn in (self.schema.id.lower(), *self._extensions)
        )

    def resolve(self, path: AttributePath) -> ResolvedPath:
        """Find the attribute that a path names; without a URN in the core schema and among the common attributes.

        An extension's bare URN gives the extension as one complex attribute.
        Raises InvalidPath for what no schema of this type defines (RFC 7644 section 3.10).
        """
        return _resolve(self, path)


@lru_cache(maxsize=1024)
def _resolve(resource_type: ResourceType, path: AttributePath) -> ResolvedPath:
    extension = None
    if path.urn is None or path.urn.lower() == resource_type.schema.id.lower():
        attribute = resource_type.attribute(path.name)
    elif extension := resource_type.extension(path.urn):
        attribute = extension.attribute(path.name)
    elif container := resource_type.extension(f"{path.urn}:{path.name}"):
        attribute = resource_type.attribute(container.id)
    else:
        raise InvalidPath(f"'{shown_name(path.urn)}' is not a schema of {resource_type.name}.")
    if attribute is None:
        raise InvalidPath(f"{resource_type.name} has no attribute '{shown_name(str(path))}'.")
    if path.sub is None:
        return ResolvedPath(extension, attribute)
    sub = attribute.sub_attribute(path.sub)
    if sub is None:
        raise InvalidPath(f"'{attribute.name}' has no sub-attribute '{shown_name(path.sub)}'.")
    return ResolvedPath(extension, attribute, sub)


def is_schema_uri(name: str) -> bool:
    """Whether a name begins as the URI of a schema does."""
    return _SCHEMA_URI.match(name) is not None


def is_core_uri(name: str) -> bool:
    """Whether a name begins as the URN of a core schema does, of any version: what is unknown there is misspelt."""
    return name.lower().startswith(_CORE_URNS)


def _family(schema: Schema) -> str:
    return f"{schema.id.lower().rsplit(':', 2)[0]}:"


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.replace(":", ".").split(".")]


def _by_name(attributes: tuple[Attribute, ...]) -> dict[str, Attribute]:
    return {attribute.name.lower(): attribute for attribute in attributes}
