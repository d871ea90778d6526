"""What must be so before an identity provider can be connected: one line for each, with what fixes it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from domains.models import Domain
from provisioning.models import Connection, SetupStep, Token
from provisioning.services.connections import orphaned_tokens
from provisioning.services.connections.orphaned_tokens import Outlived
from provisioning.services.request_log import origins
from users.models import Role

NAMED = 3


class PrerequisiteState(StrEnum):
    """``DOUBTFUL`` works, but perhaps not as meant."""

    MET = "met"
    DOUBTFUL = "doubtful"
    UNMET = "unmet"


@dataclass(frozen=True, slots=True)
class Prerequisite:
    """One prerequisite. ``fix`` is what the link to ``address`` says; it is for those who have ``permission``."""

    key: str
    title: str
    state: PrerequisiteState
    note: str
    fix: str = ""
    address: str = ""
    permission: str = ""


@dataclass(frozen=True, slots=True)
class Domains:
    """The domains with the checkmark: the first few by name, and how many there are."""

    names: tuple[str, ...]
    count: int


def domains_with_requests(organization_id: UUID) -> Domains:
    """Those whose people SCIM may create."""
    found = Domain.objects.of(organization_id).filter(user_requests=True).order_by("name")
    names = list(found.values_list("readable", flat=True))
    return Domains(tuple(names[:NAMED]), len(names))


def lines(
    connection: Connection,
    tokens: Collection[Token],
    domains: Domains,
    arrived: SetupStep | None,
    request: HttpRequest,
    *,
    may_open: bool,
) -> list[Prerequisite]:
    """The prerequisites; ``arrived`` tells by which address SCIM's last requests came, where there were any.

    Without ``may_open``, the user who looks has fewer rights than the connection gives, and is to ask an Admin.
    """
    return [
        _token(connection, tokens, may_open=may_open),
        _enabled(connection, may_open=may_open),
        _domain(domains),
        _default_role(connection),
        _address(arrived, request),
    ]


def offered(found: Sequence[Prerequisite], user: Any) -> list[tuple[Prerequisite, bool]]:
    """The lines, each with whether ``user`` is offered its fix."""
    return [(line, bool(line.fix) and user.has_perm(line.permission)) for line in found]


def _token(connection: Connection, tokens: Collection[Token], *, may_open: bool) -> Prerequisite:
    if not tokens:
        note = "There is none. Your provider signs in with it."
        if not may_open:
            return Prerequisite("token", "Token", PrerequisiteState.UNMET, f"{note} Ask an Admin to generate one.")
        return Prerequisite(
            "token", "Token", PrerequisiteState.UNMET, note, "Generate a token", "#generate-token", "sign-in.edit"
        )
    if outlived := orphaned_tokens.outlived(connection, tokens):
        first = outlived[0].token
        named = " ".join(_made_by(each, alone=len(tokens) == 1) for each in outlived)
        which = "it" if len(outlived) == 1 else "them"
        if not may_open:
            return Prerequisite(
                "token", "Token", PrerequisiteState.DOUBTFUL, f"{named} Ask an Admin to rotate {which}."
            )
        note = f"{named} Rotate {which}."
        return Prerequisite(
            "token", "Token", PrerequisiteState.DOUBTFUL, note, "Rotate the token", f"#token-{first.pk}", "sign-in.edit"
        )
    return Prerequisite(
        "token", "Token", PrerequisiteState.MET, "Made" if len(tokens) == 1 else f"{len(tokens)} are live"
    )


def _made_by(outlived: Outlived, *, alone: bool) -> str:
    which = "The token" if alone else f"The token {outlived.token.name}"
    return f"{which} was made by {outlived.maker}."


def _enabled(connection: Connection, *, may_open: bool) -> Prerequisite:
    if not connection.enabled:
        note = "It is off, and no token is valid."
        if not may_open:
            return Prerequisite(
                "enabled", "Enable SCIM", PrerequisiteState.UNMET, f"{note} Ask an Admin to turn it on."
            )
        return Prerequisite(
            "enabled", "Enable SCIM", PrerequisiteState.UNMET, note, "Go to the switch", "#enable-scim", "sign-in.edit"
        )
    return Prerequisite("enabled", "Enable SCIM", PrerequisiteState.MET, "On")


def _domain(domains: Domains) -> Prerequisite:
    if not domains.count:
        note = "No domain has the User requests checkmark, so nobody can be created."
        address = f"{reverse('settings:organization')}#domains"
        return Prerequisite(
            "domain", "Domain", PrerequisiteState.UNMET, note, "Go to the domains", address, "domains.view"
        )
    more = domains.count - len(domains.names)
    names = ", ".join(domains.names) + (f" and {more} more" if more else "")
    return Prerequisite("domain", "Domain", PrerequisiteState.MET, f"People of {names} are let in")


def _default_role(connection: Connection) -> Prerequisite:
    role = Role.objects.of(connection.organization_id).get(is_default=True)
    if not role.is_admin:
        return Prerequisite(
            "role", "Default role", PrerequisiteState.MET, f"{role.name}, for people who come without a role"
        )
    note = (
        "Admin: everybody who comes without a role may do everything."
        if connection.manage_admins
        else "Admin, which SCIM may not give: who comes without a role gets App management."
    )
    address = f"{reverse('settings:users')}#default-role"
    return Prerequisite(
        "role", "Default role", PrerequisiteState.DOUBTFUL, note, "Choose another", address, "roles.edit"
    )


def _address(arrived: SetupStep | None, request: HttpRequest) -> Prerequisite:
    title, wanted = "Public address", settings.BASE_URL
    if not wanted.startswith("https://"):
        note = f"{wanted} is not https. Whoever runs this server sets BASE_URL to its public https address."
        return Prerequisite("address", title, PrerequisiteState.UNMET, note)
    if arrived is None:
        came = f"{request.scheme}://{request.get_host()}"
        if not origins.same(came, wanted):
            return Prerequisite(
                "address", title, PrerequisiteState.DOUBTFUL, _elsewhere("You see this page", came, wanted)
            )
        return Prerequisite("address", title, PrerequisiteState.MET, f"{wanted}, by which you see this page")
    if arrived.failed_at is None or (arrived.done_at is not None and arrived.done_at >= arrived.failed_at):
        return Prerequisite("address", title, PrerequisiteState.MET, f"{wanted}, by which your provider comes")
    return Prerequisite(
        "address",
        title,
        PrerequisiteState.UNMET,
        _elsewhere("Your provider's requests come", arrived.failed_result, wanted),
    )


def _elsewhere(who: str, came: str, wanted: str) -> str:
    return (
        f"{who} by {came}, and the Base URL says {wanted}. Whoever runs this server sets BASE_URL, or lets the proxy "
        "in front hand on Host and X-Forwarded-Proto."
    )
