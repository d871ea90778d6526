"""What a run found: a verdict for each operation, a table to read, JSON to keep."""

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

PACKAGES = ("django", "djangorestframework", "granian", "psycopg", "orjson")


class Verdict(StrEnum):
    """Where a figure lies."""

    GOAL = "goal met"
    FLOOR = "floor met"
    BELOW = "below floor"
    NO_LIMIT = "-"
    NOT_OFFERED = "not offered"


@dataclass(frozen=True, slots=True)
class Counted:
    """How many database statements a request cost."""

    name: str
    statements: int
    floor: int
    goal: int

    @property
    def verdict(self) -> Verdict:
        if self.statements <= self.goal:
            return Verdict.GOAL
        return Verdict.FLOOR if self.statements <= self.floor else Verdict.BELOW


@dataclass(frozen=True, slots=True)
class Report:
    """All that one run found, database by database; ``not_offered`` names operations that the server does not have."""

    machine: dict[str, Any]
    options: dict[str, Any]
    results: Sequence[Result]
    counted: Sequence[Counted]
    not_offered: Sequence[tuple[str, int]]

    @property
    def is_below_a_floor(self) -> bool:
        return Verdict.BELOW in {*map(verdict, self.results), *(count.verdict for count in self.counted)}

    def as_json(self) -> dict[str, Any]:
        return {
            "machine": self.machine,
            "options": self.options,
            "results": [result.as_json() | {"verdict": verdict(result)} for result in self.results]
            + [{"operation": name, "users": n, "verdict": Verdict.NOT_OFFERED} for name, n in self.not_offered],
            "statements": [asdict(count) | {"verdict": count.verdict} for count in self.counted],
        }

    def as_text(self) -> str:
        machine = self.machine
        head = (
            f"{machine['database']}, Python {machine['python']}, {machine['cores']} cores, commit {machine['commit']}"
        )
        ratios = [_row(result) for result in self.results]
        ratios += [[name, f"{n:,}", *[""] * 7, Verdict.NOT_OFFERED] for name, n in self.not_offered]
        counts = [
            [count.name, str(count.statements), f"<= {count.floor}", f"<= {count.goal}", count.verdict]
            for count in self.counted
        ]
        return "\n\n".join(
            [
                head,
                table(
                    [
                        "operation",
                        "users",
                        "ours/s",
                        "other/s",
                        "p50 ms",
                        "other",
                        "ratio",
                        "CPU",
                        "floor; goal",
                        "verdict",
                    ],
                    ratios,
                ),
                table(["statements", "", "floor", "goal", "verdict"], counts),
            ]
        )


def verdict(result: Result) -> Verdict:
    """Where a ratio lies, to the two digits that are shown."""
    floor, goal = result.operation.floor, result.operation.goal
    if floor is None or goal is None:
        return Verdict.NO_LIMIT
    if _keeps(result, goal):
        return Verdict.GOAL
    return Verdict.FLOOR if _keeps(result, floor) else Verdict.BELOW


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
        "; ".join(_limits(each, operation.measure) for each in (operation.floor, operation.goal) if each),
        verdict(result),
    ]


def _limits(limits: Limits, measure: Measure) -> str:
    sign = ">=" if measure is Measure.RATE else "<="
    cpu = "" if limits.cpu is None else f" CPU <= {limits.cpu:.2f}"
    return f"{sign} {limits.ratio:.2f}{cpu}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as they need to be: words to the left, figures to the right."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = []
    for row in (head, *rows):
        cells = [
            cell.rjust(width) if any(each[:1].isdigit() for each in column) else cell.ljust(width)
            for cell, width, column in zip(row, widths, zip(*rows, strict=True), strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def machine(database: str) -> dict[str, Any]:
    """What figures depend on: the machine, the versions, the commit, and how busy it was when the run began."""
    return {
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
        "database": database,
        "packages": {name: version(name) for name in PACKAGES},
        "commit": _commit(),
    }


def _commit() -> str:
    """The commit's name, with a plus where files have changed since; unknown outside a repository."""
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty=+"], cwd=serve.ROOT, capture_output=True, text=True
    )
    return described.stdout.strip() or "unknown"
