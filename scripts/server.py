"""The server: granian, with the application loaded before it forks workers, so that one is replaced at once.

Ctrl-C goes to every process of the terminal's group, and granian's main process then stops its workers. A worker that
hears of it twice hangs more often than not, so each has a group of its own. And one that is told to stop while it is
only just starting would miss that, so no signal reaches it before it waits for one.
"""

import gc
import importlib
import os
import signal
import sys
from types import FrameType

from granian.cli import entrypoint

STOPS = {signal.SIGINT, signal.SIGTERM}
LOOKS_EVERY = 0.1  # seconds


def hold_signals() -> None:
    """Let what arrives while a worker is forked wait."""
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)


def take_signals() -> None:
    """Go on in the main process: what arrived meanwhile is heard of now."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)


def leave_signals_to_the_main_process() -> None:
    """Begin as a worker: forget a Ctrl-C that came before, and let the main process's word wait."""
    os.setpgrp()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, _listen_once_it_waits)
    signal.setitimer(signal.ITIMER_REAL, LOOKS_EVERY, LOOKS_EVERY)


def _listen_once_it_waits(_number: int, frame: FrameType | None) -> None:
    # A worker's main thread does nothing else than wait, once the others serve.
    if frame is not None and frame.f_globals["__name__"] == "threading":
        signal.setitimer(signal.ITIMER_REAL, 0)
        take_signals()


if __name__ == "__main__":
    importlib.import_module(sys.argv[-1].partition(":")[0])
    # All that is there by now stays: the workers share it, and need not look through it for garbage.
    gc.collect()
    gc.freeze()
    os.register_at_fork(
        before=hold_signals, after_in_parent=take_signals, after_in_child=leave_signals_to_the_main_process
    )
    entrypoint()
