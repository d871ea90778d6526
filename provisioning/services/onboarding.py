"""Make a whole organization: roles, domains, SCIM connection, first Admin and, if wanted, a token."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace

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
from users.models import Source, User
from users.permissions import BuiltIn
from users.services import accounts, roles


class PasswordRefused(Refusal):
    """The password is too easy to guess."""

    code = "password-refused"


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
        password = admin_password or secrets.token_urlsafe(15)
        _check_password(password)
        profile, role = {"userName": admin_email}, built_in[BuiltIn.ADMIN]
        new = accounts.NewUser(profile, role, Source.MANUAL, password=password, outsider=True)
        admin = accounts.create(new, by=by)
    return Opened(organization, connection, bearer_token, admin, password)


def _check_password(password: str) -> None:
    try:
        validate_password(password)
    except ValidationError as error:
        raise PasswordRefused(" ".join(error.messages)) from None
