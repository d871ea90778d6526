"""The first tables of ``audit``."""

import django.core.serializers.json
import uuid_utils.compat
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="AuditEvent",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("organization_id", models.UUIDField(editable=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "action",
                    models.CharField(
                        choices=[
                            ("organization.created", "{actor} created the organization {target}"),
                            ("user.created", "{actor} created {target}"),
                            ("user.updated", "{actor} changed {target}"),
                            ("user.adopted", "{actor} took over {target} from manual management"),
                            ("user.suspended", "{actor} suspended {target}"),
                            ("user.restored", "{actor} restored {target}"),
                            ("user.deleted", "{actor} deleted {target}"),
                            ("user.role-changed", "{actor} changed the role of {target}"),
                            ("user.password-changed", "{actor} set a new password for {target}"),
                            ("user.signed-in", "{target} signed in"),
                            ("role.default-changed", "{actor} made {target} the default role"),
                            ("domain.added", "{actor} added the domain {target}"),
                            ("domain.removed", "{actor} removed the domain {target}"),
                            ("domain.allowed", "{actor} allowed User requests for {target}"),
                            ("domain.disallowed", "{actor} stopped User requests for {target}"),
                            ("scim.token-generated", "{actor} generated the SCIM token {target}"),
                            ("scim.token-revoked", "{actor} revoked the SCIM token {target}"),
                            ("scim.enabled", "{actor} enabled SCIM ({target})"),
                            ("scim.disabled", "{actor} disabled SCIM ({target})"),
                            ("scim.admin-allowed", "{actor} let SCIM manage Admins ({target})"),
                            ("scim.admin-disallowed", "{actor} stopped SCIM from managing Admins ({target})"),
                        ],
                        max_length=40,
                    ),
                ),
                (
                    "door",
                    models.CharField(
                        choices=[("page", "page"), ("scim", "scim"), ("sign-in", "sign-in"), ("command", "command")],
                        max_length=10,
                    ),
                ),
                ("actor_id", models.UUIDField(editable=False, null=True)),
                ("actor_label", models.CharField(max_length=320)),
                ("address", models.GenericIPAddressField(null=True)),
                ("request_id", models.CharField(blank=True, max_length=40)),
                ("target_type", models.CharField(max_length=40)),
                ("target_id", models.CharField(max_length=40)),
                ("target_label", models.CharField(max_length=320)),
                ("changes", models.JSONField(default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder)),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["organization_id", "id"], name="audit_by_organization"),
                    models.Index(fields=["organization_id", "target_id", "id"], name="audit_by_target"),
                ],
            },
        ),
    ]
