"""The doors of operators."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0005_domain_verified"),
    ]

    operations = [
        migrations.AlterField(
            model_name="auditevent",
            name="door",
            field=models.CharField(
                choices=[
                    ("page", "page"),
                    ("scim", "scim"),
                    ("api", "api"),
                    ("sign-in", "sign-in"),
                    ("command", "command"),
                    ("operator", "operator"),
                    ("support", "support"),
                ],
                max_length=10,
            ),
        ),
    ]
