"""The body of a PATCH, read into operations (RFC 7644 section 3.5.2)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import cast

from core.addresses import is_blank
from core.json_values import Json
from scim.protocol import quirks
from scim.protocol.attributes import (
    Attribute,
    Mutability,
    ResolvedPath,
    Resource,
    ResourceType,
    Returned,
    Type,
    is_core_uri,
    is_schema_uri,
)
from scim.protocol.errors import InvalidPath, InvalidSyntax, InvalidValue, NoTarget, shown_name
from scim.protocol.errors import Mutability as NotWritable
from scim.protocol.filters import (
    And,
    AnyValue,
    Compare,
    Comparison,
    Filter,
    Not,
    Operator,
    Or,
    PatchPath,
    Resolved,
)
from scim.protocol.grammar import parse_patch_path
from scim.protocol.json_bodies import in_any_case, texts
from scim.protocol.reading import NOT_STRICT, Leniency, Reading
from scim.protocol.resolution import quoted_booleans_of_values, resolve_value_filter
from scim.protocol.validation import (
    UNCOUNTED,
    is_hollow,
    leave_out,
    names_blank_value,
    pass_over,
    read_list,
    read_one,
    read_parts,
    read_value,
    refuse_misplaced_switch,
    refuse_switch,
    says_nothing,
    unreadable,
)

PATCH_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

MAX_OPERATIONS = 1000
# Values and comparisons in one PATCH: each is held against every value that is there, so many of each would take long.
MAX_PARTS = 2000


class Op(StrEnum):
    """The operations of RFC 7644 section 3.5.2."""

    ADD = "add"
    REPLACE = "replace"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Target:
    """What one operation changes: an attribute, a sub-attribute, or the values of an attribute that a filter selects.

    ``described`` is the value that the filter describes where all it does is to name sub-attributes and what they
    equal, as ``type eq "work"`` does; None where it does more, or where there is no filter. ``written`` is the path as
    the client has it but for what its filter compares with, for messages to the client.
    """

    path: ResolvedPath
    condition: Resolved | None = None
    described: Resource | None = None
    written: str = ""

    def __str__(self) -> str:
        return self.written or str(self.path)


@dataclass(frozen=True, slots=True)
class PatchOperation:
    """One change, found in the schemas and with its value in canonical form.

    The target is never the whole resource, and an ADD or REPLACE never aims at an attribute that merely holds others:
    such operations were taken apart into one for each attribute that their value names, which is what they mean (RFC
    7644 sections 3.5.2.1 and 3.5.2.3). The value of a REPLACE is None where it takes the value away; that of a REMOVE
    is None, or a list of the values that go while the others stay.
    """

    op: Op
    target: Target
    value: Json = None


@dataclass(frozen=True, slots=True)
class PatchOp:
    """The operations of one PATCH in their order, and advice for the request log."""

    operations: tuple[PatchOperation, ...]
    notices: tuple[str, ...] = ()


def read_patch(body: dict[str, Json], resource_type: ResourceType, leniency: Leniency = NOT_STRICT) -> PatchOp:
    """The operations that the body of a PATCH asks for (RFC 7644 section 3.5.2).

    Raises InvalidSyntax for a body that is no PatchOp, InvalidPath and InvalidFilter for a path, Mutability for a path
    that clients can't write, NoTarget for a removal without a path, InvalidValue for a value that does not fit; and
    for a quirk that ``leniency`` does not tolerate, the quirk's error.
    """
    members = in_any_case(body)
    reading = Reading(leniency)
    reader = _PatchReader(resource_type, reading)
    if PATCH_SCHEMA not in texts(members.get("schemas")):
        reading.tolerate(quirks.schema_not_named(PATCH_SCHEMA))
    operations = members.get("operations")
    if not isinstance(operations, list) or not operations:
        raise InvalidSyntax("'Operations' must be a list with at least one operation.")
    if len(operations) > MAX_OPERATIONS:
        raise InvalidSyntax(f"'Operations' has {len(operations)} elements; at most {MAX_OPERATIONS:,} are taken.")
    read = tuple(done for operation in operations for done in reader.read(operation))
    if sum(map(_parts, read)) > MAX_PARTS:
        raise InvalidSyntax(
            f"'Operations' has more than {MAX_PARTS:,} values and comparisons in all; send it in parts."
        )
    return PatchOp(read, reading.notices)


def _parts(operation: PatchOperation) -> int:
    target, value = operation.target, operation.value
    values = len(value) if isinstance(value, list) and target.path.attribute.name not in UNCOUNTED else 0
    return values + (_comparisons(target.condition) if target.condition else 0)


def _comparisons(condition: Resolved) -> int:
    match condition:
        case And(terms) | Or(terms):
            return sum(map(_comparisons, terms))
        case Not(term):
            return _comparisons(term)
        case AnyValue(_, inner):
            return _comparisons(inner)
        case Compare():
            return 1


class _PatchReader:
    """Reads operations one by one."""

    def __init__(self, resource_type: ResourceType, reading: Reading) -> None:
        self.resource_type = resource_type
        self.reading = reading

    def read(self, operation: Json) -> Iterator[PatchOperation]:
        if not isinstance(operation, dict):
            raise InvalidSyntax("Every operation must be an object with 'op', 'path' and 'value'.")
        members = in_any_case(operation)
        op, path, value = self._op(members.get("op")), members.get("path"), members.get("value")
        if path is not None and not isinstance(path, str):
            raise InvalidPath("'path' must be a text.")
        if op is not Op.REMOVE and "value" not in members:
            raise InvalidValue(f"The operation '{op}' needs a 'value'.")
        if path:
            # What a removal has instead of a 'value', if anything: it may be the list of those that are to go.
            strange = "" if "value" in members else min(members.keys() - _OPERATION, default="")
            yield from self._at(op, path, value, strange)
        elif op is Op.REMOVE:
            raise NoTarget("The operation 'remove' needs a 'path' that says what to remove.")
        elif isinstance(value, dict):
            yield from self._everywhere(op, value)
        else:
            raise InvalidValue(f"Without a 'path', the 'value' of '{op}' must be an object that names attributes.")

    def _op(self, op: Json) -> Op:
        if not isinstance(op, str):
            raise InvalidSyntax("Every operation needs an 'op': 'add', 'replace' or 'remove'.")
        if op not in _OPS:
            tolerated = quirks.operation_in_capitals(op)
            if tolerated is None:
                raise InvalidSyntax("'op' must be 'add', 'replace' or 'remove'.")
            op, quirk = tolerated
            self.reading.tolerate(quirk)
        return _OPS[op]

    def _at(self, op: Op, text: str, value: Json, strange: str) -> Iterator[PatchOperation]:
        """An operation with a path: what it aims at must exist and be for clients to write.

        One that takes all values away, and has a ``strange`` member in which some may be listed, is not read.
        """
        text = text.strip()
        if self.resource_type.is_own_schema(text) and isinstance(value, dict):
            self.reading.tolerate(quirks.schema_as_path(self.resource_type.schema.id))
            yield from self._everywhere(op, value)
            return
        try:
            target = self._target(parse_patch_path(text))
        except InvalidPath:
            if not self.resource_type.is_foreign(text) or is_core_uri(text):
                raise
            refuse_misplaced_switch(text, value, self.resource_type)
            self.reading.tolerate(quirks.foreign_name(text, InvalidPath))
            return
        if _is_read_only(target.path):
            raise NotWritable(f"'{target}' is set by this server; clients can't change it.")
        if strange and target.condition is None and target.path.attribute.multi_valued:
            raise InvalidSyntax(
                f"'{shown_name(strange)}' is no member of an operation, which has 'op', 'path' and 'value'. To clear "
                f"'{target}', leave it out."
            )
        yield from self._operations(op, target, value)

    def _everywhere(self, op: Op, value: dict[str, Json]) -> Iterator[PatchOperation]:
        """An operation without a path: the value's members are the paths, and ignored like any body's if unknown."""
        named: set[Attribute] = set()
        for name, inner in value.items():
            attribute = self.resource_type.attribute(name)
            if attribute is not None:
                if attribute in named:
                    raise InvalidSyntax(f"'{attribute.name}' was sent twice, in different letter case.")
                named.add(attribute)
                target = Target(ResolvedPath(None, attribute))
            elif self.resource_type.is_own_schema(name) and isinstance(inner, dict):
                self.reading.tolerate(quirks.schema_as_name(self.resource_type.schema.id))
                yield from self._everywhere(op, inner)
                continue
            else:
                try:
                    target = self._target(parse_patch_path(name))
                except InvalidPath:
                    leave_out(name, inner, self.resource_type, self.reading)
                    continue
                self.reading.tolerate(quirks.flat_name(name))
            yield from self._operations(op, target, inner)

    def _target(self, path: PatchPath) -> Target:
        found = self.resource_type.resolve(path.path)
        if path.value_filter is None:
            return Target(found)
        if found.sub is not None or not found.attribute.multi_valued:
            raise InvalidPath(f"'{found}' has one value; a filter in brackets can't select among them.")
        sub = None
        if path.sub is not None and (sub := found.attribute.sub_attribute(path.sub)) is None:
            raise InvalidPath(f"'{found}' has no sub-attribute '{shown_name(path.sub)}'.")
        condition = resolve_value_filter(path.value_filter, found.attribute)
        for quoted in quoted_booleans_of_values(path.value_filter, found.attribute):
            self.reading.tolerate(quirks.boolean_in_quotes(quoted))
        return Target(
            ResolvedPath(found.extension, found.attribute, sub),
            condition,
            self._described(path.value_filter, found.attribute),
            path.outline,
        )

    def _described(self, condition: Filter, attribute: Attribute) -> Resource | None:
        described: Resource = {}
        for term in condition.terms if isinstance(condition, And) else (condition,):
            if not isinstance(term, Comparison) or term.operator is not Operator.EQ or term.value is None:
                return None
            sub = attribute.sub_attribute(term.path.name)
            if sub is None or sub.name in described:
                return None
            value = term.value
            if sub.type is Type.BOOLEAN and isinstance(value, str):
                value = value.lower() == "true"
            described[sub.name] = read_value(sub, value, f"{attribute.name}.", self.reading)
        return described

    def _operations(self, op: Op, target: Target, value: Json) -> Iterator[PatchOperation]:
        path = target.path
        if _is_read_only(path):
            return
        if path.leaf.returned is Returned.NEVER:
            if value is not None:
                self.reading.drop(path.leaf)
        elif op is Op.REMOVE:
            yield PatchOperation(op, target, self._named(target, value))
        elif path.leaf.multi_valued and target.condition is None:
            values = self._values(op, path.leaf, value)
            if values is None:
                self.reading.take_as_unsent(*path.keys)
            elif values or op is Op.REPLACE:
                yield PatchOperation(op, target, values or None)
        elif path.leaf.type is Type.COMPLEX and not path.leaf.multi_valued and not _clears(path.leaf, value):
            yield from self._parts(op, path, value)
        elif target.condition is not None and path.sub is not None and (packed := self._packed(target, value)):
            # A role's label in the text is about the same value of the attribute, which it joins.
            whole = replace(target, path=ResolvedPath(path.extension, path.attribute))
            yield PatchOperation(Op.ADD, whole, read_one(path.attribute, packed, "", self.reading))
        elif target.condition is not None and path.sub is None and _is_unsent(path.attribute, value):
            self.reading.take_as_unsent(*path.keys)
        else:
            value = self._value(target, value, op)
            if value is not None or op is Op.REPLACE:
                yield PatchOperation(op, target, value)
            else:
                self.reading.take_as_unsent(*path.keys)

    def _parts(self, op: Op, path: ResolvedPath, value: Json) -> Iterator[PatchOperation]:
        """What an operation on a complex attribute, or on an extension as a whole, does to each of its parts."""
        members = read_parts(path.leaf, value, "", self.reading)
        if not members:
            self.reading.take_as_unsent(*path.keys)
        extension = self.resource_type.extension(path.attribute.name)
        for name, inner in members.items():
            part = path.leaf.sub_attribute(name)
            if part is None:
                if extension:
                    refuse_switch(name, self.resource_type)
                pass_over(f"{path}.{name}", self.reading, is_foreign=is_schema_uri(name))
                continue
            where = ResolvedPath(extension, part) if extension else ResolvedPath(path.extension, path.attribute, part)
            yield from self._operations(op, Target(where), inner)

    def _values(self, op: Op, attribute: Attribute, value: Json) -> list[Json] | None:
        """What ``read_list`` gives. To add or to remove what can't be read beside what can loses nothing."""
        # RFC 7644 section 3.5.2.1 lets `add` bring a single new value without a list around it.
        lone = op is Op.ADD and isinstance(value, dict)
        return read_list(attribute, [value] if lone else value, "", self.reading, skips_unreadable=op is not Op.REPLACE)

    def _value(self, target: Target, value: Json, op: Op) -> Json:
        attribute, sub = target.path.attribute, target.path.sub
        if sub is not None:
            packed = self._packed(target, value)
            return read_value(sub, packed["value"] if packed else value, f"{attribute.name}.", self.reading)
        if target.condition is None:
            return read_value(attribute, value, "", self.reading)
        if says_nothing(value):
            return None
        read = read_one(attribute, self._packed(target, value) or value, "", self.reading)
        if op is Op.REPLACE and is_hollow(
            {**(target.described or {}), **(read if isinstance(read, dict) else {})}, attribute
        ):
            if not names_blank_value(attribute, value):
                raise unreadable(attribute, "")
            return None
        if read is None:
            raise unreadable(attribute, "")
        return read

    def _packed(self, target: Target, value: Json) -> Resource | None:
        """What counts of an object that was sent as JSON text for one of several values; None for anything else.

        That is its `value` and, of a role, the label; which value it is about is for the path to say.
        """
        attribute, sub = target.path.attribute, target.path.sub
        if not isinstance(value, str) or not attribute.multi_valued or (sub is not None and sub.name != "value"):
            return None
        packed = quirks.value_as_json(attribute, value)
        if packed is None:
            return None
        self.reading.tolerate(packed[1])
        counts = {"value", "display"} if attribute.name == "roles" else {"value"}
        if target.described:
            counts -= target.described.keys() - {"value"}
        return {name: part for name, part in cast(Resource, packed[0]).items() if name in counts}

    def _named(self, target: Target, value: Json) -> Json:
        if not target.path.leaf.multi_valued or target.condition is not None or value is None:
            return None
        self.reading.tolerate(quirks.removal_by_value(str(target)))
        return [*(self._values(Op.REMOVE, target.path.leaf, value) or ())]


_OPS = {str(op): op for op in Op}

_OPERATION = frozenset({"op", "path", "value"})


def _is_read_only(path: ResolvedPath) -> bool:
    return Mutability.READ_ONLY in (path.attribute.mutability, path.leaf.mutability)


def _is_unsent(attribute: Attribute, value: Json) -> bool:
    """Whether what came in place of one of several values says nothing, not even that this value is gone.

    That is said by null, ``[]``, a blank text and a blank `value`; a list of blanks says nothing.
    """
    if not isinstance(value, dict | list) or not value:
        return value == {}
    element = value[0] if isinstance(value, list) and len(value) == 1 else value
    return says_nothing(value) and not names_blank_value(attribute, element)


def _clears(attribute: Attribute, value: Json) -> bool:
    """Whether a value says that the complex attribute has none: null, or a blank in place of its `value`."""
    return value is None or (
        isinstance(value, str) and is_blank(value) and attribute.sub_attribute("value") is not None
    )
