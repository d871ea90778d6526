"""`make demo` in a fresh folder: what it prints works, and a second run keeps it."""

import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

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


def test_the_demo_refuses_to_run_with_debug_off(project: Path) -> None:
    refused = subprocess.run(
        ["make", "demo"], cwd=project, env={**os.environ, "DEBUG": "off"}, capture_output=True, text=True
    )
    assert refused.returncode != 0
    assert "does not run with DEBUG off" in refused.stderr
