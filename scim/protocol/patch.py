"""Apply PATCH operations to a resource (RFC 7644 section 3.5.2). Pure: knows no database and no HTTP."""

from collections.abc import Sequence
from typing import cast

from core.json_values import Json
from scim.protocol import quirks
from scim.protocol.attributes import Attribute, Mutability, Resource, ResourceType
from scim.protocol.errors import Mutability as NotWritable
from scim.protocol.errors import NoTarget
from scim.protocol.matching import matches_value
from scim.protocol.patch_request import Op, PatchOperation
from scim.protocol.reading import Quirk, Reading
from scim.protocol.validation import check_resource, check_values, is_hollow, once_each, unreadable, with_schemas

Values = list[Json]

# What a filter may say of a value that is not there yet, and is then made: for what it is.
_DESCRIBES_A_SLOT = frozenset({"type", "primary", "display"})


def apply(
    resource: Resource,
    operations: Sequence[PatchOperation],
    resource_type: ResourceType,
    reading: Reading | None = None,
) -> Resource:
    """The resource as it is after all operations, one after the other; the argument stays as it is.

    Operations that change nothing give an equal resource. ``reading`` forgives, or not, as it did when the operations
    were read; without, everything is forgiven. Raises NoTarget for a filter that selects nothing, Mutability for a new
    value of an immutable attribute and for the removal of a required one, InvalidValue where the outcome has two
    primary values or too many.
    """
    after, reading = dict(resource), reading or Reading()
    made: list[PatchOperation] = []
    for operation in operations:
        path = operation.target.path
        if path.attribute.multi_valued:
            keys = path.keys[:-1] if path.sub else path.keys
            before = cast(Values, _at(after, keys) or [])
            changed = _changed(before, operation)
            if operation.target.condition is not None and len(changed) > len(before):
                made.append(operation)
            values = once_each(path.attribute, _one_primary(before, changed))
            check_values(path.attribute.name, values)
            _put(after, keys, values)
        else:
            _put(after, path.keys, _replaced(_at(after, path.keys), operation))
    for operation in made:
        reading.tolerate(_quirk_of_made(after, operation))
    for operation in operations:
        _drop_hollow(after, operation)
    after = with_schemas(after, resource_type)
    check_resource(after, resource_type)
    return after


def _at(resource: Resource, keys: Sequence[str]) -> Json:
    value: Json = resource
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _put(holder: Resource, keys: Sequence[str], value: Json) -> None:
    """Set the value, or unset it where there is none; objects on the way are copied, since others hold them too."""
    key, *rest = keys
    if rest:
        inner = dict(cast(Resource, holder.get(key) or {}))
        _put(inner, rest, value)
        value = inner
    if value is None or value in ({}, []):
        holder.pop(key, None)
    else:
        holder[key] = value


def _replaced(old: Json, operation: PatchOperation) -> Json:
    """The value of an attribute that has one: for it, `add` and `replace` are the same."""
    leaf = operation.target.path.leaf
    new = None if operation.op is Op.REMOVE else operation.value
    if new is None and leaf.required:
        raise NotWritable(f"'{operation.target}' is required: it can be replaced, not removed.")
    if leaf.mutability is Mutability.IMMUTABLE and old not in (None, new):
        raise NotWritable(f"'{operation.target}' can't be changed once it is set.")
    return new


def _changed(before: Values, operation: PatchOperation) -> Values:
    """The values of a multi-valued attribute; those that stay as they were are the same objects."""
    target = operation.target
    if target.condition is None and target.path.sub is None:
        return _changed_as_a_whole(before, operation)
    chosen = [target.condition is None or matches_value(target.condition, old) for old in before]
    if any(chosen):
        pairs = zip(before, chosen, strict=True)
        after = (_changed_one(old, operation) if is_chosen else old for old, is_chosen in pairs)
        return [new for new in after if new is not None]
    if operation.value is not None:
        return [*before, _made(operation)]
    if operation.op is Op.REMOVE and target.condition is not None:
        raise _nothing_selected(operation)
    return before


def _changed_as_a_whole(before: Values, operation: PatchOperation) -> Values:
    attribute = operation.target.path.attribute
    values = cast(Values, operation.value or [])
    match operation.op:
        case Op.REPLACE:
            return values
        case Op.ADD:
            return _added(before, values, attribute)
        case Op.REMOVE if operation.value is None:
            return []
        case Op.REMOVE:
            named = [(_key(value, attribute), value) for value in values]
            return [
                old
                for old, old_key in zip(before, [_key(old, attribute) for old in before], strict=True)
                if not any(key == old_key and _is_same(old, value, attribute) for key, value in named)
            ]


def _added(before: Values, values: Values, attribute: Attribute) -> Values:
    """The values and the new ones, each of which joins the one that it is about, if that is there already."""
    after, keys = list(before), [_key(old, attribute) for old in before]
    for new in values:
        key = _key(new, attribute)
        for position, old_key in enumerate(keys):
            old = after[position]
            if key == old_key and _is_same(old, new, attribute):
                if not _contains(old, new, attribute):
                    after[position] = {**cast(Resource, old), **cast(Resource, new)}
                break
        else:
            after.append(new)
            keys.append(key)
    return after


def _key(value: Json, attribute: Attribute) -> Json:
    """What a value is about, in the form that is compared: its `value`; None where such values have none."""
    if isinstance(value, dict):
        value, attribute = value.get("value"), attribute.sub_attribute("value") or attribute
    return attribute.key(value) if isinstance(value, str) else value


def _is_same(old: Json, new: Json, attribute: Attribute) -> bool:
    """Whether two values with the same key are about the same thing: of the same type as far as both tell one."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return True
    if "value" not in new:
        return _contains(old, new, attribute)
    return "type" not in old or "type" not in new or _contains(old, {"type": new["type"]}, attribute)


def _contains(old: Json, new: Json, attribute: Attribute) -> bool:
    """Whether the old value says already all that the new one says."""
    if isinstance(old, dict) and isinstance(new, dict):
        return all(
            name in old and _contains(old[name], value, attribute.sub_attribute(name) or attribute)
            for name, value in new.items()
        )
    if isinstance(old, str) and isinstance(new, str):
        return old == new or attribute.key(old) == attribute.key(new)
    return old == new


def _changed_one(old: Json, operation: PatchOperation) -> Json:
    """What becomes of a value that the operation selects; None if it goes."""
    sub, new = operation.target.path.sub, operation.value
    members = cast(Resource, old)
    if sub is not None:
        replaced = _replaced(members.get(sub.name), operation)
        rest = {name: value for name, value in members.items() if name != sub.name}
        return rest if replaced is None else {**members, sub.name: replaced}
    match operation.op:
        case Op.ADD:
            return {**members, **cast(Resource, new)}
        case Op.REPLACE:
            # The whole value is another one then, but still one that the filter's words apply to.
            return None if new is None else {**(operation.target.described or {}), **cast(Resource, new)}
        case Op.REMOVE:
            return None


def _made(operation: PatchOperation) -> Json:
    """The value that an operation makes where its filter selects none: what the filter describes, and the new part.

    RFC 7644 section 3.5.2.3 has `replace` fail there. Microsoft Entra ID counts on it to make the value when it aims at
    a sub-attribute, and on several such operations to fill one value; see its transcripts.
    """
    target, sub = operation.target, operation.target.path.sub
    if sub is None and operation.op is Op.REPLACE:
        raise _nothing_selected(operation)
    if not (target.described or {}).keys() <= _DESCRIBES_A_SLOT:
        # A filter that names what the value is, rather than which one it is of several, is about one that is there.
        raise _nothing_selected(operation)
    made = {**(target.described or {}), **({sub.name: operation.value} if sub else cast(Resource, operation.value))}
    if target.condition is not None and (target.described is None or not matches_value(target.condition, made)):
        raise _nothing_selected(operation)
    if sub is None and is_hollow(made, target.path.attribute):
        raise unreadable(target.path.attribute, "")
    return made


def _quirk_of_made(after: Resource, operation: PatchOperation) -> Quirk:
    """What there is to say of an operation that made a value, which stays if it is more than a type or the like."""
    target, attribute = operation.target, operation.target.path.attribute
    keys = target.path.keys[:-1] if target.path.sub else target.path.keys
    hollow = [value for value in cast(Values, _at(after, keys) or []) if is_hollow(value, attribute)]
    stays_hollow = target.condition is not None and any(matches_value(target.condition, value) for value in hollow)
    return quirks.value_not_there(str(target), is_hollow=stays_hollow)


def _nothing_selected(operation: PatchOperation) -> NoTarget:
    return NoTarget(f"'{operation.target}' selects none of the values that are there.")


def _one_primary(before: Values, after: Values) -> Values:
    """A value that became the primary one takes that from the others (RFC 7644 section 3.5.2)."""
    untouched = {id(value) for value in before}
    if not any(_is_primary(value) and id(value) not in untouched for value in after):
        return after
    return [
        {**cast(Resource, value), "primary": False} if _is_primary(value) and id(value) in untouched else value
        for value in after
    ]


def _is_primary(value: Json) -> bool:
    return isinstance(value, dict) and value.get("primary") is True


def _drop_hollow(after: Resource, operation: PatchOperation) -> None:
    """Let go of what only has a type or the like left, once no later operation can give it a value."""
    path = operation.target.path
    if path.sub is None or not path.attribute.multi_valued:
        return
    keys = path.keys[:-1]
    values = cast(Values, _at(after, keys) or [])
    _put(after, keys, [value for value in values if not is_hollow(value, path.attribute)])
