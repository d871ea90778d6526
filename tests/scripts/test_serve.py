"""`make serve` is the production server: prepared, in the foreground, and hard to kill."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from scripts import serve
from scripts.postgres import free_port
from tests.servers import Server, running, wait_until_alive

PRODUCTION = {
    "DEBUG": "off",
    "SECRET_KEY": "for-this-test-only-0123456789",
    "DJANGO_SETTINGS_MODULE": "saasmanager.settings",
}


@pytest.fixture(scope="module")
def server(project: Path) -> Iterator[Server]:
    log = project / "log"
    port = free_port()
    environment = {
        **PRODUCTION,
        "DATABASE_URL": f"sqlite:///{project / 'serve.sqlite3'}",
        "DATABASE_TIMEOUTS": "on",
        "BASE_URL": f"http://127.0.0.1:{port}",
        "PORT": str(port),
        "WEB_CONCURRENCY": "1",
    }
    with running(["make", "serve"], environment, log, folder=project) as process:
        server = Server(f"http://127.0.0.1:{port}", process, log)
        wait_until_alive(server)
        yield server
        last = workers(server)
        process.terminate()
        process.wait(10)
        assert not any(worker.is_running() for worker in last), "It stopped and left workers behind."


def workers(server: Server) -> list[psutil.Process]:
    """The processes below the one that watches over them."""
    (arbiter,) = psutil.Process(server.process.pid).children()
    return arbiter.children()


def test_it_comes_up_migrated_and_with_its_static_files(server: Server) -> None:
    assert server.request("GET", "/readyz").json() == {"status": "ok"}
    script = server.request("GET", "/static/django_htmx/htmx-2.min.js")
    assert (script.status, script.headers["content-type"]) == (200, 'text/javascript; charset="utf-8"')


def test_ctrl_c_stops_it_at_once(tmp_path: Path) -> None:
    log, port = tmp_path / "log", free_port()
    command = serve.server(host="127.0.0.1", port=port, workers=2)
    for _ in range(3):
        with running(command, {**PRODUCTION, "BASE_URL": f"http://127.0.0.1:{port}"}, log) as process:
            wait_until_alive(Server(f"http://127.0.0.1:{port}", process, log))
            os.killpg(process.pid, signal.SIGINT)  # as a terminal does it: everyone in its group gets it
            assert process.wait(5) == 0


def test_a_filter_of_8192_characters_reaches_the_application(server: Server) -> None:
    # Percent-encoded, each character takes three.
    answer = server.request("GET", "/readyz?filter=" + "%22" * 8192)
    assert answer.status == 200


def test_without_a_secret_key_it_does_not_start(project: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "SECRET_KEY"}
    started = subprocess.run(
        ["make", "serve"],
        cwd=project,
        env={**environment, "DJANGO_SETTINGS_MODULE": "saasmanager.settings"},
        capture_output=True,
        text=True,
    )
    assert started.returncode == 2
    assert "SaaS Manager cannot start: set SECRET_KEY" in started.stderr
    assert "Traceback" not in started.stderr


def test_a_port_that_is_none_is_named(project: Path) -> None:
    started = subprocess.run(
        ["make", "serve"], cwd=project, env={**os.environ, "PORT": "http"}, capture_output=True, text=True
    )
    assert started.returncode == 2
    assert "PORT must be a whole number from 1 on, not 'http'." in started.stderr
