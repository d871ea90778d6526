"""What `make test` does on a machine that lacks a part, and that it needs no PostgreSQL of the machine's own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from scripts import postgres, serve, suite


@pytest.fixture
def no_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without PostgreSQL's programs."""
    monkeypatch.setattr(postgres.shutil, "which", lambda _name: None)
    monkeypatch.setattr(postgres, "DEBIAN", Path("/nowhere"))


def test_the_postgresql_in_the_wheel_does_as_well(no_programs: None) -> None:
    with postgres.throw_away() as url, psycopg.connect(url) as client:
        assert client.execute("SELECT count(*) FROM pg_database WHERE datname = 'postgres'").fetchone() == (1,)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url, connect_timeout=2)


def test_without_any_postgresql_the_error_says_how_to_get_one(
    no_programs: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres.importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(postgres.PostgresqlError, match="apt-get install postgresql"), postgres.throw_away():
        pass


@pytest.mark.parametrize(("ci", "status"), [(False, 0), (True, 1)])
def test_a_missing_postgresql_fails_in_ci_only(
    ci: bool, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @contextmanager
    def none() -> Iterator[str]:
        raise postgres.PostgresqlError("Get one.")
        yield ""

    monkeypatch.setattr(suite, "CI", ci)
    monkeypatch.setattr(suite, "postgresql", none)
    monkeypatch.setattr(suite, "run", lambda *_: (False, "3 passed, 0 failed, 0 skipped"))
    with pytest.raises(SystemExit) as end:
        suite.main([])
    assert int(end.value.code or 0) == status
    assert capsys.readouterr().out == "\nSQLite: 3 passed, 0 failed, 0 skipped\nPostgreSQL: did not run. Get one.\n"


@pytest.mark.parametrize(("ci", "outcome"), [("", "2 skipped"), ("true", "2 errors")])
def test_a_missing_browser_fails_in_ci_only_and_says_how_to_get_one(ci: str, outcome: str, tmp_path: Path) -> None:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "DATABASE_"))}
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "tests/test_browser.py"],
        cwd=serve.ROOT,
        env={**inherited, "PATH": str(tmp_path), "CI": ci},
        capture_output=True,
        text=True,
    )
    assert outcome in run.stdout
    assert "On Debian: apt-get install chromium" in run.stdout
