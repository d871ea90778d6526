"""Delete rows of the request log that are too old or too many, with old test runs; for a daily timer."""

from typing import Any

from django.core.management.base import BaseCommand

from provisioning.services import brake, test_runs
from provisioning.services.request_log import pruning


class Command(BaseCommand):
    """``manage.py prune_request_log``."""

    help = (
        "Delete what is in the SCIM request log beyond SCIM_LOG_RETENTION_DAYS and SCIM_LOG_ROWS, and tests of a set-up"
        " after 30 days; remove the test users of those that broke off."
    )

    def handle(self, *_arguments: Any, **_options: Any) -> None:
        self.stdout.write(f"{pruning.prune():,} rows deleted.")
        if forgotten := test_runs.prune():
            self.stdout.write(f"{forgotten:,} tests of a set-up forgotten.")
        brake.prune()
