"""The first tables of ``organizations``."""

import django.core.validators
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
                                "A slug has 1 to 63 lower-case letters, digits and hyphens, and neither begins nor ends with a hyphen.",
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
                ("is_active", models.BooleanField(default=True, help_text="Off: nobody signs in and SCIM is refused.")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ["name"],
            },
        ),
    ]
