"""Limits across machines: what each has charged, told to the others by a cache that they share (CACHE_URL).

Requests wait for nobody: they leave what they cost in memory, and a thread of each process adds it to the cache every
quarter of a second and takes from there what the others have added. A cache that stays away costs the others' figures,
and nothing else.
"""

import os
import threading
import time

import structlog
from django.conf import settings
from django.core.cache import caches

from scim.services import limits
from scim.services.limits import Limit

log = structlog.get_logger(__name__)

CACHE = "limits"
INTERVAL = 0.25

# Buckets that wait to be told of: many addresses of anonymous clients are no reason to take more memory.
MOST_WAITING = 10_000

# For how much longer than until it is full the cache keeps a bucket, in seconds.
KEPT = 60

_LIMITS = {limit.kind: limit for limit in (limits.TOKEN, limits.ORGANIZATION, limits.UNAUTHORIZED)}


class Exchange:
    """What this process has charged since it last told the others."""

    def __init__(self) -> None:
        self._charged: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._is_away = False

    def note(self, limit: Limit, name: str, seconds: float) -> None:
        """A bucket was charged so many seconds of its time."""
        with self._lock:
            bucket = limit.kind, name
            if len(self._charged) < MOST_WAITING or bucket in self._charged:
                self._charged[bucket] = self._charged.get(bucket, 0.0) + seconds
            if self._thread is None:
                self._thread = threading.Thread(target=self._exchange_for_ever, name="scim-limits", daemon=True)
                self._thread.start()

    def exchange(self) -> None:
        """Tell the others, and take over what they have told. Raises what the cache does."""
        with self._lock:
            charged, self._charged = self._charged, {}
        if not charged:
            return
        names = {f"scim-limit:{kind}:{name}": (kind, name) for kind, name in charged}
        # By the clocks of the machines, which are the same to within less than what a burst takes to fill.
        now, since = time.time(), time.monotonic()
        cache = caches[CACHE]
        found = cache.get_many(names)
        full_at = {key: max(found.get(key, 0.0), now) + charged[bucket] for key, bucket in names.items()}
        cache.set_many(full_at, timeout=max(full_at.values()) - now + KEPT)
        for key, (kind, name) in names.items():
            limit, everywhere = _LIMITS[kind], full_at[key] - now + since
            bucket = limit.key(name)
            if everywhere > limit.buckets.full_at(bucket):
                limit.buckets.fill(bucket, everywhere, since)

    def _exchange_for_ever(self) -> None:
        while True:
            time.sleep(INTERVAL)
            try:
                self.exchange()
                self._is_away = False
            except Exception as error:
                # Whatever it is: this machine counts for itself until the cache is back.
                if not self._is_away:
                    log.warning("limits are not shared", reason=type(error).__name__)
                self._is_away = True


def begin() -> None:
    """Share the limits if there is a cache for it; a forked process begins anew."""
    limits.tell_others = Exchange().note if settings.CACHES.keys() & {CACHE} else None


os.register_at_fork(after_in_child=begin)
