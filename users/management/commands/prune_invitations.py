"""Forget invitations that were accepted, revoked or expired more than 30 days ago; for a daily timer."""

from typing import Any

from django.core.management.base import BaseCommand

from users.services import invitations


class Command(BaseCommand):
    """``manage.py prune_invitations``."""

    help = "Forget invitations that were accepted, revoked or expired more than 30 days ago."

    def handle(self, *_arguments: Any, **_options: Any) -> None:
        self.stdout.write(f"{invitations.prune():,} invitations forgotten.")
