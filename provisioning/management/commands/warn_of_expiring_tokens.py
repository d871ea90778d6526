"""Mail the Admins about SCIM tokens that are about to expire; for a daily timer."""

from typing import Any

from organizations.management.base import HouseCommand, Report
from provisioning.services.connections import mails


class Command(HouseCommand):
    """``manage.py warn_of_expiring_tokens``."""

    help = "Mail each organization's Admins about its SCIM tokens that expire in 20, 7 or 1 days, once for each."

    def perform(self, **_options: Any) -> Report:
        """Put the mails into the outbox."""
        notified = mails.warn_of_expiring_tokens()
        return Report(f"Told of {notified:,} tokens.", {"notified": notified})
