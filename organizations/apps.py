"""Organizations: the tenants that everything else belongs to."""

from django.apps import AppConfig


class OrganizationsConfig(AppConfig):
    name = "organizations"
    verbose_name = "Organizations"

    def ready(self) -> None:
        from organizations import admin, audit_log, pages

        pages.offer(admin.YOUR_ORGANIZATION, audit_log.AUDIT_LOG)
        pages.offer_whereabouts("organization", admin.YOUR_ORGANIZATION.permission, admin.whereabouts)
