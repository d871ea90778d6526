"""What the templates of the pages ask for: the menu, and moments, durations and initials in our spelling."""

from datetime import datetime, timedelta
from typing import Any

from django import template
from django.template import Context
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

from organizations.pages import TITLES, Page, visible

register = template.Library()


@register.filter
def moment(value: datetime | None) -> SafeString | str:
    """A <time> such as "3 minutes ago" or "23 Nov 2026"; the time zone is the active one."""
    if value is None:
        return ""
    local = timezone.localtime(value)
    exact = f"{date_format(local, 'l j F Y, H:i:s')} {local.tzname()}"
    return format_html('<time datetime="{}" title="{}">{}</time>', local.isoformat(), exact, _short(local))


def _short(local: datetime) -> str:
    now = timezone.localtime()
    ago = now - local
    if timedelta(0) <= ago < timedelta(minutes=1):
        return f"{ago.seconds} s ago"
    if timedelta(0) <= ago < timedelta(hours=1):
        return f"{ago.seconds // 60} min ago"
    if local.date() == now.date():
        return date_format(local, "H:i")
    return date_format(local, "j M, H:i" if abs(ago) < timedelta(days=30) else "j M Y")


@register.filter
def milliseconds(microseconds: int) -> str:
    """A duration such as "3.4 ms"."""
    return f"{microseconds / 1000:.1f} ms" if microseconds < 100_000 else f"{microseconds / 1000:.0f} ms"


@register.filter
def initial(name: str) -> str:
    """The letter that stands for a person where there is no picture."""
    return next((letter.upper() for letter in name if letter.isalnum()), "?")


@register.inclusion_tag("settings/navigation.html", takes_context=True)
def navigation(context: Context) -> dict[str, Any]:
    """The menu: the pages that the user's role opens, and the sections of the one that is shown."""
    entries = []
    for page in Page:
        sections = visible(page, context["request"])
        if sections:
            entries.append(
                {
                    "address": reverse(f"settings:{page}"),
                    "title": TITLES[page][0],
                    "icon": f"icons/{page}.svg",
                    "current": context.get("page") == page,
                    "sections": sections if len(sections) > 1 and "cards" in context else [],
                }
            )
    if not entries:
        entries = [
            {"address": reverse("settings:profile"), "title": "Profile", "icon": "icons/profile.svg", "current": True}
        ]
    return {"entries": entries}
