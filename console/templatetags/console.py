"""Template tags of the pages: the menu, moments, durations and initials."""

from datetime import datetime, timedelta
from typing import Any

from django import template
from django.template import Context
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from console.sections import TITLES, Page, visible
from core import dates

register = template.Library()


@register.filter
def moment(value: datetime | None) -> SafeString | str:
    """A <time> such as "3 minutes ago" or "23 Nov 2026", in the zone and the language of dates that govern the page."""
    if value is None:
        return ""
    local = timezone.localtime(value)
    return _time(local, _recent(local))


@register.filter
def clock(value: datetime | None) -> SafeString | str:
    """A <time> such as "14:05" or "23 Nov, 14:05", for sentences in which "3 minutes ago" makes no sense."""
    if value is None:
        return ""
    local = timezone.localtime(value)
    return _time(local, _short(local, timezone.localtime()))


@register.filter
def day(value: datetime | None) -> SafeString | str:
    """A <time> that shows the day only, such as "23 Nov 2026"."""
    if value is None:
        return ""
    local = timezone.localtime(value)
    return _time(local, dates.day(local))


def _time(local: datetime, shown: str) -> SafeString:
    language = dates.language()
    return format_html(
        '<time datetime="{}" title="{}"{}>{}</time>',
        local.isoformat(),
        dates.exact(local),
        "" if language == "en" or shown.endswith(" ago") else format_html(' lang="{}"', language),
        shown,
    )


def _recent(local: datetime) -> str:
    now = timezone.localtime()
    ago = now - local
    if timedelta(0) <= ago < timedelta(minutes=1):
        return f"{ago.seconds} s ago"
    if timedelta(0) <= ago < timedelta(hours=1):
        return f"{ago.seconds // 60} min ago"
    return _short(local, now)


def _short(local: datetime, now: datetime) -> str:
    if local.date() == now.date():
        return dates.today(local)
    return dates.lately(local) if abs(now - local) < timedelta(days=30) else dates.day(local)


@register.filter
def milliseconds(microseconds: int) -> str:
    """A duration such as "3.4 ms"."""
    return f"{microseconds / 1000:.1f} ms" if microseconds < 100_000 else f"{microseconds / 1000:,.0f} ms"


@register.filter
def number(value: int) -> str:
    """A number as everywhere on the pages: "1,234"."""
    return f"{value:,}"


@register.filter
def initial(name: str) -> str:
    """The letter that stands for a person where there is no picture."""
    return next((letter.upper() for letter in name if letter.isalnum()), "?")


@register.inclusion_tag("settings/navigation.html", takes_context=True)
def navigation(context: Context) -> dict[str, Any]:
    """The menu: the pages that the user's role opens, and the sections of the one that is shown."""
    entries: list[dict[str, Any]] = []
    for page in Page:
        sections = visible(page, context["request"])
        # One's own profile is reached by one's name, unless there is nothing else.
        if sections and not (page is Page.PROFILE and entries):
            entries.append(
                {
                    "address": reverse(f"settings:{page}"),
                    "title": TITLES[page][0],
                    "icon": f"icons/{page}.svg",
                    "current": context.get("page") == page,
                    "sections": sections if len(sections) > 1 and "cards" in context else [],
                }
            )
    return {"entries": entries}
