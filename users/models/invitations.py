"""Invitations: who was asked to join, by whom, and with which role."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.addresses import readable
from core.tenancy import KeyField, TenantModel, TenantQuerySet
from organizations.models import Mail
from users.models.roles import Role


class InvitationQuerySet(TenantQuerySet["Invitation"]):
    """Queries about invitations."""

    def unanswered(self) -> Self:
        """Those that were neither accepted nor revoked; some of them have expired."""
        return self.filter(accepted_at=None, revoked_at=None)

    def listed(self) -> Self:
        """Those that somebody may want to do something about: the unanswered, and those that ended by themselves."""
        return self.filter(Q(revoked_at=None) | Q(ended_at__isnull=False), accepted_at=None)


class Invitation(TenantModel):
    """Somebody who was asked to come, and the role that waits for them.

    Of the link in the mail only the SHA-256 of its token is kept. ``sent_count`` counts the links so far, of which the
    last one works; it grows with every change that somebody may have missed. One whose inviter may no longer give the
    role is revoked, and has an ``ended_at`` until it is sent again, revoked by hand or its address invited anew.
    """

    email = models.CharField(max_length=254)
    email_key = KeyField(max_length=400, editable=False)
    search_key = KeyField(max_length=1000, editable=False, default="")
    role = models.ForeignKey(Role, models.PROTECT, related_name="invitations")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    invited_by = models.CharField(max_length=320)
    invited_by_id = models.UUIDField(null=True, editable=False)
    created_at = models.DateTimeField(editable=False)
    expires_at = models.DateTimeField()
    sent_count = models.PositiveIntegerField(default=1)
    last_sent_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)
    ended_at = models.DateTimeField(null=True, editable=False)
    mail = models.ForeignKey(Mail, models.SET_NULL, null=True, related_name="+")

    objects = InvitationQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["organization", "id"], name="invitation_by_organization")]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "email_key"],
                condition=Q(accepted_at=None, revoked_at=None),
                name="invited_once",
            )
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def readable_email(self) -> str:
        """The address with its domain as people write it."""
        return readable(self.email)

    @property
    def is_expired(self) -> bool:
        """Whether the link is too old."""
        return self.expires_at <= timezone.now()

    @property
    def is_open(self) -> bool:
        """Whether the link can still be used."""
        return self.accepted_at is None and self.revoked_at is None and not self.is_expired
