"""The outbox: a mail is a row, written with the change that it tells of, and sent behind the answer.

So a change that is rolled back mails nobody, no mail waits in a request, and one that can't be sent is tried again and,
in the end, shown as failed. It is sent at least once: a process that dies while sending leaves it to the next one.
"""

import smtplib
from collections import Counter
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

from audit.actions import Action
from audit.services import trail
from core import dates, sql
from core.actors import Actor
from core.addresses import canonical, mailbox
from core.background import BackgroundThread
from organizations.models import Mail, Organization

log = structlog.get_logger(__name__)

BATCH = 10
# Longer than a batch can take, each mail of which may wait twice for EMAIL_TIMEOUT.
LEASE = timedelta(minutes=5)
# After how many minutes a mail is tried again.
RETRIES = (1, 5, 30, 120, 480)
KEPT = timedelta(days=30)
WITHHELD_KEPT = timedelta(days=1)
# Seconds between two looks of a sender: at most, and at least if nobody wakes it.
LONGEST_PAUSE, SHORTEST_PAUSE = 60.0, 5.0
# Seconds until a process that has just been loaded looks for the first time.
FIRST_LOOK = 1.0
# Seconds that a process which forks waits for its sender to end.
LONGEST_GOODBYE = 10.0

# What a mail server may answer, or not answer; and, last, what comes of a text that no mail can be made of.
TROUBLES = (smtplib.SMTPException, OSError, ValueError)


def send(
    name: str,
    *,
    to: str,
    context: Mapping[str, Any],
    organization_id: UUID | None,
    counted_as: str | None = None,
    is_withheld: bool = False,
) -> Mail:
    """Put a mail into the outbox, to leave once the transaction is committed.

    ``to`` is an address that is stored, never what somebody has typed; ``core.addresses.mailbox`` says where mail to
    it goes.
    The templates are ``mail/<name>.subject.txt``, ``.txt`` and ``.html``; ``base_url`` is in their context, and moments
    are written in the organization's time zone and language of dates. Organization None: to an operator. One that
    ``is_withheld`` costs the same work, but never leaves and is not counted.
    """
    with _manner_of(organization_id, context):
        mail = _written(name, to, context, organization_id)
    if is_withheld:
        now = timezone.now()
        mail.state, mail.text, mail.html = Mail.State.WITHDRAWN, "", ""
        mail.settled_at, mail.due_at = now, now + WITHHELD_KEPT
    else:
        mail.counted_as = counted_as
    mail.save(force_insert=True)
    transaction.on_commit(nudge)
    return mail


def may_send(counted_as: str) -> bool:
    """Return whether the limits per hour and per day allow one more mail counted as ``counted_as``.

    Costs one statement. Call it under a lock that all who send a mail of the kind wait for, and then ``send``.
    """
    return counted_as in still_allowed([counted_as])


def still_allowed(kinds: Iterable[str]) -> set[str]:
    """Return those of some kinds as which ``may_send`` lets one more mail be counted; costs one statement."""
    now, most, kinds = timezone.now(), settings.SIGN_IN_MAILS_PER_DAY, set(kinds)
    sent = Mail.objects.filter(counted_as__in=kinds, created_at__gt=now - timedelta(days=1)).order_by("-created_at")
    found = list(sent.values_list("counted_as", "created_at")[: max(most, 1) * len(kinds)])
    in_a_day = Counter(kind for kind, _moment in found)
    in_an_hour = Counter(kind for kind, moment in found if moment > now - timedelta(hours=1))
    return {kind for kind in kinds if in_a_day[kind] < most and in_an_hour[kind] < settings.SIGN_IN_MAILS_PER_HOUR}


def send_many(
    name: str, letters: Iterable[tuple[str, Mapping[str, Any]]], *, organization_id: UUID | None, counted: bool = False
) -> list[Mail]:
    """Put mails into the outbox as ``send`` does, in as many statements for a thousand as for ten.

    ``letters`` are the address and the context of each. ``counted``: no more go to one address than ``may_send`` lets.
    """
    letters = list(letters)
    kinds = {to: f"{name}/{organization_id}/{canonical(to)}" for to, _context in letters} if counted else {}
    allowed = still_allowed(kinds.values()) if kinds else set()
    letters = [(to, context) for to, context in letters if not counted or kinds[to] in allowed]
    if not letters:
        return []
    with _manner_of(organization_id, letters[0][1]):
        mails = [_written(name, to, context, organization_id) for to, context in letters]
    for mail in mails:
        mail.counted_as = kinds.get(mail.to)
    sql.insert(Mail, mails)
    transaction.on_commit(nudge)
    return mails


def withdraw(*mail_ids: UUID | None) -> None:
    """Don't send mails that still wait, for what they say is no longer so. Those that have left stay as they are."""
    wanted = [mail_id for mail_id in mail_ids if mail_id is not None]
    if not wanted:
        return
    now = timezone.now()
    Mail.objects.filter(pk__in=wanted, state=Mail.State.WAITING).update(
        state=Mail.State.WITHDRAWN, text="", html="", settled_at=now, due_at=now + KEPT
    )


@transaction.atomic
def try_now(mail_id: UUID, *, by: Actor) -> bool:
    """Let a mail that waits to be tried again leave at once; return whether that was so.

    One that is due, or within the lease of a batch, is left alone: somebody may be sending it.
    """
    soon = timezone.now() + LEASE
    waiting = Mail.objects.select_for_update().filter(pk=mail_id, state=Mail.State.WAITING, due_at__gt=soon)
    mail = waiting.filter(organization_id=by.organization_id).first()
    if mail is None:
        return False
    before, mail.due_at = mail.due_at, timezone.now()
    mail.save(update_fields=["due_at"])
    changes = {"due_at": [before.isoformat(), mail.due_at.isoformat()]}
    trail.record(Action.MAIL_RETRIED, mail, changes, by=by, label=mail.name)
    transaction.on_commit(nudge)
    return True


def _manner_of(organization_id: UUID | None, context: Mapping[str, Any]) -> AbstractContextManager[None]:
    """How moments are written; the organization is asked for only where the mail is not about it anyway."""
    organization = context.get("organization")
    if not isinstance(organization, Organization) or organization.pk != organization_id:
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
    """Whether the server wants none of this mail, ever (RFC 5321 section 4.2.1); a refused password is ours to fix."""
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


def attend() -> None:
    """Let this process, which answers requests, send what waits: soon, and from then on whenever something is due.

    Call it where the server loads the application. A server that loads it before it forks leaves the outbox to the
    processes that it makes.
    """
    _sender.moves_to_children = settings.MAIL_IN_BACKGROUND
    _sender.start()


def nudge() -> None:
    """Let the sender of this process look what is due; the first time, start it."""
    _sender.start()
    _sender.wake()


def catch_up() -> None:
    """Send what this process has put into the outbox: for commands, with which a thread would end amid its work."""
    if _sender.is_woken():
        deliver()


def _send_until_stopped() -> None:
    # A process that has just been loaded may be about to fork, which it does better without a connection.
    pause = FIRST_LOOK
    while _sender.sleep(pause):
        pause = _look()


def _look() -> float:
    """Send what is due, if anything is; the seconds after which to look again. Costs one statement where nothing is."""
    try:
        due = Mail.objects.filter(state=Mail.State.WAITING).order_by("due_at").values_list("due_at", flat=True)
        first = due.first()
        if first is not None and first <= timezone.now():
            deliver()
            first = due.first()
    except DatabaseError:
        log.exception("outbox_unreadable")
        first = None
    finally:
        connection.close()
    wait = (first - timezone.now()).total_seconds() if first is not None else LONGEST_PAUSE
    return min(max(wait, SHORTEST_PAUSE), LONGEST_PAUSE)


_sender = BackgroundThread(
    "outbox", _send_until_stopped, wanted=lambda: bool(settings.MAIL_IN_BACKGROUND), patience=LONGEST_GOODBYE
)
