"""The environment decides, and what it leaves open is safe."""

import os
import re
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.db.utils import ConnectionHandler

from tests.servers import url_of_the_test_database

ROOT = Path(__file__).resolve().parents[2]
OURS = ("DEBUG", "SECRET_KEY", "BASE_URL", "ALLOWED_HOSTS", "DATABASE_URL", "DATABASE_TIMEOUTS", "EMAIL_URL")
Read = Callable[..., dict[str, Any]]


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Read:
    """Read the settings afresh, from this environment and nothing else of ours."""

    def read(**environment: str) -> dict[str, Any]:
        for name in OURS:
            monkeypatch.delenv(name, raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return runpy.run_path(str(ROOT / "saasmanager" / "settings.py"))

    return read


def test_without_a_secret_key_nothing_starts_and_one_line_says_why() -> None:
    environment = {name: value for name, value in os.environ.items() if name not in OURS}
    environment["DJANGO_SETTINGS_MODULE"] = "saasmanager.settings"
    started = subprocess.run(
        [sys.executable, "manage.py", "check"], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert started.returncode == 1
    assert started.stderr == (
        "SaaS Manager cannot start: set SECRET_KEY to a long random text (or DEBUG=on on your own machine).\n"
    )


def test_debug_is_off_unless_asked_for(read: Read) -> None:
    assert read(SECRET_KEY="x")["DEBUG"] is False
    assert read(DEBUG="on")["DEBUG"] is True


@pytest.mark.clause("7644-7.2-1", "7644-7.4-2")
@pytest.mark.parametrize(("base_url", "secure"), [("https://saas.example.com", True), ("http://10.1.2.3:8000", False)])
def test_what_only_makes_sense_over_https_follows_base_url(read: Read, base_url: str, secure: bool) -> None:
    settings = read(SECRET_KEY="x", BASE_URL=base_url)
    for name in ("SECURE_SSL_REDIRECT", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE"):
        assert settings[name] is secure
    assert bool(settings["SECURE_HSTS_SECONDS"]) is secure
    # The proxy that speaks HTTPS tells us so; without it every page would be redirected to itself for ever.
    assert ("SECURE_PROXY_SSL_HEADER" in settings) is secure


def test_only_the_public_host_is_answered(read: Read) -> None:
    assert read(SECRET_KEY="x", BASE_URL="https://saas.example.com")["ALLOWED_HOSTS"] == ["saas.example.com"]
    assert read(SECRET_KEY="x", ALLOWED_HOSTS="a.example,b.example")["ALLOWED_HOSTS"] == ["a.example", "b.example"]
    assert set(read(DEBUG="on")["ALLOWED_HOSTS"]) >= {"127.0.0.1", "localhost"}


def test_where_the_server_finds_itself_is_an_address_without_a_path(read: Read) -> None:
    assert read(DEBUG="on", BASE_URL="https://saas.example.com")["SCIM_TEST_RUN_URL"] == "https://saas.example.com"
    assert read(DEBUG="on", SCIM_TEST_RUN_URL="http://127.0.0.1:8000/")["SCIM_TEST_RUN_URL"] == "http://127.0.0.1:8000"
    for wrong in ("127.0.0.1:8000", "ftp://127.0.0.1", "http://127.0.0.1/scim", "http://:80"):
        with pytest.raises(ImproperlyConfigured, match="SCIM_TEST_RUN_URL must be like http://127.0.0.1:8000, not"):
            read(DEBUG="on", SCIM_TEST_RUN_URL=wrong)


def test_base_url_has_no_trailing_slash(read: Read) -> None:
    assert read(DEBUG="on", BASE_URL="https://saas.example.com/")["BASE_URL"] == "https://saas.example.com"


@pytest.mark.parametrize("base_url", ["saas.example.com", "ftp://saas.example.com", "https://", "https://a.example/b"])
def test_a_base_url_that_is_none_is_refused(read: Read, base_url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="must look like https://saas.example.com"):
        read(DEBUG="on", BASE_URL=base_url)


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("SCIM_LOG_QUEUE", "many", "a whole number"),
        ("SCIM_LOG_INTERVAL", "soon", "a number"),
        ("DATABASE_URL", "mysql://db.example/saas", "like postgres://"),
        ("DATABASE_URL", "postgres://db.example:port/saas", "like postgres://"),
        ("EMAIL_URL", "pigeon://", "like smtp"),
        ("LOG_LEVEL", "loud", "one of DEBUG, INFO"),
        ("DNS_RESOLVERS", "dns.example", "addresses such as 192.0.2.53"),
        ("DNS_RESOLVERS", "192.0.2.53:domain", "addresses such as 192.0.2.53"),
    ],
)
def test_a_value_that_makes_no_sense_is_named(read: Read, name: str, value: str, kind: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"^{name} must be {kind}.*, not '{value}'"):
        read(DEBUG="on", **{name: value})


def test_dns_is_asked_of_the_addresses_that_are_named_and_else_as_the_machine_does(read: Read) -> None:
    assert read(DEBUG="on")["DNS_RESOLVERS"] == []
    assert read(DEBUG="on", DNS_RESOLVERS="192.0.2.53, 192.0.2.54:5353,[2001:db8::53]:53")["DNS_RESOLVERS"] == [
        ("192.0.2.53", 53), ("192.0.2.54", 5353), ("2001:db8::53", 53),
    ]  # fmt: skip


def test_an_empty_variable_is_one_that_is_not_set(read: Read) -> None:
    assert read(DEBUG="on", DATABASE_URL="", BASE_URL="")["BASE_URL"] == "http://127.0.0.1:8000"


def test_no_page_may_load_or_run_what_is_not_ours(read: Read) -> None:
    directives = read(DEBUG="on")["CONTENT_SECURITY_POLICY"]["DIRECTIVES"]
    assert directives["default-src"] == ["'none'"]
    assert directives["script-src"] == directives["style-src"] == ["'self'"]
    assert directives["frame-ancestors"] == ["'none'"]


POSTGRESQL = "postgres://ada@db.example/saas?sslmode=require"


def test_a_request_on_postgresql_gets_prepared_statements_and_time_limits(read: Read) -> None:
    database = read(DEBUG="on", DATABASE_URL=POSTGRESQL)["DATABASES"]["default"]
    assert database["OPTIONS"] == {
        "connect_timeout": 2,
        "server_side_binding": True,
        "prepare_threshold": 3,
        "options": "-c jit=off -c statement_timeout=3s -c lock_timeout=2s -c idle_in_transaction_session_timeout=10s",
        "sslmode": "require",
    }
    assert database["CONN_MAX_AGE"] is None
    assert "CONN_HEALTH_CHECKS" not in database


def test_a_command_may_take_its_time(read: Read) -> None:
    database = read(DEBUG="on", DATABASE_URL=POSTGRESQL, DATABASE_TIMEOUTS="off")["DATABASES"]["default"]
    limits = "-c statement_timeout=0 -c lock_timeout=0 -c idle_in_transaction_session_timeout=0"
    assert database["OPTIONS"]["options"] == f"-c jit=off {limits}"


def test_a_pooler_gets_nothing_that_outlives_a_transaction(read: Read) -> None:
    database = read(DEBUG="on", DATABASE_URL=POSTGRESQL, DATABASE_POOLER="on")["DATABASES"]["default"]
    assert database["OPTIONS"] == {"connect_timeout": 2, "prepare_threshold": None, "sslmode": "require"}
    assert database["DISABLE_SERVER_SIDE_CURSORS"] is True


@pytest.mark.django_db(transaction=True)
def test_the_database_itself_knows_these_limits(read: Read) -> None:
    own = ConnectionHandler(read(DEBUG="on", DATABASE_URL=url_of_the_test_database())["DATABASES"])["default"]
    questions = {
        "postgresql": {
            "SHOW statement_timeout": "3s",
            "SHOW lock_timeout": "2s",
            "SHOW idle_in_transaction_session_timeout": "10s",
        },
        "sqlite": {"PRAGMA journal_mode": "wal", "PRAGMA synchronous": 1, "PRAGMA busy_timeout": 20_000},
    }[connection.vendor]
    try:
        for question, answer in questions.items():
            with own.cursor() as cursor:
                cursor.execute(question)
                assert cursor.fetchone() == (answer,)
    finally:
        own.close()


def test_the_readme_has_one_table_of_all_settings() -> None:
    read_by_the_project = re.findall(
        r'(?:env\.\w+|setting)\((?:\s*[\w.]+, )?\s*"(\w+)"', (ROOT / "saasmanager" / "settings.py").read_text()
    )
    read_by_the_server = re.findall(r'(?:environ\.get|number)\("(\w+)"', (ROOT / "scripts" / "serve.py").read_text())
    section = (ROOT / "README.md").read_text().partition("### Settings")[2].partition("\n#")[0]
    documented = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
    assert sorted(documented) == sorted({*read_by_the_project, *read_by_the_server})
