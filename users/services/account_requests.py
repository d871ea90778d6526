"""Verbs on account requests: ask, prove the address, approve, decline.

None of them tells an anonymous client anything.

Whoever asks gets one mail, and what it says is known to the owner of the address only. See decision 26.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.urls import reverse
from django.utils import timezone

from audit.actions import Action
from audit.services import trail
from core.actors import Actor, Channel
from core.addresses import AddressError, check_mailable, respelled
from core.bearer_tokens import digest
from core.refusals import Kind, Refusal
from core.search_keys import sought
from domains.models import Domain
from domains.services import AddressRefused, check_addresses
from organizations.models import Mail, Organization
from organizations.services import outbox
from users.models import AccountRequest, Role, Source, User
from users.profile import search_key_of
from users.services import accounts, authority, own_addresses, request_notifications, roles

State = AccountRequest.State

LIFE_OF_LINK = timedelta(days=3)
KEPT = timedelta(days=90)
# Nobody is mailed about requests more often than this.
BETWEEN_NOTIFICATIONS = timedelta(minutes=15)

NOTICE = "account_requested"

LONGEST_NAME = 120
LONGEST_NAME_KEY = 2000
LONGEST_REASON = 500


class RequestInvalid(Refusal):
    """The name, the address or the reason can't be used."""

    code = "request-invalid"


class RequestUnknown(Refusal):
    """No such request in this organization."""

    code = "request-unknown"
    kind = Kind.UNKNOWN


class RequestSettled(Refusal):
    """Somebody else was quicker."""

    code = "request-settled"


class LinkInvalid(Refusal):
    """The mailed link is too old, or none of ours."""

    code = "link-unknown"
    kind = Kind.UNKNOWN


def are_open(organization_id: UUID) -> bool:
    """Whether people of any domain may ask this organization for an account."""
    return Domain.objects.of(organization_id).filter(user_requests=True).exists()


def waiting(organization_id: UUID) -> QuerySet[AccountRequest]:
    """The requests that are to be decided, oldest first; who has an account by now, from elsewhere, is left out."""
    return AccountRequest.objects.of(organization_id).filter(~Exists(_owners()), state=State.WAITING)


def closed(organization_id: UUID) -> QuerySet[AccountRequest]:
    """The requests that nobody needs to decide, for an account was made meanwhile."""
    return AccountRequest.objects.of(organization_id).filter(Exists(_owners()), state=State.WAITING)


def search(text: str, requests: QuerySet[AccountRequest]) -> QuerySet[AccountRequest]:
    """Those whose name or address has the text in it."""
    return requests.filter(sought(text, "name_key")) if text else requests


def ask(name: str, address: str, *, organization: Organization) -> None:
    """File a request for an account, and mail the owner of the address; nothing tells the caller what was found.

    An address outside the domains with the checkmark gets no mail. Raises RequestInvalid.
    """
    name = name.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise RequestInvalid(f"Name: Write it on one line, with at most {LONGEST_NAME} characters.")
    try:
        key = check_mailable(address)
    except AddressError as error:
        raise RequestInvalid(f"E-mail address: {error}") from None
    try:
        check_addresses([address], organization_id=organization.pk)
        with transaction.atomic():
            _file(name, respelled(address), key, organization)
    except AddressRefused:
        return
    except IntegrityError:
        # The same address asked in the same moment, and its mail is on the way.
        return


def read(token: str) -> AccountRequest:
    """The request of a mailed link that can still be used, or has just been. Raises LinkInvalid."""
    return _linked(AccountRequest.objects.filter(token_digest=digest(token)).first())


@transaction.atomic
def confirm(token: str, *, address: str, request_id: str) -> AccountRequest:
    """Prove the address of a request, which now waits for a decision; a second time changes nothing.

    ``address`` is the IP address of whoever followed the link. Raises LinkInvalid.
    """
    found = AccountRequest.objects.select_for_update(of=("self",)).filter(token_digest=digest(token)).first()
    request = _linked(found)
    if request.state == State.WAITING:
        return request
    request.state, request.confirmed_at = State.WAITING, timezone.now()
    request.save(update_fields=["state", "confirmed_at"])
    by = Actor(request.organization_id, request.email, Channel.SIGN_IN, address=address, request_id=request_id)
    trail.record(Action.REQUEST_CONFIRMED, request, by=by)
    _tell(request)
    return request


@transaction.atomic
def approve(request_id: UUID, role: Role, *, by: Actor) -> AccountRequest:
    """Make the user, with that role, and mail a link to set a password.

    Raises RequestUnknown, RequestSettled, BeyondOwnRights, ReauthenticationRequired and, for today's rules hold, what
    ``accounts.create`` raises.
    """
    roles.lock_role(role, by=by)
    request = _undecided(request_id, by)
    authority.of_actor(by).require_invite_as(role)
    authority.require_reauthentication(role, by=by)
    profile = {"userName": request.email, "displayName": request.name}
    user = accounts.create(accounts.NewUser(profile, role, Source.REQUEST), by=by)
    _settle(request, State.APPROVED, by)
    trail.record(Action.REQUEST_APPROVED, request, {"role": [None, role.name]}, by=by)
    key = f"{user_pk_to_url_str(user)}-{default_token_generator.make_token(user)}"
    path = reverse("account_reset_password_from_key", kwargs={"uidb36": "UID", "key": "KEY"})
    _mail("account_request_approved", request, {"link": settings.BASE_URL + path.replace("UID-KEY", quote(key))})
    return request


@transaction.atomic
def decline(request_id: UUID, reason: str, *, by: Actor) -> AccountRequest:
    """Say no, with a reason that is mailed. Raises RequestInvalid, RequestUnknown, RequestSettled."""
    reason = check_reason(reason)
    request = _undecided(request_id, by)
    request.reason = reason
    _settle(request, State.DECLINED, by)
    trail.record(Action.REQUEST_DECLINED, request, {"reason": [None, reason]}, by=by)
    _mail("account_request_declined", request, {"reason": reason})
    return request


def check_reason(text: str) -> str:
    """The reason as it is mailed. Raises RequestInvalid for none, and for one that is too long."""
    reason = " ".join(text.split())
    if not reason or len(reason) > LONGEST_REASON or not reason.isprintable():
        raise RequestInvalid(f"Write a reason with at most {LONGEST_REASON} characters: it is mailed to who asked.")
    return reason


def prune() -> int:
    """Forget requests that were never confirmed, three days after, and settled ones after 90; returns how many."""
    now = timezone.now()
    old = Q(state=State.UNCONFIRMED, expires_at__lt=now) | Q(settled_at__lt=now - KEPT)
    old |= Q(Exists(_owners()), state=State.WAITING, confirmed_at__lt=now - KEPT)
    return AccountRequest.objects.filter(old).delete()[0]


def _file(name: str, address: str, key: str, organization: Organization) -> None:
    """The same statements whatever is found: three that look, one that writes the request, and the mail.

    A mail beyond those that the owner of the address gets is withheld, and then the link of the one before stays good.
    """
    # Locked, as is the request, so that nobody else counts the mails of either meanwhile.
    user = User.objects.select_for_update(of=("self",), no_key=True).known_as(organization.pk, address)
    requests = AccountRequest.objects.of(organization.pk).select_for_update(of=("self",))
    request = requests.filter(email_key=key, state__in=(State.UNCONFIRMED, State.WAITING)).first()
    now, token = timezone.now(), secrets.token_urlsafe(32)
    counted_as = f"sign-up/{user.pk if user else f'{organization.pk}/{key}'}"
    may_send = outbox.may_send(counted_as)
    is_new = request is None
    if request is None:
        request = AccountRequest(organization=organization, email_key=key)
    request.organization, request.asked_at = organization, now
    if request.state == State.UNCONFIRMED and (may_send or is_new):
        # Folding can make many letters of one.
        request.name, request.email = name, address
        request.name_key = search_key_of(key, names=name)[:LONGEST_NAME_KEY]
        request.token_digest, request.expires_at = digest(token), now + LIFE_OF_LINK
    request.save()
    here = settings.BASE_URL + reverse("sign-in", args=[organization.slug])
    to, name, link = "", "confirm_address", settings.BASE_URL + reverse("confirm-request", args=[token])
    if user:
        to, name, link = own_addresses.address_called(user, address), "account_exists", here
    elif request.state == State.WAITING:
        name, link = "account_request_waits", here
    _mail(name, request, {"link": link}, to, counted_as=counted_as, is_withheld=not may_send)


def _linked(request: AccountRequest | None) -> AccountRequest:
    usable = request is not None and (
        request.state == State.WAITING or (request.state == State.UNCONFIRMED and request.expires_at > timezone.now())
    )
    if request is None or not usable or not request.organization.is_active:
        raise LinkInvalid("This link has been used or is too old. Sign up again to get a new one.")
    return request


def _undecided(request_id: UUID, by: Actor) -> AccountRequest:
    requests = AccountRequest.objects.of(by.organization_id).select_for_update(of=("self",))
    request = requests.filter(pk=request_id).exclude(state=State.UNCONFIRMED).first()
    if request is None:
        raise RequestUnknown("This request is no longer here. Reload the page.")
    if request.state != State.WAITING:
        raise RequestSettled(
            f"The request of {request} has been {State(request.state).label.lower()} by {request.settled_by} already."
        )
    return request


def _settle(request: AccountRequest, state: AccountRequest.State, by: Actor) -> None:
    request.state, request.settled_at, request.settled_by = state, timezone.now(), by.label[:320]
    request.save(update_fields=["state", "settled_at", "settled_by", "reason"])


def _owners() -> QuerySet[User]:
    """The accounts that have a request's address."""
    return User.objects.named(OuterRef("email_key"), OuterRef("organization_id"))


def _mail(template: str, request: AccountRequest, context: Mapping[str, Any], to: str = "", **counting: Any) -> None:
    context = {"asked": request, "organization": request.organization, **context}
    outbox.send(template, to=to or request.email, context=context, organization_id=request.organization_id, **counting)


def _tell(request: AccountRequest) -> None:
    """One mail for all that come within a quarter of an hour: while it has not left, nobody needs another."""
    now, addresses = timezone.now(), request_notifications.addresses(request.organization_id)
    link = f"{settings.BASE_URL}{reverse('settings:users')}#user-requests"
    context = {"asked": request, "organization": request.organization, "link": link}
    recent = Mail.objects.filter(
        organization_id=request.organization_id,
        name=NOTICE,
        to__in=addresses,
        created_at__gt=now - BETWEEN_NOTIFICATIONS,
    )
    latest = {mail.to: mail for mail in recent.order_by("id")}
    for address in addresses:
        last = latest.get(address)
        if last and last.due_at > now and last.state == Mail.State.WAITING and not last.attempts:
            continue
        mail = outbox.send(NOTICE, to=address, context=context, organization_id=request.organization_id)
        if last:
            mail.due_at = last.created_at + BETWEEN_NOTIFICATIONS
            mail.save(update_fields=["due_at"])
