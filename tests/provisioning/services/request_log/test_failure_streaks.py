"""Ten requests in a row that fail are mailed to the Admins once; a stranger can't make us send mails."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.utils import timezone

from organizations.models import Mail
from organizations.services import outbox
from provisioning.models import Connection, Streak, Token
from provisioning.services.connections import connections, tokens
from provisioning.services.request_log import writer
from provisioning.services.request_log.failure_streaks import LONG
from tests.identity_provider import Idp
from tests.tenants import Tenant
from tests.users.services.test_races import ROUNDS, at_once
from users.models import Source
from users.permissions import BuiltIn

FAIL = "Ten SCIM requests in a row have failed in Acme"
REFUSED = "Ten SCIM requests in a row were refused in Acme"


@pytest.fixture
def idp(acme: Tenant) -> Idp:
    """Acme's identity provider, of whose failures two Admins hear."""
    text = connections.generate_token(acme.connection, by=acme.by, name="JumpCloud")[1]
    connections.set_enabled(acme.connection, True, by=acme.by)
    for login in ("ada", "grace"):
        acme.add(login, BuiltIn.ADMIN, source=Source.MANUAL)
    return Idp(acme.organization, text)


def mailed() -> list[mail.EmailMultiAlternatives]:
    """What is in the mailboxes since the last time, once the log is written."""
    writer.flush()
    mail.outbox.clear()
    outbox.deliver()
    return list(mail.outbox)  # type: ignore[arg-type]


def subjects() -> list[str]:
    """The subjects of the mails to the first Admin."""
    messages = mailed()
    assert len(messages) % 2 == 0, "each Admin gets each"
    return [message.subject for message in messages if message.to == ["ada@acme.example"]]


def fail(idp: Idp, times: int = 1, path: str = "/Users/nobody") -> None:
    for _ in range(times):
        assert idp.get(path).status_code >= 400


def succeed(idp: Idp) -> None:
    assert idp.get("/Users").status_code == 200


# With a valid token


@pytest.mark.parametrize("flushes", ["each", "once"])
def test_ten_failures_in_a_row_are_told_once(flushes: str, idp: Idp) -> None:
    for number in range(25):
        if flushes == "each":
            assert subjects() == ([FAIL] if number == LONG else [])
        fail(idp)
    assert subjects() == ([FAIL] if flushes == "once" else [])


def test_the_mail_says_what_failed_why_and_what_mends_it(acme: Tenant, idp: Idp) -> None:
    for number in range(LONG):
        idp.send("POST", "/Users", {"userName": f"p{number}@labs.example"})
    message = mailed()[0]
    assert message.subject == FAIL
    text = message.body
    assert "a token of the connection Default goes wrong" in text
    assert "The latest was POST /scim/acme/v2/Users, answered 400." in text
    assert "the e-mail domain 'labs.example' is not registered in this organization." in text
    assert "Add the domain under Settings > Organization > Domains, verify it and tick User requests." in text
    assert "SCIM > Request log:\nhttp://testserver/settings/users/scim/log/?status=refused" in text
    html: Any = message.alternatives[0][0]
    assert "Open the request log" in html and "log/?status=refused" in html


def test_a_cause_without_a_mend_leads_to_the_log(idp: Idp) -> None:
    fail(idp, LONG)
    assert "The request log says of each request why it failed" in mailed()[0].body


def test_a_connection_that_fails_and_works_by_turns_is_told_of_once_a_day(idp: Idp) -> None:
    fail(idp, LONG - 1)
    succeed(idp)
    fail(idp, LONG - 1)
    assert subjects() == []
    fail(idp)
    assert subjects() == [FAIL]
    for _ in range(3):
        succeed(idp)
        fail(idp, LONG)
        assert subjects() == []
    with time_machine.travel(timezone.now() + timedelta(days=1, minutes=1), tick=False):
        fail(idp)
        assert subjects() == [FAIL], "who still fails after a day is told of"
        fail(idp, LONG)
        assert subjects() == []


def test_a_streak_that_ends_within_a_batch_is_told(idp: Idp) -> None:
    fail(idp, LONG)
    succeed(idp)
    fail(idp, LONG)
    succeed(idp)
    assert subjects() == [FAIL]


def test_connections_and_organizations_count_for_themselves(acme: Tenant, globex: Tenant, idp: Idp) -> None:
    okta = Connection.objects.create(organization=acme.organization, name="Okta", enabled=True)
    other = Idp(acme.organization, connections.generate_token(okta, by=acme.by)[1])
    anonymous = Idp(globex.organization, connections.generate_token(globex.connection, by=globex.by)[1])
    connections.set_enabled(globex.connection, True, by=globex.by)
    mailed()
    for _ in range(LONG - 1):
        fail(idp)
        fail(anonymous)
        succeed(other)
    assert subjects() == []
    fail(idp)
    assert subjects() == [FAIL]
    assert Streak.objects.get(connection=globex.connection).failures == LONG - 1
    assert not Streak.objects.filter(connection=okta).exists(), "where nothing fails, nothing is kept"


def test_tokens_of_one_connection_count_together(acme: Tenant, idp: Idp) -> None:
    second = Idp(acme.organization, connections.generate_token(acme.connection, by=acme.by)[1])
    mailed()
    for _ in range(LONG // 2):
        fail(idp)
        fail(second)
    assert subjects() == [FAIL]


# Without one


def revoke_all(acme: Tenant) -> None:
    for token in connections.live_tokens(acme.connection):
        connections.revoke_token(token.pk, by=acme.by)


def test_ten_refusals_of_a_token_that_was_ours_are_told_once(acme: Tenant, idp: Idp) -> None:
    revoke_all(acme)
    fail(idp, 3 * LONG)
    messages = mailed()
    assert [message.subject for message in messages] == [REFUSED] * 2
    assert "presents a token of the connection Default that is not valid now" in messages[0].body
    assert "Refused: this token was revoked." in messages[0].body
    assert "Generate a token and put it into your identity provider." in messages[0].body
    fail(idp, LONG)
    assert subjects() == []


def test_ten_refusals_while_scim_is_off_are_told(acme: Tenant, idp: Idp) -> None:
    connections.set_enabled(acme.connection, False, by=acme.by)
    mailed()
    fail(idp, LONG)
    message = mailed()[0]
    assert message.subject == REFUSED
    assert "Turn on Enable SCIM." in message.body


def test_ten_refusals_of_a_replaced_token_name_the_one_that_replaced_it(acme: Tenant, idp: Idp) -> None:
    new, text = tokens.rotate_token(Token.objects.get().pk, by=acme.by)
    succeed(Idp(acme.organization, text))
    mailed()
    fail(idp, LONG)
    assert f"replaced by '{new.name}'" in mailed()[0].body


@pytest.mark.parametrize("header", ["", "Basic x", "Bearer smgr_guessed"])
def test_who_has_no_token_of_ours_can_not_make_us_mail(header: str, idp: Idp) -> None:
    for _ in range(2 * LONG):
        idp.http.get(f"{idp.base}/Users", headers={"authorization": header})
    assert subjects() == []
    assert not Streak.objects.exists()


def test_another_organizations_token_does_not_count(acme: Tenant, globex: Tenant, idp: Idp) -> None:
    _, foreign = connections.generate_token(globex.connection, by=globex.by)
    fail(Idp(acme.organization, foreign), 2 * LONG)
    assert subjects() == []
    assert not Streak.objects.exists()


def test_refusals_are_told_once_a_day_for_the_whole_organization(acme: Tenant, idp: Idp) -> None:
    okta = Connection.objects.create(organization=acme.organization, name="Okta", enabled=True)
    other = Idp(acme.organization, connections.generate_token(okta, by=acme.by)[1])
    for connection in (acme.connection, okta):
        connections.set_enabled(connection, False, by=acme.by)
    mailed()
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for expected in ([REFUSED], [], []):
            fail(idp, LONG)
            fail(other, LONG)
            assert subjects() == expected
        clock.shift(timedelta(hours=23))
        fail(other)
        assert subjects() == []
        clock.shift(timedelta(hours=2))
        fail(other)
        fail(idp)
        assert subjects() == [REFUSED], "the other connection's, which nobody has heard of"
        clock.shift(timedelta(days=3))
        fail(idp)
        fail(other)
        assert subjects() == []


def test_an_old_token_can_not_hide_that_the_present_one_fails_nor_mail_by_turns(acme: Tenant, idp: Idp) -> None:
    old = Idp(acme.organization, idp.token)
    revoke_all(acme)
    idp.token = connections.generate_token(acme.connection, by=acme.by)[1]
    mailed()
    for _ in range(LONG - 1):
        fail(old)
        fail(idp)
    assert subjects() == []
    fail(idp)
    assert subjects() == [FAIL]
    for _ in range(4):
        succeed(idp)
        fail(old, LONG)
    assert subjects() == [REFUSED], "a new streak each time, and yet one mail a day"


def test_a_fault_of_the_server_counts_for_live_tokens_only(
    acme: Tenant, idp: Idp, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_arguments: Any, **_options: Any) -> None:
        raise RuntimeError

    old = Idp(acme.organization, idp.token)
    revoke_all(acme)
    idp.token = connections.generate_token(acme.connection, by=acme.by)[1]
    mailed()
    with monkeypatch.context() as patched:
        patched.setattr("scim.api.users.answer", break_down)
        patched.setattr("scim.storage.sql.one", break_down)
        for each in (old, idp):
            for _ in range(LONG):
                each.http.raise_request_exception = False
                assert each.get("/Users").status_code == 500
            assert subjects() == ([FAIL] if each is idp else [])


# Many processes


@pytest.mark.django_db(transaction=True)
def test_two_writers_count_together_and_mail_once(acme: Tenant, idp: Idp) -> None:
    for number in range(ROUNDS):
        fail(idp, LONG - 1)
        writer.flush()
        batches = []
        for _ in range(2):
            fail(idp)
            batches.append([writer._queue.popleft()])
        Mail.objects.all().delete()
        assert at_once(*[lambda batch=batch: writer._write_or_drop(batch) for batch in batches]) == [None, None]  # type: ignore[misc]
        assert Streak.objects.get().failures == LONG + 1, f"round {number}"
        assert [each.subject for each in Mail.objects.all()] == [FAIL] * 2, "one for each Admin"
        succeed(idp)
        writer.flush()
        Streak.objects.update(failures_notified_at=None)
    assert writer.dropped() == 0


@pytest.mark.django_db(transaction=True)
def test_of_two_connections_in_the_same_moment_one_is_told_of(acme: Tenant, idp: Idp) -> None:
    okta = Connection.objects.create(organization=acme.organization, name="Okta")
    other = Idp(acme.organization, connections.generate_token(okta, by=acme.by)[1])
    connections.set_enabled(acme.connection, False, by=acme.by)
    for number in range(ROUNDS):
        Streak.objects.all().delete()
        Mail.objects.all().delete()
        batches = []
        for each in (idp, other):
            fail(each, LONG)
            batches.append(list(writer._queue))
            writer._queue.clear()
        assert at_once(*[lambda batch=batch: writer._write_or_drop(batch) for batch in batches]) == [None, None]  # type: ignore[misc]
        assert [each.subject for each in Mail.objects.all()] == [REFUSED] * 2, f"round {number}"
    assert writer.dropped() == 0
