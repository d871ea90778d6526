"""SCIM: the service provider that identity providers talk to (RFC 7643, RFC 7644)."""

from django.apps import AppConfig


class ScimConfig(AppConfig):
    name = "scim"
    verbose_name = "SCIM"
