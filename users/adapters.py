"""What django-allauth asks us about accounts: who may enter where, and that nobody signs up through it."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):
    """Accounts are made by SCIM, by invitation or by an approved request, never by allauth's own sign-up."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Never."""
        return False
