"""Mails to an organization's Admins about its SCIM set-up: tokens made or about to expire, SCIM turned on or off."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from audit.actors import Actor
from organizations import dates, outbox
from organizations.models import Organization
from scim.models import Connection, Token
from users.models import User

# Days before its end at which a token is warned of, each once.
STAGES = (20, 7, 1)

# An organization may make everybody Admin; nobody needs the same news a thousand times.
MOST_MAILED = 20


def token_made(token: Token, *, by: Actor) -> None:
    """Tell that there is one more secret that opens SCIM."""
    organization = Organization.objects.get(pk=by.organization_id)
    until = f"It is valid until {_day(token.expires_at, organization)}." if token.expires_at else "It does not expire."
    _tell(
        organization,
        f"A SCIM token was made in {organization}: {token}",
        f"{by.label} made the SCIM token {token}. {until} While SCIM is enabled, whoever has it can create, change and "
        "remove your organization's users.",
        "If nobody of you did this, revoke it at once.",
    )


def switched(connection: Connection, *, by: Actor) -> None:
    """Tell that SCIM was turned on or off."""
    if connection.enabled:
        said = "From now on your identity provider can create, change and remove users with its token."
        mend = "If nobody of you did this, turn it off and revoke the tokens."
    else:
        said = (
            "No token is valid while it is off: people who join or leave are no longer added or removed by themselves."
        )
        mend = "Turn it on again when your identity provider shall go on."
    state = "on" if connection.enabled else "off"
    organization = Organization.objects.get(pk=by.organization_id)
    _tell(
        organization,
        f"SCIM was turned {state} in {organization}",
        f"{by.label} turned SCIM {state}. {said}",
        mend,
    )


@transaction.atomic
def warn_of_expiring_tokens() -> int:
    """Tell of each token that is used and about to expire, at each of STAGES once; returns how many were told of."""
    now = timezone.now()
    told = 0
    soon = Token.objects.live().filter(expires_at__lte=now + timedelta(days=STAGES[0]), connection__enabled=True)
    for token in soon.select_for_update(of=("self",)).select_related("organization"):
        assert token.expires_at is not None  # noqa: S101  (those that never expire are not soon)
        stage = min(days for days in STAGES if token.expires_at <= now + timedelta(days=days))
        if token.warned_at_days is not None and token.warned_at_days <= stage:
            continue
        token.warned_at_days = stage
        token.save(update_fields=["warned_at_days"])
        organization: Organization = token.organization
        end = _day(token.expires_at, organization)
        used = (
            f"It was last used on {_day(token.last_used_at, organization)}."
            if token.last_used_at
            else "It has not been used so far."
        )
        _tell(
            organization,
            f"A SCIM token of {organization} expires on {end}: {token}",
            f"The SCIM token {token} expires on {end}. {used} After that your identity provider is refused, and people "
            "who join or leave are no longer added or removed by themselves.",
            "Generate a new token, put it into your identity provider, then revoke the old one.",
        )
        told += 1
    return told


def _day(moment: datetime, organization: Organization) -> str:
    with dates.written(organization.date_style, organization.time_zone):
        return dates.day(timezone.localtime(moment))


def _tell(organization: Organization, title: str, said: str, mend: str) -> None:
    context = {
        "title": title,
        "said": said,
        "mend": mend,
        "organization": organization,
        "address": f"{settings.BASE_URL}{reverse('settings:users')}#scim",
    }
    admins = User.objects.of(organization.pk).active_admins().order_by("id")[:MOST_MAILED]
    letters = [(admin.email or admin.user_name, context) for admin in admins]
    outbox.send_many("scim_notice", letters, organization_id=organization.pk)
