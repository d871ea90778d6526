"""Let the audit log find the events of before by the names of the people whom they are about, or who acted."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import migrations

from audit.guard import GUARD, UNGUARD
from audit.labels import searchable

_AT_ONCE = 1000


def _execute(statements: Mapping[str, tuple[str, ...]]) -> Any:
    def run(_apps: Any, editor: Any) -> None:
        for statement in statements[editor.connection.vendor]:
            editor.execute(statement)

    return run


def name(apps: Any, editor: Any) -> None:
    """Write the keys anew. Who is gone is known by the profile that the event of the deletion keeps."""
    database = editor.connection.alias
    users = apps.get_model("users", "User").objects.using(database)
    requests = apps.get_model("users", "AccountRequest").objects.using(database)
    events = apps.get_model("audit", "AuditEvent").objects.using(database)
    adapt = events.model._meta.pk.get_db_prep_value
    statement = "UPDATE audit_auditevent SET actor_key = %s, target_key = %s WHERE id = %s"
    read = events.order_by("pk").only("target_type", "target_id", "target_label", "actor_id", "actor_label")
    batch = list(read[:_AT_ONCE])
    while batch:
        people = {each.actor_id for each in batch if each.actor_id}
        people |= {UUID(each.target_id) for each in batch if each.target_type == "user"}
        names = dict(users.filter(pk__in=people).values_list("pk", "display_name"))
        gone = [str(each) for each in people - names.keys()]
        if gone:
            ends = events.filter(action="user.deleted", target_id__in=gone).values_list("target_id", "changes")
            names |= {UUID(target): _name_in(changes) for target, changes in ends}
        asked = [UUID(each.target_id) for each in batch if each.target_type == "accountrequest"]
        names |= dict(requests.filter(pk__in=asked).values_list("pk", "name"))
        rows = [
            (
                searchable(each.actor_label, names.get(each.actor_id, "")[:320]),
                searchable(each.target_label, names.get(_target(each), "")[:320]),
                adapt(each.pk, editor.connection),
            )
            for each in batch
        ]
        with editor.connection.cursor() as cursor:
            cursor.executemany(statement, rows)
        batch = list(read.filter(pk__gt=batch[-1].pk)[:_AT_ONCE])


def _target(event: Any) -> UUID | None:
    return UUID(event.target_id) if event.target_type in ("user", "accountrequest") else None


def _name_in(changes: Any) -> str:
    """The name in the first profile of an event's changes."""
    for change in changes.values():
        profile = change[0] if isinstance(change, list) and change else None
        if isinstance(profile, dict):
            names = profile.get("name") or {}
            given = " ".join(filter(None, (names.get("givenName"), names.get("familyName"))))
            if shown := profile.get("displayName") or names.get("formatted") or given:
                return str(shown)
    return ""


class Migration(migrations.Migration):
    dependencies = [("audit", "0006_operators"), ("users", "0016_search_keys")]

    operations = [
        migrations.RunPython(_execute(UNGUARD), _execute(GUARD)),
        migrations.RunPython(name, migrations.RunPython.noop),
        migrations.RunPython(_execute(GUARD), _execute(UNGUARD)),
    ]
