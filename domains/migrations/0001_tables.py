"""The table of ``domains``."""

import django.db.models.deletion
import uuid_utils.compat
from django.db import migrations, models

import core.tenancy
import domains.dns_verification


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("organizations", "0001_tables"),
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
                ("name", core.tenancy.KeyField(max_length=253)),
                ("readable", core.tenancy.KeyField(editable=False, max_length=253)),
                ("search_key", core.tenancy.KeyField(default="", editable=False, max_length=1000)),
                ("user_requests", models.BooleanField(default=False, verbose_name="User requests")),
                ("verified_at", models.DateTimeField(blank=True, null=True)),
                (
                    "verified_by",
                    models.CharField(
                        blank=True, choices=[("operator", "by operator"), ("dns", "by DNS record")], max_length=10
                    ),
                ),
                ("challenge", models.CharField(default=domains.dns_verification.draw, editable=False, max_length=64)),
                ("checked_at", models.DateTimeField(editable=False, null=True)),
                (
                    "finding",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("found", "The record is there."),
                            ("missing", "The record is not there yet."),
                            ("wrong", "There is a record, but with another value."),
                            ("no-such-domain", "DNS knows no such domain."),
                            ("unreachable", "DNS gave no answer."),
                            ("taken", "The record is there, but the domain can't be verified here."),
                        ],
                        editable=False,
                        max_length=20,
                    ),
                ),
                ("found", models.JSONField(default=list, editable=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("created_by", models.CharField(max_length=320)),
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
