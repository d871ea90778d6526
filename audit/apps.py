"""The audit trail: who changed what, in which organization, through which door."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "audit"
    verbose_name = "Audit"
