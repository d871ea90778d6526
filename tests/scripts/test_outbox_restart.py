"""A mail that waits leaves once the mail server is back, also after a restart, and though nobody sends a request."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from organizations.models import Mail
from organizations.services import outbox
from scripts import serve
from scripts.postgres import free_port
from tests.mailserver import MailServer, mailserver
from tests.servers import Server, running, url_of_the_test_database, wait_until_alive
from tests.tenants import Tenant

__all__ = ["mailserver"]

PATIENCE = 30


def until(is_so: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and not is_so():
        time.sleep(0.1)
    return is_so()


def mail_to(tenant: Tenant, address: str) -> Mail:
    context = {"user": {"user_name": address, "organization": tenant.organization}, "password_reset_url": "https://x/"}
    return outbox.send("password_reset_key", to=address, context=context, organization_id=tenant.id)


def environment(mail_port: int, port: int) -> dict[str, str]:
    return {
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "DATABASE_URL": url_of_the_test_database(),
        "DATABASE_TIMEOUTS": "on",
        "BASE_URL": f"http://127.0.0.1:{port}",
        "EMAIL_URL": f"smtp://127.0.0.1:{mail_port}",
        "MAIL_IN_BACKGROUND": "on",
    }


def start(port: int) -> list[str]:
    return serve.server(host="127.0.0.1", port=port, workers=2)


@pytest.mark.django_db(transaction=True)
def test_a_mail_that_waits_leaves_after_a_restart_without_any_request(
    acme: Tenant, mailserver: MailServer, tmp_path: Path
) -> None:
    port, nobody_listens = free_port(), free_port()
    mail = mail_to(acme, "grace@acme.example")
    with running(start(port), environment(nobody_listens, port), tmp_path / "first") as process:
        wait_until_alive(Server(f"http://127.0.0.1:{port}", process, tmp_path / "first"))
        assert until(lambda: Mail.objects.filter(pk=mail.pk, attempts=1).exclude(failure="").exists())
    Mail.objects.update(due_at=mail.created_at)
    with running(start(port), environment(mailserver.port, port), tmp_path / "second"):
        assert until(lambda: Mail.objects.get(pk=mail.pk).state == Mail.State.SENT)
    assert [message["To"] for message in mailserver.received] == ["grace@acme.example"]


@pytest.mark.django_db(transaction=True)
def test_a_server_that_loads_the_application_where_it_serves_sends_too(
    acme: Tenant, mailserver: MailServer, tmp_path: Path
) -> None:
    mail = mail_to(acme, "grace@acme.example")
    command = [sys.executable, "-c", "import saasmanager.wsgi, time; time.sleep(60)"]
    with running(command, environment(mailserver.port, free_port()), tmp_path / "log"):
        assert until(lambda: Mail.objects.get(pk=mail.pk).state == Mail.State.SENT)
    assert len(mailserver.received) == 1


@pytest.mark.django_db(transaction=True)
def test_processes_that_are_forked_later_send_and_their_parent_does_not(
    acme: Tenant, mailserver: MailServer, tmp_path: Path
) -> None:
    program = (
        "import os, threading, time, saasmanager.wsgi\n"
        "time.sleep(3)\n"
        "senders = lambda: sum(thread.name == 'outbox' for thread in threading.enumerate())\n"
        "assert senders() == 1\n"
        "child = os.fork()\n"
        "if not child:\n"
        "    time.sleep(3)\n"
        "    os._exit(senders())\n"
        "assert not senders()\n"
        "assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1\n"
    )
    surroundings = environment(mailserver.port, free_port())
    with running([sys.executable, "-c", program], surroundings, tmp_path / "log") as process:
        assert process.wait(PATIENCE) == 0, (tmp_path / "log").read_text()


@pytest.mark.django_db(transaction=True)
def test_a_look_at_an_outbox_where_nothing_is_due_costs_one_statement(acme: Tenant) -> None:
    with CaptureQueriesContext(connection) as asked:
        assert outbox._look() == outbox.LONGEST_PAUSE
    assert len(asked) == 1
    assert "state" in asked[0]["sql"] and "due_at" in asked[0]["sql"]
