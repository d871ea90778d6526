"""The servers of a run: started alike, loaded evenly, their CPU time read from outside."""

import http.client
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psutil

from scripts import serve
from scripts.bench.calls import Target, read
from scripts.bench.client import Connection

WORKERS = CONNECTIONS = 2
START_TIMEOUT = 30
STOP_TIMEOUT = 15
OURS = "saasmanager.wsgi:application"
BARE = "scripts.bench.baseline:application"


class ServerError(Exception):
    """A server did not start, with its last words, or lost a process."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server and what clients know of it."""

    port: int
    target: Target
    processes: tuple[psutil.Process, ...]
    keeps_a_log: bool

    def cpu(self) -> float:
        """The seconds of CPU time that its processes have used. Raises ServerError."""
        try:
            times = [process.cpu_times() for process in self.processes]
        except psutil.NoSuchProcess:
            raise ServerError("One of the server's processes has ended.") from None
        return sum(each.user + each.system for each in times)

    @contextmanager
    def connected(self) -> Iterator[list[Connection]]:
        """Open connections, each answered once, that do not all lie with the same worker if that can be had."""
        connections: list[Connection] = []
        try:
            for _attempt in range(20):
                connections = [Connection(self.port, self.target) for _ in range(CONNECTIONS)]
                for connection in connections:
                    connection.ask(next(read(self.target)))
                if self._are_spread(connections):
                    break
                while connections:
                    connections.pop().close()
            yield connections
        finally:
            for connection in connections:
                connection.close()

    def _are_spread(self, connections: list[Connection]) -> bool:
        ours = {connection.port for connection in connections}
        shares = [
            len({end.raddr.port for end in process.net_connections("tcp4") if end.raddr} & ours)
            for process in self.processes
        ]
        return max(shares) <= -(-CONNECTIONS // WORKERS)


@contextmanager
def serving(application: str, port: int, target: Target, environment: Mapping[str, str]) -> Iterator[Server]:
    """Serve an application as `make serve` does; at the end it and all that it started are gone. Raises ServerError."""
    command = serve.server(host="127.0.0.1", port=port, workers=WORKERS, application=application)
    with running(command, port, environment) as process:
        root = psutil.Process(process.pid)
        yield Server(port, target, (root, *root.children(recursive=True)), application == OURS)


@contextmanager
def running(command: list[str], port: int, environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server; at the end it and all that it started are gone. Raises ServerError."""
    with tempfile.TemporaryFile(prefix="saasmanager-bench-") as log:
        # In a session of its own: Ctrl-C stops the bench first, then that stops the server.
        process = subprocess.Popen(
            command,
            cwd=serve.ROOT,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            if not _answers(process, port):
                log.seek(0)
                raise ServerError(f"{command[-1]} did not start:\n{log.read().decode(errors='replace')[-3000:]}")
            yield process
        finally:
            _end(process)


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError):
            client = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            client.request("GET", "/")
            client.getresponse().read()
            client.close()
            return True
        time.sleep(0.05)
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    family = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_TIMEOUT)
    for member in (process, *family):
        with suppress(psutil.NoSuchProcess):
            member.kill()
    process.wait()


def environment_of(port: int, database_url: str) -> dict[str, str]:
    """How a server in production is told about itself; what stands elsewhere in the environment goes for both."""
    return {
        "DJANGO_SETTINGS_MODULE": "saasmanager.settings",
        "DEBUG": "off",
        "SECRET_KEY": "for-the-bench-only-0123456789-abcdefghijklmnopqrstuvwxyz",
        "BASE_URL": f"http://127.0.0.1:{port}",
        "DATABASE_URL": database_url,
        "DATABASE_TIMEOUTS": "on",
        **serve.WITHOUT_LIMITS,
        # The defaults, whatever is set here for something else.
        **dict.fromkeys(
            ("ALLOWED_HOSTS", "TRUSTED_PROXY_COUNT", "SCIM_LOG_INTERVAL", "SCIM_LOG_QUEUE", "LOG_LEVEL"), ""
        ),
    }
