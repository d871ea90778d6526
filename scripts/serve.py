"""Bring the database and the static files up to date, then become the production server, in the foreground."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PREPARATIONS = (
    ["migrate", "--no-input"],
    ["collectstatic", "--no-input", "--verbosity", "0"],
)


def main() -> None:
    host, port, workers = os.environ.get("HOST") or "127.0.0.1", number("PORT", 8000), number("WEB_CONCURRENCY", 2)
    for command in PREPARATIONS:
        done = subprocess.run([sys.executable, ROOT / "manage.py", *command])
        if done.returncode:
            sys.exit(done.returncode)
    become_the_server(host=host, port=port, workers=workers)


def number(name: str, default: int) -> int:
    """A whole number from the environment, at least 1."""
    text = os.environ.get(name) or str(default)
    if not text.isdecimal() or int(text) < 1:
        sys.exit(f"SaaS Manager cannot start: {name} must be a whole number from 1 on, not {text!r}.")
    return int(text)


def become_the_server(*, host: str, port: int, workers: int) -> None:
    """Replace this process by granian: signals reach it directly, and its exit status is ours."""
    os.chdir(ROOT)
    print(f"Serving on http://{host}:{port} until stopped (Ctrl-C).", flush=True)
    command = server(host=host, port=port, workers=workers)
    os.execv(command[0], command)  # noqa: S606


def server(*, host: str, port: int, workers: int, application: str = "saasmanager.wsgi:application") -> list[str]:
    """The command line of the server, to be run in the project's folder."""
    return [
        *(sys.executable, "-m", "scripts.server"),
        *("--interface", "wsgi", "--host", host, "--port", str(port), "--workers", str(workers)),
        # Each thread keeps a database connection of its own.
        *("--blocking-threads", "2"),
        # HTTP/2 is the front proxy's matter, and nothing here speaks WebSocket.
        *("--http", "1", "--no-ws"),
        # A worker that was killed is back within two seconds; without this the server would leave with it.
        *("--respawn-failed-workers", "--respawn-interval", "0.5"),
        # A worker that will not stop must not hold up a deployment.
        *("--workers-kill-timeout", "10"),
        # A filter of 8,192 characters, each percent-encoded, is a request line of 25 kB and more.
        *("--http1-buffer-size", str(128 * 1024), "--http1-header-read-timeout", "10000"),
        *("--log-level", "warning"),
        application,
    ]


if __name__ == "__main__":
    main()
