"""Actions: what a section can do, each declared beside the view that does it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pkgutil import walk_packages
from typing import TypeVar

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect

from console import reauthentication, responses
from console.forms import ActionForm
from console.kept_choices import keep
from console.requests import is_htmx, not_allowed
from console.sections import Context, Section, View, may
from core.refusals import Kind, ReauthenticationRequired, Refusal

# What a page answers to each kind of refusal.
STATUSES = {Kind.UNKNOWN: 404, Kind.MALFORMED: 400, Kind.CONFLICT: 409}


@dataclass(frozen=True, slots=True)
class Saved:
    """The outcome of a change that was made.

    To htmx it is the new section, with more context if there is ``extra``; else a redirect to the page, on which the
    section has the message.
    """

    message: str
    extra: Context | None = None

    def answer(self, request: HttpRequest, section: Section) -> HttpResponse:
        """The answer to whoever sent the form."""
        if is_htmx(request):
            return HttpResponse(section.render(request, {"message": self.message, **(self.extra or {})}))
        messages.success(request, self.message, extra_tags=section.key)
        return redirect(section.address_after(request))


@dataclass(frozen=True, slots=True)
class Shown:
    """The outcome of what is told at once and nowhere else: what is wrong with a form, or a new token.

    To htmx it is the section with that context, else the whole page with such a section.
    """

    context: Context

    def answer(self, request: HttpRequest, section: Section) -> HttpResponse:
        """The answer to whoever sent the form."""
        if is_htmx(request):
            return HttpResponse(section.render(request, self.context))
        return responses.show(request, section.page, {section.key: self.context})


# Of an action that does not only change its section, such as one with a page of its own: the whole answer.
Outcome = Saved | Shown | HttpResponseBase
ActionView = Callable[..., Outcome]
Declared = TypeVar("Declared", bound=ActionView)


@dataclass(frozen=True, slots=True)
class PageAction:
    """One thing that a section can do: a POST from a form on the page, or with ``reads`` a GET of a piece of it.

    Its address is ``/settings/<route>``, its name in ``reverse`` is ``settings:<name>``.
    """

    section: Section
    route: str
    name: str
    permission: str
    view: ActionView
    form: type[ActionForm] | None
    reads: bool


_actions: list[PageAction] = []


def action(
    section: Section,
    route: str,
    name: str,
    *,
    permission: str,
    form: type[ActionForm] | None = None,
    reads: bool = False,
) -> Callable[[Declared], Declared]:
    """Declare a view as an action of a section.

    The view gets the request, a valid form if there is one, and what the route captures. It gives an Outcome, and may
    raise a Refusal or ReauthenticationRequired. A form that is not valid is shown in its section, as ``form``.
    ``discover`` finds the views.
    """

    def declare(view: Declared) -> Declared:
        _actions.append(PageAction(section, route, name, permission, view, form, reads))
        return view

    return declare


def discover(package: str) -> None:
    """Import every module of an app's package ``views``, so that its actions are known; apps do so once, when ready."""
    for module in walk_packages(import_module(package).__path__, f"{package}."):
        import_module(module.name)


def actions() -> list[tuple[PageAction, View]]:
    """Every action with the view that answers for it."""
    return [(each, _guarded(each)) for each in _actions]


def _guarded(action: PageAction) -> View:
    """The view behind an action: for those who may, and with every Refusal answered in the one way."""
    section = action.section

    def view(request: HttpRequest, **arguments: object) -> HttpResponseBase:
        if not may(request, action.permission):
            message = not_allowed(request)
            if is_htmx(request):
                return responses.plain(message, 403)
            raise PermissionDenied(message)
        if request.method not in (("GET", "HEAD") if action.reads else ("POST",)):
            # Somebody came back to the address of a form, say through a sign-in: the page is what they look for.
            return redirect(section.address_after(request))
        try:
            outcome = _outcome(action, request, arguments)
            return outcome if isinstance(outcome, HttpResponseBase) else outcome.answer(request, section)
        except ReauthenticationRequired as needed:
            back = needed.back or section.address_after(request)
            return reauthentication.redirect_to_reauthentication(request, back, needed.act)
        except Refusal as refusal:
            return _refused(request, section, refusal)

    return view


def _outcome(action: PageAction, request: HttpRequest, arguments: Mapping[str, object]) -> Outcome:
    if action.form is None:
        return action.view(request, **arguments)
    form = action.form(request)
    return action.view(request, form, **arguments) if form.check() else Shown({"form": form})


def _refused(request: HttpRequest, section: Section, refusal: Refusal) -> HttpResponse:
    """Answer a change that a rule forbids: the reason to htmx, which shows it beside the control, else on the page.

    What was chosen is still there: in the form that htmx leaves as it is, or on the page that is shown next.
    """
    if is_htmx(request):
        return responses.plain(refusal.message, STATUSES[refusal.kind])
    if refusal.kind is Kind.UNKNOWN:
        raise Http404(refusal.message)
    messages.error(request, refusal.message, extra_tags=section.key)
    keep(request, section.key)
    return redirect(section.address_after(request))
