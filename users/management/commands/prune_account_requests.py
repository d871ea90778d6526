"""``manage.py prune_account_requests``: delete unconfirmed or long settled account requests."""

from typing import Any

from organizations.management.base import HouseCommand, Report
from users.services import account_requests


class Command(HouseCommand):
    help = "Delete account requests that nobody confirmed within three days, and settled ones after 90 days."

    def perform(self, **_options: Any) -> Report:
        deleted = account_requests.prune()
        return Report(f"{deleted:,} requests deleted.", {"deleted": deleted})
