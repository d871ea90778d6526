"""Each request in the log knows whom it is about, and the operations of a bulk request have rows of their own."""

import django.db.models.deletion
import uuid_utils.compat
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("organizations", "0005_counted_mails"),
        ("scim", "0017_anonymous_requests"),
    ]

    operations = [
        migrations.CreateModel(
            name="RequestOperation",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("request_id", models.UUIDField(editable=False)),
                ("position", models.PositiveIntegerField(editable=False)),
                ("method", models.CharField(editable=False, max_length=10)),
                (
                    "resource",
                    models.CharField(blank=True, editable=False, help_text="User, Group or nothing", max_length=10),
                ),
                ("user_id", models.UUIDField(editable=False, null=True)),
                ("user_label", models.CharField(blank=True, editable=False, max_length=254)),
                ("subject_key", models.TextField(blank=True, editable=False)),
                ("status", models.PositiveSmallIntegerField(editable=False)),
                ("cause", models.CharField(blank=True, editable=False, max_length=40)),
                ("verdict", models.CharField(blank=True, editable=False, max_length=1000)),
            ],
            options={
                "ordering": ["-request_id", "position"],
            },
        ),
        migrations.AddField(
            model_name="milestone",
            name="done_method",
            field=models.CharField(blank=True, db_default="", default="", editable=False, max_length=10),
        ),
        migrations.AddField(
            model_name="milestone",
            name="done_status",
            field=models.PositiveSmallIntegerField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="milestone",
            name="failed_method",
            field=models.CharField(blank=True, db_default="", default="", editable=False, max_length=10),
        ),
        migrations.AddField(
            model_name="requestlog",
            name="failed_operations",
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="requestlog",
            name="operations",
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="requestlog",
            name="subject_key",
            field=models.TextField(blank=True, db_default="", default=""),
        ),
        migrations.AddIndex(
            model_name="requestlog",
            index=models.Index(
                condition=models.Q(("failed_operations__gt", 0)),
                fields=["organization", "-id"],
                name="request_log_partly_failed",
            ),
        ),
        migrations.AddField(
            model_name="requestoperation",
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
            model_name="requestoperation",
            index=models.Index(fields=["organization", "-request_id", "position"], name="request_operation_in_order"),
        ),
        migrations.AddIndex(
            model_name="requestoperation",
            index=models.Index(
                condition=models.Q(("user_id__isnull", False)),
                fields=["organization", "user_id", "-request_id"],
                name="request_operation_by_user",
            ),
        ),
    ]
