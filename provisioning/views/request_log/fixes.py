"""The fixes of the request log: for a refused request a button, a link, or word that it is done."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db.models import Max
from django.urls import reverse
from django.utils.http import urlencode

import domains.services
from audit.actions import Action
from audit.models import AuditEvent
from core.actors import Actor
from core.addresses import readable_domain
from domains.models import Domain
from provisioning.models import Connection, RequestLog
from provisioning.services import brake
from provisioning.services.connections import connections, granted_permissions, transfer
from provisioning.services.connections.connections import Switch
from provisioning.services.fixes import Fix
from provisioning.services.request_log.causes import CAUSES, UNLISTED
from provisioning.services.request_log.masking import MASK
from provisioning.views.which_connection import address as connection_address
from users.models import Role, User
from users.services import applied_addresses, authority
from users.services.authority import Authority
from users.services.own_addresses import OwnAddresses

AGAIN = (
    "Your identity provider sends the request again with its next sync. In JumpCloud, Activate again does so at once."
)

NOT_REFUSED_AGAIN = "After that, the next sync is no longer refused for this address."

# The controls that buttons ask, by their names.
TURN_SWITCH = "turn-refusing-switch"
ALLOW_DOMAIN = "allow-refused-domain"
TRANSFER = "transfer-refused-user"
APPLY_ADDRESS = "apply-refused-address"


@dataclass(frozen=True, slots=True)
class ProposedFix:
    """``text`` is what the link or button says, ``consequence`` what pressing the button does.

    ``afterwards`` says what the identity provider does next. ``address`` is where a link leads, ``action`` the name of
    the control that a button asks; ``fixed`` says that there is nothing left to do, and ``since`` when, and then there
    is neither. All are for those who have ``permission``, and with ``admins_only`` for Admins among them; ``why_not``
    says of somebody's authority why it does not reach that far.
    """

    text: str
    permission: str
    address: str = ""
    action: str = ""
    consequence: str = ""
    afterwards: str = AGAIN
    fixed: str = ""
    since: datetime | None = None
    admins_only: bool = False
    why_not: Callable[[Authority], str] | None = None

    def is_for(self, user: Any) -> bool:
        """Whether a person may be shown it."""
        if not user.has_perm(self.permission):
            return False
        own = authority.of(user)
        return (own.is_whole or not self.admins_only) and not (self.why_not and self.why_not(own))


class Situation:
    """How things stand now in an organization, as far as some rows of its log ask; a handful of queries at most."""

    def __init__(self, rows: Iterable[RequestLog], organization_id: UUID) -> None:
        self._organization_id = organization_id
        self._about = [row.arguments for row in rows]

    @cached_property
    def connections(self) -> Mapping[UUID, Connection]:
        """The organization's connections by their ids, with their switches as they are; the default one comes first."""
        return {each.pk: each for each in connections.of_organization(self._organization_id)}

    def connection_of(self, row: RequestLog) -> Connection | None:
        """Whose token a request carried, the default connection where nobody knows; None where that one is gone."""
        if row.connection_id is None:
            return next(iter(self.connections.values()))
        return self.connections.get(row.connection_id)

    @cached_property
    def _roles(self) -> list[Role]:
        """The roles that connections could give."""
        return granted_permissions.enabled_roles(self._organization_id)

    def _opening(self, connection: Connection, *, manages_admins: bool | None = None) -> Callable[[Authority], str]:
        """What says whether somebody may open a connection further, by as many queries for many rows as for one."""
        return lambda own: granted_permissions.beyond(
            connection, own, manages_admins=manages_admins, roles=() if own.is_whole else self._roles
        )

    @cached_property
    def provisioning_paused(self) -> frozenset[UUID]:
        """The ids of the connections whose brake holds."""
        return frozenset(each.connection_id for each in brake.paused(self._organization_id))

    @cached_property
    def reactivated_at(self) -> datetime | None:
        """When the organization was last reactivated."""
        events = AuditEvent.objects.of(self._organization_id).filter(action=Action.ORGANIZATION_REACTIVATED)
        return events.values_list("created_at", flat=True).first()

    @cached_property
    def domains(self) -> Mapping[str, Domain]:
        """The organization's domains that the rows speak of, by name."""
        names = {about["domain"] for about in self._about if "domain" in about}
        return {domain.name: domain for domain in Domain.objects.of(self._organization_id).filter(name__in=names)}

    @cached_property
    def users(self) -> Mapping[str, UUID | None]:
        """Those whom the rows speak of, and who are still here: id to the connection that keeps them."""
        ids = {about["user_id"] for about in self._about if "user_id" in about}
        found = User.objects.of(self._organization_id).filter(pk__in=ids).values_list("pk", "managed_by")
        return {str(pk): managed_by for pk, managed_by in found}

    @cached_property
    def own_addresses(self) -> Mapping[str, OwnAddresses]:
        """The present addresses, by id, of those for whom another one was refused."""
        ids = {about["user_id"] for about in self._about if {"user_id", "email_before"} <= about.keys()}
        found = User.objects.of(self._organization_id).filter(pk__in=ids) if ids else User.objects.none()
        return {str(pk): OwnAddresses(*own) for pk, *own in found.values_list("pk", "user_name", "email")}

    @cached_property
    def fixed_at(self) -> Mapping[tuple[str, str], datetime]:
        """When each thing that the rows speak of was last fixed: by its id and the action, as the trail has them."""
        targets = [str(each) for each in (*self.connections, *(domain.pk for domain in self.domains.values()))]
        events = AuditEvent.objects.of(self._organization_id).filter(target_id__in=targets, action__in=_FIXING)
        latest = events.order_by().values_list("target_id", "action").annotate(at=Max("created_at"))
        return {(target, action): at for target, action, at in latest}

    def proposed_fix(self, row: RequestLog) -> ProposedFix | None:
        """What there is to do about a row, if anything."""
        match CAUSES.get(row.cause, UNLISTED).fix:
            case None:
                return None
            case Fix.ADD_DOMAIN | Fix.VERIFY_DOMAIN | Fix.ALLOW_DOMAIN if "domain" in row.arguments:
                return self._of_domain(row.arguments["domain"])
            case Fix.SHOW_USER if row.arguments.get("user_id") in self.users:
                address = reverse("settings:person", args=[row.arguments["user_id"]])
                return ProposedFix(f"Show {row.arguments.get('user', 'the user')}", "users.view", address)
            case Fix.SHOW_ROLES:
                return ProposedFix("Show the roles", "users.view", f"{reverse('settings:users')}#roles")
            case Fix.LOOK_AT_BRAKE if connection := self.connection_of(row):
                if connection.pk not in self.provisioning_paused:
                    return ProposedFix("", "sign-in.view", fixed="Nothing is held back now.")
                address = reverse("settings:scim-brake", args=[connection.pk])
                return ProposedFix("Look at who would go", "sign-in.view", address)
            case Fix.REACTIVATE if self.reactivated_at:
                # Who sees this has been let in again; only the operators can do it.
                fixed = "The organization is active again."
                return ProposedFix("", "sign-in.view", fixed=fixed, since=self.reactivated_at)
            case Fix.GENERATE_TOKEN:
                opening = self._opening(connection) if (connection := self.connection_of(row)) else None
                address = f"{reverse('settings:users')}#scim"
                return ProposedFix("Generate a token", "sign-in.edit", address, why_not=opening)
            case Fix.SHOW_TOKENS if connection := self.connection_of(row):
                return ProposedFix("Show the tokens", "sign-in.view", connection_address(connection))
            case Fix.SHOW_LIMITS:
                return ProposedFix("Show who was limited", "sign-in.view", reverse("settings:scim-limits"))
            case Fix.SHOW_BASE_URL if connection := self.connection_of(row):
                return ProposedFix("Show the Base URL", "sign-in.view", connection_address(connection))
            case Fix.TRANSFER if row.arguments.get("user_id") in self.users:
                return self._of_another(row)
            case Fix.APPLY_ADDRESS if row.arguments.get("user_id") in self.own_addresses:
                return self._of_address(row)
            case Fix() as fix if fix in SWITCHES and (connection := self.connection_of(row)):
                switch = SWITCHES[fix]
                if getattr(connection, switch.field) == switch.opens:
                    since = self.fixed_at.get((str(connection.pk), switch.opening))
                    return ProposedFix(switch.proposed_fix, "sign-in.view", fixed=switch.fixed, since=since)
                opening = self._opening(connection, manages_admins=True if fix is Fix.ALLOW_ADMINS else None)
                return ProposedFix(
                    switch.proposed_fix,
                    "sign-in.edit",
                    action=TURN_SWITCH,
                    consequence=switch.consequence,
                    why_not=opening,
                )
        return None

    def _of_another(self, row: RequestLog) -> ProposedFix | None:
        connection, user = self.connection_of(row), row.arguments.get("user", "this user")
        if connection is None:
            return None
        if self.users[row.arguments["user_id"]] in (None, connection.pk):
            return ProposedFix("", "sign-in.view", fixed=f"{connection} may change {user} now.")
        return ProposedFix(
            f"Let {connection} manage {user}",
            "sign-in.edit",
            action=TRANSFER,
            consequence=f"From then on {connection} changes, suspends and deletes {user}, and the connection that did "
            "so until now is refused.",
            why_not=self._opening(connection),
        )

    def _of_address(self, row: RequestLog) -> ProposedFix | None:
        change = _refused_change(row)
        if change is None:
            return None
        user_id, wanted, expected = change
        present = self.own_addresses[str(user_id)]
        if present == wanted:
            return ProposedFix("", "sign-in.view", fixed=f"{wanted.user_name} has this address now.")
        if present != expected:
            return ProposedFix("", "sign-in.view", fixed=f"{expected.user_name} has another address by now.")
        new = " and ".join(wanted.given_up_for(expected)) or wanted.email
        return ProposedFix(
            "Apply this address",
            "users.edit",
            action=APPLY_ADDRESS,
            admins_only=True,
            consequence=" ".join(
                filter(None, (f"{expected.user_name} gets the address {new}.", *_of_mail(expected, wanted)))
            ),
            afterwards=NOT_REFUSED_AGAIN,
        )

    def _of_domain(self, name: str) -> ProposedFix:
        domain, readable = self.domains.get(name), readable_domain(name)
        if domain is None:
            address = f"{reverse('settings:organization')}?{urlencode({'add': name})}"
            return ProposedFix(f"Add {readable}", "domains.edit", address)
        if domain.user_requests:
            since = self.fixed_at.get((str(domain.pk), Action.DOMAIN_ALLOWED))
            fixed = f"{readable} has the User requests checkmark now."
            return ProposedFix("", "sign-in.view", fixed=fixed, since=since)
        if not domain.is_verified:
            return ProposedFix(f"Verify {readable}", "domains.edit", reverse("settings:domain", args=[domain.pk]))
        return ProposedFix(
            f"Allow {readable} for User requests",
            "domains.edit",
            action=ALLOW_DOMAIN,
            consequence=f"From then on SCIM creates users with an address in {readable}, and people there can ask for "
            "an account. You can take the checkmark away at any time; users who are here by then stay.",
        )


SWITCHES: Mapping[Fix, Switch] = {switch.fix: switch for switch in connections.SWITCHES.values()}

_FIXING = (Action.DOMAIN_ALLOWED, *(switch.opening for switch in SWITCHES.values()))


def turn_switch(row: RequestLog, *, by: Actor) -> str:
    """Turn the switch because of which a request was refused, and say so; empty if there is none.

    Raises what the switch's verb does.
    """
    fix = CAUSES.get(row.cause, UNLISTED).fix
    if fix is None or fix not in SWITCHES:
        return ""
    switch = SWITCHES[fix]
    connections.turn(_connection_of(row, by), switch.field, switch.opens, by=by)
    return switch.fixed


def transfer_user(row: RequestLog, *, by: Actor) -> str:
    """Let the connection of a request keep the user of another one, and say so; empty if the request asks for nothing.

    Raises what the verb does.
    """
    if CAUSES.get(row.cause, UNLISTED).fix is not Fix.TRANSFER or "user_id" not in row.arguments:
        return ""
    connection = _connection_of(row, by)
    user = transfer.transfer(UUID(row.arguments["user_id"]), connection, by=by)
    return f"{connection} manages {user} now."


def _connection_of(row: RequestLog, by: Actor) -> Connection:
    if row.connection_id is None:
        return connections.default_connection(by.organization_id)
    return connections.find(row.connection_id, organization_id=by.organization_id)


def apply_address(row: RequestLog, *, by: Actor) -> str:
    """Give the user of a request the address that was refused, and say so; empty if the request asks for nothing.

    Raises what the verb does.
    """
    change = _refused_change(row) if CAUSES.get(row.cause, UNLISTED).fix is Fix.APPLY_ADDRESS else None
    if change is None:
        return ""
    user_id, wanted, expected = change
    user = applied_addresses.apply(user_id, wanted, expected=expected, by=by)
    return f"{user.user_name} has this address now."


def _of_mail(expected: OwnAddresses, wanted: OwnAddresses) -> tuple[str, ...]:
    """Where mail goes once a user has the wanted addresses, and who is told."""
    addresses = " and ".join(expected.notified_about(wanted))
    return (
        f"Mail to this user, including password links, then goes to {wanted.email}."
        if expected.moves_mail(wanted)
        else f"Mail to this user still goes to {wanted.email}, but password links can be requested for "
        f"{wanted.user_name} and go there.",
        "Apply it only if you know it belongs to the same person.",
        f"We notify {addresses}." if addresses else "",
    )


def _refused_change(row: RequestLog) -> tuple[UUID, OwnAddresses, OwnAddresses] | None:
    """Whose address was to become which, and what it was; None where the log keeps not all of it."""
    about = row.arguments
    texts = [about.get(name, "") for name in ("user_id", "user_name", "email", "user", "email_before")]
    if not all(texts) or any(MASK in text for text in texts):
        return None
    user_id, user_name, email, *expected = texts
    return UUID(user_id), OwnAddresses(user_name, email), OwnAddresses(*expected)


def allow_domain(row: RequestLog, *, by: Actor) -> str:
    """Give the domain because of which a request was refused the checkmark, and say so; empty if there is none.

    Raises DomainUnverified, DomainUnknown.
    """
    name = row.arguments.get("domain", "")
    if not name:
        return ""
    domain = domains.services.find(name, organization_id=by.organization_id)
    domains.services.set_user_requests(domain.pk, True, by=by)
    return f"{readable_domain(name)} has the User requests checkmark now."
