"""SCIM: the service provider that identity providers talk to (RFC 7643, RFC 7644)."""

from django.apps import AppConfig
from django.core import checks


class ScimConfig(AppConfig):
    name = "scim"
    verbose_name = "SCIM"

    def ready(self) -> None:
        from scim.storage.resource_types import check_bindings

        checks.register(check_bindings)
