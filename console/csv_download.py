"""Tables as CSV files (RFC 4180), harmless in a spreadsheet."""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from itertools import islice

from django.http import HttpRequest

from console.requests import is_support_access

PER_WRITE = 200

# Spreadsheet programs take what begins so for a formula and run it.
SIGNS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
FORMULA_BEGINS = (*SIGNS, "\t", "\r", "\n")

# Where a program that takes semicolons or tabs for the commas, as in Germany and France, begins another cell; what it
# passes over before a sign; and the sign. Begins where nothing of the like stands before, so that it is linear.
_BEFORE_A_SIGN = re.compile(rf'(?<![;\s"])[;\s"]++(?=[{re.escape("".join(SIGNS))}])')
_PASSED_OVER = re.compile(r'\A[\s"]++')
_ENDS_A_CELL = frozenset(";\t\r\n\v\f\x1c\x1d\x1e\x85\u2028\u2029")

# By it a spreadsheet program knows the file as UTF-8.
BYTE_ORDER_MARK = "\ufeff"


def is_open_to(request: HttpRequest) -> bool:
    """Whether the request's user takes files away at all: an operator on a visit only looks."""
    return not is_support_access(request)


def written(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """The file in pieces, made while its rows are asked for."""
    yield BYTE_ORDER_MARK + _lines([header])
    rest = iter(rows)
    while batch := list(islice(rest, PER_WRITE)):
        yield _lines(batch)


def _lines(rows: Iterable[Sequence[str]]) -> str:
    text = StringIO()
    csv.writer(text).writerows([harmless(cell) for cell in row] for row in rows)
    return text.getvalue()


def harmless(text: str) -> str:
    """The text of a cell, marked by an apostrophe wherever it could be taken for a formula, be the file cut at commas,
    semicolons or tabs.
    """
    begins = text.startswith(FORMULA_BEGINS) or _first_sign(text) in FORMULA_BEGINS
    text = _BEFORE_A_SIGN.sub(_marked, text)
    return f"'{text}" if begins else text


def _first_sign(text: str) -> str:
    """The first character that is neither a blank nor a quote; such are passed over in front of a formula."""
    return _PASSED_OVER.sub("", text, count=1)[:1]


def _marked(found: re.Match[str]) -> str:
    return found[0] if _ENDS_A_CELL.isdisjoint(found[0]) else f"{found[0]}'"
