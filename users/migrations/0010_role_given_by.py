"""By what each user has the role, told from the profile and the audit trail as far as these tell it."""

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

_AT_ONCE = 1000


def tell(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    """Whoever SCIM made and has the entry that stands for no entry sent has the default role, unless a page gave it.

    That is what the column begins with, so that most rows are not written again.
    """
    database = editor.connection.alias
    users = apps.get_model("users", "User").objects.using(database)
    users.exclude(source="scim").update(role_given_by="hand")
    users.filter(source="scim").exclude(search__has_key="roles").update(role_given_by="provider")
    for role_id, name_key in apps.get_model("users", "Role").objects.using(database).values_list("pk", "name_key"):
        unsent = [{"value": name_key, "primary": True}]
        users.filter(source="scim", role_id=role_id).exclude(search__roles=unsent).update(role_given_by="provider")
    events = apps.get_model("audit", "AuditEvent").objects.using(database).filter(action="user.role-changed")
    by_hand = list(events.exclude(door="scim").order_by().values_list("target_id", flat=True).distinct())
    for start in range(0, len(by_hand), _AT_ONCE):
        found = users.filter(source="scim", role_given_by="default", pk__in=by_hand[start : start + _AT_ONCE])
        found.update(role_given_by="hand")


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0006_operators"),
        ("users", "0009_managed_by"),
    ]

    operations = [
        migrations.AddField(
            model_name="user",
            name="role_given_by",
            field=models.CharField(
                choices=[
                    ("default", "Default role"),
                    ("rule", "Role rule"),
                    ("provider", "Identity provider"),
                    ("hand", "By hand"),
                ],
                db_default="default",
                default="hand",
                editable=False,
                max_length=10,
            ),
        ),
        migrations.RunPython(tell, migrations.RunPython.noop),
    ]
