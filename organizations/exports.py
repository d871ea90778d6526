"""Tables as CSV files (RFC 4180), sent while they are made, harmless in a spreadsheet, and kept in the audit trail."""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from itertools import islice
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, StreamingHttpResponse

from audit import trail
from audit.actions import Action
from organizations import pages

PER_WRITE = 200

# Spreadsheet programs take what begins so for a formula and run it.
FORMULA_BEGINS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")

# By it a spreadsheet program knows the file as UTF-8.
BYTE_ORDER_MARK = "\ufeff"


def is_open_to(request: HttpRequest) -> bool:
    """Whether the request's user takes files away at all: an operator on a visit only looks."""
    return not pages.is_visit(request)


@dataclass(frozen=True, slots=True)
class Export:
    """A file that somebody takes away: the ``action`` under which the trail keeps it, and what it was narrowed to."""

    action: Action
    filters: Mapping[str, Any]


def csv_file(
    request: HttpRequest, export: Export, name: str, header: Sequence[str], rows: Iterable[Sequence[str]]
) -> StreamingHttpResponse:
    """A download of that name, which the trail keeps; rows are asked for as they are sent.

    Raises PermissionDenied for an operator on a visit.
    """
    if not is_open_to(request):
        raise PermissionDenied("Operators look at an organization and take no files away. An Admin of it can export.")
    _record(request, export)
    return StreamingHttpResponse(
        _written(header, rows),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )


@transaction.atomic
def _record(request: HttpRequest, export: Export) -> None:
    """Keep in the trail who takes a file away, and what it was narrowed to; a mere HEAD takes nothing."""
    if request.method == "GET":
        changes = {name: (None, str(value)) for name, value in export.filters.items()}
        trail.record(export.action, pages.organization_of(request), changes, by=pages.actor_of(request))


def _written(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield BYTE_ORDER_MARK + _lines([header])
    rest = iter(rows)
    while batch := list(islice(rest, PER_WRITE)):
        yield _lines(batch)


def _lines(rows: Iterable[Sequence[str]]) -> str:
    written = StringIO()
    csv.writer(written).writerows([harmless(cell) for cell in row] for row in rows)
    return written.getvalue()


def harmless(text: str) -> str:
    """The text of a cell, marked as text where it could be taken for a formula."""
    return f"'{text}" if text.startswith(FORMULA_BEGINS) or text.lstrip().startswith(FORMULA_BEGINS) else text
