"""The switches of a connection as its page shows them, and the one view that turns each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from scim.models import Connection
from scim.services import connections, reach
from users.services.authority import Authority


@dataclass(frozen=True, slots=True)
class Switch:
    """``said`` and ``said_off`` answer the one who turned it on or off; ``badge`` is its colour while it is on.

    ``opens`` is the state in which the identity provider may do more.
    """

    id: str
    label: str
    hint: str
    turn: Callable[..., Connection]
    said: str
    said_off: str
    badge: str = "good"
    opens: bool = True


# By the field of the connection.
SWITCHES: Mapping[str, Switch] = {
    "enabled": Switch(
        *("enable-scim", "Enable SCIM", "Tokens are valid only while this is on."),
        connections.set_enabled,
        "SCIM is on.",
        "SCIM is off. No token is valid while it is.",
    ),
    "groups_enabled": Switch(
        *("scim-groups", "Groups"),
        "While this is off, your provider is told that there are no groups here. Those that there are stay.",
        connections.set_groups_enabled,
        "SCIM manages groups.",
        "SCIM knows no groups now.",
    ),
    "manage_admins": Switch(
        *("manage-admins", "Let SCIM give and take the Admin role"),
        "While this is off, your provider can neither make somebody Admin nor give an Admin another role.",
        connections.set_manage_admins,
        "SCIM may manage Admins.",
        "SCIM leaves Admins alone.",
        badge="warn",
    ),
    "secondary_addresses": Switch(
        *("scim-secondary", "Allow secondary addresses"),
        "While this is off, every address of a user must lie in a domain with the User requests checkmark. While it is "
        "on, those that are neither userName nor primary may lie anywhere; they are used for nothing.",
        connections.set_secondary_addresses,
        "Secondary addresses may lie in any domain.",
        "Every address must lie in one of your domains.",
    ),
    "strict": Switch(
        *("scim-strict", "Strict mode"),
        "While this is on, requests that stray from the SCIM standard are refused, not read as they were meant.",
        connections.set_strict,
        "Strict mode is on.",
        "Strict mode is off.",
        opens=False,
    ),
}


def shown(connection: Connection, asker: Authority) -> list[Mapping[str, Any]]:
    """The switches as the page has them: words, state, where a press leads, and why the asker may not press."""
    beyond = reach.beyond(connection, asker)
    to_admins = connections.OPENING_SWITCHES["manage_admins"]
    beyond_admins = reach.beyond(connection, asker, manages_admins=True, act=to_admins)
    return [
        {
            "id": switch.id,
            "label": switch.label,
            "hint": switch.hint,
            "badge": switch.badge,
            "on": (on := getattr(connection, name)),
            "why_not": "" if on == switch.opens else beyond_admins if name == "manage_admins" else beyond,
            "action": reverse("settings:scim-switch", args=[connection.pk, name]),
        }
        for name, switch in SWITCHES.items()
    ]
