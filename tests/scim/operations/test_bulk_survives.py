"""What a bulk request was told to be done is done, whatever becomes of the server in the next moment."""

import json
from pathlib import Path

import psutil
import pytest

from scripts import serve
from scripts.postgres import free_port
from tests.identity_provider import open_acme
from tests.scim.operations.test_bulk import make, make_group, patch, statuses
from tests.servers import Server, running, url_of_the_test_database, wait_until_alive
from users.models import Group, Headcount, User


@pytest.mark.django_db(transaction=True)
def test_acknowledged_operations_survive_a_kill(tmp_path: Path) -> None:
    opened = open_acme()
    port = free_port()
    environment = {
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "DATABASE_URL": url_of_the_test_database(),
        "DATABASE_TIMEOUTS": "on",
        "BASE_URL": f"http://127.0.0.1:{port}",
    }
    title = {"op": "replace", "path": "title", "value": "Boss"}
    operations = [
        *(make(f"u{number}") for number in range(50)),
        make("bad", "nope"),
        make_group("Everybody", *(f"bulkId:u{number}" for number in range(50))),
        patch("/Users/bulkId:u7", title),
    ]
    with running(serve.server(host="127.0.0.1", port=port, workers=1), environment, tmp_path / "log") as process:
        server = Server(f"http://127.0.0.1:{port}", process, tmp_path / "log")
        wait_until_alive(server)
        answer = server.request(
            "POST",
            "/scim/acme/v2/Bulk",
            headers={"Authorization": f"Bearer {opened.bearer_token}", "Content-Type": "application/scim+json"},
            body=json.dumps({"Operations": operations}),
        )
        # The workers first, who have a group of their own and would outlive the one that watches over them.
        for each in (*psutil.Process(process.pid).children(recursive=True), process):
            each.kill()
    assert statuses(answer.json()["Operations"]) == ["201"] * 50 + ["400", "201", "200"]
    users = User.objects.of(opened.organization.pk)
    assert users.count() == Headcount.objects.get(organization=opened.organization).users == 50
    assert '"title":"Boss"' in users.get(user_name_key="u7@acme.example").document
    assert Group.objects.get(organization=opened.organization).members.count() == 50
