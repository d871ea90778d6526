"""What a client sends costs time in proportion to its length."""

from contextlib import suppress

import pytest

from scim.protocol.errors import InvalidSyntax, InvalidValue
from scim.protocol.messages import read_json
from scim.protocol.projection import MAX_KEPT, Projection, _parse
from scim.protocol.schemas import USER
from tests.growth import assert_linear


def _read(body: bytes) -> None:
    with suppress(InvalidSyntax):
        read_json(body)


def _last_member_twice(size: int) -> bytes:
    names = [*range(size), size - 1]
    return ("{" + ",".join(f'"{name}":1' for name in names) + "}").encode()


def test_a_member_that_is_there_twice_is_found_in_one_pass() -> None:
    assert_linear(_read, _last_member_twice, 4_000)


@pytest.mark.parametrize("names", [("x" * 8_193, None), (None, "x" * 8_193)])
def test_names_of_attributes_are_bounded(names: tuple[str | None, str | None]) -> None:
    with pytest.raises(InvalidValue, match="longer than 8,192"):
        Projection.parse(*names, USER)


def test_long_lists_of_names_are_not_kept() -> None:
    _parse.cache_clear()
    Projection.parse("x" * (MAX_KEPT + 1), None, USER)
    assert _parse.cache_info().currsize == 0
    Projection.parse("x" * MAX_KEPT, None, USER)
    assert _parse.cache_info().currsize == 1
