"""Rows written past the ORM, whose wording of statements costs several times what they do.

The objects are as ``save()`` would take them, but no signal is sent, and what the database makes is not read back. Call
in a transaction.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, TypeVar
from uuid import UUID

import orjson
from django.db import connection, models

Row = TypeVar("Row", bound=models.Model)
Reader = Callable[[models.Model], Any]


def insert(model: type[Row], rows: Sequence[Row]) -> None:
    """Add new rows in one statement. Raises IntegrityError, and then none is there."""
    if not rows:
        return
    table = _table(model)
    values = [tuple([read(row) for read in table.readers]) for row in rows]
    with connection.cursor() as cursor:
        if len(values) == 1:
            cursor.execute(table.statement, values[0])
        elif connection.vendor == "postgresql":
            # Errors of a COPY come past Django's cursor, which would give them its own names.
            with connection.wrap_database_errors, cursor.copy(f"COPY {table.into} FROM STDIN") as copy:
                for each in values:
                    copy.write_row(each)
        else:
            cursor.executemany(table.statement, values)


def update(row: models.Model, names: tuple[str, ...]) -> None:
    """Save those fields of a row. Raises IntegrityError."""
    statement, readers = _update(type(row), names)
    with connection.cursor() as cursor:
        cursor.execute(statement, [read(row) for read in readers])


@dataclass(frozen=True, slots=True)
class _Table:
    into: str
    statement: str
    readers: tuple[Reader, ...]


@cache
def _table(model: type[models.Model]) -> _Table:
    fields = [
        field
        for field in model._meta.concrete_fields
        if not field.generated and not isinstance(field, models.AutoField)
    ]
    into = f'"{model._meta.db_table}" ({", ".join(_column(field) for field in fields)})'
    statement = f"INSERT INTO {into} VALUES ({', '.join(['%s'] * len(fields))})"  # noqa: S608
    return _Table(into, statement, tuple(_reader(field) for field in fields))


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
        return lambda row: orjson.dumps(getattr(row, name), default=str).decode()
    if connection.features.has_native_uuid_field:
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
