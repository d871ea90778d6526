"""Become the production server, once the database is up to date."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# What programs that measure and tests set: they are faster than any client may be.
WITHOUT_LIMITS = {
    f"SCIM_{who}_{figure}": "1000000"
    for who in ("TOKEN", "ORGANIZATION", "UNAUTHORIZED")
    for figure in ("RATE", "BURST")
}
PREPARATIONS = (
    ["migrate", "--no-input"],
    ["collectstatic", "--no-input", "--verbosity", "0"],
)


def main() -> None:
    host, port, workers = os.environ.get("HOST") or "127.0.0.1", number("PORT", 8000), number("WEB_CONCURRENCY", 2)
    options = [
        *("--request-timeout", str(number("REQUEST_TIMEOUT", 30))),
        *("--keep-alive-timeout", str(number("KEEP_ALIVE_TIMEOUT", 75))),
    ]
    for command in PREPARATIONS:
        done = subprocess.run([sys.executable, ROOT / "manage.py", *command])
        if done.returncode:
            sys.exit(done.returncode)
    become_the_server(host=host, port=port, workers=workers, options=options)


def number(name: str, default: int) -> int:
    """A whole number from the environment, at least 1."""
    text = os.environ.get(name) or str(default)
    if not text.isdecimal() or int(text) < 1:
        sys.exit(f"SaaS Manager cannot start: {name} must be a whole number from 1 on, not {text!r}.")
    return int(text)


def become_the_server(*, host: str, port: int, workers: int, options: Sequence[str] = ()) -> None:
    """Replace this process by the server: signals reach it directly, and its exit status is ours."""
    os.chdir(ROOT)
    print(f"Serving on http://{host}:{port} until stopped (Ctrl-C).", flush=True)
    command = server(host=host, port=port, workers=workers, options=options)
    os.execv(command[0], command)  # noqa: S606


def server(
    *,
    host: str,
    port: int,
    workers: int,
    application: str = "saasmanager.wsgi:application",
    options: Sequence[str] = (),
) -> list[str]:
    """The command line of the server, to be run in the project's folder."""
    return [
        *(sys.executable, "-m", "scripts.server"),
        *("--host", host, "--port", str(port), "--workers", str(workers)),
        *options,
        application,
    ]


if __name__ == "__main__":
    main()
