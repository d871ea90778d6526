"""The switches of a connection as its page shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.urls import reverse

from provisioning.models import Connection
from provisioning.services.connections import granted_permissions
from provisioning.services.connections.connections import SWITCHES
from users.services.authority import Authority


def shown(connection: Connection, asker: Authority) -> list[Mapping[str, Any]]:
    """The switches as the page has them: words, state, where a press leads, and why the asker may not press."""
    beyond = granted_permissions.beyond(connection, asker)
    beyond_admins = granted_permissions.beyond(
        connection, asker, manages_admins=True, act=SWITCHES["manage_admins"].act
    )
    return [
        {
            "id": switch.id,
            "label": switch.label,
            "hint": switch.hint,
            "badge": "warn" if switch.warns else "good",
            "on": (on := getattr(connection, name)),
            "why_not": "" if on == switch.opens else beyond_admins if name == "manage_admins" else beyond,
            "action": reverse("settings:scim-switch", args=[connection.pk, name]),
        }
        for name, switch in SWITCHES.items()
    ]
