"""Everything that can be said about the code without running its tests; prints only what is wrong."""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
MANAGE = (str(BIN / "python"), "-W", "error", "manage.py")
DEVELOPMENT = {"DEBUG": "on", "DATABASE_URL": "sqlite://:memory:"}
PRODUCTION = {
    "DEBUG": "off",
    "DATABASE_URL": "sqlite://:memory:",
    "SECRET_KEY": "any-long-text-will-do-here-0123456789-abcdefghijklmnopqrst",
    "BASE_URL": "https://saas.example.com",
}


@dataclass(frozen=True, slots=True)
class Check:
    """One command that must end with status 0."""

    name: str
    command: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)


# The slow one first, so that it runs beside all the others.
CHECKS = (
    Check("types", (str(BIN / "mypy"),)),
    Check("style", (str(BIN / "ruff"), "check", "--output-format=concise", ".")),
    Check("format", (str(BIN / "ruff"), "format", "--check", ".")),
    Check("templates", (str(BIN / "djlint"), "--lint", "--quiet", "templates")),
    Check("imports", (str(BIN / "lint-imports"), "--no-logo")),
    Check("dependencies", (str(BIN / "deptry"), ".")),
    Check("django", (*MANAGE, "check", "--fail-level", "WARNING"), DEVELOPMENT),
    Check("deployment", (*MANAGE, "check", "--deploy", "--fail-level", "WARNING"), PRODUCTION),
    Check("migrations", (*MANAGE, "makemigrations", "--check", "--dry-run"), DEVELOPMENT),
)


def main() -> None:
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        passed = list(pool.map(run, CHECKS))
    if not all(passed):
        sys.exit(1)


def run(check: Check) -> bool:
    """Run one check and print its result, with its output if it failed."""
    started = time.monotonic()
    done = subprocess.run(
        check.command,
        cwd=ROOT,
        env={**os.environ, **check.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    rating = "ok" if done.returncode == 0 else "FAILED"
    output = "" if done.returncode == 0 else f"\n{done.stdout.strip()}\n"
    print(f"{check.name:13}{rating:7}{time.monotonic() - started:5.1f} s{output}", flush=True)
    return done.returncode == 0


if __name__ == "__main__":
    main()
