"""Links from the audit log to the things that its events name; apps register them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from uuid import UUID

from django.http import HttpRequest

from audit.models import AuditEvent
from console.requests import member_of
from console.sections import may

# What gives the addresses at which things of a kind are shown, for those of the ids that are still there.
Links = Callable[[UUID, Collection[str]], Mapping[str, str]]
_links: dict[str, tuple[str, Links]] = {}


def register_links(kind: str, permission: str, find: Links) -> None:
    """Let the audit log link to things of a kind (a model's name); ``find`` gets the organization's id and theirs."""
    _links[kind] = permission, find


def links(request: HttpRequest, kind: str, ids: Collection[str]) -> Mapping[str, str]:
    """Where the request's user finds those things; what is gone, or not for that user, is left out."""
    permission, find = _links.get(kind, ("", None))
    user = member_of(request)
    return find(user.organization_id, ids) if find and user.has_perm(permission) else {}


# What gives the addresses at which events of the audit log can be undone, by the ids of the events.
Undos = Callable[[UUID, Collection[AuditEvent]], Mapping[UUID, str]]
_undos: list[tuple[str, Undos]] = []


def register_undos(permission: str, find: Undos) -> None:
    """Let the audit log lead those who may to where events are undone; ``find`` gets the organization's id and them."""
    _undos.append((permission, find))


def undos(request: HttpRequest, events: Collection[AuditEvent]) -> Mapping[UUID, str]:
    """Where the request's user can undo some of the events."""
    user = member_of(request)
    found: dict[UUID, str] = {}
    for permission, find in _undos:
        if may(request, permission):
            found |= find(user.organization_id, events)
    return found
