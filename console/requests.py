"""What a request of the pages says: who acts, by what id, from which script, in which state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol, cast
from uuid import UUID

import structlog
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from core.actors import Actor, Channel, address_of_caller

# Whether the person of a request has just shown who they are; the app that knows how people sign in tells.
_reauthentications: list[Callable[[HttpRequest], bool]] = []


def register_reauthentication(recent: Callable[[HttpRequest], bool]) -> None:
    """Let pages further down know whether somebody has given their password a short while ago."""
    _reauthentications.append(recent)


def is_reauthenticated(request: HttpRequest) -> bool:
    """Whether the person of the request has just shown who they are."""
    return any(recent(request) for recent in _reauthentications)


def is_htmx(request: HttpRequest) -> bool:
    """Whether the page's script asks, and wants a piece of the page."""
    return request.headers.get("HX-Request") == "true"


def not_allowed(request: HttpRequest) -> str:
    """Why a request is refused for lack of a permission, and what to do."""
    if is_support_access(request):
        return "Operators look at an organization, change nothing and export nothing. An Admin of it can do this."
    return "Your role does not allow this. Ask an Admin of your organization."


def is_support_access(request: HttpRequest) -> bool:
    """Whether an operator looks at the organization, who has been let in by it and belongs to none."""
    return getattr(request.user, "support_access", None) is not None


class Member(Protocol):
    """Whoever is signed in to an organization: one of its users, or an operator on a visit."""

    pk: Any
    organization_id: UUID
    organization: Any
    display_name: str

    def has_perm(self, perm: str) -> bool:
        """Whether the role, or the visit, has a permission."""


def member_of(request: HttpRequest) -> Member:
    """Whoever is signed in; rooms that know users ask ``users.views.current`` for them with their type."""
    return cast(Member, request.user)


def tenant_of(request: HttpRequest) -> Any:
    """The organization of whoever is signed in; ``organizations.views.current`` knows its type."""
    return member_of(request).organization


def actor_of(request: HttpRequest) -> Actor:
    """Whoever is signed in, acting through a page."""
    return replace(actor_for(member_of(request), request, Channel.PAGE), is_reauthenticated=is_reauthenticated(request))


def actor_for(user: Any, request: HttpRequest, channel: Channel) -> Actor:
    """A person of an organization, acting through a channel of the web."""
    return Actor(
        organization_id=user.organization_id,
        label=str(user),
        channel=channel,
        user_id=user.pk,
        address=address_of_caller(request.META),
        request_id=request_id(),
        name=user.display_name,
    )


def is_operator(user: Any) -> bool:
    """Whether a user runs the server for all organizations, and belongs to none."""
    return bool(user.is_active and user.is_superuser and user.organization_id is None)


def operator_label(operator: str) -> str:
    """How an organization's audit log names an operator."""
    return f"{operator} (operator of SaaS Manager)"


def operator_for(request: HttpRequest, organization_id: UUID, channel: Channel = Channel.OPERATOR) -> Actor:
    """The operator who is signed in, acting on an organization. Raises PermissionDenied for anybody else."""
    operator: Any = request.user
    if not is_operator(operator):
        raise PermissionDenied("Only operators do this.")
    actor = actor_for(operator, request, channel)
    return replace(actor, organization_id=organization_id, label=operator_label(str(operator)))


def request_id() -> str:
    """By what the server's own log knows the request that is being answered; empty outside of one."""
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))[:40]
