"""Organization: a tenant, with its former slugs, its support access and its outgoing mail."""

from functools import cache
from typing import ClassVar, Self
from zoneinfo import available_timezones

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone
from uuid_utils.compat import uuid7

from core.dates import DateStyle
from core.tenancy import TenantModel, TenantQuerySet

valid_slug = RegexValidator(
    r"\A[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\Z",
    "A slug has 1 to 63 lower-case letters, digits and hyphens, and neither begins nor ends with a hyphen.",
)


@cache
def time_zones() -> frozenset[str]:
    """All names of the time zone database; reading it walks a directory, so that is done once."""
    return frozenset(available_timezones())


def validate_time_zone(name: str) -> None:
    """Raise ValidationError for a name that the time zone database does not know."""
    if name not in time_zones():
        raise ValidationError("'%(name)s' is not a time zone such as Europe/Berlin.", params={"name": name})


class Organization(models.Model):
    """A customer with people, domains and settings of its own. ``slug`` names it in addresses such as the Base URL.

    Operators may look at it while ``support_until`` lies ahead.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=120)
    slug = models.CharField(max_length=63, unique=True, validators=[valid_slug])
    time_zone = models.CharField(max_length=64, default="UTC", validators=[validate_time_zone])
    date_style = models.CharField("Language of dates", max_length=10, choices=DateStyle, default=DateStyle.ENGLISH)
    support_until = models.DateTimeField(null=True, editable=False)
    is_active = models.BooleanField(default=True, help_text="Off: nobody signs in and SCIM is refused.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def wants_support(self) -> bool:
        """Whether "Request support" is on: it ends by itself."""
        return self.support_until is not None and self.support_until > timezone.now()


class FormerSlugQuerySet(TenantQuerySet["FormerSlug"]):
    """Queries about slugs that organizations have had."""

    def live(self) -> Self:
        """Those that still lead to their organization."""
        return self.filter(until__gt=timezone.now())


class FormerSlug(TenantModel):
    """A slug that an organization has had, and that still leads to it ``until`` then; nobody else can have it before.

    ``last_used_at`` is when a client with a valid token last asked there.
    """

    slug = models.CharField(max_length=63, unique=True)
    until = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)

    objects = FormerSlugQuerySet.as_manager()

    class Meta:
        ordering = ["-until"]
        indexes = [models.Index(fields=["organization", "until"], name="former_slug_by_organization")]

    def __str__(self) -> str:
        return self.slug


class SupportAccessQuerySet(TenantQuerySet["SupportAccess"]):
    """Queries about operators who look at organizations."""

    def open(self) -> Self:
        """Those that have not ended; whether the organization still wants them is another question."""
        return self.filter(left_at=None)


class SupportAccess(TenantModel):
    """An operator's look at an organization that has asked for support; the operator is kept by id and name."""

    operator_id = models.UUIDField(editable=False)
    operator_label = models.CharField(max_length=254, editable=False)
    entered_at = models.DateTimeField(auto_now_add=True)
    left_at = models.DateTimeField(null=True)

    objects = SupportAccessQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "support access"
        ordering = ["-entered_at"]
        indexes = [models.Index(fields=["organization", "left_at"], name="support_visit_by_state")]

    def __str__(self) -> str:
        return self.operator_label


class Mail(models.Model):
    """A mail in the outbox. ``name`` tells what it is about; what it said is kept only until it is settled.

    ``due_at`` is when it is to be sent or tried again; once settled, when it is to be forgotten. ``counted_as`` names
    whom a stranger could annoy with it, such as ``reset/<user id>``: see ``organizations.services.outbox.may_send``.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        SENT = "sent", "Sent"
        FAILED = "failed", "Failed"
        WITHDRAWN = "withdrawn", "Withdrawn"

    LONGEST_SUBJECT: ClassVar = 200
    LONGEST_FAILURE: ClassVar = 300
    LONGEST_COUNTED: ClassVar = 320

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, null=True, related_name="+", db_index=False)
    name = models.CharField(max_length=40)
    to = models.CharField(max_length=254)
    subject = models.CharField(max_length=LONGEST_SUBJECT)
    text = models.TextField(blank=True)
    html = models.TextField(blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    failure = models.CharField(max_length=LONGEST_FAILURE, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    due_at = models.DateTimeField(default=timezone.now)
    settled_at = models.DateTimeField(null=True)
    # Null, so that the databases see that a search by it can use the index.
    counted_as = models.CharField(max_length=LONGEST_COUNTED, null=True, editable=False)  # noqa: DJ001

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["state", "due_at"], name="mail_due"),
            models.Index(
                fields=["counted_as", "created_at"], name="mail_counted", condition=models.Q(counted_as__isnull=False)
            ),
            models.Index(fields=["organization", "id"], name="mail_by_organization"),
        ]

    def __str__(self) -> str:
        return self.subject
