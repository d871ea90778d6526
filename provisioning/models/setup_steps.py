"""Set-up step: how far the set-up of a connection has come."""

from django.db import models

from core.tenancy import TenantModel, TenantQuerySet
from organizations.models import Organization


class SetupStep(TenantModel):
    """How a step of a connection's set-up (``provisioning.services.request_log.setup_steps.Step``) last went well and
    how it last failed.

    Refers to its connection and to the rows of the log by value; what the log said is kept here, so that it is there
    when the log was pruned. The database does not check its key, as in the log.
    """

    organization = models.ForeignKey(
        Organization, models.CASCADE, related_name="+", db_constraint=False, db_index=False, editable=False
    )
    connection_id = models.UUIDField(editable=False)
    step = models.CharField(max_length=12, editable=False)
    done_at = models.DateTimeField(null=True, editable=False)
    done_request_id = models.UUIDField(null=True, editable=False)
    done_method = models.CharField(max_length=10, blank=True, default="", editable=False)
    done_status = models.PositiveSmallIntegerField(null=True, editable=False)
    failed_at = models.DateTimeField(null=True, editable=False)
    failed_request_id = models.UUIDField(null=True, editable=False)
    failed_method = models.CharField(max_length=10, blank=True, default="", editable=False)
    failed_status = models.PositiveSmallIntegerField(null=True, editable=False)
    failed_cause = models.CharField(max_length=40, blank=True, editable=False)
    failed_result = models.CharField(max_length=1000, blank=True, editable=False)
    failed_arguments = models.JSONField(default=dict, editable=False)

    objects = TenantQuerySet["SetupStep"].as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "connection_id", "step"], name="milestone_once"),
        ]

    def __str__(self) -> str:
        return self.step
