"""The first tables of ``domains``."""

import django.db.models.deletion
import uuid_utils.compat
from django.db import migrations, models

import organizations.tenancy


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("organizations", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Domain",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", organizations.tenancy.KeyField(max_length=253)),
                ("user_requests", models.BooleanField(default=False, verbose_name="User requests")),
                ("verified_at", models.DateTimeField(blank=True, null=True)),
                (
                    "proof",
                    models.CharField(
                        blank=True, choices=[("operator", "by operator"), ("dns", "by DNS record")], max_length=10
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("created_by", models.CharField(max_length=320)),
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
                "ordering": ["name"],
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "name"), name="domain_once_per_organization"),
                    models.UniqueConstraint(
                        condition=models.Q(("verified_at__isnull", False)),
                        fields=("name",),
                        name="domain_verified_in_one_organization",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("user_requests", False), ("verified_at__isnull", False), _connector="OR"),
                        name="user_requests_need_verification",
                    ),
                ],
            },
        ),
    ]
