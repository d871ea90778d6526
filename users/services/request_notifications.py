"""Verbs on the recipients of account request notifications: add, remove, list."""

from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from audit.actions import Action
from audit.services import trail
from core.actors import Actor
from core.refusals import Refusal
from organizations.services.organizations import lock
from users.models import RequestNotification, User
from users.services import accounts

# Every request is a mail to each of them.
MOST = 50


class NotificationsFull(Refusal):
    """So many are mailed already that nobody may be added."""

    code = "notices-full"


class NotMailed(Refusal):
    """Somebody who is suspended can't be added."""

    code = "not-mailed"


def listed(organization_id: UUID) -> QuerySet[User]:
    """The people on the list, by name; those who are suspended stay on it."""
    people = User.objects.of(organization_id).filter(request_notifications__isnull=False)
    return people.order_by("name_key", "id")


def addresses(organization_id: UUID) -> list[str]:
    """Whom a mail about a request goes to: the active people on the list, or if there is none all active Admins."""
    people = User.objects.of(organization_id).exclude(email="").order_by("id")
    on_list = list(listed(organization_id).filter(is_active=True).exclude(email="").values_list("email", flat=True))
    return on_list or list(people.active_admins().values_list("email", flat=True))


@transaction.atomic
def add(user_id: UUID, *, by: Actor) -> tuple[User, bool]:
    """Put a person on the list; returns whether that was news.

    Raises UserUnknown, NotMailed for who is suspended, and NoticesFull.
    """
    user = accounts.find(user_id, organization_id=by.organization_id)
    lock(by.organization_id)
    notices = RequestNotification.objects.of(by.organization_id)
    if notices.filter(user=user).exists():
        return user, False
    if not user.is_active:
        raise NotMailed(f"{user} is suspended and would get no mail. Restore them first, then add them.")
    if notices.count() >= MOST:
        raise NotificationsFull(f"At most {MOST} people are mailed about each request. Remove somebody first.")
    RequestNotification.objects.create(organization_id=by.organization_id, user=user)
    trail.record(Action.REQUEST_NOTIFICATION_ADDED, user, by=by)
    return user, True


@transaction.atomic
def remove(user_id: UUID, *, by: Actor) -> tuple[User, bool]:
    """Take a person off the list; returns whether that was news. Raises UserUnknown."""
    user = accounts.find(user_id, organization_id=by.organization_id)
    gone, _rows = RequestNotification.objects.of(by.organization_id).filter(user=user).delete()
    if gone:
        trail.record(Action.REQUEST_NOTIFICATION_REMOVED, user, by=by)
    return user, bool(gone)
