"""Rounds that alternate between two servers, so that a slow spell of the machine hits both."""

import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from scripts.bench.client import Feed, Load, drive
from scripts.bench.operations import Against, Measure, Operation
from scripts.bench.servers import Server

# Ours writes its request log every half second, behind the answers. What it still has to write after a round is part of
# that round's CPU time, and must not slow the next one.
SETTLING = 0.6  # seconds


@dataclass(frozen=True, slots=True)
class Side:
    """Medians over the rounds: answers a second, p50 in milliseconds, CPU microseconds an answer."""

    rate: float
    p50_ms: float
    cpu_us: float


@dataclass(frozen=True, slots=True)
class Result:
    """One operation, measured. Ratios are ours over the other; ``ratio`` and ``cpu`` are medians of the rounds'."""

    operation: Operation
    users: int
    ours: Side
    other: Side
    ratio: float
    cpu: float | None
    ratios: list[float] = field(default_factory=list)
    cpus: list[float] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        operation = self.operation
        return {
            "operation": operation.name,
            "users": self.users,
            "against": operation.against,
            "measure": operation.measure,
            "ours": asdict(self.ours),
            "other": asdict(self.other),
            "ratio": self.ratio,
            "cpu_ratio": self.cpu,
            "ratios": self.ratios,
            "cpu_ratios": self.cpus,
            "floor": operation.floor and asdict(operation.floor),
            "goal": operation.goal and asdict(operation.goal),
        }


@dataclass(frozen=True, slots=True)
class _Round:
    load: Load
    cpu: float


def measure(
    operation: Operation, ours: Server, bare: Server, *, rounds: int, seconds: float, settling: float = SETTLING
) -> Result:
    """Measure one operation in so many rounds, each so many seconds a side. Raises WrongAnswerError."""
    other = bare if operation.against is Against.BARE else ours
    sides = ((ours, Feed(operation.ours(ours.target))), (other, Feed(operation.other(other.target))))
    for server, feed in sides:
        with server.connected() as connections:
            drive(connections, feed, seconds=float("inf"), most=operation.warm_up)
    time.sleep(settling)
    pairs: list[tuple[_Round, _Round]] = []
    for number in range(rounds):
        # Who goes first changes, so that a machine that slows down or speeds up favours nobody.
        order = (0, 1) if number % 2 else (1, 0)
        done = {side: _round(*sides[side], seconds, settling) for side in order}
        pairs.append((done[0], done[1]))
    return _result(operation, ours.target.users, pairs)


def _round(server: Server, feed: Feed, seconds: float, settling: float) -> _Round:
    with server.connected() as connections:
        before = server.cpu()
        load = drive(connections, feed, seconds=seconds)
        if server.keeps_a_log:
            time.sleep(settling)
        return _Round(load, (server.cpu() - before) / load.answers)


def _result(operation: Operation, users: int, pairs: Sequence[tuple[_Round, _Round]]) -> Result:
    if operation.measure is Measure.RATE:
        ratios = [ours.load.rate / other.load.rate for ours, other in pairs]
    else:
        ratios = [ours.load.p50 / other.load.p50 for ours, other in pairs]
    # Over a moment too short for the clock of CPU times there is no ratio.
    cpus = [ours.cpu / other.cpu for ours, other in pairs if other.cpu]
    ours, other = zip(*pairs, strict=True)
    cpu = statistics.median(cpus) if cpus else None
    return Result(operation, users, _side(ours), _side(other), statistics.median(ratios), cpu, ratios, cpus)


def _side(rounds: Sequence[_Round]) -> Side:
    return Side(
        rate=statistics.median(each.load.rate for each in rounds),
        p50_ms=statistics.median(each.load.p50 for each in rounds) * 1e3,
        cpu_us=statistics.median(each.cpu for each in rounds) * 1e6,
    )
