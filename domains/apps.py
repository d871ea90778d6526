"""Domains: the e-mail domains of an organization, and what people there may ask for."""

from django.apps import AppConfig


class DomainsConfig(AppConfig):
    name = "domains"
    verbose_name = "Domains"

    def ready(self) -> None:
        from domains import admin
        from organizations import pages

        pages.offer(admin.DOMAINS)
        pages.offer_whereabouts("domain", admin.DOMAINS.permission, admin.whereabouts)
