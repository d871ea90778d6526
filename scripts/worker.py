"""The application as a worker of `make serve` loads it: in a process group of its own, out of the terminal's reach."""

import os
import signal

# Ctrl-C goes to every process of the terminal's group. Granian's main process then asks its workers to stop, and a
# worker that hears of it twice at once hangs more often than not. So the main process alone shall hear of it.
os.setpgrp()
# Until the application is loaded a worker would swallow the signal to stop, with the handlers it was forked with.
signal.signal(signal.SIGTERM, signal.SIG_DFL)

from saasmanager.wsgi import application  # noqa: E402

__all__ = ["application"]
