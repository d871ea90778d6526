"""Names for tokens, a successor, the day on which one retires, and how many requests in a row have failed."""

from typing import Any

import django.db.models.deletion
import uuid_utils.compat
from django.db import migrations, models


def name_tokens(apps: Any, _editor: Any) -> None:
    """Tokens of before are called by their number within the connection."""
    tokens = apps.get_model("scim", "Token")
    numbers: dict[Any, int] = {}
    for token in tokens.objects.order_by("created_at", "pk"):
        numbers[token.connection_id] = number = numbers.get(token.connection_id, 0) + 1
        tokens.objects.filter(pk=token.pk).update(name=f"Token {number}")


class Migration(migrations.Migration):
    dependencies = [
        ("scim", "0006_connections"),
    ]

    operations = [
        migrations.AddField(
            model_name="token",
            name="name",
            field=models.CharField(default="", max_length=60),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="token",
            name="successor",
            field=models.ForeignKey(
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="scim.token",
            ),
        ),
        migrations.AddField(
            model_name="token",
            name="retires_by_itself",
            field=models.BooleanField(default=False, editable=False),
        ),
        migrations.AddField(
            model_name="token",
            name="retires_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.CreateModel(
            name="Streak",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("failures", models.PositiveIntegerField(default=0)),
                ("refusals", models.PositiveIntegerField(default=0)),
                ("refusals_told", models.BooleanField(default=False)),
                ("told_of_refusals_at", models.DateTimeField(null=True)),
                (
                    "connection",
                    models.OneToOneField(
                        db_constraint=False,
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="scim.connection",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="organizations.organization",
                    ),
                ),
            ],
            options={"abstract": False},
        ),
        migrations.RunPython(name_tokens, migrations.RunPython.noop),
    ]
