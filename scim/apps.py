"""SCIM: the service provider that identity providers talk to (RFC 7643, RFC 7644)."""

from django.apps import AppConfig
from django.core import checks


class ScimConfig(AppConfig):
    name = "scim"
    verbose_name = "SCIM"

    def ready(self) -> None:
        from domains.admin import REFUSED_PER_DOMAIN
        from organizations import pages
        from scim import address_box, admin, brake_page, connection_pages, role_rules_page, testing
        from scim.services import connections, refusals, shared_limits
        from scim.storage.resource_types import check_bindings
        from users.services import undoing

        pages.offer(admin.SCIM, testing.TEST, role_rules_page.ROLE_RULES, address_box.ADDRESS_BOX)
        pages.offer_whereabouts("connection", admin.SCIM.permission, admin.connections_shown)
        pages.offer_whereabouts("token", admin.SCIM.permission, admin.tokens_shown)
        pages.offer_whereabouts("roleruleset", role_rules_page.ROLE_RULES.permission, role_rules_page.whereabouts)
        pages.offer_figures(REFUSED_PER_DOMAIN, refusals.refused_creates)
        pages.offer_pieces(role_rules_page.RULES_OF_PERSON, connection_pages.MANAGED_BY, admin.REQUESTS_OF_PERSON)
        undoing.offer_connections(connections.is_there)
        pages.offer_banner(admin.SCIM.page, admin.SCIM.permission, brake_page.banner)
        checks.register(check_bindings)
        shared_limits.begin()
