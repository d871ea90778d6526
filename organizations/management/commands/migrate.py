"""Bring a database up to date, one process at a time."""

from typing import Any

from django.core.management import call_command
from django.core.management.commands import migrate
from django.db import connections

from organizations.alone import alone


class Command(migrate.Command):
    """Django's ``manage.py migrate``, and the table of the cache. A second one at the same time waits for the first."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate as Django does, then make the cache's table where there is none."""
        with alone(connections[options["database"]], waits=self._wait):
            super().handle(*args, **options)
            if not options["plan"]:
                call_command("createcachetable", database=options["database"], verbosity=0)

    def _wait(self) -> None:
        self.stdout.write("Another process is bringing this database up to date. Waiting for it to finish.")
        self.stdout.flush()
