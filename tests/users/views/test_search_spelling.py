"""Every search of the pages finds people as people spell them, those who were invited too; SCIM filters stay exact."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

import domains.services
from provisioning.services.connections import connections
from tests.identity_provider import Idp, read
from tests.signed_in import SignedIn
from tests.tenants import Tenant, waiting_request
from users.models import User
from users.permissions import BuiltIn
from users.services import accounts, groups, invitations

pytestmark = pytest.mark.django_db

USERS, AUDIT_LOG, DOMAINS = "/settings/users/", "/settings/audit-log/", "/settings/organization/"

PEOPLE = {
    "u1": "José García",
    "u2": "Jürgen Müller",
    "u3": "Elif Yılmaz",
    "u4": "Zoë O’Neill",
    "u5": "Søren Ørsted",
    "u6": "김민수",
    "u7": "Иван Ёлкин",
}
TYPED = {
    "garcia": "u1",
    "jose garcía": "u1",
    "muller": "u2",
    "müller": "u2",
    "MUELLER": "u2",
    "yilmaz": "u3",
    "zoe": "u4",
    "o'neill": "u4",
    "soren orsted": "u5",
    "김민": "u6",
    "елкин": "u7",
    "u7@acme": "u7",
}


@pytest.fixture
def client(acme: Tenant, signed_in: SignedIn) -> Client:
    return signed_in(acme)


@pytest.fixture
def idp(acme: Tenant) -> Idp:
    _, text = connections.generate_token(acme.connection, by=acme.by)
    connections.set_enabled(acme.connection, True, by=acme.by)
    return Idp(acme.organization, text)


def add(tenant: Tenant) -> None:
    for login, name in PEOPLE.items():
        given, _, family = name.partition(" ")
        names = {"givenName": given, "familyName": family} if family else {"formatted": name}
        tenant.add(login, profile={"name": names})


def html(client: Client, address: str, **query: str) -> str:
    return client.get(address, query).content.decode()


def found(client: Client, address: str, section: str, **query: str) -> set[str]:
    """The logins that a list shows."""
    table = html(client, address, **query).partition(f'id="{section}"')[2].partition("</table>")[0]
    return {*re.findall(r"\b(u\d)@", re.sub(r"<caption.*?</caption>|value=\"[^\"]*\"", "", table))}


def test_people_are_found_in_the_list(acme: Tenant, client: Client) -> None:
    add(acme)
    assert {typed: found(client, USERS, "users", q=typed) for typed in TYPED} == {
        typed: {login} for typed, login in TYPED.items()
    }


def test_a_changed_name_is_found_by_the_new_one_only(acme: Tenant, client: Client) -> None:
    add(acme)
    acme.update(User.objects.get(user_name="u1@acme.example"), name={"givenName": "José", "familyName": "Núñez"})
    assert found(client, USERS, "users", q="nunez") == {"u1"}
    assert found(client, USERS, "users", q="garcia") == set()


def test_the_audit_log_is_searched_by_the_names_of_those_whom_it_is_about(acme: Tenant, client: Client) -> None:
    add(acme)
    for field in ("q", "target"):
        assert {typed: found(client, AUDIT_LOG, "audit-log", **{field: typed}) for typed in TYPED} == {
            typed: {login} for typed, login in TYPED.items()
        }, field


def test_the_audit_log_is_searched_by_the_name_of_who_acted_and_of_groups(acme: Tenant, client: Client) -> None:
    oneself = User.objects.get(user_name="admin@acme.example")
    acme.update(oneself, displayName="Chloë Çelik")
    client.post("/settings/organization/support/", {"wanted": "on"})
    assert "let operators look at" in html(client, AUDIT_LOG, actor="celik")
    assert "No event fits" in html(client, AUDIT_LOG, actor="celika")
    groups.create(display_name="Équipe Ingénierie", external_id="", by=acme.by)
    assert "Équipe Ingénierie" in html(client, AUDIT_LOG, q="equipe ingenierie")


def test_who_is_gone_is_found_in_the_audit_log(acme: Tenant, client: Client) -> None:
    add(acme)
    accounts.delete(
        accounts.find(User.objects.get(user_name="u4@acme.example").pk, organization_id=acme.id), by=acme.by
    )
    assert "deleted <b>u4@acme.example</b>" in re.sub(r"</?b>Ada Moreau(</b>)?", "", html(client, AUDIT_LOG, q="zoe"))


def test_who_was_invited_is_found_from_the_list_of_users(acme: Tenant, client: Client) -> None:
    acme.add("u1")
    invitations.invite(["anna.smith@müller.example", "ben@other.example"], role=acme.role(BuiltIn.HR), by=acme.by)
    for typed in ("anna.smith", "muller.example", "MÜLLER", "xn--mller-kva"):
        page = html(client, USERS, q=typed)
        assert "No users match, only pending invitations." in page and "Nobody fits" not in page, typed
        link = re.search(r'Pending invitations: <a href="([^"]+)">1 match</a>', page)
        assert link, typed
        listed = html(client, link[1].replace("&amp;", "&").partition("#")[0])
        assert "anna.smith@xn--mller-kva.example" in listed and "ben@other.example" not in listed
    assert ">2 matches</a>" in html(client, USERS, q="example")
    assert "Pending invitations" not in html(client, USERS, q="u1@")
    assert "Pending invitations" not in html(client, USERS)
    assert "Pending invitations" not in html(client, USERS, q="smith", source="scim")
    hr, it = str(acme.role(BuiltIn.HR).pk), str(acme.role(BuiltIn.IT).pk)
    assert "Pending invitations" not in html(client, USERS, q="smith", role=it)
    assert f"role={hr}" in html(client, USERS, q="smith", role=hr).partition("Pending invitations")[2][:300]


def test_a_search_costs_no_statement_more(acme: Tenant, client: Client) -> None:
    add(acme)
    client.get(USERS)
    counts = []
    for query in ({"status": "active"}, {"status": "active", "q": "garcia"}, {"status": "active", "q": "müller"}):
        with CaptureQueriesContext(
            connection,
        ) as statements:
            client.get(USERS, query)
        counts.append(len(statements))
    assert counts[1:] == [counts[0]] * 2


def test_account_requests_and_domains_are_found_alike(acme: Tenant, client: Client) -> None:
    waiting_request(acme, "u1", "Zoë García")
    waiting_request(acme, "u2", "Ann Smith")
    assert found(client, USERS, "user-requests", request="zoe garcia") == {"u1"}
    assert found(client, USERS, "user-requests", request="u2@acme") == {"u2"}
    domains.services.add("bücher.example", by=acme.by)
    for typed in ("bucher", "bücher", "BUECHER", "xn--bcher"):
        assert "bücher.example" in html(client, DOMAINS, domain=typed), typed


@pytest.mark.parametrize(
    ("filter", "hits"),
    [
        ('displayName eq "Muller"', 0),
        ('displayName co "mueller"', 0),
        ('displayName co "müller"', 1),
        ('name.familyName eq "Yilmaz"', 0),
        ('userName eq "zoe@acme.example"', 0),
        ('userName eq "zoë@acme.example"', 1),
    ],
)
def test_scim_filters_compare_as_ever(filter: str, hits: int, idp: Idp) -> None:
    idp.create("a@acme.example", displayName="Müller")
    idp.create("b@acme.example", name={"familyName": "Yılmaz"})
    idp.create("zoë@acme.example")
    assert read(idp.get("/Users", {"filter": filter}))["totalResults"] == hits
