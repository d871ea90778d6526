"""AuditEvent: one append-only line of an organization's history, which outlives what it tells of."""

from datetime import datetime
from typing import Any, NoReturn, Self
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models.expressions import RawSQL
from uuid_utils.compat import uuid7

from audit.actions import wording
from core.actors import Channel
from core.ids import first_id_at

# In the words of the index itself: with parameters, databases would not see that it serves.
OPERATORS = (Channel.OPERATOR.value, Channel.SUPPORT.value)
_BY_OPERATORS = f"channel IN ('{OPERATORS[0]}', '{OPERATORS[1]}')"

# How much later than an event's id, which is made first and has the time in it, its ``created_at`` can be.
_STALL_MS = 60_000


class AppendOnlyQuerySet(models.QuerySet["AuditEvent"]):
    """Events are read and added; nothing changes or deletes them."""

    def of(self, organization_id: UUID) -> Self:
        """The events of one organization."""
        return self.filter(organization_id=organization_id)

    def between(self, since: datetime | None, until: datetime | None) -> Self:
        """Those from a moment on, and before another; the bounds on ids are what the index serves."""
        found = self
        if since is not None:
            found = found.filter(id__gte=first_id_at(since, -_STALL_MS), created_at__gte=since)
        if until is not None:
            found = found.filter(id__lt=first_id_at(until, 1), created_at__lt=until)
        return found

    def of_operators(self) -> Self:
        """The events of operators, in all organizations: few of many, by an index that has no others."""
        return self.filter(RawSQL(_BY_OPERATORS, [], models.BooleanField()))  # noqa: S611

    def update(self, **kwargs: Any) -> NoReturn:
        raise TypeError("Audit events can't be changed.")

    def delete(self) -> NoReturn:
        raise TypeError("Audit events can't be deleted.")


class AuditEvent(models.Model):
    """What one actor did to one target.

    Refers to organization, actor and target by value (ids and labels), not by foreign key. ``changes`` maps a field to
    its [before, after]; secrets are masked before they get here. The keys are the labels as a search compares them. An
    action is free text to the database, so that a new one needs no migration.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization_id = models.UUIDField(editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    action = models.CharField(max_length=40)
    channel = models.CharField(max_length=10, choices=[(channel.value, channel.value) for channel in Channel])
    actor_id = models.UUIDField(null=True, editable=False)
    actor_label = models.CharField(max_length=320)
    actor_key = models.TextField(editable=False, default="")
    address = models.GenericIPAddressField(null=True)
    request_id = models.CharField(max_length=40, blank=True)
    target_type = models.CharField(max_length=40)
    target_id = models.CharField(max_length=40)
    target_label = models.CharField(max_length=320)
    target_key = models.TextField(editable=False, default="")
    changes = models.JSONField(default=dict, encoder=DjangoJSONEncoder)

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["organization_id", "id"], name="audit_by_organization"),
            models.Index(fields=["organization_id", "target_id", "id"], name="audit_by_target"),
            models.Index(fields=["organization_id", "action", "id"], name="audit_by_action"),
            models.Index(fields=["id"], name="audit_by_operators", condition=models.Q(channel__in=OPERATORS)),
        ]

    def __str__(self) -> str:
        return wording(self.action).format(actor=self.actor_label, target=self.target_label)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError("Audit events can't be deleted.")
