"""Sign-in: an address leads to an organization, a name in it to an account, a password proves it."""

from __future__ import annotations

import time
from uuid import UUID

import structlog
from allauth.account.authentication import get_authentication_records
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.db import transaction
from django.http import HttpRequest

from audit.actions import Action
from audit.services import trail
from core.actors import Actor
from core.addresses import canonical, domain_of
from domains.models import Domain
from organizations.models import Organization
from users.models import User

log = structlog.get_logger(__name__)


def organization_of_address(address: str) -> Organization | None:
    """The organization that has verified the address's domain, suspended or not; accounts are not looked at."""
    verified = Domain.objects.filter(name=domain_of(address), verified_at__isnull=False)
    found = verified.select_related("organization").first()
    return found.organization if found else None


def organization_called(slug: str) -> Organization | None:
    """The organization of that slug; nobody signs in to it while it is not active."""
    return Organization.objects.filter(slug=slug.lower()).first()


def suspended_organization(request: HttpRequest) -> Organization | None:
    """The organization of whoever was signed in here, if that has ended because the organization is suspended."""
    if request.user.is_authenticated or not (user_id := request.session.get(SESSION_KEY)):
        return None
    return Organization.objects.filter(
        pk__in=User.objects.filter(pk=user_id).values("organization"), is_active=False
    ).first()


def sign_in_key(login: str, *, organization_id: UUID) -> str:
    """The technical name of the account that a person means by a userName or e-mail address.

    Who is not there gets a key too, in the same shape, so that attempts are counted for everybody alike.
    """
    user = User.objects.known_as(organization_id, login)
    return user.sign_in_key if user else f"{organization_id}/{canonical(login)}"


def operators_sign_in_key(login: str) -> str:
    """The same of an operator; what names nobody is in a shape that no account's key has."""
    user = User.objects.known_as(None, login)
    return user.sign_in_key if user else f"/{canonical(login)}"


@transaction.atomic
def record(user: User, *, by: Actor) -> None:
    """Keep in the trail that somebody came in; operators have no organization, and so no trail but the server's log."""
    if user.organization_id is None:
        log.info("operator signed in", operator=str(user), address=by.address)
        return
    trail.record(Action.USER_SIGNED_IN, user, by=by)


def recently_reauthenticated(request: HttpRequest) -> bool:
    """Whether the person has shown who they are, by signing in or once more, within the last quarter of an hour.

    An operator on a visit has shown it elsewhere, and changes nothing here.
    """
    if not isinstance(request.user, User):
        return False
    records = get_authentication_records(request, request.user)
    reauthenticated = max((float(record.get("at", 0)) for record in records), default=0.0)
    return time.time() - reauthenticated < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT
