"""One verb for several people: each is all or nothing, and what became of each is reported."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from django.db import transaction

from audit.actions import Action
from audit.models import AuditEvent
from core.actors import Actor
from core.refusals import Refusal, StaleVersion
from users.models import Role, User
from users.services import accounts, authority, roles
from users.services.authority import Authority, BeyondOwnRights


class Verb(StrEnum):
    """What can be done to several people at once."""

    SUSPEND = "suspend"
    RESTORE = "restore"
    REMOVE = "remove"
    GIVE_ROLE = "role"
    ALLOW_RESET = "allow-reset"


@dataclass(frozen=True, slots=True)
class Chosen:
    """A person as somebody has seen them: in the state of that version."""

    user_id: UUID
    version: int


@dataclass(slots=True)
class ActionReport:
    """What became of the people: who was changed, who was so already, and why others (``left``) were refused."""

    done: list[str] = field(default_factory=list)
    already: list[str] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    left: list[UUID] = field(default_factory=list)

    @property
    def count(self) -> int:
        """Of how many it tells."""
        return len(self.done) + len(self.already) + len(self.refused)


def apply(verb: Verb, chosen: Iterable[Chosen], *, role: Role | None = None, by: Actor) -> ActionReport:
    """Apply a verb to people; GIVE_ROLE gives ``role``. A refusal of one leaves the others alone.

    Who is in the wanted state already is left as they are, whatever version was seen, and nobody is changed whose role,
    or given one that, may do more than the actor's. Each is a transaction of its own. Raises ReauthenticationRequired,
    before any.
    """
    wanted = list(dict.fromkeys(chosen))
    # Who lets a suspended Admin in again makes one.
    coming_back = _roles(wanted, by) if verb is Verb.RESTORE and not by.is_reauthenticated else []
    authority.require_reauthentication(role, *coming_back, by=by)
    report = ActionReport()
    for each in wanted:
        try:
            changed, label = _apply_to_one(verb, each, role, by)
        except Refusal as refusal:
            report.refused.append(refusal)
            report.left.append(each.user_id)
        else:
            (report.done if changed else report.already).append(label)
    return report


@transaction.atomic
def _apply_to_one(verb: Verb, each: Chosen, role: Role | None, by: Actor) -> tuple[bool, str]:
    if role is not None:
        roles.lock_role(role, by=by)
    try:
        user = accounts.find(each.user_id, organization_id=by.organization_id)
    except accounts.UserUnknown:
        removed = _removed(each.user_id, by) if verb is Verb.REMOVE else ""
        if removed:
            return False, removed
        raise
    if _is_so(verb, user, role):
        return False, str(user)
    if user.version != each.version:
        raise StaleVersion(
            f"{user} has been changed by somebody else since you opened the page. Look at what is new, then try again."
        )
    _stay_within(authority.of_actor(by), user, role)
    match verb:
        case Verb.SUSPEND | Verb.RESTORE:
            accounts.set_active(user.pk, verb is Verb.RESTORE, by=by)
        case Verb.REMOVE:
            accounts.delete(user, by=by)
        case Verb.GIVE_ROLE if role:
            accounts.change_role(user.pk, role, by=by)
        case Verb.ALLOW_RESET:
            accounts.allow_password_reset(user, by=by)
    return True, str(user)


def _roles(chosen: Iterable[Chosen], by: Actor) -> list[Role]:
    people = User.objects.of(by.organization_id).filter(pk__in=[each.user_id for each in chosen])
    return list(Role.objects.of(by.organization_id).filter(pk__in=people.order_by().values("role")))


def _stay_within(reach: Authority, user: User, role: Role | None) -> None:
    reach.require_edit_users()
    if not reach.covers(user.role):
        raise BeyondOwnRights(
            f"{user} has the role {user.role}, which may do more than yours. Ask an Admin of your organization."
        )
    if role is not None:
        reach.require(role)


def _is_so(verb: Verb, user: User, role: Role | None) -> bool:
    match verb:
        case Verb.SUSPEND | Verb.RESTORE:
            return user.is_active is (verb is Verb.RESTORE)
        case Verb.GIVE_ROLE:
            return user.role == role
        case Verb.ALLOW_RESET:
            return not user.is_password_reset_blocked
    return False


def _removed(user_id: UUID, by: Actor) -> str:
    """What somebody was called who has been removed; empty for everybody else."""
    events = AuditEvent.objects.of(by.organization_id).filter(target_id=str(user_id), action=Action.USER_DELETED)
    return events.values_list("target_label", flat=True).first() or ""
