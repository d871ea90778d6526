"""What the search for a domain looks in."""

from typing import Any

from django.db import migrations

from audit.labels import searchable
from organizations.tenancy import KeyField

_AT_ONCE = 1000


def fill(apps: Any, editor: Any) -> None:
    """Write the keys, a thousand rows at a time."""
    domains = apps.get_model("domains", "Domain").objects.using(editor.connection.alias).order_by("pk")
    batch = list(domains[:_AT_ONCE])
    while batch:
        for domain in batch:
            domain.search_key = searchable(domain.readable, domain.name)
        domains.bulk_update(batch, ["search_key"])
        batch = list(domains.filter(pk__gt=batch[-1].pk)[:_AT_ONCE])


class Migration(migrations.Migration):
    dependencies = [("domains", "0002_verification")]

    operations = [
        migrations.AddField(
            "domain", "search_key", KeyField(db_default="", default="", editable=False, max_length=1000)
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
