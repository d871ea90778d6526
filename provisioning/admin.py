"""SCIM connections with their tokens in the operators' admin."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import display, register
from django.db.models import QuerySet

from console.operator_admin import OperatorAdmin, moment_column
from provisioning.models import Connection, Token


@register(Connection)
class ConnectionAdmin(OperatorAdmin[Connection]):
    """The SCIM connections of all organizations, with their switches."""

    list_display = ("name", "tenant", "identity_provider", "enabled", "strict", "created", "removed")
    list_filter = ("identity_provider", "enabled", "strict")
    fields = (*list_display, "manage_admins", "groups_enabled", "secondary_addresses")
    created = moment_column("created_at", "Created")
    removed = moment_column("removed_at", "Removed")


@register(Token)
class TokenAdmin(OperatorAdmin[Token]):
    """The bearer tokens of connections by prefix and state; neither their digests nor the names people gave them."""

    list_display = ("prefix", "state", "tenant", "created", "ends", "revoked", "last_used")
    fields = list_display
    search_help_text = "The beginning of a token, such as smgr_a1b2c3, or the slug or id of an organization"
    created = moment_column("created_at", "Created")
    ends = moment_column("ends_at", "Ends")
    last_used = moment_column("last_used_at", "Last used")
    revoked = moment_column("revoked_at", "Revoked")

    def label(self, row: Any) -> str:
        """The prefix; ``str()`` has the name, too."""
        return f"Token {row.prefix}…"

    @display(description="State")
    def state(self, token: Token) -> str:
        """Whether it is valid, as far as the token itself decides."""
        if token.is_live:
            return "Valid"
        return "Revoked" if token.revoked_at else "Expired"

    def find(self, queryset: QuerySet[Token], term: str) -> QuerySet[Token]:
        """Find tokens by their exact prefix; of a whole token only that is looked at."""
        longest = len(Token.word) + 1 + 6
        return queryset.filter(prefix=term[:longest])
