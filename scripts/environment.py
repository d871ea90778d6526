"""Bring .venv to the locked packages; at once when it already has them. Needs Python 3.11 and pip only."""

import hashlib
import importlib.util
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
# The larger lock holds everything that the smaller one does, at the same versions.
LOCKS = {"runtime": ["requirements.txt"], "all": ["requirements-dev.txt", "requirements.txt"]}

GET_VENV = """This Python can make no virtual environment, and has no pip to fill one with.
On Debian and Ubuntu:  apt-get install python3-venv  (or python3-pip), then run make again."""


def main(wanted: str) -> None:
    """Bring .venv to the lock called `wanted`: "runtime" (the server) or "all" (tests and tools too)."""
    locks = LOCKS[wanted]
    if _works() and all(_stamp(lock).exists() and _stamp(lock).read_text() == _digest(lock) for lock in locks):
        return
    started = time.monotonic()
    if not _works():
        _make_venv()
    print(f"Installing the locked packages of {locks[0]} into .venv, which may take a minute ...", flush=True)
    subprocess.run([*_pip(), "install", "--quiet", "--require-hashes", "-r", ROOT / locks[0]], check=True)
    for lock in locks:
        _stamp(lock).write_text(_digest(lock))
    print(f"Done in {time.monotonic() - started:.0f} s.", flush=True)


def _works() -> bool:
    """A folder that was moved, or whose Python was removed, does not."""
    return PYTHON.exists() and subprocess.run([PYTHON, "-c", "import sys"], capture_output=True).returncode == 0


def _make_venv() -> None:
    shutil.rmtree(VENV, ignore_errors=True)
    # Debian's python3 comes without ensurepip; a pip outside can fill an environment that has none of its own.
    without_pip = not _has("ensurepip")
    if not _has("venv") or (without_pip and not _has("pip")):
        sys.exit(GET_VENV)
    subprocess.run([sys.executable, "-m", "venv", *(["--without-pip"] if without_pip else []), VENV], check=True)


def _pip() -> list[str | Path]:
    quiet = ["--disable-pip-version-check", "--no-input"]
    if subprocess.run([PYTHON, "-m", "pip", "--version"], capture_output=True).returncode == 0:
        return [PYTHON, "-m", "pip", *quiet]
    return [sys.executable, "-m", "pip", "--python", PYTHON, *quiet]


def _has(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _digest(lock: str) -> str:
    return hashlib.sha256((ROOT / lock).read_bytes()).hexdigest()


def _stamp(lock: str) -> Path:
    return VENV / f"{lock}.sha256"


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except subprocess.CalledProcessError as failure:
        sys.exit(failure.returncode)
