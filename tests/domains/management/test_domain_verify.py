"""``manage.py domain verify``: one domain, an organization's, or all that wait, as a timer calls it."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from domains import services
from domains.models import Domain
from tests.nameserver import NameServer
from tests.tenants import Tenant


def run(*arguments: str) -> Any:
    output = StringIO()
    call_command("domain", *arguments, "--json", stdout=output)
    return json.loads(output.getvalue().splitlines()[-1])


@pytest.fixture
def waiting(acme: Tenant, globex: Tenant, nameserver: NameServer) -> tuple[Domain, Domain]:
    """A domain of Acme's whose record is there, and one of Globex's whose record is not."""
    nameserver.know("globex-new.example")
    ours, theirs = services.add("acme-new.example", by=acme.by), services.add("globex-new.example", by=globex.by)
    nameserver.know(ours.record_name, ours.record_value)
    return ours, theirs


def test_a_timer_verifies_whatever_has_its_record(acme: Tenant, waiting: tuple[Domain, Domain]) -> None:
    ours, theirs = waiting
    said = run("verify", "--pending")
    assert (said["checked"], said["verified"]) == (2, 1)
    assert said["domains"] == [
        {"organization": "acme", "name": "acme-new.example", "verified": True, "verified_by": "dns",
         "user_requests": False, "finding": "found"},
        {"organization": "globex", "name": "globex-new.example", "verified": False, "verified_by": "",
         "user_requests": False, "finding": "missing"},
    ]  # fmt: skip
    ours.refresh_from_db()
    theirs.refresh_from_db()
    assert (ours.is_verified, theirs.is_verified, theirs.finding) == (True, False, "missing")
    event = acme.last_event()
    assert (str(event), event.channel) == ("Operator (command line) verified the domain acme-new.example", "command")
    # The next call finds less to do, and a command is never told to wait.
    assert run("verify", "--pending")["checked"] == 1


def test_one_organization_or_one_domain_leaves_the_others_alone(waiting: tuple[Domain, Domain]) -> None:
    assert [domain["name"] for domain in run("globex", "verify", "--pending")["domains"]] == ["globex-new.example"]
    assert [domain["name"] for domain in run("acme", "verify", "ACME-new.example")["domains"]] == ["acme-new.example"]
    assert run("acme", "verify", "acme.example")["verified"] == 1  # is so already, and stays so


def test_people_read_a_line_for_each_domain(waiting: tuple[Domain, Domain]) -> None:
    output = StringIO()
    call_command("domain", "verify", "--pending", stdout=output)
    assert output.getvalue().splitlines() == [
        "acme  acme-new.example  verified",
        "globex  globex-new.example  not verified: The record is not there yet.",
        "Checked 2, verified 1.",
    ]


def test_with_nothing_to_do_nothing_is_asked(acme: Tenant, nameserver: NameServer) -> None:
    assert run("verify", "--pending") == {"checked": 0, "verified": 0, "domains": []}
    assert nameserver.asked == []


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["acme"], "Say what to do with the domains of acme"),
        (["verify"], "Say what to do"),
        (["acme", "verify"], "--pending goes with verify alone, in place of a DOMAIN."),
        (["acme", "verify", "acme.example", "--pending"], "in place of a DOMAIN"),
        (["acme", "list", "--pending"], "goes with verify alone"),
        (["acme", "verify", "unknown.example"], "no domain unknown.example"),
        (["nobody", "verify", "--pending"], "There is no organization 'nobody'"),
    ],
)
def test_misuse_is_one_line_and_changes_nothing(acme: Tenant, arguments: list[str], reason: str) -> None:
    with pytest.raises(CommandError, match=reason) as refused:
        call_command("domain", *arguments)
    assert refused.value.returncode == 2
    assert "\n" not in str(refused.value)
