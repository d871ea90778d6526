"""A number of four digits and more has separators wherever a page shows it."""

import re
from datetime import UTC, datetime

import pytest
from django.test import Client

import domains.services
from audit.views import log
from core import sql
from provisioning.models import RequestLog
from provisioning.services.request_log import writer
from tests.signed_in import SignedIn
from tests.tenants import Tenant
from users import profile as profiles
from users.models import Headcount, Invitation, Role, Source, User
from users.permissions import BuiltIn
from users.services import invitations, roles

pytestmark = pytest.mark.django_db

MANY = 1_234

# What is no number of things: moments, addresses of things, code, what is typed, and years.
NO_NUMBERS = re.compile(
    r"<(script|style|time|code|textarea|select|option)\b.*?</\1>|<[^>]*>|\b20\d\d\b|saas-manager-[\w.=-]+", re.DOTALL
)


def crowd(tenant: Tenant, role: Role) -> None:
    """Many people with one role, many invitations and many refused requests."""
    people = []
    for number in range(MANY):
        user = User(organization_id=tenant.id, role=role, source=Source.SCIM, managed_by=tenant.connection.pk)
        profiles.write(user, {"userName": f"p{number}@acme.example"})
        user.password = "!"
        people.append(user)
    sql.insert(User, people)
    Headcount.objects.update(users=MANY + 1)
    invitations.invite(["a@x.example"], role=role, by=tenant.by)
    (one,) = Invitation.objects.all()
    fields = {f.attname: getattr(one, f.attname) for f in Invitation._meta.concrete_fields if f.name != "id"}
    many = [
        Invitation(**{**fields, "email": f"{each}@x.example", "email_key": f"{each}@x.example", "digest": str(each)})
        for each in range(MANY)
    ]
    sql.insert(Invitation, many)
    RequestLog.objects.bulk_create(
        RequestLog(
            organization=tenant.organization, created_at=datetime.now(UTC), request_id="r", method="POST",
            path="/Users", status=400, cause="domain-without-user-requests", result="Refused.", duration_us=3_400_000,
            more=MANY, arguments={"domain": domain},
        )
        for domain in ("acme.example", "elsewhere.example")
        for _ in range(MANY)
    )  # fmt: skip


def test_every_number_on_a_page_has_separators(
    acme: Tenant, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "LOOKED_THROUGH", MANY - 1_000)
    monkeypatch.setattr(writer, "dropped", lambda: MANY)
    client, role = signed_in(acme), roles.create("Own", {}, by=acme.by)
    other = domains.services.add("labs.example", verified=True, by=acme.by)
    crowd(acme, role)
    domain = domains.services.find("acme.example", organization_id=acme.id)
    row = RequestLog.objects.first()
    assert row is not None
    addresses = (
        *("users/", f"users/?role={role.pk}", "users/?status=invited", "users/?q=p1", "users/?q=x.example"),
        *(f"users/roles/{role.pk}/", "organization/", f"organization/domains/{domain.pk}/"),
        *(f"organization/domains/{other.pk}/", "audit-log/", "users/scim/log/", f"users/scim/log/{row.pk}/"),
        f"users/scim/{acme.connection.pk}/brake/",
    )
    bare = {address: found for address in addresses if (found := _bare(client, f"/settings/{address}"))}
    assert bare == {}
    page = _text(client, "/settings/users/")
    assert "1,235 people" in page and "1,235 invited" in page


def test_so_it_is_for_operators(acme: Tenant, signed_in: SignedIn) -> None:
    crowd(acme, acme.role(BuiltIn.HR))
    User.objects.create_superuser("root", "root@ops.example", "correct-horse-battery")
    client = Client()
    client.post("/admin/login/", {"login": "root", "password": "correct-horse-battery"})
    for address in ("/admin/organizations/organization/", f"/admin/organizations/organization/{acme.id}/change/"):
        assert "2,468" in _text(client, address)
        assert _bare(client, address) == []


def _bare(client: Client, address: str) -> list[str]:
    return re.findall(r"(?<![\w,.:/@-])\d{4,}(?![\w.@-])", _text(client, address))


def _text(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, address
    return " ".join(NO_NUMBERS.sub(" ", answer.content.decode()).split())
