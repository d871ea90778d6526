"""Validate a resource: canonical names, checked values (RFC 7643 sections 2 and 7)."""

import base64
from collections.abc import Callable
from functools import lru_cache

from core.addresses import is_blank
from core.json_values import Json
from scim.protocol import quirks
from scim.protocol.attributes import (
    Attribute,
    Mutability,
    Resource,
    ResourceType,
    Returned,
    Type,
    is_schema_uri,
)
from scim.protocol.errors import InvalidPath, InvalidSyntax, InvalidValue, shown_name
from scim.protocol.grammar import parse_attribute_path
from scim.protocol.reading import NOT_STRICT, Leniency, Reading
from scim.protocol.values import read_instant

MAX_VALUES = 100
MAX_TEXT = 1024
MAX_BINARY = 8192

# Groups have far more members than people have addresses; the size of the body is their limit.
UNCOUNTED = frozenset({"members"})

# What says which of several values one is, but not what it is.
_LABELS = frozenset({"type", "primary", "display"})

# The JSON that each type takes (RFC 7643 section 2.3), and the words for it.
_JSON_TYPES: dict[Type, tuple[frozenset[type], str]] = {
    Type.STRING: (frozenset({str}), "a text"),
    Type.BOOLEAN: (frozenset({bool}), "true or false"),
    Type.DECIMAL: (frozenset({int, float}), "a number"),
    Type.INTEGER: (frozenset({int}), "a whole number"),
    Type.DATETIME: (frozenset({str}), "a text with date and time such as 2026-01-31T09:30:00Z"),
    Type.BINARY: (frozenset({str}), "a text in base64"),
    Type.REFERENCE: (frozenset({str}), "a URI as text"),
    Type.COMPLEX: (frozenset({dict}), "an object"),
}

_JSON_WORDS: dict[type, str] = {
    str: "a text",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "an object",
    type(None): "null",
}


def read_resource(
    body: dict[str, Json], resource_type: ResourceType, leniency: Leniency = NOT_STRICT
) -> tuple[Resource, tuple[str, ...]]:
    """The resource that the body of a POST or PUT describes, and advice for the request log.

    Names get their canonical spelling; null and empty values are left out (RFC 7643 section 2.5), as is what clients
    can't write (RFC 7644 section 3.5.1) and what no schema defines. ``schemas`` tells what is there, not what was sent.
    Raises InvalidValue, naming the attribute and what it takes, InvalidSyntax for a name sent twice, and for
    a quirk that ``leniency`` does not tolerate, the quirk's error.
    """
    reading = Reading(leniency)
    return read_body(body, resource_type, reading), reading.notices


def read_body(body: dict[str, Json], resource_type: ResourceType, reading: Reading) -> Resource:
    """What ``read_resource`` gives, for a caller who has to know what else the reading came to."""
    _check_schemas(body, resource_type, reading)
    read: Resource = {}
    unknown_members: dict[str, Json] = {}
    for name, value in body.items():
        attribute = resource_type.attribute(name)
        if attribute is None:
            unknown_members[name] = value
        else:
            if type(value) is not str:
                _check_extension(attribute, value, resource_type)
            _keep(read, attribute, value, "", reading)
    for name, value in unknown_members.items():
        if resource_type.is_own_schema(name) and isinstance(value, dict):
            reading.tolerate(quirks.schema_as_name(resource_type.schema.id))
            for inner, inner_value in value.items():
                attribute = resource_type.attribute(inner)
                if attribute is None:
                    _keep_flat(read, inner, inner_value, resource_type, reading)
                else:
                    _check_extension(attribute, inner_value, resource_type)
                    _keep(read, attribute, inner_value, "", reading)
        else:
            _keep_flat(read, name, value, resource_type, reading)
    resource = with_schemas(read, resource_type)
    check_resource(resource, resource_type)
    return resource


def read_value(attribute: Attribute, value: Json, owner: str, reading: Reading) -> Json:
    """The value in canonical form, or None where it says that there is none: null, ``[]``, blanks, an empty object.

    ``owner`` is what stands before the attribute's name in error messages. Raises InvalidValue.
    """
    if value is None:
        return None
    if not attribute.multi_valued:
        return read_one(attribute, value, owner, reading)
    values: list[Json] | None = read_list(attribute, value, owner, reading)
    return values or None


def read_list(
    attribute: Attribute, value: Json, owner: str, reading: Reading, *, skips_unreadable: bool = False
) -> list[Json] | None:
    """The values of a multi-valued attribute in canonical form; ``[]`` for null and ``[]``, None if only blanks came.

    To read ``[]`` out of what a client sent is to clear what is stored, so that no list comes to it that had anything
    in it. ``skips_unreadable`` leaves out what can't be read beside what can. Raises InvalidValue.
    """
    if value is None:
        return []
    if not isinstance(value, list):
        tolerated = quirks.many_as_one(attribute, value)
        if tolerated is None:
            raise _wrong(attribute, value, owner, "a list")
        value = [tolerated[0]]
        reading.tolerate(tolerated[1])
    if not value:
        return []
    if len(value) > MAX_VALUES:
        check_values(attribute.name, value)
    read: list[Json] = []
    unreadable: InvalidValue | None = None
    for element in value:
        try:
            one = None if element is None else _read_element(attribute, element, owner, reading)
        except InvalidValue as error:
            if not skips_unreadable:
                raise
            unreadable = unreadable or error
        else:
            if one is not None:
                read.append(one)
    if unreadable and not read:
        raise unreadable
    if unreadable:
        reading.tolerate(quirks.unreadable_value(attribute))
    return once_each(attribute, read) or None


def _read_element(attribute: Attribute, element: Json, owner: str, reading: Reading) -> Json:
    """One of several values; None for one of blanks. Raises InvalidValue where something was said, but no value."""
    if type(element) is dict and type(text := element.get("value")) is str and text[:1] == "{":
        packed = quirks.value_as_json(attribute, element)
        if packed is not None:
            reading.tolerate(packed[1])
            element = packed[0]
    elif type(element) is not dict and says_nothing(element):
        return None
    one = read_one(attribute, element, owner, reading)
    if one is not None and not is_hollow(one, attribute):
        return one
    if says_nothing(element):
        return None
    if not _only_labels(attribute, element):
        raise unreadable(attribute, owner)
    reading.tolerate(quirks.hollow_value(attribute))
    return None


def says_nothing(value: Json) -> bool:
    """Whether there is nothing in a value but null, blanks, and lists and objects of these."""
    match value:
        case None:
            return True
        case str():
            return is_blank(value)
        case dict():
            return all(map(says_nothing, value.values()))
        case list():
            return all(map(says_nothing, value))
    return False


def names_blank_value(attribute: Attribute, element: Json) -> bool:
    """Whether one of several values says that it is gone: its `value` is there, and null or a blank text."""
    value = attribute.sub_attribute("value")
    return (
        isinstance(element, dict)
        and _only_labels(attribute, element)
        and any(
            (part is None or isinstance(part, str))
            and (sub := attribute.sub_attribute(name)) is not None
            and (sub.name not in _LABELS if value is None else sub is value)
            for name, part in element.items()
        )
    )


def _only_labels(attribute: Attribute, element: Json) -> bool:
    return isinstance(element, dict) and all(
        says_nothing(part)
        or (
            (sub := attribute.sub_attribute(name)) is not None
            and sub.name in _LABELS
            and sub.mutability is not Mutability.READ_ONLY
        )
        for name, part in element.items()
    )


def unreadable(attribute: Attribute, owner: str) -> InvalidValue:
    """The refusal of a value that says something, but not what it is about."""
    name = f"{owner}{attribute.name}"
    if attribute.sub_attribute("value"):
        return InvalidValue(f"A value of '{name}' can't be read: it needs a 'value'. To clear '{name}', send null.")
    known = ", ".join(f"'{sub.name}'" for sub in attribute.sub_attributes if sub.name not in _LABELS)
    return InvalidValue(f"A value of '{name}' can't be read: it needs one of {known}. To clear '{name}', send null.")


def once_each(attribute: Attribute, values: list[Json]) -> list[Json]:
    """The values without those that repeat `value` and `type` of one before them, which takes in what they add.

    No list should be returned that has the same twice (RFC 7643 section 2.4).
    """
    value, kind = attribute.sub_attribute("value"), attribute.sub_attribute("type")
    if len(values) < 2 or value is None or kind is None or attribute.name in UNCOUNTED:
        return values
    kept: dict[tuple[Json, Json], Resource] = {}
    for position, one in enumerate(values):
        if not isinstance(one, dict):
            return values
        key = (_key(value, one.get("value")) if "value" in one else position, _key(kind, one.get("type")))
        first = kept.get(key)
        kept[key] = one if first is None else {**one, **first} | ({"primary": True} if _leads(one) else {})
    return values if len(kept) == len(values) else [*kept.values()]


def _key(attribute: Attribute, value: Json) -> Json:
    return attribute.key(value) if isinstance(value, str) else None


def _leads(value: Resource) -> bool:
    return value.get("primary") is True


def read_one(attribute: Attribute, value: Json, owner: str, reading: Reading) -> Json:
    """One value, be the attribute multi-valued or not, in canonical form; None for a blank text or an empty object."""
    if type(value) not in _JSON_TYPES[attribute.type][0]:
        value = _fixed(attribute, value, owner, reading)
    match value:
        case dict():
            return _read_members(value, attribute, f"{owner}{attribute.name}.", reading) or None
        case str():
            return _read_text(attribute, value, owner, reading)
        case _:
            return value


def read_parts(attribute: Attribute, value: Json, owner: str, reading: Reading) -> dict[str, Json]:
    """The members of a complex value as they were sent, nulls included; their own reading is the caller's.

    Raises InvalidValue for what is no object.
    """
    if not isinstance(value, dict):
        value = _fixed(attribute, value, owner, reading)
    return value if isinstance(value, dict) else {}


def check_resource(resource: Resource, resource_type: ResourceType) -> None:
    """Check what concerns several values at once: required attributes, numbers of values, one primary at most.

    Raises InvalidValue. For the outcome of a PATCH, whose parts were read one by one.
    """
    for attribute in _required(resource_type):
        if attribute.name not in resource:
            raise InvalidValue(f"'{attribute.name}' is required.")
    _check_lists(resource)


@lru_cache(maxsize=16)
def _required(resource_type: ResourceType) -> tuple[Attribute, ...]:
    return tuple(
        attribute
        for attribute in resource_type.attributes
        if attribute.required and attribute.mutability is not Mutability.READ_ONLY
    )


def _check_lists(members: dict[str, Json]) -> None:
    for name, value in members.items():
        if isinstance(value, list):
            check_values(name, value)
        elif isinstance(value, dict):
            _check_lists(value)


def check_values(name: str, values: list[Json]) -> None:
    """Check that these can be all the values of the attribute of that name. Raises InvalidValue."""
    if len(values) > MAX_VALUES and name not in UNCOUNTED:
        raise InvalidValue(f"'{name}' has {len(values)} values; at most {MAX_VALUES} are kept.")
    primaries = [value for value in values if isinstance(value, dict) and value.get("primary") is True]
    if len(primaries) > 1:
        raise InvalidValue(f"Only one of the values of '{name}' can be the primary one.")


def is_hollow(value: Json, attribute: Attribute) -> bool:
    """Whether an element of a list has a type or a label at most, but not the value that these are about."""
    return (
        isinstance(value, dict)
        and "value" not in value
        and (attribute.sub_attribute("value") is not None or value.keys() <= _LABELS)
    )


def with_schemas(resource: Resource, resource_type: ResourceType) -> Resource:
    """The resource with the ``schemas`` that its content calls for: the core one, and each extension that is there."""
    extensions: list[Json] = [schema.id for schema in resource_type.extensions if schema.id in resource]
    return {**resource, "schemas": [resource_type.schema.id, *extensions]}


def with_unsent(resource: Resource, before: Resource, reading: Reading) -> Resource:
    """The resource that is to replace the one before, with what the reading took as not sent as it was.

    What another member did send of such an attribute counts.
    """
    for *holders, name in reading.unsent:
        stored: Json = before
        for key in (*holders, name):
            stored = stored.get(key) if isinstance(stored, dict) else None
        if stored is None:
            continue
        if not holders:
            resource = {name: stored, **resource}
            continue
        inner = resource.get(holders[0])
        resource = {**resource, holders[0]: {name: stored, **(inner if isinstance(inner, dict) else {})}}
    return resource


def _keep(read: Resource, attribute: Attribute, value: Json, owner: str, reading: Reading) -> None:
    """Read one member and put it where its canonical name says, unless it is not for clients to write."""
    if (
        attribute.is_plain_text
        and type(value) is str
        and "!" <= value[:1] <= "~"
        and len(value) <= MAX_TEXT
        and attribute.name not in read
    ):
        # Most of any resource; the rest of this function would come to the same, later.
        read[attribute.name] = attribute.spelled(value)
        return
    if attribute.mutability is Mutability.READ_ONLY:
        return
    if attribute.returned is Returned.NEVER:
        if value is not None:
            reading.drop(attribute)
        return
    sent, value = value, read_value(attribute, value, owner, reading)
    if value is None:
        if _is_unsent(attribute, sent):
            reading.take_as_unsent(*filter(None, [owner.removesuffix(".")]), attribute.name)
        return
    if attribute.name in read:
        raise InvalidSyntax(f"'{owner}{attribute.name}' was sent twice, in different letter case.")
    read[attribute.name] = value


def _is_unsent(attribute: Attribute, sent: Json) -> bool:
    """Whether what came to no value was sent without one, rather than to clear the attribute.

    Of several values that is said by null and ``[]`` only. An object with one value clears what its members name.
    """
    if sent is None or attribute.type is not Type.COMPLEX:
        return sent not in (None, []) and attribute.multi_valued
    if attribute.multi_valued:
        return sent != []
    if isinstance(sent, str):
        return attribute.sub_attribute("value") is None
    return isinstance(sent, dict) and not any(
        (sub := attribute.sub_attribute(name)) is not None and sub.mutability is not Mutability.READ_ONLY
        for name in sent
    )


def _keep_flat(read: Resource, name: str, value: Json, resource_type: ResourceType, reading: Reading) -> None:
    """Put a member whose name is a whole path where the path leads; what leads nowhere is left out with an advice.

    Raises InvalidPath as ``leave_out`` does.
    """
    try:
        path = resource_type.resolve(parse_attribute_path(name.strip()))
    except InvalidPath:
        leave_out(name, value, resource_type, reading)
        return
    reading.tolerate(quirks.flat_name(name))
    _check_extension(path.leaf, value, resource_type)
    member: Resource = {}
    _keep(member, path.leaf, value, f"{path.extension.id}." if path.extension and not path.sub else "", reading)
    if not member:
        return
    holder = read
    for key in path.keys[:-1]:
        inner = holder.setdefault(key, {})
        if not isinstance(inner, dict) or path.attribute.multi_valued:
            raise InvalidValue(f"'{path.attribute.name}' has several values; '{shown_name(name)}' does not say which.")
        holder = inner
    if path.leaf.name in holder:
        raise InvalidSyntax(f"'{shown_name(name)}' was sent twice, in different ways.")
    holder.update(member)


def _check_extension(attribute: Attribute, value: Json, resource_type: ResourceType) -> None:
    """Refuse an object of an extension that holds the core schema's `active`, which would be left out of it."""
    if not isinstance(value, dict | list) or resource_type.extension(attribute.name) is None:
        return
    for holder in value if isinstance(value, list) else [value]:
        for name in holder if isinstance(holder, dict) else ():
            if attribute.sub_attribute(name) is None:
                refuse_switch(name, resource_type)


def _read_members(members: dict[str, Json], holder: Attribute, owner: str, reading: Reading) -> dict[str, Json]:
    read: dict[str, Json] = {}
    for name, value in members.items():
        attribute = holder.sub_attribute(name)
        if attribute is None:
            pass_over(f"{owner}{name}", reading, is_foreign=is_schema_uri(name))
        elif value is not None:
            _keep(read, attribute, value, owner, reading)
    return read


def leave_out(name: str, value: Json, resource_type: ResourceType, reading: Reading) -> None:
    """Leave out a member of a resource whose name leads nowhere, with what it holds.

    What such a name begins with, an attribute or an extension, was named, and is not cleared by silence; one that says
    whether somebody may come in is not left out either: raises InvalidPath for that. What stands in an object under a
    misspelt URN of one of the schemas is named alike.
    """
    refuse_misplaced_switch(name, value, resource_type)
    for each in _named(name, value, resource_type):
        begun = resource_type.begun_with(each)
        if begun is not None:
            reading.unsent.add(begun.keys)
    pass_over(name, reading, is_foreign=resource_type.is_foreign(name))


def refuse_misplaced_switch(name: str, value: Json, resource_type: ResourceType) -> None:
    """Raise InvalidPath where a name that leads nowhere, or one in the object that it holds, means `active`."""
    for each in _named(name, value, resource_type):
        refuse_switch(each, resource_type)


def refuse_switch(name: str, resource_type: ResourceType) -> None:
    """Raise InvalidPath for a name that leads nowhere but says whether somebody may come in."""
    begun = resource_type.begun_with(name)
    if begun is not None and begun.attribute.type is Type.BOOLEAN:
        raise InvalidPath(
            f"{resource_type.name} has no attribute '{shown_name(name)}'. Write '{begun.attribute.name}' for that."
        )


def _named(name: str, value: Json, resource_type: ResourceType) -> list[str]:
    if not resource_type.is_akin(name):
        return [name]
    holders = value if isinstance(value, list) else [value]
    return [name, *(inner for holder in holders if isinstance(holder, dict) for inner in holder)]


def pass_over(name: str, reading: Reading, *, is_foreign: bool) -> None:
    """Leave out a member that no schema of the resource defines; a foreign one only where that is forgiven."""
    if is_foreign:
        reading.tolerate(quirks.foreign_name(name))
    else:
        reading.leave_out(name)


def _read_text(attribute: Attribute, text: str, owner: str, reading: Reading) -> str | None:
    if is_blank(text):
        return None
    limit = MAX_BINARY if attribute.type is Type.BINARY else MAX_TEXT
    if len(text) > limit:
        raise InvalidValue(f"'{owner}{attribute.name}' is longer than {limit:,} characters.")
    if attribute.type in _CANONICAL:
        try:
            return _CANONICAL[attribute.type](text)
        except ValueError:
            raise _wrong(attribute, text, owner, _JSON_TYPES[attribute.type][1]) from None
    if attribute.type is Type.STRING:
        return attribute.spelled(text)
    if attribute.type is Type.REFERENCE and (quirk := quirks.no_uri(attribute, text)) is not None:
        reading.tolerate(quirk)
    return text


def _canonical_datetime(text: str) -> str:
    return read_instant(text).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def _canonical_binary(text: str) -> str:
    """Padded base64 in the plain alphabet; both alphabets, line breaks and missing padding come in (RFC 7643 2.3.6)."""
    plain = "".join(text.split()).rstrip("=").translate(_PLAIN_ALPHABET)
    return base64.b64encode(base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)).decode("ascii")


_PLAIN_ALPHABET = str.maketrans("-_", "+/")
_CANONICAL: dict[Type, Callable[[str], str]] = {Type.DATETIME: _canonical_datetime, Type.BINARY: _canonical_binary}


def _fixed(attribute: Attribute, value: Json, owner: str, reading: Reading) -> Json:
    """What was meant by a value of the wrong type: one quirk of its form is read, and one of how a boolean is written.

    None where that is null. Raises InvalidValue: what needs more guesses than that may mean anything.
    """
    due, expected = _JSON_TYPES[attribute.type]
    if attribute.type is Type.COMPLEX and isinstance(value, str) and is_blank(value):
        return None
    meant = value
    for fix in (quirks.tolerate_form, quirks.boolean_as_text):
        if meant is None or type(meant) in due:
            break
        tolerated = fix(attribute, meant)
        if tolerated is not None:
            meant, quirk = tolerated
            reading.tolerate(quirk)
    if meant is not None and type(meant) not in due:
        raise _wrong(attribute, value, owner, expected)
    return meant


def _wrong(attribute: Attribute, value: Json, owner: str, expected: str) -> InvalidValue:
    got = "this text" if expected.startswith("a text") and isinstance(value, str) else _JSON_WORDS[type(value)]
    return InvalidValue(f"'{owner}{attribute.name}' takes {expected}, not {got}.")


def _check_schemas(body: dict[str, Json], resource_type: ResourceType, reading: Reading) -> None:
    """See what is odd about ``schemas``; nothing else hangs on it, as the content tells which schemas are in use."""
    declared = next((value for name, value in body.items() if name.lower() == "schemas"), None)
    urns = [urn for urn in declared if isinstance(urn, str)] if isinstance(declared, list) else []
    core = resource_type.schema.id
    if core.lower() not in map(str.lower, urns):
        reading.tolerate(quirks.schema_not_named(core))
    for urn in urns:
        if urn.lower() != core.lower() and resource_type.extension(urn) is None:
            reading.tolerate(quirks.foreign_name(urn))
