"""Open invitations that end with their inviter's right to give the role.

Called by every verb that takes rights from users, in its transaction and after its own writes, see decision 46.
"""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.utils import timezone

from audit.actions import Action
from audit.services import trail
from core.actors import Actor
from organizations.services import outbox
from organizations.services.organizations import lock
from users.models import Invitation, Role
from users.services import authority
from users.services.authority import EDIT_USERS


def could_invite(role: Role | None) -> bool:
    """Whether users of a role may have invitations to end; those of most roles have none, which costs no statement."""
    return role is not None and EDIT_USERS in role.permissions


def end_invitations(*, by: Actor, inviter_ids: Collection[UUID] | None = None) -> int:
    """End the open invitations that their inviters may no longer give, with ``None`` of the whole organization.

    An inviter is judged by what the database says in this transaction. Locks the organization, as inviting and
    accepting do, so that neither goes on beside this. Their waiting mails are withdrawn. Returns how many ended.
    """
    lock(by.organization_id)
    now = timezone.now()
    found = Invitation.objects.of(by.organization_id).unanswered().filter(expires_at__gt=now)
    # Those without an inviter are the organization's.
    found = found.exclude(invited_by_id=None) if inviter_ids is None else found.filter(invited_by_id__in=inviter_ids)
    invitations = list(found.select_related("role").order_by("pk").select_for_update(of=("self",)))
    if not invitations:
        return 0
    makers = {invitation.invited_by_id for invitation in invitations if invitation.invited_by_id}
    inviters = authority.of_makers(makers, organization_id=by.organization_id)
    ended = [
        each for each in invitations if each.invited_by_id and not inviters[each.invited_by_id].may_invite_as(each.role)
    ]
    if not ended:
        return 0
    for invitation in ended:
        invitation.revoked_at = invitation.ended_at = now
    Invitation.objects.bulk_update(ended, ["revoked_at", "ended_at"], batch_size=1000)
    outbox.withdraw(*(invitation.mail_id for invitation in ended))
    events = ((invitation, {"inviter": [invitation.invited_by, None]}) for invitation in ended)
    trail.record_many(Action.INVITATION_ENDED, events, by=by)
    return len(ended)
