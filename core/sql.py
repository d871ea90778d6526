"""Read or write rows in SQL, past the ORM.

The ORM's wording of a statement costs several times what the statement does.

What is written are objects as ``save()`` would take them, but no signal is sent, and what the database makes is not
read back. Call in a transaction.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from itertools import chain
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

import orjson
from django.db import connection, models

from core.dialects import current

Row = TypeVar("Row", bound=models.Model)
Reader = Callable[[models.Model], Any]

# So many rows go into one ordinary statement; for more, PostgreSQL is faster with COPY.
_FEW = 8


class Change(NamedTuple):
    """A statement that changes rows, and its values."""

    text: str
    values: Sequence[Any]


def insert(model: type[Row], rows: Sequence[Row]) -> None:
    """Add new rows in one statement; the objects count as saved then. Raises IntegrityError, and then none is there."""
    if len(rows) <= _FEW:
        run(inserting(model, rows))
        return
    table = _table(model)
    insert_values(table.into, [[read(row) for read in table.readers] for row in rows])
    _count_as_saved(rows)


def insert_values(into: str, values: Sequence[Sequence[Any]]) -> None:
    """Add rows of values, as the database's driver takes them; ``into`` is a table with its columns."""
    if not values:
        return
    with connection.cursor() as cursor:
        if current().copies:
            # Errors of a COPY come past Django's cursor, which would give them its own names.
            with connection.wrap_database_errors, cursor.copy(f"COPY {into} FROM STDIN") as copy:
                for each in values:
                    copy.write_row(each)
        else:
            places = ", ".join(["%s"] * len(values[0]))
            cursor.executemany(f"INSERT INTO {into} VALUES ({places})", values)  # noqa: S608


def inserting(model: type[Row], rows: Sequence[Row]) -> list[Change]:
    """What adds a few new rows, which count as saved from here on: one change, or none for no rows."""
    if not rows:
        return []
    readers = _table(model).readers
    values = [read(row) for row in rows for read in readers]
    _count_as_saved(rows)
    return [Change(_insert(model, len(rows)), values)]


def _count_as_saved(rows: Sequence[models.Model]) -> None:
    for row in rows:
        row._state.adding, row._state.db = False, connection.alias


def run(changes: Sequence[Change]) -> None:
    """Do all of it: PostgreSQL in one statement, SQLite one after the other. Raises IntegrityError.

    No change may need another one's rows, except by foreign keys, which are asked for at the end of the transaction.
    """
    if not changes:
        return
    with connection.cursor() as cursor:
        if current().joins:
            values = list(chain.from_iterable(change.values for change in changes))
            cursor.execute(_as_one(tuple(change.text for change in changes)), values)
        else:
            for change in changes:
                cursor.execute(change.text, change.values)


def put(row: models.Model, unique: tuple[str, ...], names: tuple[str, ...]) -> None:
    """Add a row, or give those fields of it to the one that is like it in the ``unique`` fields."""
    with connection.cursor() as cursor:
        cursor.execute(_put(type(row), unique, names), [read(row) for read in _table(type(row)).readers])


def update(row: models.Model, names: tuple[str, ...]) -> None:
    """Save those fields of a row. Raises IntegrityError."""
    run([updating(row, names)])


def updating(row: models.Model, names: tuple[str, ...]) -> Change:
    """What saves those fields of a row."""
    statement, readers = _update(type(row), names)
    return Change(statement, [read(row) for read in readers])


def update_many(rows: Sequence[models.Model], names: tuple[str, ...]) -> None:
    """Save those fields of rows of one kind, sent to the database together. Raises IntegrityError."""
    if rows:
        statement, readers = _update(type(rows[0]), names)
        with connection.cursor() as cursor:
            cursor.executemany(statement, [[read(row) for read in readers] for row in rows])


def find(model: type[Row], values: Mapping[str, Any]) -> Row | None:
    """The row with those values in those columns, locked until the transaction ends, though others may refer to it."""
    names, statement = _selection(model, tuple(values))
    for found in select(statement, list(values.values())):
        return load(model, names, found)
    return None


def load(model: type[Row], names: tuple[str, ...], values: Sequence[Any]) -> Row:
    """The object of a row, of which those columns were read."""
    found = list(values)
    for position, convert in _converters(model, names):
        found[position] = convert(found[position])
    return model.from_db(connection.alias, names, found)


def select(statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """All rows that a statement gives, as the database's driver does."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


def among(texts: Iterable[str]) -> Any:
    """Some texts as the one value that ``Dialect.among`` compares with."""
    return list(texts) if current().native else orjson.dumps(list(texts)).decode()


def ids(texts: Iterable[str]) -> str:
    """Some ids, in canonical text, as the one value that ``Dialect.among_ids`` compares with."""
    if current().native:
        return f"{{{','.join(texts)}}}"
    return orjson.dumps([each.replace("-", "") for each in texts]).decode()


def key(identifier: UUID) -> UUID | str:
    """An id as the database's drivers take it: SQLite keeps 32 hexadecimal digits."""
    return identifier if current().native else identifier.hex


def from_key(stored: UUID | str) -> UUID:
    """The id that a database's driver gave."""
    return stored if isinstance(stored, UUID) else UUID(stored)


@dataclass(frozen=True, slots=True)
class _Table:
    into: str
    places: str
    readers: tuple[Reader, ...]


@cache
def _table(model: type[models.Model]) -> _Table:
    fields = [
        field
        for field in model._meta.concrete_fields
        if not field.generated and not isinstance(field, models.AutoField)
    ]
    into = f'"{model._meta.db_table}" ({", ".join(_column(field) for field in fields)})'
    return _Table(into, f"({', '.join(['%s'] * len(fields))})", tuple(_reader(field) for field in fields))


@cache
def _insert(model: type[models.Model], number: int) -> str:
    table = _table(model)
    return f"INSERT INTO {table.into} VALUES {', '.join([table.places] * number)}"  # noqa: S608


@lru_cache(maxsize=512)
def _as_one(texts: tuple[str, ...]) -> str:
    *first, last = texts
    parts = ", ".join(f"change{number} AS ({text})" for number, text in enumerate(first))
    return f"WITH {parts} {last}" if parts else last


@cache
def _put(model: type[models.Model], unique: tuple[str, ...], names: tuple[str, ...]) -> str:
    changes = ", ".join(f'"{name}" = EXCLUDED."{name}"' for name in names)
    return f"{_insert(model, 1)} ON CONFLICT ({', '.join(unique)}) DO UPDATE SET {changes}"


@cache
def _selection(model: type[models.Model], by: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    names = tuple(field.attname for field in model._meta.concrete_fields)
    lock = " FOR NO KEY UPDATE" if connection.features.has_select_for_no_key_update else ""
    conditions = " AND ".join(f"{column} = %s" for column in by)
    return names, f'SELECT {", ".join(names)} FROM "{model._meta.db_table}" WHERE {conditions}{lock}'  # noqa: S608


@cache
def _converters(model: type[models.Model], names: tuple[str, ...]) -> tuple[tuple[int, Callable[[Any], Any]], ...]:
    """What makes the model's values of those of the database's driver, by their positions."""
    columns = {field.attname: field.get_col(model._meta.db_table) for field in model._meta.concrete_fields}
    return tuple(
        (position, lambda value, convert=convert, column=column: convert(value, column, connection))
        for position, column in enumerate(columns[name] for name in names)
        for convert in (*connection.ops.get_db_converters(column), *column.get_db_converters(connection))
    )


@cache
def _update(model: type[models.Model], names: tuple[str, ...]) -> tuple[str, tuple[Reader, ...]]:
    meta = model._meta
    fields = [meta.get_field(name) for name in names]
    assignments = ", ".join(f"{_column(field)} = %s" for field in fields)
    statement = f'UPDATE "{meta.db_table}" SET {assignments} WHERE {_column(meta.pk)} = %s'  # noqa: S608
    return statement, tuple(_reader(field) for field in (*fields, meta.pk))


def _column(field: Any) -> str:
    return f'"{field.column}"'


def _reader(field: Any) -> Reader:
    """What gives a row's value of the field, as the database's driver takes it."""
    name, adapt = field.attname, connection.ops.adapt_datetimefield_value
    if getattr(field, "auto_now_add", False):
        return lambda row: adapt(field.pre_save(row, True))
    if isinstance(field, models.JSONField):
        default = field.encoder().default if field.encoder else None
        return lambda row: orjson.dumps(getattr(row, name), default, orjson.OPT_PASSTHROUGH_DATETIME).decode()
    if current().native:
        return lambda row: getattr(row, name)

    def read(row: models.Model) -> Any:
        value = getattr(row, name)
        match value:
            case UUID():
                return value.hex
            case datetime():
                return adapt(value)
        return value

    return read
