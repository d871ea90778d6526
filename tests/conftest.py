"""What every test may rely on: the database, the real server, the browser, and how hard hypothesis tries."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from django.conf import settings
from django.db import OperationalError, connection
from django.db.backends.base.operations import BaseDatabaseOperations

from audit.triggers import GUARD, UNGUARD
from tests.browser import base_url, browser_type_launch_args, chromium, complaints, context
from tests.identity_provider import anonymous, idp, quiet_writer
from tests.nameserver import nameserver
from tests.servers import real_server
from tests.signed_in import domain, signed_in, token
from tests.tenants import acme, globex

__all__ = [
    "acme",
    "base_url",
    "browser_type_launch_args",
    "chromium",
    "complaints",
    "context",
    "domain",
    "globex",
    "idp",
    "nameserver",
    "quiet_writer",
    "real_server",
    "signed_in",
    "anonymous",
    "token",
]

STOCK_FLUSH = BaseDatabaseOperations.execute_sql_flush

CI = os.environ.get("CI") == "true"

# Folders of tests that have a database of their own, unless they are marked as asking this one.
WITHOUT_DATABASE = {"tests/scim/protocol", "tests/provisioning/simulator", "tests/scripts"}

# What gives a test the database.
DATABASE_FIXTURES = {"db", "transactional_db", "live_server", "real_server"}

# A busy machine is no bug, so no deadline; CI tries longer.
hypothesis.settings.register_profile("default", deadline=None, max_examples=50)
hypothesis.settings.register_profile("ci", deadline=None, max_examples=100, print_blob=True)
hypothesis.settings.load_profile("ci" if CI else "default")


def pytest_report_header() -> str:
    database = settings.DATABASES["default"]
    vendor = database["ENGINE"].rpartition(".")[2]
    return f"database: {vendor} {database['HOST'] and '{HOST}:{PORT}'.format(**database)}".rstrip()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if {"page", "context", "browser"} & set(getattr(item, "fixturenames", ())):
            # What a browser shows of a page comes from views that other tests ask on both databases.
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.once)
        if item.get_closest_marker("django_db"):
            continue
        asks = DATABASE_FIXTURES & set(getattr(item, "fixturenames", ()))
        if str(item.path.parent.relative_to(item.config.rootpath)) in WITHOUT_DATABASE or not asks:
            item.add_marker(pytest.mark.once)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """On SQLite the test database is a file, which threads and the real server share; in memory they could not."""
    database = settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        database["TEST"]["NAME"] = str(Path(tmp_path_factory.mktemp("database")) / "test.sqlite3")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """The real server is still at work on its request log when a test's rows go, and when the database does.

    Each could wait for the other, so the test gives way. PostgreSQL drops no database that is in use. And a test's
    audit events go like all its rows, which the database refuses otherwise.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseDatabaseOperations, "execute_sql_flush", _flush)
        yield
    if connection.vendor == "postgresql":
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )


def _flush(operations: BaseDatabaseOperations, statements: list[str]) -> None:
    """Give way to whoever is at work on the tables, and try again, for a minute."""
    vendor = operations.connection.vendor
    impatient = ["SET LOCAL lock_timeout = '300ms'"] if vendor == "postgresql" else []
    end = time.monotonic() + 60
    while True:
        try:
            return STOCK_FLUSH(operations, [*impatient, *UNGUARD[vendor], *statements, *GUARD[vendor]])
        except OperationalError:
            if time.monotonic() > end:
                raise
