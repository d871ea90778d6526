"""SCIM: the service provider that identity providers talk to (RFC 7643, RFC 7644)."""

from django.apps import AppConfig
from django.core import checks


class ScimConfig(AppConfig):
    name = "scim"
    verbose_name = "SCIM"

    def ready(self) -> None:
        from organizations import pages
        from scim import admin
        from scim.storage.resource_types import check_bindings

        pages.offer(admin.SCIM)
        pages.offer_pieces(admin.REQUESTS_OF_PERSON)
        checks.register(check_bindings)
