"""Organizations: the tenants that everything else belongs to."""

from django.apps import AppConfig


class OrganizationsConfig(AppConfig):
    name = "organizations"
    verbose_name = "Organizations"

    def ready(self) -> None:
        from organizations import admin, audit_log, pages, slug_pages, support_pages

        pages.offer(admin.YOUR_ORGANIZATION, slug_pages.SLUG, support_pages.SUPPORT, audit_log.AUDIT_LOG)
        pages.offer_whereabouts("organization", admin.YOUR_ORGANIZATION.permission, admin.whereabouts)
        pages.offer_whereabouts("formerslug", slug_pages.SLUG.permission, slug_pages.whereabouts)
