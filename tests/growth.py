"""Measure how the time of a function grows with its input: at most in proportion, whatever a client sends."""

import time
from collections.abc import Callable
from typing import TypeVar

Input = TypeVar("Input")

# Twice the input may cost so many times as much: 2 for the input itself, the rest for caches and the clock.
MOST = 2.6
ROUNDS = 5
TRIES = 12
# Seconds until the next try, in which other work on the machine may come to its end.
PAUSE = 0.5
# A run that is over sooner is measured several times in one go, since the clock's own step would be most of it.
SHORTEST_NS = 1_000_000


def growth(run: Callable[[Input], object], worst: Callable[[int], Input], size: int) -> tuple[float, float]:
    """Return how many times as long `run` takes on `worst(2 * size)` and `worst(4 * size)` as on half of that.

    CPU time of this thread, the least of several alternating rounds, so that other work on the machine counts little.
    """
    inputs = [worst(size), worst(2 * size), worst(4 * size)]
    run(inputs[0])
    repeats = 1 + SHORTEST_NS // max(1, _time(run, inputs[0], 1))
    best = [
        min(times)
        for times in zip(*([_time(run, each, repeats) for each in inputs] for _ in range(ROUNDS)), strict=True)
    ]
    return best[1] / best[0], best[2] / best[1]


def assert_linear(run: Callable[[Input], object], worst: Callable[[int], Input], size: int) -> None:
    """Fail where `run` grows by more than MOST at any doubling; measure again before that, for machines are busy."""
    ratios = (0.0, 0.0)
    for _ in range(TRIES):
        ratios = growth(run, worst, size)
        if max(ratios) <= MOST:
            return
        time.sleep(PAUSE)
    raise AssertionError(
        f"Doubled twice from {size}, the input cost {ratios[0]:.2f} and {ratios[1]:.2f} times as much."
    )


def _time(run: Callable[[Input], object], sent: Input, repeats: int) -> int:
    started = time.thread_time_ns()
    for _ in range(repeats):
        run(sent)
    return time.thread_time_ns() - started
