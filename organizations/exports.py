"""Tables as CSV files (RFC 4180), sent while they are made, harmless in a spreadsheet, and kept in the audit trail."""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import StringIO
from itertools import islice
from typing import Any

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


@transaction.atomic
def record(action: Action, request: HttpRequest, filters: Mapping[str, Any]) -> None:
    """Keep in the trail who takes a file away, and what it was narrowed to; a mere HEAD takes nothing."""
    if request.method == "GET":
        changes = {name: (None, str(value)) for name, value in filters.items()}
        trail.record(action, pages.organization_of(request), changes, by=pages.actor_of(request))


def csv_file(name: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> StreamingHttpResponse:
    """A download of that name; rows are asked for as they are sent."""
    return StreamingHttpResponse(
        _written(header, rows),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )


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
