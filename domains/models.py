"""Domain: an e-mail domain of an organization with its User requests checkmark."""

from typing import Any

from django.db import models
from django.db.models import Q

from core.addresses import readable_domain
from core.search_keys import searchable
from core.tenancy import KeyField, TenantModel, TenantQuerySet
from domains.dns_verification import Finding, draw, record_name, record_value


class VerificationMethod(models.TextChoices):
    """How the organization's hold on a domain was shown."""

    OPERATOR = "operator", "by operator"
    DNS = "dns", "by DNS record"


class Domain(TenantModel):
    """A domain in its canonical form (A-labels, lower case).

    ``user_requests`` is the checkmark: people of this domain may be provisioned and may ask for an account. It needs a
    verified domain, and a domain is verified in one organization only; the database holds to both.

    ``readable`` is the name as people write it. ``challenge`` is the token that a DNS record has to show, of this
    organization for this domain alone; it is no secret once it stands there. ``checked_at``, ``finding`` and ``found``
    tell of the last look for the record.
    """

    name = KeyField(max_length=253)
    readable = KeyField(max_length=253, editable=False)
    search_key = KeyField(max_length=1000, editable=False, default="")
    user_requests = models.BooleanField("User requests", default=False)
    verified_at = models.DateTimeField(null=True, blank=True)
    verified_by = models.CharField(max_length=10, choices=VerificationMethod, blank=True)
    challenge = models.CharField(max_length=64, default=draw, editable=False)
    checked_at = models.DateTimeField(null=True, editable=False)
    finding = models.CharField(max_length=20, choices=Finding, blank=True, editable=False)
    found = models.JSONField(default=list, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.CharField(max_length=320)

    objects = TenantQuerySet["Domain"].as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="domain_once_per_organization"),
            models.UniqueConstraint(
                fields=["name"], condition=Q(verified_at__isnull=False), name="domain_verified_in_one_organization"
            ),
            models.CheckConstraint(
                condition=Q(user_requests=False) | Q(verified_at__isnull=False), name="user_requests_need_verification"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.readable = readable_domain(self.name)
        self.search_key = searchable(self.readable, self.name)
        super().save(*args, **kwargs)

    @property
    def is_verified(self) -> bool:
        """Whether the organization has shown that the domain is its own."""
        return self.verified_at is not None

    @property
    def record_name(self) -> str:
        """Where the DNS record that proves the domain has to stand."""
        return record_name(self.name)

    @property
    def record_value(self) -> str:
        """What that record has to say."""
        return record_value(self.challenge)
