"""An organization's own requests in the log have an index without strangers', however many of these there are."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("organizations", "0005_counted_mails"),
        ("scim", "0018_whom_requests_are_about"),
    ]

    operations = [
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
                    _negated=True,
                ),
                fields=["organization", "-id"],
                name="request_log_own",
            ),
        ),
    ]
