"""Domains: the e-mail domains of an organization, and what people there may ask for."""

from django.apps import AppConfig


class DomainsConfig(AppConfig):
    name = "domains"
    verbose_name = "Domains"
