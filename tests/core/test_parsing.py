"""Texts that clients send are ids and numbers, or nothing."""

from uuid import UUID

import pytest

from core.parsing import canonical_id, id_of, number_of

pytestmark = pytest.mark.once

TEXT = "0198c0de-0000-7000-8000-00000000000a"


@pytest.mark.parametrize("text", [TEXT, TEXT.upper(), TEXT.replace("-", ""), f"{{{TEXT}}}", f"urn:uuid:{TEXT}"])
def test_every_spelling_of_an_id_is_read_and_one_is_canonical(text: str) -> None:
    assert id_of(text) == UUID(TEXT)
    assert canonical_id(text) == (UUID(TEXT) if text == TEXT else None)


@pytest.mark.parametrize("text", ["", "None", "nobody", TEXT[:-1], f"{TEXT}0", f" {TEXT}", "\x00" * 32, "g" * 32])
def test_what_is_no_id_is_none(text: str) -> None:
    assert id_of(text) is None
    assert canonical_id(text) is None


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("007", 7), ("999999999", 999_999_999)])
def test_a_number_has_decimal_digits_and_few(text: str, number: int) -> None:
    assert number_of(text) == number


@pytest.mark.parametrize("text", ["", "x", "-1", "1.0", " 1", "1_0", "²", "٣", "9" * 10, "9" * 5000])
def test_what_is_no_number_is_none(text: str) -> None:
    assert number_of(text) is None
