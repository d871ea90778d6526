"""Send the mails that are due; for a timer, beside the server's own sending or instead of it."""

from typing import Any

from organizations.management.base import HouseCommand, Report
from organizations.models import Mail
from organizations.services import outbox


class Command(HouseCommand):
    """``manage.py send_mail``."""

    help = "Send the mails that wait in the outbox and are due, and forget those settled 30 days ago."

    def perform(self, **_options: Any) -> Report:
        """Deliver once."""
        sent = outbox.deliver()
        waiting = Mail.objects.filter(state=Mail.State.WAITING).count()
        return Report(f"{sent:,} sent, {waiting:,} waiting.", {"sent": sent, "waiting": waiting})
