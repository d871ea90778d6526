"""Template filter of the operators' lists: each cell names its column, for narrow screens."""

from collections.abc import Iterable
from typing import Any

from django import template
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import capfirst

register = template.Library()


@register.filter
def labelled(cells: Iterable[str], headers: Iterable[dict[str, Any]]) -> list[SafeString]:
    """Give each cell of a row, as Django's admin has rendered it, the heading of its column."""
    named = zip(cells, headers, strict=False)
    return [
        mark_safe(  # noqa: S308  (the cell is Django's, and the heading is escaped)
            cell.replace("<td", f'<td data-label="{conditional_escape(capfirst(header["text"]))}"', 1)
        )
        for cell, header in named
    ]
