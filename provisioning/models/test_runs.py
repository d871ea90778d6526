"""Test run: one test of a set-up, as it goes."""

from django.db import models
from django.db.models import Q

from core.tenancy import TenantModel, TenantQuerySet


class RunState(models.TextChoices):
    """How a test of a set-up stands."""

    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"
    BROKEN_OFF = "broken-off"


class TestRun(TenantModel):
    """A test of a connection's set-up: an identity provider's script, run against the organization's own Base URL.

    The process that runs it writes down each step, so that any other can show it; ``seen_at`` is when it last did.
    ``script`` is a key of ``provisioning.simulator.scripts.SCRIPTS``, ``outcomes`` are its steps as
    ``provisioning.services.test_runs`` keeps them. ``acted_as`` is what the audit trail calls the test run's token.
    Refers to connection and token by value.
    """

    # pytest: no class of tests.
    __test__ = False

    connection_id = models.UUIDField(editable=False)
    token_id = models.UUIDField(editable=False)
    acted_as = models.CharField(max_length=320, editable=False)
    script = models.CharField(max_length=20)
    email = models.CharField(max_length=254)
    groups = models.BooleanField()
    started_by_label = models.CharField(max_length=320, editable=False)
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=10, choices=RunState, default=RunState.RUNNING)
    outcomes = models.JSONField(default=list)

    objects = TenantQuerySet["TestRun"].as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["organization", "-id"], name="test_run_by_organization")]
        constraints = [
            models.UniqueConstraint(
                fields=["organization"], condition=Q(state=RunState.RUNNING), name="test_run_one_at_a_time"
            )
        ]

    def __str__(self) -> str:
        return f"{self.script}, {self.email}"
