"""Delete the rows of the request log that are older than SCIM_LOG_RETENTION_DAYS; for a daily timer."""

from typing import Any

from django.core.management.base import BaseCommand

from scim.services import journal


class Command(BaseCommand):
    """``manage.py prune_request_log``."""

    help = "Delete the rows of the SCIM request log that are older than SCIM_LOG_RETENTION_DAYS."

    def handle(self, *_arguments: Any, **_options: Any) -> None:
        self.stdout.write(f"{journal.prune():,} rows deleted.")
