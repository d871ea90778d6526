"""Limits across machines: each tells the others its charges through a shared cache (CACHE_URL).

Requests wait for nobody: they leave what they cost in memory, and a thread of each process tells it and takes over what
other machines have told. Each process writes one value, and nobody else writes that one, so that nothing is lost when
many do it at the same moment, and any cache will do (a state-based counter: Shapiro et al., INRIA RR-7506, 2011). A
value that the cache loses is there again with the next exchange. A cache that stays away costs the others' figures, and
nothing else.
"""

import os
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

import structlog
from django.conf import settings
from django.core.cache import BaseCache, caches

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
TOLD = 2.0
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
class Told:
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
        self._hurry = threading.Event()
        self._thread: threading.Thread | None = None
        self._is_entered = self._is_away = False

    def note(self, limit: Limit, name: str, seconds: float) -> None:
        """A bucket was charged so many seconds of its time."""
        with self._lock:
            bucket = limit.kind, name
            if len(self._charged) < MOST_WAITING or bucket in self._charged:
                self._charged[bucket] = charged = self._charged.get(bucket, 0.0) + seconds
                if charged * HURRIES > limit.most and not self._hurry.is_set():
                    self._hurry.set()
            if self._thread is None:
                self.start()

    def start(self) -> None:
        """Exchange from now on."""
        self._thread = threading.Thread(target=self._exchange_for_ever, name="scim-limits", daemon=True)
        self._thread.start()

    def exchange(self) -> None:
        """Tell the others, and take over what they have told. Raises what the cache does."""
        told = self._told()
        if told.charged or told.full_at or not self._is_entered:
            cache = caches[CACHE]
            cache.set(self._key, told, timeout=max(told.full_at.values(), default=told.at) - told.at + KEPT)
            self._take_over(self._others(cache))

    def _told(self) -> Told:
        with self._lock:
            charged, self._charged = self._charged, {}
        now, since = time.time(), time.monotonic()
        # Later charges have greater numbers, whatever is done to the clock.
        number = self._epoch + since
        self._lately = {at: each for at, each in self._lately.items() if at > number - TOLD}
        if charged:
            self._lately[number] = charged
        full_at = {}
        for bucket in list(self._owing | charged.keys())[:MOST_WAITING]:
            kind, name = bucket
            if (at := self._limits[kind].buckets.full_at(self._limits[kind].key(name))) > since:
                full_at[bucket] = at - since + now
        self._owing = set(full_at)
        return Told(self._machine, now, self._lately, full_at)

    def _others(self, cache: BaseCache) -> dict[str, Told]:
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

    def _take_over(self, others: dict[str, Told]) -> None:
        """Add the charges of other machines that are new here, then see that no debt is less than they tell."""
        now, since = time.time(), time.monotonic()
        others = {process: told for process, told in others.items() if told.machine != self._machine}
        for process, told in others.items():
            self._charge(process, told, now, since)
        for told in others.values():
            # A clock that is further ahead would leave debts that last for ever.
            if told.at <= now + CLOCKS:
                for (kind, name), at in told.full_at.items():
                    buckets, key, full_at = (
                        self._limits[kind].buckets,
                        self._limits[kind].key(name),
                        at - now + since - CLOCKS,
                    )
                    if full_at > max(since, buckets.full_at(key)):
                        buckets.fill(key, full_at, since)

    def _charge(self, process: str, told: Told, now: float, since: float) -> None:
        taken = self._taken.full_at(hash(process))
        new = [number for number in told.charged if number > taken]
        if new:
            self._taken.fill(hash(process), max(new), now - KEPT)
        for number in new:
            for (kind, name), seconds in told.charged[number].items():
                self._limits[kind].buckets.charge(self._limits[kind].key(name), seconds, since)

    def _exchange_for_ever(self) -> None:
        while True:
            self._hurry.wait(INTERVAL)
            self._hurry.clear()
            started = time.thread_time()
            try:
                self.exchange()
                self._is_away = False
            except Exception as error:
                # Whatever it is: this machine counts for itself until the cache is back.
                if not self._is_away:
                    log.warning("limits are not shared", reason=type(error).__name__)
                self._is_away = True
            rest = INTERVAL if self._is_away else (time.thread_time() - started) * RESTS
            time.sleep(min(max(rest, SHORTEST), INTERVAL))


def begin() -> None:
    """Share the limits if there is a cache for it."""
    limits.tell_others = Exchange().note if settings.CACHES.keys() & {CACHE} else None


def begin_anew() -> None:
    """Share them as a process of its own that knows the others before its first request comes."""
    if settings.CACHES.keys() & {CACHE}:
        exchange = Exchange()
        limits.tell_others = exchange.note
        exchange.start()


os.register_at_fork(after_in_child=begin_anew)
