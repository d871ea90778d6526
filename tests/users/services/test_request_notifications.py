"""Who is mailed about account requests: the list, who stands on it, and what is mailed when nobody does."""

from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from organizations.models import Mail
from organizations.services import outbox
from tests.tenants import Tenant, confirmation_in
from tests.users.services.test_races import at_once
from users.models import RequestNotification
from users.permissions import BuiltIn
from users.services import account_requests, accounts, request_notifications
from users.services.accounts import UserUnknown
from users.services.request_notifications import NotificationsFull, NotMailed


def asks(tenant: Tenant, login: str = "grace") -> set[str]:
    """Somebody asks for an account; returns who has a mail about it."""
    account_requests.ask("Grace Hopper", f"{login}@{tenant.domain}", organization=tenant.organization)
    token = confirmation_in(Mail.objects.filter(name="confirm_address").order_by("-id")[0].text)
    account_requests.confirm(token, address="192.0.2.7", request_id="r-7")
    return set(Mail.objects.filter(name="account_requested").values_list("to", flat=True))


def on_list(tenant: Tenant) -> list[str]:
    return [str(person) for person in request_notifications.listed(tenant.id)]


def test_while_the_list_is_empty_all_active_admins_are_mailed(acme: Tenant) -> None:
    acme.add("ada", BuiltIn.ADMIN)
    acme.update(acme.add("sue", BuiltIn.ADMIN), active=False)
    acme.add("hal", BuiltIn.HR)
    assert asks(acme) == {"ada@acme.example"}


def test_who_is_on_the_list_is_mailed_instead_of_the_admins(
    acme: Tenant, globex: Tenant, mailoutbox: list[Any]
) -> None:
    acme.add("ada", BuiltIn.ADMIN)
    for tenant in (acme, globex):
        request_notifications.add(tenant.add("hal", BuiltIn.HR).pk, by=tenant.by)
    assert asks(acme) == {"hal@acme.example"}
    outbox.deliver()
    body = next(mail.body for mail in mailoutbox if mail.to == ["hal@acme.example"])
    assert "Grace Hopper (grace@acme.example) asks for an account in Acme" in body
    assert "Settings > Users > Account request notifications" in body


def test_who_is_suspended_is_passed_over_and_mailed_again_when_restored(acme: Tenant) -> None:
    acme.add("ada", BuiltIn.ADMIN)
    hal, ivo = acme.add("hal", BuiltIn.HR), acme.add("ivo", BuiltIn.IT)
    for person in (hal, ivo):
        request_notifications.add(person.pk, by=acme.by)
    accounts.set_active(hal.pk, False, by=acme.by)
    assert asks(acme, "p1") == {"ivo@acme.example"}
    accounts.set_active(hal.pk, True, by=acme.by)
    assert asks(acme, "p2") == {"ivo@acme.example", "hal@acme.example"}


def test_when_everybody_on_the_list_is_suspended_no_request_goes_unnoticed(acme: Tenant) -> None:
    acme.add("ada", BuiltIn.ADMIN)
    hal = acme.add("hal", BuiltIn.HR)
    request_notifications.add(hal.pk, by=acme.by)
    accounts.set_active(hal.pk, False, by=acme.by)
    assert asks(acme) == {"ada@acme.example"}


def test_who_is_removed_from_the_organization_is_off_the_list(acme: Tenant) -> None:
    acme.add("ada", BuiltIn.ADMIN)
    hal = acme.add("hal", BuiltIn.HR)
    request_notifications.add(hal.pk, by=acme.by)
    accounts.delete(accounts.find(hal.pk, organization_id=acme.id), by=acme.by)
    assert on_list(acme) == []
    assert asks(acme) == {"ada@acme.example"}


def test_many_requests_are_one_more_mail_to_each_in_a_quarter_of_an_hour(acme: Tenant) -> None:
    for login in ("hal", "ivo"):
        request_notifications.add(acme.add(login, BuiltIn.HR).pk, by=acme.by)
    for number in range(4):
        asks(acme, f"p{number}")
        outbox.deliver()
    mails = Mail.objects.filter(name="account_requested").order_by("id").values_list("to", "state")
    assert sorted(mails) == [
        ("hal@acme.example", "sent"), ("hal@acme.example", "waiting"),
        ("ivo@acme.example", "sent"), ("ivo@acme.example", "waiting"),
    ]  # fmt: skip


def test_adding_and_removing_are_audited_and_a_second_time_changes_nothing(acme: Tenant) -> None:
    hal = acme.add("hal", BuiltIn.HR)
    assert request_notifications.add(hal.pk, by=acme.by) == (hal, True)
    assert str(acme.last_event()) == "Ada Moreau had hal@acme.example mailed about account requests"
    events = len(acme.events())
    assert request_notifications.add(hal.pk, by=acme.by) == (hal, False)
    assert (len(acme.events()), on_list(acme)) == (events, ["hal@acme.example"])
    assert request_notifications.remove(hal.pk, by=acme.by) == (hal, True)
    assert str(acme.last_event()) == "Ada Moreau stopped mailing hal@acme.example about account requests"
    assert request_notifications.remove(hal.pk, by=acme.by) == (hal, False)
    assert (len(acme.events()), on_list(acme)) == (events + 1, [])


def test_the_suspended_are_not_added(acme: Tenant) -> None:
    sue = acme.add("sue")
    accounts.set_active(sue.pk, False, by=acme.by)
    with pytest.raises(NotMailed, match="Restore them first"):
        request_notifications.add(sue.pk, by=acme.by)
    assert on_list(acme) == []


def test_another_organizations_people_are_neither_added_nor_removed(acme: Tenant, globex: Tenant) -> None:
    foreign = globex.add("gabriel")
    request_notifications.add(foreign.pk, by=globex.by)
    for person_id in (foreign.pk, uuid4()):
        with pytest.raises(UserUnknown):
            request_notifications.add(person_id, by=acme.by)
        with pytest.raises(UserUnknown):
            request_notifications.remove(person_id, by=acme.by)
    assert on_list(acme) == []
    assert on_list(globex) == ["gabriel@globex.example"]


def test_the_list_has_an_end(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_notifications, "MOST", 2)
    people = [acme.add(login) for login in ("ann", "bea", "cyd")]
    for person in people[:2]:
        request_notifications.add(person.pk, by=acme.by)
    with pytest.raises(NotificationsFull, match="At most 2 people"):
        request_notifications.add(people[2].pk, by=acme.by)
    assert request_notifications.add(people[0].pk, by=acme.by) == (people[0], False)
    assert on_list(acme) == ["ann@acme.example", "bea@acme.example"]


def test_each_more_on_the_list_costs_one_statement_for_the_mail(acme: Tenant) -> None:
    costs = []
    for number in range(1, 4):
        request_notifications.add(acme.add(f"hal{number}").pk, by=acme.by)
        Mail.objects.all().delete()
        with CaptureQueriesContext(connection) as queries:
            asks(acme, f"p{number}")
        costs.append(len(queries))
    assert costs[2] - costs[1] == costs[1] - costs[0] <= 2


@pytest.mark.django_db(transaction=True)
def test_two_admins_who_add_somebody_in_the_same_moment_add_them_once(acme: Tenant) -> None:
    for number in range(10):
        hal = acme.add(f"hal{number}")
        deeds = [lambda: request_notifications.add(hal.pk, by=acme.by)] * 2  # noqa: B023
        assert at_once(*deeds) == [None, None], f"round {number}"
        assert RequestNotification.objects.filter(user=hal).count() == 1
    assert [event.action for event in acme.events()].count("request-notification.added") == 10
