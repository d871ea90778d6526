"""How far the set-up of each connection has come, by step."""

import django.db.models.deletion
import uuid_utils.compat
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("organizations", "0003_slugs_dates_and_support"),
        ("scim", "0007_token_rotation"),
    ]

    operations = [
        migrations.CreateModel(
            name="Milestone",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("connection_id", models.UUIDField(editable=False)),
                ("step", models.CharField(editable=False, max_length=12)),
                ("done_at", models.DateTimeField(editable=False, null=True)),
                ("done_request_id", models.UUIDField(editable=False, null=True)),
                ("failed_at", models.DateTimeField(editable=False, null=True)),
                ("failed_request_id", models.UUIDField(editable=False, null=True)),
                ("failed_status", models.PositiveSmallIntegerField(editable=False, null=True)),
                ("failed_cause", models.CharField(blank=True, editable=False, max_length=40)),
                ("failed_verdict", models.CharField(blank=True, editable=False, max_length=1000)),
                ("failed_arguments", models.JSONField(default=dict, editable=False)),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="organizations.organization",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "connection_id", "step"), name="milestone_once")
                ],
            },
        ),
    ]
