"""Fair shares: which waiting request gets the next thread.

While another organization's request waits, that is half of the threads. Beside organizations whose requests are quick,
slow requests of all together hold no more than that, so that a quick one always finds a thread; and of costly ones no
more run on the machine than leave half of its processor cores. Alone, an organization may have everything.

Whose a request is, its address says only if its token is valid, which the application finds out: it tells by the
request's ``Turn``, and the next request with the same address and token is believed. So it is with pages and their
sessions. All others are strangers' and share a place among the organizations, one for SCIM and one for pages.
"""

import fcntl
import math
import mmap
import os
import re
import sys
import threading
import time
from collections import deque
from typing import Generic, TypeVar

from django.http import parse_cookie

from scripts.http1 import parts_of

# Seconds that a request over its organization's share waits before it is refused.
PATIENCE = 2.0
# Of one organization, over its share. More are refused at once: each holds a connection, of which there are so many.
MOST_WAITING = 200
# For so many seconds an organization counts as there after its last quick request.
PRESENCE = 3.0
# From how many seconds on an organization's requests are slow, and from how many they are costly.
SLOW = 0.02
COSTLY = 0.2
# What is kept in mind of how long an organization's requests take: a quick one after a slow one says little.
MEMORY = 0.8
# What a client whose request was refused may be told to wait for, in seconds.
LONGEST_WAIT = 30

# After how many seconds a thread that computes lets another go on: while a slow request runs, and else (Python's own).
BESIDE_SLOW = 0.0001
USUALLY = sys.getswitchinterval()

# No request counts for more seconds: a download is not the measure of the pages after it.
MOST_REMEMBERED = 1.0

# For so many seconds a session is believed without being looked at: a file or an address that leads nowhere needs none.
BELIEVED = 300.0

# Addresses with tokens that were found valid, sessions, and organizations, of which something is kept in mind.
MOST_KNOWN = 10_000

# Where the environment of a request has its turn.
TURN = "saasmanager.turn"

# A probe that waits too long would have a busy server killed.
FIRST = frozenset({b"/livez"})

_SCIM = re.compile(rb"/*scim/+([^/]+)")
_API = re.compile(rb"/*(api/)")
_STATIC = b"/static/"
SESSION = "sessionid"
_SESSION_COOKIE = re.compile(rf"(?:.*;)?(\s*{SESSION}\s*=[^;]*)", re.DOTALL)

# Names of places that no organization's slug can be, for it has no slash. Its own pages' place is its slug and PAGES.
PAGES, ANONYMOUS, PROBES, REFUSED, EVERYBODY = "/pages", "/anonymous", "/probes", "/refused", "/everybody"
FILES = "/files"
OUTSIDERS = frozenset({PAGES, ANONYMOUS, PROBES, REFUSED, EVERYBODY, FILES})

# Where it is not kept in mind how long requests take.
_NOBODYS = OUTSIDERS - {PAGES}

Item = TypeVar("Item")


class Turn:
    """A request's turn. The application sets ``organization`` to the slug whose token or session was valid, or to "".

    With ``over_share`` it is to be refused: its organization's other requests held their share for too long. The
    figure is the number of seconds after which it may come again. ``known`` is the key of its address and token, and
    ``seat`` the one that it takes, if it needs one. ``anonymous`` is its place as long as nobody knows whose it is.
    """

    __slots__ = ("began", "known", "organization", "over_share", "place", "seat", "anonymous")

    def __init__(self, place: str, known: int = 0, anonymous: str = "") -> None:
        self.place, self.known, self.anonymous = place, known, anonymous or place
        self.organization: str | None = None
        self.over_share, self.seat = 0, -1
        self.began = 0.0


class Seats:
    """How many costly requests may run on the machine at once, for all processes that were forked after it was made.

    Seats are locks of a file, of which the kernel frees those of a process that has died. Who has left one does not
    take the next before other processes had the time to look, which they do every ``LOOK`` seconds.
    """

    LOOK = 0.02

    def __init__(self, number: int = max(1, (os.cpu_count() or 1) // 2)) -> None:
        self._file = os.memfd_create("saasmanager-seats")
        self._number = number
        self._taken: set[int] = set()
        self._not_before = 0.0

    def take(self, now: float) -> int | None:
        """Take one that is free."""
        if now < self._not_before:
            return None
        for seat in set(range(self._number)) - self._taken:
            try:
                fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, seat)
            except OSError:
                continue
            self._taken.add(seat)
            return seat
        return None

    def leave(self, seat: int, now: float) -> None:
        """Let another have it."""
        self._taken.discard(seat)
        self._not_before = now + 2 * self.LOOK
        fcntl.lockf(self._file, fcntl.LOCK_UN, 1, seat)


class Presence:
    """Which organizations had quick requests last, for all processes that were forked after it was made.

    Kept are the last one, when it was, and when any other was. Processes that write at the same moment may mix these
    up, until the next request.
    """

    def __init__(self) -> None:
        view = memoryview(mmap.mmap(-1, 24))
        self._last = view[:8].cast("q")
        self._times = view[8:].cast("d")

    def note(self, place: str, now: float) -> None:
        """An organization has a request that is quick, as far as can be told."""
        key, times = hash(place), self._times
        if self._last[0] != key:
            times[1] = times[0]
            self._last[0] = key
        times[0] = now

    def is_another_there(self, place: str, now: float) -> bool:
        """Whether another organization has asked a moment ago."""
        latest = self._times[1 if self._last[0] == hash(place) else 0]
        return latest > now - PRESENCE

    def clear(self) -> None:
        """Nobody was there."""
        self._last[0], self._times[0], self._times[1] = 0, 0.0, 0.0


def owner_of(place: str) -> str:
    """The slug of the organization whose place it is; the place itself if it is nobody's."""
    return place.removesuffix(PAGES) or place


def _place_of(organization: str, anonymous: str) -> str:
    """Where an organization's requests wait that waited as a stranger's before it was known; there if there is none."""
    if not organization:
        return anonymous
    return organization + PAGES if anonymous == PAGES else organization


def _token_of(authorization: str) -> str:
    # As the application reads it: any number of blanks may stand before and behind.
    return authorization.rstrip(" ").rpartition(" ")[2]


def _session_of(cookie: str) -> str:
    """The session in a Cookie field, as the application reads it: as UTF-8, with all its blanks, and the last counts.

    Only its own part is taken apart: no share limits the threads that do this, and 60,000 cookies take Django 60 ms.
    """
    if SESSION not in cookie:
        return ""
    found = _SESSION_COOKIE.match(cookie.encode("latin-1").decode(errors="replace"))
    return parse_cookie(found[1])[SESSION] if found else ""


EVERYWHERE = Presence()
ON_THIS_MACHINE = Seats()


class Waiting(Generic[Item]):
    """Complete requests that wait for one of so many threads."""

    def __init__(
        self, threads: int, presence: Presence = EVERYWHERE, seats: Seats = ON_THIS_MACHINE, *, shares: bool = True
    ) -> None:
        self._seats = seats
        self._wants_a_seat = False
        self._slow: list[Turn] = []  # those that run and count as slow
        self._share = max(1, threads // 2)
        self._shares = shares
        self._presence = presence
        self._lock = threading.Lock()
        # Threads that have found nothing to do, and are not back yet.
        self.idle = 0
        self._first: deque[tuple[Item, Turn]] = deque()
        self._probed = False
        self._queues: dict[str, deque[tuple[Item, Turn, float]]] = {}
        self._order: deque[str] = deque()  # the places where somebody waits, the one whose turn it is first
        self._running: dict[str, int] = {}
        self._seconds: dict[str, float] = {}
        self._known: dict[int, tuple[str, float]] = {}  # and until when that is believed

    def put(self, item: Item, target: bytes, authorization: str, cookie: str = "") -> None:
        """Let a request wait that asks for a target with an Authorization, or a Cookie that may have a session."""
        now = time.monotonic()
        turn = self._turn(target, authorization, cookie, now)
        place = turn.place
        with self._lock:
            if place == PROBES:
                self._first.append((item, turn))
            else:
                if place[0] != "/" and self._seconds.get(place, 0.0) < SLOW:
                    self._presence.note(owner_of(place), now)
                self._append(item, turn, now)

    @property
    def is_any(self) -> bool:
        """Whether a request waits."""
        return bool(self._order or self._first)

    @property
    def lacks_a_thread(self) -> bool:
        """Whether a request waits though a thread is idle, which may only have to be woken."""
        return self.idle > 0 and self.is_any

    def take(self) -> tuple[Item, Turn] | None:
        """The next request. If none may run now, the thread that asked is idle until it is ``back``."""
        with self._lock:
            if self._order or self._first:
                now = time.monotonic()
                if (found := self._choose(now)) is not None:
                    self._begin(found[1], now)
                    return found
            self.idle += 1
            return None

    def back(self) -> None:
        """A thread that was idle is at work again."""
        with self._lock:
            self.idle -= 1

    def patience(self) -> float:
        """After how many seconds a thread looks again, though nobody has woken it."""
        if not self.is_any:
            return 1.0
        if self._wants_a_seat:
            return Seats.LOOK  # other processes do not tell when they leave one
        now = time.monotonic()
        with self._lock:
            since = min((queue[0][2] for place, queue in self._queues.items() if place not in OUTSIDERS), default=now)
        # An organization that is not there any more keeps a thread from nobody, and nobody tells that either.
        return min(max(since + PATIENCE - now, Seats.LOOK), PRESENCE / 10)

    def done(self, turn: Turn) -> None:
        """The request was answered."""
        now = time.monotonic()
        with self._lock:
            owner = owner_of(turn.place)
            self._running[owner] -= 1
            if not self._running[owner]:
                del self._running[owner]
            self._count_no_more(turn, now)
            organization = turn.organization
            whose = turn.place if organization is None else _place_of(organization, turn.anonymous)
            if whose != turn.place or (organization and turn.anonymous == PAGES):
                self._learn(turn, whose, now)
            if turn.over_share or whose in _NOBODYS:
                return
            if organization is None and whose != PAGES and now - turn.began < self._seconds.get(whose, 0.0):
                return  # the client is gone, or no page was asked for: that says nothing of how long those take
            self._remember(whose, now - turn.began, now)
            if turn.place == PAGES != whose:
                # A session is a stranger's once in each worker: many would have no share to keep to. It makes those
                # of strangers slow, not costly, or one would have everybody who signs in wait for a seat.
                self._remember(PAGES, min(now - turn.began, COSTLY / 2), now)

    def let_go(self) -> None:
        """Count requests no more that run for long, such as downloads: others would wait half a minute for a seat."""
        now = time.monotonic()
        with self._lock:
            for turn in [each for each in self._slow if now - each.began >= PATIENCE]:
                self._count_no_more(turn, now)

    def _count_no_more(self, turn: Turn, now: float) -> None:
        """Neither among the slow requests that run, nor with a seat."""
        if turn in self._slow:
            self._slow.remove(turn)
            if not self._slow:
                sys.setswitchinterval(USUALLY)
        if turn.seat >= 0:
            self._seats.leave(turn.seat, now)
            turn.seat = -1

    def _remember(self, place: str, seconds: float, now: float) -> None:
        """Keep in mind how long a request took there."""
        before = self._seconds.get(place, 0.0) * MEMORY
        self._seconds[place] = seconds = min(seconds, MOST_REMEMBERED) if seconds > before else before
        if seconds < SLOW and place != PAGES:
            self._presence.note(owner_of(place), now)

    def _turn(self, target: bytes, authorization: str, cookie: str, now: float) -> Turn:
        if target in FIRST:
            return Turn(PROBES)
        if not self._shares:
            return Turn(EVERYBODY)
        # The path as the application reads it: whoever could spell it otherwise would have no share to keep to.
        path = parts_of(target)[1]
        if (found := _SCIM.match(path)) is not None:
            anonymous, shown = ANONYMOUS, _token_of(authorization)
        elif (found := _API.match(path)) is not None:
            anonymous, shown = PAGES, _token_of(authorization)
        elif path.startswith(_STATIC):
            return Turn(FILES)  # quick, whoever asks, and however slow the pages are that need them
        else:
            anonymous, shown = PAGES, _session_of(cookie)
        if not shown:
            return Turn(anonymous)
        known = hash((found and found[1], shown))
        place, until = self._known.get(known, (anonymous, now))
        return Turn(place if now < until else anonymous, known, anonymous)

    def _choose(self, now: float) -> tuple[Item, Turn] | None:
        # Every second turn at most, or a flood of probes would keep everybody else waiting.
        if self._first and not (self._probed and self._order):
            self._probed = True
            return self._first.popleft()
        self._probed = False
        found = self._choose_among_others(now)
        return self._first.popleft() if found is None and self._first else found

    def _choose_among_others(self, now: float) -> tuple[Item, Turn] | None:
        if len(self._order) == 1 and not self._slow:
            # Nearly always: one place waits, and there is nothing to weigh.
            place = self._order[0]
            if self._running.get(owner_of(place), 0) < self._share and self._seconds.get(place, SLOW) < SLOW:
                return self._pop(place)
        self._recognize(now)
        self._wants_a_seat = False
        for _ in range(len(self._order)):
            place = self._order[0]
            self._order.rotate(-1)
            if self._may_run(place, now):
                if not self._needs_a_seat(place, now):
                    return self._pop(place)
                if (seat := self._seats.take(now)) is not None:
                    item, turn = self._pop(place)
                    turn.seat = seat
                    return item, turn
                self._wants_a_seat = True
            if (over := self._lost_patience(place, now)) is not None:
                item, turn = self._pop(place, over)
                turn.over_share = self._when_again(place)
                turn.place = REFUSED
                return item, turn
        return None

    def _begin(self, turn: Turn, now: float) -> None:
        place = turn.place
        owner = owner_of(place)
        turn.began = now
        self._running[owner] = self._running.get(owner, 0) + 1
        if place == ANONYMOUS or self._seconds.get(place, 0.0) >= SLOW:
            if not self._slow:
                sys.setswitchinterval(BESIDE_SLOW)
            self._slow.append(turn)

    def _recognize(self, now: float) -> None:
        """Give the first strangers' requests to their organization, if that is known by now."""
        for anonymous in (ANONYMOUS, PAGES):
            while queue := self._queues.get(anonymous):
                item, turn, since = queue[0]
                place, until = self._known.get(turn.known, (anonymous, now))
                if now >= until:
                    break
                queue.popleft()
                if not queue:
                    del self._queues[anonymous]
                    self._order.remove(anonymous)
                turn.place = place
                self._append(item, turn, since)

    def _append(self, item: Item, turn: Turn, since: float) -> None:
        if (queue := self._queues.get(turn.place)) is None:
            queue = self._queues[turn.place] = deque()
            self._order.append(turn.place)
        queue.append((item, turn, since))

    def _may_run(self, place: str, now: float) -> bool:
        owner = owner_of(place)
        its_other_place = owner if place != owner else owner + PAGES
        if self._running.get(owner, 0) >= self._share and len(self._order) > 1 + (its_other_place in self._queues):
            return False  # somebody else waits
        if len(self._slow) < self._share or self._is_quick(place):
            return True
        return not self._presence.is_another_there(owner, now)

    def _is_quick(self, place: str) -> bool:
        """Whether the requests of a place are, as far as is known; anonymous ones may be anything."""
        return place != ANONYMOUS and self._seconds.get(place, 0.0) < SLOW

    def _needs_a_seat(self, place: str, now: float) -> bool:
        return self._seconds.get(place, 0.0) >= COSTLY and self._presence.is_another_there(owner_of(place), now)

    def _lost_patience(self, place: str, now: float) -> int | None:
        """Which of a place is the first that is over the share, if it has waited for too long.

        Strangers' requests wait on: any may be an organization's. So do pages, for which a person waits, but no crowd.
        """
        if place in OUTSIDERS or self._running.get(REFUSED, 0) >= self._share:
            return None
        queue, over = self._queues[place], max(0, self._share - self._running.get(owner_of(place), 0))
        if over >= len(queue):
            return None
        is_late = now - queue[over][2] >= PATIENCE and not place.endswith(PAGES)
        return over if is_late or len(queue) > MOST_WAITING else None

    def _pop(self, place: str, number: int = 0) -> tuple[Item, Turn]:
        """One of those of the place that is the last in order."""
        queue = self._queues[place]
        item, turn, _since = queue[number]
        del queue[number]
        if not queue:
            del self._queues[place]
            self._order.pop()
        return item, turn

    def _when_again(self, place: str) -> int:
        """When those before it will have been served, as far as can be told."""
        waiting = len(self._queues.get(place, ())) + 1
        seconds = waiting * self._seconds.get(place, 0.0) / self._share
        return min(max(math.ceil(seconds), 1), LONGEST_WAIT)

    def _learn(self, turn: Turn, place: str, now: float) -> None:
        if place == turn.anonymous:
            self._known.pop(turn.known, None)
        elif turn.known:
            if turn.known not in self._known and max(len(self._known), len(self._seconds)) >= MOST_KNOWN:
                self._known.clear()
                self._seconds.clear()
            # Each answer to SCIM says whether the token is valid.
            self._known[turn.known] = place, now + BELIEVED if turn.anonymous == PAGES else math.inf
