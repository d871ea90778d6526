"""Additional logging: headers and bodies, masked, on their way from the view to their table.

The view only holds on to what it has anyway. Masking is the writer's work, behind the answers; until then the bodies
wait in memory, within bounds.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.utils import timezone

from core.ids import first_id_at
from provisioning.models import BodyKept, RequestDetail
from provisioning.services.request_log.masking import LONGEST_HEADERS, LONGEST_TEXT, Headers, Masking

log = structlog.get_logger(__name__)

# What is kept of each body, after masking; what is longer than the other figure is not even masked. In characters.
LONGEST_BODY = LONGEST_TEXT
LONGEST_MASKED = 1024 * 1024
_LARGEST_SIZE = 2**31 - 1

# What may wait in this process for the writer, in bytes: bodies and headers, and the long texts of the log's own rows.
MOST_WAITING = 32 * 1024 * 1024

PRUNED_AT_ONCE = 500

# Of requests without a token of the organization, one such part of the figure is kept beside the others.
ANONYMOUS_PART = 10


@dataclass(slots=True)
class LoggedExchange:
    """A request and its answer as they were, secrets and all. A body is None where it was not read, or let go."""

    sent_headers: Headers
    sent_size: int
    sent_body: bytes | None = None
    answer_headers: Headers = ()
    answer_size: int = 0
    answer_body: bytes | None = None
    crowded: bool = False
    reserved: int = field(default=0, init=False)

    def read(self, body: bytes) -> None:
        """The body that was sent, unpacked."""
        self.sent_size, self.sent_body = len(body), body

    def answered(self, headers: Headers, body: bytes) -> None:
        """The answer, before it is packed."""
        self.answer_headers, self.answer_size, self.answer_body = headers, len(body), body


class _Waiting:
    """Count the bytes that this process holds for the writer."""

    def __init__(self) -> None:
        self.start_afresh()

    def start_afresh(self) -> None:
        """Hold nothing, as a process does that was forked from one that does."""
        self._bytes = 0
        self._lock = threading.Lock()

    def has_room_for(self, size: int) -> bool:
        """Count `size` more bytes if there is room for them."""
        with self._lock:
            if self._bytes + size > MOST_WAITING:
                return False
            self._bytes += size
            return True

    def let_go(self, size: int) -> None:
        """Stop counting `size` bytes, which are written by now, or lost."""
        with self._lock:
            self._bytes -= size

    def take(self, exchange: LoggedExchange) -> None:
        """Let an exchange keep its bodies, and the headers that were sent, if there is room for them."""
        if exchange.sent_size > LONGEST_MASKED:
            exchange.sent_body = None
        if exchange.answer_size > LONGEST_MASKED:
            exchange.answer_body = None
        reserved = len(exchange.sent_body or b"") + len(exchange.answer_body or b"")
        reserved += sum(len(name) + len(value) for name, value in exchange.sent_headers)
        if self.has_room_for(reserved):
            exchange.reserved = reserved
            return
        exchange.sent_headers = ()
        exchange.sent_body = exchange.answer_body = None
        exchange.crowded = True

    def release(self, exchange: LoggedExchange) -> None:
        """Let go of what an exchange holds."""
        self.let_go(exchange.reserved)
        exchange.reserved = 0
        exchange.sent_headers = ()
        exchange.sent_body = exchange.answer_body = None


waiting = _Waiting()


@dataclass(frozen=True, slots=True)
class Exchanged:
    """An exchange with what is known of it: whose it is, its query, and whether it had no token of the organization."""

    organization_id: UUID
    query: str
    exchange: LoggedExchange
    is_anonymous: bool


def write(exchanges: Mapping[str, Exchanged]) -> None:
    """Keep them, by the ids of their rows in the log; those beyond the newest SCIM_DETAIL_ROWS of an organization go.

    Of those without a token of the organization, a ANONYMOUS_PART of that many stay, beside the others.
    """
    found = []
    for row_id, each in exchanges.items():
        try:
            found.append(_detail(UUID(row_id), each))
        except Exception:
            # A request that can't be masked is not kept, and costs the others nothing.
            log.exception("request could not be masked", request_id=row_id)
    RequestDetail.objects.bulk_create(found)
    for organization_id in {detail.organization_id for detail in found}:
        _keep_the_newest(organization_id)


def prune() -> int:
    """Delete what is older than SCIM_DETAIL_DAYS, in small steps; returns how many rows that were."""
    limit = first_id_at(timezone.now() - timedelta(days=settings.SCIM_DETAIL_DAYS))
    old = RequestDetail.objects.filter(pk__lt=limit).order_by("pk").values_list("pk", flat=True)
    deleted = 0
    while ids := list(old[:PRUNED_AT_ONCE]):
        deleted += RequestDetail.objects.filter(pk__in=ids).delete()[0]
    return deleted


def forget(row_ids: Iterable[UUID]) -> None:
    """Delete those of rows of the log that go."""
    RequestDetail.objects.filter(pk__in=list(row_ids)).delete()


def _keep_the_newest(organization_id: UUID) -> None:
    most = settings.SCIM_DETAIL_ROWS
    for is_anonymous, number in ((False, most), (True, -(-most // ANONYMOUS_PART))):
        kept = RequestDetail.objects.of(organization_id).filter(is_anonymous=is_anonymous)
        first = kept.order_by("-pk").values_list("pk", flat=True)[number : number + 1].first()
        if first is not None:
            kept.filter(pk__lte=first).delete()


def _detail(row_id: UUID, exchanged: Exchanged) -> RequestDetail:
    masking, exchange = Masking(settings.SCIM_SENSITIVE, LONGEST_BODY), exchanged.exchange
    sent_headers, _query, sent = masking.request(exchange.sent_headers, exchanged.query, exchange.sent_body)
    sent_body, sent_kept = _kept(exchange, exchange.sent_size, exchange.sent_body, sent, masking)
    answer_headers, answer = masking.headers(exchange.answer_headers), masking.body(exchange.answer_body)
    answer_body, answer_kept = _kept(exchange, exchange.answer_size, exchange.answer_body, answer, masking)
    return RequestDetail(
        id=row_id,
        organization_id=exchanged.organization_id,
        is_anonymous=exchanged.is_anonymous,
        sent_headers=_lines(sent_headers),
        sent_body=sent_body,
        sent_size=min(exchange.sent_size, _LARGEST_SIZE),
        sent_kept=sent_kept,
        answer_headers=_lines(answer_headers),
        answer_body=answer_body,
        answer_size=exchange.answer_size,
        answer_kept=answer_kept,
    )


def _kept(
    exchange: LoggedExchange, size: int, body: bytes | None, masked: str | None, masking: Masking
) -> tuple[str, BodyKept]:
    if masked is not None:
        whole = len(masked) <= LONGEST_BODY and not masking.is_cut
        return masked[:LONGEST_BODY], BodyKept.WHOLE if whole else BodyKept.CUT
    if not size:
        return "", BodyKept.WHOLE
    if body is not None:
        return "", BodyKept.NO_JSON
    if exchange.crowded:
        return "", BodyKept.CROWDED
    return "", BodyKept.TOO_LARGE if size > LONGEST_MASKED else BodyKept.NOT_READ


def _lines(headers: Sequence[tuple[str, str]]) -> str:
    lines = [f"{name}: {value}" for name, value in headers]
    printable = [
        "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in line) for line in lines
    ]
    return "\n".join(printable)[:LONGEST_HEADERS]
