"""The project as an app: its own configuration, and that of Django's admin."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class SaasManagerConfig(AppConfig):
    name = "saasmanager"
    verbose_name = "SaaS Manager"


class OperatorAdminConfig(AdminConfig):
    """Django's admin: it finds the ``admin`` module of each app, and ``admin.site`` is the operators'."""

    default = False
    default_site = "saasmanager.operators.OperatorSite"

    def ready(self) -> None:
        super().ready()
        from allauth.account.models import EmailAddress
        from django.contrib import admin
        from django.contrib.auth.models import Group

        # Libraries register these, of which the project has no rows.
        admin.site.unregister([EmailAddress, Group])
