"""AuditEvent: one append-only line of an organization's history; it survives everything that it tells of."""

from typing import Any, NoReturn

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from uuid_utils.compat import uuid7

from audit.actions import Action
from audit.actors import Door


class AppendOnlyQuerySet(models.QuerySet["AuditEvent"]):
    """Events are read and added; nothing changes or deletes them."""

    def update(self, **kwargs: Any) -> NoReturn:
        raise TypeError("Audit events can't be changed.")

    def delete(self) -> NoReturn:
        raise TypeError("Audit events can't be deleted.")


class AuditEvent(models.Model):
    """What one actor did to one target.

    Refers to organization, actor and target by value (ids and labels), not by foreign key. ``changes`` maps a field to
    its [before, after]; secrets are masked before they get here.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization_id = models.UUIDField(editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    action = models.CharField(max_length=40, choices=Action)
    door = models.CharField(max_length=10, choices=[(door.value, door.value) for door in Door])
    actor_id = models.UUIDField(null=True, editable=False)
    actor_label = models.CharField(max_length=320)
    address = models.GenericIPAddressField(null=True)
    request_id = models.CharField(max_length=40, blank=True)
    target_type = models.CharField(max_length=40)
    target_id = models.CharField(max_length=40)
    target_label = models.CharField(max_length=320)
    changes = models.JSONField(default=dict, encoder=DjangoJSONEncoder)

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["organization_id", "id"], name="audit_by_organization"),
            models.Index(fields=["organization_id", "target_id", "id"], name="audit_by_target"),
        ]

    def __str__(self) -> str:
        return Action(self.action).label.format(actor=self.actor_label, target=self.target_label)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError("Audit events can't be deleted.")
