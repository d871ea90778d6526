"""Addresses are found in whatever people paste."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from users.services import pasted_addresses


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        (" ,;\r\n, ", []),
        ("a@x.example", ["a@x.example"]),
        ("a@x.example, b@x.example;c@x.example\r\n", ["a@x.example", "b@x.example", "c@x.example"]),
        ("a@x.example b@x.example\tc@x.example", ["a@x.example", "b@x.example", "c@x.example"]),
        ("Ann Lee <ann@x.example>", ["ann@x.example"]),
        ('"Lee, Ann" <ann@x.example>; Bob <bob@x.example>', ["ann@x.example", "bob@x.example"]),
        ("<ann@x.example>.", ["ann@x.example"]),
        ("a@x.example\na@x.example", ["a@x.example"]),
        ("Ann Lee", ["Ann Lee"]),
        ("Ann ann@x.example", ["Ann ann@x.example"]),
        ("Ann <>", ["Ann <>"]),
        ('"never closed, b@x.example', ['"never closed', "b@x.example"]),
    ],
)  # fmt: skip
def test_what_stands_where_addresses_should_is_found(text: str, found: list[str]) -> None:
    assert pasted_addresses.addresses(text) == found


NAMES = st.text(st.characters(codec="utf-8", exclude_characters='<>,;"\r\n', categories=["L", "N", "Zs"]), max_size=20)


@given(
    st.lists(st.tuples(NAMES, st.sampled_from(["{0} <{1}>", '"{0}" <{1}>', "{1}"])), max_size=30),
    st.sampled_from(",;\n"),
)
def test_names_around_addresses_and_the_signs_between_them_are_left_out(
    people: list[tuple[str, str]], between: str
) -> None:
    wanted = [f"p{number}@x.example" for number in range(len(people))]
    text = between.join(form.format(name, address) for (name, form), address in zip(people, wanted, strict=True))
    assert pasted_addresses.addresses(text) == wanted


@given(st.text())
def test_any_text_gives_something_or_nothing_without_a_fault(text: str) -> None:
    assert all(address.strip() == address and address for address in pasted_addresses.addresses(text))
