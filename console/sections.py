"""The Settings pages: apps offer titled sections and pieces to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.messages.storage.base import Message
from django.http import HttpRequest, HttpResponseBase
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from console.kept_choices import kept
from console.requests import member_of
from core.parsing import id_of, number_of
from core.refusals import Malformed

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


def always_the_same(request: HttpRequest) -> Mapping[str, str]:
    """The query of a section that always shows the same."""
    return {}


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
        shown = _contexts[self.key](request) if self.key in _contexts else {}
        return render_to_string(self.template, {**shown, **around, **(extra or {})}, request)


@dataclass(frozen=True, slots=True)
class Panel:
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
# By the keys of sections, what their templates get.
_contexts: dict[str, Callable[[HttpRequest], Context]] = {}
_panels: list[Panel] = []

# Figures that an app further up can give to a page further down, such as the number of users in each domain.
_counts: dict[str, Callable[[UUID], Mapping[str, int]]] = {}


def shows(section: Section) -> Callable[[Callable[[HttpRequest], Context]], Callable[[HttpRequest], Context]]:
    """Declare what the template of a section gets for a request; without it, that is nothing but the heading."""

    def declare(context: Callable[[HttpRequest], Context]) -> Callable[[HttpRequest], Context]:
        _contexts[section.key] = context
        return context

    return declare


def register(*sections: Section) -> None:
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
    return permission == EVERYBODY or member_of(request).has_perm(permission)


def register_panels(*panels: Panel) -> None:
    """Put pieces on the pages of things, also of an app further down; apps do so once, in ``AppConfig.ready()``."""
    _panels.extend(panels)
    _panels.sort(key=lambda panel: panel.position)


def panels(place: str, request: HttpRequest, thing: Any) -> list[SafeString]:
    """What the request's user may see of a thing, as HTML."""
    user = member_of(request)
    return [
        panel.render(request, thing) for panel in _panels if panel.place == place and user.has_perm(panel.permission)
    ]


def notices(request: HttpRequest, key: str) -> list[Message]:
    """What the last change left to be said on the section or piece of that key."""
    return [notice for notice in messages.get_messages(request) if notice.extra_tags == key]


# What apps have to say at the head of a page, as HTML, or nothing.
_banners: list[tuple[Page, str, Callable[[HttpRequest], str]]] = []


def register_banner(page: Page, permission: str, text_for: Callable[[HttpRequest], str]) -> None:
    """Let an app say something at the head of a page, while there is something, to those who have a permission."""
    _banners.append((page, permission, text_for))


def banners(page: Page, request: HttpRequest) -> list[str]:
    """What is to be said to the request's user at the head of a page."""
    message = [text_for(request) for of, permission, text_for in _banners if of == page and may(request, permission)]
    return [text for text in message if text]


def register_counts(name: str, count: Callable[[UUID], Mapping[str, int]]) -> None:
    """Let pages further down show figures; ``count`` gets the organization's id."""
    _counts[name] = count


def counts(name: str, organization_id: UUID) -> Mapping[str, int]:
    """The figures of that name, or none where no app offers them."""
    return _counts[name](organization_id) if name in _counts else {}


def parsed_id(text: str) -> UUID:
    """The id that a form has sent. Raises Malformed."""
    if (found := id_of(text)) is None:
        raise Malformed
    return found


def expected_version(request: HttpRequest) -> int:
    """The version that the page of a form has shown, which is its field ``expected_version``; 0, where that is none."""
    return number_of(request.POST.get("expected_version", "")) or 0
