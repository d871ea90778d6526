"""How a control of the pages answers: a piece for htmx, a redirect with a message otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render

from console.kept_choices import keep
from console.reauthentication import redirect_to_reauthentication
from console.requests import is_htmx, not_allowed
from console.sections import TITLES, Context, Page, PageAction, Section, View, all_sections, banners, may, visible
from core.refusals import Malformed, ReauthenticationRequired, Refusal


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


def done(request: HttpRequest, section: Section, message: str, **extra: Any) -> HttpResponse:
    """Answer a change that was made: the new section to htmx, else the page anew with the message on the section."""
    if is_htmx(request):
        return HttpResponse(section.render(request, {"message": message, **extra}))
    messages.success(request, message, extra_tags=section.key)
    return redirect(section.address_after(request))


def refused(request: HttpRequest, section: Section, refusal: Refusal) -> HttpResponse:
    """Answer a change that a rule forbids: the reason to htmx, which shows it beside the control, else on the page.

    What was chosen is still there: in the form that htmx leaves as it is, or on the page that is shown next.
    """
    status = 404 if refusal.code.endswith("-unknown") else 400 if refusal.code == Malformed.code else 409
    if is_htmx(request):
        return plain(refusal.message, status)
    if status == 404:
        raise Http404(refusal.message)
    messages.error(request, refusal.message, extra_tags=section.key)
    keep(request, section.key)
    return redirect(section.address_after(request))


def plain(message: str, status: int) -> HttpResponse:
    """A sentence for the script on the page, which shows it beside the control."""
    return HttpResponse(message, status=status, content_type="text/plain; charset=utf-8")


def guarded(section: Section, action: PageAction) -> View:
    """The view behind a control: for those who may, and with every Refusal answered in the one way."""

    def view(request: HttpRequest, **arguments: Any) -> HttpResponseBase:
        if not may(request, action.permission):
            message = not_allowed(request)
            if is_htmx(request):
                return plain(message, 403)
            raise PermissionDenied(message)
        if request.method not in (("GET", "HEAD") if action.reads else ("POST",)):
            # Somebody came back to the address of a form, say through a sign-in: the page is what they look for.
            return redirect(section.address_after(request))
        try:
            return action.view(request, **arguments)
        except ReauthenticationRequired as needed:
            return redirect_to_reauthentication(request, section.address_after(request), needed.act)
        except Refusal as refusal:
            return refused(request, section, refusal)

    return view


def actions() -> list[tuple[PageAction, View]]:
    """Every control with the view that answers for it."""
    return [(action, guarded(section, action)) for section in all_sections() for action in section.actions]
