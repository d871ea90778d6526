"""User: one document and the index that is written with it; and how many users an organization has."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Self
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Concat, Left
from django.utils import timezone
from django.utils.crypto import salted_hmac
from uuid_utils.compat import uuid7

from core.addresses import canonical
from core.tenancy import KeyField, TenantQuerySet
from organizations.models import Organization
from users.models.choices import GivenBy, Source
from users.models.roles import Role
from users.permissions import BuiltIn

# Lists sort names by so many characters: an index entry has no room for the longest names.
NAME_SORTED = 60

# How long a user whose address an identity provider has changed gets no link to set a password.
RESET_BLOCKED_FOR = timedelta(hours=72)


class UserQuerySet(TenantQuerySet["User"]):
    """Queries about people."""

    def named(self, key: str | Combinable, organization_id: UUID | Combinable | None) -> Self:
        """Those whose userName or e-mail address has this canonical key; both may be expressions of another query."""
        # Each half says all that its index asks for, without which SQLite reads everybody.
        by_user_name = Q(organization_id=organization_id, user_name_key=key)
        return self.filter(by_user_name | Q(~Q(email_key=""), organization_id=organization_id, email_key=key))

    def known_as(self, organization_id: UUID | None, login: str) -> User | None:
        """The person whose userName or e-mail address this is; a userName wins. Organization None: operators."""
        key = canonical(login)
        hits = list(self.named(key, organization_id)[:2])
        return next((user for user in hits if user.user_name_key == key), hits[0] if hits else None) if key else None

    def active_admins(self) -> Self:
        """Those who may do everything and can sign in."""
        return self.filter(role__key=BuiltIn.ADMIN, is_active=True)


class UserManager(BaseUserManager["User"].from_queryset(UserQuerySet)):  # type: ignore[misc]
    """What Django's sign-in and ``createsuperuser`` need."""

    def get_by_natural_key(self, sign_in_key: str | None) -> User:
        """Find by the database's own sign-in key."""
        found: User = self.select_related("organization", "role").get(sign_in_key=canonical(sign_in_key or ""))
        return found

    def create_superuser(self, sign_in_key: str, email: str = "", password: str | None = None) -> User:
        """Make an operator: a superuser who belongs to no organization."""
        user = User(user_name=sign_in_key, email=email, is_superuser=True)
        user.set_password(password)
        user.save(force_insert=True)
        return user


class User(AbstractBaseUser):
    """A person in exactly one organization, or an operator in none.

    ``document`` is the SCIM resource as compact JSON text and the one source of the profile (``users.profile`` reads
    and writes it). All other profile columns, ``search`` and the UserValue rows are its index: written with it, never
    read back to build an answer. ``version`` counts the writes. ``sign_in_key`` is made by the database, so that no
    code path can leave it stale; read it from the row, its spelling differs between databases. ``managed_by`` is the id
    of the identity provider's connection that keeps the profile, if one does.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        Organization, models.CASCADE, null=True, blank=True, related_name="+", db_index=False, editable=False
    )
    role = models.ForeignKey(Role, models.PROTECT, null=True, blank=True, related_name="users")
    role_given_by = models.CharField(max_length=10, choices=GivenBy, default=GivenBy.MANUAL, editable=False)
    source = models.CharField(max_length=10, choices=Source, default=Source.MANUAL)
    managed_by = models.UUIDField(null=True, editable=False)
    claims_external_id = models.BooleanField(
        default=False,
        editable=False,
        help_text="No other user who claims one has the externalId in the same connection.",
    )
    is_active = models.BooleanField(default=True)
    is_superuser = models.BooleanField(default=False)

    user_name = models.CharField(max_length=254)
    user_name_key = KeyField(max_length=400, editable=False)
    email = models.EmailField(max_length=254, blank=True)
    email_key = KeyField(max_length=400, editable=False, default="")
    external_id = KeyField(max_length=512, blank=True, default="")
    display_name = models.CharField(max_length=1024, blank=True)
    name_key = KeyField(max_length=1100, editable=False, default="", help_text="Folded names, for sorting.")
    search_key = KeyField(
        max_length=4000,
        editable=False,
        default="",
        help_text="Names and addresses, for the pages' search.",
    )
    document = models.TextField(editable=False, default="")
    search = models.JSONField(editable=False, default=dict, help_text="The document with every text folded.")

    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(editable=False, null=True)
    updated_at = models.DateTimeField(editable=False, null=True)
    session_epoch = models.PositiveIntegerField(default=0, editable=False)
    address_changed_at = models.DateTimeField(editable=False, null=True)
    password_reset_blocked_until = models.DateTimeField(editable=False, null=True)
    demoted_at = models.DateTimeField(
        editable=False, null=True, help_text="When an identity provider last took a privileged role from the user."
    )
    sign_in_key = models.GeneratedField(
        db_persist=True,
        unique=True,
        output_field=models.CharField(max_length=440),
        expression=Case(
            When(organization__isnull=True, then=F("user_name_key")),
            default=Concat(
                Cast("organization_id", models.CharField(max_length=36)),
                Value("/"),
                F("user_name_key"),
                output_field=models.CharField(),
            ),
            output_field=models.CharField(),
        ),
    )

    # Set by who asks for it: whether the user is a member of any group.
    in_groups = False

    USERNAME_FIELD = "sign_in_key"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["email"]

    objects = UserManager()

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["organization", "id"], name="user_by_organization"),
            models.Index(fields=["organization", "external_id"], name="user_by_external_id"),
            models.Index("organization", Left("name_key", NAME_SORTED), "id", name="user_by_name"),
        ]
        constraints = [
            models.UniqueConstraint("organization", "user_name_key", name="user_name_once"),
            models.UniqueConstraint("organization", "email_key", condition=~Q(email_key=""), name="email_once"),
            models.UniqueConstraint(
                "organization",
                "managed_by",
                "external_id",
                condition=Q(claims_external_id=True),
                name="external_id_once",
            ),
            models.UniqueConstraint(
                "email_key", condition=Q(organization=None) & ~Q(email_key=""), name="operator_email_once"
            ),
            models.CheckConstraint(
                condition=Q(organization=None) | Q(is_superuser=False, role__isnull=False), name="superuser_is_operator"
            ),
            models.CheckConstraint(
                condition=Q(organization__isnull=False) | ~Q(user_name_key__contains="/"), name="operator_no_slash"
            ),
        ]

    def __str__(self) -> str:
        return self.user_name

    def save(self, *args: Any, update_fields: Any = None, **kwargs: Any) -> None:
        """Keep the keys with the names they are made of, also where a library saves one field only."""
        self.user_name_key, self.email_key = canonical(self.user_name), canonical(self.email)
        if update_fields is not None:
            update_fields = {*update_fields} | {
                f"{name}_key" for name in ("user_name", "email") if name in update_fields
            }
        super().save(*args, update_fields=update_fields, **kwargs)

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """What a session must show at each request: one more ``session_epoch`` ends them all."""
        return salted_hmac(
            "users.session", f"{self.password}:{self.session_epoch}", secret=secret, algorithm="sha256"
        ).hexdigest()

    @property
    def is_password_reset_blocked(self) -> bool:
        """Whether no password is set by mail now, because an identity provider has changed the address lately."""
        until = self.password_reset_blocked_until
        return until is not None and until > timezone.now()

    @property
    def password_reset_blocked_since(self) -> datetime | None:
        """When the identity provider changed the address that way; an Admin may have changed it once more since."""
        until = self.password_reset_blocked_until
        return until and until - RESET_BLOCKED_FOR

    @property
    def is_staff(self) -> bool:
        """Whether Django's own admin lets the user in: operators only."""
        return self.is_superuser

    def has_perm(self, code: str, obj: object = None) -> bool:
        """Whether the user's role grants a permission such as ``domains.edit``; see ``users.permissions``."""
        return self.is_active and (self.is_superuser or (self.role is not None and code in self.role.permissions))

    def has_module_perms(self, app_label: str) -> bool:
        """Whether Django's own admin shows the user an app: operators see all."""
        return self.is_active and self.is_superuser


class UserValue(models.Model):
    """One value of a multi-valued attribute that filters look up by index; written by ``users.profile`` only."""

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="+", db_index=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="values")
    attribute = models.CharField(max_length=40)
    type = KeyField(max_length=1024, blank=True)
    value_key = KeyField(max_length=400)

    objects = TenantQuerySet["UserValue"].as_manager()

    class Meta:
        indexes = [models.Index(fields=["organization", "attribute", "value_key"], name="user_value_by_key")]

    def __str__(self) -> str:
        return f"{self.attribute}: {self.value_key}"


class Headcount(models.Model):
    """How many users an organization has, so that a page's total costs no count of the table."""

    organization = models.OneToOneField(Organization, models.CASCADE, primary_key=True, related_name="+")
    users = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return str(self.users)
