"""Former slugs, the language of dates, and operators who are let in."""

import django.db.models.deletion
import uuid_utils.compat
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("organizations", "0002_outbox"),
    ]

    operations = [
        migrations.AddField(
            model_name="organization",
            name="date_style",
            field=models.CharField(
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
        migrations.AddField(
            model_name="organization",
            name="support_until",
            field=models.DateTimeField(editable=False, null=True),
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
                ("slug", models.CharField(max_length=63, unique=True)),
                ("until", models.DateTimeField()),
                ("last_used_at", models.DateTimeField(null=True)),
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
                "ordering": ["-until"],
                "indexes": [models.Index(fields=["organization", "until"], name="former_slug_by_organization")],
            },
        ),
        migrations.CreateModel(
            name="SupportVisit",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("operator_id", models.UUIDField(editable=False)),
                ("operator_label", models.CharField(editable=False, max_length=254)),
                ("entered_at", models.DateTimeField(auto_now_add=True)),
                ("left_at", models.DateTimeField(null=True)),
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
                "ordering": ["-entered_at"],
                "indexes": [models.Index(fields=["organization", "left_at"], name="support_visit_by_state")],
            },
        ),
    ]
