"""``manage.py scim_test_run`` plays identity providers against a real server over HTTP, and says what it found."""

import json
import re
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from organizations.models import Organization
from provisioning.services.onboarding import open_organization
from provisioning.simulator.scripts import SCRIPTS
from tests.servers import Server
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def target(transactional_db: None, real_server: Server) -> tuple[str, str]:
    """The Base URL of an organization with the domain example.com, and its token."""
    # Of its own slug, for the server may still be writing its log when the next test's organization is there.
    slug = f"played-{uuid4().hex[:8]}"
    opened = open_organization(
        "Acme", slug, domains_with_requests=["example.com"], admin_email="ada@example.com", enable_scim=True
    )
    return f"{real_server.url}/scim/{slug}/v2", opened.bearer_token or ""


def run(client: str, base_url: str, token: str, *more: str) -> tuple[int, str]:
    """The exit status and what was printed."""
    printed = StringIO()
    try:
        call_command("scim_test_run", client, "--base-url", base_url, "--token", token, *more, stdout=printed)
    except SystemExit as left:
        return int(str(left.code)), printed.getvalue()
    return 0, printed.getvalue()


@pytest.mark.parametrize("client", SCRIPTS)
def test_every_client_passes_here_with_groups_and_leaves_nothing_behind(client: str, target: tuple[str, str]) -> None:
    status, printed = run(client, *target, "--groups", "--email", "test.user@example.com", "--json")
    report = json.loads(printed)
    assert [step for step in report["steps"] if step["result"] not in ("passed", "cleaned up")] == []
    assert (status, report["passed"], report["client"]) == (0, True, SCRIPTS[client].client)
    assert list(User.objects.values_list("user_name", flat=True)) == ["ada@example.com"]
    assert target[1] not in printed


def test_the_report_for_people_has_a_line_for_each_step_and_an_address_that_nobody_has(target: tuple[str, str]) -> None:
    status, printed = run("jumpcloud", *target)
    lines = printed.splitlines()
    assert status == 0
    assert lines[0].startswith("ok          200") and lines[0].endswith("Test Connection: read the list of users")
    assert lines[-1].startswith("JumpCloud with scim.play.")
    assert lines[-1].endswith("@example.com: 9 of 9 steps passed.")


@pytest.mark.parametrize("client", SCRIPTS)
def test_a_play_without_a_fault_passes_all_of_its_steps(client: str, target: tuple[str, str]) -> None:
    status, printed = run(client, *target, "--groups")
    passed, total = re.search(r": (\d+) of (\d+) steps passed\.$", printed.strip()).groups()  # type: ignore[union-attr]
    assert status == 0
    assert int(passed) == int(total) == sum(line.startswith("ok ") for line in printed.splitlines())


def test_a_domain_without_the_checkmark_fails_the_create_and_shows_the_mend(target: tuple[str, str]) -> None:
    status, printed = run("jumpcloud", *target, "--email", "test.user@elsewhere.example")
    assert status == 1
    assert "FAILED      400" in printed
    assert "The answer is 400, not 201. The server says: The e-mail domain 'elsewhere.example'" in printed
    assert "skipped" in printed


@pytest.mark.parametrize("slash", ["", "/", "//"])
def test_a_slash_at_the_end_of_the_base_url_does_no_harm(slash: str, target: tuple[str, str]) -> None:
    assert run("entra", target[0] + slash, target[1])[0] == 0


def test_a_wrong_token_is_said_before_anything_else(target: tuple[str, str]) -> None:
    status, printed = run("okta", target[0], "wrong", "--email", "test.user@example.com")
    assert status == 1
    assert "The server does not take the token." in printed
    assert Organization.objects.count() == 1


@pytest.mark.parametrize(
    ("base_url", "reason"),
    [
        ("saas.example.com/scim/acme/v2", "is no address such as https://"),
        ("ftp://127.0.0.1/v2", "is no address such as https://"),
        ("http://127.0.0.1:1/v2", "No answer: "),
    ],
)
def test_an_address_that_leads_nowhere_is_one_line(base_url: str, reason: str) -> None:
    with pytest.raises(CommandError) as refused:
        call_command("scim_test_run", "okta", "--base-url", base_url, "--token", "secret-token")
    assert refused.value.returncode == 2
    assert reason in str(refused.value)
    assert "secret-token" not in str(refused.value)


def test_a_server_without_users_asks_for_an_address(target: tuple[str, str], real_server: Server) -> None:
    opened: Any = open_organization("Empty", "played-empty", domains_with_requests=["empty.example"], enable_scim=True)
    with pytest.raises(CommandError, match="--email test.user@example.com"):
        run("okta", f"{real_server.url}/scim/played-empty/v2", opened.bearer_token)
