"""Databases made before the first release, which no migration of today takes over."""

from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder


def is_unreleased(connection: BaseDatabaseWrapper) -> bool:
    """Return whether an app of ours has tables in the database, but by none of its migrations of today.

    A database of a later release passes: it has those of today and more.
    """
    applied = MigrationRecorder(connection).applied_migrations().keys()
    of_today = applied & MigrationLoader(None).disk_migrations.keys()
    ours = {app.label for app in apps.get_app_configs() if Path(app.path).resolve().parent == settings.BASE_DIR}
    return not ours & {label for label, _ in applied} <= {label for label, _ in of_today}
