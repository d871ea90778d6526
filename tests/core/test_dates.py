"""How moments are written in each language of dates."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from console.templatetags.console import day, moment
from core import dates
from core.dates import DateStyle

MOMENT = datetime(2026, 3, 5, 14, 7, 9, tzinfo=UTC)

# Style, the day, a moment of these weeks, the time, and all of it.
WRITTEN = [
    ("en", "5 Mar 2026", "5 Mar, 15:07", "15:07", "Thursday 5 March 2026, 15:07:09 CET"),
    ("iso", "2026-03-05", "2026-03-05 15:07", "15:07", "2026-03-05 15:07:09 CET"),
    ("en-us", "March 5, 2026", "March 5, 3:07 p.m.", "3:07 p.m.", "Thursday, March 5, 2026, 15:07:09 CET"),
    ("de", "5. März 2026", "5. März, 15:07", "15:07", "Donnerstag, 5. März 2026, 15:07:09 CET"),
    ("fr", "5 mars 2026", "5 mars, 15:07", "15:07", "jeudi, 5 mars 2026, 15:07:09 CET"),
    ("ja", "2026年3月5日", "3月5日, 15:07", "15:07", "木曜日, 2026年3月5日, 15:07:09 CET"),
]


@pytest.mark.parametrize(("style", "the_day", "lately", "today", "exact"), WRITTEN, ids=[row[0] for row in WRITTEN])
def test_a_moment_is_written_as_the_language_does(
    style: str, the_day: str, lately: str, today: str, exact: str
) -> None:
    with dates.written(style, "Europe/Berlin"):
        local = timezone.localtime(MOMENT)
        found = (dates.day(local), dates.lately(local), dates.today(local), dates.exact(local))
    assert found == (the_day, lately, today, exact)


@pytest.mark.parametrize("style", DateStyle.values)
@pytest.mark.parametrize("write", [dates.day, dates.lately, dates.today, dates.exact])
def test_every_language_writes_everything(style: str, write: Callable[[datetime], str]) -> None:
    with dates.written(style, "UTC"):
        text = write(timezone.localtime(MOMENT))
    assert any(part in text for part in ("5", "07"))
    assert "FORMAT" not in text


def test_the_exact_time_is_there_on_hover_and_read_aloud_in_its_language() -> None:
    with dates.written("de", "Europe/Berlin"):
        html = day(MOMENT)
    assert 'lang="de"' in html
    assert 'title="Donnerstag, 5. März 2026, 15:07:09 CET"' in html
    assert 'datetime="2026-03-05T15:07:09+01:00"' in html


def test_what_is_just_over_is_said_in_the_language_of_the_page() -> None:
    with dates.written("de", "UTC"):
        html = moment(timezone.now() - timedelta(minutes=5))
    assert ">5 min ago<" in html
    assert "lang" not in html


def test_the_style_ends_with_what_it_governs() -> None:
    with dates.written("de", "UTC"), dates.written("iso", "UTC"):
        pass
    assert dates.day(MOMENT) == "5 Mar 2026"
