"""The request log: every SCIM request leaves a row, written in batches behind the answers.

Requests put entries into a queue, which is bounded in entries and in bytes; a thread of the process takes them out,
finds out to whom they belong and writes them. A full queue or a database that stays away costs entries, which are
counted, and never a request.
"""

import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import DatabaseError, connection, transaction

from core import dialects, sql
from core.background import BackgroundThread
from core.dialects import spelled
from organizations.models import FormerSlug
from provisioning.services.connections import tokens as rotation
from provisioning.services.connections.tokens import Success
from provisioning.services.request_log import (
    additional_logging,
    entries,
    failure_streaks,
    logged_exchanges,
    pruning,
    refused_departures,
    setup_step_attribution,
    setup_steps,
)
from provisioning.services.request_log import operations as operation_rows
from provisioning.services.request_log.causes import LIMITS, SUSPENDED
from provisioning.services.request_log.entries import COLUMNS, CONNECTIONS, LONGEST_ARGUMENT, Entry, Presented, Whom
from provisioning.services.request_log.failure_streaks import OutcomeKind
from provisioning.services.request_log.logged_exchanges import Exchanged
from provisioning.services.request_log.mails import Failure
from provisioning.services.request_log.rate_limit import (
    PER_INVALID_TOKEN,
    PER_LIMITED_TOKEN,
    Overflow,
    UnauthenticatedLimit,
    surplus,
)
from provisioning.services.request_log.refused_departures import RefusedDeparture
from provisioning.services.request_log.setup_step_attribution import Met
from provisioning.services.request_log.setup_steps import Step
from users.models import Group, User

log = structlog.get_logger(__name__)

BATCH = 500

_DEPARTURES = (Step.DEACTIVATE, Step.DELETE)

_REQUESTS, _OPERATIONS = "provisioning_requestlog", "provisioning_requestoperation"

_MORE = "UPDATE provisioning_requestlog SET more = more + %s WHERE id = %s"

# Where tokens are: connections' own, to which rows refer, and people's, which have a label there and nothing else.
_TABLES = {
    CONNECTIONS: "t.connection_id, t.is_test, EXISTS (SELECT 1 FROM provisioning_token former WHERE"
    " former.successor_id = t.id"
    " AND former.retires_by_itself AND former.revoked_at IS NULL)",
    "users_personaltoken": "NULL, NULL, NULL",
}

_OWNERS = spelled(
    lambda dialect: f"SELECT o.slug, o.id FROM organizations_organization o WHERE o.slug {dialect.among}"  # noqa: S608
)
_FORMER_OWNERS = spelled(
    lambda dialect: (
        "SELECT f.slug, f.organization_id FROM organizations_formerslug f"  # noqa: S608
        f" WHERE f.slug {dialect.among}"
    )
)


def _finding(table: str, columns: str) -> Callable[[], str]:
    return spelled(
        lambda dialect: (
            f"SELECT t.digest, t.organization_id, t.id, t.prefix, {columns} FROM {table} t"  # noqa: S608
            f" WHERE t.digest {dialect.among}"
        )
    )


_TOKENS = {table: _finding(table, columns) for table, columns in _TABLES.items()}
_USED = {
    table: f"UPDATE {table} SET last_used_at = %s, last_used_address = %s, last_used_client = %s WHERE id = %s"  # noqa: S608
    for table in _TABLES
}


@dataclass(slots=True)
class _Counts:
    dropped: int = 0
    homeless: int = 0


_queue: deque[Entry] = deque()
_counts = _Counts()
_unauthenticated_limit = UnauthenticatedLimit()
_overflow = Overflow()
_writing = threading.Lock()


def note(entry: Entry) -> None:
    """Queue an entry; never waits and never fails."""
    # Of the places in the queue, too, anonymous clients have a share only.
    most: int = settings.SCIM_LOG_QUEUE
    if len(_queue) >= (max(1, most // 2) if entry.is_unauthorized else most):
        _counts.dropped += 1
        return
    if entry.exchange is not None:
        logged_exchanges.waiting.take(entry.exchange)
    if (length := entry.length) > entries.SHORT:
        if logged_exchanges.waiting.has_room_for(length):
            entry.reserved = length
        else:
            entry.shorten()
    if entry.operations:
        entry.operations = operation_rows.waiting.take(entry.operations)
    _queue.append(entry)
    if _writer.thread is None and settings.SCIM_LOG_INTERVAL:
        _writer.start()


def dropped() -> int:
    """How many entries this process has lost: to a full queue, or to a database that could not be written."""
    return _counts.dropped


def homeless() -> int:
    """How many entries named no organization that exists, so that there is nobody to show them to."""
    return _counts.homeless


def flush() -> None:
    """Write what is queued now. A database error costs a second try, another one the batch."""
    with _writing:
        remaining = len(_queue)
        while remaining > 0:
            batch = [_queue.popleft() for _ in range(min(BATCH, remaining))]
            remaining -= len(batch)
            _write_or_drop(batch)
            _release(batch)
        _prune_anonymous()


def forget() -> None:
    """Drop all that is queued, unwritten."""
    with _writing:
        _release([_queue.popleft() for _ in range(len(_queue))])


def _release(batch: Sequence[Entry]) -> None:
    for entry in batch:
        if entry.exchange is not None:
            logged_exchanges.waiting.release(entry.exchange)
        if entry.operations:
            operation_rows.waiting.release(entry.operations)
        if entry.reserved:
            logged_exchanges.waiting.let_go(entry.reserved)
            entry.reserved = 0


def _write_until_stopped() -> None:
    additional_logging.look_again_or_go_on()
    while _writer.sleep(settings.SCIM_LOG_INTERVAL):
        flush()
        additional_logging.look_again_or_go_on()
    flush()
    connection.close()


def stop() -> None:
    """End the thread, which writes what is queued first; the next entry starts another one."""
    _writer.stop()


def _forget_the_parent() -> None:
    """A forked process has no business with its parent's entries."""
    global _overflow, _writing
    _overflow, _writing = Overflow(), threading.Lock()
    _queue.clear()
    logged_exchanges.waiting.start_afresh()
    operation_rows.waiting.start_afresh()


_writer = BackgroundThread(
    "scim-journal",
    _write_until_stopped,
    wanted=lambda: bool(settings.SCIM_LOG_INTERVAL),
    on_fork=_forget_the_parent,
    finishes=True,
)


def _write_or_drop(batch: Sequence[Entry]) -> None:
    for last_try in (False, True):
        try:
            with transaction.atomic():
                anonymous_rows = _write(batch)
            _overflow.count(anonymous_rows)
            return
        except Exception as error:
            # Whatever it is: the thread lives on, and a connection that has failed is dialled anew.
            if not connection.in_atomic_block:
                connection.close()
            if last_try:
                _counts.dropped += len(batch)
                log.warning("request log rows lost", count=len(batch), reason=type(error).__name__)


def _prune_anonymous() -> None:
    """Delete one step of what strangers have in the log beyond their share.

    What goes wrong is left to the next time that the organization is looked at.
    """
    try:
        while (organization := _overflow.take()) is not None:
            if not pruning.prune_anonymous(UUID(organization)):
                _overflow.again(organization)
                return
    except Exception as error:
        if not connection.in_atomic_block:
            connection.close()
        log.warning("rows of strangers not deleted", reason=type(error).__name__)


def _write(batch: Sequence[Entry]) -> Counter[str]:
    """Write the rows, and all that follows from them; returns how many are strangers', by organization."""
    # All that is the same for the whole batch, for this competes with the answers for the process's time.
    key = dialects.current().spell_id
    moment = connection.ops.adapt_datetimefield_value
    slugs = {entry.slug for entry in batch if entry.slug.isprintable()}
    owners = _owners(_OWNERS, slugs, key)
    if missing := slugs - owners.keys():
        owners |= _owners(_FORMER_OWNERS, missing, key)
    tokens = _tokens({entry.digest for entry in batch if entry.digest}, key)
    at_home = [entry for entry in batch if entry.slug in owners]
    for entry in at_home:
        # Chosen once: a batch that is tried again finds its rows where they were.
        entry.place = entry.place or _place(entry, owners[entry.slug], tokens.get(entry.digest))
    kept = [entry for entry in at_home if entry.place == entry.request_id]
    _insert_identified([(entry, owners[entry.slug], tokens.get(entry.digest)) for entry in kept], key, moment)
    logged_exchanges.write(
        {
            entry.request_id: Exchanged(
                UUID(owners[entry.slug]), entry.query, entry.exchange, entries.is_anonymous(entry, owners, tokens)
            )
            for entry in kept
            if entry.exchange is not None and _is_kept(entry, owners, tokens)
        }
    )
    if len(kept) < len(at_home):
        _count_more(surplus((entry.request_id, entry.place) for entry in at_home), key)
    _mark_used(batch, tokens)
    _mark_former_slugs(batch)
    # What a test from the page asks says nothing about the identity provider.
    attributed = [
        (entry, owners[entry.slug], token)
        for entry in at_home
        if (token := tokens.get(entry.digest)) is None or not token.is_test
    ]
    failure_streaks.count(list(_outcomes(attributed)))
    if refused := list(_refused(attributed)):
        _tell(refused)
    setup_steps.keep([_setup_step(met) for met in setup_step_attribution.steps_of(attributed, key)], key=key)
    _counts.homeless += len(batch) - len(at_home)
    return Counter(owners[entry.slug] for entry in kept if entries.is_anonymous(entry, owners, tokens))


def _owners(statement: Callable[[], str], slugs: set[str], key: Callable[[UUID | str], str]) -> dict[str, str]:
    found = sql.select(statement(), [sql.among(slugs)])
    return {slug: key(identifier) for slug, identifier in found}


def _is_kept(entry: Entry, owners: Mapping[str, str], tokens: Mapping[str, Presented]) -> bool:
    """Whether headers and bodies are: not those of another connection's requests than the one it is on for."""
    token = tokens.get(entry.digest)
    if token is None or token.organization != owners[entry.slug] or token.connection is None:
        return True
    return additional_logging.is_on_for(UUID(token.connection))


def _place(entry: Entry, organization: str, token: Presented | None) -> str:
    minute = _minute(entry.started)
    if token is None or token.organization != organization:
        if not entry.is_unauthorized:
            return entry.request_id
        is_limited = entry.cause in LIMITS
        return _unauthenticated_limit.admit(
            entry.request_id, organization, entry.address, minute, is_limited=is_limited
        )
    if entry.cause in LIMITS:
        return _unauthenticated_limit.admit_token(entry.request_id, token.key, PER_LIMITED_TOKEN, minute)
    if entry.is_unauthorized:
        return _unauthenticated_limit.admit_token(entry.request_id, token.key, PER_INVALID_TOKEN, minute)
    return entry.request_id


def _minute(started: datetime) -> int:
    return int(started.timestamp()) // 60


def _count_more(turned_away: Mapping[str, int], key: Callable[[UUID | str], str]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(_MORE, [(count, key(row_id)) for row_id, count in sorted(turned_away.items())])


def _tokens(digests: set[str], key: Callable[[UUID | str], str]) -> dict[str, Presented]:
    """The tokens of those digests; most batches have none but connections' tokens."""
    found: dict[str, Presented] = {}
    for table, statement in _TOKENS.items():
        if missing := digests - found.keys():
            for digest, organization, token, prefix, within, *facts in sql.select(statement(), [sql.among(missing)]):
                place = key(within) if within else None
                found[digest] = Presented(table, key(organization), key(token), f"{prefix}…", place, *map(bool, facts))
    return found


def _insert_identified(
    kept: Sequence[tuple[Entry, str, Presented | None]],
    key: Callable[[UUID | str], str],
    moment: Callable[[datetime], Any],
) -> None:
    """Write the rows of requests, and of the operations in bulk requests, with the names that they are known by."""
    attributed = [(*each, entries.whom(each[0], entries.own_token(each[2], each[1]))) for each in kept]
    names: dict[str, dict[str, str]] = {}
    for (owner, found), name in _names_of(attributed, key).items():
        names.setdefault(owner, {})[found] = name
    rows_of_requests: list[tuple[Any, ...]] = []
    rows_of_operations: list[tuple[Any, ...]] = []
    for entry, organization, token, about in attributed:
        of_tenant = names.get(organization, {})
        label = about.label or of_tenant.get(about.resource_id, "") or about.sent
        if entry.operations:
            operations = entries.named(entry.operations, of_tenant, about.mask)
            label = entries.some_of(list(dict.fromkeys(each.label for each in operations if each.label)))
            rows_of_operations += operation_rows.rows(operations, organization, key(entry.request_id), key)
        rows_of_requests.append(entries.row(entry, organization, token, about, label, key, moment))
    _insert(_REQUESTS, COLUMNS, rows_of_requests)
    if rows_of_operations:
        _insert(_OPERATIONS, operation_rows.COLUMNS, rows_of_operations)


def _names_of(
    attributed: Iterable[tuple[Entry, str, Presented | None, Whom]], key: Callable[[UUID | str], str]
) -> Mapping[tuple[str, str], str]:
    """What users and groups are called of whom the requests tell the id only, by organization and id.

    Whatever goes well tells the name, so most batches ask for none.
    """
    wanted: dict[str, set[tuple[str, str]]] = {"User": set(), "Group": set()}
    for entry, organization, _token, about in attributed:
        if about.resource_id and not about.label:
            wanted[about.resource].add((organization, about.resource_id))
        for each in entry.operations:
            if not each.label and each.resource in wanted and entries.is_id(each.resource_id):
                wanted[each.resource].add((organization, each.resource_id))
    found: dict[tuple[str, str], str] = {}
    for resource, (objects, name) in _NAMES.items():
        if places := wanted[resource]:
            among = {UUID(each[1]) for each in places}
            known = objects.filter(organization__in={UUID(each[0]) for each in places}, pk__in=among)
            found |= {
                (key(owner), str(pk)): label for owner, pk, label in known.values_list("organization", "pk", name)
            }
    return found


_NAMES: Mapping[str, tuple[Any, str]] = {
    "User": (User.objects, "user_name"),
    "Group": (Group.objects, "display_name"),
}


def _insert(table: str, columns: Sequence[str], values: Sequence[tuple[Any, ...]]) -> None:
    sql.insert_values(f"{table} ({', '.join(columns)})", values)


def _mark_used(batch: Sequence[Entry], tokens: Mapping[str, Presented]) -> None:
    latest = {entry.digest: entry for entry in batch if entry.authenticated}
    succeeded = {entry.digest: entry for entry in reversed(batch) if entry.authenticated and entry.status < 400}
    successes = {
        UUID(token.key): Success(entry.address, entry.request_id)
        for digest, entry in succeeded.items()
        if (token := tokens.get(digest)) and token.takes_a_place
    }
    used = [UUID(token.key) for digest, token in tokens.items() if digest in latest and token.is_connections]
    rotation.retire_replaced(successes, used=used)
    moment = connection.ops.adapt_datetimefield_value
    with connection.cursor() as cursor:
        # In one order everywhere, so that two processes never wait for each other.
        for digest in sorted(latest.keys() & tokens.keys(), key=lambda each: tokens[each].key):
            token, entry = tokens[digest], latest[digest]
            client = entries.kept(entry.client, entries.LONGEST_CLIENT, entries.masking(entry.query))
            values = [moment(entry.started), entry.address or None, client, token.key]
            cursor.execute(_USED[token.table], values)


def _outcomes(attributed: Iterable[tuple[Entry, str, Presented | None]]) -> Iterator[failure_streaks.RequestOutcome]:
    """What became of the requests that presented a connection's token at its own organization's address.

    Of several successes in a row the first alone says something.
    """
    succeeding: set[str] = set()
    for entry, organization, token in attributed:
        if token is None or token.connection is None or token.organization != organization:
            continue
        match failure_streaks.kind_of(entry.status, entry.cause):
            case None:
                pass
            case OutcomeKind.SUCCESS if token.connection in succeeding:
                pass
            case OutcomeKind.SUCCESS as kind:
                succeeding.add(token.connection)
                yield failure_streaks.RequestOutcome(UUID(token.key), UUID(token.connection), kind, _failure(entry))
            case kind:
                succeeding.discard(token.connection)
                yield failure_streaks.RequestOutcome(UUID(token.key), UUID(token.connection), kind, _failure(entry))


def _refused(attributed: Iterable[tuple[Entry, str, Presented | None]]) -> Iterator[RefusedDeparture]:
    """The suspensions and deletions that were refused, though the token was valid."""
    for entry, organization, token in attributed:
        if token is None or token.connection is None or token.organization != organization:
            continue
        if entry.status == 401 or entry.cause == SUSPENDED:
            continue
        place = UUID(organization), UUID(token.connection)
        mask = entries.masking(entry.query)
        if entry.step in _DEPARTURES and entry.status >= 400:
            user_id = entries.kept(entry.path.rstrip("/").rpartition("/")[2], LONGEST_ARGUMENT, mask)
            result = entries.result(entry, mask)
            yield RefusedDeparture(*place, entry.cause[:40], result, user_id, entries.clean(entry.user_label))
        for each in entry.departures:
            if each.status >= 400:
                user = entries.clean((each.about or {}).get("user", ""))
                result = entries.kept(each.result, entries.LONGEST_RESULT, mask)
                user_id = entries.kept(each.user_id, LONGEST_ARGUMENT, mask)
                yield RefusedDeparture(*place, each.cause[:40], result, user_id, user)


def _tell(refused: Sequence[RefusedDeparture]) -> None:
    """Let it be mailed that people stay in; whatever goes wrong with that, the rows are kept."""
    try:
        with transaction.atomic():
            refused_departures.tell(refused)
    except DatabaseError as error:
        log.warning("refused departures not told", count=len(refused), reason=type(error).__name__)


def _failure(entry: Entry) -> Failure:
    mask = entries.masking(entry.query)
    path = entries.kept(entry.path, 200, mask)
    return Failure(entries.clean(entry.method)[:10], path, entry.status, entry.cause, entries.result(entry, mask))


def _mark_former_slugs(batch: Sequence[Entry]) -> None:
    latest = {entry.slug: entry.started for entry in batch if entry.at_former_slug and entry.authenticated}
    for slug in sorted(latest):
        FormerSlug.objects.filter(slug=slug).update(last_used_at=latest[slug])


def _setup_step(met: Met[Entry]) -> setup_steps.StepOutcome:
    entry = met.request
    place = met.organization, met.connection, met.step, met.failed, entry.started
    method = entries.clean(entry.method)[:10]
    if met.step == Step.ADDRESS:
        origin = entries.kept(entry.origin, LONGEST_ARGUMENT, entries.masking(entry.query))
        return setup_steps.StepOutcome(*place, entry.request_id, result=origin if met.failed else "")
    if not met.failed:
        return setup_steps.StepOutcome(*place, entry.request_id, entry.status, method=method)
    mask = entries.masking(entry.query)
    if (departure := met.departure) is not None:
        result = entries.kept(departure.result, entries.LONGEST_RESULT, mask)
        about = entries.as_arguments(departure.about or {}, mask)
        reported = departure.status, departure.cause[:40], result, about
    else:
        reported = entry.status, entry.cause[:40], entries.result(entry, mask), entries.arguments(entry, mask)
    return setup_steps.StepOutcome(*place, entry.place, *reported, method=method)
