"""What a process keeps of what clients send is bounded: so many texts, and only short ones."""

import ast
from collections.abc import Iterator
from typing import Any

import pytest

from core.actors import _as_ip_address
from core.addresses import MAX_ADDRESS, AddressError, canonical_domain, check_domain
from core.caching import LONGEST, cached_if_short
from scim.protocol.errors import InvalidValue
from scim.protocol.grammar import _split_path, parse_filter, parse_patch_path
from scim.protocol.projection import Projection, _parse
from scim.protocol.schemas import USER
from tests.test_growth import ROOMS, ROOT

# What functools keeps whatever its length, and why that is little.
OF_ANY_LENGTH = {
    "core/dialects.py": "our own statements",
    "core/search_keys.py": "single letters",
    "core/sql.py": "our own tables",
    "organizations/models.py": "the names of all time zones, once",
    "scim/operations/discovery.py": "the addresses of organizations, for whoever has their token",
    "scim/protocol/attributes.py": "paths of at most scim.protocol.grammar.MAX_NAME",
    "provisioning/services/request_log/masking.py": "words that it has found to be short, and the operator's names",
    "scim/protocol/validation.py": "our own resource types",
    "users/permissions.py": "the keys and rights of roles, which have 200 characters at most",
}


def _caches() -> Iterator[str]:
    for room in ROOMS:
        for file in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.ImportFrom) and node.module == "functools":
                    yield from (str(file.relative_to(ROOT)) for each in node.names if "cache" in each.name.split("_"))


def test_every_other_cache_keeps_short_texts_only() -> None:
    assert {each for each in _caches() if each != "core/caching.py"} - set(OF_ANY_LENGTH) == set()


def test_a_short_text_is_read_once_and_a_long_one_each_time() -> None:
    read: list[str] = []

    @cached_if_short(2)
    def reader(text: str, more: int) -> str:
        read.append(text)
        return f"{text}{more}"

    for length in (1, LONGEST, LONGEST + 1):
        for _ in range(2):
            assert reader("x" * length, 1) == "x" * length + "1"
    assert [len(text) for text in read] == [1, LONGEST, LONGEST + 1, LONGEST + 1]


@pytest.mark.parametrize(
    ("reader", "text", "more", "longest"),
    [
        (parse_filter, 'title eq "{}"', (), LONGEST),
        (parse_patch_path, 'emails[value eq "{}"]', (), LONGEST),
        (_parse, "title,{}", (True, USER), LONGEST),
        (_split_path, "a{}", (), LONGEST),
        (canonical_domain, "ä{}", (), MAX_ADDRESS),
        (_as_ip_address, "1{}", (), 64),
    ],
)
def test_nothing_is_kept_of_what_is_longer(reader: Any, text: str, more: tuple[Any, ...], longest: int) -> None:
    cache = reader.__wrapped__
    cache.cache_clear()
    room = longest - len(text.format(""))
    reader(text.format("1" * (room + 1)), *more)
    assert cache.cache_info().currsize == 0
    reader(text.format("1" * room), *more)
    assert cache.cache_info().currsize == 1


def test_a_domain_that_nobody_can_have_is_refused_and_not_kept() -> None:
    cache = check_domain.__wrapped__  # type: ignore[attr-defined]
    cache.cache_clear()
    with pytest.raises(AddressError):
        check_domain("a." * MAX_ADDRESS)
    assert cache.cache_info().currsize == 0


@pytest.mark.parametrize("names", [("x" * 8_193, None), (None, "x" * 8_193)])
def test_names_of_attributes_are_bounded(names: tuple[str | None, str | None]) -> None:
    with pytest.raises(InvalidValue, match="longer than 8,192"):
        Projection.parse(*names, USER)
