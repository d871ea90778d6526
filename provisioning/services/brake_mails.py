"""The mail to an organization's Admins while the mass-change brake holds."""

from __future__ import annotations

from django.conf import settings
from django.urls import reverse

from organizations.models import Organization
from provisioning.models import Brake
from provisioning.services.connections.mails import Link, tell


def provisioning_paused(brake: Brake) -> None:
    """Tell that so many people have gone that the brake holds the rest back."""
    organization = Organization.objects.get(pk=brake.organization_id)
    went = f"{brake.gone:,} of {brake.people:,} people"
    tell(
        organization,
        f"SCIM is held back in {organization}: {went} have gone within an hour",
        f"Your identity provider has suspended or deleted {went} within an hour, and one more would be more than "
        f"{brake.percent} percent. Whoever else it wants to suspend or delete stays until one of you decides. People "
        "still come and change as before.",
        "Look at who has gone and who would go. If that is right, release it: your identity provider sends again what "
        "was refused. If it is not, keep it held and stop the sync in your identity provider.",
        Link(
            "Settings > Users > Single Sign-On (SSO) > SCIM > Look at who would go",
            "Look at who would go",
            f"{settings.BASE_URL}{reverse('settings:scim-brake', args=[brake.connection_id])}",
        ),
    )
