"""Provisioning: connections, tokens, request log, role rules and brake, as an organization sees them."""

from django.apps import AppConfig


class ProvisioningConfig(AppConfig):
    name = "provisioning"
    verbose_name = "Provisioning"

    def ready(self) -> None:
        from audit.views import links
        from console import actions, sections
        from domains.views import REFUSED_PER_DOMAIN
        from provisioning.services import shared_limits
        from provisioning.services.connections import connections
        from provisioning.services.request_log import refused_domains
        from provisioning.views import brake, role_rules, test_runs, which_connection
        from provisioning.views.connections import address_check, section, tokens
        from provisioning.views.connections import connections as connection_pages
        from users.services import undo

        actions.discover("provisioning.views")
        sections.register(which_connection.SCIM, test_runs.TEST, role_rules.ROLE_RULES, address_check.ADDRESS_BOX)
        links.register_links("connection", which_connection.SCIM.permission, section.links)
        links.register_links("token", which_connection.SCIM.permission, tokens.links)
        links.register_links("roleruleset", role_rules.ROLE_RULES.permission, role_rules.links)
        sections.register_counts(REFUSED_PER_DOMAIN, refused_domains.refused_creates)
        sections.register_panels(role_rules.RULES_OF_PERSON, connection_pages.MANAGED_BY, section.REQUESTS_OF_PERSON)
        undo.register_connections(connections.is_there)
        sections.register_banner(which_connection.SCIM.page, which_connection.SCIM.permission, brake.banner)
        shared_limits.begin()
