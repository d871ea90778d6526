"""The tables of ``users``."""

import django.db.models.deletion
import django.db.models.functions.comparison
import django.db.models.functions.text
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models

import core.tenancy


def keep_documents_in_line(apps, schema_editor):
    """Keep rows of up to 4 kB whole and uncompressed, and the document, which every read needs, in its row beyond that.

    With PostgreSQL's defaults a row of 2 kB would have its search index compressed, which makes each look into it
    five times as dear.
    """
    if schema_editor.connection.vendor == "postgresql":
        table = apps.get_model("users", "User")._meta.db_table
        schema_editor.execute(f"ALTER TABLE {table} SET (toast_tuple_target = 4080)")
        schema_editor.execute(f"ALTER TABLE {table} ALTER COLUMN document SET STORAGE MAIN")


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("organizations", "0001_tables"),
    ]

    operations = [
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
                    "key",
                    models.CharField(
                        blank=True,
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
                ("rights", models.CharField(blank=True, default="", max_length=200)),
                ("name", models.CharField(max_length=60)),
                ("name_key", core.tenancy.KeyField(editable=False, max_length=60)),
                ("is_default", models.BooleanField(default=False)),
                ("is_enabled", models.BooleanField(default=True)),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                ("former_name", models.CharField(blank=True, default="", editable=False, max_length=60)),
                ("reached", models.UUIDField(editable=False, null=True)),
            ],
            options={
                "ordering": ["name"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("key", ""), _negated=True),
                        fields=("organization", "key"),
                        name="role_key_once",
                    ),
                    models.UniqueConstraint(fields=("organization", "name_key"), name="role_name_once"),
                    models.UniqueConstraint(
                        condition=models.Q(("is_default", True)), fields=("organization",), name="one_default_role"
                    ),
                ],
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
                (
                    "role_given_by",
                    models.CharField(
                        choices=[
                            ("default", "Default role"),
                            ("rule", "Role rule"),
                            ("provider", "Identity provider"),
                            ("manual", "By hand"),
                        ],
                        default="manual",
                        editable=False,
                        max_length=10,
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        choices=[("manual", "Manual"), ("scim", "SCIM"), ("request", "Request")],
                        default="manual",
                        max_length=10,
                    ),
                ),
                ("managed_by", models.UUIDField(editable=False, null=True)),
                (
                    "claims_external_id",
                    models.BooleanField(
                        default=False,
                        editable=False,
                        help_text="No other user who claims one has the externalId in the same connection.",
                    ),
                ),
                ("is_active", models.BooleanField(default=True)),
                ("is_superuser", models.BooleanField(default=False)),
                ("user_name", models.CharField(max_length=254)),
                ("user_name_key", core.tenancy.KeyField(editable=False, max_length=400)),
                ("email", models.EmailField(blank=True, max_length=254)),
                ("email_key", core.tenancy.KeyField(default="", editable=False, max_length=400)),
                ("external_id", core.tenancy.KeyField(blank=True, default="", max_length=512)),
                ("display_name", models.CharField(blank=True, max_length=1024)),
                (
                    "name_key",
                    core.tenancy.KeyField(
                        default="", editable=False, help_text="Folded names, for sorting.", max_length=1100
                    ),
                ),
                (
                    "search_key",
                    core.tenancy.KeyField(
                        default="",
                        editable=False,
                        help_text="Names and addresses, for the pages' search.",
                        max_length=4000,
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
                ("address_changed_at", models.DateTimeField(editable=False, null=True)),
                ("password_reset_blocked_until", models.DateTimeField(editable=False, null=True)),
                (
                    "demoted_at",
                    models.DateTimeField(
                        editable=False,
                        help_text="When an identity provider last took a privileged role from the user.",
                        null=True,
                    ),
                ),
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
            ],
            options={
                "ordering": ["id"],
                "indexes": [
                    models.Index(fields=["organization", "id"], name="user_by_organization"),
                    models.Index(fields=["organization", "external_id"], name="user_by_external_id"),
                    models.Index(
                        models.F("organization"),
                        django.db.models.functions.text.Left("name_key", 60),
                        models.F("id"),
                        name="user_by_name",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(models.F("organization"), models.F("user_name_key"), name="user_name_once"),
                    models.UniqueConstraint(
                        models.F("organization"),
                        models.F("email_key"),
                        condition=models.Q(("email_key", ""), _negated=True),
                        name="email_once",
                    ),
                    models.UniqueConstraint(
                        models.F("organization"),
                        models.F("managed_by"),
                        models.F("external_id"),
                        condition=models.Q(("claims_external_id", True)),
                        name="external_id_once",
                    ),
                    models.UniqueConstraint(
                        models.F("email_key"),
                        condition=models.Q(("organization", None), models.Q(("email_key", ""), _negated=True)),
                        name="operator_email_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("organization", None),
                            models.Q(("is_superuser", False), ("role__isnull", False)),
                            _connector="OR",
                        ),
                        name="superuser_is_operator",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("organization__isnull", False),
                            models.Q(("user_name_key__contains", "/"), _negated=True),
                            _connector="OR",
                        ),
                        name="operator_no_slash",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PersonalToken",
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
                ("digest", models.CharField(editable=False, max_length=64, unique=True)),
                ("prefix", models.CharField(editable=False, max_length=16)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                ("revoked_at", models.DateTimeField(editable=False, null=True)),
                ("last_used_at", models.DateTimeField(editable=False, null=True)),
                ("last_used_address", models.GenericIPAddressField(editable=False, null=True)),
                ("last_used_client", models.CharField(blank=True, editable=False, max_length=200)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="personal_tokens",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("name", models.CharField(max_length=60)),
                ("scopes", models.CharField(max_length=200)),
            ],
            options={
                "ordering": ["-created_at"],
            },
        ),
        migrations.CreateModel(
            name="Invitation",
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
                ("email", models.CharField(max_length=254)),
                ("email_key", core.tenancy.KeyField(editable=False, max_length=400)),
                ("search_key", core.tenancy.KeyField(default="", editable=False, max_length=1000)),
                (
                    "role",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="invitations", to="users.role"
                    ),
                ),
                ("digest", models.CharField(editable=False, max_length=64, unique=True)),
                ("invited_by", models.CharField(max_length=320)),
                ("invited_by_id", models.UUIDField(editable=False, null=True)),
                ("created_at", models.DateTimeField(editable=False)),
                ("expires_at", models.DateTimeField()),
                ("sent_count", models.PositiveIntegerField(default=1)),
                ("last_sent_at", models.DateTimeField()),
                ("accepted_at", models.DateTimeField(editable=False, null=True)),
                ("revoked_at", models.DateTimeField(editable=False, null=True)),
                ("ended_at", models.DateTimeField(editable=False, null=True)),
                (
                    "mail",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="organizations.mail",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [models.Index(fields=["organization", "id"], name="invitation_by_organization")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("accepted_at", None), ("revoked_at", None)),
                        fields=("organization", "email_key"),
                        name="invited_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="RequestNotification",
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
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="request_notifications",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "constraints": [models.UniqueConstraint(fields=("organization", "user"), name="request_notice_once")],
            },
        ),
        migrations.CreateModel(
            name="UserValue",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
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
                ("attribute", models.CharField(max_length=40)),
                ("type", core.tenancy.KeyField(blank=True, max_length=1024)),
                ("value_key", core.tenancy.KeyField(max_length=400)),
            ],
            options={
                "indexes": [models.Index(fields=["organization", "attribute", "value_key"], name="user_value_by_key")],
            },
        ),
        migrations.CreateModel(
            name="Group",
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
                ("display_name", models.CharField(max_length=256)),
                ("display_name_key", core.tenancy.KeyField(editable=False, max_length=400)),
                ("external_id", core.tenancy.KeyField(blank=True, default="", max_length=512)),
                ("document", models.TextField(default="", editable=False)),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                ("created_at", models.DateTimeField(editable=False)),
                ("updated_at", models.DateTimeField(editable=False)),
            ],
            options={
                "ordering": ["id"],
                "indexes": [
                    models.Index(fields=["organization", "id"], name="group_by_organization"),
                    models.Index(fields=["organization", "external_id"], name="group_by_external_id"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "display_name_key"), name="group_name_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="GroupMember",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
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
                    "group",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="members",
                        to="users.group",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="memberships",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "member_group",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="memberships",
                        to="users.group",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["group", "id"], name="group_member_in_order")],
                "constraints": [
                    models.UniqueConstraint(fields=("group", "user"), name="group_has_user_once"),
                    models.UniqueConstraint(fields=("group", "member_group"), name="group_has_group_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("member_group__isnull", False), ("user", None)),
                            models.Q(("member_group", None), ("user__isnull", False)),
                            _connector="OR",
                        ),
                        name="group_member_is_one",
                    ),
                ],
            },
        ),
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
            name="AccountRequest",
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
                ("name", models.CharField(max_length=120)),
                (
                    "name_key",
                    core.tenancy.KeyField(
                        editable=False, help_text="Name and address, for the pages' search.", max_length=2000
                    ),
                ),
                ("email", models.EmailField(max_length=254)),
                ("email_key", core.tenancy.KeyField(editable=False, max_length=400)),
                ("token_digest", models.CharField(editable=False, max_length=64, unique=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("unconfirmed", "Unconfirmed"),
                            ("waiting", "Waiting"),
                            ("approved", "Approved"),
                            ("declined", "Declined"),
                        ],
                        default="unconfirmed",
                        max_length=12,
                    ),
                ),
                ("asked_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("confirmed_at", models.DateTimeField(null=True)),
                ("settled_at", models.DateTimeField(null=True)),
                ("settled_by", models.CharField(blank=True, max_length=320)),
                ("reason", models.CharField(blank=True, max_length=500)),
            ],
            options={
                "ordering": ["confirmed_at", "id"],
                "indexes": [
                    models.Index(fields=["organization", "state", "confirmed_at", "id"], name="request_in_line")
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ["unconfirmed", "waiting"])),
                        fields=("organization", "email_key"),
                        name="open_request_once",
                    )
                ],
            },
        ),
        migrations.RunPython(keep_documents_in_line, migrations.RunPython.noop),
    ]
