"""Role: what its users may do, built-in or the organization's own."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import models
from django.db.models import Q

from core.tenancy import KeyField, TenantModel, TenantQuerySet
from users.permissions import OPTIONAL, PRIVILEGES, Area, BuiltIn, Level, levels_of, permissions_of


class Role(TenantModel):
    """What its users may do.

    ``key`` ties a built-in role to the table of rights. A role of the organization's own has none, and its ``rights``
    instead: words such as ``users.view domains.edit``. ``version`` counts the changes of name and rights. Where there
    is a ``former_name``, the profiles of its people may still say that one, unless their ids are up to ``reached``.
    """

    key = models.CharField(max_length=20, choices=[(key.value, key.value) for key in BuiltIn], blank=True)
    rights = models.CharField(max_length=200, blank=True, default="")
    name = models.CharField(max_length=60)
    name_key = KeyField(max_length=60, editable=False)
    is_default = models.BooleanField(default=False)
    is_enabled = models.BooleanField(default=True)
    version = models.PositiveIntegerField(default=1, editable=False)
    former_name = models.CharField(max_length=60, blank=True, default="", editable=False)
    reached = models.UUIDField(null=True, editable=False)

    objects = TenantQuerySet["Role"].as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "key"], condition=~Q(key=""), name="role_key_once"),
            models.UniqueConstraint(fields=["organization", "name_key"], name="role_name_once"),
            models.UniqueConstraint(fields=["organization"], condition=Q(is_default=True), name="one_default_role"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_admin(self) -> bool:
        """Whether this is the role that may do everything."""
        return self.key == BuiltIn.ADMIN

    @property
    def is_built_in(self) -> bool:
        """Whether every organization has this role, so that it is neither changed nor deleted."""
        return bool(self.key)

    @property
    def is_optional(self) -> bool:
        """Whether it can be switched off."""
        return self.key in OPTIONAL

    @property
    def levels(self) -> Mapping[Area, Level]:
        """How far it goes in each area; an area that is not there is closed."""
        return levels_of(self.key, self.rights)

    @property
    def permissions(self) -> frozenset[str]:
        """The permission codes that it grants."""
        return permissions_of(self.key, self.rights)

    @property
    def is_privileged(self) -> bool:
        """Whether its users may change who may do what: they edit users, roles or the sign-in."""
        return not self.permissions.isdisjoint(PRIVILEGES)
