"""Organizations: the tenants that everything else belongs to."""

from django.apps import AppConfig


class OrganizationsConfig(AppConfig):
    name = "organizations"
    verbose_name = "Organizations"

    def ready(self) -> None:
        from audit.views import links
        from console import actions, sections
        from organizations.views import organization, slug, support

        actions.discover("organizations.views")
        sections.register(organization.YOUR_ORGANIZATION, slug.SLUG, support.SUPPORT)
        links.register_links("organization", organization.YOUR_ORGANIZATION.permission, organization.links)
        links.register_links("formerslug", slug.SLUG.permission, slug.links)
