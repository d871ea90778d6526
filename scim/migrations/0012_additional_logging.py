"""Until when headers and bodies are kept, and where."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("organizations", "0003_slugs_dates_and_support"),
        ("scim", "0011_role_rules"),
    ]

    operations = [
        migrations.CreateModel(
            name="RequestDetail",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("sent_headers", models.TextField()),
                ("sent_body", models.TextField(blank=True)),
                ("sent_size", models.PositiveIntegerField()),
                ("sent_kept", models.CharField(max_length=10)),
                ("answer_headers", models.TextField()),
                ("answer_body", models.TextField(blank=True)),
                ("answer_size", models.PositiveIntegerField()),
                ("answer_kept", models.CharField(max_length=10)),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.AddField(
            model_name="connection",
            name="details_until",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddIndex(
            model_name="connection",
            index=models.Index(
                condition=models.Q(("details_until", None), _negated=True),
                fields=["details_until"],
                name="connection_with_details",
            ),
        ),
        migrations.AddField(
            model_name="requestdetail",
            name="organization",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                editable=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="organizations.organization",
            ),
        ),
        migrations.AddIndex(
            model_name="requestdetail",
            index=models.Index(fields=["organization", "-id"], name="request_detail_by_organization"),
        ),
    ]
