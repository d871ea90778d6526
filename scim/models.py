"""What SCIM keeps beside the resources: an organization's connection, its tokens, and the log of requests."""

from typing import Self

from django.db import models
from django.db.models import Q
from uuid_utils.compat import uuid7

from organizations.models import Organization
from organizations.tenancy import TenantModel, TenantQuerySet
from organizations.tokens import BearerToken, TokenQuerySet
from users.models import User


class IdentityProvider(models.TextChoices):
    """Who speaks SCIM with us, by the names that their admins know."""

    JUMPCLOUD = "jumpcloud", "JumpCloud"
    OKTA = "okta", "Okta"
    ENTRA = "entra", "Entra ID"
    ONELOGIN = "onelogin", "OneLogin"
    GOOGLE = "google", "Google Workspace"
    OTHER = "other", "Another identity provider"


class ConnectionQuerySet(TenantQuerySet["Connection"]):
    """Queries about connections."""

    def present(self) -> Self:
        """Those that were not removed."""
        return self.filter(removed_at=None)


class Connection(TenantModel):
    """One identity provider's SCIM set-up in an organization. Its tokens are valid only while ``enabled``.

    While it is ``strict``, what clients get wrong is refused rather than healed, see ``scim.protocol.quirks``. With
    ``secondary_addresses`` its people may have addresses of any domain beside those that stand for them. One that was
    removed is kept, turned off for good: the log and the history speak of it.
    """

    name = models.CharField(max_length=60, default="Default")
    identity_provider = models.CharField(
        max_length=10, choices=IdentityProvider, default=IdentityProvider.JUMPCLOUD, db_default="jumpcloud"
    )
    enabled = models.BooleanField("Enable SCIM", default=False)
    manage_admins = models.BooleanField("Let SCIM give and take the Admin role", default=False)
    groups_enabled = models.BooleanField("Groups", default=True)
    strict = models.BooleanField("Strict mode", default=False)
    secondary_addresses = models.BooleanField("Allow secondary addresses", default=False, db_default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    removed_at = models.DateTimeField(null=True, editable=False)

    objects = ConnectionQuerySet.as_manager()

    class Meta:
        ordering = ["created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "name"], condition=Q(removed_at=None), name="connection_name_once"
            )
        ]

    def __str__(self) -> str:
        return self.name


class Token(BearerToken):
    """A bearer token of a connection. ``warned_at_days`` says how long before its end its Admins were last told."""

    word = "smgr"

    connection = models.ForeignKey(Connection, models.CASCADE, related_name="tokens")
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+", editable=False)
    created_by_label = models.CharField(max_length=320, editable=False)
    warned_at_days = models.PositiveSmallIntegerField(null=True, editable=False)

    objects = TokenQuerySet["Token"].as_manager()

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["organization", "-created_at"], name="token_by_organization")]


class RequestLog(TenantModel):
    """One SCIM request and what became of it, without secrets.

    ``cause`` is the closed-list word behind the ``verdict`` and ``arguments`` the things it speaks of (``domain``,
    ``user``, ``user_id``); ``advice`` holds what was healed or dropped on the way. ``more`` counts the requests of the
    same minute that had no valid token either and got no row of their own, see ``scim.services.strangers``.
    Refers to the user touched by value, so that the row outlives the user. The database does not check its keys: the
    writer has just read them, and the checks would be a fifth of the cost of a row.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        Organization, models.CASCADE, related_name="+", db_constraint=False, db_index=False, editable=False
    )
    created_at = models.DateTimeField()
    request_id = models.CharField(max_length=40)
    method = models.CharField(max_length=10)
    path = models.CharField(max_length=2048)
    query = models.TextField(blank=True)
    status = models.PositiveSmallIntegerField()
    cause = models.CharField(max_length=40, blank=True)
    verdict = models.CharField(max_length=1000)
    advice = models.JSONField(default=list)
    arguments = models.JSONField(default=dict)
    more = models.PositiveIntegerField(default=0, db_default=0)
    duration_us = models.PositiveIntegerField(help_text="Microseconds")
    token = models.ForeignKey(
        Token, models.SET_NULL, null=True, related_name="+", db_constraint=False, db_index=False, editable=False
    )
    connection_id = models.UUIDField(null=True)
    token_label = models.CharField(max_length=40, help_text="The token's prefix, or what was wrong with it")
    client = models.CharField(max_length=200, blank=True)
    address = models.GenericIPAddressField(null=True)
    user_id = models.UUIDField(null=True)
    user_label = models.CharField(max_length=254, blank=True)

    objects = TenantQuerySet["RequestLog"].as_manager()

    class Meta:
        ordering = ["-id"]
        # Most requests have neither failed nor a cause nor a person, and cost the partial indexes nothing.
        indexes = [
            models.Index(fields=["organization", "-id"], name="request_log_by_organization"),
            models.Index(fields=["organization", "-id"], name="request_log_failures", condition=Q(status__gte=400)),
            models.Index(fields=["organization", "cause", "-id"], name="request_log_by_cause", condition=~Q(cause="")),
            models.Index(
                fields=["organization", "user_id", "-id"],
                name="request_log_by_user",
                condition=Q(user_id__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.path} → {self.status}"
