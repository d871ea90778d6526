"""Whoever opens a connection to an identity provider has every right that it can give; the table of decision 44."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from core.actors import Actor
from provisioning.models import Connection, IdentityProvider, Token
from provisioning.services import brake, test_runs
from provisioning.services.connections import connections, granted_permissions, tokens, transfer
from provisioning.services.request_log import additional_logging
from tests.tenants import Tenant
from users.models import User
from users.permissions import Area, BuiltIn, Level
from users.services import roles
from users.services.authority import BeyondOwnRights

ASKS = "every right that the connection gives"
SOON, LATER = timedelta(days=1), timedelta(days=9)

Verb = Callable[[Connection, Token, Actor], Any]


def other(connection: Connection) -> Connection:
    return Connection.objects.of(connection.organization_id).exclude(pk=connection.pk).get()


def person(connection: Connection) -> User:
    return User.objects.of(connection.organization_id).get(user_name_key__startswith="kept@")


# By the verb of the table, with what turns a state where the verb has two directions.
OPENS: Mapping[str, Verb] = {
    "connections.generate_token": lambda c, _t, by: connections.generate_token(c, by=by),
    "connections.set_enabled (on)": lambda c, _t, by: connections.set_enabled(c, True, by=by),
    "connections.set_groups_enabled (on)": lambda c, _t, by: connections.set_groups_enabled(c, True, by=by),
    "connections.set_secondary_addresses (on)": lambda c, _t, by: connections.set_secondary_addresses(c, True, by=by),
    "connections.set_strict (off)": lambda c, _t, by: connections.set_strict(c, False, by=by),
    "connections.set_manage_admins (on)": lambda c, _t, by: connections.set_manage_admins(c, True, by=by),
    "connections.remove": lambda c, _t, by: connections.remove(c, replacement=other(c), by=by),
    "tokens.rotate_token": lambda _c, t, by: tokens.rotate_token(t.pk, by=by),
    "tokens.rename_token": lambda _c, t, by: tokens.rename_token(t.pk, "New", by=by),
    "tokens.keep_token": lambda _c, t, by: tokens.keep_token(t.pk, expected_retires_at=t.retires_at, by=by),
    "tokens.retire_token (later)": lambda _c, t, by: tokens.retire_token(
        t.pk, timezone.now() + LATER, expected_retires_at=t.retires_at, by=by
    ),
    "transfer.transfer": lambda c, _t, by: transfer.transfer(person(c).pk, other(c), by=by),
    "transfer.transfer_all": lambda c, _t, by: transfer.transfer_all(c, None, by=by),
    "test_runs.start": lambda c, _t, by: test_runs.start(c, "jumpcloud", "test.user@acme.example", by=by),
    "additional_logging.turn_on": lambda c, _t, by: additional_logging.turn_on(c, by=by),
    "brake.set_enabled (off)": lambda c, _t, by: brake.set_enabled(c, False, by=by),
    "brake.set_percent (greater)": lambda c, _t, by: brake.set_percent(c, 90, by=by),
}


@pytest.fixture
def connection(acme: Tenant) -> Connection:
    """Turned off, strict and without groups, so that every switch can be turned towards more."""
    connections.add("Okta", IdentityProvider.OKTA, by=acme.by)
    acme.add("kept", managed_by=acme.connection.pk)
    Connection.objects.filter(pk=acme.connection.pk).update(strict=True, groups_enabled=False)
    acme.connection.refresh_from_db()
    return acme.connection


@pytest.fixture
def token(acme: Tenant, connection: Connection) -> Token:
    token = connections.generate_token(connection, by=acme.by)[0]
    return tokens.retire_token(token.pk, timezone.now() + SOON, expected_retires_at=None, by=acme.by)


def acting(tenant: Tenant, role: str) -> Actor:
    user = tenant.add("actor", role)
    return replace(tenant.by, user_id=user.pk, label=str(user))


@pytest.mark.parametrize("verb", OPENS)
def test_who_may_only_set_up_sign_in_does_not_open_a_connection_that_gives_more(
    verb: str, acme: Tenant, connection: Connection, token: Token
) -> None:
    by, events = acting(acme, "sign-in.edit"), len(acme.events())
    with pytest.raises(BeyondOwnRights, match="Ask an Admin"):
        OPENS[verb](connection, token, by)
    assert len(acme.events()) == events


def test_a_token_of_a_connection_that_gives_admin_is_for_admins(acme: Tenant, connection: Connection) -> None:
    roles.create("Everything", dict.fromkeys(Area, Level.EDIT), by=acme.by)
    by = acting(acme, "Everything")
    assert connections.generate_token(connection, by=by)
    with pytest.raises(BeyondOwnRights):
        connections.set_manage_admins(connection, True, by=by)
    connections.set_manage_admins(connection, True, by=acme.by)
    with pytest.raises(BeyondOwnRights, match="the role Admin, which has rights"):
        connections.generate_token(connection, by=by)


def test_who_may_not_open_a_connection_may_close_it(acme: Tenant, connection: Connection, token: Token) -> None:
    by = acting(acme, "sign-in.edit")
    for close in (connections.set_enabled, connections.set_manage_admins, connections.set_groups_enabled):
        close(connection, False, by=by)
    connections.set_strict(connection, True, by=by)
    brake.set_percent(connection, 5, by=by)
    tokens.retire_token(token.pk, timezone.now() + SOON / 2, expected_retires_at=token.retires_at, by=by)
    assert connections.revoke_token(token.pk, by=by).revoked_at


def test_a_connection_gives_every_role_that_can_be_sent_and_admin_by_its_switch(acme: Tenant) -> None:
    acme.role("users.edit")
    names = [role.name for role in granted_permissions.gives(acme.connection)]
    assert "users.edit" in names and "Admin" not in names
    assert "Admin" in [role.name for role in granted_permissions.gives(acme.connection, manages_admins=True)]
    admin = replace(acme.by, user_id=acme.add("ada", BuiltIn.ADMIN).pk)
    granted_permissions.require(acme.connection, by=admin, manages_admins=True)


def test_the_decision_names_the_same_verbs() -> None:
    text = (Path(__file__).parents[4] / "docs/decisions/0044-opening-a-connection-needs-what-it-gives.md").read_text()
    rows = re.findall(
        rf"^\| `([^`]+)`(?: \(([^)]+)\))? \| {ASKS}",
        text.replace("the receiving connection", "the connection"),
        re.MULTILINE,
    )
    assert {f"{verb} ({state})" if state else verb for verb, state in rows} == {*OPENS, "brake.resume"}
