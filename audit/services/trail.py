"""The one way into the audit trail: record() what was done, inside the transaction that does it."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import models

from audit.actions import Action
from audit.models import AuditEvent
from core import sql
from core.actors import Actor
from core.search_keys import searchable

MASK = "••••••"
SECRET_WORDS = ("password", "token", "secret", "digest")

Changes = Mapping[str, tuple[Any, Any] | list[Any]]


def record(action: Action, target: models.Model, changes: Changes | None = None, *, by: Actor, label: str = "") -> None:
    """Add one event about ``target``; ``label`` replaces its own text where that alone would say too little."""
    sql.run(recording(action, target, changes, by=by, label=label))


def recording(
    action: Action, target: models.Model, changes: Changes | None = None, *, by: Actor, label: str = ""
) -> list[sql.Change]:
    """What adds that event, to be run together with what it tells of."""
    return sql.inserting(AuditEvent, [_event(action, target, changes or {}, by, label)])


def record_many(action: Action, targets: Iterable[tuple[models.Model, Changes]], *, by: Actor) -> None:
    """Add one event about each target and its changes, all in one statement."""
    sql.insert(AuditEvent, [_event(action, target, changes, by) for target, changes in targets])


def _event(action: Action, target: models.Model, changes: Changes, by: Actor, label: str = "") -> AuditEvent:
    return AuditEvent(
        organization_id=by.organization_id,
        action=action,
        channel=by.channel,
        actor_id=by.user_id,
        actor_label=by.label[:320],
        actor_key=searchable(by.label[:320], by.name[:320]),
        target_key=searchable((label or str(target))[:320], _name_of(target)),
        address=by.address or None,
        request_id=by.request_id,
        target_type=target._meta.model_name or "",
        target_id=str(target.pk),
        target_label=(label or str(target))[:320],
        changes={field: _masked(field, change) for field, change in changes.items()},
    )


def _name_of(target: models.Model) -> str:
    """What pages call somebody whose label is an address; empty where the label is all there is."""
    return str(getattr(target, "display_name", ""))[:320]


def _masked(field: str, change: tuple[Any, Any] | list[Any]) -> list[Any]:
    return [value and MASK for value in change] if is_masked(field) else list(change)


def is_masked(field: str) -> bool:
    """Whether events keep of a field only that it changed, because its name sounds like a secret."""
    return any(word in field.lower() for word in SECRET_WORDS)
