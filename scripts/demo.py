"""Serve the demo: SQLite, two organizations that look alive, on this machine only."""

import os
import socket
import sys
from itertools import count
from pathlib import Path

from scripts import serve

DATABASE = serve.ROOT / "demo.sqlite3"
HOST = "127.0.0.1"
FIRST_PORT, LAST_PORT = 8000, 8099
OFF = {"off", "0", "false", "no", "n"}


def main() -> None:
    if os.environ.get("DEBUG", "on").strip().lower() in OFF:
        sys.exit("The demo shows its passwords to whoever can read the screen, so it does not run with DEBUG off.")
    # Kept while the database is filled: its token is shown once, and would be lost if the server could not start then.
    with listen() as listener:
        prepare(listener.getsockname()[1])
        listener.set_inheritable(True)
        options = ["--listener", str(listener.fileno())]
        serve.become_the_server(host=HOST, port=listener.getsockname()[1], workers=1, options=options)


def prepare(port: int) -> None:
    """Fill the database of a demo that will be served at that port."""
    environment = {"DEBUG": "on", "DATABASE_URL": f"sqlite:///{DATABASE}", "BASE_URL": f"http://{HOST}:{port}"}
    os.environ.update(environment, DJANGO_SETTINGS_MODULE="saasmanager.settings")
    # Neither belongs to the demo, and either could open it to the network.
    for name in ("ALLOWED_HOSTS", "TRUSTED_PROXY_COUNT"):
        os.environ.pop(name, None)
    import django

    django.setup()
    again = DATABASE.exists() and not set_unreleased_aside()
    fill()
    if again:
        print(f"Start afresh: stop this, then remove {DATABASE.name} and its neighbours -wal and -shm.", flush=True)


def listen() -> socket.socket:
    """The first free port, taken; who comes before the server does waits for it."""
    for port in range(FIRST_PORT, LAST_PORT + 1):
        listener = socket.socket()
        # A port that a stopped server has just left is free.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
            listener.listen(2048)
        except OSError:
            listener.close()
            continue
        return listener
    sys.exit(f"Every port from {FIRST_PORT} to {LAST_PORT} is taken.")


def set_unreleased_aside() -> bool:
    """Rename the demo's database if it was made before the first release. Return whether it was."""
    from django.db import connection

    from core.process_lock import alone
    from organizations.management.unreleased import is_unreleased

    with alone(connection, waits=lambda: None):
        if not is_unreleased(connection):
            return False
        made = f"{DATABASE.name} was made before the first release of SaaS Manager and cannot be brought up to date"
        # The last one to close a database has SQLite put all of -wal into the file and remove both neighbours.
        connection.close()
        if Path(f"{DATABASE}-wal").exists():
            sys.exit(f"{made}: stop the other program that has it open, then start the demo again.")
        aside = next(name for name in (Path(f"{DATABASE}.{number}") for number in count(1)) if not name.exists())
        DATABASE.rename(aside)
    print(f"{made}: it was renamed to {aside.name}, and the demo starts afresh.", flush=True)
    return True


def fill() -> None:
    """Migrate and seed. What is already there stays as it is."""
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)
    call_command("seed_demo")


if __name__ == "__main__":
    main()
