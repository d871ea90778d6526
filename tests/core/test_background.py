"""Threads that work behind the answers: woken, stopped, and started anew where a process forks."""

import os
import threading
import time
from typing import Any

import pytest

from core.background import BackgroundThread

pytestmark = pytest.mark.once

LONG = 60.0


class Worker:
    """Counts its rounds, and says when it has done the last one."""

    def __init__(self, **options: Any) -> None:
        self.rounds = 0
        self.is_busy, self.may_go_on, self.has_ended = threading.Event(), threading.Event(), threading.Event()
        self.may_go_on.set()
        self.thread = BackgroundThread("worker", self._work, wanted=lambda: self.is_wanted, **options)
        self.is_wanted = True

    def _work(self) -> None:
        while self.thread.sleep(LONG):
            self.rounds += 1
            self.is_busy.set()
            self.may_go_on.wait(LONG)
        self.has_ended.set()


def test_a_thread_that_is_woken_works_once() -> None:
    worker = Worker()
    worker.thread.start()
    worker.thread.wake()
    assert worker.is_busy.wait(LONG)
    time.sleep(0.1)
    assert worker.rounds == 1
    worker.thread.stop()


def test_it_is_started_once() -> None:
    worker = Worker()
    worker.thread.start()
    first = worker.thread.thread
    worker.thread.start()
    assert worker.thread.thread is first
    worker.thread.stop()


def test_stopping_waits_for_the_end_and_another_one_can_be_started() -> None:
    worker = Worker()
    worker.thread.start()
    worker.thread.stop()
    assert worker.has_ended.is_set() and worker.thread.thread is None
    worker.thread.start()
    assert worker.thread.thread and worker.thread.thread.is_alive()
    worker.thread.stop()


def test_one_that_was_too_slow_to_stop_ends_later_and_alone() -> None:
    worker = Worker(patience=0.05)
    worker.may_go_on.clear()
    worker.thread.start()
    slow = worker.thread.thread
    worker.thread.wake()
    assert slow and worker.is_busy.wait(LONG)
    worker.is_busy.clear()
    worker.thread.stop()
    assert slow.is_alive()
    worker.thread.start()
    assert worker.is_busy.wait(LONG), "the next one takes the call that was to end the first"
    worker.may_go_on.set()
    slow.join(LONG / 2)
    assert not slow.is_alive()
    assert worker.thread.thread and worker.thread.thread.is_alive()
    worker.thread.stop()


def test_one_that_is_not_wanted_does_not_start_and_ends() -> None:
    worker = Worker()
    worker.is_wanted = False
    worker.thread.start()
    assert worker.thread.thread is None
    worker.is_wanted = True
    worker.thread.start()
    worker.is_wanted = False
    worker.thread.wake()
    assert worker.has_ended.wait(LONG)
    assert worker.thread.is_woken(), "nobody has taken the call"
    assert not worker.thread.is_woken()


@pytest.mark.parametrize("moves", [False, True])
def test_a_forked_process_starts_its_own(moves: bool) -> None:
    cleared: list[bool] = []
    worker = Worker(on_fork=lambda: cleared.append(True))
    worker.thread.moves_to_children = moves
    worker.thread.start()
    if (child := os.fork()) == 0:
        runs = worker.thread.thread is not None and worker.thread.thread.is_alive()
        os._exit(0 if runs is moves and cleared else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert not cleared
    assert (worker.thread.thread is None) is moves, "a server that forks serves by its children"
    worker.thread.stop()
