"""Mails that strangers can have sent are counted by whom they go to."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("organizations", "0004_withdrawn_mails"),
    ]

    operations = [
        migrations.AddField(
            model_name="mail",
            name="counted_as",
            field=models.CharField(editable=False, max_length=320, null=True),
        ),
        migrations.AddIndex(
            model_name="mail",
            index=models.Index(
                condition=models.Q(("counted_as__isnull", False)),
                fields=["counted_as", "created_at"],
                name="mail_counted",
            ),
        ),
    ]
