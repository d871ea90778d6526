"""Domains: the e-mail domains of an organization, and what people there may ask for."""

from django.apps import AppConfig


class DomainsConfig(AppConfig):
    name = "domains"
    verbose_name = "Domains"

    def ready(self) -> None:
        from audit.views import links
        from console import sections
        from domains import views

        sections.register(views.DOMAINS)
        links.register_links("domain", views.DOMAINS.permission, views.links)
