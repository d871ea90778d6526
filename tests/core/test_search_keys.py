"""How the pages' search compares what people type with how names are written."""

import pytest
from django.db.models import Q

from core.search_keys import searchable, sought

# What is stored, and what people type who look for it.
SPELLINGS = [
    ("García", ["garcia", "García", "GARCÍA", "garci\N{LATIN SMALL LETTER A WITH ACUTE}", "garc\u0131a", "rci"]),
    ("Müller", ["muller", "müller", "MÜLLER", "Mu\N{COMBINING DIAERESIS}ller", "mueller", "Mueller"]),
    ("Mueller", ["mueller", "müller"]),
    ("Yılmaz", ["yilmaz", "YILMAZ", "yılmaz"]),
    ("İpek Şahin", ["ipek sahin", "İPEK", "ipek"]),
    ("Zoë", ["zoe", "zoë", "Zoé"]),
    ("Łukasz Żółć", ["lukasz zolc", "łukasz"]),
    ("Søren Ørsted", ["soren orsted", "soeren", "Søren"]),
    ("Åsa", ["asa", "aasa"]),
    ("Đặng Văn", ["dang van", "Đặng"]),
    ("Groß", ["gross", "GROSS", "groß", "GROẞ"]),
    ("Æsa Þórsdóttir", ["aesa thorsdottir"]),
    ("Œuvrard", ["oeuvrard"]),
    ("Ðorđe", ["dorde"]),
    ("O’Brien", ["o'brien", "o’brien", "obrien", "O`Brien", "oʼbrien"]),
    ("Anne\N{NON-BREAKING HYPHEN}Marie", ["anne-marie", "anne–marie"]),
    ("Ana\N{NO-BREAK SPACE} García", ["ana garcia", "ana  garcía"]),
    ("Ｗｉｄｅ", ["wide"]),
    ("Ёлкина", ["елкина", "ёлкина", "ЁЛКИНА"]),
    ("Αλέξης", ["αλεξης", "ΑΛΕΞΗΣ", "αλέξης"]),
    ("محمّد", ["محمد", "محمّد"]),
    ("김민수", ["김민수", "민수", "\u1100\u1175\u11b7민수"]),
    ("田中がく", ["田中", "がく", "か\N{COMBINING KATAKANA-HIRAGANA VOICED SOUND MARK}く"]),
    ("राजेश", ["राजेश"]),
    ("Soft\N{SOFT HYPHEN}hyphen", ["softhyphen"]),
]


@pytest.mark.parametrize(("stored", "typed"), SPELLINGS, ids=[stored for stored, _typed in SPELLINGS])
def test_a_name_is_found_as_people_spell_it(stored: str, typed: list[str]) -> None:
    kept = searchable(stored)
    assert [text for text in typed if not _finds(text, kept)] == []


def _finds(text: str, kept: str) -> bool:
    """Whether the condition that is asked of the database holds for what is kept."""
    parts = [value for child in sought(text, "key").children for name, value in [child] if name == "key__contains"]
    return any(part in kept for part in parts)


@pytest.mark.parametrize(
    ("stored", "typed"),
    [("がく", "かく"), ("Muller", "mueller"), ("Ann", "bnn"), ("राजेश", "राजश"), ("Ana", "ana\nb")],
)
def test_other_names_are_not_found(stored: str, typed: str) -> None:
    assert not _finds(typed, searchable(stored))


@pytest.mark.parametrize("text", ["", "'", "\N{SOFT HYPHEN}", "´", "\N{COMBINING ACUTE ACCENT}"])
def test_a_text_that_shows_nothing_is_in_no_name(text: str) -> None:
    assert sought(text, "one", "other") == Q(pk__in=())


def test_a_search_does_not_run_from_one_text_into_the_next() -> None:
    assert not _finds("ann bob", searchable("Ann", "Bob"))
