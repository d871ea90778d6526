"""Where a user account came from, or its role."""

from django.db.models import TextChoices


class Source(TextChoices):
    """How a user came to be, and so who manages the profile."""

    MANUAL = "manual", "Manual"
    SCIM = "scim", "SCIM"
    REQUEST = "request", "Request"


class GivenBy(TextChoices):
    """What gave the role; ``provisioning.services.role_rules.rules`` say what that means for the next change."""

    DEFAULT = "default", "Default role"
    RULE = "rule", "Role rule"
    PROVIDER = "provider", "Identity provider"
    MANUAL = "manual", "By hand"
