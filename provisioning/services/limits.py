"""Rate limits of tokens, organizations, addresses: buckets that all processes share.

Each bucket is one number, the moment at which it will be full again (the generic cell rate algorithm, ITU-T I.371): a
request that costs ``n`` moves it on by ``n / rate`` seconds. The numbers lie in memory that was made before the server
forked its workers. Two processes that write one number at the same moment may lose a request of it, which costs less
than a lock would.
"""

import math
import mmap
import time
from collections.abc import Callable

from django.conf import settings
from django.core.signals import setting_changed

from core.refusals import Refusal
from provisioning.services.request_log.causes import ORGANIZATION_LIMIT, SHARE_LIMIT, TOKEN_LIMIT, UNAUTHORIZED_LIMIT
from provisioning.services.request_log.rate_limit import network_of

# What a client is told to wait, in seconds: a bound that every identity provider accepts.
SHORTEST_WAIT, LONGEST_WAIT = 1, 30

# Operations of a bulk request that cost as much as one request.
OPERATIONS_EACH = 10

# What follows an organization's slug, which has no slash, where the bucket is that of its people's own tokens.
_PEOPLE = "/people"

# Buckets that are not full at the same time, and how far from its place one is looked for.
SLOTS = 1 << 14
NEIGHBOURS = 8


class Limited(Refusal):
    """A request beyond a limit, which ``cause`` names; ``seconds`` is when the same one is let in again."""

    code = "limited"

    def __init__(self, detail: str, *, cause: str, seconds: float, **about: str) -> None:
        self.seconds = min(max(math.ceil(seconds), SHORTEST_WAIT), LONGEST_WAIT)
        self.cause = cause
        wait = _seconds(self.seconds)
        super().__init__(f"{detail} Try again in {wait}.", about={**about, "seconds": wait})


class Buckets:
    """Buckets by key, in memory that processes share which were forked after it was made.

    One that is full needs no place: its place is the next one's. Where all places near by are taken, the bucket that is
    full soonest is forgotten. Every request comes here four times, so common cases are written out.
    """

    def __init__(self, slots: int = SLOTS) -> None:
        self._mask = slots - 1
        self._memory = mmap.mmap(-1, slots * 16)
        view = memoryview(self._memory)
        self._keys = view[: slots * 8].cast("q")
        self._full_at = view[slots * 8 :].cast("d")

    def full_at(self, key: int) -> float:
        """When the bucket is full, in the machine's monotonic time; 0 or what has passed if it is."""
        place = key & self._mask
        if self._keys[place] == key:
            return self._full_at[place]
        for place in self._places(key):
            if self._keys[place] == key:
                return self._full_at[place]
        return 0.0

    def charge(self, key: int, seconds: float, now: float) -> None:
        """Let the bucket be full so many seconds later than it would have been."""
        place = key & self._mask
        if self._keys[place] == key:
            full_at = self._full_at[place]
            self._full_at[place] = (full_at if full_at > now else now) + seconds
        else:
            self.fill(key, max(self.full_at(key), now) + seconds, now)

    def fill(self, key: int, at: float, now: float) -> None:
        """Let the bucket be full at that moment."""
        place = self._place_of(key, now)
        self._full_at[place] = at
        self._keys[place] = key

    def clear(self) -> None:
        """Let all be full."""
        self._memory[:] = bytes(len(self._memory))

    def _place_of(self, key: int, now: float) -> int:
        full_at, near = self._full_at, self._places(key)
        for place in near:
            if self._keys[place] == key:
                return place
        for place in near:
            if full_at[place] <= now:
                return place
        return min(near, key=full_at.__getitem__)

    def _places(self, key: int) -> list[int]:
        return [(key + step) & self._mask for step in range(NEIGHBOURS)]


class Limit:
    """``kind`` names what has a bucket each; ``rate`` and ``burst`` are the settings with requests a second, and with
    how many may come at once. A rate of 0 is no limit.
    """

    def __init__(self, kind: str, rate: str, burst: str, buckets: Buckets) -> None:
        self.kind, self.rate, self.burst, self.buckets = kind, rate, burst, buckets
        self._salt = hash(kind)
        self.read_settings()
        # Each request would read them four times otherwise. They change in tests only.
        setting_changed.connect(self.read_settings)

    def read_settings(self, **_signal: object) -> None:
        """Take over what the settings say: the seconds that a request costs, and how many a bucket may lack."""
        rate: float = getattr(settings, self.rate)
        self._each = 1 / rate if rate else 0.0
        self.most = (getattr(settings, self.burst) - 1) * self._each

    def key(self, name: str) -> int:
        """The key of a bucket; those of two limits are as far apart as those of two names."""
        return hash(name) ^ self._salt

    def wait(self, name: str) -> float:
        """The seconds until the next request of that name is let in; 0 or less if it is now."""
        full_at = self.buckets.full_at(hash(name) ^ self._salt)
        return full_at - time.monotonic() - self.most if full_at and self._each else 0.0

    def charge(self, name: str, cost: int = 1) -> None:
        """Take a request out of the bucket; what is not there any more is owed."""
        if self._each:
            self.buckets.charge(hash(name) ^ self._salt, cost * self._each, time.monotonic())
            if tell_others is not None:
                tell_others(self, name, cost * self._each)


_BUCKETS = Buckets()

TOKEN = Limit("token", "SCIM_TOKEN_RATE", "SCIM_TOKEN_BURST", _BUCKETS)
ORGANIZATION = Limit("organization", "SCIM_ORGANIZATION_RATE", "SCIM_ORGANIZATION_BURST", _BUCKETS)
# In memory of its own: anonymous clients, who may have many addresses, push no token out.
UNAUTHORIZED = Limit("unauthorized", "SCIM_UNAUTHORIZED_RATE", "SCIM_UNAUTHORIZED_BURST", Buckets())

# Where other machines learn what was charged here: with the limit, the name, and the seconds of the bucket's time.
tell_others: Callable[[Limit, str, float], object] | None = None


def people_of(slug: str) -> str:
    """Whom personal tokens count for: else one person's program would take what the identity provider needs."""
    return slug + _PEOPLE


def admit(digest: str, whose: str) -> None:
    """Let a request in if its token and those with which it shares have not gone too fast. Raises Limited.

    ``whose`` is the organization's slug, or its ``people_of``. Nobody knows yet whether the token is valid. Only those
    that were are charged, so a made-up one is always let in.
    """
    if (seconds := TOKEN.wait(digest)) > 0:
        raise Limited(
            f"This token sends more than {rate_and_burst(TOKEN)}.",
            cause=TOKEN_LIMIT,
            seconds=seconds,
            limit=rate_and_burst(TOKEN),
        )
    if (seconds := ORGANIZATION.wait(whose)) > 0:
        tokens = "personal tokens" if whose.endswith(_PEOPLE) else "tokens"
        raise Limited(
            f"This organization's {tokens} together send more than {rate_and_burst(ORGANIZATION)}.",
            cause=ORGANIZATION_LIMIT,
            seconds=seconds,
            limit=rate_and_burst(ORGANIZATION),
        )


def over_share(seconds: int) -> Limited:
    """The refusal of a request that waited in vain for a thread, since others of its organization held its share."""
    return Limited(
        "Too many requests of this organization are being served at once.", cause=SHARE_LIMIT, seconds=seconds
    )


def charge(digest: str, whose: str, cost: int = 1) -> None:
    """Charge a request whose token was valid."""
    TOKEN.charge(digest, cost)
    ORGANIZATION.charge(whose, cost)


def charge_unverified(digest: str) -> None:
    """Charge a token that may or may not be valid, never more than it has: no outage leaves a debt behind."""
    if TOKEN.wait(digest) <= 0:
        TOKEN.charge(digest)


def refuse_unauthorized(address: str) -> Limited | None:
    """Count a request that was found unauthorized; what to tell its client, if too many have come from its address."""
    network = network_of(address)
    if (seconds := UNAUTHORIZED.wait(network)) > 0:
        return Limited(
            "Too many requests without a valid bearer token come from this address.",
            cause=UNAUTHORIZED_LIMIT,
            seconds=seconds,
            address=address or "an unknown address",
        )
    UNAUTHORIZED.charge(network)
    return None


def cost_of_bulk(operations: int) -> int:
    """What a bulk request of so many operations costs."""
    return max(1, -(-operations // OPERATIONS_EACH))


def rate_and_burst(limit: Limit) -> str:
    """A limit in words."""
    rate, burst = getattr(settings, limit.rate), getattr(settings, limit.burst)
    if not rate:
        return "no limit"
    return f"{rate:g} request{'' if rate == 1 else 's'} a second, after the first {burst:,}"


def _seconds(number: int) -> str:
    return "1 second" if number == 1 else f"{number} seconds"
