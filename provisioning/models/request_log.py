"""The log of SCIM requests: requests, operations of bulk requests, and what additional logging keeps."""

from functools import reduce
from operator import or_
from typing import Any, Self

from django.db import models
from django.db.models import Q, Value
from uuid_utils.compat import uuid7

from core.tenancy import TenantModel, TenantQuerySet
from organizations.models import Organization
from provisioning.models.connections import Connection, Token

# So many failures of a bulk request stand among its notices; its operations have them all.
MOST_FAILURES = 20


class Streak(TenantModel):
    """How many of a connection's requests in a row have failed since the last that did not.

    ``failures`` had a valid token; ``refusals`` one that was valid once, or is while SCIM is off. The database does not
    check the keys, as in the request log: the same writer has just read them.
    """

    organization = models.ForeignKey(
        Organization, models.CASCADE, related_name="+", db_constraint=False, editable=False
    )
    connection = models.OneToOneField(Connection, models.CASCADE, related_name="+", db_constraint=False, editable=False)
    failures = models.PositiveIntegerField(default=0)
    failures_notified = models.BooleanField(default=False)
    failures_notified_at = models.DateTimeField(null=True)
    refusals = models.PositiveIntegerField(default=0)
    refusals_notified = models.BooleanField(default=False)
    refusals_notified_at = models.DateTimeField(null=True)

    objects = TenantQuerySet["Streak"].as_manager()

    def __str__(self) -> str:
        return f"{self.failures} failures, {self.refusals} refusals"


# What rows say of the token where it was none of the organization's
# (``provisioning.services.request_log.results.TOKEN_FAULTS``).
ANONYMOUS_LABELS = (
    "no token",
    "malformed token",
    "unknown token",
    "another organization's token",
    "no valid token",
)
# Written out, for SQLite takes a partial index for no list of parameters.
_ANONYMOUS = reduce(or_, (Q(token_label=label) for label in ANONYMOUS_LABELS))


class InlineValue(Value):
    """A text or a number of the program's own that stands in the statement itself.

    PostgreSQL plans a prepared statement for any parameters sooner or later, and then takes a partial index only where
    its condition has none.
    """

    def as_sql(self, _compiler: Any, _connection: Any) -> tuple[str, tuple[str | int, ...]]:
        """The number, or the text in quotes."""
        if isinstance(self.value, int):
            return str(self.value), ()
        quoted = self.value.replace("'", "''")
        return f"'{quoted}'", ()


_ANONYMOUS_AS_WRITTEN = reduce(or_, (Q(token_label=InlineValue(label)) for label in ANONYMOUS_LABELS))


class RequestLogQuerySet(TenantQuerySet["RequestLog"]):
    """Queries about logged requests."""

    def anonymous(self) -> Self:
        """Those with no token of the organization, valid or not."""
        return self.filter(_ANONYMOUS_AS_WRITTEN)

    def own(self) -> Self:
        """All others: those with a token of the organization, read off an index without strangers' rows."""
        return self.filter(~_ANONYMOUS_AS_WRITTEN)

    def own_of_few(self) -> Self:
        """The same where another index finds the few that may fit.

        SQLite, which knows nothing of how many rows an index has, could take the one of all own rows instead; in these
        words it does not fit.
        """
        return self.exclude(token_label__in=ANONYMOUS_LABELS)

    def by_cause(self, cause: str) -> Self:
        """Those of one cause. SQLite takes a partial index only where its condition stands in so many words."""
        return self.filter(~Q(cause=InlineValue("")), cause=cause)


class RequestLog(TenantModel):
    """One SCIM request and what became of it, without secrets.

    ``cause`` is the closed-list word behind the ``result`` and ``arguments`` the things it speaks of (``domain``,
    ``user``, ``user_id``); ``notices`` holds why operations of a bulk request failed, then what was tolerated or
    dropped on the way. ``more`` counts the requests of the same minute that were refused like it and got no row of
    their own, see ``provisioning.services.request_log.rate_limit``. ``user_label`` is whom the request was about, as
    pages show it: a userName, an externalId or a group's name, of a bulk request some of them. ``subject_key`` has
    every name under which a search finds the request, as ``provisioning.services.request_log.subject_keys`` writes it.
    ``operations`` and ``failed_operations`` count those of a bulk request. Refers to the user touched by value, so that
    the row outlives the user. The database does not check its keys: the writer has just read them, and the checks would
    be a fifth of the cost of a row.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        Organization, models.CASCADE, related_name="+", db_constraint=False, db_index=False, editable=False
    )
    created_at = models.DateTimeField()
    request_id = models.CharField(max_length=40)
    method = models.CharField(max_length=10)
    path = models.CharField(max_length=2048)
    query = models.TextField(blank=True)
    status = models.PositiveSmallIntegerField()
    cause = models.CharField(max_length=40, blank=True)
    result = models.CharField(max_length=1000)
    notices = models.JSONField(default=list)
    arguments = models.JSONField(default=dict)
    more = models.PositiveIntegerField(default=0)
    duration_us = models.PositiveIntegerField(help_text="Microseconds")
    token = models.ForeignKey(
        Token, models.SET_NULL, null=True, related_name="+", db_constraint=False, db_index=False, editable=False
    )
    connection_id = models.UUIDField(null=True)
    token_label = models.CharField(max_length=40, help_text="The token's prefix, or what was wrong with it")
    client = models.CharField(max_length=200, blank=True)
    address = models.GenericIPAddressField(null=True)
    user_id = models.UUIDField(null=True)
    user_label = models.CharField(max_length=254, blank=True)
    subject_key = models.TextField(blank=True, default="")
    operations = models.PositiveIntegerField(null=True)
    failed_operations = models.PositiveIntegerField(null=True)

    objects = RequestLogQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        # Most requests have neither failed nor a cause nor a person, and cost the partial indexes nothing.
        # Of two that serve a query alike, SQLite takes the one that is further down.
        indexes = [
            models.Index(fields=["organization", "-id"], name="request_log_by_organization"),
            models.Index(fields=["organization", "-id"], name="request_log_failures", condition=Q(status__gte=400)),
            models.Index(fields=["organization", "-id"], name="request_log_faults", condition=Q(status__gte=500)),
            models.Index(fields=["organization", "cause", "-id"], name="request_log_by_cause", condition=~Q(cause="")),
            models.Index(
                fields=["organization", "user_id", "-id"],
                name="request_log_by_user",
                condition=Q(user_id__isnull=False),
            ),
            models.Index(
                fields=["organization", "-id"],
                name="request_log_anonymous",
                condition=_ANONYMOUS,
            ),
            models.Index(
                fields=["organization", "-id"], name="request_log_partly_failed", condition=Q(failed_operations__gt=0)
            ),
            models.Index(fields=["organization", "-id"], name="request_log_own", condition=~_ANONYMOUS),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.path} → {self.status}"

    @property
    def failed_of_all(self) -> str:
        """How many operations of a bulk request failed."""
        return f"{self.failed_operations or 0:,} of {self.operations or 0:,} operations failed"

    @property
    def other_notices(self) -> list[str]:
        """The notices without those of failed operations, which come first."""
        return list(self.notices[min(self.failed_operations or 0, MOST_FAILURES) :])

    @property
    def tone(self) -> str:
        """The colour of its badge: ``good``, ``warn`` where the client or an operation failed, ``bad``."""
        if self.status >= 500:
            return "bad"
        return "warn" if self.status >= 400 or self.failed_operations else "good"

    @property
    def is_anonymous(self) -> bool:
        """Whether no token of the organization came with it, valid or not."""
        return self.token_label in ANONYMOUS_LABELS

    @property
    def presented(self) -> str:
        """The token that came with it, as it is called now, or what was wrong with that."""
        return str(self.token) if self.token else self.token_label


class RequestOperation(TenantModel):
    """One operation of a bulk request in the log: whom it was about and what its result was.

    Lives as long as the request's row, to which it refers by value. ``status`` is 0 where the operation was not carried
    out; ``result`` is empty where it succeeded. Names are kept as in the request's row.
    """

    organization = models.ForeignKey(
        Organization, models.CASCADE, related_name="+", db_constraint=False, db_index=False, editable=False
    )
    request_id = models.UUIDField(editable=False)
    position = models.PositiveIntegerField(editable=False)
    method = models.CharField(max_length=10, editable=False)
    resource = models.CharField(max_length=10, blank=True, editable=False, help_text="User, Group or nothing")
    user_id = models.UUIDField(null=True, editable=False)
    user_label = models.CharField(max_length=254, blank=True, editable=False)
    subject_key = models.TextField(blank=True, editable=False)
    status = models.PositiveSmallIntegerField(editable=False)
    cause = models.CharField(max_length=40, blank=True, editable=False)
    result = models.CharField(max_length=1000, blank=True, editable=False)

    objects = TenantQuerySet["RequestOperation"].as_manager()

    class Meta:
        ordering = ["-request_id", "position"]
        indexes = [
            models.Index(fields=["organization", "-request_id", "position"], name="request_operation_in_order"),
            models.Index(
                fields=["organization", "user_id", "-request_id"],
                name="request_operation_by_user",
                condition=Q(user_id__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.user_label} → {self.status}"

    @property
    def tone(self) -> str:
        """The colour of its badge; none where it was not carried out."""
        if self.status >= 500:
            return "bad"
        return "warn" if self.status >= 400 else "good" if self.status else ""


class BodyKept(models.TextChoices):
    """What is kept of a body; the labels say why it is not all of it."""

    WHOLE = "whole", ""
    CUT = "cut", "Cut here: the rest was too long to be kept."
    TOO_LARGE = "too-large", "Too large to be kept."
    NOT_READ = "not-read", "Not kept: the request was refused before its body was read."
    NO_JSON = "no-json", "Not kept: it is no JSON, so nothing tells what in it is secret."
    CROWDED = "crowded", "Not kept: there were too many requests at once."


class RequestDetail(TenantModel):
    """Headers and bodies of a request and its answer, masked, kept while additional logging is on for its connection.

    The id is that of the request's row in the log, which outlives this one. Sizes are in bytes, before masking;
    ``sent_kept`` and ``answer_kept`` are words of Kept. ``is_anonymous`` marks those with no token of the organization.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    organization = models.ForeignKey(
        Organization, models.CASCADE, related_name="+", db_constraint=False, db_index=False, editable=False
    )
    sent_headers = models.TextField()
    sent_body = models.TextField(blank=True)
    sent_size = models.PositiveIntegerField()
    sent_kept = models.CharField(max_length=10)
    answer_headers = models.TextField()
    answer_body = models.TextField(blank=True)
    answer_size = models.PositiveIntegerField()
    answer_kept = models.CharField(max_length=10)
    is_anonymous = models.BooleanField(default=False)

    objects = TenantQuerySet["RequestDetail"].as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["organization", "-id"], name="request_detail_by_organization")]

    def __str__(self) -> str:
        return str(self.id)
