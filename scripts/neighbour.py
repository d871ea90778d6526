"""Measure how long one organization waits beside a costly one, with or without fair shares.

A real server on a throw-away PostgreSQL; a table and, as the last line, JSON.
"""

import argparse
import http.client
import json
import os
import signal
import statistics
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from http import HTTPStatus
from urllib.parse import quote

from scripts import postgres, serve
from scripts.bench import calls
from scripts.bench.calls import Target
from scripts.bench.client import Connection
from scripts.bench.servers import ServerError, environment_of, running

PEOPLE = 20_000
NEIGHBOURS = 200
CLIENTS = 8
# What a costly filter takes by itself, in seconds, and how many terms it may have.
COSTLY = 0.9
MOST_TERMS = 100
# What the neighbour asks a second.
RATE = 50
# Seconds until the costly requests are under way, and how often they come and go.
RAMP = 2.5
ROUNDS = 2
MOST_P99 = 2.0


@dataclass(frozen=True, slots=True)
class Waits:
    """How long the neighbour waited, in milliseconds, for how many answers."""

    p50: float
    p99: float
    answers: int

    @classmethod
    def of(cls, waits: Sequence[float]) -> "Waits":
        """Take the percentiles of some waits."""
        cuts = statistics.quantiles(waits, n=100) if len(waits) > 1 else [waits[0]] * 99
        return cls(round(cuts[49], 2), round(cuts[98], 2), len(waits))


@dataclass(frozen=True, slots=True)
class Costly:
    """What the other organization asks for again and again, and how it shows who it is."""

    title: str
    path: str
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Measured:
    """The neighbour alone and beside the others, and what those were answered, by status."""

    what: str
    shares: bool
    alone: Waits
    beside: Waits
    others: dict[str, int]

    @property
    def ratio(self) -> float:
        """How many times as long the neighbour's p99 is beside the others."""
        return self.beside.p99 / self.alone.p99


def main(arguments: Sequence[str]) -> int:
    """Measure, print, and return 1 where the neighbour's p99 is more than twice its own alone."""
    parser = argparse.ArgumentParser(prog="python -m scripts.neighbour", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each measurement (10)")
    options = parser.parse_args(arguments)
    port = postgres.free_port()
    with postgres.throw_away() as url:
        os.environ.update(environment_of(port, url))
        costly, session, neighbour = _fill()
        # Names are searched for in their middle, and nobody's is found: every row is looked at.
        search = Costly("page searches", "/settings/users/?q=nobody", {"Cookie": f"sessionid={session}"})
        found = [
            _measure(port, each, neighbour, shares, options.seconds)
            for each in (_calibrated(port, costly), search)
            for shares in (False, True)
        ]
    _print(found)
    print(json.dumps([asdict(each) for each in found]))
    return 0 if all(each.ratio <= MOST_P99 for each in found if each.shares) else 1


def _fill() -> tuple[Target, str, Target]:
    import django
    from django.core.management import call_command
    from django.db import connection
    from django.test import Client

    django.setup()
    from scripts.bench.seeding import add_people
    from users.models import Role, User

    for command, *options in serve.PREPARATIONS:
        call_command(command, *options, verbosity=0)
    targets = []
    for slug, users in (("costly", PEOPLE), ("neighbour", NEIGHBOURS)):
        _report_line(f"Filling {slug} with {users:,} users ...")
        token, known = add_people(users, slug, [f"{slug}.example"])
        targets.append(Target(f"/scim/{slug}/v2", token, users, known))
    role = Role.objects.get(organization__slug="costly", key="admin")
    somebody = User.objects.filter(organization=role.organization_id, is_active=True).earliest("pk")
    User.objects.filter(pk=somebody.pk).update(role=role)
    browser = Client()
    browser.force_login(somebody)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    connection.close()
    return targets[0], browser.cookies["sessionid"].value, targets[1]


def _condition(terms: int) -> str:
    return " or ".join(f'{("title", "emails.value")[term % 2]} co "nobody{term}"' for term in range(terms))


def _filtered(target: Target, terms: int) -> Costly:
    path = f"{target.base_path}/Users?filter={quote(_condition(terms))}"
    return Costly(f"filters of {COSTLY} s", path, {"Authorization": f"Bearer {target.token}"})


def _calibrated(port: int, target: Target) -> Costly:
    """A filter that takes about COSTLY seconds when nothing else is asked."""
    with running(_command(port, shares=True), port, {}):
        client = _Client(port, _filtered(target, 20))
        client.ask()
        took = min(_timed(client.ask) for _ in range(3))
    terms = min(max(round(20 * COSTLY / took), 1), MOST_TERMS)
    _report_line(f"A filter of 20 terms takes {took:.2f} s; asking for {terms}.")
    return _filtered(target, terms)


def _measure(port: int, costly: Costly, neighbour: Target, shares: bool, seconds: float) -> Measured:
    _report_line(f"Measuring beside {costly.title} {'with' if shares else 'without'} fair shares ...")
    with running(_command(port, shares=shares), port, {}):
        clients = [Connection(port, neighbour) for _ in range(2)]
        _waits(clients, neighbour, 2.0)
        alone: list[float] = []
        beside: list[float] = []
        others: Counter[int] = Counter()
        # By turns, so that what else the machine does goes to both.
        for _ in range(ROUNDS):
            alone += _waits(clients, neighbour, seconds / ROUNDS)
            with _others(port, costly) as answers:
                _waits(clients, neighbour, RAMP)  # as a neighbour that was there before
                answers.clear()
                beside += _waits(clients, neighbour, seconds / ROUNDS)
                others.update(answers)
        for client in clients:
            client.close()
    if not others[HTTPStatus.OK]:
        raise ServerError(f"None of the {costly.title} was answered 200.")
    answered = {str(status): number for status, number in sorted(others.items())}
    return Measured(costly.title, shares, Waits.of(alone), Waits.of(beside), answered)


def _command(port: int, *, shares: bool) -> list[str]:
    return serve.server(host="127.0.0.1", port=port, workers=2, options=[] if shares else ["--no-shares"])


def _waits(clients: Sequence[Connection], target: Target, seconds: float) -> list[float]:
    """Ask RATE times a second, or as soon as there is an answer, by one connection after the other."""
    feed = calls.read(target)
    waits: list[float] = []
    due = started = time.perf_counter()
    while due < started + seconds:
        time.sleep(max(0.0, due - time.perf_counter()))
        asked = time.perf_counter()
        clients[len(waits) % len(clients)].ask(next(feed))
        now = time.perf_counter()
        waits.append((now - asked) * 1000)
        due = max(due + 1 / RATE, now)
    return waits


class _Client:
    """Asks for the same again and again, whatever it is told."""

    def __init__(self, port: int, costly: Costly) -> None:
        self._client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._costly = costly

    def ask(self) -> int:
        self._client.request("GET", self._costly.path, headers=self._costly.headers)
        answer = self._client.getresponse()
        answer.read()
        return answer.status


@contextmanager
def _others(port: int, costly: Costly) -> Iterator[Counter[int]]:
    answers: Counter[int] = Counter()
    stop = threading.Event()

    def ask_on() -> None:
        client = _Client(port, costly)
        while not stop.is_set():
            answers[client.ask()] += 1

    threads = [threading.Thread(target=ask_on) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        yield answers
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _timed(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def _print(found: Sequence[Measured]) -> None:
    print(f"A neighbour that reads one user at a time, beside {CLIENTS} connections of another organization")
    print(f"{'':34}{'p50 ms':>10}{'p99 ms':>10}{'answers':>10}  the others")
    for each in found:
        print(f"{each.what}, {'fair shares' if each.shares else 'first come, first served'}")
        for title, waits, others in (("  alone", each.alone, {}), ("  beside them", each.beside, each.others)):
            answered = ", ".join(f"{number} × {status}" for status, number in others.items())
            print(f"{title:34}{waits.p50:>10.2f}{waits.p99:>10.2f}{waits.answers:>10}  {answered}")
        print(f"{'  times as long':34}{each.beside.p50 / each.alone.p50:>10.2f}{each.ratio:>10.2f}")


def _report_line(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    # Being asked to stop is no reason to leave servers behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    try:
        sys.exit(main(sys.argv[1:]))
    except (postgres.PostgresqlError, ServerError) as problem:
        sys.exit(str(problem))
