"""Verbs on invitations: invite, send again, revoke, accept.

Whoever has the link of the mail makes the account.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from audit.actions import Action
from audit.services import trail
from core import sql
from core.actors import Actor
from core.addresses import AddressError, check_mailable, in_both_spellings, respelled
from core.bearer_tokens import digest
from core.refusals import Kind, Refusal, StaleVersion
from organizations.models import Mail, Organization
from organizations.services import outbox
from organizations.services.organizations import lock
from users.models import Invitation, Role, Source, User
from users.profile import search_key_of
from users.services import accounts, authority, roles
from users.services.user_sql import holders

VALID = timedelta(days=7)
KEPT = timedelta(days=30)

MAIL = "invitation"

_SENT_AGAIN = (
    *("sent_count", "last_sent_at", "expires_at", "digest", "mail"),
    *("invited_by", "invited_by_id", "revoked_at", "ended_at"),
)

# Longer than anything but an id in an address, so that no log shows it.
_TOKEN_BYTES = 32


class InvitationUnknown(Refusal):
    """No such invitation in this organization."""

    code = "invitation-unknown"
    kind = Kind.UNKNOWN


class InvitationOver(Refusal):
    """The invitation has been accepted, revoked or has expired, or its organization is held."""

    code = "invitation-over"


class HasAccount(Refusal):
    """Who was invited has an account already."""

    code = "has-account"


class TooManyMails(Refusal):
    """The organization would send more invitations within a day than it may."""

    code = "too-many-mails"


@dataclass(frozen=True, slots=True)
class Known:
    """An address that needs no invitation: the person who has it, or the invitation that is open."""

    address: str
    user_id: UUID | None
    invitation: Invitation | None


@dataclass(slots=True)
class InvitationsOutcome:
    """What became of addresses: who was invited, who was known, and what mail can't be sent to, with the reason."""

    invited: list[Invitation] = field(default_factory=list)
    known: list[Known] = field(default_factory=list)
    malformed: list[tuple[str, str]] = field(default_factory=list)


@transaction.atomic
def invite(addresses: Iterable[str], *, role: Role, by: Actor) -> InvitationsOutcome:
    """Invite everybody whose address is one, and whom the organization does not know; of any domain.

    Costs as many statements for five hundred as for one. Raises TooManyMails, BeyondOwnRights, ReauthenticationRequired
    and ``roles.RoleUnknown``, and then nobody is invited.
    """
    outcome = InvitationsOutcome()
    wanted = _checked(addresses, outcome)
    roles.lock_role(role, by=by)
    # Before the rights are asked, so that whoever takes them meanwhile is waited for, or finds what was invited.
    organization = lock(by.organization_id)
    authority.of_actor(by).require_invite_as(role)
    authority.require_reauthentication(role, by=by)
    people = {
        key: user_id
        for user_id, _name, *keys, _managed_by, _external_id in holders(wanted, (), by.organization_id)
        for key in keys
    }
    present = Invitation.objects.of(by.organization_id).listed().filter(email_key__in=list(wanted))
    present.filter(Q(expires_at__lte=timezone.now()) | Q(ended_at__isnull=False)).delete()
    invited = {invitation.email_key: invitation for invitation in present}
    new_users = {}
    for key, address in wanted.items():
        if key in people or key in invited:
            outcome.known.append(Known(address, people.get(key), invited.get(key)))
        else:
            new_users[key] = address
    if new_users:
        _refuse_too_many(len(new_users), by)
        outcome.invited = _add(new_users, organization, role, by)
    return outcome


def _checked(addresses: Iterable[str], outcome: InvitationsOutcome) -> dict[str, str]:
    """The addresses that mail can be sent to, by their canonical forms."""
    wanted: dict[str, str] = {}
    for address in addresses:
        try:
            wanted.setdefault(check_mailable(address), respelled(address))
        except AddressError as error:
            outcome.malformed.append((address, str(error)))
    return wanted


def _add(new_users: Mapping[str, str], organization: Organization, role: Role, by: Actor) -> list[Invitation]:
    now = timezone.now()
    invitations = [
        Invitation(
            organization=organization,
            email=address,
            email_key=key,
            search_key=search_key_of(key),
            role=role,
            invited_by=by.label[:320],
            invited_by_id=by.user_id,
            created_at=now,
            expires_at=now + VALID,
            last_sent_at=now,
        )
        for key, address in new_users.items()
    ]
    _mail(invitations, organization, by)
    sql.insert(Invitation, invitations)
    events = ((invitation, {"role": (None, role.name)}) for invitation in invitations)
    trail.record_many(Action.INVITATION_SENT, events, by=by)
    return invitations


@transaction.atomic
def resend(invitation_id: UUID, *, expected_version: int, by: Actor) -> Invitation:
    """Mail a new link, valid from now on, in place of the former one; the invitation is the actor's from then on.

    One that has ended since its inviter may no longer give the role is open again. ``expected_version`` is the
    ``sent_count`` that whoever asks has seen. Raises InvitationUnknown, InvitationOver, HasAccount, StaleVersion,
    TooManyMails, BeyondOwnRights, ReauthenticationRequired and ``roles.RoleUnknown``.
    """
    known = Invitation.objects.of(by.organization_id).select_related("role").filter(pk=invitation_id).first()
    if known is not None:
        # The role before the organization, as everywhere.
        roles.lock_role(known.role, by=by)
    organization = lock(by.organization_id)
    invitation = _find(invitation_id, by)
    _refuse_changed(invitation, expected_version)
    authority.of_actor(by).require_invite_as(invitation.role)
    authority.require_reauthentication(invitation.role, by=by)
    if account_of(invitation) is not None:
        raise HasAccount(f"{invitation} has an account meanwhile, so there is nothing to accept.")
    _refuse_too_many(1, by)
    outbox.withdraw(invitation.mail_id)
    before, now = invitation.expires_at, timezone.now()
    invitation.sent_count += 1
    invitation.last_sent_at, invitation.expires_at = now, now + VALID
    former_inviter = invitation.invited_by
    invitation.invited_by, invitation.invited_by_id = by.label[:320], by.user_id
    invitation.revoked_at = invitation.ended_at = None
    _mail([invitation], organization, by)
    invitation.save(update_fields=_SENT_AGAIN)
    changes = {"expires at": (before.isoformat(), invitation.expires_at.isoformat())}
    if invitation.invited_by != former_inviter:
        changes["inviter"] = (former_inviter, invitation.invited_by)
    trail.record(Action.INVITATION_SENT_AGAIN, invitation, changes, by=by)
    return invitation


@transaction.atomic
def revoke(invitation_id: UUID, *, expected_version: int, by: Actor) -> tuple[Invitation, bool]:
    """Let the link of an invitation open nothing any more; the invitation, and whether that was not so already.

    Raises InvitationUnknown, InvitationOver, StaleVersion.
    """
    invitation = _find(invitation_id, by)
    if invitation.revoked_at is not None and invitation.ended_at is None:
        return invitation, False
    _refuse_changed(invitation, expected_version)
    invitation.revoked_at, invitation.ended_at = timezone.now(), None
    invitation.save(update_fields=["revoked_at", "ended_at"])
    outbox.withdraw(invitation.mail_id)
    trail.record(Action.INVITATION_REVOKED, invitation, by=by)
    return invitation, True


def invitation_for(token: str) -> Invitation:
    """The invitation that a link opens. Raises InvitationUnknown, InvitationOver, HasAccount."""
    invitation = _named(token)
    if not (invitation.is_open and invitation.organization.is_active and _is_backed(invitation)):
        raise InvitationOver("This invitation can't be used any more.")
    if account_of(invitation) is not None:
        raise HasAccount("This invitation is not needed any more.")
    return invitation


def _named(token: str) -> Invitation:
    """The invitation of a link, whatever has become of it. Raises InvitationUnknown."""
    invitation = Invitation.objects.select_related("organization", "role").filter(digest=digest(token)).first()
    if invitation is None:
        raise InvitationUnknown("There is no such invitation.")
    return invitation


def _is_backed(invitation: Invitation) -> bool:
    """Whether the inviter may still give the role; a command, which is no person, has invited for the organization."""
    inviter = authority.of_maker(invitation.invited_by_id, organization_id=invitation.organization_id)
    return inviter.may_invite_as(invitation.role)


@transaction.atomic
def accept(token: str, *, name: str, password: str, by: Actor) -> User:
    """Make the account that waits behind a link.

    Raises what ``invitation_for`` does; of two who accept at once, one gets InvitationOver. Whoever takes the inviter's
    rights at the same moment comes before or after, for both lock the organization, and after the role.
    """
    # It is judged below, where nobody can accept it between one of its rules and the next.
    _lock_role(_named(token), by)
    lock(by.organization_id)
    # Whoever waits here reads the row as the other one has left it.
    Invitation.objects.of(by.organization_id).select_for_update().filter(digest=digest(token)).first()
    invitation = invitation_for(token)
    profile = {"userName": invitation.email, "displayName": name, "name": {"formatted": name}}
    try:
        new = accounts.NewUser(profile, invitation.role, Source.MANUAL, password=password, outsider=True)
        user = accounts.create(new, by=by)
    except accounts.NameTaken:
        raise HasAccount("This invitation is not needed any more.") from None
    invitation.accepted_at = timezone.now()
    invitation.save(update_fields=["accepted_at"])
    trail.record(Action.INVITATION_ACCEPTED, invitation, by=by)
    return user


def _lock_role(invitation: Invitation, by: Actor) -> None:
    try:
        roles.lock_role(invitation.role, by=by)
    except roles.RoleUnknown:
        raise InvitationOver("This invitation can't be used any more.") from None


def account_of(invitation: Invitation) -> User | None:
    """Who has the address of an invitation as userName or e-mail address by now."""
    return User.objects.known_as(invitation.organization_id, invitation.email)


def accounts_of(invitations: Sequence[Invitation], *, organization_id: UUID) -> dict[str, UUID]:
    """The people who have the addresses of invitations by now: canonical address to id."""
    wanted = [invitation.email_key for invitation in invitations]
    return {
        key: user_id
        for user_id, _name, *keys, _managed_by, _external_id in holders(wanted, (), organization_id)
        for key in keys
    }


def prune() -> int:
    """Forget invitations that were accepted, revoked or expired long ago; returns how many."""
    long_ago = timezone.now() - KEPT
    over = Q(accepted_at__lt=long_ago) | Q(revoked_at__lt=long_ago) | Q(expires_at__lt=long_ago)
    return Invitation.objects.filter(over).delete()[0]


def _find(invitation_id: UUID, by: Actor) -> Invitation:
    found = Invitation.objects.of(by.organization_id).select_for_update(of=("self",)).select_related("role")
    invitation = found.filter(pk=invitation_id).first()
    if invitation is None:
        raise InvitationUnknown("This invitation is no longer here. Reload the page.")
    return invitation


def _refuse_changed(invitation: Invitation, expected_version: int) -> None:
    if invitation.accepted_at is not None:
        raise InvitationOver(f"{invitation} has accepted the invitation and is a user now.")
    if invitation.revoked_at is not None and invitation.ended_at is None:
        raise InvitationOver(f"The invitation of {invitation} has been revoked. Invite the address anew.")
    if invitation.sent_count != expected_version:
        raise StaleVersion(
            f"The invitation of {invitation} has been sent again since you opened the page. Look at what is new, then "
            "try again."
        )


def _refuse_too_many(more: int, by: Actor) -> None:
    day_ago = timezone.now() - timedelta(days=1)
    sent = Mail.objects.filter(organization_id=by.organization_id, name=MAIL, created_at__gt=day_ago).count()
    left = max(settings.INVITATION_MAILS_PER_DAY - sent, 0)
    if more > left:
        raise TooManyMails(
            f"An organization can send {settings.INVITATION_MAILS_PER_DAY:,} invitations within 24 hours, and {left:,} "
            f"{'is' if left == 1 else 'are'} left. Nothing was sent. Invite fewer people, or go on tomorrow."
        )


def _mail(invitations: Sequence[Invitation], organization: Organization, by: Actor) -> None:
    """Give invitations new links, and put those into the outbox; they are kept nowhere else."""
    letters = []
    for invitation in invitations:
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        invitation.digest = digest(token)
        context = {
            "organization": organization.name,
            "inviter": by.label,
            "role": invitation.role.name,
            "email": in_both_spellings(invitation.email),
            "expires": invitation.expires_at,
            "link": settings.BASE_URL + reverse("invitation", args=[token]),
        }
        letters.append((invitation.email, context))
    mails = outbox.send_many(MAIL, letters, organization_id=organization.pk)
    for invitation, mail in zip(invitations, mails, strict=True):
        invitation.mail = mail
