"""The outbox: mails leave after the commit, over a real socket, and what can't be sent is tried again or shown."""

import time
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail as sent
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone

from organizations.models import Mail
from organizations.services import outbox
from tests.mailserver import MailServer, mailserver, over_smtp
from tests.tenants import Tenant
from users.permissions import BuiltIn

__all__ = ["mailserver", "over_smtp"]

LINK = "https://saas.example.com/new-password/secret-key/"


def put(tenant: Tenant, to: str = "grace@acme.example") -> Mail:
    user = tenant.add(to) if to.endswith(f"@{tenant.domain}") else None
    context = {"user": user or {"user_name": to, "organization": tenant.organization}, "password_reset_url": LINK}
    return outbox.send("password_reset_key", to=to, context=context, organization_id=tenant.id)


def later(mail: Mail, **time: float) -> Mail:
    """The mail as it is when so much time has gone by."""
    mail.refresh_from_db()
    mail.due_at -= timedelta(**time)
    mail.save()
    return mail


def test_a_mail_leaves_as_text_and_html_and_what_it_said_is_forgotten(acme: Tenant, over_smtp: MailServer) -> None:
    mail = put(acme)
    assert LINK in mail.text and LINK in mail.html
    assert outbox.deliver() == 1
    (message,) = over_smtp.received
    assert message["To"] == "grace@acme.example"
    assert message["Subject"] == "Set your password for Acme"
    assert [part.get_content_type() for part in message.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    mail.refresh_from_db()
    assert (mail.state, mail.text, mail.html) == (Mail.State.SENT, "", "")
    assert mail.settled_at
    assert outbox.deliver() == 0
    assert len(over_smtp.received) == 1, "a mail is sent once"


def test_nothing_in_a_text_is_escaped_and_everything_in_html_is(acme: Tenant) -> None:
    acme.organization.name = "Acme & <Sons>\nBcc: all@acme.example"
    mail = put(acme, "outsider@elsewhere.example")
    assert "Acme & <Sons>" in mail.text
    assert "Acme &amp; &lt;Sons&gt;" in mail.html
    assert mail.subject == "Set your password for Acme & <Sons> Bcc: all@acme.example"
    assert outbox.deliver() == 1
    assert sent.outbox[0].recipients() == ["outsider@elsewhere.example"]


def test_a_mailbox_that_does_not_exist_is_final_and_says_why(acme: Tenant, over_smtp: MailServer) -> None:
    over_smtp.refusals["nobody@acme.example"] = "550 no such mailbox"
    mail, other = put(acme, "nobody@acme.example"), put(acme)
    assert outbox.deliver() == 1
    mail.refresh_from_db(), other.refresh_from_db()
    assert (mail.state, mail.failure, mail.text) == (Mail.State.FAILED, "550 no such mailbox", "")
    assert other.state == Mail.State.SENT


def test_a_server_that_asks_for_patience_gets_it(acme: Tenant, over_smtp: MailServer) -> None:
    over_smtp.refusals["grace@acme.example"] = "451 greylisted, come back later"
    mail = put(acme)
    assert outbox.deliver() == 0
    mail.refresh_from_db()
    assert (mail.state, mail.failure) == (Mail.State.WAITING, "451 greylisted, come back later")
    assert mail.due_at > timezone.now()
    over_smtp.refusals.clear()
    assert outbox.deliver() == 0, "not yet"
    later(mail, minutes=1)
    assert outbox.deliver() == 1


def test_a_server_that_stays_away_costs_no_mail_until_the_last_try(acme: Tenant, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    mail = put(acme)
    for _ in outbox.RETRIES:
        assert outbox.deliver() == 0
        assert later(mail, days=1).state == Mail.State.WAITING
    outbox.deliver()
    mail.refresh_from_db()
    assert mail.state == Mail.State.FAILED
    assert "refused" in mail.failure
    assert mail.attempts == len(outbox.RETRIES) + 1


def test_a_mail_that_nothing_can_be_made_of_does_not_hold_up_the_others(acme: Tenant) -> None:
    mail = put(acme)
    Mail.objects.filter(pk=mail.pk).update(to="two\nlines@acme.example")
    other = put(acme, "ada@acme.example")
    assert outbox.deliver() == 1
    mail.refresh_from_db(), other.refresh_from_db()
    assert (mail.state, other.state) == (Mail.State.FAILED, Mail.State.SENT)


def test_a_withdrawn_mail_does_not_leave_and_what_it_said_is_forgotten(acme: Tenant, mailoutbox: list[Any]) -> None:
    mail, other = put(acme), put(acme, "ada@acme.example")
    outbox.withdraw(mail.pk)
    outbox.withdraw(None)
    assert outbox.deliver() == 1
    assert [message.to for message in mailoutbox] == [["ada@acme.example"]]
    mail.refresh_from_db()
    assert (mail.state, mail.text, mail.html) == (Mail.State.WITHDRAWN, "", "")
    outbox.withdraw(other.pk)
    other.refresh_from_db()
    assert other.state == Mail.State.SENT, "what has left stays as it is"
    Mail.objects.filter(pk=mail.pk).update(due_at=timezone.now())
    outbox.deliver()
    assert not Mail.objects.filter(pk=mail.pk).exists(), "it is forgotten like every settled mail"


def test_a_mail_that_is_withdrawn_while_its_batch_is_being_sent_does_not_leave(
    acme: Tenant, mailoutbox: list[Any]
) -> None:
    mail = put(acme)
    batch = outbox._claim()
    outbox.withdraw(mail.pk)
    assert outbox._send(batch) == 0
    assert mailoutbox == []
    mail.refresh_from_db()
    assert mail.state == Mail.State.WITHDRAWN


def test_what_another_process_is_sending_is_left_to_it_until_its_lease_ends(acme: Tenant) -> None:
    mail = put(acme)
    outbox._claim()
    assert outbox.deliver() == 0
    later(mail, minutes=5)
    assert outbox.deliver() == 1


@pytest.mark.django_db(transaction=True)
def test_a_change_that_is_rolled_back_mails_nobody(acme: Tenant) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        put(acme)
        raise ZeroDivisionError
    assert outbox.deliver() == 0


@pytest.mark.django_db(transaction=True)
def test_the_sender_of_a_process_sends_after_the_commit_without_being_asked(acme: Tenant, settings: Any) -> None:
    settings.MAIL_IN_BACKGROUND = True
    with transaction.atomic():
        mail = put(acme)
        assert not sent.outbox
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and mail.state == Mail.State.WAITING:
        mail.refresh_from_db()
        time.sleep(0.02)
    assert mail.state == Mail.State.SENT
    assert [message.to for message in sent.outbox] == [["grace@acme.example"]]
    settings.MAIL_IN_BACKGROUND = False
    left = put(acme, "ada@acme.example")
    assert outbox._sender.thread
    outbox._sender.thread.join(30)
    left.refresh_from_db()
    assert left.state == Mail.State.WAITING, "once it is told to, the sender leaves mails to the command"


def test_settled_mails_are_forgotten_after_a_month(acme: Tenant) -> None:
    mail = put(acme)
    outbox.deliver()
    later(mail, days=29)
    outbox.deliver()
    assert Mail.objects.exists()
    later(mail, days=1, minutes=1)
    outbox.deliver()
    assert not Mail.objects.exists()


def test_the_command_says_what_was_sent_and_what_waits(acme: Tenant, capsys: pytest.CaptureFixture[str]) -> None:
    put(acme)
    waiting = put(acme, "ada@acme.example")
    Mail.objects.filter(pk=waiting.pk).update(due_at=timezone.now() + timedelta(hours=1))
    call_command("send_mail")
    assert capsys.readouterr().out == "1 sent, 1 waiting.\n"


@pytest.mark.django_db(transaction=True)
def test_a_command_sends_the_mails_that_come_of_it_before_it_ends(acme: Tenant) -> None:
    acme.add("ada", BuiltIn.ADMIN)
    call_command("scim", "acme", "generate-token")
    assert [message.subject.partition(":")[0] for message in sent.outbox] == ["A SCIM token was made in Acme"]
