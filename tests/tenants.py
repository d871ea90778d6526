"""Two organizations for the tests, made as an operator makes them, and what happened in them."""

import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from allauth.account.forms import default_token_generator
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.db import transaction
from django.http import HttpRequest

import domains.services
from audit.models import AuditEvent
from core.actors import Actor, Channel
from core.tenancy import TenantQuerySet
from domains.models import Domain
from organizations.models import Mail, Organization
from provisioning.models import Connection
from provisioning.services.onboarding import open_organization
from signin.services import passwords
from users import profile as profiles
from users.models import AccountRequest, Headcount, Role, Source, User
from users.permissions import BuiltIn, levels_of
from users.services import account_requests, accounts, roles


@dataclass(frozen=True, slots=True)
class Tenant:
    """An organization with one domain that has the checkmark, its roles, and somebody who acts for it."""

    organization: Organization
    connection: Connection
    by: Actor
    domain: str

    @property
    def id(self) -> UUID:
        return self.organization.pk

    def role(self, key: str) -> Role:
        """A built-in role; any other text, such as "users.edit domains.view", is a role with just these rights."""
        found = Role.objects.of(self.id).filter(key=key, rights="") if key in set(BuiltIn) else self.own_roles(key)
        return found.first() or roles.create(key, levels_of("", key), by=self.by)

    def own_roles(self, name: str) -> TenantQuerySet[Role]:
        """The organization's own roles of that name."""
        return Role.objects.of(self.id).filter(key="", name=name)

    def add(self, login: str, role: str = BuiltIn.APP_MANAGEMENT, **options: Any) -> User:
        """Create a person; without an @ the login lies in the tenant's domain."""
        address = login if "@" in login else f"{login}@{self.domain}"
        profile = {"userName": address, **options.pop("profile", {})}
        source, secondary_anywhere = options.pop("source", Source.SCIM), options.pop("secondary_anywhere", False)
        new = accounts.NewUser(profile, self.role(role), source, **options)
        return accounts.create(new, secondary_anywhere=secondary_anywhere, by=self.by)

    @transaction.atomic
    def update(self, user: User, **changes: Any) -> User:
        """Write the user's profile with these attributes changed; None leaves one out."""
        found = accounts.find(user.pk, organization_id=self.id)
        profile = {**profiles.read(found), **changes}
        accounts.update(found, {name: value for name, value in profile.items() if value is not None}, by=self.by)
        return found

    def tick(self, domain: str, wanted: bool = True) -> Domain:
        """Switch a domain's checkmark; one that is not there is added, verified."""
        found = Domain.objects.of(self.id).filter(name=domain).first()
        found = found or domains.services.add(domain, verified=True, by=self.by)
        return domains.services.set_user_requests(found.pk, wanted, by=self.by)

    def events(self) -> list[AuditEvent]:
        """The organization's history, newest first."""
        return list(AuditEvent.objects.filter(organization_id=self.id))

    def last_event(self) -> AuditEvent:
        return self.events()[0]

    def headcount(self) -> int:
        return Headcount.objects.get(organization=self.organization).users


@pytest.fixture
def acme(db: None) -> Tenant:
    return open_tenant("acme")


@pytest.fixture
def globex(db: None) -> Tenant:
    return open_tenant("globex")


def open_tenant(slug: str) -> Tenant:
    domain = f"{slug}.example"
    opened = open_organization(slug.title(), slug, domains_with_requests=[domain])
    by = Actor(opened.organization.pk, "Ada Moreau", Channel.PAGE, address="192.0.2.10", request_id="r-1")
    return Tenant(opened.organization, opened.connection, by, domain)


def waiting_request(tenant: Tenant, login: str = "hopper", name: str = "Grace Hopper") -> AccountRequest:
    """Somebody of the tenant's domain has asked for an account and confirmed the address; the mails have gone."""
    account_requests.ask(name, f"{login}@{tenant.domain}", organization=tenant.organization)
    mail = Mail.objects.filter(name="confirm_address").order_by("-id").first()
    assert mail is not None
    request = account_requests.confirm(confirmation_in(mail.text), address="192.0.2.7", request_id="r-7")
    Mail.objects.all().delete()
    return request


def confirmation_in(text: str) -> str:
    """The token of the link in a mail."""
    found = re.search(r"/sign-up/confirm/([\w-]+)/", text)
    assert found
    return found[1]


def set_password(user: User, password: str, *, by: Actor) -> None:
    """Set a password as by the link of a mail."""
    key = default_token_generator.make_token(User.objects.get(pk=user.pk))
    passwords.set_by_link(user.pk, password, key=key, by=by)


def session_of(user: User) -> SessionStore:
    """A signed-in browser's session."""
    from django.contrib.auth import login

    request = HttpRequest()
    request.session = SessionStore()
    request.user = AnonymousUser()
    login(request, User.objects.get(pk=user.pk), backend="signin.backends.AccountBackend")
    request.session.save()
    return SessionStore(request.session.session_key)


def is_signed_in(session: SessionStore) -> bool:
    """Whether the next request of that browser finds its user."""
    from django.contrib.auth import get_user

    request = HttpRequest()
    request.session = session
    return bool(get_user(request).is_authenticated)
