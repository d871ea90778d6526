"""The operations of the bench: what each is measured against, its floor and its goal."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from scripts.bench import calls
from scripts.bench.calls import Calls, Target


class Against(StrEnum):
    """Whose answers an operation is held against."""

    BARE = "bare baseline"
    OURS = "ours"


class Measure(StrEnum):
    """What is compared, ours over the other. More answers a second are better, a longer wait is worse."""

    RATE = "requests a second"
    WAIT = "p50"


@dataclass(frozen=True, slots=True)
class Limits:
    """A ratio and a ratio of CPU time an answer; None where nothing is asked."""

    ratio: float
    cpu: float | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """One row of the bench: requests to ours, the requests they are compared with, the least and what is aimed at.

    ``feature`` names the part of /ServiceProviderConfig that must be offered. ``warm_up`` is how many requests each
    server answers before the first round.
    """

    name: str
    ours: Callable[[Target], Calls]
    other: Callable[[Target], Calls]
    floor: Limits | None
    goal: Limits | None
    against: Against = Against.BARE
    measure: Measure = Measure.RATE
    feature: str = ""
    warm_up: int = 40

    def on_sqlite(self) -> "Operation":
        """The same with the limits that hold there."""
        if self.against is Against.OURS:
            return self
        floor, goal = ON_SQLITE.get(self.name, (None, None))
        return replace(self, floor=floor, goal=goal)


# Reads first: what writes leave behind must not be in the lists.
OPERATIONS: Sequence[Operation] = (
    Operation("get", calls.read, calls.read, Limits(0.85, 1.20), Limits(0.93, 1.10), warm_up=500),
    Operation("userName-eq", calls.find_by_name, calls.find_by_name, Limits(0.65), Limits(0.80), warm_up=500),
    Operation("list-100", calls.first_page, calls.first_page, Limits(0.80, 1.20), Limits(0.90, 1.10)),
    Operation("list-100-attributes", calls.first_page_of_some_attributes, calls.first_page, Limits(0.40), Limits(0.60)),
    Operation("email-eq", calls.find_by_email, calls.find_by_email, None, None, warm_up=500),
    Operation(
        "email-eq/userName-eq", calls.find_by_email, calls.find_by_name, Limits(1.4), Limits(1.2),
        Against.OURS, Measure.WAIT, warm_up=500,
    ),
    Operation("cursor-at-90%", calls.late_page_by_cursor, calls.late_page_by_cursor, None, None),
    Operation(
        "cursor-at-90%/first", calls.late_page_by_cursor, calls.first_page_by_cursor, Limits(1.3), Limits(1.1),
        Against.OURS, Measure.WAIT,
    ),
    Operation("PATCH-active", calls.suspend_or_restore, calls.suspend_or_restore, Limits(0.40), Limits(0.55)),
    Operation("POST", calls.create, calls.create, Limits(0.50), Limits(0.65)),
    Operation(
        "Bulk-of-100", calls.create_many, calls.create_many, Limits(0.35), Limits(0.50), feature="bulk", warm_up=4,
    ),
)  # fmt: skip
# Where there is no way to the database and back to hide behind, a request's own work weighs more.
ON_SQLITE: Mapping[str, tuple[Limits, Limits]] = {name: (Limits(0.60), Limits(0.75)) for name in ("get", "list-100")}
BY_NAME: Mapping[str, Operation] = {operation.name: operation for operation in OPERATIONS}


@dataclass(frozen=True, slots=True)
class Count:
    """How many database statements a request may cost at most; transaction control and the log are not counted."""

    name: str
    calls: Callable[[Target], Calls]
    floor: int
    goal: int


COUNTS: Sequence[Count] = (
    Count("get", calls.read, 1, 1),
    Count("list-100", calls.first_page, 3, 2),
    Count("POST of plain attributes", calls.create_plain, 6, 5),
    Count("PATCH of plain attributes", calls.rename, 4, 3),
    Count("POST with e-mails", calls.create, 7, 5),
    Count("PATCH-active", calls.suspend_and_restore_one, 8, 7),
)
