"""Filters and users made at random: any tree that parses, and filters that mean something for the users beside them."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from core.json_values import Json
from scim.protocol.attributes import Attribute, AttributePath, Resource, Returned, Type
from scim.protocol.filters import And, Comparison, Filter, Not, Operator, Or, ValuePath
from scim.protocol.resolution import OPERATORS
from scim.protocol.schemas import ENTERPRISE_USER, USER

# What JSON text can hold and a filter may compare: no NUL, no lone surrogates.
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
NAMES = st.sampled_from(["a", "B", "value", "$ref", "x509Certificates", "a-b_c9", "and", "eq", "true", "or"])
URNS = st.sampled_from([None, ENTERPRISE_USER.id, "urn:example:x:2.0:Thing"])
NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
LITERALS = st.none() | st.booleans() | NUMBERS | TEXT


def comparisons(paths: SearchStrategy[AttributePath]) -> SearchStrategy[Filter]:
    """Comparisons that parse, whether or not they mean anything."""
    with_value = st.sampled_from([operator for operator in Operator if operator is not Operator.PR])
    return st.builds(Comparison, paths, with_value, LITERALS) | st.builds(Comparison, paths, st.just(Operator.PR))


def combined(leaves: SearchStrategy[Filter]) -> SearchStrategy[Filter]:
    """The leaves under and, or and not, flattened as the parser does it."""
    return st.recursive(leaves, _connected, max_leaves=8)


def _connected(terms: SearchStrategy[Filter]) -> SearchStrategy[Filter]:
    several = st.lists(terms, min_size=2, max_size=3)
    return st.builds(Not, terms) | several.map(_flat(And)) | several.map(_flat(Or))


def _flat(kind: type[And[Filter]] | type[Or[Filter]]) -> Callable[[list[Filter]], Filter]:
    return lambda terms: kind(
        tuple(part for term in terms for part in (term.terms if isinstance(term, kind) else (term,)))
    )


ANY_FILTER = combined(
    comparisons(st.builds(AttributePath, URNS, NAMES, st.none() | NAMES))
    | st.builds(
        ValuePath,
        st.builds(AttributePath, URNS, NAMES),
        combined(comparisons(st.builds(AttributePath, st.none(), NAMES))),
    )
)

# Few and short values, so that filters and users often agree.
WORDS = st.sampled_from(["", "a", "A", "ab", "B", "ä", "Ä", "ß", "ss", "%", "_", "a b", "work", "home", '"', "\\"])
PLAIN_WORDS = st.sampled_from(["", "a", "A", "ab", "B", "a b", "%", "work", "home", '"', "\\"])
ADDRESSES = st.sampled_from(
    ["a@a.example", "A@A.Example", "b@bücher.example", "B@xn--bcher-kva.example", "a@b.example"]
)
INSTANTS = st.sampled_from(
    ["2011-05-13T04:42:34Z", "2011-05-13T06:42:34+02:00", "2011-05-13T04:42:34.001Z", "2020-01-01T00:00:00Z"]
)


@dataclass(frozen=True, slots=True)
class Sample:
    """Users and filters over some or all of their attributes, with texts from a small choice."""

    attributes: Collection[str] | None = None
    words: SearchStrategy[str] = WORDS

    def users(self) -> SearchStrategy[Resource]:
        """Resources as they travel inside the house: canonical names, no nulls, nothing empty but text."""
        return self._objects(filter(self._covers, USER.attributes))

    def filters(self, *, disputed: bool = True) -> SearchStrategy[Filter]:
        """Every operator on every attribute that a filter may name.

        Disputed is what other implementations refuse or read in another way: comparisons with null, and brackets after
        an attribute that has one value.
        """
        leaves: list[SearchStrategy[Filter]] = []
        for attribute in filter(self._covers, USER.attributes):
            if extension := USER.extension(attribute.name):
                for inner in extension.attributes:
                    leaves += self._leaves(extension.id, inner, disputed)
            elif attribute.returned is not Returned.NEVER:
                leaves += self._leaves(None, attribute, disputed)
        return combined(st.one_of(leaves))

    def _covers(self, attribute: Attribute) -> bool:
        return self.attributes is None or attribute.name in self.attributes

    def _objects(self, attributes: Iterable[Attribute]) -> SearchStrategy[dict[str, Json]]:
        members = {attribute.name: self._members(attribute) for attribute in attributes}
        return st.fixed_dictionaries({}, optional=members)

    def _members(self, attribute: Attribute) -> SearchStrategy[Json]:
        one = (
            self._objects(attribute.sub_attributes).filter(bool)
            if attribute.type is Type.COMPLEX
            else self._values(attribute)
        )
        return st.lists(one, min_size=1, max_size=3) if attribute.multi_valued else one

    def _values(self, attribute: Attribute) -> SearchStrategy[str | bool]:
        if attribute.type is Type.BOOLEAN:
            return st.booleans()
        if attribute.type is Type.DATETIME:
            return INSTANTS
        return ADDRESSES if attribute.address else self.words

    def _leaves(self, urn: str | None, attribute: Attribute, disputed: bool) -> list[SearchStrategy[Filter]]:
        path = AttributePath(urn, attribute.name)
        if attribute.type is not Type.COMPLEX:
            return [self._comparisons(path, attribute, disputed)]
        subs = attribute.sub_attributes
        leaves = [self._comparisons(replace(path, sub=sub.name), sub, disputed) for sub in subs]
        if attribute.multi_valued or disputed:
            inside = st.one_of([self._comparisons(AttributePath(None, sub.name), sub, disputed) for sub in subs])
            leaves.append(st.builds(ValuePath, st.just(path), combined(inside)))
        return [*leaves, st.just(Comparison(path, Operator.PR))]

    def _comparisons(self, path: AttributePath, attribute: Attribute, disputed: bool) -> SearchStrategy[Filter]:
        operators = sorted(OPERATORS[attribute.type] | {Operator.NE})
        values = st.builds(Comparison, st.just(path), st.sampled_from(operators), self._values(attribute))
        present = st.just(Comparison(path, Operator.PR))
        null = st.builds(Comparison, st.just(path), st.sampled_from([Operator.EQ, Operator.NE]), st.none())
        return values | present | null if disputed else values | present
