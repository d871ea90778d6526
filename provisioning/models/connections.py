"""What SCIM keeps beside the resources: an organization's connections, their tokens, and the log of requests."""

from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any, Self

from django.db import models
from django.db.models import Q, Value
from django.utils import timezone
from uuid_utils.compat import uuid7

from core.bearer_tokens import BearerToken, TokenQuerySet
from core.tenancy import KeyField, TenantModel, TenantQuerySet
from organizations.models import Organization
from users.models import Role, User


class IdentityProvider(models.TextChoices):
    """Who speaks SCIM with us, by the names that their admins know."""

    JUMPCLOUD = "jumpcloud", "JumpCloud"
    OKTA = "okta", "Okta"
    ENTRA = "entra", "Entra ID"
    ONELOGIN = "onelogin", "OneLogin"
    GOOGLE = "google", "Google Workspace"
    OTHER = "other", "Another identity provider"


class ConnectionQuerySet(TenantQuerySet["Connection"]):
    """Queries about connections."""

    def present(self) -> Self:
        """Those that were not removed."""
        return self.filter(removed_at=None)


class Connection(TenantModel):
    """One identity provider's SCIM set-up in an organization. Its tokens are valid only while ``enabled``.

    While it is ``strict``, what clients get wrong is refused rather than healed, see ``scim.protocol.quirks``. With
    ``secondary_addresses`` its people may have addresses of any domain beside those that stand for them. Until
    ``details_until`` headers and bodies of its requests are kept. One that was removed is kept, turned off for good:
    the log and the history speak of it.
    """

    name = models.CharField(max_length=60, default="Default")
    identity_provider = models.CharField(max_length=10, choices=IdentityProvider, default=IdentityProvider.JUMPCLOUD)
    enabled = models.BooleanField("Enable SCIM", default=False)
    manage_admins = models.BooleanField("Let SCIM give and take the Admin role", default=False)
    groups_enabled = models.BooleanField("Groups", default=True)
    strict = models.BooleanField("Strict mode", default=False)
    secondary_addresses = models.BooleanField("Allow secondary addresses", default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    removed_at = models.DateTimeField(null=True, editable=False)
    details_until = models.DateTimeField(null=True, editable=False)

    objects = ConnectionQuerySet.as_manager()

    class Meta:
        ordering = ["created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "name"], condition=Q(removed_at=None), name="connection_name_once"
            )
        ]
        # Every process asks every half second which there are; mostly none.
        indexes = [
            models.Index(fields=["details_until"], name="connection_with_details", condition=~Q(details_until=None))
        ]

    def __str__(self) -> str:
        return self.name


class ConnectionTokens(TokenQuerySet["Token"]):
    """Queries about tokens of connections."""

    def live(self) -> Self:
        """Those that are neither revoked nor expired nor retired."""
        return super().live().filter(Q(retires_at=None) | Q(retires_at__gt=timezone.now()))


class Token(BearerToken):
    """A bearer token of a connection, known by a ``name`` that no other live one of the connection has.

    Once rotated it has a ``successor``; with ``retires_by_itself`` it is revoked when that one first gets something
    done, and from ``retires_at`` on it is not valid either. ``warned_at_days`` says how long before its end its Admins
    were last told. One that ``is_test`` was made for a test of the set-up and ends with it; nobody is told its text.
    """

    word = "smgr"
    LONGEST_NAME = 60

    name = models.CharField(max_length=LONGEST_NAME)
    connection = models.ForeignKey(Connection, models.CASCADE, related_name="tokens")
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+", editable=False)
    created_by_label = models.CharField(max_length=320, editable=False)
    warned_at_days = models.PositiveSmallIntegerField(null=True, editable=False)
    successor = models.ForeignKey("self", models.SET_NULL, null=True, related_name="+", editable=False)
    retires_by_itself = models.BooleanField(default=False, editable=False)
    retires_at = models.DateTimeField(null=True, editable=False)
    is_test = models.BooleanField(default=False, editable=False)

    objects = ConnectionTokens.as_manager()

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["organization", "-created_at"], name="token_by_organization")]

    def __str__(self) -> str:
        return f"'{self.name}' ({self.prefix}…)"

    @property
    def ends_at(self) -> datetime | None:
        """When it stops being valid by date; None if no date ends it."""
        return min((end for end in (self.expires_at, self.retires_at) if end is not None), default=None)

    @property
    def is_live(self) -> bool:
        """Whether it is neither revoked nor expired nor retired."""
        return self.revoked_at is None and (self.ends_at is None or self.ends_at > timezone.now())


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
    failures_told = models.BooleanField(default=False)
    told_of_failures_at = models.DateTimeField(null=True)
    refusals = models.PositiveIntegerField(default=0)
    refusals_told = models.BooleanField(default=False)
    told_of_refusals_at = models.DateTimeField(null=True)

    objects = TenantQuerySet["Streak"].as_manager()

    def __str__(self) -> str:
        return f"{self.failures} failures, {self.refusals} refusals"


class Brake(TenantModel):
    """When a connection's suspensions and deletions are held back, and whether they are; see
    ``provisioning.services.brake``.

    The row is made with the connection, or when it is first needed, and locked by everybody who counts. ``people`` is
    how many there were at ``counted_at``, ``gone`` how many of them had gone when it began to hold. Departures before
    ``counts_from`` do not count; while that lies ahead the brake rests. ``told_at`` is when Admins were last mailed,
    ``answered_by`` who released or kept it last. ``version`` grows with everything that somebody may have missed.
    """

    connection = models.OneToOneField(Connection, models.CASCADE, related_name="+")
    enabled = models.BooleanField("Mass-change brake", default=True)
    percent = models.PositiveSmallIntegerField(default=20)
    people = models.PositiveIntegerField(default=0)
    counted_at = models.DateTimeField(null=True)
    counts_from = models.DateTimeField(null=True)
    held_since = models.DateTimeField(null=True)
    last_held_since = models.DateTimeField(null=True)
    gone = models.PositiveIntegerField(default=0)
    told_at = models.DateTimeField(null=True)
    kept_at = models.DateTimeField(null=True)
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
    told_at = models.DateTimeField(null=True)
    users = models.JSONField(default=list)

    objects = TenantQuerySet["DepartureAlert"].as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection", "cause"], name="departure_alert_once")]

    def __str__(self) -> str:
        return self.cause


class RoleRule(TenantModel):
    """A person of whom this is so gets the role, unless a rule of a lower ``position`` fits too.

    ``value_key`` is the value as it is compared: folded, of a domain the A-labels.
    """

    class Attribute(models.TextChoices):
        GROUP = "group", "group"
        DEPARTMENT = "department", "department"
        TITLE = "title", "title"
        USER_TYPE = "userType", "user type"
        DOMAIN = "domain", "e-mail domain"

    class Operator(models.TextChoices):
        IS = "is", "is"
        BEGINS = "begins", "begins with"
        CONTAINS = "contains", "contains"

    position = models.PositiveSmallIntegerField()
    attribute = models.CharField(max_length=10, choices=Attribute)
    operator = models.CharField(max_length=10, choices=Operator, default=Operator.IS)
    value = models.CharField(max_length=256)
    value_key = KeyField(max_length=400, editable=False)
    role = models.ForeignKey(Role, models.PROTECT, related_name="role_rules")

    objects = TenantQuerySet["RoleRule"].as_manager()

    class Meta:
        ordering = ["position"]
        indexes = [models.Index(fields=["organization", "position"], name="role_rule_in_order")]

    def __str__(self) -> str:
        return f"{self.get_attribute_display()} {self.get_operator_display()} {self.value}"


class RoleRuleSet(TenantModel):
    """An organization's role rules as a whole, and how far they have been applied to the people who were there.

    ``version`` counts the times that they were saved. While ``is_applying``, people up to the id ``reached`` are done;
    ``expected`` is how many were to change when the rules were saved, ``changed`` how many have.
    """

    version = models.PositiveIntegerField(default=0)
    is_applying = models.BooleanField(default=False)
    reached = models.UUIDField(null=True)
    expected = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)

    objects = TenantQuerySet["RoleRuleSet"].as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization"], name="one_set_of_role_rules")]

    def __str__(self) -> str:
        return "role rules"


# What rows say of the token where it was none of the organization's
# (``provisioning.services.request_log.verdicts.TOKEN_FAULTS``).
ANONYMOUS_LABELS = (
    "no token",
    "malformed token",
    "unknown token",
    "another organization's token",
    "no valid token",
)
# Written out, for SQLite takes a partial index for no list of parameters.
_ANONYMOUS = reduce(or_, (Q(token_label=label) for label in ANONYMOUS_LABELS))


class Written(Value):
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


_ANONYMOUS_AS_WRITTEN = reduce(or_, (Q(token_label=Written(label)) for label in ANONYMOUS_LABELS))


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
        return self.filter(~Q(cause=Written("")), cause=cause)


class RequestLog(TenantModel):
    """One SCIM request and what became of it, without secrets.

    ``cause`` is the closed-list word behind the ``verdict`` and ``arguments`` the things it speaks of (``domain``,
    ``user``, ``user_id``); ``advice`` holds what was healed or dropped on the way. ``more`` counts the requests of the
    same minute that were refused like it and got no row of their own, see
    ``provisioning.services.request_log.rate_limit``. ``user_label`` is whom the request was about, as pages show it: a
    userName, an externalId or a group's name, of a bulk request some of them. ``subject_key`` has every name under
    which a search finds the request, as ``scim.services.subjects`` writes it. ``operations`` and ``failed_operations``
    count those of a bulk request. Refers to the user touched by value, so that the row outlives the user. The database
    does not check its keys: the writer has just read them, and the checks would be a fifth of the cost of a row.
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
    verdict = models.CharField(max_length=1000)
    advice = models.JSONField(default=list)
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
    out; ``verdict`` is empty where it succeeded. Names are kept as in the request's row.
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
    verdict = models.CharField(max_length=1000, blank=True, editable=False)

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


class Milestone(TenantModel):
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
    failed_verdict = models.CharField(max_length=1000, blank=True, editable=False)
    failed_arguments = models.JSONField(default=dict, editable=False)

    objects = TenantQuerySet["Milestone"].as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "connection_id", "step"], name="milestone_once"),
        ]

    def __str__(self) -> str:
        return self.step


class PlayState(models.TextChoices):
    """How a test of a set-up stands."""

    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"
    BROKEN_OFF = "broken-off"


class Play(TenantModel):
    """A test of a connection's set-up: an identity provider's script, played against the organization's own Base URL.

    The process that plays writes down each step, so that any other can show it; ``seen_at`` is when it last did.
    ``script`` is a key of ``provisioning.simulator.scripts.SCRIPTS``, ``outcomes`` are its steps as
    ``provisioning.services.test_runs`` keeps them. ``acted_as`` is what the audit trail calls the play's token. Refers
    to connection and token by value.
    """

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
    state = models.CharField(max_length=10, choices=PlayState, default=PlayState.RUNNING)
    outcomes = models.JSONField(default=list)

    objects = TenantQuerySet["Play"].as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["organization", "-id"], name="play_by_organization")]
        constraints = [
            models.UniqueConstraint(
                fields=["organization"], condition=Q(state=PlayState.RUNNING), name="play_one_at_a_time"
            )
        ]

    def __str__(self) -> str:
        return f"{self.script}, {self.email}"


class Kept(models.TextChoices):
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
