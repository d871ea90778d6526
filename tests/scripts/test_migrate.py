"""``manage.py migrate``: of two at once one works, no role's time-out ends it, and a database too old is left alone."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from django.db import connection

from scripts import postgres, serve

pytestmark = pytest.mark.django_db(transaction=True)

MANAGE = [sys.executable, "manage.py"]
SLEEPS = """
from django.db import connection, transaction
with transaction.atomic(), connection.cursor() as cursor:
    cursor.execute("SELECT pg_sleep(0.5)" if connection.vendor == "postgresql" else "SELECT 1")
print("slept", connection.settings_dict["ENGINE"])
"""
RECORDS = """
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
recorder = MigrationRecorder(connection)
recorder.ensure_schema()
for app, name in {rows}:
    recorder.record_applied(app, name)
"""
LOOKS = """
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
print(sorted(connection.introspection.table_names()), sorted(MigrationRecorder(connection).applied_migrations()))
"""


def environment(url: str, **more: str) -> dict[str, str]:
    wanted = {"DEBUG": "on", "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "saasmanager.settings", **more}
    return {name: value for name, value in os.environ.items() if name != "DATABASE_TIMEOUTS"} | wanted


def manage(url: str, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*MANAGE, *arguments], cwd=serve.ROOT, env=environment(url, **more), capture_output=True, text=True
    )


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[str]:
    """The DATABASE_URL of a new, empty database; on PostgreSQL its role ends every statement after 0.2 s."""
    if connection.vendor == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.sqlite3'}"
        return
    name = f"impatient_{uuid4().hex[:8]}"
    place = connection.settings_dict
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'x'")
        cursor.execute(f"ALTER ROLE {name} SET statement_timeout = '200ms'")
        cursor.execute(f"CREATE DATABASE {name} OWNER {name}")
    try:
        yield f"postgres://{name}:x@{place['HOST']}:{place['PORT'] or 5432}/{name}"
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
            cursor.execute(f"DROP ROLE {name}")


def test_of_two_at_once_one_migrates_and_the_other_waits(empty: str) -> None:
    both = [
        subprocess.Popen(
            [*MANAGE, "migrate"],
            cwd=serve.ROOT,
            env=environment(empty, PYTHONUNBUFFERED="1"),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(2)
    ]
    said = [each.communicate()[0] for each in both]
    assert [each.returncode for each in both] == [0, 0], said
    assert sorted("Applying users.0001_tables... OK" in text for text in said) == [False, True]
    assert manage(empty, "migrate", "--check").returncode == 0
    # The cache's table is there too.
    asked = manage(
        empty, "shell", "-c", "from django.core.cache import cache; cache.set('a', 1); print(cache.get('a'))"
    )
    assert asked.stdout.splitlines()[-1:] == ["1"], asked.stderr


@pytest.mark.parametrize("pooler", ["on", "off"])
def test_a_command_takes_longer_than_the_roles_time_out(empty: str, pooler: str) -> None:
    done = manage(empty, "shell", "-c", SLEEPS, DATABASE_POOLER=pooler)
    assert "slept" in done.stdout, done.stderr
    if connection.vendor == "sqlite":
        return
    refused = manage(empty, "shell", "-c", SLEEPS, DATABASE_POOLER=pooler, DATABASE_TIMEOUTS="on")
    # Behind a pooler the role's limit holds for requests; without one, requests bring ours, which is longer.
    assert ("slept" in refused.stdout) is (pooler == "off")


def test_a_migration_goes_past_the_pooler(empty: str) -> None:
    nowhere = f"postgres://nobody@127.0.0.1:{postgres.free_port()}/nothing"
    done = manage(nowhere, "migrate", "contenttypes", DATABASE_POOLER="on", MIGRATION_DATABASE_URL=empty)
    assert done.returncode == 0, done.stderr
    assert "Applying contenttypes.0001_initial... OK" in done.stdout
    assert manage(nowhere, "send_mail", DATABASE_POOLER="on", MIGRATION_DATABASE_URL=empty).returncode != 0


@pytest.mark.parametrize(
    "rows",
    [
        [("contenttypes", "0001_initial"), ("audit", "0001_initial"), ("users", "0001_initial")],
        [("audit", "0001_initial"), ("audit", "0002_groups")],
    ],
    ids=["whole", "begun"],
)
def test_a_database_of_before_the_first_release_is_refused_in_one_sentence_and_left_alone(
    empty: str, rows: list[tuple[str, str]]
) -> None:
    assert manage(empty, "shell", "-c", RECORDS.format(rows=rows)).returncode == 0
    before = manage(empty, "shell", "-c", LOOKS).stdout
    assert "'0001_initial'" in before
    served = subprocess.run(
        [sys.executable, "-m", "scripts.serve"],
        cwd=serve.ROOT,
        env=environment(empty, PORT=str(postgres.free_port())),
        capture_output=True,
        text=True,
        timeout=60,
    )
    for done in (manage(empty, "migrate"), manage(empty, "migrate", "--plan"), served):
        assert done.returncode == 1, done.stdout
        (said,) = done.stderr.splitlines()
        assert said.startswith("CommandError: The database ")
        assert said.endswith(
            " was made before the first release of SaaS Manager and cannot be brought up to date: "
            "nothing in it was changed; name a new, empty database in DATABASE_URL."
        )
        assert "Serving" not in done.stdout
    assert manage(empty, "shell", "-c", LOOKS).stdout == before


def test_a_database_of_a_later_release_and_of_other_libraries_is_no_old_one(empty: str) -> None:
    assert manage(empty, "migrate").returncode == 0
    rows = [("users", "9999_later"), ("auth", "0000_squashed")]
    assert manage(empty, "shell", "-c", RECORDS.format(rows=rows)).returncode == 0
    done = manage(empty, "migrate")
    assert done.returncode == 0, done.stderr
