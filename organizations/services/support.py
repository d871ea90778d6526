"""Verbs on support: an organization asks for it, and operators look at it as long as it does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from audit.actions import Action
from audit.models import AuditEvent
from audit.services import trail
from core.actors import Actor
from core.parsing import id_of
from core.refusals import Refusal
from organizations.models import Organization, SupportAccess
from organizations.services.organizations import lock

LASTS = timedelta(days=7)

# A page that is opened again in the same visit is told of once in this time: some ask for news every few seconds.
RECORDED_AGAIN_AFTER = timedelta(minutes=10)


class SupportNotWanted(Refusal):
    """The organization has not asked for support, or no longer does."""

    code = "support-not-wanted"


@transaction.atomic
def request(wanted: bool, *, by: Actor) -> Organization:
    """Let operators look at the actor's organization for a week from now, or send them away at once."""
    organization = lock(by.organization_id)
    if organization.wants_support == wanted:
        return organization
    organization.support_until = timezone.now() + LASTS if wanted else None
    organization.save(update_fields=["support_until"])
    changes = {"request support": [not wanted, wanted]}
    trail.record(Action.SUPPORT_REQUESTED if wanted else Action.SUPPORT_ENDED, organization, changes, by=by)
    if not wanted:
        SupportAccess.objects.of(organization.pk).open().update(left_at=timezone.now())
    return organization


@transaction.atomic
def enter(*, operator: str, by: Actor) -> SupportAccess:
    """Let an operator begin to look at the actor's organization. Raises SupportNotWanted."""
    organization = lock(by.organization_id)
    if not organization.wants_support:
        raise SupportNotWanted(f"{organization} has not asked for support. One of its Admins turns on Request support.")
    if not organization.is_active:
        raise SupportNotWanted(f"{organization} is suspended. Reactivate it first.")
    assert by.user_id is not None  # noqa: S101  (operators are people with an account)
    support_access = SupportAccess.objects.create(
        organization=organization, operator_id=by.user_id, operator_label=operator
    )
    trail.record(Action.SUPPORT_ENTERED, organization, by=by)
    return support_access


@transaction.atomic
def leave(support_access: SupportAccess, *, by: Actor) -> None:
    """End a visit; nothing happens if it has ended."""
    if SupportAccess.objects.of(by.organization_id).open().filter(pk=support_access.pk).update(left_at=timezone.now()):
        trail.record(Action.SUPPORT_LEFT, support_access.organization, by=by)


def current(support_access_id: str, *, operator_id: UUID) -> SupportAccess | None:
    """An operator's visit that goes on: not left, still wanted, and the organization is not suspended."""
    found = id_of(support_access_id)
    if found is None:
        return None
    open_ones = SupportAccess.objects.open().filter(pk=found, operator_id=operator_id)
    support_access = open_ones.select_related("organization").first()
    if (
        support_access is None
        or not support_access.organization.wants_support
        or not support_access.organization.is_active
    ):
        return None
    return support_access


def operators_present(organization: Organization) -> Sequence[SupportAccess]:
    """The operators who look at an organization now; one who came without end counts until support has ended."""
    if not organization.wants_support:
        return ()
    since = organization.support_until - LASTS if organization.support_until else None
    return list(SupportAccess.objects.of(organization.pk).open().filter(entered_at__gte=since).order_by("entered_at"))


@transaction.atomic
def tell_of(support_access: SupportAccess, address: str, *, by: Actor) -> None:
    """Keep in the trail that a page was looked at."""
    _record_view(support_access, address, by)


@transaction.atomic
def record_view(address: str, *, by: Actor) -> None:
    """Keep in the trail that an operator opened a page of the operators' admin with names or addresses of people."""
    _record_view(Organization(pk=by.organization_id), address, by)


def _record_view(target: SupportAccess | Organization, address: str, by: Actor) -> None:
    label = address[:320]
    recently = AuditEvent.objects.of(by.organization_id).filter(
        actor_id=by.user_id,
        target_id=str(target.pk),
        target_label=label,
        created_at__gt=timezone.now() - RECORDED_AGAIN_AFTER,
    )
    if not recently.exists():
        trail.record(Action.SUPPORT_VIEWED, target, by=by, label=label)
