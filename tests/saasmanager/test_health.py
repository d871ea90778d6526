"""/livez and /readyz tell a load balancer the truth."""

from typing import Any
from unittest import mock

import pytest
from django.db import OperationalError, connection
from django.test import Client

from saasmanager import health


@pytest.fixture(autouse=True)
def _unknown_whether_migrated() -> Any:
    health._migrated.clear()
    yield
    health._migrated.clear()


def test_livez_answers_without_a_database(client: Client) -> None:
    answer = client.get("/livez")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.django_db
def test_readyz_is_ready_when_every_migration_is_applied(client: Client) -> None:
    assert client.get("/readyz").status_code == 200


@pytest.mark.django_db
def test_readyz_asks_one_statement_once_it_was_ready(client: Client, django_assert_num_queries: Any) -> None:
    client.get("/readyz")
    with django_assert_num_queries(1):
        assert client.get("/readyz").status_code == 200


@pytest.mark.django_db
def test_readyz_says_that_a_migration_is_missing(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'sessions'")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["reason"] == "Migrations are not applied yet (1): run `manage.py migrate`."


@pytest.mark.django_db
def test_readyz_says_that_the_database_is_away_and_recovers(client: Client) -> None:
    with (
        mock.patch.object(connection, "cursor", side_effect=OperationalError("password of root at db.internal")),
        mock.patch.object(connection, "close") as close,
    ):
        answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["reason"]) == (503, "The database does not answer.")
    close.assert_called_once_with()
    assert client.get("/readyz").status_code == 200


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_probes_only_read(client: Client, path: str) -> None:
    assert client.post(path).status_code == 405


def test_a_probe_needs_to_know_neither_our_name_nor_https(client: Client, settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True
    assert client.get("/livez", headers={"Host": "10.1.2.3:8000"}).status_code == 200
    assert client.get("/settings/", headers={"Host": "10.1.2.3:8000"}).status_code == 400


@pytest.mark.django_db(transaction=True)
def test_a_real_server_is_alive_and_ready(real_server: Any) -> None:
    assert real_server.request("GET", "/livez").json() == {"status": "ok"}
    assert real_server.request("GET", "/readyz").json() == {"status": "ok"}
    assert real_server.request("HEAD", "/readyz").body == b""
