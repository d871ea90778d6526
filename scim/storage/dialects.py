"""What the two databases write differently where the rest of the SQL is the same."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from scim.protocol.filters import Operator
from scim.storage import sql
from scim.storage.sql import Sql


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one of the databases spells things.

    ``documents`` are the folded and the exact document; ``text`` and ``boolean`` read one value below a JSON holder by
    its keys, ``entries`` lists a JSON list under an alias, ``entry`` is one of those, ``same_entry`` ties two lists.
    ``id_text`` is the canonical text of an id's column, ``by_code_point`` a text that compares by its code points,
    ``cast`` gives an expression one of PostgreSQL's types, and ``plain`` keeps the driver from making an object of it.
    """

    documents: tuple[str, str]
    text: Callable[[str, Sequence[str]], Sql]
    boolean: Callable[[str, Sequence[str]], Sql]
    booleans: tuple[str, str]
    entries: Callable[[str, Sequence[str], str], Sql]
    entry: Callable[[str], str]
    same_entry: str
    id_text: Callable[[str], str]
    by_code_point: Callable[[str], str]
    cast: Callable[[str, str], str]
    plain: Callable[[str], str]
    parts: Mapping[Operator, Callable[[Sql, str], Sql]]


def current() -> Dialect:
    """The dialect of the database that is connected."""
    return _DIALECTS[sql.vendor()]


def _json_path(keys: Sequence[str]) -> str:
    return "$" + "".join(f'."{key}"' for key in keys)


def _sqlite_id(column: str) -> str:
    digits = ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))
    parts = (f"substr({column}, {start}, {length})" for start, length in digits)
    return "(" + " || '-' || ".join(parts) + ")"


_SQLITE = Dialect(
    documents=("u.search", "u.document"),
    text=lambda holder, keys: Sql(f"json_extract({holder}, %s)", (_json_path(keys),)) if keys else Sql(holder),
    boolean=lambda holder, keys: Sql(f"json_extract({holder}, %s)", (_json_path(keys),)),
    booleans=("0", "1"),
    entries=lambda holder, keys, alias: Sql(f"json_each({holder}, %s) AS {alias}", (_json_path(keys),)),
    entry=lambda alias: f"{alias}.value",
    same_entry="folded.key = exact.key",
    id_text=_sqlite_id,
    by_code_point=lambda text: text,
    cast=lambda expression, _type: expression,
    plain=lambda expression: f"+{expression}",
    parts={
        Operator.CO: lambda found, text: Sql(f"instr({found.text}, %s) > 0", (*found.values, text)),
        Operator.SW: lambda found, text: Sql(f"substr({found.text}, 1, %s) = %s", (*found.values, len(text), text)),
        Operator.EW: lambda found, text: Sql(f"substr({found.text}, %s) = %s", (*found.values, -len(text), text)),
    },
)


def _postgresql_text(holder: str, keys: Sequence[str]) -> Sql:
    # An empty path takes the text out of a JSON text itself, for lists of plain texts.
    return Sql(f'({holder} #>> %s::text[]) COLLATE "C"', (list(keys),))


_POSTGRESQL = Dialect(
    documents=("u.search", "u.document::jsonb"),
    text=_postgresql_text,
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
    parts={
        Operator.CO: lambda found, text: Sql(f"strpos({found.text}, %s) > 0", (*found.values, text)),
        Operator.SW: lambda found, text: Sql(f"starts_with({found.text}, %s)", (*found.values, text)),
        Operator.EW: lambda found, text: Sql(f"right({found.text}, %s) = %s", (*found.values, len(text), text)),
    },
)

_DIALECTS = {"sqlite": _SQLITE, "postgresql": _POSTGRESQL}
