"""`make demo` in a fresh folder: what it prints works, and a second run keeps it."""

import os
import re
import shutil
import socket
import sqlite3
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from scripts import demo as demo_program
from tests.servers import Server, running, wait_until_alive

CURL = re.compile(r"Authorization: (?P<bearer>Bearer smgr_\w+)' '(?P<url>http://\S+)'")


@contextmanager
def demo(project: Path) -> Iterator[tuple[Server, str]]:
    """A running demo, with what it printed."""
    log = project / "demo.log"
    with running(["make", "demo"], {"DJANGO_SETTINGS_MODULE": "saasmanager.settings"}, log, folder=project) as process:
        deadline = time.monotonic() + 30
        while "Serving on" not in log.read_text() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        printed = log.read_text()
        address = re.search(r"^Address +(http://127\.0\.0\.1:\d+)$", printed, re.MULTILINE)
        assert address, printed
        server = Server(address[1], process, log)
        wait_until_alive(server)
        yield server, printed


def test_what_the_demo_prints_works_and_a_second_run_keeps_the_data_and_makes_nothing_anew(
    project: Path,
) -> None:
    with demo(project) as (server, printed):
        assert server.request("GET", "/readyz").status == 200
        for path in re.findall(r"(/sign-in/\w+/)", printed):
            assert server.request("GET", path).status == 200
        curl = CURL.search(printed)
        assert curl, printed
        assert curl["url"].startswith(server.url)
        path, bearer = curl["url"].removeprefix(server.url), {"Authorization": curl["bearer"]}
        people = server.request("GET", path, headers=bearer)
        assert people.status == 200
        assert people.json()["totalResults"] >= 12

    with demo(project) as (server, printed):
        assert "generate-token" in printed
        # Installing and seeding are what would take time; neither is done again.
        assert "Installing" not in printed
        assert "The demo's data is here already and was kept." in printed
        again = server.request("GET", path, headers=bearer)
        assert again.json()["totalResults"] == people.json()["totalResults"]


def test_a_taken_port_moves_the_demo_to_the_next_one(project: Path) -> None:
    with closing(socket.socket()) as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind(("127.0.0.1", 8000))
            taken.listen()
        except OSError:
            pass  # Somebody else has it, which is as good.
        with demo(project) as (server, printed):
            assert not server.url.endswith(":8000")
            assert f"Base URL      {server.url}/scim/" in printed or f"BASE_URL={server.url}" in printed


def test_nobody_takes_the_port_while_the_demo_is_filled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", {**os.environ})
    monkeypatch.setattr(demo_program, "set_unreleased_aside", lambda: False)
    ports, served = [], []

    def fill() -> None:
        ports.append(int(os.environ["BASE_URL"].rpartition(":")[2]))
        with socket.socket() as other, pytest.raises(OSError):
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            other.bind((demo_program.HOST, ports[0]))
            other.listen()

    def become_the_server(*, port: int, options: Sequence[str], **_more: Any) -> None:
        (name, number) = options
        with socket.socket(fileno=os.dup(int(number))) as listener:
            served.append((name, port, listener.getsockname()[1], os.get_inheritable(int(number))))

    monkeypatch.setattr(demo_program, "fill", fill)
    monkeypatch.setattr(demo_program.serve, "become_the_server", become_the_server)
    demo_program.main()
    assert served == [("--listener", ports[0], ports[0], True)]


def test_the_demo_refuses_to_run_with_debug_off(project: Path) -> None:
    refused = subprocess.run(
        ["make", "demo"], cwd=project, env={**os.environ, "DEBUG": "off"}, capture_output=True, text=True
    )
    assert refused.returncode != 0
    assert "does not run with DEBUG off" in refused.stderr


def unreleased(project: Path) -> sqlite3.Connection:
    """A demo's database as it was before the first release, still open, with a note that is in its -wal only."""
    for file in project.glob("demo.sqlite3*"):
        file.unlink()
    database = sqlite3.connect(project / "demo.sqlite3", isolation_level=None)
    database.executescript(
        "PRAGMA journal_mode = wal; PRAGMA wal_autocheckpoint = 0;"
        "CREATE TABLE django_migrations (id integer PRIMARY KEY, app text, name text, applied datetime);"
        "INSERT INTO django_migrations VALUES (1, 'users', '0001_initial', '2026-11-24 07:31:00');"
        "CREATE TABLE note (text text); INSERT INTO note VALUES ('dear')"
    )
    return database


def test_a_demo_of_before_the_first_release_is_set_aside_with_all_that_it_had(project: Path, tmp_path: Path) -> None:
    with closing(unreleased(project)):
        # As a crash leaves them.
        for file in project.glob("demo.sqlite3*"):
            shutil.copy(file, tmp_path)
    for file in tmp_path.iterdir():
        shutil.copy(file, project)
    assert (project / "demo.sqlite3-wal").stat().st_size
    earlier = project / "demo.sqlite3.1"
    earlier.write_text("set aside before")
    with demo(project) as (server, printed):
        assert (
            "demo.sqlite3 was made before the first release of SaaS Manager and cannot be brought up to date:"
            " it was renamed to demo.sqlite3.2, and the demo starts afresh.\n"
        ) in printed
        assert "Start afresh: stop this" not in printed
        assert server.request("GET", "/readyz").status == 200
    assert earlier.read_text() == "set aside before"
    with closing(sqlite3.connect(project / "demo.sqlite3.2")) as aside:
        assert aside.execute("SELECT text FROM note").fetchall() == [("dear",)]


def test_a_demo_of_before_the_first_release_that_still_runs_is_left_alone(project: Path) -> None:
    with closing(unreleased(project)) as running_yet:
        refused = subprocess.run(
            ["make", "demo"], cwd=project, env={**os.environ, "DEBUG": "on"}, capture_output=True, text=True, timeout=60
        )
        assert refused.returncode != 0
        assert "stop the other program that has it open, then start the demo again." in refused.stderr
        assert "Traceback" not in refused.stderr
        assert running_yet.execute("SELECT text FROM note").fetchall() == [("dear",)]
    assert not list(project.glob("demo.sqlite3.*"))
