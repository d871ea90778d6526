"""The requests that failed by a fault of this server have an index of their own."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("organizations", "0004_withdrawn_mails"),
        ("scim", "0012_additional_logging"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="requestlog",
            index=models.Index(
                fields=["organization", "-id"], name="request_log_faults", condition=models.Q(status__gte=500)
            ),
        ),
    ]
