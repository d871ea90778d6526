"""The tables of ``provisioning``."""

import django.db.models.deletion
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models

import core.tenancy


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("organizations", "0001_tables"),
        ("users", "0001_tables"),
    ]

    operations = [
        migrations.CreateModel(
            name="Connection",
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
                ("name", models.CharField(default="Default", max_length=60)),
                (
                    "identity_provider",
                    models.CharField(
                        choices=[
                            ("jumpcloud", "JumpCloud"),
                            ("okta", "Okta"),
                            ("entra", "Entra ID"),
                            ("onelogin", "OneLogin"),
                            ("google", "Google Workspace"),
                            ("other", "Another identity provider"),
                        ],
                        default="jumpcloud",
                        max_length=10,
                    ),
                ),
                ("enabled", models.BooleanField(default=False, verbose_name="Enable SCIM")),
                (
                    "manage_admins",
                    models.BooleanField(default=False, verbose_name="Let SCIM give and take the Admin role"),
                ),
                ("groups_enabled", models.BooleanField(default=True, verbose_name="Groups")),
                ("strict", models.BooleanField(default=False, verbose_name="Strict mode")),
                ("secondary_addresses", models.BooleanField(default=False, verbose_name="Allow secondary addresses")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("removed_at", models.DateTimeField(editable=False, null=True)),
                ("details_until", models.DateTimeField(editable=False, null=True)),
            ],
            options={
                "ordering": ["created_at"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("details_until", None), _negated=True),
                        fields=["details_until"],
                        name="connection_with_details",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("removed_at", None)),
                        fields=("organization", "name"),
                        name="connection_name_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Token",
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
                ("name", models.CharField(max_length=60)),
                (
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="tokens", to="provisioning.connection"
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("created_by_label", models.CharField(editable=False, max_length=320)),
                ("warned_at_days", models.PositiveSmallIntegerField(editable=False, null=True)),
                (
                    "successor",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="provisioning.token",
                    ),
                ),
                ("retires_by_itself", models.BooleanField(default=False, editable=False)),
                ("retires_at", models.DateTimeField(editable=False, null=True)),
                ("is_test", models.BooleanField(default=False, editable=False)),
            ],
            options={
                "ordering": ["-created_at"],
                "indexes": [models.Index(fields=["organization", "-created_at"], name="token_by_organization")],
            },
        ),
        migrations.CreateModel(
            name="Streak",
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
                        db_constraint=False,
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="organizations.organization",
                    ),
                ),
                (
                    "connection",
                    models.OneToOneField(
                        db_constraint=False,
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="provisioning.connection",
                    ),
                ),
                ("failures", models.PositiveIntegerField(default=0)),
                ("failures_notified", models.BooleanField(default=False)),
                ("failures_notified_at", models.DateTimeField(null=True)),
                ("refusals", models.PositiveIntegerField(default=0)),
                ("refusals_notified", models.BooleanField(default=False)),
                ("refusals_notified_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Brake",
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
                    "connection",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="provisioning.connection"
                    ),
                ),
                ("enabled", models.BooleanField(default=True, verbose_name="Mass-change brake")),
                ("percent", models.PositiveSmallIntegerField(default=20)),
                ("people", models.PositiveIntegerField(default=0)),
                ("counted_at", models.DateTimeField(null=True)),
                ("counts_from", models.DateTimeField(null=True)),
                ("paused_since", models.DateTimeField(null=True)),
                ("last_paused_since", models.DateTimeField(null=True)),
                ("gone", models.PositiveIntegerField(default=0)),
                ("notified_at", models.DateTimeField(null=True)),
                ("kept_paused_at", models.DateTimeField(null=True)),
                ("answered_by", models.CharField(blank=True, max_length=320)),
                ("version", models.PositiveIntegerField(default=1)),
            ],
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
                    "connection",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="provisioning.connection",
                    ),
                ),
                ("user_id", models.UUIDField()),
                ("user_name", models.CharField(max_length=254)),
                ("user_name_key", core.tenancy.KeyField(max_length=400)),
                ("deleted", models.BooleanField()),
                ("refused", models.BooleanField(default=False)),
                ("is_try_out", models.BooleanField(default=False)),
                ("is_back", models.BooleanField(default=False)),
                ("request_id", models.CharField(blank=True, max_length=40)),
                ("at", models.DateTimeField()),
            ],
            options={
                "ordering": ["-at", "-id"],
                "indexes": [
                    models.Index(fields=["organization", "connection", "at"], name="departure_by_time"),
                    models.Index(fields=["organization", "connection", "user_name_key"], name="departure_by_name"),
                    models.Index(
                        condition=models.Q(("is_try_out", True)),
                        fields=["organization", "connection", "at"],
                        name="departure_try_outs",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("connection", "user_id", "refused"), name="departed_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="DepartureAlert",
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
                    "connection",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="provisioning.connection",
                    ),
                ),
                ("cause", models.CharField(max_length=40)),
                ("notified_at", models.DateTimeField(null=True)),
                ("users", models.JSONField(default=list)),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("connection", "cause"), name="departure_alert_once")],
            },
        ),
        migrations.CreateModel(
            name="RoleRule",
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
                ("value_key", core.tenancy.KeyField(editable=False, max_length=400)),
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
                ("version", models.PositiveIntegerField(default=0)),
                ("is_applying", models.BooleanField(default=False)),
                ("reached", models.UUIDField(null=True)),
                ("expected", models.PositiveIntegerField(default=0)),
                ("changed", models.PositiveIntegerField(default=0)),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("organization",), name="one_set_of_role_rules")],
            },
        ),
        migrations.CreateModel(
            name="RequestLog",
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
                        db_constraint=False,
                        db_index=False,
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="organizations.organization",
                    ),
                ),
                ("created_at", models.DateTimeField()),
                ("request_id", models.CharField(max_length=40)),
                ("method", models.CharField(max_length=10)),
                ("path", models.CharField(max_length=2048)),
                ("query", models.TextField(blank=True)),
                ("status", models.PositiveSmallIntegerField()),
                ("cause", models.CharField(blank=True, max_length=40)),
                ("result", models.CharField(max_length=1000)),
                ("notices", models.JSONField(default=list)),
                ("arguments", models.JSONField(default=dict)),
                ("more", models.PositiveIntegerField(default=0)),
                ("duration_us", models.PositiveIntegerField(help_text="Microseconds")),
                (
                    "token",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="provisioning.token",
                    ),
                ),
                ("connection_id", models.UUIDField(null=True)),
                (
                    "token_label",
                    models.CharField(help_text="The token's prefix, or what was wrong with it", max_length=40),
                ),
                ("client", models.CharField(blank=True, max_length=200)),
                ("address", models.GenericIPAddressField(null=True)),
                ("user_id", models.UUIDField(null=True)),
                ("user_label", models.CharField(blank=True, max_length=254)),
                ("subject_key", models.TextField(blank=True, default="")),
                ("operations", models.PositiveIntegerField(null=True)),
                ("failed_operations", models.PositiveIntegerField(null=True)),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["organization", "-id"], name="request_log_by_organization"),
                    models.Index(
                        condition=models.Q(("status__gte", 400)),
                        fields=["organization", "-id"],
                        name="request_log_failures",
                    ),
                    models.Index(
                        condition=models.Q(("status__gte", 500)),
                        fields=["organization", "-id"],
                        name="request_log_faults",
                    ),
                    models.Index(
                        condition=models.Q(("cause", ""), _negated=True),
                        fields=["organization", "cause", "-id"],
                        name="request_log_by_cause",
                    ),
                    models.Index(
                        condition=models.Q(("user_id__isnull", False)),
                        fields=["organization", "user_id", "-id"],
                        name="request_log_by_user",
                    ),
                    models.Index(
                        condition=models.Q(
                            ("token_label", "no token"),
                            ("token_label", "malformed token"),
                            ("token_label", "unknown token"),
                            ("token_label", "another organization's token"),
                            ("token_label", "no valid token"),
                            _connector="OR",
                        ),
                        fields=["organization", "-id"],
                        name="request_log_anonymous",
                    ),
                    models.Index(
                        condition=models.Q(("failed_operations__gt", 0)),
                        fields=["organization", "-id"],
                        name="request_log_partly_failed",
                    ),
                    models.Index(
                        condition=models.Q(
                            ("token_label", "no token"),
                            ("token_label", "malformed token"),
                            ("token_label", "unknown token"),
                            ("token_label", "another organization's token"),
                            ("token_label", "no valid token"),
                            _connector="OR",
                            _negated=True,
                        ),
                        fields=["organization", "-id"],
                        name="request_log_own",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RequestOperation",
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
                        db_constraint=False,
                        db_index=False,
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="organizations.organization",
                    ),
                ),
                ("request_id", models.UUIDField(editable=False)),
                ("position", models.PositiveIntegerField(editable=False)),
                ("method", models.CharField(editable=False, max_length=10)),
                (
                    "resource",
                    models.CharField(blank=True, editable=False, help_text="User, Group or nothing", max_length=10),
                ),
                ("user_id", models.UUIDField(editable=False, null=True)),
                ("user_label", models.CharField(blank=True, editable=False, max_length=254)),
                ("subject_key", models.TextField(blank=True, editable=False)),
                ("status", models.PositiveSmallIntegerField(editable=False)),
                ("cause", models.CharField(blank=True, editable=False, max_length=40)),
                ("result", models.CharField(blank=True, editable=False, max_length=1000)),
            ],
            options={
                "ordering": ["-request_id", "position"],
                "indexes": [
                    models.Index(fields=["organization", "-request_id", "position"], name="request_operation_in_order"),
                    models.Index(
                        condition=models.Q(("user_id__isnull", False)),
                        fields=["organization", "user_id", "-request_id"],
                        name="request_operation_by_user",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SetupStep",
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
                        db_constraint=False,
                        db_index=False,
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="organizations.organization",
                    ),
                ),
                ("connection_id", models.UUIDField(editable=False)),
                ("step", models.CharField(editable=False, max_length=12)),
                ("done_at", models.DateTimeField(editable=False, null=True)),
                ("done_request_id", models.UUIDField(editable=False, null=True)),
                ("done_method", models.CharField(blank=True, default="", editable=False, max_length=10)),
                ("done_status", models.PositiveSmallIntegerField(editable=False, null=True)),
                ("failed_at", models.DateTimeField(editable=False, null=True)),
                ("failed_request_id", models.UUIDField(editable=False, null=True)),
                ("failed_method", models.CharField(blank=True, default="", editable=False, max_length=10)),
                ("failed_status", models.PositiveSmallIntegerField(editable=False, null=True)),
                ("failed_cause", models.CharField(blank=True, editable=False, max_length=40)),
                ("failed_result", models.CharField(blank=True, editable=False, max_length=1000)),
                ("failed_arguments", models.JSONField(default=dict, editable=False)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "connection_id", "step"), name="milestone_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="TestRun",
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
                ("connection_id", models.UUIDField(editable=False)),
                ("token_id", models.UUIDField(editable=False)),
                ("acted_as", models.CharField(editable=False, max_length=320)),
                ("script", models.CharField(max_length=20)),
                ("email", models.CharField(max_length=254)),
                ("groups", models.BooleanField()),
                ("started_by_label", models.CharField(editable=False, max_length=320)),
                ("started_at", models.DateTimeField()),
                ("seen_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("running", "Running"),
                            ("passed", "Passed"),
                            ("failed", "Failed"),
                            ("broken-off", "Broken Off"),
                        ],
                        default="running",
                        max_length=10,
                    ),
                ),
                ("outcomes", models.JSONField(default=list)),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [models.Index(fields=["organization", "-id"], name="test_run_by_organization")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "running")),
                        fields=("organization",),
                        name="test_run_one_at_a_time",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="RequestDetail",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
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
                ("sent_headers", models.TextField()),
                ("sent_body", models.TextField(blank=True)),
                ("sent_size", models.PositiveIntegerField()),
                ("sent_kept", models.CharField(max_length=10)),
                ("answer_headers", models.TextField()),
                ("answer_body", models.TextField(blank=True)),
                ("answer_size", models.PositiveIntegerField()),
                ("answer_kept", models.CharField(max_length=10)),
                ("is_anonymous", models.BooleanField(default=False)),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [models.Index(fields=["organization", "-id"], name="request_detail_by_organization")],
            },
        ),
    ]
