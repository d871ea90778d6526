"""A role that gets another name remembers how many of its people's profiles say so already."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("users", "0010_role_given_by"),
    ]

    operations = [
        migrations.AddField(
            model_name="role",
            name="former_name",
            field=models.CharField(blank=True, db_default="", default="", editable=False, max_length=60),
        ),
        migrations.AddField(
            model_name="role",
            name="reached",
            field=models.UUIDField(editable=False, null=True),
        ),
    ]
