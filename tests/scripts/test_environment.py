"""The first run fills .venv from the lock, the next ones start at once, and a Python that can't is told apart."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scripts import environment

Commands = list[list[str]]


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Commands:
    """What would be run in an empty folder with two locks; a virtual environment appears when one is asked for."""
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    monkeypatch.setattr(environment, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(environment, "PYTHON", tmp_path / ".venv" / "bin" / "python")
    for lock in environment.LOCKS["all"]:
        (tmp_path / lock).write_text("django==5.2\n")
    commands: Commands = []

    def run(command: list[Any], **_options: Any) -> subprocess.CompletedProcess[str]:
        words = [str(word) for word in command]
        commands.append(words)
        if words[1:3] == ["-m", "venv"]:
            environment.PYTHON.parent.mkdir(parents=True)
            environment.PYTHON.touch()
        has_own_pip = not any("--without-pip" in earlier for earlier in commands)
        asks_for_pip = words[1:] == ["-m", "pip", "--version"]
        return subprocess.CompletedProcess(command, 1 if asks_for_pip and not has_own_pip else 0)

    monkeypatch.setattr(environment.subprocess, "run", run)
    return commands


def installs(commands: Commands) -> Commands:
    return [command for command in commands if "install" in command]


def test_a_second_run_installs_nothing(commands: Commands) -> None:
    environment.main("all")
    assert len(installs(commands)) == 1
    environment.main("all")
    # What the tests need holds what the server needs.
    environment.main("runtime")
    assert len(installs(commands)) == 1


def test_every_package_is_checked_against_its_hash(commands: Commands) -> None:
    environment.main("runtime")
    (install,) = installs(commands)
    assert "--require-hashes" in install
    assert install[-1].endswith("requirements.txt")


def test_a_changed_lock_is_installed_again(commands: Commands, tmp_path: Path) -> None:
    environment.main("runtime")
    (tmp_path / "requirements.txt").write_text("django==5.2.1\n")
    environment.main("runtime")
    assert len(installs(commands)) == 2


def test_debians_python_without_ensurepip_lends_its_own_pip(
    commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "_has", lambda module: module != "ensurepip")
    environment.main("runtime")
    assert any("--without-pip" in command for command in commands)
    (install,) = installs(commands)
    assert install[:5] == [sys.executable, "-m", "pip", "--python", str(environment.PYTHON)]


def test_a_python_with_neither_is_told_what_to_install(commands: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "_has", lambda module: module == "venv")
    with pytest.raises(SystemExit, match="apt-get install python3-venv"):
        environment.main("runtime")
    assert installs(commands) == []
