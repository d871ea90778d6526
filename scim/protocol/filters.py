"""Syntax trees: filters and PATCH paths, with their text (RFC 7644 sections 3.4.2.2 and 3.5.2).

A ``Filter`` is what the client wrote. A ``Resolved`` is the same condition after every name was found and every
value read; it is what both back ends evaluate, rows in SQL and resources in memory, and its rules are told here once:

- Strings compare by ``Attribute.key``, in code point order. Instants compare as instants, booleans only for equality.
- A comparison through a multi-valued attribute is true if any of its values satisfies it, and false without a value.
- ``not`` is plain negation, so ``ne`` is exactly not ``eq``: true for who lacks the attribute, and on a multi-valued
  attribute true if no value equals. A ``Resolved`` has no ``ne``.
- ``x eq null`` is not ``x pr``, ``x ne null`` is ``x pr``. A ``Resolved`` has no null.
- Two dotted comparisons are independent: ``emails.type eq "work" and emails.value eq "x"`` may be true by two different
  values. A value path ties its conditions to one value: ``emails[type eq "work" and value eq "x"]``.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar

from scim.protocol.attributes import AttributePath, ResolvedPath
from scim.protocol.errors import LONGEST_NAME, shown_name


class Operator(StrEnum):
    """The attribute operators of RFC 7644 table 3."""

    EQ = "eq"
    NE = "ne"
    CO = "co"
    SW = "sw"
    EW = "ew"
    GT = "gt"
    GE = "ge"
    LT = "lt"
    LE = "le"
    PR = "pr"


Node = TypeVar("Node")


@dataclass(frozen=True, slots=True)
class And(Generic[Node]):
    """True where every term is; two terms at least, none of them an And."""

    terms: tuple[Node, ...]

    def __str__(self) -> str:
        return " and ".join(f"({term})" if isinstance(term, Or) else str(term) for term in self.terms)


@dataclass(frozen=True, slots=True)
class Or(Generic[Node]):
    """True where any term is; two terms at least, none of them an Or."""

    terms: tuple[Node, ...]

    def __str__(self) -> str:
        return " or ".join(map(str, self.terms))


@dataclass(frozen=True, slots=True)
class Not(Generic[Node]):
    """True where the term is not."""

    term: Node

    def __str__(self) -> str:
        return f"not ({self.term})"


@dataclass(frozen=True, slots=True)
class Comparison:
    """``path operator value``, as written; ``pr`` has no value (None)."""

    path: AttributePath
    operator: Operator
    value: str | int | float | bool | None = None

    def __str__(self) -> str:
        if self.operator is Operator.PR:
            return f"{self.path} pr"
        return f"{self.path} {self.operator} {json.dumps(self.value, ensure_ascii=False)}"


@dataclass(frozen=True, slots=True)
class ValuePath:
    """``path[inner]``, as written: true where one single value of the attribute satisfies the inner filter.

    The paths inside are relative: the names of sub-attributes.
    """

    path: AttributePath
    inner: "Filter"

    def __str__(self) -> str:
        return f"{self.path}[{self.inner}]"


Filter = Comparison | ValuePath | And["Filter"] | Or["Filter"] | Not["Filter"]


@dataclass(frozen=True, slots=True)
class Compare:
    """A comparison whose attribute was found and whose value has the attribute's type.

    ``value`` is in the form that is compared: text as ``Attribute.key`` gives it, a dateTime as an aware datetime in
    UTC. ``operator`` is never NE, and ``value`` is None for PR and only then. Where the path ends at a complex
    attribute, the operator is PR.
    """

    path: ResolvedPath
    operator: Operator
    value: str | int | float | bool | datetime | None = None


@dataclass(frozen=True, slots=True)
class AnyValue:
    """True where one single value of the multi-valued complex attribute satisfies the inner condition.

    Inside, ``path.attribute`` is the sub-attribute and ``path.extension`` and ``path.sub`` are None.
    """

    path: ResolvedPath
    inner: "Resolved"


Resolved = Compare | AnyValue | And["Resolved"] | Or["Resolved"] | Not["Resolved"]


@dataclass(frozen=True, slots=True)
class PatchPath:
    """What a PATCH operation aims at: ``attribute``, ``attribute[filter]`` or ``attribute[filter].sub``.

    Without a value filter the sub-attribute is part of ``path``.
    """

    path: AttributePath
    value_filter: Filter | None = None
    sub: str | None = None

    def __str__(self) -> str:
        if self.value_filter is None:
            return str(self.path)
        return f"{self.path}[{self.value_filter}]" + (f".{self.sub}" if self.sub else "")

    @property
    def outline(self) -> str:
        """The path for messages: without what its filter compares with, and of a short length."""
        if self.value_filter is None:
            return shown_name(str(self.path))
        inner = str(_without_literals(self.value_filter))[:LONGEST_NAME]
        return f"{shown_name(str(self.path))}[{inner}]" + (f".{shown_name(self.sub)}" if self.sub else "")


@dataclass(frozen=True, slots=True)
class _Outlined:
    """A comparison with something that is not told."""

    path: AttributePath
    operator: Operator

    def __str__(self) -> str:
        return f"{self.path} {self.operator} …"


def _without_literals(condition: Filter) -> Any:
    match condition:
        case And(terms):
            return And(tuple(map(_without_literals, terms)))
        case Or(terms):
            return Or(tuple(map(_without_literals, terms)))
        case Not(term):
            return Not(_without_literals(term))
        case Comparison(path, operator) if operator is not Operator.PR:
            return _Outlined(path, operator)
    return condition
