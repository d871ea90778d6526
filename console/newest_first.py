"""Long lists, newest first: pages by the id beside which they lie, so that each costs the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from django.db.models import QuerySet
from django.http import QueryDict

from core.parsing import id_of

# Rows of a file are read by so many: short statements, none of which runs for as long as a file takes to be sent.
PER_CHUNK = 1_000

# What a query says of the place in a list.
PLACES = ("before", "after")

Row = TypeVar("Row", bound=Any)


class Take(Protocol[Row]):
    """At most ``limit`` rows by their ids: the newest, or those next before an id; next after one, oldest first."""

    def __call__(self, limit: int, *, before: UUID | None = None, after: UUID | None = None) -> list[Row]:
        """The rows."""


def by_id(rows: QuerySet[Any]) -> Take[Any]:
    """The rows of a queryset, by its primary key."""

    def take(limit: int, *, before: UUID | None = None, after: UUID | None = None) -> list[Any]:
        if after is not None:
            return list(rows.filter(pk__gt=after).order_by("pk")[:limit])
        ordered = rows.order_by("-pk")
        return list((ordered if before is None else ordered.filter(pk__lt=before))[:limit])

    return take


@dataclass(frozen=True, slots=True)
class ListPage(Generic[Row]):
    """A page of a list; ``query`` says what the list is narrowed to, without the place in it."""

    rows: list[Row]
    query: QueryDict
    has_newer: bool
    has_older: bool

    @property
    def newer(self) -> str:
        """The query of the page before this one, empty where it begins with the newest."""
        return self._beside(after=self.rows[0]) if self.has_newer else ""

    @property
    def older(self) -> str:
        """The query of the page behind this one, empty on the last."""
        return self._beside(before=self.rows[-1]) if self.has_older else ""

    def _beside(self, **places: Row) -> str:
        query = self.query.copy()
        query.update({name: str(row.pk) for name, row in places.items()})
        return query.urlencode()


def page_of(asked: QueryDict, take: Take[Row], size: int) -> ListPage[Row]:
    """The page that a query asks for; the first one where it names no place, or one past an end."""
    query = asked.copy()
    before, after = (id_of("".join(query.pop(name, [])[-1:])) for name in PLACES)
    if after:
        rows = take(size + 1, after=after)
        if len(rows) > size:
            return ListPage(rows[size - 1 :: -1], query, has_newer=True, has_older=True)
    if before:
        rows = take(size + 1, before=before)
        if rows:
            return ListPage(rows[:size], query, has_newer=True, has_older=len(rows) > size)
    rows = take(size + 1)
    return ListPage(rows[:size], query, has_newer=False, has_older=len(rows) > size)


def all_of(take: Take[Row]) -> Iterator[Row]:
    """Every row that there is by now."""
    newest = take(PER_CHUNK)
    return chain(newest, _older(take, newest))


def _older(take: Take[Row], chunk: list[Row]) -> Iterator[Row]:
    while chunk:
        chunk = take(PER_CHUNK, before=chunk[-1].pk)
        yield from chunk
