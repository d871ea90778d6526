"""SaaS Manager: the demo's data and the operators' style sheet, beside the project's settings."""

from django.apps import AppConfig


class SaasManagerConfig(AppConfig):
    name = "saasmanager"
    verbose_name = "SaaS Manager"
