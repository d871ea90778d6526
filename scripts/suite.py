"""Run the tests on SQLite, then on PostgreSQL those that ask the database; arguments go to pytest."""

import os
import signal
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts import postgres

ROOT = Path(__file__).resolve().parent.parent
# Of so many processes, one at least waits for a browser, a server or the database.
AT_ONCE = 3
CI = os.environ.get("CI") == "true"


def main(arguments: list[str]) -> None:
    results = {}
    with tempfile.TemporaryDirectory(prefix="saasmanager-tests-") as folder:
        results["SQLite"] = run("SQLite", "", arguments, Path(folder))
        try:
            with postgresql() as url:
                results["PostgreSQL"] = run("PostgreSQL", url, ["-m", "not once", *arguments], Path(folder))
        except postgres.PostgresqlError as problem:
            results["PostgreSQL"] = (CI, f"did not run. {problem}")
    print()
    for database, (_failed, summary) in results.items():
        print(f"{database}: {summary}")
    sys.exit(any(failed for failed, _summary in results.values()))


@contextmanager
def postgresql() -> Iterator[str]:
    """The server that DATABASE_URL names, else a throw-away one."""
    url = os.environ.get("DATABASE_URL", "")
    if url.startswith("postgres"):
        yield url
    else:
        with postgres.throw_away() as url:
            yield url


def run(database: str, url: str, arguments: list[str], folder: Path) -> tuple[bool, str]:
    """Run the suite once (no `url`: on SQLite); return whether it failed, and one line that says how it went."""
    print(f"\n=== {database} ===", flush=True)
    report = folder / f"{database}.xml"
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-n",
        str(AT_ONCE),
        "--dist",
        "worksteal",
        f"--junitxml={report}",
        *arguments,
    ]
    environment = {**os.environ, "DATABASE_URL": url}
    if not url:
        del environment["DATABASE_URL"]
    status = subprocess.run(command, cwd=ROOT, env=environment).returncode
    if not report.exists():
        return status != 0, f"pytest ended with status {status}"
    total = next(ElementTree.parse(report).iter("testsuite")).attrib
    skipped = int(total["skipped"])
    failed = int(total["failures"]) + int(total["errors"])
    passed = int(total["tests"]) - failed - skipped
    counts = f"{passed} passed, {failed} failed, {skipped} skipped"
    return status != 0, counts


if __name__ == "__main__":
    # Being asked to stop is no reason to leave a database server behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    main(sys.argv[1:])
