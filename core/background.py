"""Background threads of a process, which survive a fork: the child starts its own. Knows no Django."""

import os
import threading
from collections.abc import Callable
from multiprocessing.util import Finalize


def _always() -> bool:
    return True


def _nothing() -> None:
    pass


class BackgroundThread:
    """One daemon thread that runs ``work``, which calls ``sleep`` between its rounds and returns once that says False.

    ``wanted`` returns whether the thread may run at all. ``on_fork`` clears, in a forked process, what belongs to the
    parent. A thread that ``finishes`` is stopped before the process exits, and so gets to do its last round. Create
    one only as a module is loaded: it is registered with the interpreter for good.
    """

    # The one that runs, or ran last; None before the first and after ``stop``.
    thread: threading.Thread | None
    _starting: threading.Lock
    _awake: threading.Event
    _is_stopping: bool

    def __init__(
        self,
        name: str,
        work: Callable[[], None],
        *,
        wanted: Callable[[], bool] = _always,
        on_fork: Callable[[], None] = _nothing,
        finishes: bool = False,
        patience: float = 5.0,
    ) -> None:
        """``patience``: how many seconds ``stop`` waits for the thread to end."""
        self._name, self._work, self._wanted, self._on_fork = name, work, wanted, on_fork
        self._finishes, self._patience = finishes, patience
        # Whether the thread belongs to a server: then it runs in the processes that this one forks, and not in it.
        self.moves_to_children = False
        self._begin()
        os.register_at_fork(before=self._before_fork, after_in_child=self._after_fork)

    def start(self) -> None:
        """Run the thread if it may run and does not run yet."""
        if not self._wanted():
            return
        with self._starting:
            if self.thread is None or not self.thread.is_alive():
                if self._finishes:
                    # Not atexit: a server's worker is a forked process, and those leave without it on Python 3.11.
                    Finalize(None, self.stop, exitpriority=0)
                self.thread = threading.Thread(target=self._work, name=self._name, daemon=True)
                self.thread.start()

    def wake(self) -> None:
        """End the sleep of the thread, or its next one."""
        self._awake.set()

    def is_woken(self) -> bool:
        """Return whether someone has called ``wake`` since the thread last woke, and forget it."""
        woken = self._awake.is_set()
        self._awake.clear()
        return woken

    def sleep(self, seconds: float) -> bool:
        """Wait in the thread so long, or until it is woken; return whether it is to go on."""
        if not self._may_go_on():
            return False
        self._awake.wait(seconds)
        if not self._may_go_on():
            return False
        self._awake.clear()
        return True

    def stop(self) -> None:
        """End the thread, and wait for that; ``start`` runs another one."""
        with self._starting:
            if self.thread is not None:
                self._is_stopping = True
                self._awake.set()
                self.thread.join(self._patience)
                self.thread, self._is_stopping = None, False

    def _may_go_on(self) -> bool:
        # One that outlived ``stop`` ends at its next sleep: its successor may have taken the call that woke it.
        return not self._is_stopping and self.thread is threading.current_thread() and self._wanted()

    def _begin(self) -> None:
        self.thread, self._is_stopping = None, False
        self._starting, self._awake = threading.Lock(), threading.Event()

    def _before_fork(self) -> None:
        if self.moves_to_children:
            self.stop()

    def _after_fork(self) -> None:
        self._begin()
        self._on_fork()
        if self.moves_to_children:
            self.start()
