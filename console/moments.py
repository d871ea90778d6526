"""Moments as filters of logs take them: a time, or a plain date for the whole day."""

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils import timezone

_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_SENSIBLE = [MinValueValidator(datetime(1971, 1, 1, tzinfo=UTC)), MaxValueValidator(datetime(9000, 1, 1, tzinfo=UTC))]


def read_day(text: str, zone: tzinfo, *, ends: bool) -> datetime | None:
    """The moment at which a plain date begins in a time zone, or ``ends``; None for any other text.

    Raises ValueError for a day that there is not, OverflowError for the last of all days.
    """
    if not _DATE.fullmatch(text):
        return None
    day = date.fromisoformat(text) + timedelta(days=ends)
    return datetime.combine(day, time.min, zone)


class MomentField(forms.DateTimeField):
    """A bound of a log; as an upper one, which it is if it ``ends`` something, a plain date includes its day."""

    def __init__(self, label: str, *, ends: bool = False) -> None:
        widget = forms.DateTimeInput({"type": "datetime-local"}, "%Y-%m-%dT%H:%M")
        super().__init__(label=label, required=False, widget=widget, validators=_SENSIBLE)
        self.ends = ends

    def to_python(self, value: Any) -> datetime | None:
        """The moment, in the time zone that the page is shown in."""
        try:
            day = read_day(str(value or "").strip(), timezone.get_current_timezone(), ends=self.ends)
        except (ValueError, OverflowError):
            day = None
        return day or super().to_python(value)
