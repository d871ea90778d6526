"""Make a whole organization: roles, domains, SCIM connection, first Admin and, if wanted, a token."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

import domains.services
import organizations.services.organizations
from audit.actions import Action
from audit.services import trail
from core.actors import Actor, operator_at_the_command_line
from core.refusals import Refusal
from organizations.models import Organization
from provisioning.models import Brake, Connection
from provisioning.services.connections import connections
from users.models import Role, Source, User
from users.permissions import BuiltIn
from users.services import accounts, roles


class PasswordRefused(Refusal):
    """The password is too easy to guess."""

    code = "password-refused"


class AdminPresent(Refusal):
    """The organization has an Admin, so an operator adds none."""

    code = "admin-present"


@dataclass(frozen=True, slots=True)
class Opened:
    """What was made; token and password texts are in nobody's hands but the caller's."""

    organization: Organization
    connection: Connection
    bearer_token: str | None
    admin: User | None
    admin_password: str | None


@transaction.atomic
def open_organization(
    name: str,
    slug: str,
    *,
    domains_with_requests: Sequence[str] = (),
    domains_without_requests: Sequence[str] = (),
    admin_email: str | None = None,
    admin_password: str | None = None,
    generate_token: bool = False,
    enable_scim: bool = False,
    by: Actor | None = None,
) -> Opened:
    """Make an organization ready for work; all or nothing. Enabling SCIM implies a token.

    ``by`` is who acts, whatever organization that names; without it, whoever has a shell on the server.

    Raises the Refusal of whatever part can't be made.
    """
    organization = organizations.services.organizations.create(name, slug)
    by = replace(by, organization_id=organization.pk) if by else operator_at_the_command_line(organization.pk)
    trail.record(Action.ORGANIZATION_CREATED, organization, by=by)
    built_in = roles.create_built_in(organization.pk)
    for domain_name in (*domains_with_requests, *domains_without_requests):
        domain = domains.services.add(domain_name, verified=True, by=by)
        if domain_name in domains_with_requests:
            domains.services.set_user_requests(domain.pk, True, by=by)
    connection = Connection.objects.create(organization=organization)
    Brake.objects.create(organization=organization, connection=connection)
    bearer_token = connections.generate_token(connection, by=by)[1] if generate_token or enable_scim else None
    if enable_scim:
        connection = connections.set_enabled(connection, True, by=by)
    admin, password = None, None
    if admin_email is not None:
        admin, password = _add_admin(admin_email, admin_password, built_in[BuiltIn.ADMIN], by)
    return Opened(organization, connection, bearer_token, admin, password)


def has_admin(organization_id: UUID) -> bool:
    """Whether an organization has an Admin who can sign in."""
    return bool(User.objects.of(organization_id).active_admins().exists())


@transaction.atomic
def add_first_admin(email: str, *, by: Actor) -> tuple[User, str]:
    """Add an Admin to the actor's organization, which has none who can sign in; return them and their password.

    Raises AdminPresent, and the Refusal of an account that can't be made.
    """
    organization = organizations.services.organizations.lock(by.organization_id)
    if has_admin(organization.pk):
        raise AdminPresent(f"{organization} has an Admin already, who adds all others under Settings > Users.")
    role = Role.objects.of(organization.pk).get(key=BuiltIn.ADMIN)
    return _add_admin(email, None, role, by)


def _add_admin(email: str, password: str | None, role: Role, by: Actor) -> tuple[User, str]:
    password = password or secrets.token_urlsafe(15)
    _check_password(password)
    new = accounts.NewUser({"userName": email}, role, Source.MANUAL, password=password, outsider=True)
    return accounts.create(new, by=by), password


def _check_password(password: str) -> None:
    try:
        validate_password(password)
    except ValidationError as error:
        raise PasswordRefused(" ".join(error.messages)) from None
