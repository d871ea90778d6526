"""Rules by which people get a role whose identity provider sends none."""

import django.db.models.deletion
import uuid_utils.compat
from django.db import migrations, models

import organizations.tenancy


class Migration(migrations.Migration):
    dependencies = [
        ("organizations", "0003_slugs_dates_and_support"),
        ("scim", "0010_brake"),
        ("users", "0010_role_given_by"),
    ]

    operations = [
        migrations.CreateModel(
            name="RoleRule",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("position", models.PositiveSmallIntegerField()),
                (
                    "attribute",
                    models.CharField(
                        choices=[
                            ("group", "group"),
                            ("department", "department"),
                            ("title", "title"),
                            ("userType", "user type"),
                            ("domain", "e-mail domain"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "operator",
                    models.CharField(
                        choices=[("is", "is"), ("begins", "begins with"), ("contains", "contains")],
                        default="is",
                        max_length=10,
                    ),
                ),
                ("value", models.CharField(max_length=256)),
                ("value_key", organizations.tenancy.KeyField(editable=False, max_length=400)),
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
                (
                    "role",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="role_rules", to="users.role"
                    ),
                ),
            ],
            options={
                "ordering": ["position"],
                "indexes": [models.Index(fields=["organization", "position"], name="role_rule_in_order")],
            },
        ),
        migrations.CreateModel(
            name="RoleRuleSet",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("version", models.PositiveIntegerField(default=0)),
                ("is_applying", models.BooleanField(default=False)),
                ("reached", models.UUIDField(null=True)),
                ("expected", models.PositiveIntegerField(default=0)),
                ("changed", models.PositiveIntegerField(default=0)),
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
                "constraints": [models.UniqueConstraint(fields=("organization",), name="one_set_of_role_rules")],
            },
        ),
    ]
