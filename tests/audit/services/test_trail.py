"""The trail is added to and read, never changed; it keeps no secrets and outlives what it tells of."""

from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction

from audit.actions import Action
from audit.models import AuditEvent
from audit.services import trail
from core.actors import Actor, Channel, operator_at_the_command_line
from domains.models import Domain
from tests.tenants import Tenant
from users.services import accounts

pytestmark = pytest.mark.django_db

DOMAIN = Domain(name="acme.example")


@pytest.fixture
def by() -> Actor:
    return Actor(uuid4(), "Ada Moreau", Channel.PAGE, user_id=uuid4(), address="2001:db8::1", request_id="r-1")


def test_an_event_keeps_who_what_where_and_when(by: Actor) -> None:
    trail.record(Action.DOMAIN_ADDED, DOMAIN, {"verified": [None, True]}, by=by)
    event = AuditEvent.objects.get()
    assert (event.organization_id, event.actor_id, event.actor_label) == (by.organization_id, by.user_id, "Ada Moreau")
    assert (event.channel, event.address, event.request_id) == ("page", "2001:db8::1", "r-1")
    assert (event.target_type, event.target_id, event.target_label) == ("domain", str(DOMAIN.pk), "acme.example")
    assert event.changes == {"verified": [None, True]}
    assert event.created_at.tzinfo is not None


def test_an_operator_needs_neither_account_nor_address() -> None:
    trail.record(Action.DOMAIN_ADDED, DOMAIN, by=operator_at_the_command_line(uuid4()))
    event = AuditEvent.objects.get()
    assert (event.actor_id, event.address, event.channel) == (None, None, "command")
    assert str(event) == "Operator (command line) added the domain acme.example"


@pytest.mark.parametrize("field", ["password", "bearer_token", "Client Secret", "digest"])
def test_secrets_are_masked_and_absence_is_not(by: Actor, field: str) -> None:
    trail.record(Action.USER_UPDATED, DOMAIN, {field: [None, "hunter2"], "title": ["a", "b"]}, by=by)
    assert AuditEvent.objects.get().changes == {field: [None, "••••••"], "title": ["a", "b"]}


def test_a_label_says_more_than_the_target_itself(by: Actor) -> None:
    trail.record(Action.DOMAIN_ADDED, DOMAIN, by=by, label="acme.example of Acme")
    assert AuditEvent.objects.get().target_label == "acme.example of Acme"


def test_long_labels_are_cut_to_what_fits(by: Actor) -> None:
    long = Actor(by.organization_id, "x" * 500, Channel.SCIM)
    trail.record(Action.DOMAIN_ADDED, DOMAIN, by=long, label="y" * 500)
    event = AuditEvent.objects.get()
    assert len(event.actor_label) == len(event.target_label) == 320


def test_nothing_changes_or_deletes_an_event(by: Actor) -> None:
    trail.record(Action.DOMAIN_ADDED, DOMAIN, by=by)
    event = AuditEvent.objects.get()
    for attempt in (
        event.delete,
        AuditEvent.objects.all().delete,
        lambda: AuditEvent.objects.update(actor_label="nobody"),
    ):
        with pytest.raises(TypeError):
            attempt()
    assert AuditEvent.objects.get().actor_label == "Ada Moreau"


CHANGES = (
    "UPDATE audit_auditevent SET actor_label = 'nobody'",
    "UPDATE audit_auditevent SET actor_label = 'nobody' WHERE action = 'domain.added'",
    "DELETE FROM audit_auditevent",
    "DELETE FROM audit_auditevent WHERE organization_id IS NOT NULL",
)
ON_ONE = {
    "postgresql": (
        "TRUNCATE audit_auditevent",
        "INSERT INTO audit_auditevent SELECT * FROM audit_auditevent ON CONFLICT (id) DO UPDATE SET actor_label = 'x'",
    ),
    "sqlite": (
        "INSERT OR REPLACE INTO audit_auditevent SELECT * FROM audit_auditevent",
        "INSERT INTO audit_auditevent SELECT * FROM audit_auditevent WHERE 1"
        " ON CONFLICT (id) DO UPDATE SET channel = 'x'",
    ),
}


def test_the_database_itself_refuses_to_change_or_delete_an_event(by: Actor) -> None:
    trail.record(Action.DOMAIN_ADDED, DOMAIN, by=by)
    kept = AuditEvent.objects.values().get()
    for statement in (*CHANGES, *ON_ONE[connection.vendor]):
        with (
            pytest.raises(IntegrityError, match="never changed or deleted"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
        assert AuditEvent.objects.values().get() == kept, statement


@pytest.mark.django_db(transaction=True)
def test_the_database_refuses_still_after_a_flush_of_the_tests(by: Actor) -> None:
    call_command("flush", interactive=False, verbosity=0)
    assert not AuditEvent.objects.exists()
    trail.record(Action.DOMAIN_ADDED, DOMAIN, by=by)
    with pytest.raises(IntegrityError), connection.cursor() as cursor:
        cursor.execute("DELETE FROM audit_auditevent")


def test_labels_are_kept_as_a_search_compares_them(by: Actor) -> None:
    trail.record(Action.DOMAIN_ADDED, DOMAIN, by=by, label="STRASSE-Ünïcode ＡＢ")
    event = AuditEvent.objects.get()
    assert (event.actor_key, event.target_key) == ("ada moreau", "strasse-unicode ab\nstrasse-uenicode ab")


def test_an_event_outlives_actor_target_and_organization(acme: Tenant) -> None:
    ann = acme.add("ann")
    accounts.delete(accounts.find(ann.pk, organization_id=acme.id), by=acme.by)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM audit_auditevent")
        before = cursor.fetchone()
    acme.organization.delete()
    assert before == (AuditEvent.objects.count(),)
    assert str(AuditEvent.objects.first()) == "Ada Moreau deleted ann@acme.example"


def test_the_newest_event_comes_first(by: Actor) -> None:
    for action in (Action.DOMAIN_ADDED, Action.DOMAIN_ALLOWED, Action.DOMAIN_REMOVED):
        trail.record(action, DOMAIN, by=by)
    assert [event.action for event in AuditEvent.objects.all()] == ["domain.removed", "domain.allowed", "domain.added"]


@pytest.mark.parametrize("action", Action)
def test_every_action_reads_as_a_sentence_about_its_target(action: Action) -> None:
    event = AuditEvent(action=action, actor_label="Ada", target_label="the target")
    assert "the target" in str(event)
    assert "{" not in str(event)
    assert len(action.value) <= 40
