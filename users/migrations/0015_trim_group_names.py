"""Let groups compare by their names without the blanks at the ends."""

from typing import Any

from django.db import migrations, transaction
from django.db.models import Q
from django.db.utils import IntegrityError


def trim(apps: Any, _editor: Any) -> None:
    """Trim the keys; where two groups differ by blanks alone, the second one keeps its key."""
    Group = apps.get_model("users", "Group")
    blank = Q(display_name_key__startswith=" ") | Q(display_name_key__endswith=" ")
    for pk, key in Group.objects.filter(blank).order_by("pk").values_list("pk", "display_name_key"):
        try:
            with transaction.atomic():
                Group.objects.filter(pk=pk).update(display_name_key=key.strip())
        except IntegrityError:
            continue


class Migration(migrations.Migration):
    dependencies = [("users", "0014_address_changes")]

    operations = [migrations.RunPython(trim, migrations.RunPython.noop)]
