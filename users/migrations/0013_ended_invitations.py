"""An invitation remembers that it ended with the rights of whoever invited."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("users", "0012_no_saml_source"),
    ]

    operations = [
        migrations.AddField(
            model_name="invitation",
            name="ended_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
    ]
