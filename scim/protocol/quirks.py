"""Quirks: one function for each thing that clients send instead of what the RFCs ask for.

The reading code asks here only after something failed its check, so clients that keep to the RFCs pay nothing. Each
function tells what is odd, those on values also what was meant, or None where they do not apply; ``Reading.tolerate``
then goes on or, in strict mode, refuses. Transcripts under ``tests/idp`` show each of them.
"""

import re
from typing import cast

import orjson

from core.addresses import is_blank
from core.json_values import Json
from scim.protocol.attributes import Attribute, Type
from scim.protocol.errors import (
    InvalidFilter,
    InvalidPath,
    InvalidSyntax,
    InvalidValue,
    NoTarget,
    ScimError,
    shown_beginning,
    shown_name,
)
from scim.protocol.reading import Quirk

# What was meant, and what is odd about what was sent.
Tolerated = tuple[Json, Quirk]

_BOOLEANS = {"true": True, "false": False}

# As long as a text may be; so the text is read in a time that the body's own reading takes anyway.
_LONGEST_JSON = 1024

# What can be in a URI or in a relative reference (RFC 3986 section 2).
_URI = re.compile(r"(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*+", re.ASCII)


def tolerate_form(attribute: Attribute, value: Json) -> Tolerated | None:
    """What was meant by a single value of the wrong form, by one quirk alone; None if nothing that is known."""
    return (
        wrapped_value(attribute, value)
        or one_as_many(attribute, value)
        or value_as_json(attribute, value)
        or bare_value(attribute, value)
    )


def many_as_one(attribute: Attribute, value: Json) -> Tolerated | None:
    """Scripts and older client libraries: ``"emails": {"value": …}`` for a list of one."""
    if not attribute.multi_valued or not isinstance(value, dict | str):
        return None
    return value, Quirk(f"'{attribute.name}' takes a list", "the one value sent was read as a list of one")


def one_as_many(attribute: Attribute, value: Json) -> Tolerated | None:
    """Microsoft Entra ID, older connectors: ``"manager": [{"value": …}]`` for a single value."""
    if not isinstance(value, list) or len(value) != 1:
        return None
    return value[0], Quirk(f"One value of '{attribute.name}' was due, not a list", "the list's only element was read")


def boolean_as_text(attribute: Attribute, value: Json) -> Tolerated | None:
    """Microsoft Entra ID without its compliance flag: ``"active": "False"``."""
    if attribute.type is not Type.BOOLEAN or not isinstance(value, str):
        return None
    meant = _BOOLEANS.get(value.strip().lower())
    if meant is None:
        return None
    return meant, Quirk(f"'{attribute.name}' is a boolean", f"the text sent was read as {str(meant).lower()}")


def bare_value(attribute: Attribute, value: Json) -> Tolerated | None:
    """Microsoft Entra ID: the manager's id as a bare string; others: ``"emails": ["a@example.com"]``."""
    if attribute.type is not Type.COMPLEX or not isinstance(value, str) or not attribute.sub_attribute("value"):
        return None
    return {"value": value}, Quirk(f"'{attribute.name}' takes an object", "the text sent was read as its 'value'")


def wrapped_value(attribute: Attribute, value: Json) -> Tolerated | None:
    """Microsoft Entra ID, older connectors: ``"active": [{"value": "False"}]``; of all but booleans, without a list."""
    if attribute.type is Type.BOOLEAN and isinstance(value, list) and len(value) == 1:
        value = value[0]
    if attribute.type is Type.COMPLEX or not isinstance(value, dict) or "value" not in value:
        return None
    return value["value"], Quirk(f"'{attribute.name}' takes a plain value", "the object's 'value' was read")


def value_as_json(attribute: Attribute, value: Json) -> Tolerated | None:
    """Microsoft Entra ID, AppRoleAssignmentsComplex: a role as JSON text, ``{"value": "{\\"value\\": \\"HR\\", …}"}``.

    The text has ``id``, ``value`` and ``displayName``, of which the last is the value's ``display``. What stands around
    the text wins over what stands in it.
    """
    around, text = (value, value.get("value")) if isinstance(value, dict) else ({}, value)
    if (
        not attribute.sub_attribute("value")
        or not isinstance(text, str)
        or text[:1] != "{"
        or len(text) > _LONGEST_JSON
    ):
        return None
    try:
        packed = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    inner = packed.get("value")
    if not isinstance(inner, str) or is_blank(inner) or "\\u0000" in text:
        return None
    known = {name: part for name, part in packed.items() if attribute.sub_attribute(name)}
    label = {"display": packed["displayName"]} if isinstance(packed.get("displayName"), str) else {}
    meant = cast(dict[str, Json], label | known | around | {"value": inner})
    return meant, Quirk(f"A value of '{attribute.name}' is JSON text", "the 'value' within it was read")


def unreadable_value(attribute: Attribute) -> Quirk:
    """Scripts: ``add`` of several values, one of which is ``{"email": …}`` or a number."""
    return Quirk(f"A value to be added to '{attribute.name}' can't be read", "it was left out")


def hollow_value(attribute: Attribute) -> Quirk:
    """Scripts: ``"emails": [{"type": "work"}]`` for "no address"."""
    return Quirk(f"A value of '{attribute.name}' has no 'value'", "it was left out")


def no_uri(attribute: Attribute, text: str) -> Quirk | None:
    """Scripts: file names and plain words in ``photos`` and ``profileUrl``."""
    if _URI.fullmatch(text):
        return None
    return Quirk(f"'{attribute.name}' takes a URI, with blanks and the like percent-encoded", "the text sent was kept")


def schema_not_named(urn: str) -> Quirk:
    """Scripts and SCIM 1.1 connectors: no ``schemas``, or those of another protocol."""
    return Quirk(f"'schemas' should be a list with {urn}", "the body was read as if it were", InvalidSyntax)


def flat_name(name: str) -> Quirk:
    """Microsoft Entra ID with its compliance flag: ``"name.givenName"`` or ``"URN:department"`` as a member's name."""
    return Quirk(
        f"The attribute name {shown_beginning(name)} is a PATCH path", "it was read as that path", InvalidSyntax
    )


def foreign_name(name: str, error: type[ScimError] = InvalidValue) -> Quirk:
    """Microsoft Entra ID, customers' own schemas: names, paths and ``schemas`` with URNs that mean nothing here."""
    return Quirk(f"'{shown_name(name)}' belongs to a schema that is not known here", "it was left out", error)


def operation_in_capitals(op: str) -> tuple[str, Quirk] | None:
    """Microsoft Entra ID without its compliance flag: ``"op": "Replace"``."""
    if op.lower() not in ("add", "replace", "remove"):
        return None
    quirk = Quirk(
        "Operation names are lower case: 'add', 'replace', 'remove'", "letter case was passed over", InvalidSyntax
    )
    return op.lower(), quirk


def removal_by_value(name: str) -> Quirk:
    """JumpCloud, OneLogin, Microsoft Entra ID: ``remove`` with a list of values; to the letter, all others go too."""
    return Quirk(
        "A removal takes a value filter in its path, not a list of values",
        f"only the listed values of '{name}' were removed",
    )


def boolean_in_quotes(attribute: Attribute) -> Quirk:
    """Microsoft Entra ID: ``roles[primary eq "True"].value``; scripts: ``?filter=active eq "true"``."""
    return Quirk(
        f"'{attribute.name}' is a boolean, which a filter compares without quotes",
        "the quotes were passed over",
        InvalidFilter,
    )


def value_not_there(target: str, *, is_hollow: bool = False) -> Quirk:
    """Microsoft Entra ID: ``add`` and ``replace`` at ``phoneNumbers[type eq "mobile"].value`` to make such a number.

    ``is_hollow``: no `value` came, so that nothing was kept.
    """
    made = "without a 'value' none was made" if is_hollow else "a value that it selects was made"
    return Quirk(f"'{target}' selects none of the values that are there", made, NoTarget)


def schema_as_name(urn: str) -> Quirk:
    """Scripts: the core schema's URN as the name of an object of its attributes, as those of extensions are."""
    return Quirk(
        f"'{urn}' is a schema, whose attributes stand by themselves", "those within it were read", InvalidSyntax
    )


def schema_as_path(urn: str) -> Quirk:
    """Scripts: the core schema's URN as the path to everything, as those of extensions are."""
    return Quirk(f"'{urn}' is a schema, not a path", "the operation was read as one without a path", InvalidPath)
