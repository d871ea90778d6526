"""Mails to an organization's Admins about its connections."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from core import dates
from core.actors import Actor
from organizations.models import Organization
from organizations.services import outbox
from provisioning.models import Connection, Token
from users.models import User

# Days before its end at which a token is warned of, each once.
STAGES = (20, 7, 1)

# An organization may make everybody Admin; nobody needs the same news a thousand times.
MOST_MAILED = 20


@dataclass(frozen=True, slots=True)
class Link:
    """Where a mail leads: the way there through the pages, the words on its button, and the address."""

    way: str
    words: str
    address: str


def token_made(token: Token, *, instead_of: Token | None = None, by: Actor) -> None:
    """Tell that there is one more secret that opens SCIM."""
    organization = Organization.objects.get(pk=by.organization_id)
    until = f"It is valid until {_day(token.expires_at, organization)}." if token.expires_at else "It does not expire."
    place = f" to take the place of {instead_of}" if instead_of else ""
    made = f"{by.label} made the SCIM token {token}{place}. {until}"
    tell(
        organization,
        f"A SCIM token was made in {organization}: {token}",
        f"{made} While SCIM is enabled, whoever has it can create, change and remove your organization's users.",
        "If nobody of you did this, revoke it at once.",
        _settings_of(token.connection_id),
    )


def token_retired(token: Token, successor: Token) -> None:
    """Tell that a token has gone by itself, for its successor is at work."""
    organization = Organization.objects.get(pk=token.organization_id)
    tell(
        organization,
        f"A SCIM token of {organization} has retired: {token}",
        f"Your identity provider has used the SCIM token {successor}, and it works. So {token}, whose place it takes, "
        "has retired: it is no longer valid.",
        "There is nothing to do, unless another program still uses the old token: give it a token of its own.",
        _settings_of(token.connection_id),
    )


def switched(connection: Connection, *, by: Actor) -> None:
    """Tell that SCIM was turned on or off."""
    if connection.enabled:
        message = "From now on your identity provider can create, change and remove users with its token."
        fix = "If nobody of you did this, turn it off and revoke the tokens."
    else:
        message = (
            "No token is valid while it is off: people who join or leave are no longer added or removed by themselves."
        )
        fix = "Turn it on again when your identity provider shall go on."
    state = "on" if connection.enabled else "off"
    organization = Organization.objects.get(pk=by.organization_id)
    tell(
        organization,
        f"SCIM was turned {state} in {organization}",
        f"{by.label} turned SCIM {state}. {message}",
        fix,
        _settings_of(connection.pk),
    )


@transaction.atomic
def warn_of_expiring_tokens() -> int:
    """Tell of each token that is about to end, at each of STAGES once; returns how many were told of.

    One whose successor has been used since is missed by nobody.
    """
    now = timezone.now()
    notified = 0
    far = now + timedelta(days=STAGES[0])
    lasting = Token.objects.live().filter(is_test=False, connection__enabled=True)
    soon = lasting.filter(Q(expires_at__lte=far) | Q(retires_at__lte=far))
    locked = soon.select_for_update(of=("self",)).order_by("pk")
    for token in locked.select_related("organization", "successor"):
        assert token.ends_at is not None  # noqa: S101  (those that never end are not soon)
        stage = min(days for days in STAGES if token.ends_at <= now + timedelta(days=days))
        if (token.warned_at_days is not None and token.warned_at_days <= stage) or _is_replaced(token):
            continue
        token.warned_at_days = stage
        token.save(update_fields=["warned_at_days"])
        organization: Organization = token.organization
        end = _day(token.ends_at, organization)
        ends = "retires" if token.ends_at == token.retires_at else "expires"
        used = (
            f"It was last used on {_day(token.last_used_at, organization)}."
            if token.last_used_at
            else "It has not been used so far."
        )
        tell(
            organization,
            f"A SCIM token of {organization} {ends} on {end}: {token}",
            f"The SCIM token {token} {ends} on {end}. {used} After that your identity provider is refused, and people "
            "who join or leave are no longer added or removed by themselves.",
            _fix_of_ending(token),
            _settings_of(token.connection_id),
        )
        notified += 1
    return notified


def _is_replaced(token: Token) -> bool:
    successor = token.successor
    if successor is None or not successor.is_live or successor.last_used_at is None:
        return False
    return token.last_used_at is None or token.last_used_at < successor.last_used_at


def _fix_of_ending(token: Token) -> str:
    if token.successor is not None and token.successor.is_live:
        return f"Put {token.successor} into your identity provider: it was made to take the place, and is not used yet."
    return "Rotate it on the page, and put the new token into your identity provider."


def _day(moment: datetime, organization: Organization) -> str:
    with dates.written(organization.date_style, organization.time_zone):
        return dates.day(timezone.localtime(moment))


def _settings_of(connection_id: UUID) -> Link:
    return Link(
        "Settings > Users > Single Sign-On (SSO) > SCIM",
        "Open the SCIM settings",
        f"{settings.BASE_URL}{reverse('settings:users')}?{urlencode({'connection': str(connection_id)})}#scim",
    )


def tell(organization: Organization, title: str, message: str, fix: str, link: Link) -> None:
    context = {"title": title, "message": message, "fix": fix, "organization": organization, "link": link}
    admins = User.objects.of(organization.pk).active_admins().order_by("id")[:MOST_MAILED]
    letters = [(admin.email or admin.user_name, context) for admin in admins]
    outbox.send_many("scim_notice", letters, organization_id=organization.pk)
