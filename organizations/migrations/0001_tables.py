"""The tables of ``organizations``."""

import django.core.validators
import django.db.models.deletion
import django.utils.timezone
import uuid_utils.compat
from django.db import migrations, models

import organizations.models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Organization",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=120)),
                (
                    "slug",
                    models.CharField(
                        max_length=63,
                        unique=True,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\\Z",
                                "A slug has 1 to 63 lower-case letters, digits and hyphens, and neither begins nor"
                                " ends with a hyphen.",
                            )
                        ],
                    ),
                ),
                (
                    "time_zone",
                    models.CharField(
                        default="UTC", max_length=64, validators=[organizations.models.validate_time_zone]
                    ),
                ),
                (
                    "date_style",
                    models.CharField(
                        choices=[
                            ("en", "English (23 Nov 2026)"),
                            ("iso", "ISO 8601 (2026-11-23)"),
                            ("en-gb", "English, United Kingdom"),
                            ("en-us", "English, United States"),
                            ("cs", "Čeština"),
                            ("da", "Dansk"),
                            ("de", "Deutsch"),
                            ("es", "Español"),
                            ("fr", "Français"),
                            ("it", "Italiano"),
                            ("nl", "Nederlands"),
                            ("nb", "Norsk bokmål"),
                            ("pl", "Polski"),
                            ("pt", "Português"),
                            ("pt-br", "Português, Brasil"),
                            ("fi", "Suomi"),
                            ("sv", "Svenska"),
                            ("ja", "日本語"),
                        ],
                        default="en",
                        max_length=10,
                        verbose_name="Language of dates",
                    ),
                ),
                ("support_until", models.DateTimeField(editable=False, null=True)),
                ("is_active", models.BooleanField(default=True, help_text="Off: nobody signs in and SCIM is refused.")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="FormerSlug",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
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
                ("slug", models.CharField(max_length=63, unique=True)),
                ("until", models.DateTimeField()),
                ("last_used_at", models.DateTimeField(null=True)),
            ],
            options={
                "ordering": ["-until"],
                "indexes": [models.Index(fields=["organization", "until"], name="former_slug_by_organization")],
            },
        ),
        migrations.CreateModel(
            name="SupportAccess",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
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
                ("operator_id", models.UUIDField(editable=False)),
                ("operator_label", models.CharField(editable=False, max_length=254)),
                ("entered_at", models.DateTimeField(auto_now_add=True)),
                ("left_at", models.DateTimeField(null=True)),
            ],
            options={
                "ordering": ["-entered_at"],
                "indexes": [models.Index(fields=["organization", "left_at"], name="support_visit_by_state")],
            },
        ),
        migrations.CreateModel(
            name="Mail",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="organizations.organization",
                    ),
                ),
                ("name", models.CharField(max_length=40)),
                ("to", models.CharField(max_length=254)),
                ("subject", models.CharField(max_length=200)),
                ("text", models.TextField(blank=True)),
                ("html", models.TextField(blank=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("sent", "Sent"),
                            ("failed", "Failed"),
                            ("withdrawn", "Withdrawn"),
                        ],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("failure", models.CharField(blank=True, max_length=300)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("due_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("settled_at", models.DateTimeField(null=True)),
                ("counted_as", models.CharField(editable=False, max_length=320, null=True)),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["state", "due_at"], name="mail_due"),
                    models.Index(
                        condition=models.Q(("counted_as__isnull", False)),
                        fields=["counted_as", "created_at"],
                        name="mail_counted",
                    ),
                    models.Index(fields=["organization", "id"], name="mail_by_organization"),
                ],
            },
        ),
    ]
