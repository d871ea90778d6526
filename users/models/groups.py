"""Group: a name, with its members as rows."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from core.tenancy import KeyField, TenantModel, TenantQuerySet
from organizations.models import Organization
from users.models.users import User


class Group(TenantModel):
    """A named set of users and of other groups, as the identity provider keeps it.

    ``document`` is the SCIM resource as compact JSON text without its members, which are rows of ``GroupMember``.
    ``version`` counts the changes of either.
    """

    display_name = models.CharField(max_length=256)
    display_name_key = KeyField(max_length=400, editable=False)
    external_id = KeyField(max_length=512, blank=True, default="")
    document = models.TextField(editable=False, default="")
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(editable=False)
    updated_at = models.DateTimeField(editable=False)

    objects = TenantQuerySet["Group"].as_manager()

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["organization", "id"], name="group_by_organization"),
            models.Index(fields=["organization", "external_id"], name="group_by_external_id"),
        ]
        constraints = [models.UniqueConstraint(fields=["organization", "display_name_key"], name="group_name_once")]

    def __str__(self) -> str:
        return self.display_name


class GroupMember(models.Model):
    """One direct member of a group: a user, or a group within it."""

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="+", db_index=False)
    group = models.ForeignKey(Group, models.CASCADE, related_name="members", db_index=False)
    user = models.ForeignKey(User, models.CASCADE, null=True, related_name="memberships")
    member_group = models.ForeignKey(Group, models.CASCADE, null=True, related_name="memberships")

    objects = TenantQuerySet["GroupMember"].as_manager()

    class Meta:
        indexes = [models.Index(fields=["group", "id"], name="group_member_in_order")]
        constraints = [
            models.UniqueConstraint(fields=["group", "user"], name="group_has_user_once"),
            models.UniqueConstraint(fields=["group", "member_group"], name="group_has_group_once"),
            models.CheckConstraint(
                condition=Q(user=None, member_group__isnull=False) | Q(user__isnull=False, member_group=None),
                name="group_member_is_one",
            ),
        ]

    def __str__(self) -> str:
        return str(self.user_id or self.member_group_id)
