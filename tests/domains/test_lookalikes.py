"""Which domains somebody should look at twice before they add them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.addresses import AddressError, check_domain, readable_domain
from domains import lookalikes


def warned(text: str, *others: str) -> str:
    return " ".join(lookalikes.warnings(check_domain(text), map(check_domain, others)))


@pytest.mark.parametrize("name", ["gmail.com", "outlook.com", "GMX.de", "yahoo.co.uk", "icloud.com", "proton.me"])
def test_public_mail_is_nobodys_own(name: str) -> None:
    assert f"{name.lower()} is a public mail service" in warned(name)


@pytest.mark.parametrize(
    "name",
    [
        "acme.example",
        "müller.example",
        "straße.example",
        "例え.jp",
        "テスト日本.jp",
        "한국.kr",
        "пример.рф",
        "ελλάδα.gr",
    ],
)
def test_an_honest_name_in_any_language_is_not_warned_of(name: str) -> None:
    assert warned(name, "globex.example", "beispiel.example") == ""


@pytest.mark.parametrize("name", ["аcme.example", "acmе.example", "gοogle.example"], ids=["а", "е", "ο"])
def test_letters_of_several_alphabets_in_one_label_are_warned_of(name: str) -> None:
    said = warned(name)
    assert "mixes letters of several alphabets" in said
    assert check_domain(name) in said


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("acme.example", "acmé.example"),
        ("аcme.example", "acme.example"),
        ("acrne.example", "acme.example"),
        ("acme1.example", "acmel.example"),
        ("globe0.example", "globeo.example"),
        ("vvonder.example", "wonder.example"),
        ("gmai1.com", "gmail.com"),
    ],
)
def test_what_looks_like_a_domain_that_is_there_is_named_with_it(name: str, other: str) -> None:
    others = [] if other == "gmail.com" else [other]
    assert f"looks like {other}, but is another domain" in warned(name, *others)


def test_a_whole_name_in_letters_that_only_look_latin_is_warned_of() -> None:
    assert "looks as if it were written in Latin letters" in warned("сосо.example")


def test_a_domain_is_no_lookalike_of_itself() -> None:
    assert warned("acme.example", "acme.example") == ""


@given(st.text(min_size=1, max_size=20))
def test_every_domain_that_may_be_written_has_its_warnings_or_none(text: str) -> None:
    try:
        name = check_domain(f"{text}.example")
    except AddressError:
        return
    assert all(warning.endswith(".") for warning in lookalikes.warnings(name, ["acme.example"]))
    # The readable name is another spelling of the same domain.
    assert check_domain(readable_domain(name)) == name
