"""The mass-change brake of each connection, and who has gone within the hour."""

import django.db.models.deletion
import uuid_utils.compat
from django.db import migrations, models

import organizations.tenancy


class Migration(migrations.Migration):
    dependencies = [
        ("organizations", "0003_slugs_dates_and_support"),
        ("scim", "0009_plays"),
    ]

    operations = [
        migrations.CreateModel(
            name="Brake",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("enabled", models.BooleanField(default=True, verbose_name="Mass-change brake")),
                ("percent", models.PositiveSmallIntegerField(default=20)),
                ("people", models.PositiveIntegerField(default=0)),
                ("counted_at", models.DateTimeField(null=True)),
                ("counts_from", models.DateTimeField(null=True)),
                ("held_since", models.DateTimeField(null=True)),
                ("gone", models.PositiveIntegerField(default=0)),
                ("told_at", models.DateTimeField(null=True)),
                ("kept_at", models.DateTimeField(null=True)),
                ("answered_by", models.CharField(blank=True, max_length=320)),
                ("version", models.PositiveIntegerField(default=1)),
                (
                    "connection",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="scim.connection"
                    ),
                ),
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
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Departure",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("user_id", models.UUIDField()),
                ("user_name", models.CharField(max_length=254)),
                ("user_name_key", organizations.tenancy.KeyField(max_length=400)),
                ("deleted", models.BooleanField()),
                ("at", models.DateTimeField()),
                (
                    "connection",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="scim.connection",
                    ),
                ),
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
                "ordering": ["-at", "-id"],
                "indexes": [models.Index(fields=["organization", "connection", "at"], name="departure_by_time")],
                "constraints": [models.UniqueConstraint(fields=("connection", "user_id"), name="departed_once")],
            },
        ),
    ]
