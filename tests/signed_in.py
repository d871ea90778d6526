"""People of two organizations with a role each, and browsers in which they are signed in."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from domains.models import Domain
from provisioning.services.connections import connections
from tests.tenants import Tenant
from users.models import Source, User
from users.permissions import BuiltIn

PASSWORD = "correct-horse-battery"

SignedIn = Callable[..., Client]


def person(tenant: Tenant, role: str, login: str = "", **options: Any) -> User:
    """Somebody of a tenant who has a role and a password."""
    return tenant.add(login or _login(role), role, password=PASSWORD, source=Source.MANUAL, **options)


def sign_in(client: Client, user: User, **extra: Any) -> Any:
    """Go through the form, as a person does."""
    return client.post(f"/sign-in/{user.organization.slug}/", {"login": user.user_name, "password": PASSWORD}, **extra)


def _login(role: str) -> str:
    return role.replace(" ", "+")


@pytest.fixture
def signed_in() -> SignedIn:
    """A browser in which a new person of that role has just given the password, as the form of sign-in leaves it."""

    def make(tenant: Tenant, role: str = BuiltIn.ADMIN) -> Client:
        client = Client(HTTP_USER_AGENT="Tests")
        user = User.objects.of(tenant.id).filter(user_name_key__startswith=f"{_login(role)}@").first() or person(
            tenant, role
        )
        # All tests send from one address, more often in a minute than one person would.
        cache.clear()
        client.force_login(user)
        session = client.session
        given = {"method": "password", "at": time.time(), "username": user.sign_in_key}
        session["account_authentication_methods"] = [given]
        session["account_authentication_methods_user"] = str(user.pk)
        session.set_expiry(0)
        session.save()
        return client

    return make


@pytest.fixture
def token(acme: Tenant) -> connections.Token:
    return connections.generate_token(acme.connection, by=acme.by)[0]


@pytest.fixture
def domain(acme: Tenant) -> Domain:
    """Acme's own domain, which has the checkmark."""
    return Domain.objects.of(acme.id).get(name=acme.domain)


def htmx(target: str = "") -> dict[str, str]:
    """The headers by which the page's script asks."""
    return {"HTTP_HX_REQUEST": "true", **({"HTTP_HX_TARGET": target} if target else {})}
