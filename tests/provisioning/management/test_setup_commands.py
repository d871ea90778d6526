"""The operators' commands: what they print for people and programs, what they change, and how they refuse."""

import json
import os
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from audit.models import AuditEvent
from core.actors import Actor, Channel, operator_at_the_command_line
from core.bearer_tokens import digest
from domains.models import Domain
from domains.services import add
from organizations.models import Organization
from provisioning.models import Brake, Token
from users.models import User

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parents[3]


def run(*arguments: str) -> Any:
    """Run a command with --json and return what its last line says."""
    output = StringIO()
    call_command(*arguments, "--json", stdout=output)
    return json.loads(output.getvalue().splitlines()[-1])


def text_of(*arguments: str) -> str:
    output = StringIO()
    call_command(*arguments, stdout=output)
    return output.getvalue()


def refusal_of(*arguments: str) -> str:
    with pytest.raises(CommandError) as refused:
        call_command(*arguments)
    assert refused.value.returncode == 2
    assert "\n" not in str(refused.value)
    return str(refused.value)


@pytest.fixture
def acme() -> Organization:
    run("create_organization", "Acme", "--slug", "acme")
    return Organization.objects.get(slug="acme")


def test_create_organization_says_everything_that_a_program_needs() -> None:
    made = run(
        *("create_organization", "Acme GmbH", "--slug", "acme", "--domain", "acme.example"),
        *("--domain-without-requests", "partners.example", "--admin", "Ada@acme.example", "--enable-scim"),
    )
    acme = Organization.objects.get(slug="acme")
    assert made["organization"] == {"id": str(acme.pk), "slug": "acme", "name": "Acme GmbH"}
    assert made["scim"]["base_url"] == "http://testserver/scim/acme/v2"
    assert made["scim"]["enabled"] is True
    token = Token.objects.of(acme.pk).get()
    assert token.digest == digest(made["scim"]["bearer_token"])
    assert made["admin"]["email"] == "Ada@acme.example"
    ada = User.objects.of(acme.pk).get()
    assert ada.is_active and ada.role is not None and ada.role.name == "Admin"
    assert ada.check_password(made["admin"]["password"])
    assert dict(Domain.objects.of(acme.pk).values_list("name", "user_requests")) == {
        "acme.example": True,
        "partners.example": False,
    }
    assert all(domain.is_verified for domain in Domain.objects.of(acme.pk))


def test_create_organization_makes_neither_token_nor_admin_unasked() -> None:
    made = run("create_organization", "Acme", "--slug", "acme")
    assert made["scim"] == {"base_url": "http://testserver/scim/acme/v2", "bearer_token": None, "enabled": False}
    assert made["admin"] is None
    assert not User.objects.exists() and not Token.objects.exists()


def test_a_generated_token_waits_for_scim_to_be_enabled() -> None:
    made = run("create_organization", "Acme", "--slug", "acme", "--generate-token")
    assert made["scim"]["bearer_token"].startswith("smgr_")
    assert made["scim"]["enabled"] is False


def test_a_given_password_is_the_admins_password() -> None:
    password = "correct-horse-battery"
    run("create_organization", "A", "--slug", "a", "--admin", "x@elsewhere.example", "--admin-password", password)
    assert User.objects.get().check_password(password)


def test_create_organization_tells_a_person_the_secrets_once() -> None:
    text = text_of("create_organization", "Acme", "--slug", "acme", "--admin", "ada@acme.example", "--enable-scim")
    assert "http://testserver/scim/acme/v2" in text
    assert "not shown again" in text
    shown = next(line.split()[-1] for line in text.splitlines() if line.startswith("Bearer token"))
    assert Token.objects.get().digest == digest(shown)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["Acme Two", "--slug", "acme"], "already exists"),
        (["Acme", "--slug", "Not A Slug"], "lower-case letters"),
        (["", "--slug", "empty"], "Name: "),
        (["x" * 121, "--slug", "long"], "120"),
        (["New", "--slug", "new", "--domain", "no domain"], "'no domain' is not a valid domain name"),
        (["New", "--slug", "new", "--domain", "localhost"], "full domain name"),
        (["New", "--slug", "new", "--domain", "a.example", "--domain", "A.example"], "registered already"),
        (["New", "--slug", "new", "--admin", "nobody"], "not an e-mail address"),
        (["New", "--slug", "new", "--admin", "a@b.example", "--admin-password", "short"], "password"),
        (["New", "--slug", "new", "--admin-password", "correct-horse-battery"], "--admin EMAIL"),
        (["New"], "--slug"),
        (["New\udcff", "--slug", "new"], "UTF-8"),
    ],
)
def test_create_organization_refuses_in_one_line_and_makes_nothing(
    acme: Organization, arguments: list[str], said: str
) -> None:
    assert said in refusal_of("create_organization", *arguments)
    assert Organization.objects.get() == acme
    assert not User.objects.exists() and not Domain.objects.exists()


def test_the_way_from_no_token_to_a_working_one_and_back(acme: Organization) -> None:
    assert "Generate a token" in refusal_of("scim", "acme", "enable")
    made = run("scim", "acme", "generate-token")["scim"]
    assert made["enabled"] is False
    assert Token.objects.of(acme.pk).get().digest == digest(made["bearer_token"])
    assert run("scim", "acme", "enable")["scim"]["enabled"] is True
    status = run("scim", "acme", "status")["scim"]
    assert status["enabled"] is True
    assert status["bearer_token"] is None
    assert [token["prefix"] for token in status["tokens"]] == [made["bearer_token"][:11]]
    assert run("scim", "acme", "disable")["scim"]["enabled"] is False


def test_strict_mode_is_turned_on_and_off(acme: Organization) -> None:
    assert run("scim", "acme", "status")["scim"]["strict"] is False
    assert run("scim", "acme", "strict")["scim"]["strict"] is True
    assert text_of("scim", "acme", "status").startswith(
        "SCIM of Acme, connection 'Default', is off, strict mode is on.\n"
    )
    assert run("scim", "acme", "lenient")["scim"]["strict"] is False
    assert text_of("scim", "acme", "status").startswith("SCIM of Acme, connection 'Default', is off.\n")


def test_a_second_token_leaves_the_first_alive(acme: Organization) -> None:
    first, second = (run("scim", "acme", "generate-token")["scim"]["bearer_token"] for _ in range(2))
    prefixes = [token["prefix"] for token in run("scim", "acme", "status")["scim"]["tokens"]]
    assert prefixes == [second[:11], first[:11]]


def test_a_token_has_the_name_that_was_given_and_status_says_when_it_retires(acme: Organization) -> None:
    run("scim", "acme", "generate-token", "--name", "JumpCloud, November")
    assert "'jumpcloud, november' already" in refusal_of(
        "scim", "acme", "generate-token", "--name", "jumpcloud, november"
    )
    Token.objects.update(retires_at="2099-12-03T10:30:00+00:00")
    (token,) = run("scim", "acme", "status")["scim"]["tokens"]
    assert (token["name"], token["retires_at"]) == ("JumpCloud, November", "2099-12-03T10:30:00+00:00")
    text = text_of("scim", "acme", "status")
    assert f"'JumpCloud, November' ({token['prefix']}…)" in text
    assert "retires 2099-12-03 10:30 UTC, not used yet" in text


def test_the_sixth_token_is_refused(acme: Organization) -> None:
    for _ in range(5):
        run("scim", "acme", "generate-token")
    assert "Revoke one" in refusal_of("scim", "acme", "generate-token")


def test_status_never_shows_a_token(acme: Organization) -> None:
    secret = run("scim", "acme", "generate-token")["scim"]["bearer_token"]
    text = text_of("scim", "acme", "status")
    assert secret[:11] in text
    assert secret not in text


def test_a_person_is_told_that_the_new_token_is_not_valid_yet(acme: Organization) -> None:
    assert "manage.py scim acme enable" in text_of("scim", "acme", "generate-token")
    assert "not used yet" in text_of("scim", "acme", "enable")
    assert "manage.py scim acme enable" not in text_of("scim", "acme", "generate-token")


def test_a_domain_comes_goes_and_has_its_checkmark_switched(acme: Organization) -> None:
    added = {"name": "acme.example", "verified": True, "verified_by": "operator", "user_requests": False}
    assert run("domain", "acme", "add", "ACME.example")["domain"] == added
    assert run("domain", "acme", "allow", "acme.example")["domain"]["user_requests"] is True
    assert run("domain", "acme", "list")["domains"] == [{**added, "user_requests": True}]
    assert run("domain", "acme", "disallow", "acme.example")["domain"]["user_requests"] is False
    run("domain", "acme", "remove", "acme.example")
    assert run("domain", "acme", "list")["domains"] == []
    assert "no domains" in text_of("domain", "acme", "list")


def test_a_domain_in_letters_beyond_ascii_is_kept_in_its_dns_form(acme: Organization) -> None:
    assert run("domain", "acme", "add", "Bücher.example")["domain"]["name"] == "xn--bcher-kva.example"
    assert run("domain", "acme", "allow", "bücher.example")["domain"]["user_requests"] is True


def test_the_list_reads_well(acme: Organization) -> None:
    run("domain", "acme", "add", "acme.example")
    assert "acme.example  verified by operator, User requests off" in text_of("domain", "acme", "list")


def test_commands_are_audited_as_the_operators_doing(acme: Organization) -> None:
    run("domain", "acme", "add", "acme.example")
    run("domain", "acme", "allow", "acme.example")
    run("scim", "acme", "generate-token")
    run("scim", "acme", "enable")
    events = list(AuditEvent.objects.filter(organization_id=acme.pk))
    assert [event.action for event in events] == [
        "scim.enabled", "scim.token-generated", "domain.allowed", "domain.added", "organization.created",
    ]  # fmt: skip
    assert {(event.channel, event.actor_label) for event in events} == {("command", "Operator (command line)")}


def test_user_requests_need_a_verified_domain(acme: Organization) -> None:
    add("acme.example", by=operator_at_the_command_line(acme.pk))
    assert "Verify acme.example" in refusal_of("domain", "acme", "allow", "acme.example")
    assert "acme.example  not verified, User requests off" in text_of("domain", "acme", "list")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["scim", "nobody", "status"], "There is no organization 'nobody'. Slugs of those that there are: acme."),
        (["domain", "nobody", "list"], "There is no organization 'nobody'. Slugs of those that there are: acme."),
        (["scim", "acme", "explode"], "generate-token"),
        (["scim", "acme"], "action"),
        (["domain", "acme", "add"], "needs a DOMAIN"),
        (["domain", "acme", "list", "acme.example"], "takes no DOMAIN"),
        (["domain", "acme", "add", "-"], "not a valid domain name"),
        (["domain", "acme", "allow", "unknown.example"], "no domain unknown.example"),
        (["domain", "acme", "remove", "unknown.example"], "no domain unknown.example"),
    ],
)
def test_wrong_input_is_one_clear_line(acme: Organization, arguments: list[str], said: str) -> None:
    assert said in refusal_of(*arguments)


def test_before_the_first_organization_the_refusal_says_how_to_make_one() -> None:
    assert "create_organization" in refusal_of("scim", "acme", "status")


def test_a_domain_verified_by_another_organization_is_refused_without_naming_it(acme: Organization) -> None:
    run("create_organization", "Globex", "--slug", "globex", "--domain", "shared.example")
    said = refusal_of("domain", "acme", "add", "shared.example")
    assert "lobex" not in said


@pytest.mark.parametrize(
    "arguments",
    [["scim", "--no-such-option"], ["domain", "acme"], ["create_organization"], ["scim", "acme", "explode"]],
)
def test_the_shell_sees_one_line_on_stderr_and_exit_status_2(arguments: list[str]) -> None:
    environment = {**os.environ, "DATABASE_URL": "sqlite://:memory:", "DJANGO_SETTINGS_MODULE": "tests.settings"}
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "usage" not in done.stderr


def test_a_second_connection_is_set_up_by_its_name(acme: Organization) -> None:
    added = run("scim", "acme", "add-connection", "--connection", "Okta", "--identity-provider", "okta")["scim"]
    assert (added["connection"], added["identity_provider"], added["tokens"]) == ("Okta", "okta", [])
    run("scim", "acme", "generate-token", "--connection", "okta")
    assert run("scim", "acme", "enable", "--connection", "okta")["scim"]["enabled"] is True
    assert run("scim", "acme", "status")["scim"]["enabled"] is False
    assert "It has 'Default', 'Okta'." in refusal_of("scim", "acme", "status", "--connection", "Entra")
    assert "already" in refusal_of("scim", "acme", "add-connection", "--connection", "OKTA")


def test_a_brake_that_holds_is_released_from_a_shell(acme: Organization) -> None:
    run("scim", "acme", "generate-token")
    assert "holds nothing back" in refusal_of("scim", "acme", "release")
    Brake.objects.filter(organization=acme).update(paused_since=timezone.now(), gone=10, people=50)
    assert "manage.py scim acme release" in text_of("scim", "acme", "status")
    assert run("scim", "acme", "status")["scim"]["provisioning_paused"] is True
    first = text_of("scim", "acme", "release").splitlines()[0]
    until = Brake.objects.get(organization=acme).counts_from
    assert until is not None
    assert first == f"Released: the mass-change brake holds nothing back until {until:%Y-%m-%d %H:%M} UTC."
    assert "Released" not in text_of("scim", "acme", "status")
    assert run("scim", "acme", "status")["scim"]["provisioning_paused"] is False
    assert AuditEvent.objects.filter(organization_id=acme.pk).latest("id").action == "scim.brake-resumed"


def test_an_operator_vouches_for_a_domain_that_an_admin_has_added(acme_with_domain: Organization) -> None:
    text = text_of("domain", "acme", "add", "new.example")
    assert "new.example, which Ada Moreau had added, is verified by operator now." in text
    assert run("domain", "acme", "allow", "new.example")["domain"]["verified_by"] == "operator"
    assert "registered already" in refusal_of("domain", "acme", "add", "new.example")
    assert "Do you mean initech.example?" in refusal_of("domain", "acme", "add", "https://www.initech.example/")


@pytest.fixture
def acme_with_domain() -> Organization:
    """An organization whose Admin has added a domain on the page."""
    run("create_organization", "Acme", "--slug", "acme")
    acme = Organization.objects.get()
    add("new.example", by=Actor(acme.pk, "Ada Moreau", Channel.PAGE))
    return acme
