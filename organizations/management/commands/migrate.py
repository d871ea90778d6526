"""Bring a database up to date, one process at a time."""

from typing import Any

from django.core.management import CommandError, call_command
from django.core.management.commands import migrate
from django.db import connections

from core.process_lock import alone
from organizations.management.unreleased import is_unreleased

TOO_OLD = (
    "The database {name} was made before the first release of SaaS Manager and cannot be brought up to date: "
    "nothing in it was changed; name a new, empty database in DATABASE_URL."
)


class Command(migrate.Command):
    """Django's ``manage.py migrate``, and the table of the cache. A second one at the same time waits for the first."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate as Django does, then make the cache's table where there is none.

        Raises CommandError, having changed nothing, for a database made before the first release.
        """
        connection = connections[options["database"]]
        with alone(connection, waits=self._wait):
            if is_unreleased(connection):
                raise CommandError(TOO_OLD.format(name=connection.settings_dict["NAME"]))
            super().handle(*args, **options)
            if not options["plan"]:
                call_command("createcachetable", database=options["database"], verbosity=0)

    def _wait(self) -> None:
        self.stdout.write("Another process is bringing this database up to date. Waiting for it to finish.")
        self.stdout.flush()
