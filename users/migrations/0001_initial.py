"""The first tables of ``users``."""

import django.db.models.deletion
import django.db.models.functions.comparison
import django.db.models.functions.text
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models

import organizations.tenancy


def keep_documents_in_line(apps, schema_editor):
    """Keep rows of up to 4 kB whole and uncompressed, and the document, which every read needs, in its row beyond that.

    With PostgreSQL's defaults a row of 2 kB would have its search index compressed, which makes each look into it
    five times as dear.
    """
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE users_user SET (toast_tuple_target = 4080)")
        schema_editor.execute("ALTER TABLE users_user ALTER COLUMN document SET STORAGE MAIN")


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("organizations", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Headcount",
            fields=[
                (
                    "organization",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="organizations.organization",
                    ),
                ),
                ("users", models.PositiveIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name="Role",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "key",
                    models.CharField(
                        choices=[
                            ("admin", "admin"),
                            ("read-only", "read-only"),
                            ("app-management", "app-management"),
                            ("domain-manager", "domain-manager"),
                            ("hr", "hr"),
                            ("it", "it"),
                            ("finance", "finance"),
                        ],
                        max_length=20,
                    ),
                ),
                ("name", models.CharField(max_length=60)),
                ("name_key", organizations.tenancy.KeyField(editable=False, max_length=60)),
                ("is_default", models.BooleanField(default=False)),
                ("is_enabled", models.BooleanField(default=True)),
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
            },
        ),
        migrations.CreateModel(
            name="User",
            fields=[
                ("password", models.CharField(max_length=128, verbose_name="password")),
                ("last_login", models.DateTimeField(blank=True, null=True, verbose_name="last login")),
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        choices=[("manual", "Manual"), ("scim", "SCIM"), ("saml", "SAML"), ("request", "Request")],
                        default="manual",
                        max_length=10,
                    ),
                ),
                ("is_active", models.BooleanField(default=True)),
                ("is_superuser", models.BooleanField(default=False)),
                ("user_name", models.CharField(max_length=254)),
                ("user_name_key", organizations.tenancy.KeyField(editable=False, max_length=400)),
                ("email", models.EmailField(blank=True, max_length=254)),
                ("email_key", organizations.tenancy.KeyField(default="", editable=False, max_length=400)),
                ("external_id", organizations.tenancy.KeyField(blank=True, default="", max_length=512)),
                ("display_name", models.CharField(blank=True, max_length=1024)),
                (
                    "name_key",
                    organizations.tenancy.KeyField(
                        default="", editable=False, help_text="Folded names, for the pages' search.", max_length=1100
                    ),
                ),
                ("document", models.TextField(default="", editable=False)),
                (
                    "search",
                    models.JSONField(default=dict, editable=False, help_text="The document with every text folded."),
                ),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                ("created_at", models.DateTimeField(editable=False, null=True)),
                ("updated_at", models.DateTimeField(editable=False, null=True)),
                ("session_epoch", models.PositiveIntegerField(default=0, editable=False)),
                (
                    "sign_in_key",
                    models.GeneratedField(
                        db_persist=True,
                        expression=models.Case(
                            models.When(organization__isnull=True, then=models.F("user_name_key")),
                            default=django.db.models.functions.text.Concat(
                                django.db.models.functions.comparison.Cast(
                                    "organization_id", models.CharField(max_length=36)
                                ),
                                models.Value("/"),
                                models.F("user_name_key"),
                                output_field=models.CharField(),
                            ),
                            output_field=models.CharField(),
                        ),
                        output_field=models.CharField(max_length=440),
                        unique=True,
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="organizations.organization",
                    ),
                ),
                (
                    "role",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="users",
                        to="users.role",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="UserValue",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("attribute", models.CharField(max_length=40)),
                ("type", organizations.tenancy.KeyField(blank=True, max_length=1024)),
                ("value_key", organizations.tenancy.KeyField(max_length=400)),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="organizations.organization",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="values", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="role",
            constraint=models.UniqueConstraint(fields=("organization", "key"), name="role_key_once"),
        ),
        migrations.AddConstraint(
            model_name="role",
            constraint=models.UniqueConstraint(fields=("organization", "name_key"), name="role_name_once"),
        ),
        migrations.AddConstraint(
            model_name="role",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_default", True)), fields=("organization",), name="one_default_role"
            ),
        ),
        migrations.AddIndex(
            model_name="user",
            index=models.Index(fields=["organization", "id"], name="user_by_organization"),
        ),
        migrations.AddIndex(
            model_name="user",
            index=models.Index(fields=["organization", "external_id"], name="user_by_external_id"),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.UniqueConstraint(
                models.F("organization"), models.F("user_name_key"), name="user_name_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.UniqueConstraint(
                models.F("organization"),
                models.F("email_key"),
                condition=models.Q(("email_key", ""), _negated=True),
                name="email_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.UniqueConstraint(
                models.F("email_key"),
                condition=models.Q(("organization", None), models.Q(("email_key", ""), _negated=True)),
                name="operator_email_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("organization", None), models.Q(("is_superuser", False), ("role__isnull", False)), _connector="OR"
                ),
                name="superuser_is_operator",
            ),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("organization__isnull", False),
                    models.Q(("user_name_key__contains", "/"), _negated=True),
                    _connector="OR",
                ),
                name="operator_no_slash",
            ),
        ),
        migrations.AddIndex(
            model_name="uservalue",
            index=models.Index(fields=["organization", "attribute", "value_key"], name="user_value_by_key"),
        ),
        migrations.RunPython(keep_documents_in_line, migrations.RunPython.noop),
    ]
