"""Limits across machines: each tells the others its charges through a shared cache (CACHE_URL).

Requests wait for nobody: they leave what they cost in memory, and a thread of each process tells it and takes over what
other machines have told. Each process writes one value, and nobody else writes that one, so that nothing is lost when
many do it at the same moment, and any cache will do (a state-based counter: Shapiro et al., INRIA RR-7506, 2011). A
value that the cache loses is there again with the next exchange. A cache that stays away costs the others' figures, and
nothing else.
"""

import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

import structlog
from django.conf import settings
from django.core.cache import BaseCache, caches

from core.background import BackgroundThread
from provisioning.services import limits
from provisioning.services.limits import Buckets, Limit

log = structlog.get_logger(__name__)

CACHE = "limits"
PROCESSES = "scim-limits"

# Seconds between two exchanges, and between two while a process takes more than one part in HURRIES of a burst.
INTERVAL, SHORTEST = 0.25, 0.003
HURRIES = 50
# How many times as long as it computed the thread rests, up to INTERVAL.
RESTS = 8

# For how many seconds a charge is told. A machine that has not read for longer learns from debts what it missed.
REPORTED_FOR = 2.0
# Seconds that the clocks of two machines may differ. A debt that is taken over is less by so much.
CLOCKS = 1.0

# Buckets that wait to be told of: many addresses of anonymous clients are no reason to take more memory, or more than
# the megabyte that Memcached takes.
MOST_WAITING = 5_000

# For how much longer than until all its buckets are full the cache keeps a value, in seconds.
KEPT = 60

_LIMITS = {limit.kind: limit for limit in (limits.TOKEN, limits.ORGANIZATION, limits.UNAUTHORIZED)}

# Which processes share their buckets, and up to which charge of another process they have taken over what it told. Two
# that do so in the same microsecond may take it over twice.
_MACHINE = secrets.token_hex(8)
_TAKEN = Buckets(1 << 10)

Bucket = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Report:
    """What a process tells at a moment: its latest charges by time, and when the buckets that it charged are full."""

    machine: str
    at: float
    charged: dict[float, dict[Bucket, float]]
    full_at: dict[Bucket, float]


class Exchange:
    """What this process has charged since it last told the others, and lately."""

    def __init__(self, machine: str = _MACHINE, taken: Buckets = _TAKEN, known: Mapping[str, Limit] = _LIMITS) -> None:
        self._machine, self._taken, self._limits = machine, taken, known
        self._key = f"{PROCESSES}:{secrets.token_hex(8)}"
        self._known: set[str] = set()
        self._charged: dict[Bucket, float] = {}
        self._lately: dict[float, dict[Bucket, float]] = {}
        self._owing: set[Bucket] = set()
        self._epoch = time.time() - time.monotonic()
        self._lock = threading.Lock()
        self._is_entered = False

    def note(self, limit: Limit, name: str, seconds: float) -> bool:
        """A bucket was charged so many seconds of its time; returns whether the others should hear of it at once."""
        with self._lock:
            bucket = limit.kind, name
            if len(self._charged) >= MOST_WAITING and bucket not in self._charged:
                return False
            self._charged[bucket] = charged = self._charged.get(bucket, 0.0) + seconds
            return bool(charged * HURRIES > limit.most)

    def exchange(self) -> None:
        """Tell the others, and take over what they have told. Raises what the cache does."""
        report = self._report()
        if report.charged or report.full_at or not self._is_entered:
            cache = caches[CACHE]
            cache.set(self._key, report, timeout=max(report.full_at.values(), default=report.at) - report.at + KEPT)
            self._take_over(self._others(cache))

    def _report(self) -> Report:
        with self._lock:
            charged, self._charged = self._charged, {}
        now, since = time.time(), time.monotonic()
        # Later charges have greater numbers, whatever is done to the clock.
        number = self._epoch + since
        self._lately = {at: each for at, each in self._lately.items() if at > number - REPORTED_FOR}
        if charged:
            self._lately[number] = charged
        full_at = {}
        for bucket in list(self._owing | charged.keys())[:MOST_WAITING]:
            kind, name = bucket
            if (at := self._limits[kind].buckets.full_at(self._limits[kind].key(name))) > since:
                full_at[bucket] = at - since + now
        self._owing = set(full_at)
        return Report(self._machine, now, self._lately, full_at)

    def _others(self, cache: BaseCache) -> dict[str, Report]:
        """Return what the other processes tell. Enter this one in the list of all if it is not there."""
        found = cache.get_many([PROCESSES, *self._known])
        processes = found.pop(PROCESSES, set())
        if new := processes - self._known - {self._key}:
            found |= cache.get_many(new)
        self._known = processes - {self._key}
        self._is_entered = self._key in processes
        if not self._is_entered:
            # Without those that have ended. Of two that enter at the same moment, one does so again the next time.
            cache.set(PROCESSES, {*found, self._key}, timeout=None)
        return found

    def _take_over(self, others: dict[str, Report]) -> None:
        """Add the charges of other machines that are new here, then see that no debt is less than they tell."""
        now, since = time.time(), time.monotonic()
        others = {process: report for process, report in others.items() if report.machine != self._machine}
        for process, report in others.items():
            self._charge(process, report, now, since)
        for report in others.values():
            # A clock that is further ahead would leave debts that last for ever.
            if report.at <= now + CLOCKS:
                for (kind, name), at in report.full_at.items():
                    buckets, key, full_at = (
                        self._limits[kind].buckets,
                        self._limits[kind].key(name),
                        at - now + since - CLOCKS,
                    )
                    if full_at > max(since, buckets.full_at(key)):
                        buckets.fill(key, full_at, since)

    def _charge(self, process: str, report: Report, now: float, since: float) -> None:
        taken = self._taken.full_at(hash(process))
        new = [number for number in report.charged if number > taken]
        if new:
            self._taken.fill(hash(process), max(new), now - KEPT)
        for number in new:
            for (kind, name), seconds in report.charged[number].items():
                self._limits[kind].buckets.charge(self._limits[kind].key(name), seconds, since)


# What this process shares its limits by; None without a cache for it.
_exchange: Exchange | None = None


def begin() -> None:
    """Share the limits if there is a cache for it, from the first request on."""
    global _exchange
    _exchange = Exchange() if settings.CACHES.keys() & {CACHE} else None
    limits.tell_others = _note if _exchange else None


def _begin_anew() -> None:
    """Share them as a process of its own that knows the others before its first request comes."""
    if _exchange:
        begin()
        _exchanging.start()


def _note(limit: Limit, name: str, seconds: float) -> None:
    if _exchange and _exchange.note(limit, name, seconds):
        _exchanging.wake()
    if _exchanging.thread is None:
        _exchanging.start()


def _exchange_for_ever() -> None:
    is_away = False
    while _exchanging.sleep(INTERVAL):
        started = time.thread_time()
        try:
            if _exchange:
                _exchange.exchange()
            is_away = False
        except Exception as error:
            # Whatever it is: this machine counts for itself until the cache is back.
            if not is_away:
                log.warning("limits are not shared", reason=type(error).__name__)
            is_away = True
        rest = INTERVAL if is_away else (time.thread_time() - started) * RESTS
        time.sleep(min(max(rest, SHORTEST), INTERVAL))


_exchanging = BackgroundThread("scim-limits", _exchange_for_ever, on_fork=_begin_anew)
