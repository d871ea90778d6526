"""The tokens of a connection on its page, with their forms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from console.sections import Context
from provisioning.models import Token
from provisioning.services.connections.tokens import RetirementRefused

# Of a token's life, by what the form sends: the days, and the words.
LIFE_TIMES: Mapping[str, tuple[int | None, str]] = {
    "never": (None, "Never"),
    "30": (30, "In 30 days"),
    "90": (90, "In 90 days"),
    "180": (180, "In 180 days"),
    "365": (365, "In 1 year"),
}
IN_A_WEEK = timedelta(days=7)
FURTHEST = timedelta(days=5 * 366)


@dataclass(frozen=True, slots=True)
class TokenCard:
    """A live token; ``successor`` is a live one that is to take its place. ``is_in_use``: it was used last of all."""

    token: Token
    is_in_use: bool
    successor: Token | None

    @property
    def retires_by_itself(self) -> bool:
        """Whether it goes when its successor first gets something done."""
        return self.token.retires_by_itself and self.successor is not None

    @property
    def may_be_kept(self) -> bool:
        """Whether anything is planned that would end it."""
        return self.token.retires_at is not None or self.retires_by_itself

    @property
    def expected_retires_at(self) -> str:
        """When it is to retire, as its forms send it back."""
        return self.token.retires_at.isoformat() if self.token.retires_at else ""


def shown(tokens: Sequence[Token]) -> list[TokenCard]:
    """The live tokens of a connection, in their order."""
    live = {token.pk: token for token in tokens}
    used = in_use(tokens)
    return [
        TokenCard(token, token == used, live.get(token.successor_id) if token.successor_id else None)
        for token in tokens
    ]


def in_use(tokens: Sequence[Token]) -> Token | None:
    """The one that was used last; None if none ever was."""
    never = datetime.min.replace(tzinfo=UTC)
    last = max(tokens, key=lambda token: token.last_used_at or never, default=None)
    return last if last is not None and last.last_used_at else None


def context() -> Context:
    """What the forms offer."""
    return {
        "life_times": [(value, label) for value, (_, label) in LIFE_TIMES.items()],
        "longest_name": Token.LONGEST_NAME,
        "tomorrow": (timezone.localdate() + timedelta(days=1)).isoformat(),
    }


def days(form: QueryDict) -> int | None:
    """The life time that was chosen, in days; None for ever."""
    return LIFE_TIMES.get(form.get("expires", ""), LIFE_TIMES["never"])[0]


def retires_at(form: QueryDict) -> datetime:
    """When a token is to retire: in seven days, or when a day begins in the organization's zone.

    Raises RetirementRefused.
    """
    if form.get("when") == "in-a-week":
        return timezone.now() + IN_A_WEEK
    day = _day(form.get("day", ""))
    if day is None or day > timezone.localdate() + FURTHEST:
        raise RetirementRefused("Choose the day on which the token retires, within the next five years.")
    return datetime.combine(day, time.min, timezone.get_current_timezone())


def expected_retires_at(form: QueryDict) -> datetime | None:
    """When the token was to retire, as the page has shown it."""
    try:
        return parse_datetime(form.get("expected_retires_at", ""))
    except ValueError:
        return None


def _day(text: str) -> date | None:
    try:
        day: date | None = forms.DateField(input_formats=["%Y-%m-%d"], required=False).clean(text)
    except ValidationError:
        return None
    return day
