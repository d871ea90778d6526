"""Fill a new database for the bench: an organization with many users, and the baseline's copy."""

import random
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import django
import orjson

from scripts.bench import people

if TYPE_CHECKING:
    from users.models import Role, User

SLUG = "bench"
BATCH = 2_000
# So many people are asked for by name: few enough to be in every cache after a warm-up.
KNOWN = 500


def main(users: int, file: Path) -> None:
    """Migrate the database that the environment names, fill it, and write what clients must know to ``file``."""
    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)
    token, known = add_people(users)
    _copy_for_the_baseline(f"{settings.BASE_URL}/scim/{SLUG}/v2")
    database = _tidied()
    file.write_bytes(orjson.dumps({"token": token, "users": users, "people": known, "database": database}))


def add_people(
    users: int, slug: str = SLUG, domains: Sequence[str] = (people.WORK_DOMAIN, people.HOME_DOMAIN)
) -> tuple[str, list[list[str]]]:
    """Make an organization of so many people; return its bearer token, and id and userName of some of them."""
    from provisioning.models import Brake
    from provisioning.services import brake
    from provisioning.services.onboarding import open_organization
    from users.models import Headcount, Role, User, UserValue
    from users.profile import value_rows

    opened = open_organization(slug.title(), slug, domains_with_requests=list(domains), enable_scim=True)
    role = Role.objects.of(opened.organization.pk).get(is_default=True)
    chosen = set(random.Random(7).sample(range(users), min(users, KNOWN)))  # noqa: S311
    known = []
    for start in range(0, users, BATCH):
        batch = list(_users(range(start, min(start + BATCH, users)), role))
        User.objects.bulk_create(batch)
        UserValue.objects.bulk_create([value for user in batch for value in value_rows(user)])
        known += [[str(user.pk), user.user_name] for number, user in enumerate(batch, start) if number in chosen]
    Headcount.objects.update_or_create(organization=opened.organization, defaults={"users": users})
    # The brake counts as it does for everybody, but at no share does it stop the operation that suspends people.
    Brake.objects.update_or_create(
        organization=opened.organization, connection=opened.connection, defaults={"percent": brake.PERCENT[-1]}
    )
    return opened.bearer_token or "", known


def _users(numbers: range, role: "Role") -> Iterator["User"]:
    """Unsaved rows, with what the service would write into them."""
    from users import profile as profiles
    from users.models import Source, User

    for number in numbers:
        user = User(organization_id=role.organization_id, role=role, source=Source.SCIM)
        user.set_unusable_password()
        profile = people.person(number)
        del profile["schemas"]
        profiles.write(user, {**profile, "roles": profiles.role_entries(role)})
        yield user


def _copy_for_the_baseline(base_url: str) -> None:
    """Its tables have the indexes that serve its statements, and the documents that the real server sends."""
    from django.db import connection

    identifier = "uuid" if connection.vendor == "postgresql" else "char(32)"
    with connection.cursor() as cursor:
        for statement in (
            f"CREATE TABLE bench_user (id {identifier} PRIMARY KEY, organization integer NOT NULL,"
            " user_name text NOT NULL, document text NOT NULL)",
            "CREATE UNIQUE INDEX bench_user_by_id ON bench_user (organization, id)",
            "CREATE UNIQUE INDEX bench_user_by_name ON bench_user (organization, user_name)",
            f"CREATE TABLE bench_email (organization integer NOT NULL, user_id {identifier} NOT NULL,"
            " type text NOT NULL, address text NOT NULL)",
            "CREATE INDEX bench_email_by_address ON bench_email (organization, address)",
            "INSERT INTO bench_email SELECT 1, user_id, type, value_key FROM users_uservalue",
        ):
            cursor.execute(statement)
        cursor.execute(
            "INSERT INTO bench_user SELECT id, 1, user_name_key, replace(document, %s, %s) FROM users_user ORDER BY id",
            ['"location":"/', f'"location":"{base_url}/'],
        )


def _tidied() -> str:
    """Do what the database would do by itself some time later, during the run; return its name and version."""
    from django.db import connection

    if connection.vendor == "sqlite":
        return f"SQLite {sqlite3.sqlite_version}"
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")
        cursor.execute("SHOW server_version")
        return f"PostgreSQL {cursor.fetchone()[0]}"


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
