"""A streak remembers when Admins were last mailed about its failures, and whether they know of this one."""

from typing import Any

from django.db import migrations, models


def note_who_was_told(apps: Any, _editor: Any) -> None:
    """Mark the streaks that were mailed about at their tenth failure."""
    apps.get_model("scim", "Streak").objects.filter(failures__gte=10).update(failures_told=True)


class Migration(migrations.Migration):
    dependencies = [
        ("scim", "0014_brake_try_outs"),
    ]

    operations = [
        migrations.AddField(
            model_name="streak",
            name="failures_told",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="streak",
            name="told_of_failures_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.RunPython(note_who_was_told, migrations.RunPython.noop),
    ]
