"""Domain: an e-mail domain of an organization with its User requests checkmark."""

from django.db import models
from django.db.models import Q

from organizations.tenancy import KeyField, TenantModel, TenantQuerySet


class Proof(models.TextChoices):
    """How the organization's hold on a domain was shown."""

    OPERATOR = "operator", "by operator"
    DNS = "dns", "by DNS record"


class Domain(TenantModel):
    """A domain in its canonical form (A-labels, lower case).

    ``user_requests`` is the checkmark: people of this domain may be provisioned and may ask for an account. It needs a
    verified domain, and a domain is verified in one organization only; the database holds to both.
    """

    name = KeyField(max_length=253)
    user_requests = models.BooleanField("User requests", default=False)
    verified_at = models.DateTimeField(null=True, blank=True)
    proof = models.CharField(max_length=10, choices=Proof, blank=True)
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

    @property
    def is_verified(self) -> bool:
        """Whether the organization has shown that the domain is its own."""
        return self.verified_at is not None
