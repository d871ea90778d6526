"""The outbox: a mail is a row, written with the change that it tells of, and sent behind the answer.

So a change that is rolled back mails nobody, no mail waits in a request, and one that can't be sent is tried again and,
in the end, shown as failed. It is sent at least once: a process that dies while sending leaves it to the next one.
"""

import os
import smtplib
import threading
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.db import DatabaseError, connection, transaction
from django.template import Context, loader
from django.utils import timezone

from audit import rows
from domains.addresses import mailbox
from organizations import dates
from organizations.models import Mail, Organization

log = structlog.get_logger(__name__)

BATCH = 10
# Longer than a batch can take, each mail of which may wait twice for EMAIL_TIMEOUT.
LEASE = timedelta(minutes=5)
# After how many minutes a mail is tried again.
RETRIES = (1, 5, 30, 120, 480)
KEPT = timedelta(days=30)
LONGEST_PAUSE = 60.0

# What a mail server may answer, or not answer; and, last, what comes of a text that no mail can be made of.
TROUBLES = (smtplib.SMTPException, OSError, ValueError)


def send(name: str, *, to: str, context: Mapping[str, Any], organization_id: UUID | None) -> Mail:
    """Put a mail into the outbox, to leave once the transaction is committed.

    ``to`` is an address that is stored, never what somebody has typed; ``domains.addresses.mailbox`` says where mail to
    it goes.
    The templates are ``mail/<name>.subject.txt``, ``.txt`` and ``.html``; ``base_url`` is in their context, and moments
    are written in the organization's time zone and language of dates. Organization None: to an operator.
    """
    with _manner_of(organization_id):
        mail = _written(name, to, context, organization_id)
    mail.save(force_insert=True)
    transaction.on_commit(nudge)
    return mail


def send_many(
    name: str, letters: Iterable[tuple[str, Mapping[str, Any]]], *, organization_id: UUID | None
) -> list[Mail]:
    """Put mails into the outbox as ``send`` does, in as many statements for a thousand as for ten.

    ``letters`` are the address and the context of each.
    """
    with _manner_of(organization_id):
        mails = [_written(name, to, context, organization_id) for to, context in letters]
    rows.insert(Mail, mails)
    transaction.on_commit(nudge)
    return mails


def withdraw(mail_id: UUID | None) -> None:
    """Don't send a mail that still waits, for what it says is no longer so. One that has left stays as it is."""
    if mail_id is None:
        return
    now = timezone.now()
    Mail.objects.filter(pk=mail_id, state=Mail.State.WAITING).update(
        state=Mail.State.WITHDRAWN, text="", html="", settled_at=now, due_at=now + KEPT
    )


def _manner_of(organization_id: UUID | None) -> AbstractContextManager[None]:
    organization = Organization.objects.filter(pk=organization_id).first() if organization_id else None
    return dates.written(organization.date_style, organization.time_zone) if organization else nullcontext()


def _written(name: str, to: str, context: Mapping[str, Any], organization_id: UUID | None) -> Mail:
    context = {"base_url": settings.BASE_URL, **context}
    return Mail(
        organization_id=organization_id,
        name=name,
        to=to,
        subject=" ".join(_plain(f"mail/{name}.subject.txt", context).split())[: Mail.LONGEST_SUBJECT],
        text=_plain(f"mail/{name}.txt", context),
        html=loader.render_to_string(f"mail/{name}.html", dict(context)),
    )


def deliver() -> int:
    """Send what is due, and forget what was settled long ago; returns how many mails left."""
    left = 0
    while batch := _claim():
        left += _send(batch)
    Mail.objects.exclude(state=Mail.State.WAITING).filter(due_at__lt=timezone.now()).delete()
    return left


def _plain(template: str, context: Mapping[str, Any]) -> str:
    """Text as it is meant: nothing in it is HTML, so nothing is escaped."""
    backend: Any = loader.get_template(template)
    text: str = backend.template.render(Context(context, autoescape=False))
    return text


@transaction.atomic
def _claim() -> list[Mail]:
    """Some of the mails that are due, which nobody else will touch until the lease ends."""
    now = timezone.now()
    due = Mail.objects.select_for_update(skip_locked=True).filter(state=Mail.State.WAITING, due_at__lte=now)
    batch = list(due.order_by("due_at", "id")[:BATCH])
    for mail in batch:
        mail.attempts += 1
        mail.due_at = now + LEASE
    Mail.objects.bulk_update(batch, ["attempts", "due_at"])
    return batch


def _send(batch: list[Mail]) -> int:
    server = get_connection()
    try:
        server.open()
    except TROUBLES as trouble:
        for mail in batch:
            _failed(mail, trouble)
        return 0
    left = 0
    for mail in batch:
        if not Mail.objects.filter(pk=mail.pk, state=Mail.State.WAITING).exists():
            # Withdrawn since the batch was claimed.
            continue
        try:
            _message(mail, server).send()
        except TROUBLES as trouble:
            _failed(mail, trouble)
        else:
            _settle(mail, Mail.State.SENT)
            left += 1
    server.close()
    return left


def _message(mail: Mail, server: Any) -> EmailMultiAlternatives:
    """The mail as it leaves. Raises AddressError where its address can't be mailed.

    Django would encode a domain by IDNA 2003, by which straße.example is somebody else's strasse.example.
    """
    message = EmailMultiAlternatives(mail.subject, mail.text, to=[mailbox(mail.to)], connection=server)
    message.attach_alternative(mail.html, "text/html")
    return message


def _failed(mail: Mail, trouble: Exception) -> None:
    log.warning("mail_not_sent", mail=str(mail.pk), attempts=mail.attempts, reason=_reason(trouble))
    mail.failure = _reason(trouble)[: Mail.LONGEST_FAILURE]
    if _is_final(trouble) or mail.attempts > len(RETRIES):
        _settle(mail, Mail.State.FAILED)
    else:
        mail.due_at = timezone.now() + timedelta(minutes=RETRIES[mail.attempts - 1])
        mail.save(update_fields=["due_at", "failure"])


def _settle(mail: Mail, state: Mail.State) -> None:
    """Nothing more will be done for a mail, and what it said, which may have a secret link in it, is dropped."""
    mail.state, mail.text, mail.html = state, "", ""
    mail.settled_at = timezone.now()
    mail.due_at = mail.settled_at + KEPT
    mail.save(update_fields=["state", "text", "html", "failure", "settled_at", "due_at"])


def _is_final(trouble: Exception) -> bool:
    """Whether the server wants none of this mail, ever (RFC 5321 section 4.2.1); a refused password is ours to mend."""
    match trouble:
        case ValueError():
            return True
        case smtplib.SMTPAuthenticationError():
            return False
        case smtplib.SMTPRecipientsRefused():
            return all(code >= 500 for code, _words in trouble.recipients.values())
        case smtplib.SMTPResponseException():
            return trouble.smtp_code >= 500
    return False


def _reason(trouble: Exception) -> str:
    match trouble:
        case smtplib.SMTPRecipientsRefused():
            return "; ".join(f"{code} {_words(words)}" for code, words in trouble.recipients.values())
        case smtplib.SMTPResponseException():
            return f"{trouble.smtp_code} {_words(trouble.smtp_error)}"
    return str(trouble) or type(trouble).__name__


def _words(answer: bytes | str) -> str:
    return answer.decode(errors="replace") if isinstance(answer, bytes) else answer


# The sender: a thread of the process that sleeps until there is something to do

_awake = threading.Event()
_starting = threading.Lock()
_sender: threading.Thread | None = None


def nudge() -> None:
    """Let the sender of this process look what is due; the first time, start it."""
    global _sender
    if settings.MAIL_IN_BACKGROUND:
        with _starting:
            if _sender is None or not _sender.is_alive():
                _sender = threading.Thread(target=_send_for_ever, name="outbox", daemon=True)
                _sender.start()
    _awake.set()


def catch_up() -> None:
    """Send what this process has put into the outbox: for commands, with which a thread would end amid its work."""
    if _awake.is_set():
        _awake.clear()
        deliver()


def _send_for_ever() -> None:
    while settings.MAIL_IN_BACKGROUND:
        _awake.clear()
        try:
            deliver()
            waiting = Mail.objects.filter(state=Mail.State.WAITING).exists()
        except DatabaseError:
            log.exception("outbox_unreadable")
            waiting = True
        finally:
            connection.close()
        _awake.wait(LONGEST_PAUSE if waiting else None)


def _start_afresh() -> None:
    """A forked process does not have the parent's thread."""
    global _sender, _starting, _awake
    _sender, _starting, _awake = None, threading.Lock(), threading.Event()


os.register_at_fork(after_in_child=_start_afresh)
