"""The switches of a connection on its page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest
from django.urls import reverse
from django.utils import timezone

from audit.actions import Action
from audit.models import AuditEvent
from console.actions import Saved, action
from console.forms import SwitchForm
from console.requests import actor_of
from provisioning.models import Connection
from provisioning.services.connections import connections, granted_permissions
from provisioning.services.connections.connections import SWITCHES
from provisioning.views import which_connection
from provisioning.views.which_connection import SCIM
from users.services.authority import Authority

# For so long the switch says that it has turned itself off.
_TELLS_OF_END = timedelta(days=7)

_ACTIONS = (Action.SCIM_LOGGING_STARTED, Action.SCIM_LOGGING_STOPPED, Action.SCIM_LOGGING_ENDED)


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


def additional_logging(connection: Connection) -> Mapping[str, Any]:
    """The switch of additional logging as the page has it: whether it is on, until when, when it turned itself off."""
    is_on, until = connection.keeps_details, connection.details_until
    return {
        "on": is_on,
        "until": until if is_on else None,
        "ended": None if is_on else until or _ended(connection),
        "action": reverse("settings:additional-logging", args=[connection.pk]),
    }


def _ended(connection: Connection) -> Any:
    of_connection = AuditEvent.objects.of(connection.organization_id).filter(target_id=str(connection.pk))
    last = of_connection.filter(action__in=_ACTIONS).order_by("-id").first()
    if last is None or last.action != Action.SCIM_LOGGING_ENDED or last.created_at < timezone.now() - _TELLS_OF_END:
        return None
    return last.created_at


@action(
    SCIM,
    "users/scim/<uuid:connection_id>/switches/<slug:name>/",
    "scim-switch",
    permission="sign-in.edit",
    form=SwitchForm,
)
def turn_switch(request: HttpRequest, form: SwitchForm, connection_id: UUID, name: str) -> Saved:
    """Turn one of the connection's switches on or off."""
    switch = SWITCHES.get(name)
    if switch is None:
        raise Http404("There is no such switch.")
    connections.turn(which_connection.chosen(request), name, form.is_on, by=actor_of(request))
    return Saved(switch.message if form.is_on else switch.message_off)
