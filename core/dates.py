"""Date styles: how an organization's dates and times are written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db import models
from django.utils import timezone, translation
from django.utils.formats import date_format


class DateStyle(models.TextChoices):
    """The languages of dates; all but the first two are written as Django's formats for that language say."""

    ENGLISH = "en", "English (23 Nov 2026)"
    ISO = "iso", "ISO 8601 (2026-11-23)"
    ENGLISH_UK = "en-gb", "English, United Kingdom"
    ENGLISH_US = "en-us", "English, United States"
    CZECH = "cs", "Čeština"
    DANISH = "da", "Dansk"
    GERMAN = "de", "Deutsch"
    SPANISH = "es", "Español"
    FRENCH = "fr", "Français"
    ITALIAN = "it", "Italiano"
    DUTCH = "nl", "Nederlands"
    NORWEGIAN = "nb", "Norsk bokmål"
    POLISH = "pl", "Polski"
    PORTUGUESE = "pt", "Português"
    BRAZILIAN = "pt-br", "Português, Brasil"
    FINNISH = "fi", "Suomi"
    SWEDISH = "sv", "Svenska"
    JAPANESE = "ja", "日本語"


@dataclass(frozen=True, slots=True)
class Patterns:
    """A language of Django's, and in the letters of its formats: today's time, a day of these weeks, any other, all."""

    language: str
    today: str
    lately: str
    day: str
    exact: str


# Styles that no language of Django's has.
OWN: Mapping[DateStyle, Patterns] = {
    DateStyle.ENGLISH: Patterns("en", "H:i", "j M, H:i", "j M Y", "l j F Y, H:i:s"),
    DateStyle.ISO: Patterns("en", "H:i", "Y-m-d H:i", "Y-m-d", "Y-m-d H:i:s"),
}

_style: ContextVar[str] = ContextVar("date_style", default=DateStyle.ENGLISH)


@contextmanager
def written(style: str, zone: str) -> Iterator[None]:
    """Write moments in a language of dates (a value of DateStyle) and a time zone, as long as this lasts."""
    token = _style.set(style)
    try:
        with timezone.override(ZoneInfo(zone)):
            yield
    finally:
        _style.reset(token)


def language() -> str:
    """The language in which dates are written now, as an HTML page names it."""
    return _language(_style.get())


def today(local: datetime) -> str:
    """The time of a moment of this day, such as "14:05"."""
    return _written(local, lambda patterns: patterns.today, "TIME_FORMAT")


def lately(local: datetime) -> str:
    """A moment not far from now, such as "23 Nov, 14:05"."""
    return _written(local, lambda patterns: patterns.lately, "MONTH_DAY_FORMAT", "TIME_FORMAT")


def day(local: datetime) -> str:
    """The day of a moment, such as "23 Nov 2026"."""
    return _written(local, lambda patterns: patterns.day, "DATE_FORMAT")


def exact(local: datetime) -> str:
    """A moment to the second with its time zone."""
    return f"{_written(local, lambda patterns: patterns.exact, 'l', 'DATE_FORMAT', 'H:i:s')} {local.tzname()}"


def _written(local: datetime, pattern: Callable[[Patterns], str], *formats: str) -> str:
    style = _style.get()
    with translation.override(_language(style)):
        if style in OWN:
            return date_format(local, pattern(OWN[DateStyle(style)]))
        return ", ".join(date_format(local, each) for each in formats)


def _language(style: str) -> str:
    return OWN[DateStyle(style)].language if style in OWN else style
