"""Masking takes time in proportion to what a client sends, and little: the log's writer holds the interpreter."""

import json
from collections.abc import Callable
from time import thread_time

import pytest

from provisioning.services.request_log import masking
from provisioning.services.request_log.masking import LONGEST_TEXT, Masking
from tests.growth import assert_linear

NAMES = ["ssn", "apiKey", "nationalId", "pin"]

# What each expression or loop would like least, repeated.
WORST = [
    'password', '"password', 'password"', 'passwordpassword ', 'password_', 'password-', 'pas-swor', 'pwd ', 'pin',
    'pin ', 'key=', '&key', '&a=', 'a=', '&', '?', '=', '\\', '"', '\\"', '"\\', '"\\"', 'bearer ',
    'bearer bearer\t', 'bearer  ', 'basic ', 'basic a', 'basic aA', '%', '%25', '%25%25', '%2525', '%70', '+',
    '://', '://a:b', '://a:b@', 'eyJ', 'eyJabcdefgh.', 'smgr_', 'smgr_ ', '-----BEGIN ', '-----BEGIN PRIVATE KEY',
    '{', '[', '}', '{"', '{password:', ' ', '\t', '\n', "' ", '])', ' eq ', 'password eq ', 'password ]', 'secret',
    'secretary ', 's', '\u017f', '\u0130', '\U0001f600', '\ud800',
]  # fmt: skip


def whole(text: str) -> None:
    """All that is done with a request whose every part is that text, without a cut."""
    Masking(NAMES).text(text, 10**9)
    Masking(NAMES).expression(text)
    Masking(NAMES)._parameter(f"filter={text}")


@pytest.mark.parametrize("part", WORST)
@pytest.mark.parametrize("end", ["", "%41password"], ids=repr)
def test_a_text_is_masked_in_linear_time(part: str, end: str) -> None:
    assert_linear(whole, lambda size: part * (4 * (size // (4 * len(part)))) + end, 2_000)


@pytest.mark.parametrize(
    "body",
    [
        lambda size: [{"password": f"{number:08}"} for number in range(size)],
        lambda size: {"x": [{"password": f"{number:08}"} for number in range(200)] + ["0123456789"] * size},
        lambda size: [["x"]] * size,
        lambda size: {f"password{number}": "x" for number in range(size)},
        lambda size: {f"x{number}": "password" for number in range(size)},
        lambda size: {"password": ["x" * 10] * size},
        lambda size: {"path": "x and " * size},
        lambda size: {"path": '"password' * size},
        lambda size: {"x": json.dumps([json.dumps({"password": "x"})] * size)},
        lambda size: {"password": '"secret1"\\' * size},
        lambda size: {"name": ["password"] * size, "value": 1},
        lambda size: {"x": "password" * size},
        lambda size: {"x" * size: "password" * size},
    ],
)
def test_a_body_is_masked_in_linear_time(body: Callable[[int], object]) -> None:
    def run(sent: bytes) -> None:
        Masking(NAMES, 10**9).request([], "", sent)

    assert_linear(run, lambda size: json.dumps(body(size)).encode(), 400)


def test_many_parameters_and_many_headers_are_masked_in_linear_time() -> None:
    assert_linear(Masking(NAMES).headers, lambda size: [("X-Key", "secret1")] * size, 200)
    assert_linear(Masking(NAMES).headers, lambda size: [(f"X-{each}", "a b") for each in range(size)], 200)
    assert_linear(
        lambda query: Masking(NAMES).query(query),
        lambda size: "&".join(f"token{n}=secret{n}" for n in range(size)),
        40,
    )


def test_json_texts_within_each_other_are_read_in_linear_time() -> None:
    def nested(size: int) -> bytes:
        value: object = {"password": "hunter2~"}
        while len(text := json.dumps(value)) < size:
            value = {"x": text}
        return json.dumps(value).encode()

    assert_linear(lambda sent: Masking(NAMES, 10**9).request([], "", sent), nested, 4_000)


# A fair share of the interpreter: what a request may cost behind its answer on a slow and busy machine, in seconds.
_A_SHARE = 0.1


@pytest.mark.parametrize("part", WORST)
def test_the_longest_query_that_a_server_takes_costs_the_writer_little(part: str) -> None:
    query = "x=" + part * (65_000 // len(part))
    for sent in (query, query[2:], f"filter={query}", query.replace("=", "&")):
        started = thread_time()
        Masking(NAMES).query(sent)
        assert thread_time() - started < _A_SHARE


@pytest.mark.parametrize("part", WORST)
def test_a_text_of_a_mebibyte_is_cut_before_it_is_looked_through(part: str) -> None:
    text = part * (2**20 // len(part))
    started = thread_time()
    shown = Masking(NAMES).text(text)
    assert thread_time() - started < 2 * _A_SHARE
    assert len(shown) <= LONGEST_TEXT + len(masking.MASK)
