"""Tests of a set-up, and the tokens that are made for them."""

import django.db.models.deletion
import uuid_utils.compat
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("organizations", "0003_slugs_dates_and_support"),
        ("scim", "0008_milestones"),
    ]

    operations = [
        migrations.AddField(
            model_name="token",
            name="is_test",
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
        migrations.CreateModel(
            name="Play",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("connection_id", models.UUIDField(editable=False)),
                ("token_id", models.UUIDField(editable=False)),
                ("acted_as", models.CharField(editable=False, max_length=320)),
                ("script", models.CharField(max_length=20)),
                ("email", models.CharField(max_length=254)),
                ("groups", models.BooleanField()),
                ("started_by_label", models.CharField(editable=False, max_length=320)),
                ("started_at", models.DateTimeField()),
                ("seen_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("running", "Running"),
                            ("passed", "Passed"),
                            ("failed", "Failed"),
                            ("broken-off", "Broken Off"),
                        ],
                        default="running",
                        max_length=10,
                    ),
                ),
                ("outcomes", models.JSONField(default=list)),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="organizations.organization",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [models.Index(fields=["organization", "-id"], name="play_by_organization")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "running")), fields=("organization",), name="play_one_at_a_time"
                    )
                ],
            },
        ),
    ]
