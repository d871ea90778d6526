"""The demo's data: two organizations that look alive, made once, with sign-ins and a token that work."""

import re
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit.models import AuditEvent
from core.actors import Actor, Channel
from core.bearer_tokens import digest
from domains.models import Domain
from organizations.models import Mail, Organization
from provisioning.models import IdentityProvider, RequestLog, Token
from provisioning.services.connections import connections
from provisioning.services.request_log import setup_steps
from provisioning.services.request_log.setup_steps import Step
from provisioning.views.request_log import search
from users.models import AccountRequest, Headcount, Role, Source, User
from users.permissions import Area, Level

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def on_a_developers_machine(settings: Any) -> None:
    settings.DEBUG = True


def seed() -> str:
    output = StringIO()
    call_command("seed_demo", stdout=output)
    return output.getvalue()


def test_two_organizations_look_alive() -> None:
    seed()
    organizations = Organization.objects.all()
    assert [organization.slug for organization in organizations] == ["acme", "globex"]
    for organization in organizations:
        people = User.objects.of(organization.pk)
        assert people.count() >= 12
        assert Headcount.objects.get(organization=organization).users == people.count()
        assert set(people.values_list("source", flat=True)) == {source.value for source in Source}
        assert people.filter(is_active=False).exists()
        assert people.values("role").distinct().count() >= 4
        assert AuditEvent.objects.filter(organization_id=organization.pk).values("action").distinct().count() >= 8
    assert dict(Domain.objects.values_list("name", "user_requests")) == {
        "acme.example": True,
        "acme-labs.example": True,
        "acme-partners.example": False,
        "acme-events.example": False,
        "globex.example": True,
    }


def test_the_request_log_tells_of_days_with_real_mistakes() -> None:
    seed()
    rows = RequestLog.objects.all()
    assert len(rows) == 200
    for organization in Organization.objects.all():
        moments = [row.created_at for row in rows if row.organization_id == organization.pk]
        assert moments == sorted(moments, reverse=True), "The newest must come first."
        assert (moments[0] - moments[-1]).days >= 4
        assert moments[0] < timezone.now()
    assert {row.status for row in rows} >= {200, 201, 204, 400, 401, 404, 409}
    assert all(row.cause for row in rows if row.status >= 400)
    assert all("{" not in row.result + row.path + row.query + "".join(row.arguments.values()) for row in rows)
    touched = {row.user_id for row in rows if row.user_id}
    assert touched == set(User.objects.filter(pk__in=touched).values_list("pk", flat=True))


def test_the_requests_are_those_of_the_first_connection_and_of_no_other() -> None:
    seed()
    for organization in Organization.objects.all():
        first = connections.default_connection(organization.pk)
        by = Actor(organization.pk, "Ada", Channel.PAGE)
        second = connections.add("Okta of the subsidiary", IdentityProvider.OKTA, by=by)
        connections.generate_token(second, by=by)
        assert search.latest_of(second, 10) == []
        assert len(search.latest_of(first, 10, others=False)) == 10


def test_the_checklist_goes_with_the_log() -> None:
    seed()
    for organization in Organization.objects.all():
        connection = connections.default_connection(organization.pk)
        steps = setup_steps.of(connection)
        assert set(steps) == set(Step) - {Step.GROUPS, Step.GROUPS_READ, Step.ADDRESS}
        for step in steps.values():
            assert step.done_at == RequestLog.objects.of(organization.pk).get(pk=step.done_request_id).created_at


def test_what_is_printed_works() -> None:
    said = seed()
    sign_ins = re.findall(r"(Acme|Globex), ([\w ]+?)  +(\S+@\S+) +(\S+)", said)
    assert {(company, role) for company, role, _, _ in sign_ins} == {
        ("Acme", "Admin"),
        ("Acme", "Domain manager"),
        ("Globex", "Admin"),
    }
    for company, role, address, password in sign_ins:
        user = User.objects.select_related("role").get(organization__name=company, user_name=address)
        assert user.role is not None and user.role.name == role
        assert user.check_password(password)
    assert "http://testserver/scim/acme/v2\n" in said
    shown = re.search(r"Bearer token +(\S+)", said)
    assert shown
    token = Token.objects.get(digest=digest(shown[1]))
    assert token.organization.slug == "acme"
    assert token in connections.live_tokens(token.connection)
    assert token.connection.enabled
    assert f"curl -H 'Authorization: Bearer {shown[1]}' 'http://testserver/scim/acme/v2/Users?count=3'" in said


def test_somebody_waits_for_an_account_and_no_mail_leaves() -> None:
    seed()
    asking = {(row.organization.slug, row.email, row.state) for row in AccountRequest.objects.all()}
    assert asking == {
        ("acme", f"{login}@acme.example", AccountRequest.State.WAITING) for login in ("rosalind", "samuel", "thea")
    }
    assert not Mail.objects.exists()


def test_one_organization_asks_for_support() -> None:
    seed()
    assert [each.slug for each in Organization.objects.all() if each.wants_support] == ["globex"]


def test_acme_has_a_role_of_its_own_with_people() -> None:
    seed()
    role = Role.objects.get(key="")
    assert (role.name, User.objects.filter(role=role).count()) == ("Service desk", 2)
    assert role.levels[Area.USERS] == Level.EDIT


def test_a_second_run_keeps_the_data_and_says_how_to_get_a_token() -> None:
    seed()
    before = set(User.objects.values_list("pk", "version")), RequestLog.objects.count(), Token.objects.count()
    with CaptureQueriesContext(connection) as statements:
        said = seed()
    assert len(statements) <= 2
    assert (set(User.objects.values_list("pk", "version")), RequestLog.objects.count(), Token.objects.count()) == before
    assert "manage.py scim acme generate-token" in said
    assert "smgr_" not in said
    assert "ada@acme.example" in said


def test_the_command_for_a_token_meets_the_same_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "sqlite:////tmp/a demo.sqlite3")
    seed()
    assert "DATABASE_URL='sqlite:////tmp/a demo.sqlite3' " in seed()


def test_it_refuses_where_debugging_is_off(settings: Any) -> None:
    settings.DEBUG = False
    with pytest.raises(CommandError) as refused:
        call_command("seed_demo")
    assert refused.value.returncode == 2
    assert "DEBUG=on" in str(refused.value)
    assert not Organization.objects.exists()
