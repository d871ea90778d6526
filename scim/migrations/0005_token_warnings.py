"""At how many days before its end a token was last warned of."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("scim", "0004_request_log_causes"),
    ]

    operations = [
        migrations.AddField(
            model_name="token",
            name="warned_at_days",
            field=models.PositiveSmallIntegerField(editable=False, null=True),
        ),
    ]
