"""A lock between processes: one prepares the database while the others wait."""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db.backends.base.base import BaseDatabaseWrapper

from core import dialects

# Any number that nothing else uses for an advisory lock in the same database.
_KEY = 5_041_922_719
# The statement that lifts the time limits of the database's role for one transaction.
NO_LIMITS = (
    "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0"
)


@contextmanager
def alone(connection: BaseDatabaseWrapper, *, waits: Callable[[], None]) -> Iterator[None]:
    """Hold the lock of a database. While another process has it, call ``waits`` once and wait.

    The operating system or the database releases it with the process that holds it, however that process ends.
    """
    lock = _on_postgresql if dialects.of(connection).concurrent else _beside_the_file
    with lock(connection, waits):
        yield


@contextmanager
def _on_postgresql(connection: BaseDatabaseWrapper, waits: Callable[[], None]) -> Iterator[None]:
    """Hold it in one transaction of another connection: behind a pooler a session's lock would not stay with us."""
    holder = connection.copy()
    try:
        holder.set_autocommit(False)
        with holder.cursor() as cursor:
            cursor.execute(NO_LIMITS)
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_KEY])
            if cursor.fetchone() != (True,):
                waits()
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_KEY])
        yield
    finally:
        holder.close()


@contextmanager
def _beside_the_file(connection: BaseDatabaseWrapper, waits: Callable[[], None]) -> Iterator[None]:
    """Hold it on a file beside the database's: a lock on that itself would get into SQLite's way."""
    name = str(connection.settings_dict["NAME"])
    if ":memory:" in name or "mode=memory" in name:
        yield
        return
    with Path(f"{name}-migration-lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waits()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
