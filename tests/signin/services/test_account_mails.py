"""What strangers can have mailed to one account: so many links and answers an hour and a day, however they ask."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from organizations.models import Mail
from organizations.services import outbox
from tests.signin.views.test_sign_in import expected_version
from tests.tenants import Tenant, confirmation_in
from tests.users.services.test_races import at_once
from users.models import AccountRequest
from users.services import account_requests

SPELLINGS = [
    "grace@acme.example",
    "Grace@ACME.example",
    "GRACE@acme.example",
    "gRACE@Acme.EXAMPLE",
    "g@acme.example",
]
VALUE = re.compile(r"s\d+_x\d+|'(?:[^']|'')*'(?:::\w+)?|\b\d+\b|\bNULL\b")


def reset(tenant: Tenant, address: str) -> Any:
    """Ask for a link as a stranger does whom no other limit stops."""
    cache.clear()
    return Client().post(f"/sign-in/{tenant.organization.slug}/password/", {"email": address})


def sign_up(tenant: Tenant, address: str) -> None:
    account_requests.ask("Grace Hopper", address, organization=tenant.organization)


def sent() -> list[Mail]:
    """The mails that leave, oldest first."""
    return list(Mail.objects.exclude(state=Mail.State.WITHDRAWN).order_by("id"))


def go_by(**time: float) -> None:
    for mail in Mail.objects.all():
        Mail.objects.filter(pk=mail.pk).update(created_at=mail.created_at - timedelta(**time))


def statements(ask: Any, tenant: Tenant, address: str) -> list[str]:
    """What the database is asked, without the values."""
    with CaptureQueriesContext(connection) as queries:
        ask(tenant, address)
    return [VALUE.sub("?", query["sql"]) for query in queries]


ASK = pytest.mark.parametrize("ask", [reset, sign_up])


@pytest.mark.django_db
@ASK
def test_an_account_gets_three_mails_an_hour_and_six_a_day_however_it_is_called(ask: Any, acme: Tenant) -> None:
    acme.add("grace", profile={"emails": [{"value": "g@acme.example", "primary": True}]})
    acme.add("other")
    for address in SPELLINGS:
        ask(acme, address)
    assert len(sent()) == 3
    ask(acme, "other@acme.example")
    assert len(sent()) == 4, "Another account has its own."
    go_by(hours=1)
    for address in SPELLINGS:
        ask(acme, address)
    assert len(sent()) == 7
    go_by(hours=1)
    for address in SPELLINGS:
        ask(acme, address)
    assert len(sent()) == 7, "Six within a day."
    go_by(hours=23)
    ask(acme, "grace@acme.example")
    assert len(sent()) == 8


@pytest.mark.django_db
@ASK
def test_the_figures_can_be_set(ask: Any, acme: Tenant, settings: Any) -> None:
    settings.SIGN_IN_MAILS_PER_HOUR, settings.SIGN_IN_MAILS_PER_DAY = 4, 5
    acme.add("grace")
    for _ in range(6):
        ask(acme, "grace@acme.example")
    assert len(sent()) == 4
    go_by(hours=2)
    for _ in range(2):
        ask(acme, "grace@acme.example")
    assert len(sent()) == 5


@pytest.mark.django_db
@ASK
def test_each_organization_has_its_own(ask: Any, acme: Tenant, globex: Tenant) -> None:
    acme.tick("shared.example")
    for tenant in (acme, globex):
        tenant.add("both@shared.example", outsider=True)
    for _ in range(4):
        ask(acme, "both@shared.example")
    reset(globex, "both@shared.example")
    assert [mail.organization_id for mail in sent()] == [acme.id] * 3 + [globex.id]


@pytest.mark.django_db
def test_links_and_answers_to_sign_ups_are_counted_apart(acme: Tenant) -> None:
    acme.add("grace")
    for _ in range(3):
        sign_up(acme, "grace@acme.example")
    reset(acme, "grace@acme.example")
    assert [mail.name for mail in sent()] == ["account_exists"] * 3 + ["password_reset_key"]


@pytest.mark.django_db
@ASK
def test_nobody_learns_from_the_statements_whether_a_mail_went(ask: Any, acme: Tenant) -> None:
    acme.add("grace")
    acme.add("idle")
    acme.update(acme.add("sue"), active=False)
    ask(acme, "idle@acme.example")
    sign_up(acme, "new@acme.example")
    under = statements(ask, acme, "idle@acme.example")
    for _ in range(3):
        ask(acme, "grace@acme.example")
    over = statements(ask, acme, "grace@acme.example")
    assert under == over == statements(ask, acme, "new@acme.example")
    if ask is reset:
        assert under == statements(ask, acme, "nobody@acme.example") == statements(ask, acme, "sue@acme.example")


@pytest.mark.django_db
def test_every_answer_about_a_link_is_the_same(acme: Tenant) -> None:
    acme.add("grace")
    answers = [reset(acme, "grace@acme.example") for _ in range(5)]
    answers += [reset(acme, "nobody@acme.example") for _ in range(5)]
    assert len({(answer.status_code, expected_version(answer)) for answer in answers}) == 1


@pytest.mark.django_db
def test_what_is_withheld_never_leaves_says_nothing_and_is_forgotten(acme: Tenant, mailoutbox: list[Any]) -> None:
    acme.add("grace")
    for _ in range(4):
        reset(acme, "grace@acme.example")
    reset(acme, "nobody@acme.example")
    assert outbox.deliver() == 3
    assert [mail.to for mail in mailoutbox] == [["grace@acme.example"]] * 3
    withheld = Mail.objects.filter(state=Mail.State.WITHDRAWN)
    assert [(mail.text, mail.html) for mail in withheld] == [("", "")] * 2
    withheld.update(due_at=timezone.now())
    outbox.deliver()
    assert not withheld.exists()


@pytest.mark.django_db
def test_the_link_of_the_mail_before_stays_good_when_another_one_is_withheld(acme: Tenant) -> None:
    for _ in range(3):
        sign_up(acme, "new@acme.example")
    link = confirmation_in(sent()[-1].text)
    sign_up(acme, "NEW@acme.example")
    assert len(sent()) == 3
    assert account_requests.confirm(link, address="192.0.2.7", request_id="r-7").email == "new@acme.example"


@pytest.mark.django_db
def test_a_request_that_waits_is_no_way_around(acme: Tenant) -> None:
    sign_up(acme, "new@acme.example")
    account_requests.confirm(confirmation_in(sent()[0].text), address="192.0.2.7", request_id="r-7")
    for _ in range(4):
        sign_up(acme, "new@acme.example")
    assert [mail.name for mail in sent() if mail.to == "new@acme.example"] == [
        "confirm_address",
        "account_request_waits",
        "account_request_waits",
    ]
    assert AccountRequest.objects.get().state == AccountRequest.State.WAITING


@pytest.mark.django_db(transaction=True)
@ASK
def test_who_asks_in_the_same_moment_gets_no_more(ask: Any, acme: Tenant, settings: Any) -> None:
    settings.SIGN_IN_MAILS_PER_HOUR = 2
    acme.add("grace", profile={"emails": [{"value": "g@acme.example", "primary": True}]})
    for address in ("grace@acme.example", "g@acme.example"):
        ask(acme, address)
        Mail.objects.update(created_at=timezone.now() - timedelta(hours=2))
    at_once(*(lambda: ask(acme, "grace@acme.example"), lambda: ask(acme, "g@acme.example")) * 2)
    assert (
        Mail.objects.filter(counted_as__isnull=False, created_at__gt=timezone.now() - timedelta(hours=1)).count() == 2
    )
