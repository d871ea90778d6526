"""The Settings pages: apps offer titled sections and pieces to them, and every control answers in one way."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any
from uuid import UUID

import structlog
from django.contrib import messages
from django.contrib.messages.storage.base import Message
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import resolve, reverse
from django.utils.crypto import get_random_string
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from audit.models import AuditEvent
from core.actors import Actor, Door, address_of_caller
from core.parsing import id_of, number_of
from core.refusals import ProofNeeded, Refusal
from organizations.models import Organization

Context = Mapping[str, Any]
View = Callable[..., HttpResponseBase]

HEADING_ONLY = "settings/section.html"

# The permission of what everybody may, whatever their role.
EVERYBODY = ""


class Page(StrEnum):
    """The pages of Settings; the value is the last part of the address."""

    USERS = "users"
    ORGANIZATION = "organization"
    AUDIT_LOG = "audit-log"
    PROFILE = "profile"


TITLES: Mapping[Page, tuple[str, str]] = {
    Page.USERS: ("Users", "Who can sign in, what they may do, and how they get here."),
    Page.ORGANIZATION: ("Organization", "Your organization and the e-mail domains of its people."),
    Page.AUDIT_LOG: ("Audit log", "Who changed what in your organization, when and from where."),
    Page.PROFILE: ("Your profile", ""),
}


class Malformed(Refusal):
    """A form came without a value that the page always sends."""

    code = "malformed"

    def __init__(self, message: str = "The page sent a form that can't be read. Reload it and try again.") -> None:
        super().__init__(message)


def nothing_more(request: HttpRequest) -> Context:
    """The context of a section that shows nothing but its heading."""
    return {}


def always_the_same(request: HttpRequest) -> Mapping[str, str]:
    """The query of a section that always shows the same."""
    return {}


@dataclass(frozen=True, slots=True)
class Control:
    """One thing that a section can do: a POST from a form on the page, or with ``reads`` a GET of a piece of it.

    Its address is ``/settings/<route>``, its name in ``reverse`` is ``settings:<name>``.
    """

    route: str
    name: str
    permission: str
    view: View
    reads: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A titled box of a Settings page. ``key`` is its address fragment; ``within`` the key of the box it lies in.

    Whoever lacks ``permission`` does not see it, or only its heading over what lies in it and is for them. Sections
    stand in the order of ``position``. ``query`` gives what the address must say for the section to show again what a
    request was about, where it shows one of several things.
    """

    page: Page
    key: str
    title: str
    position: int
    permission: str
    lead: str = ""
    within: str = ""
    template: str = HEADING_ONLY
    context: Callable[[HttpRequest], Context] = nothing_more
    controls: tuple[Control, ...] = ()
    query: Callable[[HttpRequest], Mapping[str, str]] = always_the_same

    @property
    def address(self) -> str:
        """Where a help text can send people."""
        return f"{reverse(f'settings:{self.page}')}#{self.key}"

    def address_after(self, request: HttpRequest) -> str:
        """Where the section shows what a request was about."""
        asked = urlencode(self.query(request))
        return f"{reverse(f'settings:{self.page}')}{'?' if asked else ''}{asked}#{self.key}"

    def render(self, request: HttpRequest, extra: Context | None = None, inner: Context | None = None) -> SafeString:
        """The section as HTML, with the sections that lie in it; ``inner`` maps keys to more context for those."""
        inner = inner or {}
        parts = [part.render(request, inner.get(part.key), inner) for part in visible(self.page, request, self.key)]
        around = {
            "section": self,
            "parts": parts,
            "notices": notices(request, self.key),
            "kept": kept(request, self.key),
        }
        if not may(request, self.permission):
            return render_to_string(HEADING_ONLY, around, request)
        return render_to_string(self.template, {**self.context(request), **around, **(extra or {})}, request)


@dataclass(frozen=True, slots=True)
class Piece:
    """A titled box on the page of one thing, such as a person; ``place`` names that page, ``context`` gets the thing.

    Whoever lacks ``permission`` does not see it, and nobody where there is no context for a thing. Pieces stand in the
    order of ``position``.
    """

    place: str
    key: str
    title: str
    position: int
    permission: str
    template: str
    context: Callable[[HttpRequest, Any], Context | None]
    lead: str = ""

    def render(self, request: HttpRequest, thing: Any) -> SafeString:
        """The piece as HTML; empty where there is nothing to show."""
        shown = self.context(request, thing)
        if shown is None:
            return SafeString("")
        around = {"section": self, "notices": notices(request, self.key), "kept": kept(request, self.key)}
        return render_to_string(self.template, {**shown, **around}, request)


_sections: list[Section] = []
_pieces: list[Piece] = []

# Figures that an app further up can give to a page further down, such as the number of users in each domain.
_figures: dict[str, Callable[[UUID], Mapping[str, int]]] = {}


# What gives the addresses at which things of a kind are shown, for those of the ids that are still there.
Whereabouts = Callable[[UUID, Collection[str]], Mapping[str, str]]
_whereabouts: dict[str, tuple[str, Whereabouts]] = {}


def offer(*sections: Section) -> None:
    """Put sections on the Settings pages; apps do so once, in ``AppConfig.ready()``."""
    _sections.extend(sections)
    _sections.sort(key=lambda section: section.position)


def visible(page: Page, request: HttpRequest, within: str = "") -> list[Section]:
    """What the request's user may see on a page, or in one of its sections; a mere heading over nothing is left out."""
    return [
        section
        for section in _sections
        if section.page == page
        and section.within == within
        and (
            (section.template != HEADING_ONLY and may(request, section.permission))
            or visible(page, request, section.key)
        )
    ]


def may(request: HttpRequest, permission: str) -> bool:
    """Whether the request's user, somebody of an organization, has a permission."""
    user: Any = request.user
    return permission == EVERYBODY or bool(user.has_perm(permission))


def offer_pieces(*pieces: Piece) -> None:
    """Put pieces on the pages of things, also of an app further down; apps do so once, in ``AppConfig.ready()``."""
    _pieces.extend(pieces)
    _pieces.sort(key=lambda piece: piece.position)


def pieces(place: str, request: HttpRequest, thing: Any) -> list[SafeString]:
    """What the request's user may see of a thing, as HTML."""
    user: Any = request.user
    return [
        piece.render(request, thing) for piece in _pieces if piece.place == place and user.has_perm(piece.permission)
    ]


def notices(request: HttpRequest, key: str) -> list[Message]:
    """What the last change left to be said on the section or piece of that key."""
    return [notice for notice in messages.get_messages(request) if notice.extra_tags == key]


# Where a session keeps what a refused form had chosen, and how much of it.
_KEPT = "kept-choices"
_LONGEST_KEPT = 50_000


@dataclass(frozen=True, slots=True)
class Kept:
    """What was chosen in a form that was refused; false if nothing was. ``control`` is the name of what was asked."""

    control: str = ""
    fields: QueryDict = field(default_factory=QueryDict)

    def __bool__(self) -> bool:
        return bool(self.control)

    def text(self, name: str, otherwise: str = "") -> str:
        """What a field had."""
        return self.fields.get(name, otherwise)

    def ids(self, name: str) -> frozenset[UUID]:
        """The ids that were ticked in the fields of that name, which are ``id`` or ``id.version``."""
        texts = self.fields.getlist(name)
        return frozenset(found for text in texts if (found := id_of(text.partition(".")[0])))


def keep(request: HttpRequest, key: str, **fields: Iterable[object]) -> None:
    """Keep what a form chose, which a rule refuses, for when the section or piece of that key is shown next.

    ``fields`` have other values than those that were sent.
    """
    chosen = request.POST.copy()
    for name in ("csrfmiddlewaretoken", "once"):
        chosen.pop(name, None)
    for name, values in fields.items():
        chosen.setlist(name, [str(value) for value in values])
    text = chosen.urlencode()
    if request.resolver_match and len(text) <= _LONGEST_KEPT:
        request.session[_KEPT] = {"key": key, "control": request.resolver_match.url_name, "fields": text}


def kept(request: HttpRequest, key: str) -> Kept:
    """What a refused form had chosen that stands in the section or piece of that key; it is shown once."""
    shown: dict[str, Kept] = request.__dict__.setdefault("_kept", {})
    waiting = request.session.get(_KEPT)
    if key not in shown and waiting and waiting["key"] == key:
        del request.session[_KEPT]
        shown[key] = Kept(waiting["control"], QueryDict(waiting["fields"]))
    return shown.get(key, Kept())


# What apps have to say at the head of a page, as HTML, or nothing.
_banners: list[tuple[Page, str, Callable[[HttpRequest], str]]] = []


def offer_banner(page: Page, permission: str, say: Callable[[HttpRequest], str]) -> None:
    """Let an app say something at the head of a page, while there is something, to those who have a permission."""
    _banners.append((page, permission, say))


def banners(page: Page, request: HttpRequest) -> list[str]:
    """What is to be said to the request's user at the head of a page."""
    said = [say(request) for of, permission, say in _banners if of == page and may(request, permission)]
    return [text for text in said if text]


def offer_figures(name: str, count: Callable[[UUID], Mapping[str, int]]) -> None:
    """Let pages further down show figures; ``count`` gets the organization's id."""
    _figures[name] = count


def figures(name: str, organization_id: UUID) -> Mapping[str, int]:
    """The figures of that name, or none where no app offers them."""
    return _figures[name](organization_id) if name in _figures else {}


def offer_whereabouts(kind: str, permission: str, find: Whereabouts) -> None:
    """Let the audit log link to things of a kind (a model's name); ``find`` gets the organization's id and theirs."""
    _whereabouts[kind] = permission, find


def whereabouts(request: HttpRequest, kind: str, ids: Collection[str]) -> Mapping[str, str]:
    """Where the request's user finds those things; what is gone, or not for that user, is left out."""
    permission, find = _whereabouts.get(kind, ("", None))
    user: Any = request.user
    return find(user.organization_id, ids) if find and user.has_perm(permission) else {}


# What gives the addresses at which events of the audit log can be undone, by the ids of the events.
Undos = Callable[[UUID, Collection[AuditEvent]], Mapping[UUID, str]]
_undos: list[tuple[str, Undos]] = []


def offer_undos(permission: str, find: Undos) -> None:
    """Let the audit log lead those who may to where events are undone; ``find`` gets the organization's id and them."""
    _undos.append((permission, find))


def undos(request: HttpRequest, events: Collection[AuditEvent]) -> Mapping[UUID, str]:
    """Where the request's user can undo some of the events."""
    user: Any = request.user
    found: dict[UUID, str] = {}
    for permission, find in _undos:
        if may(request, permission):
            found |= find(user.organization_id, events)
    return found


# Whether the person of a request has just shown who they are; the app that knows how people sign in tells.
_proofs: list[Callable[[HttpRequest], bool]] = []


def offer_proof(recent: Callable[[HttpRequest], bool]) -> None:
    """Let pages further down know whether somebody has given their password a short while ago."""
    _proofs.append(recent)


# Answers


def ask_for_proof(request: HttpRequest, back: str, act: str) -> HttpResponse | None:
    """Before something that matters: None for who has just shown who they are, else the way to the question.

    ``act`` is what it is for, as in "To ..., enter your password". Where no app can tell, everybody is asked.
    """
    return None if _is_proven(request) else _lead_to_proof(request, back, act)


def _is_proven(request: HttpRequest) -> bool:
    return any(recent(request) for recent in _proofs)


# Where a session keeps the forms that wait for the proof, by the words that stand for them in addresses; the newest
# few, for somebody may ask for something else in another tab meanwhile.
_WAITING = "forms-waiting-for-proof"
_MOST_WAITING = 3
WAITING_FIELD = "form"
# What the proof is asked for, and where it leads back.
_ACT = "act-waiting-for-proof"


def _lead_to_proof(request: HttpRequest, back: str, act: str) -> HttpResponse:
    """The way to the question; the form that was sent waits until it is answered, see ``carry_on``.

    ``back`` is where the person comes to if there is no such form.
    """
    request.session[_ACT] = {"back": back, "act": act}
    query = {"next": back}
    if request.method == "POST":
        query[WAITING_FIELD] = word = get_random_string(12)
        form = {"path": request.path_info, "fields": request.POST.urlencode()}
        others = list(request.session.get(_WAITING, {}).items())
        request.session[_WAITING] = dict([*others[-_MOST_WAITING + 1 :], (word, form)])
    address = f"{reverse('account_reauthenticate')}?{urlencode(query)}"
    return HttpResponse(headers={"HX-Redirect": address}) if is_htmx(request) else redirect(address)


def act_to_prove(request: HttpRequest, back: str) -> str:
    """What the password is asked for, such as "give the role Admin"; empty where nothing asked with that ``back``."""
    asked = request.session.get(_ACT, {})
    act: str = asked.get("act", "") if asked.get("back") == back else ""
    return act


def carry_on(request: HttpRequest, word: str, back: str) -> HttpResponseBase:
    """Answer the form that has waited for the proof under a word, now that it is given, as if it had just been sent.

    Where it waits no longer, a page says so and leads on to ``back``.
    """
    waiting = request.session.get(_WAITING, {})
    form = waiting.pop(word, None)
    if form is None:
        context = {"title": "Nothing was done", "back": back or reverse("settings:index")}
        return render(request, "signin/nothing_waits.html", context, status=409)
    request.session[_WAITING] = waiting
    # Its forgery token has been checked when it was sent, that of the question just now.
    request.path = request.path_info = form["path"]
    request.POST = QueryDict(form["fields"])
    request.resolver_match = match = resolve(form["path"])
    response: HttpResponseBase = match.func(request, *match.args, **match.kwargs)
    return response


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
        return HttpResponse(section.render(request, {"said": message, **extra}))
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


def guarded(section: Section, control: Control) -> View:
    """The view behind a control: for those who may, and with every Refusal answered in the one way."""

    def view(request: HttpRequest, **arguments: Any) -> HttpResponseBase:
        if not may(request, control.permission):
            message = not_allowed(request)
            if is_htmx(request):
                return plain(message, 403)
            raise PermissionDenied(message)
        if request.method not in (("GET", "HEAD") if control.reads else ("POST",)):
            # Somebody came back to the address of a form, say through a sign-in: the page is what they look for.
            return redirect(section.address_after(request))
        try:
            return control.view(request, **arguments)
        except ProofNeeded as needed:
            return _lead_to_proof(request, section.address_after(request), needed.act)
        except Refusal as refusal:
            return refused(request, section, refusal)

    return view


def controls() -> list[tuple[Control, View]]:
    """Every control with the view that answers for it."""
    return [(control, guarded(section, control)) for section in _sections for control in section.controls]


# Questions to a request


def is_htmx(request: HttpRequest) -> bool:
    """Whether the page's script asks, and wants a piece of the page."""
    return request.headers.get("HX-Request") == "true"


def wanted(request: HttpRequest) -> bool:
    """The state that a switch asks for; switches never say "the other one". Raises Malformed."""
    states = {"on": True, "off": False}
    state = request.POST.get("wanted", "")
    if state not in states:
        raise Malformed
    return states[state]


def sent_id(request: HttpRequest, name: str) -> UUID:
    """The id in a form's field of that name. Raises Malformed."""
    return parsed_id(request.POST.get(name, ""))


def parsed_id(text: str) -> UUID:
    """The id that a form has sent. Raises Malformed."""
    if (found := id_of(text)) is None:
        raise Malformed
    return found


def expected_version(request: HttpRequest, otherwise: int | None = None) -> int:
    """The version that the page of a form has shown, which is its field ``seen``.

    ``otherwise`` is for a field that can't be read; without it, that raises Malformed.
    """
    found = number_of(request.POST.get("seen", ""))
    if found is None:
        found = otherwise
    if found is None:
        raise Malformed
    return found


def not_allowed(request: HttpRequest) -> str:
    """Why a request is refused for lack of a permission, and what to do."""
    if is_visit(request):
        return "Operators look at an organization, change nothing and export nothing. An Admin of it can do this."
    return "Your role does not allow this. Ask an Admin of your organization."


def is_visit(request: HttpRequest) -> bool:
    """Whether an operator looks at the organization, who has been let in by it and belongs to none."""
    return getattr(request.user, "visit", None) is not None


def organization_of(request: HttpRequest) -> Organization:
    """The organization of whoever is signed in."""
    user: Any = request.user
    organization: Organization = user.organization
    return organization


def actor_of(request: HttpRequest) -> Actor:
    """Whoever is signed in, acting through a page."""
    user: Any = request.user
    return replace(actor_for(user, request, Door.PAGE), is_proven=_is_proven(request))


def actor_for(user: Any, request: HttpRequest, door: Door) -> Actor:
    """A person of an organization, acting through a door that opens onto the web."""
    return Actor(
        organization_id=user.organization_id,
        label=str(user),
        door=door,
        user_id=user.pk,
        address=address_of_caller(request.META),
        request_id=request_id(),
        name=user.display_name,
    )


def request_id() -> str:
    """By what the server's own log knows the request that is being answered; empty outside of one."""
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))[:40]
