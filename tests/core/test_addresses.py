"""How names, domains and e-mail addresses compare, and which of them may be written."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.addresses import (
    AddressError,
    canonical,
    canonical_domain,
    check_address,
    check_domain,
    domain_in,
    domain_of,
    fold,
    in_both_spellings,
)
from tests.growth import assert_linear

# Without the characters that only NFKC makes an @ of: what they do to the split is told in a test of its own.
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="＠﹫"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ann@Example.COM", "ann@example.com"),
        ("straße@example.com", "STRASSE@example.com"),
        ("mike@bücher.example", "MIKE@xn--bcher-kva.example"),
        ("mike@BÜCHER.example", "mike@bücher.example"),
        ("mike@example。com", "mike@example.com"),
        ("cafe\u0301@example.com", "caf\u00e9@example.com"),
        ("\uff41nn@example.com", "ann@example.com"),
        ("  ann@example.com\n", "ann@example.com"),
    ],
)
def test_spellings_of_one_address_compare_equal(one: str, other: str) -> None:
    assert canonical(one) == canonical(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("m\u0131ke@example.com", "mike@example.com"),  # dotless i
        ("ann@faß.example", "ann@fass.example"),  # two domains since IDNA 2008
        ("\u0430nn@example.com", "ann@example.com"),  # Cyrillic a
        ("a.nn@example.com", "ann@example.com"),
        ("ann+x@example.com", "ann@example.com"),
    ],
)
def test_addresses_that_only_look_alike_compare_different(one: str, other: str) -> None:
    assert canonical(one) != canonical(other)


@given(TEXT)
def test_any_text_has_one_canonical_form(text: str) -> None:
    assert canonical(canonical(text)) == canonical(text)
    assert fold(fold(text)) == fold(text)


def test_blanks_count_when_texts_are_compared() -> None:
    assert fold("Ann ") != fold("Ann")


def test_the_domain_is_what_follows_the_last_at_sign() -> None:
    assert domain_of("x@evil.example@Example.com") == "example.com"
    assert domain_of("ann@BÜCHER.example") == "xn--bcher-kva.example"
    assert domain_of("ann") == ""


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("Example.com", "example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
        ("faß.example", "xn--fa-hia.example"),
        ("mail.example.co.uk", "mail.example.co.uk"),
    ],
)
def test_a_domain_that_may_be_written_is_given_back_in_its_canonical_form(text: str, domain: str) -> None:
    assert check_domain(text) == domain


@pytest.mark.parametrize(
    "text",
    [
        "",
        "localhost",
        "example.com.",
        "127.0.0.1",
        "exam ple.com",
        "exa_mple.com",
        "-example.com",
        "a..example.com",
        "xn--a.com",
        "☃.example",
        "ann@example.com",
        "https://example.com",
        "*.example.com",
        "\x00.com",
        "a" * 64 + ".com",
        ".".join(["a" * 60] * 5),
        "exam\u200dple.com",
        "\u2488com",  # one character that NFKC turns into "1."
        " example.com",
        "\u3000example.com",
        "exam\u200bple.com",
        "exam\u00adple.com",
        "exam\u034fple.com",
        "example\ufe0f.com",
        "example.com\u2060",
    ],
)
def test_no_other_text_is_a_domain(text: str) -> None:
    with pytest.raises(AddressError, match=r"\.$"):
        check_domain(text)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("Ann.O'Neil+x@Example.com", "ann.o'neil+x@example.com"),
        ("jürgen@bücher.example", "jürgen@xn--bcher-kva.example"),
        ("用户@example.com", "用户@example.com"),
    ],
)
def test_an_address_that_may_be_written_is_given_back_in_its_canonical_form(text: str, address: str) -> None:
    assert check_address(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ann",
        "@example.com",
        "ann@",
        "ann@localhost",
        "ann@example.com.",
        "ann@@example.com",
        "x@evil.example@example.com",
        "x＠evil.example@example.com",
        "x@example.com＠evil.example",
        '"ann"@example.com',
        "ann(comment)@example.com",
        ".ann@example.com",
        "ann.@example.com",
        "a..nn@example.com",
        "a nn@example.com",
        "ann@example.com ",
        "an\u200bn@example.com",
        "an\u202en@example.com",
        "ann\n@example.com",
        "a\x00nn@example.com",
        "ann@ example.com",
        "ann@exam\u200bple.com",
        "ann@exam\u00adple.com",
        "\uff41nn@example.com",
        "\u00aann@example.com",
        "an\u034fn@example.com",
        "ann\ufe0f@example.com",
        "an\u3164n@example.com",
        "an\u115fn@example.com",
        "ann@[127.0.0.1]",
        "ann@\u2488com",
        "a" * 65 + "@example.com",
        "ann@" + "a." * 125 + "com",
    ],
)
def test_no_other_text_is_an_address(text: str) -> None:
    with pytest.raises(AddressError, match=r"\.$"):
        check_address(text)


@given(TEXT)
def test_what_is_refused_is_refused_with_a_reason_that_can_be_printed(text: str) -> None:
    try:
        check_address(f"{text}@{text}")
    except AddressError as error:
        assert str(error).isprintable()


def test_long_texts_fold_as_short_ones_do() -> None:
    """Their marks are sorted another way, which makes no difference."""
    marks = [char for char in map(chr, range(0x110000)) if unicodedata.combining(char)]
    every = "".join(char for char in map(chr, range(0x110000)) if not "\ud800" <= char <= "\udfff")
    for text in (every, "".join(marks), "".join(reversed(marks)), "e\u0301" + "\u0327\u0300\u0344" * 200):
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
        assert fold(text) == folded


def test_a_joiner_stands_in_a_domain_only_where_its_script_needs_it() -> None:
    assert check_domain("نامه\u200cای.example") == "xn--mgba3gch31f060k.example"
    with pytest.raises(AddressError):
        check_domain("nameh\u200cay.example")


@given(TEXT)
def test_what_may_stand_before_the_at_sign_is_compared_by_letter_case_only(text: str) -> None:
    try:
        address = check_address(f"{text}@example.com")
    except AddressError:
        return
    plain = unicodedata.normalize("NFC", text)
    assert plain == unicodedata.normalize("NFKC", text)
    assert all(unicodedata.category(char)[0] in "LMN" or char.isascii() for char in text)
    assert address == f"{fold(plain)}@example.com"


def test_comparing_takes_time_in_proportion_to_the_text() -> None:
    assert_linear(canonical_domain, lambda size: "ß\u0301" * size, 20_000)
    assert_linear(canonical_domain, lambda size: "ß." * size, 20_000)
    assert_linear(canonical, lambda size: "ß" * size + "@ß", 20_000)


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("https://www.initech.example/", "initech.example"),
        ("http://initech.example:8080/path?of=x@y.example#part", "initech.example"),
        ("//initech.example", "initech.example"),
        ("initech.example/about", "initech.example"),
        ("HTTPS://user:word@WWW.Initech.Example/", "Initech.Example"),
        ("ivan@initech.example", "initech.example"),
        ("Ivan <ivan@initech.example>", "initech.example"),
        ("mailto:ivan@initech.example", "initech.example"),
        ("@initech.example", "initech.example"),
        ("*.initech.example", "initech.example"),
        ("www.initech.example", "initech.example"),
        ("initech.example.", "initech.example"),
        (" initech.example, ", "initech.example"),
        ("https://müller.example/", "müller.example"),
        ("www.example", "www.example"),
        ("initech.example", "initech.example"),
        ("one.example, other.example", "one.example, other.example"),
        ("https://", "https://"),
        ("", ""),
        ("<>", "<>"),
    ],
)
def test_a_domain_is_found_in_what_people_paste(text: str, domain: str) -> None:
    assert domain_in(text) == domain


@given(st.text(max_size=300))
def test_looking_for_a_domain_takes_any_text(text: str) -> None:
    assert len(domain_in(text)) <= len(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ａnn@acme.example", "has a special form of a letter (“ａ”) before the @. Type it as a plain letter."),
        ("ªnn@acme.example", "has a special form of a letter (“ª”) before the @. Type it as a plain letter."),
        ("ann①@acme.example", "has a special form of a character (“①”) before the @. Type it as a plain character."),
        ("an\u00adn@acme.example", "has a blank or an invisible character before the @. Type it again instead of past"),
        ("an n@acme.example", "has a blank or an invisible character before the @."),
        ("ann@ac\u00adme.example", "it has a blank or an invisible character. Type it again instead of pasting it."),
        ("an(n@acme.example", "has characters before the @ that email addresses can't have."),
    ],
)
def test_a_refused_address_says_what_is_wrong_with_it(text: str, said: str) -> None:
    with pytest.raises(AddressError) as refused:
        check_address(text)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("text", "both"),
    [
        ("ann@xn--strae-oqa.example", "ann@straße.example (ann@xn--strae-oqa.example)"),
        ("xn--strae-oqa.example", "straße.example (xn--strae-oqa.example)"),
        ("ann@acme.example", "ann@acme.example"),
        ("", ""),
    ],
)
def test_an_address_is_shown_as_people_write_it_and_as_dns_does(text: str, both: str) -> None:
    assert in_both_spellings(text) == both
