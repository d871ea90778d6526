"""Connection: one identity provider's SCIM set-up, with its bearer tokens."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.bearer_tokens import BearerToken, TokenQuerySet
from core.tenancy import TenantModel, TenantQuerySet
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

    While it is ``strict``, what clients get wrong is refused rather than tolerated, see ``scim.protocol.quirks``. With
    ``secondary_addresses`` its people may have addresses of any domain beside those that stand for them. Until
    ``details_until`` headers and bodies of its requests are kept. One that was removed is kept, turned off for good:
    the log and the history speak of it.
    """

    name = models.CharField(max_length=60, default="Default")
    identity_provider = models.CharField(max_length=10, choices=IdentityProvider, default=IdentityProvider.JUMPCLOUD)
    enabled = models.BooleanField("Enable SCIM", default=False)
    manage_admins = models.BooleanField("Let SCIM give and take the Admin role", default=False)
    groups_enabled = models.BooleanField("Groups", default=True)
    strict = models.BooleanField("Strict mode", default=False)
    secondary_addresses = models.BooleanField("Allow secondary addresses", default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    removed_at = models.DateTimeField(null=True, editable=False)
    details_until = models.DateTimeField(null=True, editable=False)

    objects = ConnectionQuerySet.as_manager()

    class Meta:
        ordering = ["created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "name"], condition=Q(removed_at=None), name="connection_name_once"
            )
        ]
        # Every process asks every half second which there are; mostly none.
        indexes = [
            models.Index(fields=["details_until"], name="connection_with_details", condition=~Q(details_until=None))
        ]

    @property
    def keeps_details(self) -> bool:
        """Whether additional logging is on, so that headers and bodies of its requests are kept."""
        return self.details_until is not None and self.details_until > timezone.now()

    def __str__(self) -> str:
        return self.name


class ConnectionTokens(TokenQuerySet["Token"]):
    """Queries about tokens of connections."""

    def live(self) -> Self:
        """Those that are neither revoked nor expired nor retired."""
        return super().live().filter(Q(retires_at=None) | Q(retires_at__gt=timezone.now()))


class Token(BearerToken):
    """A bearer token of a connection, known by a ``name`` that no other live one of the connection has.

    Once rotated it has a ``successor``; with ``retires_by_itself`` it is revoked when that one first gets something
    done, and from ``retires_at`` on it is not valid either. ``warned_at_days`` says how long before its end its Admins
    were last told. One that ``is_test`` was made for a test of the set-up and ends with it; nobody is told its text.
    """

    word = "smgr"
    LONGEST_NAME = 60

    name = models.CharField(max_length=LONGEST_NAME)
    connection = models.ForeignKey(Connection, models.CASCADE, related_name="tokens")
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+", editable=False)
    created_by_label = models.CharField(max_length=320, editable=False)
    warned_at_days = models.PositiveSmallIntegerField(null=True, editable=False)
    successor = models.ForeignKey("self", models.SET_NULL, null=True, related_name="+", editable=False)
    retires_by_itself = models.BooleanField(default=False, editable=False)
    retires_at = models.DateTimeField(null=True, editable=False)
    is_test = models.BooleanField(default=False, editable=False)

    objects = ConnectionTokens.as_manager()

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["organization", "-created_at"], name="token_by_organization")]

    def __str__(self) -> str:
        return f"'{self.name}' ({self.prefix}…)"

    @property
    def ends_at(self) -> datetime | None:
        """When it stops being valid by date; None if no date ends it."""
        return min((end for end in (self.expires_at, self.retires_at) if end is not None), default=None)

    @property
    def is_live(self) -> bool:
        """Whether it is neither revoked nor expired nor retired."""
        return self.revoked_at is None and (self.ends_at is None or self.ends_at > timezone.now())
