"""The table of the audit trail, and the triggers after which none of its rows can change."""

import django.core.serializers.json
import uuid_utils.compat
from django.db import migrations, models

from audit.triggers import GUARD, UNGUARD


def execute(statements):
    """Run the statements for this kind of database."""

    def run(apps, schema_editor):
        for statement in statements[schema_editor.connection.vendor]:
            schema_editor.execute(statement)

    return run


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
                ("action", models.CharField(max_length=40)),
                (
                    "channel",
                    models.CharField(
                        choices=[
                            ("page", "page"),
                            ("scim", "scim"),
                            ("api", "api"),
                            ("sign-in", "sign-in"),
                            ("command", "command"),
                            ("operator", "operator"),
                            ("support", "support"),
                        ],
                        max_length=10,
                    ),
                ),
                ("actor_id", models.UUIDField(editable=False, null=True)),
                ("actor_label", models.CharField(max_length=320)),
                ("actor_key", models.TextField(default="", editable=False)),
                ("address", models.GenericIPAddressField(null=True)),
                ("request_id", models.CharField(blank=True, max_length=40)),
                ("target_type", models.CharField(max_length=40)),
                ("target_id", models.CharField(max_length=40)),
                ("target_label", models.CharField(max_length=320)),
                ("target_key", models.TextField(default="", editable=False)),
                ("changes", models.JSONField(default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder)),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["organization_id", "id"], name="audit_by_organization"),
                    models.Index(fields=["organization_id", "target_id", "id"], name="audit_by_target"),
                    models.Index(fields=["organization_id", "action", "id"], name="audit_by_action"),
                ],
            },
        ),
        migrations.RunPython(execute(GUARD), execute(UNGUARD)),
    ]
