"""What operators did, in the operators' admin."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import SimpleListFilter, display, register
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import mark_safe

from audit.actions import Action, wording
from audit.models import AuditEvent
from audit.views import changes
from console.operator_admin import OperatorAdmin, moment_column
from core.actors import Channel

# Targets whose labels are no names of people.
IMPERSONAL = frozenset({"connection", "domain", "formerslug", "mail", "organization"})


class SourceFilter(SimpleListFilter):
    """From outside of an organization, or inside it at its request."""

    title = "source"
    parameter_name = "channel"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The two channels of operators."""
        return [(Channel.OPERATOR, "Operator"), (Channel.SUPPORT, "Support")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The events of one, or of both."""
        return queryset.filter(channel=self.value()) if self.value() else queryset


@register(AuditEvent)
class AuditEventAdmin(OperatorAdmin[AuditEvent]):
    """The events of operators in all organizations, newest first."""

    list_display = ("event", "tenant", "source", "created")
    list_display_links = ("event",)
    list_filter = (SourceFilter,)
    lookups = ("organization_id", "target_id", "action")
    fields = ("event", "action", "tenant", "source", "created", "actor_label", "address", "request_id")
    personal_fields = ("target", "changed")
    created = moment_column("created_at", "Time")

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEvent]:
        """The events of operators only, which have an index of their own."""
        return AuditEvent.objects.of_operators()

    def label(self, row: Any) -> str:
        """The sentence, without a target that names a person."""
        return wording(row.action).format(actor=row.actor_label, target=self._target(row))

    @display(description="Event")
    def event(self, event: AuditEvent) -> str:
        """What happened, as far as that names nobody."""
        return self.label(event)

    @display(description="Source")
    def source(self, event: AuditEvent) -> str:
        """Outside of the organization, or inside it."""
        return event.channel.capitalize()

    @display(description="Target")
    def target(self, event: AuditEvent) -> str:
        """The whole label."""
        return event.target_label

    @display(description="Changes")
    def changed(self, event: AuditEvent) -> str:
        """The fields with what they were before."""
        lines = (
            (each.field, each.before.text or "nothing", each.after.text or "nothing") for each in self._lines(event)
        )
        return format_html_join(mark_safe("<br>"), "{}: {} → {}", lines) or "none"

    def is_personal(self, row: Any) -> bool:
        """Whether the target may name a person."""
        return row.target_type not in IMPERSONAL or row.action == Action.SUPPORT_VIEWED

    def _lines(self, event: AuditEvent) -> list[changes.FieldChange]:
        return changes.lines(event.changes)

    def _target(self, event: AuditEvent) -> str:
        if not self.is_personal(event):
            return event.target_label
        # What somebody searched for is in the query of an address.
        return event.target_label.partition("?")[0] if event.action == Action.SUPPORT_VIEWED else "(name hidden)"
