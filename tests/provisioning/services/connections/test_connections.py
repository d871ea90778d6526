"""Tokens are made, shown once, kept as a hash and revoked; SCIM is switched on and off."""

import binascii
import hashlib
import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from provisioning.models import Connection, Token
from provisioning.services.connections import connections
from provisioning.services.connections.connections import ConnectionUnknown, TokenMissing, TokenUnknown, TooManyTokens
from tests.tenants import Tenant
from users.permissions import BuiltIn
from users.services import accounts


def test_the_base_url_names_the_organization_and_has_no_slash_at_its_end(acme: Tenant, settings: Any) -> None:
    settings.BASE_URL = "https://saas.example.com"
    assert connections.base_url(acme.organization) == "https://saas.example.com/scim/acme/v2"


@pytest.mark.clause("7643-9.2-2", "7644-2.1-4", "7644-7.7-1")
def test_a_token_is_kept_as_a_hash_and_known_again_by_its_prefix(acme: Tenant) -> None:
    token, text = connections.generate_token(acme.connection, by=acme.by)
    token.refresh_from_db()
    assert token.digest == hashlib.sha256(text.encode()).hexdigest()
    assert text.startswith(token.prefix)
    assert len(token.prefix) == len("smgr_") + 6
    row = Token.objects.values().get(pk=token.pk)
    assert text not in str(row)
    assert token.created_by_label == "Ada Moreau"


@pytest.mark.clause("7644-7.4-1")
def test_a_token_has_a_shape_that_a_scanner_can_check(acme: Tenant) -> None:
    _, text = connections.generate_token(acme.connection, by=acme.by)
    match = re.fullmatch(r"(smgr_[0-9A-Za-z]{43})_([0-9A-Za-z]{6})", text)
    assert match
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    checksum = 0
    for digit in match[2]:
        checksum = checksum * 62 + digits.index(digit)
    assert checksum == binascii.crc32(match[1].encode())


@pytest.mark.clause("7644-7.4-1")
def test_no_two_tokens_are_alike(acme: Tenant) -> None:
    texts = {connections.generate_token(acme.connection, by=acme.by)[1] for _ in range(5)}
    assert len(texts) == 5


def test_generating_is_audited_without_the_secret(acme: Tenant) -> None:
    token, text = connections.generate_token(acme.connection, by=acme.by)
    event = acme.last_event()
    assert (event.action, event.target_id, event.target_label) == (
        "scim.token-generated", str(token.pk), f"'Token 1' ({token.prefix}…)",
    )  # fmt: skip
    assert text[11:] not in f"{event.target_label}{event.changes}"


def test_a_second_token_leaves_the_first_alive_and_the_sixth_is_refused(acme: Tenant) -> None:
    made = [connections.generate_token(acme.connection, by=acme.by)[0] for _ in range(5)]
    assert connections.live_tokens(acme.connection) == made[::-1]
    with pytest.raises(TooManyTokens, match="Revoke one"):
        connections.generate_token(acme.connection, by=acme.by)
    connections.revoke_token(made[0].pk, by=acme.by)
    assert connections.generate_token(acme.connection, by=acme.by)


def test_an_expired_token_is_dead_and_makes_room(acme: Tenant) -> None:
    for _ in range(5):
        connections.generate_token(acme.connection, by=acme.by, days=1)
    assert all(token.expires_at > timezone.now() + timedelta(hours=23) for token in Token.objects.all())
    Token.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert connections.live_tokens(acme.connection) == []
    assert connections.generate_token(acme.connection, by=acme.by)


def test_revoking_is_final_and_audited(acme: Tenant) -> None:
    token, _ = connections.generate_token(acme.connection, by=acme.by)
    connections.revoke_token(token.pk, by=acme.by)
    assert connections.live_tokens(acme.connection) == []
    assert acme.last_event().action == "scim.token-revoked"
    with pytest.raises(TokenUnknown):
        connections.revoke_token(token.pk, by=acme.by)
    assert [event.action for event in acme.events()].count("scim.token-revoked") == 1


def test_scim_is_enabled_only_when_there_is_a_token_to_use(acme: Tenant) -> None:
    with pytest.raises(TokenMissing, match="Generate a token"):
        connections.set_enabled(acme.connection, True, by=acme.by)
    token, _ = connections.generate_token(acme.connection, by=acme.by)
    connections.revoke_token(token.pk, by=acme.by)
    with pytest.raises(TokenMissing):
        connections.set_enabled(acme.connection, True, by=acme.by)
    assert not connections.default_connection(acme.id).enabled


def test_switching_is_audited_once_each_way(acme: Tenant) -> None:
    connections.generate_token(acme.connection, by=acme.by)
    for wanted in (True, True, False, False):
        assert connections.set_enabled(acme.connection, wanted, by=acme.by).enabled is wanted
    actions = [event.action for event in acme.events()]
    assert actions[:2] == ["scim.disabled", "scim.enabled"]
    assert actions.count("scim.enabled") == actions.count("scim.disabled") == 1
    assert acme.last_event().changes == {"enabled": [True, False]}


def test_letting_scim_manage_admins_is_audited_once_each_way(acme: Tenant) -> None:
    for wanted in (True, True, False, False):
        assert connections.set_manage_admins(acme.connection, wanted, by=acme.by).manage_admins is wanted
    assert [event.action for event in acme.events()][:2] == ["scim.admin-disallowed", "scim.admin-allowed"]


def test_turning_groups_off_is_audited_once_each_way(acme: Tenant) -> None:
    for wanted in (True, False, False, True):
        assert connections.set_groups_enabled(acme.connection, wanted, by=acme.by).groups_enabled is wanted
    assert [event.action for event in acme.events()][:2] == ["scim.groups-allowed", "scim.groups-disallowed"]


def test_strict_mode_is_switched_once_and_audited(acme: Tenant) -> None:
    assert acme.connection.strict is False
    for wanted in (True, True, False):
        assert connections.set_strict(acme.connection, wanted, by=acme.by).strict is wanted
    lenient, strict = acme.events()[:2]
    assert str(strict) == "Ada Moreau turned on the strict mode of SCIM (Default)"
    assert str(lenient) == "Ada Moreau turned off the strict mode of SCIM (Default)"
    assert strict.changes == {"strict": [False, True]}


def test_another_organizations_tokens_and_connection_do_not_exist(acme: Tenant, globex: Tenant) -> None:
    token, _ = connections.generate_token(acme.connection, by=acme.by)
    with pytest.raises(TokenUnknown):
        connections.revoke_token(token.pk, by=globex.by)
    for deed in (
        lambda: connections.generate_token(acme.connection, by=globex.by),
        lambda: connections.set_enabled(acme.connection, True, by=globex.by),
        lambda: connections.set_manage_admins(acme.connection, True, by=globex.by),
        lambda: connections.set_groups_enabled(acme.connection, False, by=globex.by),
        lambda: connections.set_strict(acme.connection, True, by=globex.by),
    ):
        with pytest.raises(ConnectionUnknown):
            deed()
    assert connections.live_tokens(acme.connection) == [token]
    assert connections.live_tokens(globex.connection) == []


def test_a_token_outlives_who_made_it(acme: Tenant) -> None:
    from dataclasses import replace

    acme.add("other", BuiltIn.ADMIN)
    ann = acme.add("ann", BuiltIn.ADMIN)
    token, _ = connections.generate_token(acme.connection, by=replace(acme.by, user_id=ann.pk))
    accounts.delete(accounts.find(ann.pk, organization_id=acme.id), by=acme.by)
    token.refresh_from_db()
    assert (token.created_by, token.created_by_label) == (None, "Ada Moreau")


def test_the_database_refuses_a_second_connection_of_that_name(acme: Tenant) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Connection.objects.create(organization=acme.organization)
