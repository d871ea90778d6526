"""The real server, as `make serve` starts it, in processes of its own, on the test's database."""

import http.client
import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import psutil
import pytest
from django.db import connection

from scripts import serve
from scripts.postgres import free_port

START_TIMEOUT = 30


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the headers' names in lower case, the body as bytes."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: its address without a trailing slash, its process, and the file it writes its log to."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def request(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, body: bytes | str | None = None
    ) -> Answer:
        """Send one request exactly as given, on a connection of its own; redirects are not followed."""
        client = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=30)
        try:
            client.request(method, path, body=body, headers=dict(headers or {}))
            answer = client.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            client.close()


@pytest.fixture(scope="session")
def real_server(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """One for the whole run. It sees what is committed only, so its tests are marked `django_db(transaction=True)`."""
    with django_db_blocker.unblock():
        database_url = url_of_the_test_database()
    port = free_port()
    environment = {
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "DATABASE_URL": database_url,
        "DATABASE_TIMEOUTS": "on",
        "BASE_URL": f"http://127.0.0.1:{port}",
        "SCIM_LOG_INTERVAL": "0.1",
        "LOG_LEVEL": "INFO",
    }
    command = serve.server(host="127.0.0.1", port=port, workers=2)
    log = tmp_path_factory.mktemp("server") / "log"
    with running(command, environment, log) as process:
        server = Server(f"http://127.0.0.1:{port}", process, log)
        wait_until_alive(server)
        yield server


def url_of_the_test_database() -> str:
    """The DATABASE_URL under which another process finds this worker's test database."""
    database = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{database['NAME']}"
    user, password = quote(database["USER"], safe=""), quote(database["PASSWORD"], safe="")
    login = f"{user}:{password}" if password else user
    return f"postgres://{login}@{database['HOST']}:{database['PORT'] or 5432}/{database['NAME']}"


@contextmanager
def running(
    command: list[str], environment: Mapping[str, str], log: Path, *, folder: Path = serve.ROOT
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command in the project's folder, its output in `log`; at the end it and all that it started are gone."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        family = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(15)
        for member in (process, *family):
            with suppress(psutil.NoSuchProcess):
                member.kill()
        process.wait()


def wait_until_alive(server: Server) -> None:
    """Return when /livez answers; fail with the server's own words when it does not."""
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline and server.process.poll() is None:
        with suppress(OSError):
            if server.request("GET", "/livez").status == 200:
                return
        time.sleep(0.05)
    pytest.fail(f"The server did not start:\n{server.log.read_text()[-3000:]}")
