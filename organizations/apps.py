"""Organizations: the tenants that everything else belongs to."""

from django.apps import AppConfig


class OrganizationsConfig(AppConfig):
    name = "organizations"
    verbose_name = "Organizations"

    def ready(self) -> None:
        from audit.views import links
        from console import sections
        from organizations.views import details, slug, support

        sections.offer(details.YOUR_ORGANIZATION, slug.SLUG, support.SUPPORT)
        links.offer_whereabouts("organization", details.YOUR_ORGANIZATION.permission, details.whereabouts)
        links.offer_whereabouts("formerslug", slug.SLUG.permission, slug.whereabouts)
