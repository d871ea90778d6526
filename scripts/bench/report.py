"""What a run found: a result for each operation, a table to read, JSON to keep."""

import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from importlib.metadata import version
from typing import Any

from scripts import serve
from scripts.bench.measuring import Result
from scripts.bench.operations import Limits, Measure

PACKAGES = ("django", "djangorestframework", "gunicorn", "httptools", "psycopg", "orjson")

HEAD = (
    "operation", "users", "ours/s", "other/s", "ours p50 ms", "other p50 ms", "ratio", "CPU ratio", "floor; goal",
    "rating",
)  # fmt: skip


class Rating(StrEnum):
    """Where a figure lies."""

    GOAL = "goal met"
    FLOOR = "floor met"
    BELOW = "below floor"
    NO_LIMIT = "-"
    NOT_OFFERED = "not offered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Counted:
    """How many database statements a request cost."""

    name: str
    statements: int
    floor: int
    goal: int

    @property
    def rating(self) -> Rating:
        if self.statements <= self.goal:
            return Rating.GOAL
        return Rating.FLOOR if self.statements <= self.floor else Rating.BELOW


@dataclass(frozen=True, slots=True)
class Failed:
    """An operation that could not be measured at this size, and why: the wrong answer, or what broke."""

    name: str
    users: int
    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """All that one run found, database by database; ``not_offered`` names operations that the server does not have."""

    machine: dict[str, Any]
    options: dict[str, Any]
    results: Sequence[Result]
    counted: Sequence[Counted]
    not_offered: Sequence[tuple[str, int]]
    failed: Sequence[Failed] = ()

    @property
    def is_below_a_floor(self) -> bool:
        return Rating.BELOW in {*map(rating, self.results), *(count.rating for count in self.counted)}

    def as_json(self) -> dict[str, Any]:
        return {
            "machine": self.machine,
            "options": self.options,
            "results": [result.as_json() | {"rating": rating(result)} for result in self.results]
            + [{"operation": name, "users": n, "rating": Rating.NOT_OFFERED} for name, n in self.not_offered]
            + [
                {"operation": each.name, "users": each.users, "rating": Rating.FAILED, "reason": each.reason}
                for each in self.failed
            ],
            "statements": [asdict(count) | {"rating": count.rating} for count in self.counted],
        }

    def as_text(self) -> str:
        facts = self.machine
        rows = [_row(result) for result in self.results]
        rows += [_unmeasured(name, n, Rating.NOT_OFFERED) for name, n in self.not_offered]
        rows += [_unmeasured(each.name, each.users, Rating.FAILED) for each in self.failed]
        counts = [
            [count.name, str(count.statements), f"≤ {count.floor}", f"≤ {count.goal}", count.rating]
            for count in self.counted
        ]
        reasons = [f"{each.name} at {each.users:,} users failed: {each.reason}\n" for each in self.failed]
        return (
            f"{facts['database']}, Python {facts['python']}, {facts['cores']} cores, commit {facts['commit']}\n\n"
            f"{table(HEAD, rows)}\n\n"
            f"{''.join([*reasons, chr(10)]) if reasons else ''}"
            f"{table(['database statements', '', 'floor', 'goal', 'rating'], counts)}"
        )


def rating(result: Result) -> Rating:
    """Where a ratio lies, to the two digits that are shown."""
    floor, goal = result.operation.floor, result.operation.goal
    if floor is None or goal is None:
        return Rating.NO_LIMIT
    if _keeps(result, goal):
        return Rating.GOAL
    return Rating.FLOOR if _keeps(result, floor) else Rating.BELOW


def _keeps(result: Result, limits: Limits) -> bool:
    ratio = round(result.ratio, 2)
    enough = ratio >= limits.ratio if result.operation.measure is Measure.RATE else ratio <= limits.ratio
    return enough and (limits.cpu is None or result.cpu is None or round(result.cpu, 2) <= limits.cpu)


def _row(result: Result) -> list[str]:
    ours, other, operation = result.ours, result.other, result.operation
    return [
        operation.name,
        f"{result.users:,}",
        f"{ours.rate:,.0f}",
        f"{other.rate:,.0f}",
        f"{ours.p50_ms:.2f}",
        f"{other.p50_ms:.2f}",
        f"{result.ratio:.2f}",
        "" if result.cpu is None else f"{result.cpu:.2f}",
        "; ".join(in_words(each, operation.measure) for each in (operation.floor, operation.goal) if each),
        rating(result),
    ]


def _unmeasured(name: str, users: int, why: Rating) -> list[str]:
    return [name, f"{users:,}", *[""] * (len(HEAD) - 3), why]


def in_words(limits: Limits, measure: Measure) -> str:
    sign = "≥" if measure is Measure.RATE else "≤"
    cpu = "" if limits.cpu is None else f", CPU ≤ {limits.cpu:.2f}"
    return f"{sign} {limits.ratio:.2f}{cpu}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as they need to be: words to the left, figures to the right."""
    columns = [[row[place] for row in rows] for place in range(len(head))]
    layout = [
        (str.rjust if any(cell[:1].isdigit() for cell in column) else str.ljust, max(map(len, [title, *column])))
        for title, column in zip(head, columns, strict=True)
    ]
    return "\n".join(
        "  ".join(justify(cell, width) for cell, (justify, width) in zip(row, layout, strict=True)).rstrip()
        for row in (head, *rows)
    )


def machine() -> dict[str, Any]:
    """What figures depend on: the machine, the versions, the commit, and how busy it was before."""
    return {
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
        "commit": _commit(),
    }


def _commit() -> str:
    """The commit's name, with a plus where files have changed since; unknown outside a repository."""
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty=+"], cwd=serve.ROOT, capture_output=True, text=True
    )
    return described.stdout.strip() or "unknown"
