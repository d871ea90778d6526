"""The server: gunicorn's arbiter with our workers; the application is loaded before the fork."""

import argparse
import gc
import importlib
import logging
import resource
import signal
import socket
import sys
import time
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.errors import HaltServer
from gunicorn.glogging import Logger

from scripts.worker import BufferingWorker, Limits

# A worker that lived shorter died young. The next one then waits, twice as long each time, up to LONGEST_WAIT.
YOUNG = 2.0
FIRST_WAIT, LONGEST_WAIT = 0.5, 10.0

STOPS = {signal.SIGINT, signal.SIGTERM, signal.SIGQUIT}
FILES = 4096
DEFAULTS = Limits()


class Lasting(Arbiter):
    """An arbiter that no number of dead workers ends."""

    young = 0
    not_before = 0.0
    stops = False

    def spawn_worker(self) -> None:
        # A worker that is told to stop while it is only just starting would miss that.
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
        try:
            super().spawn_worker()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)

    def manage_workers(self) -> None:
        if time.monotonic() < self.not_before:
            return
        try:
            super().manage_workers()
        except OSError as error:  # no memory, or no more processes
            self._wait(f"A worker could not be started: {error}.")

    def reap_workers(self) -> None:
        before = dict(self.WORKERS)
        try:
            super().reap_workers()
        except HaltServer as halt:
            # It is raised for a worker that could not begin. The application is loaded, so the next one may.
            self.log.error("%s", halt.reason)
        for pid in before.keys() - self.WORKERS.keys():
            before[pid].tmp.close()
            lived = time.monotonic() - before[pid].born
            if lived >= YOUNG:
                self.young = 0
            elif not self.stops:
                self._wait(f"Worker {pid} died {lived:.1f} seconds after its start.")

    def stop(self, graceful: bool = True) -> None:
        self.stops = True
        super().stop(graceful)

    def handle_int(self) -> None:
        """Stop on Ctrl-C as on SIGTERM: what runs is finished."""
        self.handle_term()

    def _wait(self, why: str) -> None:
        # No power of two beyond the longest wait: after a thousand deaths it would be no number any more.
        seconds = min(FIRST_WAIT * 2 ** min(self.young, 10), LONGEST_WAIT)
        self.young += 1
        self.not_before = time.monotonic() + seconds
        self.log.warning("%s The next one starts in %.1f seconds.", why, seconds)


class Log(Logger):
    """Writes where the application does, in its way."""

    def setup(self, cfg: Any) -> None:
        self.cfg = cfg
        self.error_log.propagate = self.access_log.propagate = True
        self.error_log.setLevel(logging.WARNING)


class Application(BaseApplication):
    """gunicorn's view of one WSGI application on one socket."""

    def __init__(self, application: Any, listener: socket.socket, workers: int, limits: Limits) -> None:
        BufferingWorker.limits = limits
        self.application = application
        self.settings = {
            "bind": [f"fd://{listener.detach()}"],
            "workers": workers,
            # Each thread keeps a database connection of its own.
            "threads": 2,
            "worker_class": BufferingWorker,
            # Whoever will not stop must not hold up a deployment.
            "graceful_timeout": 10,
            "preload_app": True,
            "logger_class": Log,
            "proc_name": "saasmanager",
            "control_socket_disable": True,
        }
        super().__init__()

    def load_config(self) -> None:
        for name, value in self.settings.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        return self.application


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m scripts.server")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument(
        "--listener", type=int, metavar="FD", help="a socket that listens already, instead of host and port"
    )
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--request-timeout", type=float, default=DEFAULTS.request)
    parser.add_argument("--keep-alive-timeout", type=float, default=DEFAULTS.idle)
    parser.add_argument(
        "--no-shares", dest="shares", action="store_false", help="serve who comes first; to measure what shares are for"
    )
    parser.add_argument("application", metavar="MODULE:NAME")
    options = parser.parse_args()
    limits = Limits(
        request=options.request_timeout,
        stall=options.request_timeout,
        drain=options.request_timeout,
        idle=options.keep_alive_timeout,
        shares=options.shares,
    )
    given = options.listener
    listener = listen(options.host, options.port) if given is None else socket.socket(fileno=given)
    allow_files(FILES)
    module, _, name = options.application.partition(":")
    application = getattr(importlib.import_module(module), name)
    server = Application(application, listener, options.workers, limits)
    # All that is there by now stays: the workers share it, and need not look through it for garbage.
    gc.collect()
    gc.freeze()
    Lasting(server).run()


def listen(host: str, port: int) -> socket.socket:
    """The socket that all workers accept from; ends the program if there can be none."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.socket(found[0], socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(found[4])
        listener.listen(2048)
    except OSError as error:
        sys.exit(
            f"SaaS Manager cannot start: it cannot listen on port {port} of {host} ({error.strerror}). "
            "Stop what uses it, or set PORT or HOST."
        )
    return listener


def allow_files(wanted: int) -> None:
    """Each client is an open file, of which many systems allow 1,024 unless asked."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


if __name__ == "__main__":
    main()
