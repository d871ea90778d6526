"""The server: granian, with the application loaded before it forks workers, so that one is replaced at once."""

import gc
import importlib
import os
import signal
import sys

from granian.cli import entrypoint


def leave_signals_to_the_main_process() -> None:
    """Ctrl-C goes to every process of the terminal's group, and granian's main process then stops its workers.

    A worker that hears of it twice hangs more often than not, so it gets a group of its own; and one that is only just
    starting would swallow the one signal it gets, with the handler it was forked with.
    """
    os.setpgrp()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


if __name__ == "__main__":
    importlib.import_module(sys.argv[-1].partition(":")[0])
    # All that is there by now stays: the workers share it, and need not look through it for garbage.
    gc.collect()
    gc.freeze()
    os.register_at_fork(after_in_child=leave_signals_to_the_main_process)
    entrypoint()
