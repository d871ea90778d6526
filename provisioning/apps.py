"""Provisioning: connections, tokens, request log, role rules and brake, as an organization sees them."""

from django.apps import AppConfig


class ProvisioningConfig(AppConfig):
    name = "provisioning"
    verbose_name = "Provisioning"

    def ready(self) -> None:
        from audit.views import links
        from console import sections
        from domains.views import REFUSED_PER_DOMAIN
        from provisioning.services import shared_limits
        from provisioning.services.connections import connections
        from provisioning.services.request_log import refused_domains
        from provisioning.views import brake, role_rules, test_runs
        from provisioning.views.connections import address_check, section
        from provisioning.views.connections import connections as connection_pages
        from users.services import undo

        sections.offer(section.SCIM, test_runs.TEST, role_rules.ROLE_RULES, address_check.ADDRESS_BOX)
        links.offer_whereabouts("connection", section.SCIM.permission, section.connections_shown)
        links.offer_whereabouts("token", section.SCIM.permission, section.tokens_shown)
        links.offer_whereabouts("roleruleset", role_rules.ROLE_RULES.permission, role_rules.whereabouts)
        sections.offer_figures(REFUSED_PER_DOMAIN, refused_domains.refused_creates)
        sections.offer_pieces(role_rules.RULES_OF_PERSON, connection_pages.MANAGED_BY, section.REQUESTS_OF_PERSON)
        undo.offer_connections(connections.is_there)
        sections.offer_banner(section.SCIM.page, section.SCIM.permission, brake.banner)
        shared_limits.begin()
