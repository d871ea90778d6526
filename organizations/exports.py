"""Tables as CSV files that are sent while they are made, and that no spreadsheet takes for formulas (RFC 4180)."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from itertools import islice

from django.http import StreamingHttpResponse

PER_WRITE = 200

# What a spreadsheet takes for the beginning of a formula, or skips on the way to one.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def csv_file(name: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> StreamingHttpResponse:
    """A download of that name; rows are asked for as they are sent."""
    return StreamingHttpResponse(
        _written(header, rows),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )


def _written(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    rest = iter(rows)
    batch: Sequence[Sequence[str]] = [header]
    while batch:
        written = StringIO()
        csv.writer(written).writerows([harmless(cell) for cell in row] for row in batch)
        yield written.getvalue()
        batch = list(islice(rest, PER_WRITE))


def harmless(cell: str) -> str:
    """The text behind an apostrophe where a spreadsheet would compute it."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
