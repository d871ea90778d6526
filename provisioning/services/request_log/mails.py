"""Mails to an organization's Admins about SCIM requests that fail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse
from django.utils.http import urlencode

from organizations.models import Organization
from provisioning.models import Connection
from provisioning.services.connections.mails import Link, tell
from provisioning.services.fixes import Fix
from provisioning.services.request_log.causes import CAUSES, UNLISTED

# What a mail can say of what the request log offers to do.
FIXES: Mapping[Fix, str] = {
    Fix.ADD_DOMAIN: "Add the domain under Settings > Organization > Domains, verify it and tick User requests.",
    Fix.VERIFY_DOMAIN: "Verify the domain under Settings > Organization > Domains.",
    Fix.ALLOW_DOMAIN: "Tick User requests for the domain under Settings > Organization > Domains.",
    Fix.ENABLE_SCIM: "Turn on Enable SCIM.",
    Fix.GENERATE_TOKEN: "Generate a token and put it into your identity provider.",
    Fix.SHOW_TOKENS: "Put the newer token into your identity provider; if nobody has its text, rotate it.",
    Fix.ALLOW_GROUPS: "Turn on Groups, or turn off groups in your identity provider.",
    Fix.ALLOW_ADMINS: "Let SCIM give and take the Admin role, or leave Admins out in your identity provider.",
    Fix.APPLY_ADDRESS: "Open the request in the request log as an Admin and apply the address, if it is right.",
    Fix.LEAVE_STRICT: "Turn off Strict mode, or mend what your identity provider sends.",
}
NO_FIX = "The request log says of each request why it failed and, where there is something to do about it, what."


@dataclass(frozen=True, slots=True)
class Failure:
    """A request that failed, as the request log has it."""

    method: str
    path: str
    status: int
    cause: str
    result: str


def requests_fail(connection: Connection, failure: Failure) -> None:
    """Tell that many requests in a row have failed, though their token was valid."""
    organization = Organization.objects.get(pk=connection.organization_id)
    tell(
        organization,
        f"Ten SCIM requests in a row have failed in {organization}",
        f"What your identity provider asks with a token of the connection {connection} goes wrong. {_latest(failure)}",
        _fix(failure),
        _requests_like(failure),
    )


def requests_are_refused(connection: Connection, failure: Failure) -> None:
    """Tell that many requests in a row were refused, whose token was valid once or would be if SCIM were on."""
    organization = Organization.objects.get(pk=connection.organization_id)
    tell(
        organization,
        f"Ten SCIM requests in a row were refused in {organization}",
        f"Somebody, probably your identity provider, presents a token of the connection {connection} that is not valid "
        f"now. People who join or leave are not added or removed by themselves. {_latest(failure)}",
        _fix(failure),
        _requests_like(failure),
    )


def departures_refused(connection: Connection, cause: str, result: str, users: Sequence[str]) -> None:
    """Tell that users whom an identity provider wants to suspend or delete can still sign in."""
    organization = Organization.objects.get(pk=connection.organization_id)
    who = f"{len(users):,} {'user' if len(users) == 1 else 'users'}"
    they = "This user" if len(users) == 1 else "They"
    fix = CAUSES.get(cause, UNLISTED).fix
    tell(
        organization,
        f"SCIM could not suspend or delete {who} of {organization}. {they} can still sign in.",
        f"Your identity provider asked through the connection {connection} to suspend or delete: {', '.join(users)}. "
        f"{they} can still sign in. {result}",
        (FIXES.get(fix, NO_FIX) if fix else NO_FIX)
        + f" Until then, suspend {'the user' if len(users) == 1 else 'them'} in Settings > Users.",
        Link(
            "Settings > Users > Single Sign-On (SSO) > SCIM > Request log",
            "Open the request log",
            f"{settings.BASE_URL}{reverse('settings:request-log')}?{urlencode({'cause': cause})}",
        ),
    )


def _latest(failure: Failure) -> str:
    return f"The latest was {failure.method} {failure.path}, answered {failure.status}. {failure.result}"


def _fix(failure: Failure) -> str:
    fix = CAUSES.get(failure.cause, UNLISTED).fix
    return FIXES.get(fix, NO_FIX) if fix else NO_FIX


def _requests_like(failure: Failure) -> Link:
    status = "refused" if failure.status < 500 else "failed"
    return Link(
        "Settings > Users > Single Sign-On (SSO) > SCIM > Request log",
        "Open the request log",
        f"{settings.BASE_URL}{reverse('settings:request-log')}?{urlencode({'status': status})}",
    )
