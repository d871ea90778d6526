"""The attributes that an answer shows: ``attributes``, ``excludedAttributes`` (RFC 7644 section 3.9)."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from core.caching import cached_if_short
from core.json_values import Json
from scim.protocol.attributes import Attribute, Resource, ResourceType, Returned
from scim.protocol.errors import InvalidPath, InvalidValue
from scim.protocol.grammar import MAX_LENGTH, parse_attribute_path

# Which members of an object stay, each with which members of its own; None stands for all of them.
Shown = Mapping[str, "Shown | None"]

# The member names from the resource down to an attribute.
Keys = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Projection:
    """What is shown of resources of one type.

    ``shown`` is None where nothing has to be taken away; that projection is ``EVERYTHING``.
    """

    shown: Shown | None

    @staticmethod
    def parse(attributes: str | None, excluded_attributes: str | None, resource_type: ResourceType) -> "Projection":
        """The projection that a request asks for by its comma-separated attribute names, None where it names none.

        Names that the resource type doesn't have are passed over. Raises InvalidValue where both are given.
        """
        if attributes and excluded_attributes:
            raise InvalidValue("'attributes' and 'excludedAttributes' exclude each other: send one of them.")
        names = attributes or excluded_attributes or ""
        if len(names) > MAX_LENGTH:
            which = "attributes" if attributes else "excludedAttributes"
            raise InvalidValue(f"'{which}' is longer than {MAX_LENGTH:,} characters. Name fewer attributes.")
        return _parse(names, bool(attributes), resource_type)

    def shows(self, name: str) -> bool:
        """Whether anything of the top-level attribute of that name is shown."""
        return self.shown is None or name in self.shown

    def apply(self, resource: Resource) -> Resource:
        """The part of the resource that is shown; the argument is left alone."""
        return resource if self.shown is None else _cut(resource, self.shown)


EVERYTHING = Projection(None)


@cached_if_short(256)
def _parse(names: str, only: bool, resource_type: ResourceType) -> Projection:
    named = {keys for name in names.split(",") for keys in _find(name.strip(), resource_type)}
    shown = _shown(resource_type.attributes, named, only=only)
    return EVERYTHING if shown is None else Projection(shown)


def _find(name: str, resource_type: ResourceType) -> Iterator[Keys]:
    if name.lower() == resource_type.schema.id.lower():
        yield from ((attribute.name,) for attribute in resource_type.schema.attributes)
        return
    try:
        yield resource_type.resolve(parse_attribute_path(name)).keys
    except InvalidPath:
        return


def _shown(attributes: Iterable[Attribute], named: Iterable[Keys], *, only: bool) -> Shown | None:
    """What stays of the attributes: the named ones if ``only``, else those shown by default without the named ones."""
    below: defaultdict[str, set[Keys]] = defaultdict(set)
    for key, *rest in named:
        below[key].add(tuple(rest))
    shown: dict[str, Shown | None] = {}
    whole = True
    for attribute in attributes:
        if attribute.returned is Returned.NEVER:
            continue
        parts = below[attribute.name]
        if not _is_shown(attribute, parts, only=only):
            whole = False
            continue
        # What is asked for as a whole comes with the sub-attributes that it has by default.
        asked_whole = only and () in parts
        shown[attribute.name] = _shown(
            attribute.sub_attributes, () if asked_whole else parts - {()}, only=only and bool(parts) and not asked_whole
        )
        whole = whole and shown[attribute.name] is None
    return None if whole else shown


def _is_shown(attribute: Attribute, parts: set[Keys], *, only: bool) -> bool:
    if attribute.returned is Returned.ALWAYS:
        return True
    return bool(parts) if only else attribute.returned is Returned.DEFAULT and () not in parts


def _cut(value: dict[str, Json], shown: Shown) -> dict[str, Json]:
    return {
        name: part
        for name, whole in value.items()
        if name in shown and (part := _part(whole, shown[name])) not in ({}, [])
    }


def _part(value: Json, shown: Shown | None) -> Json:
    if shown is None:
        return value
    match value:
        case dict():
            return _cut(value, shown)
        case list():
            return [part for item in value if (part := _part(item, shown))]
    return value
