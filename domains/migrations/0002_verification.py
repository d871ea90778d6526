"""How a domain is verified by a DNS record, and its name as people write it."""

from django.db import migrations, models

import domains.challenge
import organizations.tenancy
from domains.addresses import readable_domain


def fill_in(apps, schema_editor):
    """Every domain that is there gets a token of its own, and its readable name."""
    Domain = apps.get_model("domains", "Domain")
    for domain in Domain.objects.all().iterator():
        domain.challenge, domain.readable = domains.challenge.draw(), readable_domain(domain.name)
        domain.save(update_fields=["challenge", "readable"])


class Migration(migrations.Migration):
    dependencies = [
        ("domains", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="domain",
            name="readable",
            field=organizations.tenancy.KeyField(default="", editable=False, max_length=253),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="domain",
            name="challenge",
            field=models.CharField(default=domains.challenge.draw, editable=False, max_length=64),
        ),
        migrations.AddField(
            model_name="domain",
            name="checked_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="domain",
            name="finding",
            field=models.CharField(
                blank=True,
                choices=[
                    ("proven", "The record is there."),
                    ("missing", "The record is not there yet."),
                    ("wrong", "There is a record, but with another value."),
                    ("no-such-domain", "DNS knows no such domain."),
                    ("unreachable", "DNS gave no answer."),
                    ("taken", "The record is there, but the domain can't be verified here."),
                ],
                editable=False,
                max_length=20,
            ),
        ),
        migrations.AddField(
            model_name="domain",
            name="found",
            field=models.JSONField(default=list, editable=False),
        ),
        migrations.RunPython(fill_in, migrations.RunPython.noop),
    ]
