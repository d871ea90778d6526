"""The mass-change brake of a connection: its state, its departures and its mails."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.tenancy import KeyField, TenantModel, TenantQuerySet
from provisioning.models.connections import Connection


class Brake(TenantModel):
    """When a connection's suspensions and deletions are held back, and whether they are; see
    ``provisioning.services.brake``.

    The row is made with the connection, or when it is first needed, and locked by everybody who counts. ``people`` is
    how many there were at ``counted_at``, ``gone`` how many of them had gone when it began to hold. Departures before
    ``counts_from`` do not count; while that lies ahead the brake rests. ``notified_at`` is when Admins were last
    mailed, ``answered_by`` who released or kept it last. ``version`` grows with everything that somebody may have
    missed.
    """

    connection = models.OneToOneField(Connection, models.CASCADE, related_name="+")
    enabled = models.BooleanField("Mass-change brake", default=True)
    percent = models.PositiveSmallIntegerField(default=20)
    people = models.PositiveIntegerField(default=0)
    counted_at = models.DateTimeField(null=True)
    counts_from = models.DateTimeField(null=True)
    paused_since = models.DateTimeField(null=True)
    last_paused_since = models.DateTimeField(null=True)
    gone = models.PositiveIntegerField(default=0)
    notified_at = models.DateTimeField(null=True)
    kept_paused_at = models.DateTimeField(null=True)
    answered_by = models.CharField(max_length=320, blank=True)
    version = models.PositiveIntegerField(default=1)

    objects = TenantQuerySet["Brake"].as_manager()

    def __str__(self) -> str:
        return str(self.connection)

    @property
    def is_resting(self) -> bool:
        """Whether it lets everything pass for now, because somebody has released it."""
        return self.counts_from is not None and timezone.now() < self.counts_from


class Departure(TenantModel):
    """A user whom a connection has suspended or deleted, or would have; refers to the user by value.

    ``refused`` rows are of those who stayed: the brake refused the change. Of the others, ``is_try_out`` do not count
    as long as they are few (see ``provisioning.services.brake``), nor do users who are back, with ``is_back``.
    ``request_id`` leads to the row in the request log.
    """

    connection = models.ForeignKey(Connection, models.CASCADE, related_name="+", db_index=False)
    user_id = models.UUIDField()
    user_name = models.CharField(max_length=254)
    user_name_key = KeyField(max_length=400)
    deleted = models.BooleanField()
    refused = models.BooleanField(default=False)
    is_try_out = models.BooleanField(default=False)
    is_back = models.BooleanField(default=False)
    request_id = models.CharField(max_length=40, blank=True)
    at = models.DateTimeField()

    objects = TenantQuerySet["Departure"].as_manager()

    class Meta:
        ordering = ["-at", "-id"]
        indexes = [
            models.Index(fields=["organization", "connection", "at"], name="departure_by_time"),
            models.Index(fields=["organization", "connection", "user_name_key"], name="departure_by_name"),
            models.Index(
                fields=["organization", "connection", "at"], name="departure_try_outs", condition=Q(is_try_out=True)
            ),
        ]
        constraints = [models.UniqueConstraint(fields=["connection", "user_id", "refused"], name="departed_once")]

    def __str__(self) -> str:
        return self.user_name


class DepartureAlert(TenantModel):
    """When the Admins were last mailed that suspensions or deletions of a connection are refused for a cause.

    ``users`` are the names of those who were refused since, for the next mail.
    """

    connection = models.ForeignKey(Connection, models.CASCADE, related_name="+", db_index=False)
    cause = models.CharField(max_length=40)
    notified_at = models.DateTimeField(null=True)
    users = models.JSONField(default=list)

    objects = TenantQuerySet["DepartureAlert"].as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection", "cause"], name="departure_alert_once")]

    def __str__(self) -> str:
        return self.cause
