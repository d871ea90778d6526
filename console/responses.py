"""What the pages of sections are answered with: a page, one section of it, or a sentence."""

from __future__ import annotations

from collections.abc import Mapping

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from console.sections import TITLES, Context, Page, banners, visible


def show(request: HttpRequest, page: Page, extra: Mapping[str, Context] | None = None) -> HttpResponse:
    """A whole page, or the one section that htmx asks for; ``extra`` maps section keys to more context for them."""
    extra = extra or {}
    shown = visible(page, request)
    if not shown:
        raise PermissionDenied("Your role does not open this page. Ask an Admin of your organization if you need it.")
    wanted = request.headers.get("HX-Target", "")
    for section in [*shown, *(part for card in shown for part in visible(page, request, card.key))]:
        if section.key == wanted:
            return HttpResponse(section.render(request, extra.get(section.key), extra))
    title, lead = TITLES[page]
    context = {
        "title": title,
        "lead": lead,
        "page": page,
        "banners": banners(page, request),
        "cards": [section.render(request, extra.get(section.key), extra) for section in shown],
    }
    return render(request, "settings/page.html", context)


def plain(message: str, status: int) -> HttpResponse:
    """A sentence for the script on the page, which shows it beside the control."""
    return HttpResponse(message, status=status, content_type="text/plain; charset=utf-8")
