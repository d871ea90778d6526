"""The audit trail: who changed what, in which organization, through which channel."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "audit"
    verbose_name = "Audit"

    def ready(self) -> None:
        from audit.views import log
        from console import actions, sections

        actions.discover("audit.views")
        sections.register(log.AUDIT_LOG)
