"""Where a filter finds an attribute: in a column, in index rows, or in the stored document."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TextColumn:
    """A column with the text in the form that is compared; the empty text stands for no value."""

    name: str


@dataclass(frozen=True, slots=True)
class FlagColumn:
    """A boolean column, which is true also for those whose document does not have the attribute."""

    name: str


@dataclass(frozen=True, slots=True)
class InstantColumn:
    """A column with an instant, to the millisecond like the document."""

    name: str


@dataclass(frozen=True, slots=True)
class IdColumn:
    """The primary key: looked up by the index for equality, compared as text for all else."""


@dataclass(frozen=True, slots=True)
class Rows:
    """A multi-valued attribute with an index row for each value, under that name."""

    attribute: str


@dataclass(frozen=True, slots=True)
class Folded:
    """Only in the document, compared without regard to case: read from its folded twin."""


@dataclass(frozen=True, slots=True)
class Exact:
    """Only in the document, compared as it is spelled."""


@dataclass(frozen=True, slots=True)
class Address:
    """In the document as a path, which readers get to see behind the Base URL."""


@dataclass(frozen=True, slots=True)
class Members:
    """A group's members: rows that lead to users and groups."""


@dataclass(frozen=True, slots=True)
class Memberships:
    """The groups that a user is in, directly or through another group: the same rows from the other end."""


Binding = TextColumn | FlagColumn | InstantColumn | IdColumn | Rows | Folded | Exact | Address | Members | Memberships
