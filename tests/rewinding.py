"""The database as it was before a migration, for a test of what the migration makes of the rows that it finds."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management import call_command


@contextmanager
def rewound(app: str, migration: str) -> Iterator[None]:
    """Inside, ``app`` is at ``migration``, and whatever builds on later ones is undone.

    Afterwards every migration of every app is applied again, for the tests that follow use the same database.
    """
    try:
        call_command("migrate", app, migration, verbosity=0)
        yield
    finally:
        call_command("migrate", verbosity=0)
