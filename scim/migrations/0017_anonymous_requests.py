"""Requests without a token are told from an organization's own, so that each have a share of the request log."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("organizations", "0005_counted_mails"),
        ("scim", "0016_departure_alerts"),
    ]

    operations = [
        migrations.AddField(
            model_name="requestdetail",
            name="is_anonymous",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddIndex(
            model_name="requestlog",
            index=models.Index(
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
        ),
    ]
