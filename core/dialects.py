"""The differences of our two databases: how they spell SQL, and what they and their drivers take."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from django.db import connection


@dataclass(frozen=True, slots=True)
class Sql:
    """A piece of SQL with the values of its placeholders, in their order. The text never holds what a client sent."""

    text: str
    values: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Dialect:
    """One of the databases.

    What it takes: ``native`` drivers take ids and moments as Python has them, ``spell_id`` makes an id the text that
    the driver takes. ``concurrent`` databases have several writers at a time, and locks between programs. ``copies``
    says whether many rows go in by COPY, ``joins`` whether several changes go in one statement. ``collation`` is the
    one of columns that compare by code point, None for the default.

    Lists: ``among`` follows a column that is to have one of ``sql.among``, ``among_ids`` one of ``sql.ids``, which
    ``each_id`` selects one by one. ``id_place`` is the placeholder of an id that has no column beside it.

    Texts and rows: ``position`` is the place of a text in another, from 1, 0 for none; ``contains``, ``begins`` and
    ``ends`` compare with a part. ``json_rows`` makes all rows of some columns one JSON text. ``lock`` follows a
    statement that locks the rows of an alias, though others may refer to them.

    JSON: ``documents`` are the folded and the exact document; ``text`` and ``boolean`` read one value below a JSON
    holder by its keys, ``constant_text`` a text by keys that no client chooses, which an index may serve. ``entries``
    lists a JSON list under an alias, ``entry`` is one of those, ``same_entry`` ties two lists.

    Expressions: ``id_text`` is the canonical text of an id's column, ``by_code_point`` a text that compares by its
    code points, ``cast`` gives an expression one of PostgreSQL's types, and ``plain`` keeps the driver from making an
    object of it.
    """

    native: bool
    concurrent: bool
    copies: bool
    joins: bool
    collation: str | None
    spell_id: Callable[[UUID | str], str]
    among: str
    among_ids: str
    each_id: str
    id_place: str
    position: Callable[[str], str]
    contains: Callable[[Sql, str], Sql]
    begins: Callable[[Sql, str], Sql]
    ends: Callable[[Sql, str], Sql]
    json_rows: Callable[[str], str]
    lock: Callable[[str], str]
    documents: tuple[str, str]
    text: Callable[[str, Sequence[str]], Sql]
    constant_text: Callable[[str, Sequence[str]], str]
    boolean: Callable[[str, Sequence[str]], Sql]
    booleans: tuple[str, str]
    entries: Callable[[str, Sequence[str], str], Sql]
    entry: Callable[[str], str]
    same_entry: str
    id_text: Callable[[str], str]
    by_code_point: Callable[[str], str]
    cast: Callable[[str, str], str]
    plain: Callable[[str], str]


@cache
def current() -> Dialect:
    """The dialect of the database that is connected; known once, for a connection is looked up by thread each time."""
    return of(connection)


def of(database: Any) -> Dialect:
    """The dialect of a connection's database."""
    return _DIALECTS[database.vendor]


def spelled(word: Callable[[Dialect], str]) -> Callable[[], str]:
    """A statement in the dialect of the database that is connected, worded when it is first asked for."""
    return cache(lambda: word(current()))


def _json_path(keys: Sequence[str]) -> str:
    return "$" + "".join(f'."{key}"' for key in keys)


def _sqlite_id(column: str) -> str:
    digits = ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))
    parts = (f"substr({column}, {start}, {length})" for start, length in digits)
    return "(" + " || '-' || ".join(parts) + ")"


_SQLITE = Dialect(
    native=False,
    concurrent=False,
    copies=False,
    joins=False,
    collation=None,
    spell_id=lambda identifier: str(identifier).replace("-", ""),
    among="IN (SELECT value FROM json_each(%s))",
    among_ids="IN (SELECT value FROM json_each(%s))",
    each_id="SELECT value FROM json_each(%s)",
    id_place="%s",
    position=lambda text: f"instr({text}, %s)",
    contains=lambda found, text: Sql(f"instr({found.text}, %s) > 0", (*found.values, text)),
    begins=lambda found, text: Sql(f"substr({found.text}, 1, %s) = %s", (*found.values, len(text), text)),
    ends=lambda found, text: Sql(f"substr({found.text}, %s) = %s", (*found.values, -len(text), text)),
    json_rows=lambda columns: f"json_group_array(json_array({columns}))",
    lock=lambda _alias: "",
    documents=("u.search", "u.document"),
    text=lambda holder, keys: Sql(f"json_extract({holder}, %s)", (_json_path(keys),)) if keys else Sql(holder),
    constant_text=lambda holder, keys: f"json_extract({holder}, '{_json_path(keys)}')",
    boolean=lambda holder, keys: Sql(f"json_extract({holder}, %s)", (_json_path(keys),)),
    booleans=("0", "1"),
    entries=lambda holder, keys, alias: Sql(f"json_each({holder}, %s) AS {alias}", (_json_path(keys),)),
    entry=lambda alias: f"{alias}.value",
    same_entry="folded.key = exact.key",
    id_text=_sqlite_id,
    by_code_point=lambda text: text,
    cast=lambda expression, _type: expression,
    plain=lambda expression: f"+{expression}",
)


def _postgresql_text(holder: str, keys: Sequence[str]) -> Sql:
    # An empty path takes the text out of a JSON text itself, for lists of plain texts.
    return Sql(f'({holder} #>> %s::text[]) COLLATE "C"', (list(keys),))


_POSTGRESQL = Dialect(
    native=True,
    concurrent=True,
    copies=True,
    joins=True,
    collation="C",
    spell_id=str,
    among="= ANY (%s)",
    among_ids="= ANY (%s::uuid[])",
    each_id="SELECT unnest(%s::uuid[])",
    id_place="%s::uuid",
    position=lambda text: f"strpos({text}, %s)",
    contains=lambda found, text: Sql(f"strpos({found.text}, %s) > 0", (*found.values, text)),
    begins=lambda found, text: Sql(f"starts_with({found.text}, %s)", (*found.values, text)),
    ends=lambda found, text: Sql(f"right({found.text}, %s) = %s", (*found.values, len(text), text)),
    json_rows=lambda columns: f"json_agg(json_build_array({columns}))::text",
    lock=lambda alias: f" FOR NO KEY UPDATE OF {alias}",
    documents=("u.search", "u.document::jsonb"),
    text=_postgresql_text,
    constant_text=lambda holder, keys: f"{holder} #>> '{{{','.join(keys)}}}'",
    boolean=lambda holder, keys: Sql(f"({holder} #> %s::text[])", (list(keys),)),
    booleans=("'false'::jsonb", "'true'::jsonb"),
    entries=lambda holder, keys, alias: Sql(
        f"jsonb_array_elements({holder} #> %s::text[]) WITH ORDINALITY AS {alias} (value, key)", (list(keys),)
    ),
    entry=lambda alias: f"{alias}.value",
    same_entry="folded.key = exact.key",
    id_text=lambda column: f'({column}::text COLLATE "C")',
    by_code_point=lambda text: f'({text} COLLATE "C")',
    cast=lambda expression, type_: f"{expression}::{type_}",
    plain=lambda expression: f"{expression}::text",
)

_DIALECTS = {"sqlite": _SQLITE, "postgresql": _POSTGRESQL}
