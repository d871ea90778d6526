"""Domains in the operators' admin."""

from __future__ import annotations

from django.contrib.admin import EmptyFieldListFilter, register
from django.db.models import QuerySet

from console.operator_admin import OperatorAdmin, moment_column
from domains import services
from domains.models import Domain


@register(Domain)
class DomainAdmin(OperatorAdmin[Domain]):
    """The e-mail domains of all organizations; an organization's page vouches for one."""

    list_display = ("name", "tenant", "verified", "verified_by", "user_requests", "added")
    list_filter = (("verified_at", EmptyFieldListFilter), "user_requests")
    fields = ("readable", *list_display)
    personal_fields = ("created_by",)
    search_help_text = "A domain, or the slug or id of an organization"
    added = moment_column("created_at", "Added")
    verified = moment_column("verified_at", "Verified")

    def find(self, queryset: QuerySet[Domain], term: str) -> QuerySet[Domain]:
        """Find domains by a part of their names, as people or as DNS write them."""
        return services.named_like(queryset, term)
