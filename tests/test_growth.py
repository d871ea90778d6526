"""What a client sends costs time in proportion to its length: every expression and every reader, at n, 2n and 4n.

``python -m tests.test_growth`` prints the table. What masks the log has a table of its own, in ``tests/provisioning``.
"""

import ast
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import django
import pytest

from tests.growth import assert_linear, growth

ROOT = Path(__file__).resolve().parent.parent
ROOMS = (
    "audit", "console", "core", "domains", "organizations", "provisioning", "saasmanager", "scim", "signin", "users",
)  # fmt: skip

# Of a text: how it begins, what is repeated in it, and how it ends.
Worst = tuple[str, str, str]

# By module and name (of the function, where it has none) every expression that sees what others wrote: how it is used,
# and what it would like least.
EXPRESSIONS: Mapping[str, tuple[str, list[Worst]]] = {
    "audit.views.changes:_MOMENT": ("fullmatch", [("2020-01-01T00:00", "+01:00", "x"), ("2020-01-01T00:00", "Z", " ")]),
    "core.search_keys:_MARKS": ("search", [("", "a", ""), ("", "ä", "")]),
    "core.addresses:_AROUND": ("search", [("", "a", ""), ("a", "+", ":/"), ("", "/", ""), ("mailto", ":", "")]),
    "core.addresses:_HOST_ENDS": ("split", [("", "a", ""), ("", "/", ""), ("", "?#", "")]),
    "core.addresses:_PORT": ("search", [("", ":", "a"), ("", ":1", "a"), (":", "1", ""), ("", ":12345", "x")]),
    "core.addresses:_ATEXT": ("fullmatch", [("", "a", "@")]),
    "core.addresses:_DOT_ATOM": ("fullmatch", [("", "a", "@"), ("", "a.", ""), ("", "a.", "@")]),
    "core.addresses:_INVISIBLE": ("search", [("", "a", ""), ("", "ä", "")]),
    "core.addresses:_VISIBLE": ("search", [("", " ", ""), ("", "\u200b", "\u200d")]),
    "console.csv_download:_BEFORE_A_SIGN": (
        "findall",
        [("", " ", ""), ("", ";", "x"), ("", '; "', ""), ("", " x", ""), ("", ";=", "")],
    ),
    "console.csv_download:_PASSED_OVER": ("match", [("", " ", "x"), ("", '"', ""), ("x", ' "', "")]),
    "organizations.models:valid_slug": ("search", [("", "a", "_"), ("", "a-", ""), ("", "-", "")]),
    "console.moments:_DATE": ("fullmatch", [("2020-01-0", "1", "")]),
    "core.bearer_tokens:_BEARER": (
        "fullmatch",
        [("bearer", " ", ""), ("bearer ", "a", "!"), ("bearer a", "=", "!"), ("bearer a", " ", "!")],
    ),
    "saasmanager.logs:SECRET_SEGMENT": ("findall", [("", "/", ""), ("/", "a", "?"), ("", "/" + "a" * 40, "")]),
    "scim.api.media:_CHARSET": (
        "search",
        [("charset", " ", ""), ("charset=", " ", ""), ("", "charset ", ""), ("", "charset=", " "), ("", "charset", "")],
    ),
    "scim.api.media:_WEIGHT": ("fullmatch", [("q", " ", ""), ("q=", " ", ""), ("q=0.", "0", "")]),
    "scim.api.users:_QUOTED": ("search", [("", '"', ""), ("", '"true', ""), ("", '"fals', "")]),
    "scim.operations.preconditions:_TAG": (
        "findall",
        [("", '"', ""), ("", "W/", ""), ("", 'W/"', ""), ('"', "a", "")],
    ),
    "scim.operations.search:_INTEGER": ("fullmatch", [("", "1", ""), ("+", "1", "x")]),
    "scim.protocol.attributes:_SCHEMA_URI": ("match", [("", "a", ""), ("a", "+", ":/"), ("urn", "-", "")]),
    "scim.protocol.bulk:_PATH": (
        "fullmatch",
        [("", "/", ""), ("/Users", "/", "a/b"), ("/", "a", "1"), ("/Users/", "a", "/b"), ("", "/a", "")],
    ),
    "scim.protocol.errors:_ID": ("fullmatch", [("", "0", "x")]),
    "scim.protocol.errors:_NAME": ("match", [("", "a", " ")]),
    "scim.protocol.grammar:_NAME": ("fullmatch", [("a", "-", "."), ("", "$", "")]),
    "scim.protocol.grammar:_NUMBER": ("fullmatch", [("", "1", "x"), ("1.", "1", "x"), ("1e", "1", "x")]),
    "scim.protocol.grammar:_TOKENS": (
        "findall",
        [("", '"', ""), ('"', "\\", ""), ("", '("', ""), ("", 'a"', ""), ("", "(", ""), ("", '\\"', ""), ("", " ", "")],
    ),
    "scim.protocol.grammar:_URI": ("fullmatch", [("", "a:", " "), ("a", "+", ""), ("a:", ":", " ")]),
    "scim.protocol.json_bodies:_SURROGATE_OR_NUL": ("search", [("", "a", "")]),
    "scim.protocol.quirks:_URI": ("fullmatch", [("", "a", " "), ("", "%41", "%"), ("", "%", ""), ("", "a%41", " ")]),
    "scim.protocol.references:_REFERENCE": (
        "findall",
        [
            ("", '"bulkId:', ""),
            ("", "/bulkId:", ""),
            ("", "bulkId:", ""),
            ('"bulkId:', "a", ""),
            ("/bulkId:", "a", '"'),
            ("", '"bulkId:a', '"'),
        ],
    ),
    "scim.api.subjects:_ID": ("fullmatch", [("", "0", ""), ("", "00000000-", "")]),
    "scim.api.subjects:_NAMED": (
        "findall",
        [
            ("", '"', ""),
            ("", '"userName"', ""),
            ('"userName"', " ", ""),
            ('"userName":', " ", ""),
            ("", '"userName":"', ""),
            ('"userName":"', "\\", ""),
            ("", '"userName":"\\', ""),
            ('"userName":"', "a", ""),
        ],
    ),
    "scim.protocol.values:_DATETIME": ("fullmatch", [("2020-01-01T00:00:00.", "1", ""), ("", "1", "")]),
    "provisioning.services.request_log.entries:_ID": ("fullmatch", [("", "0", ""), ("", "00000000-", "")]),
    "provisioning.services.request_log.entries:_UNPRINTABLE": ("findall", [("", "a", ""), ("", "\0", "")]),
    "provisioning.services.connections.token_names:_MADE_UP": ("fullmatch", [("Token ", "1", "x")]),
    "provisioning.services.connections.token_names:_NUMBERED": (
        "fullmatch",
        [("", " (1", ""), ("", " (1)", "x"), ("a (", "1", ""), ("", " (", "")],
    ),
    "provisioning.services.request_log.results:_SLASH_BEFORE_THE_PATH": (
        "match",
        [("", "/", ""), ("/scim/a", "/", "v2"), ("/scim/", "a", ""), ("/scim/a", "/v2", ""), ("/scim", "/", "a")],
    ),
    "scim.storage.sql:_ID": ("fullmatch", [("", "0", ""), ("", "00000000-", "")]),
    "users.api.audit_logs:_TIME": ("fullmatch", [("2020-01-01T00:00:00.", "1", ""), ("", "1", "")]),
    "users.views.user_actions:_TICKED": ("fullmatch", [("", "0", "."), ("0" * 36 + ".", "1", "")]),
    "users.services.pasted_addresses:_ENTRY": (
        "findall",
        [(part[:0], part, "") for part in ('"', "<", "<>", '"<', '<"', "<a", 'a"', "a", ",", "\r", '"\n', "<\n", '">')],
    ),
    "users.services.pasted_addresses:_IN_BRACKETS": (
        "search",
        [("", "<", ""), ("", "<>", ""), ("", "<a> ", ""), ("", "<a>.", "x"), ("<", "a", ""), ("<a>", " .", "x")],
    ),
}

# Measured below as a whole: an address goes through all patterns of the URL tables.
URL_TABLES = ("scim.urls:endpoint", "scim.urls:", "users.api.urls:", "signin.urls:")
READERS_BELOW = ("users.api.audit_logs:_limit",)

# What only sees texts of our own.
OUR_OWN = {
    "saasmanager.settings:DEFAULT_FROM_EMAIL": "the sender that the operator sets",
    "saasmanager.management.commands.seed_demo:_let_ask": "the mail that the demo has just sent to itself",
    "users.views.user:words": "the names of attributes in our schemas",
}

MASKING = "provisioning.services.request_log.masking"

_USED = {"compile", "search", "match", "fullmatch", "sub", "subn", "split", "findall", "finditer"}


def expressions() -> Iterator[str]:
    """Every place of the code where a regular expression is written, as this table names it."""
    for room in ROOMS:
        for file in (ROOT / room).rglob("*.py"):
            if "migrations" not in file.parts:
                module = ".".join(file.relative_to(ROOT).with_suffix("").parts)
                yield from (f"{module}:{name}" for name in _written_in(ast.parse(file.read_text()), ""))


def _written_in(tree: ast.AST, owner: str) -> Iterator[str]:
    for node in ast.iter_child_nodes(tree):
        name = owner
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                name = node.name
            case ast.Assign(targets=[ast.Name(id=target)]) if not owner:
                name = target
            case ast.Call() if _writes_one(node.func):
                yield "" if owner == "urlpatterns" else owner
        yield from _written_in(node, name)


def _writes_one(function: ast.expr) -> bool:
    match function:
        case ast.Attribute(value=ast.Name(id="re"), attr=attribute):
            return attribute in _USED
        case ast.Name(id=name):
            return name in ("RegexValidator", "re_path")
    return False


def test_every_expression_is_in_the_table() -> None:
    known = {*EXPRESSIONS, *URL_TABLES, *READERS_BELOW, *OUR_OWN}
    unknown = {each for each in expressions() if not each.startswith(f"{MASKING}:")} - known
    assert unknown == set(), "Say what these would like least, so that they are timed."


def _expression(key: str) -> Callable[[str], object]:
    module, _, name = key.partition(":")
    found = getattr(import_module(module), name)
    pattern = getattr(found, "regex", found)
    method: Callable[[str], object] = getattr(pattern, EXPRESSIONS[key][0])
    return method


def _repeated(begin: str, part: str, end: str, size: int) -> str:
    return begin + part * (size // len(part)) + end


@dataclass(frozen=True)
class Case:
    """Something that reads what clients send, and what it would like least, of each size."""

    name: str
    run: Callable[[Any], object]
    worst: Callable[[int], Any]
    size: int

    def __str__(self) -> str:
        return self.name


def cases() -> list[Case]:
    """The whole table, which needs Django."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    from tests import readers

    return [
        *(
            Case(f"{key} {worst}", _expression(key), partial(_repeated, *worst), 2_000)
            for key, (_method, worsts) in EXPRESSIONS.items()
            for worst in worsts
        ),
        *(Case(*row) for row in readers.TABLE),
    ]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a test of every row."""
    if "case" in metafunc.fixturenames:
        metafunc.parametrize("case", cases(), ids=str)


def test_time_grows_with_the_input_and_no_faster(case: Case) -> None:
    assert_linear(case.run, case.worst, case.size)


def main() -> None:
    """Print how many times as long each row takes at n, 2n and 4n."""
    for case in cases():
        first, second = growth(case.run, case.worst, case.size)
        print(f"{case.size:>6}  1.00  {first:.2f}  {first * second:.2f}  {case}")


if __name__ == "__main__":
    main()
