"""CSV files that the audit log keeps: who took which list away, and what it was narrowed to."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, StreamingHttpResponse

from audit.actions import Action
from audit.services import exports
from console.csv_download import is_open_to, written
from console.requests import actor_of, tenant_of


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
    # A mere HEAD takes nothing away.
    if request.method == "GET":
        exports.record(export.action, tenant_of(request), export.filters, by=actor_of(request))
    return StreamingHttpResponse(
        written(header, rows),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )
