"""When a user's address was last changed, until when no password is set by mail for that, and when rights were taken."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("users", "0013_ended_invitations"),
    ]

    operations = [
        migrations.AddField(
            model_name="user",
            name="address_changed_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="user",
            name="password_reset_blocked_until",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="user",
            name="demoted_at",
            field=models.DateTimeField(
                editable=False,
                help_text="When an identity provider last took a privileged role from the user.",
                null=True,
            ),
        ),
    ]
