"""Account requests: the people who ask, and those who are mailed about them."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from core.tenancy import KeyField, TenantModel, TenantQuerySet
from users.models.users import User


class RequestNotification(TenantModel):
    """Somebody who is mailed when a person asks for an account, as long as they are active."""

    user = models.ForeignKey(User, models.CASCADE, related_name="request_notifications")

    objects = TenantQuerySet["RequestNotification"].as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["organization", "user"], name="request_notice_once")]

    def __str__(self) -> str:
        return str(self.user)


class AccountRequest(TenantModel):
    """Somebody asks for an account; ``token_digest`` is of the mailed link that proves the address.

    Nobody is bothered before it is proven. A request whose address has an account by now is closed without a write:
    see ``users.services.account_requests.waiting``. ``settled_by`` is the label of who decided.
    """

    class State(models.TextChoices):
        UNCONFIRMED = "unconfirmed", "Unconfirmed"
        WAITING = "waiting", "Waiting"
        APPROVED = "approved", "Approved"
        DECLINED = "declined", "Declined"

    name = models.CharField(max_length=120)
    name_key = KeyField(max_length=2000, editable=False, help_text="Name and address, for the pages' search.")
    email = models.EmailField(max_length=254)
    email_key = KeyField(max_length=400, editable=False)
    token_digest = models.CharField(max_length=64, unique=True, editable=False)
    state = models.CharField(max_length=12, choices=State, default=State.UNCONFIRMED)
    asked_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)
    settled_by = models.CharField(max_length=320, blank=True)
    reason = models.CharField(max_length=500, blank=True)

    objects = TenantQuerySet["AccountRequest"].as_manager()

    class Meta:
        ordering = ["confirmed_at", "id"]
        indexes = [models.Index(fields=["organization", "state", "confirmed_at", "id"], name="request_in_line")]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "email_key"],
                condition=Q(state__in=["unconfirmed", "waiting"]),
                name="open_request_once",
            )
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def display_name(self) -> str:
        """What pages call the person."""
        return self.name
