"""Every request leaves a row in plain words; the log never costs a request, and never holds a secret."""

import json
import os
import subprocess
import sys
import time
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.core.management import call_command
from django.db import OperationalError
from django.utils import timezone

from core.ids import first_id_at
from provisioning.models import RequestLog, Token
from provisioning.services.request_log import entries, logged_exchanges, pruning, rate_limit, writer
from tests.identity_provider import Idp
from tests.servers import url_of_the_test_database


def test_a_row_tells_what_was_asked_by_whom_and_what_became_of_it(idp: Idp) -> None:
    response = idp.send("POST", "/Users?attributes=id", {"userName": "ada@acme.example"}, user_agent="Okta 1.0")
    (row,) = idp.log()
    token = Token.objects.get()
    assert (row.method, row.path, row.query) == ("POST", "/scim/acme/v2/Users", "attributes=id")
    assert (row.status, row.result, row.cause) == (201, "Created ada@acme.example.", "tolerated")
    assert (row.token, row.token_label) == (token, f"{token.prefix}…")
    assert (row.client, row.address) == ("Okta 1.0", "127.0.0.1")
    assert (str(row.user_id), row.user_label) == (json.loads(response.content)["id"], "ada@acme.example")
    assert row.request_id == response.headers["X-Request-Id"]
    assert 0 < row.duration_us < 60_000_000
    assert abs((timezone.now() - row.created_at).total_seconds()) < 60


def test_each_deed_has_its_words(idp: Idp) -> None:
    user = idp.create()
    path = f"/Users/{user['id']}"
    idp.get(path)
    idp.get(path, if_none_match=user["meta"]["version"])
    idp.get("/Users")
    idp.found('userName eq "ada@acme.example"')
    idp.found('userName eq "nobody"')
    idp.patch(user["id"], {"op": "replace", "path": "title", "value": "x"})
    idp.patch(user["id"], {"op": "replace", "path": "title", "value": "x"})
    idp.patch(user["id"], {"op": "replace", "path": "active", "value": False})
    idp.patch(user["id"], {"op": "replace", "path": "active", "value": True})
    idp.send("DELETE", path)
    idp.get("/Schemas")
    idp.send("POST", "/Users", {"userName": "ada@acme.io"})
    idp.get("/Nope")
    assert [row.result for row in idp.log()] == [
        "Created ada@acme.example.",
        "Read ada@acme.example.",
        "Read ada@acme.example: unchanged since the last time.",
        "Listed 1 of 1 user.",
        "Found 1 user.",
        "Found nobody.",
        "Changed ada@acme.example.",
        "Nothing to change: ada@acme.example is like that already.",
        "Suspended ada@acme.example.",
        "Restored ada@acme.example.",
        "Deleted ada@acme.example.",
        "Told what this server offers.",
        "Refused: the e-mail domain 'acme.io' is not registered in this organization. "
        "Add it in Settings > Organization > Your organization > Domains and tick User requests.",
        "Refused: there is no such SCIM endpoint here.",
    ]


@pytest.mark.parametrize(
    ("header", "label", "cause"),
    [
        ("", "no token", "token-missing"),
        ("Basic x", "malformed token", "token-malformed"),
        ("Bearer smgr_unknown", "unknown token", "token-unknown"),
    ],
)
def test_a_refused_token_is_told_from_others(idp: Idp, header: str, label: str, cause: str) -> None:
    idp.http.get(idp.base + "/Users", headers={"authorization": header})
    (row,) = idp.log()
    assert (row.status, row.token, row.token_label, row.cause) == (401, None, label, cause)
    assert row.result.startswith("Refused: ")


def test_another_organizations_token_is_not_shown_to_this_one(idp: Idp, anonymous: Idp) -> None:
    Idp(idp.organization, anonymous.token).get("/Users")
    (row,) = idp.log()
    assert (row.token, row.token_label) == (None, "another organization's token")
    assert anonymous.log() == []
    assert Token.objects.of(anonymous.organization.pk).get().last_used_at is None


def test_what_was_healed_is_told(idp: Idp) -> None:
    user = idp.create()
    idp.patch(user["id"], {"op": "Replace", "path": "active", "value": "False"})
    assert len(idp.log()[-1].notices) == 2


@pytest.mark.clause("7644-7.5.1-1")
def test_secrets_do_not_get_into_the_log(idp: Idp) -> None:
    idp.get(f"/Users/{idp.token}", {"access_token": "hush1", "password": "hush2", "x": idp.token}, user_agent=idp.token)
    idp.create(password="hush3")
    idp.send("POST", "/Users", {"userName": idp.token})
    rows = json.dumps(list(RequestLog.objects.values()) + [row.__dict__ for row in idp.log()], default=str)
    secret = idp.token.removeprefix("smgr_")
    assert "hush" not in rows
    assert secret[:12] not in rows


@pytest.mark.parametrize("client", ["\x00", "a" * 5000, "\udcff", "a\nb"])
def test_odd_clients_are_logged_all_the_same(idp: Idp, client: str) -> None:
    idp.http.generic("GET", idp.base + "/Users", HTTP_USER_AGENT=client, REMOTE_ADDR="nonsense")
    (row,) = idp.log()
    assert len(row.client) <= 200
    assert row.address is None


@pytest.mark.parametrize("path", ["/%00", "/" + "a" * 5000, "/Users/é", "/%ff"])
def test_odd_paths_are_logged_all_the_same(idp: Idp, path: str) -> None:
    idp.send("GET", path)
    assert len(idp.log()) == 1


def test_an_organization_that_does_not_exist_has_no_log(idp: Idp) -> None:
    idp.http.get("/scim/nobody/v2/Users")
    writer.flush()
    assert RequestLog.objects.count() == 0
    assert writer.homeless() == 1
    assert writer.dropped() == 0


@pytest.mark.parametrize("slug", ["a%00b", "é", "a" * 300])
def test_an_address_that_can_be_no_organizations_does_not_spoil_the_batch(idp: Idp, slug: str) -> None:
    response = idp.http.get(f"/scim/{slug}/v2/Users", headers={"authorization": f"Bearer {idp.token}"})
    assert response.status_code == 401
    idp.get("/Users")
    assert len(idp.log()) == 1


def test_the_address_behind_our_own_proxies_is_the_clients(idp: Idp, settings: Any) -> None:
    settings.TRUSTED_PROXY_COUNT = 1
    for forwarded in ("6.6.6.6, 203.0.113.7", "nonsense"):
        assert idp.send("POST", "/Users", {}, x_forwarded_for=forwarded).status_code == 400
    assert [row.address for row in idp.log()] == ["203.0.113.7", None]


def test_a_full_queue_drops_and_counts_but_serves(idp: Idp, settings: Any) -> None:
    settings.SCIM_LOG_QUEUE = 3
    assert [idp.get("/Users").status_code for _ in range(5)] == [200] * 5
    assert writer.dropped() == 2
    assert len(idp.log()) == 3


def test_long_texts_that_wait_are_bounded_in_bytes(idp: Idp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logged_exchanges, "MOST_WAITING", 20_000)
    long = "x" * 6_000
    for _ in range(5):
        idp.http.get(f"/scim/acme/v2/Nope/{long}", QUERY_STRING=f"a={long}", HTTP_USER_AGENT="Okta")
    assert sum(entry.length for entry in writer._queue) < 20_000 + 5 * 2 * entries.SHORT
    found = idp.log()
    assert [row.query != "" for row in found] == [True, False, False, False, False]
    assert all(row.path.startswith("/scim/acme/v2/Nope/xxx") for row in found)
    assert [row.client for row in found] == ["Okta", "", "", "", ""]
    # What was written makes room again.
    idp.http.get("/scim/acme/v2/Nope", QUERY_STRING=f"a={long}")
    assert idp.log()[-1].query != ""


def test_a_database_that_fails_once_loses_nothing(idp: Idp, monkeypatch: pytest.MonkeyPatch) -> None:
    write, failures = writer._insert, iter([OperationalError("database is locked")])

    def fail_once(*told: Any) -> None:
        for failure in failures:
            raise failure
        write(*told)

    monkeypatch.setattr(writer, "_insert", fail_once)
    idp.get("/Users")
    assert len(idp.log()) == 1
    assert writer.dropped() == 0


def test_a_database_that_stays_away_costs_rows_only(idp: Idp, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_rows: Any) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr(writer, "_insert", fail)
    idp.get("/Users")
    assert idp.log() == []
    assert writer.dropped() == 1


def test_more_than_a_batch_is_written_whole(idp: Idp) -> None:
    for _number in range(writer.BATCH + 5):
        idp.get("/Users")
    assert len(idp.log()) == writer.BATCH + 5


@pytest.mark.django_db(transaction=True)
def test_a_thread_writes_behind_the_answers(idp: Idp, settings: Any) -> None:
    settings.SCIM_LOG_INTERVAL = 0.05
    try:
        idp.get("/Users", user_agent="Behind")
        assert _eventually(lambda: RequestLog.objects.filter(client="Behind").count() == 1)
        assert _eventually(lambda: Token.objects.get().last_used_at is not None)
    finally:
        writer.stop()


ONE_REQUEST_AND_OUT = """
import multiprocessing
import django
django.setup()
from django.test import Client

def serve():
    Client().get("/scim/acme/v2/Users")

process = multiprocessing.get_context("fork").Process(target=serve)
process.start()
process.join()
"""


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_leaves_writes_what_it_still_has(idp: Idp) -> None:
    environment = {"DATABASE_URL": url_of_the_test_database(), "SCIM_LOG_INTERVAL": "60"}
    environment |= {"DJANGO_SETTINGS_MODULE": "tests.settings"}
    command = [sys.executable, "-c", ONE_REQUEST_AND_OUT]
    subprocess.run(command, env={**os.environ, **environment}, check=True, timeout=60)
    assert [row.cause for row in idp.log()] == ["token-missing"]


def test_old_rows_are_pruned_and_young_ones_stay(idp: Idp, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "PRUNED_AT_ONCE", 2)
    for _number in range(7):
        idp.get("/Users")
    of_before = first_id_at(timezone.now() - timedelta(days=30, seconds=1))
    for number, row in enumerate(idp.log()[:5]):
        RequestLog.objects.filter(pk=row.pk).update(id=UUID(int=of_before.int + number))
    call_command("prune_request_log")
    assert RequestLog.objects.count() == 2


def test_of_each_organization_the_newest_rows_stay(idp: Idp, anonymous: Idp, settings: Any) -> None:
    settings.SCIM_LOG_ROWS = 3
    for _number in range(5):
        idp.get("/Users")
    anonymous.get("/Users")
    newest = [row.pk for row in idp.log()[-3:]]
    assert len(anonymous.log()) == 1
    call_command("prune_request_log")
    assert [row.pk for row in idp.log()] == newest
    assert len(anonymous.log()) == 1


def test_who_has_no_token_can_not_fill_the_log(idp: Idp, anonymous: Idp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit, "PER_ADDRESS", 3)
    monkeypatch.setattr(writer, "_minute", lambda _started: 7)
    for _number in range(6):
        idp.http.get(idp.base + "/Users")
    idp.get("/Users")
    idp.http.get(idp.base + "/Users", REMOTE_ADDR="192.0.2.1")
    anonymous.http.get(anonymous.base + "/Users")
    assert [(row.status, row.more) for row in idp.log()] == [(401, 0), (401, 0), (401, 3), (200, 0), (401, 0)]
    idp.http.get(idp.base + "/Users")
    assert [row.more for row in idp.log()] == [0, 0, 4, 0, 0]
    assert [row.more for row in anonymous.log()] == [0]


def test_many_addresses_of_one_stranger_are_bounded_together(idp: Idp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit, "PER_ADDRESS", 2)
    monkeypatch.setattr(rate_limit, "PER_ORGANIZATION", 4)
    monkeypatch.setattr(writer, "_minute", lambda _started: 7)
    for number in range(4):
        idp.http.get(idp.base + "/Users", REMOTE_ADDR=f"2001:db8::{number}")
    for number in range(4):
        idp.http.get(idp.base + "/Users", REMOTE_ADDR=f"198.51.100.{number}")
    assert [row.more for row in idp.log()] == [0, 2, 0, 2]
    assert idp.get("/Users").status_code == 200
    assert len(idp.log()) == 5


def _eventually(happened: Any) -> bool:
    deadline = time.monotonic() + 10
    while not happened() and time.monotonic() < deadline:
        time.sleep(0.05)
    return bool(happened())
