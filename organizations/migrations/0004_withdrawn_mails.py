"""Mails that were withdrawn before they left."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("organizations", "0003_slugs_dates_and_support"),
    ]

    operations = [
        migrations.AlterField(
            model_name="mail",
            name="state",
            field=models.CharField(
                choices=[("waiting", "Waiting"), ("sent", "Sent"), ("failed", "Failed"), ("withdrawn", "Withdrawn")],
                default="waiting",
                max_length=10,
            ),
        ),
    ]
