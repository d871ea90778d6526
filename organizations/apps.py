"""Organizations: the tenants that everything else belongs to."""

from django.apps import AppConfig


class OrganizationsConfig(AppConfig):
    name = "organizations"
    verbose_name = "Organizations"

    def ready(self) -> None:
        from organizations import admin, pages

        pages.offer(admin.YOUR_ORGANIZATION)
