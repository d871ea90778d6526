"""By what a user came by the role."""

from django.db.models import TextChoices


class GivenBy(TextChoices):
    """What gave the role; ``scim.services.role_rules`` say what that means for the next change."""

    DEFAULT = "default", "Default role"
    RULE = "rule", "Role rule"
    PROVIDER = "provider", "Identity provider"
    HAND = "hand", "By hand"
