"""What makes a table a tenant's: the foreign key, the id, queries that start from the organization."""

from typing import Any, Self, TypeVar
from uuid import UUID

from django.db import models
from uuid_utils.compat import uuid7

from core import dialects

Row = TypeVar("Row", bound=models.Model)


class TenantQuerySet(models.QuerySet[Row]):
    """A query set whose first step is always the organization."""

    def of(self, organization_id: UUID) -> Self:
        """The rows of one organization; what another one owns does not exist here."""
        return self.filter(organization_id=organization_id)


class KeyField(models.CharField[Any, Any]):
    """A normalised text column, compared and sorted by code point on every database.

    PostgreSQL needs ``COLLATE "C"`` for that (and so that a range on the index serves ``starts with``); SQLite's
    default is the same.
    """

    def db_parameters(self, connection: Any) -> dict[str, Any]:
        parameters = super().db_parameters(connection)
        return {**parameters, "collation": dialects.of(connection).collation}


class TenantModel(models.Model):
    """A row that belongs to one organization. Its indexes lead with the organization, so the key alone needs none."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        "organizations.Organization", models.CASCADE, related_name="+", db_index=False, editable=False
    )

    class Meta:
        abstract = True
