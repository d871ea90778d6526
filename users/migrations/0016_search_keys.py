"""What the pages' search looks in, for everybody who is here already."""

from collections.abc import Callable, Iterator
from typing import Any

from django.db import migrations

from organizations.tenancy import KeyField
from users.profile import search_key_of

_AT_ONCE = 1000


def _batches(rows: Any) -> Iterator[list[Any]]:
    batch = list(rows[:_AT_ONCE])
    while batch:
        yield batch
        batch = list(rows.filter(pk__gt=batch[-1].pk)[:_AT_ONCE])


def _fill(apps: Any, editor: Any, name: str, column: str, read: tuple[str, ...], key: Callable[[Any], str]) -> None:
    model = apps.get_model("users", name)
    statement = f'UPDATE "{model._meta.db_table}" SET "{column}" = %s WHERE "id" = %s'  # noqa: S608
    adapt = model._meta.pk.get_db_prep_value
    for batch in _batches(model.objects.using(editor.connection.alias).order_by("pk").only(*read)):
        with editor.connection.cursor() as cursor:
            cursor.executemany(statement, [(key(row), adapt(row.pk, editor.connection)) for row in batch])


def fill(apps: Any, editor: Any) -> None:
    """Write the keys, a thousand rows at a time."""
    _fill(
        *(apps, editor, "User", "search_key", ("user_name_key", "email_key", "name_key")),
        lambda user: search_key_of(user.user_name_key, user.email_key, names=user.name_key),
    )
    _fill(apps, editor, "Invitation", "search_key", ("email_key",), lambda row: search_key_of(row.email_key))
    _fill(
        *(apps, editor, "AccountRequest", "name_key", ("email_key", "name")),
        lambda row: search_key_of(row.email_key, names=row.name)[:2000],
    )


class Migration(migrations.Migration):
    dependencies = [("users", "0015_trim_group_names")]

    operations = [
        migrations.AddField(
            "invitation", "search_key", KeyField(db_default="", default="", editable=False, max_length=1000)
        ),
        migrations.AddField(
            "user",
            "search_key",
            KeyField(
                db_default="",
                default="",
                editable=False,
                help_text="Names and addresses, for the pages' search.",
                max_length=4000,
            ),
        ),
        migrations.AlterField(
            "accountrequest",
            "name_key",
            KeyField(editable=False, help_text="Name and address, for the pages' search.", max_length=2000),
        ),
        migrations.AlterField(
            "user",
            "name_key",
            KeyField(default="", editable=False, help_text="Folded names, for sorting.", max_length=1100),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
