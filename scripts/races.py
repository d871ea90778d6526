"""Race many clients against a real server on a throw-away database; exit status 1 on a wrong result."""

import argparse
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from scripts import postgres, serve

if TYPE_CHECKING:
    from scripts.race_rounds import Outcome

# More transactions at a time than there are cores, so that they meet.
WORKERS = 4
START_TIMEOUT = 30
MOST_SHOWN = 20


def main(arguments: list[str]) -> None:
    options = _options(arguments)
    try:
        with (
            tempfile.TemporaryDirectory(prefix="saasmanager-races-") as folder,
            database(options.database, Path(folder)) as url,
            serving(url, Path(folder)) as server_url,
        ):
            outcomes = run_all(server_url, options.rounds)
    except postgres.PostgresqlError as problem:
        sys.exit(str(problem))
    wrong = [f"{outcome.title}: {each}" for outcome in outcomes for each in outcome.wrong]
    report(outcomes, wrong)
    print(json.dumps({"database": options.database, "races": [asdict(outcome) for outcome in outcomes]}))
    if wrong:
        sys.exit(1)


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m scripts.races", description=__doc__)
    parser.add_argument("--rounds", type=int, default=200, help="rounds of each kind (default: 200)")
    parser.add_argument("--database", choices=["postgresql", "sqlite"], default="postgresql")
    return parser.parse_args(arguments)


@contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    """The DATABASE_URL of an empty database."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'races.sqlite3'}"
    else:
        with postgres.throw_away() as url:
            yield url


@contextmanager
def serving(database_url: str, folder: Path) -> Iterator[str]:
    """Set Django up on the database and serve it as in production; yield the address, without a slash at its end."""
    port = postgres.free_port()
    server_url = f"http://127.0.0.1:{port}"
    os.environ.update(
        DJANGO_SETTINGS_MODULE="saasmanager.settings",
        DEBUG="off",
        SECRET_KEY=secrets.token_hex(32),
        BASE_URL=server_url,
        ALLOWED_HOSTS="",
        DATABASE_URL=database_url,
        LOG_LEVEL="ERROR",
        **serve.WITHOUT_LIMITS,
    )
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0, interactive=False)
    log = folder / "log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            serve.server(host="127.0.0.1", port=port, workers=WORKERS), cwd=serve.ROOT, stdout=output, stderr=output
        )
    try:
        wait_for(server, server_url, log)
        yield server_url
    finally:
        server.terminate()
        server.wait(START_TIMEOUT)


def wait_for(server: "subprocess.Popen[bytes]", server_url: str, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline and server.poll() is None:
        try:
            urllib.request.urlopen(f"{server_url}/livez", timeout=1).close()  # noqa: S310
        except (OSError, urllib.error.URLError):
            time.sleep(0.1)
        else:
            return
    sys.exit(f"The server did not start:\n{log.read_text()}")


def run_all(server_url: str, rounds: int) -> list["Outcome"]:
    """Run every race, one after the other."""
    from scripts import race_brake
    from scripts.race_rounds import ROUNDS, run_rounds

    outcomes = []
    kinds = (*ROUNDS, *race_brake.ROUNDS)
    for number, kind in enumerate(kinds, 1):
        print(f"{number} of {len(kinds)}: {kind.__doc__} ...", file=sys.stderr, flush=True)
        outcomes.append(run_rounds(kind, server_url, rounds))
    return outcomes


def report(outcomes: list["Outcome"], wrong: list[str]) -> None:
    """Print a table, and the first of what was wrong."""
    print(f"{'rounds':>6} {'requests':>8} {'503':>4} {'wrong':>5} {'s':>6}  race")
    for each in outcomes:
        counts = f"{each.rounds:>6} {each.requests:>8} {each.unavailable:>4} {len(each.wrong):>5} {each.seconds:>6.1f}"
        print(f"{counts}  {each.title}")
    for each_wrong in wrong[:MOST_SHOWN]:
        print(each_wrong)
    if len(wrong) > MOST_SHOWN:
        print(f"... and {len(wrong) - MOST_SHOWN} more")


if __name__ == "__main__":
    # Being asked to stop is no reason to leave a server behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    main(sys.argv[1:])
