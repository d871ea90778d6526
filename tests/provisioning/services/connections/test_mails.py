"""Admins learn by mail of what opens or shuts SCIM, and of tokens that are about to expire."""

from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.utils import timezone

from organizations.models import Mail, Organization
from organizations.services import outbox
from provisioning.models import Token
from provisioning.services.connections import connections, mails
from tests.tenants import Tenant
from users.models import Source, User
from users.permissions import BuiltIn


@pytest.fixture
def admins(acme: Tenant) -> list[User]:
    """Two Admins of Acme, a third who is suspended, and somebody who is none."""
    found = [acme.add(name, BuiltIn.ADMIN, source=Source.MANUAL) for name in ("ada", "grace")]
    acme.update(acme.add("gone", BuiltIn.ADMIN), active=False)
    acme.add("reader", BuiltIn.READ_ONLY)
    return found


def delivered() -> list[mail.EmailMultiAlternatives]:
    """What is in the mailboxes since the last time."""
    mail.outbox.clear()
    outbox.deliver()
    return list(mail.outbox)  # type: ignore[arg-type]


def make(tenant: Tenant, days: int | None = None) -> Token:
    return connections.generate_token(tenant.connection, by=tenant.by, days=days)[0]


def test_every_active_admin_hears_of_a_new_token_but_never_its_text(acme: Tenant, admins: list[User]) -> None:
    token, text = connections.generate_token(acme.connection, by=acme.by, days=30)
    messages = delivered()
    assert sorted(message.to[0] for message in messages) == ["ada@acme.example", "grace@acme.example"]
    assert messages[0].subject == f"A SCIM token was made in Acme: {token}"
    assert "Ada Moreau made the SCIM token" in messages[0].body
    address = f"http://testserver/settings/users/?connection={acme.connection.pk}#scim"
    assert address in messages[0].body
    assert text not in messages[0].body and text not in str(messages[0].alternatives)


def test_turning_scim_on_or_off_is_told_once(acme: Tenant, admins: list[User]) -> None:
    make(acme)
    delivered()
    for wanted, subject in ((True, "SCIM was turned on in Acme"), (False, "SCIM was turned off in Acme")):
        connections.set_enabled(acme.connection, wanted, by=acme.by)
        connections.set_enabled(acme.connection, wanted, by=acme.by)
        assert [message.subject for message in delivered()] == [subject] * 2


def test_opening_an_organization_mails_nobody(acme: Tenant) -> None:
    assert not Mail.objects.exists()


def test_a_token_is_warned_of_at_each_stage_once(acme: Tenant, admins: list[User]) -> None:
    token = make(acme, days=30)
    connections.set_enabled(acme.connection, True, by=acme.by)
    delivered()
    told = []
    for days_left in range(30, -1, -1):
        Token.objects.filter(pk=token.pk).update(expires_at=timezone.now() + timedelta(days=days_left, minutes=-1))
        if mails.warn_of_expiring_tokens():
            told.append(days_left)
            assert len(delivered()) == 2
    assert told == [20, 7, 1]


def test_the_end_of_a_token_is_written_as_the_organization_writes_dates(acme: Tenant, admins: list[User]) -> None:
    Organization.objects.filter(pk=acme.id).update(date_style="de", time_zone="Asia/Tokyo")
    token = make(acme, days=30)
    connections.set_enabled(acme.connection, True, by=acme.by)
    delivered()
    with time_machine.travel("2027-03-01 12:00:00+00:00", tick=False):
        Token.objects.filter(pk=token.pk).update(expires_at="2027-03-03 18:00:00+00:00")
        mails.warn_of_expiring_tokens()
        assert "expires on 4. März 2027: 'Token 1' (smgr_" in delivered()[0].subject


def test_who_looks_late_warns_once_for_all_stages(acme: Tenant, admins: list[User]) -> None:
    make(acme, days=5)
    connections.set_enabled(acme.connection, True, by=acme.by)
    assert mails.warn_of_expiring_tokens() == 1
    assert mails.warn_of_expiring_tokens() == 0


def test_tokens_that_matter_to_nobody_are_not_warned_of(acme: Tenant, globex: Tenant, admins: list[User]) -> None:
    make(acme)
    revoked = make(acme, days=5)
    connections.revoke_token(revoked.pk, by=acme.by)
    make(globex, days=5)
    connections.set_enabled(acme.connection, True, by=acme.by)
    assert mails.warn_of_expiring_tokens() == 0, "never expires, revoked, and of a connection that is off"


def test_the_page_marks_a_token_that_expires_soon(acme: Tenant) -> None:
    assert [make(acme, days=days).expires_soon for days in (None, 90, 20)] == [False, False, True]
