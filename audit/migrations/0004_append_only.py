"""Events get the keys by which they are searched, and then the triggers after which none can change."""

from django.db import migrations, models

from audit.guard import GUARD, UNGUARD
from audit.labels import searchable

BATCH = 1000


def fold_the_labels(apps, schema_editor):
    events = apps.get_model("audit", "AuditEvent").objects.using(schema_editor.connection.alias).order_by("id")
    batch = list(events[:BATCH])
    while batch:
        for event in batch:
            event.actor_key, event.target_key = searchable(event.actor_label), searchable(event.target_label)
        events.bulk_update(batch, ["actor_key", "target_key"])
        batch = list(events.filter(id__gt=batch[-1].pk)[:BATCH])


def execute(statements):
    def run(apps, schema_editor):
        for statement in statements[schema_editor.connection.vendor]:
            schema_editor.execute(statement)

    return run


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0003_personal_tokens_and_strict_mode"),
    ]

    operations = [
        migrations.AlterField("auditevent", "action", models.CharField(max_length=40)),
        migrations.AddField("auditevent", "actor_key", models.TextField(default="", editable=False)),
        migrations.AddField("auditevent", "target_key", models.TextField(default="", editable=False)),
        migrations.AddIndex(
            "auditevent", models.Index(fields=["organization_id", "action", "id"], name="audit_by_action")
        ),
        migrations.RunPython(fold_the_labels, migrations.RunPython.noop),
        migrations.RunPython(execute(GUARD), execute(UNGUARD)),
    ]
