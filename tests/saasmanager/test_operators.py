"""The operators' pages, their sign-in, and what an operator sees of an organization that asks for support."""

from collections import defaultdict
from datetime import timedelta
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from audit.models import AuditEvent
from organizations.models import Organization, SupportAccess
from organizations.services import organizations, slugs, support
from provisioning.models import RequestLog
from tests.signed_in import PASSWORD, SignedIn, htmx, person
from tests.tenants import Tenant, open_tenant
from users.models import User
from users.permissions import BuiltIn

pytestmark = pytest.mark.django_db

LIST = "/admin/organizations/organization/"


@pytest.fixture
def operator() -> Client:
    """A browser in which the operator "root" has signed in."""
    User.objects.create_superuser("root", "root@ops.example", PASSWORD)
    cache.clear()
    client = Client()
    answer = client.post("/admin/login/", {"login": "root", "password": PASSWORD})
    assert answer.headers["Location"] == "/admin/"
    return client


def page_of(tenant: Tenant, verb: str = "change/") -> str:
    return f"{LIST}{tenant.id}/{verb}"


def ask_for_support(tenant: Tenant) -> None:
    support.request(True, by=tenant.by)


def enter(client: Client, tenant: Tenant) -> Any:
    return client.post(page_of(tenant, "enter/"))


def actions(tenant: Tenant) -> list[str]:
    return [event.action for event in tenant.events()]


# Signing in


def test_who_is_not_signed_in_is_asked_at_the_operators_own_door(db: None) -> None:
    answer = Client().get(LIST)
    assert answer.headers["Location"] == "/admin/login/?next=%2Fadmin%2Forganizations%2Forganization%2F"
    assert "Operators&#x27; sign-in" in Client().get("/admin/login/").content.decode()


@pytest.mark.parametrize("login", ["ada@acme.example", "{id}/ada@acme.example", "/ada@acme.example", "", "\x00"])
def test_people_of_an_organization_do_not_get_in_there(login: str, acme: Tenant) -> None:
    user = person(acme, BuiltIn.ADMIN, "ada")
    key = user.sign_in_key.partition("/")[0]
    cache.clear()
    client = Client()
    answer = client.post("/admin/login/", {"login": login.format(id=key), "password": PASSWORD})
    assert answer.status_code == 200
    assert "_auth_user_id" not in client.session


def test_operators_do_not_get_in_at_an_organizations_door(acme: Tenant, operator: Client) -> None:
    client = Client()
    client.post("/sign-in/acme/", {"login": "root", "password": PASSWORD})
    assert "_auth_user_id" not in client.session


def test_guessing_is_limited(operator: Client) -> None:
    cache.clear()
    anonymous = Client()
    for _ in range(5):
        anonymous.post("/admin/login/", {"login": "root", "password": "wrong"})
    answer = anonymous.post("/admin/login/", {"login": "root", "password": PASSWORD})
    assert "too many attempts" in answer.content.decode() or answer.status_code == 429
    assert "_auth_user_id" not in anonymous.session


def test_signing_out_leads_back_to_that_door(operator: Client) -> None:
    assert operator.post("/sign-out/").headers["Location"] == "/admin/login/"


# Organizations


def test_the_list_shows_size_and_health(operator: Client, acme: Tenant, globex: Tenant) -> None:
    acme.add("grace")
    for status in (200, 400):
        RequestLog.objects.create(
            organization=acme.organization, created_at=timezone.now(), request_id="r", method="GET", path="/Users",
            status=status, result="", duration_us=1, token_label="",
        )  # fmt: skip
    html = operator.get(f"{LIST}?q=acme").content.decode()
    assert "Globex" not in html
    cells = [part.partition("<")[0].partition(">")[2] for part in html.split('class="field-')[1:]]
    assert "Active" in cells
    assert [int(cell) for cell in cells if cell.isdigit()] == [1, 0, 1, 2, 1]


def test_a_long_list_is_paged_and_costs_the_same(operator: Client, django_assert_max_num_queries: Any) -> None:
    Organization.objects.bulk_create(Organization(name=f"Org {n:03}", slug=f"org-{n:03}") for n in range(120))
    with django_assert_max_num_queries(8):
        html = operator.get(LIST).content.decode()
    assert "Org 049" in html
    assert "Org 050" not in html
    assert "Org 119" in operator.get(f"{LIST}?p=3").content.decode()


def test_an_organization_is_made_and_its_admin_can_sign_in(operator: Client) -> None:
    form = {"name": "New Ltd", "slug": "new", "domain": "new.example", "admin_email": "ann@new.example"}
    html = operator.post(f"{LIST}add/", form).content.decode()
    organization = Organization.objects.get(slug="new")
    password = html.partition("<dt>Password</dt>")[2].partition("<code>")[2].partition("</code>")[0]
    cache.clear()
    client = Client()
    client.post("/sign-in/new/", {"login": "ann@new.example", "password": password})
    assert "_auth_user_id" in client.session
    event = AuditEvent.objects.of(organization.pk).get(action="organization.created")
    assert (event.actor_label, event.channel) == ("root (operator of SaaS Manager)", "operator")
    again = unescape(operator.post(f"{LIST}add/", form).content.decode())
    assert "already exists" in again
    assert 'value="ann@new.example"' in again
    assert Organization.objects.count() == 1


@pytest.mark.parametrize(
    "change", [{"name": ""}, {"slug": "a b"}, {"slug": ""}, {"domain": "no domain"}, {"admin_email": "nobody"}]
)
def test_what_makes_no_sense_makes_nothing_and_stays_typed(change: dict[str, str], operator: Client) -> None:
    form = {"name": "New Ltd", "slug": "new", "domain": "new.example", "admin_email": "ann@new.example"}
    answer = operator.post(f"{LIST}add/", form | change)
    assert answer.status_code == 200
    assert "error" in answer.content.decode()
    assert not Organization.objects.exists()


def test_suspending_ends_everything_at_once_and_reactivating_lets_in_again(
    operator: Client, acme: Tenant, signed_in: SignedIn
) -> None:
    admin = signed_in(acme)
    assert f'href="{page_of(acme, "suspend/")}"' in operator.get(page_of(acme)).content.decode()
    asked = operator.get(page_of(acme, "suspend/")).content.decode()
    assert "Suspend Acme?" in asked and 'name="reason"' in asked
    assert Organization.objects.get(pk=acme.id).is_active, "a look suspends nobody"
    operator.post(page_of(acme, "suspend/"), {"reason": "Unpaid since June"})
    assert admin.get("/settings/users/").status_code == 302
    shown = operator.get(page_of(acme)).content.decode()
    assert "Suspended: nobody signs in" in shown
    assert "Unpaid since June" in shown
    assert "Suspended" in operator.get(LIST).content.decode()
    event = acme.last_event()
    assert (event.action, event.changes["reason"]) == ("organization.suspended", [None, "Unpaid since June"])
    assert "suspended the organization Acme" in str(event)
    operator.post(page_of(acme, "reactivate/"), {"reason": "Paid"})
    assert acme.last_event().action == "organization.reactivated"
    assert Client().get("/sign-in/acme/").status_code == 200
    assert "Paid" in operator.get(page_of(acme)).content.decode()


@pytest.mark.parametrize("reason", ["", "  ", "x" * 301, "a\x00", "a\u2028b"])
def test_suspending_needs_a_reason_and_keeps_what_was_typed(reason: str, operator: Client, acme: Tenant) -> None:
    answer = operator.post(page_of(acme, "suspend/"), {"reason": reason})
    assert answer.status_code == 200
    assert 'class="errorlist"' in answer.content.decode()
    assert Organization.objects.get(pk=acme.id).is_active


def test_suspending_twice_is_told_of_once(operator: Client, acme: Tenant) -> None:
    for _ in range(2):
        answer = operator.post(page_of(acme, "suspend/"), {"reason": "Unpaid"}, follow=True)
    assert actions(acme).count("organization.suspended") == 1
    assert "Acme is suspended already." in answer.content.decode()


def test_what_is_not_there_is_not_there(operator: Client) -> None:
    for verb in ("change/", "history/", "suspend/", "reactivate/", "rename/", "first-admin/", "vouch/", "enter/"):
        assert operator.post(f"{LIST}{uuid4()}/{verb}", {"reason": "x"}).status_code == 404
    for address in ("users/", "users/user/", "organizations/formerslug/", "r/1/1/", "organizations/1/delete/"):
        assert operator.get(f"/admin/{address}").status_code == 404


def test_no_page_of_theirs_names_anybody(operator: Client, acme: Tenant) -> None:
    acme.add("grace", profile={"displayName": "Grace Hopper"})
    slugs.change("acme-ltd", expected_slug="acme", by=acme.by)
    for address in ("", "?q=grace", f"{acme.id}/change/", "add/"):
        html = operator.get(f"{LIST}{address}", follow=True).content.decode()
        assert "Grace" not in html
        assert "grace@" not in html
        assert "Ada Moreau" not in html
    assert "acme-ltd" in operator.get(page_of(acme)).content.decode()


# Support


@pytest.mark.parametrize("name", ["users", "organization", "audit-log", "profile"])
def test_settings_are_closed_to_operators_without_a_visit(name: str, operator: Client, acme: Tenant) -> None:
    assert operator.get(f"/settings/{name}/").status_code == 403


def test_nobody_enters_where_support_is_not_wanted(operator: Client, acme: Tenant) -> None:
    answer = operator.post(page_of(acme, "enter/"), follow=True)
    assert "has not asked for support" in answer.content.decode()
    assert operator.get("/settings/users/").status_code == 403
    assert not SupportAccess.objects.exists()


def test_nobody_is_offered_to_enter_what_is_suspended(operator: Client, acme: Tenant) -> None:
    ask_for_support(acme)
    page = page_of(acme)
    assert 'value="Enter Acme"' in operator.get(page).content.decode()
    organizations.suspend("They have not paid.", by=acme.by)
    html = operator.get(page).content.decode()
    assert "While it is suspended nobody looks at its Settings: reactivate it first." in html
    assert "Enter Acme" not in html and "You may look" not in html
    assert "Reactivate…" in html


def test_an_operator_sees_what_there_is_and_everybody_knows(
    operator: Client, acme: Tenant, globex: Tenant, signed_in: SignedIn
) -> None:
    ask_for_support(acme)
    acme.add("grace")
    globex.add("gabriel")
    assert enter(operator, acme).headers["Location"] == "/settings/"
    html = operator.get("/settings/users/?q=grace").content.decode()
    assert "grace@acme.example" in html
    assert "You are looking at <strong>Acme</strong>" in html
    assert "gabriel" not in operator.get("/settings/users/").content.decode()
    for page in ("/settings/organization/", "/settings/audit-log/"):
        assert operator.get(page).status_code == 200
    admin = signed_in(acme)
    html = admin.get("/settings/users/").content.decode()
    assert "Operator <strong>root</strong> of SaaS Manager is looking at your organization" in html
    assert "End support access now" in html
    assert "End support access now" not in signed_in(acme, BuiltIn.READ_ONLY).get("/settings/users/").content.decode()
    assert "is looking" not in signed_in(globex).get("/settings/users/").content.decode()


def test_entering_looking_and_leaving_are_in_the_organizations_log(operator: Client, acme: Tenant) -> None:
    ask_for_support(acme)
    enter(operator, acme)
    for _ in range(3):
        operator.get("/settings/users/?q=grace")
    operator.get("/settings/organization/", **htmx("domains"))
    operator.post("/admin/leave/")
    told = [event for event in acme.events() if event.channel == "support"]
    assert [(event.action, event.target_label) for event in reversed(told)] == [
        ("support.entered", "Acme"),
        ("support.viewed", "/settings/users/?q=grace"),
        ("support.viewed", "/settings/organization/"),
        ("support.left", "Acme"),
    ]
    assert {event.actor_label for event in told} == {"root (operator of SaaS Manager)"}
    assert operator.get("/settings/users/").status_code == 403


def filled(text: str) -> str:
    """With an id wherever one belongs."""
    return text.format_map(defaultdict(uuid4))


def test_a_visitor_changes_nothing(operator: Client, acme: Tenant) -> None:
    from tests.saasmanager.test_access import MATRIX, everything

    ask_for_support(acme)
    enter(operator, acme)
    before = everything(acme)
    for address, form, _ in MATRIX:
        if form is None or not address.startswith("/settings/"):
            continue
        address, values = filled(address), {name: filled(value) for name, value in form.items()}
        assert operator.post(address, values).status_code == 403
        assert operator.post(address, values, **htmx()).content.startswith(b"Operators look at")
    assert everything(acme) == before
    html = operator.get("/settings/users/").content.decode()
    assert 'role="switch"' not in html


def test_a_visitor_is_told_that_nothing_is_exported_and_reads_of_no_role(operator: Client, acme: Tenant) -> None:
    ask_for_support(acme)
    enter(operator, acme)
    assert "You can change and export nothing" in operator.get("/settings/users/").content.decode()
    for answer in (
        operator.get("/settings/users/export/"),
        operator.get("/settings/users/scim/log/export.csv"),
        operator.post("/settings/users/change/"),
    ):
        html = answer.content.decode()
        assert answer.status_code == 403
        assert "Operators can’t do this" in html and "not for your role" not in html


def test_nobody_elses_account_is_shown_as_the_visitors_own(operator: Client, acme: Tenant) -> None:
    ask_for_support(acme)
    enter(operator, acme)
    assert operator.get("/settings/profile/").headers["Location"] == "/settings/"


@pytest.mark.parametrize("how", ["switched off", "over", "held", "left elsewhere", "no operator any more"])
def test_a_visit_ends_with_the_next_request(how: str, operator: Client, acme: Tenant) -> None:
    ask_for_support(acme)
    enter(operator, acme)
    assert operator.get("/settings/users/").status_code == 200
    match how:
        case "switched off":
            support.request(False, by=acme.by)
        case "over":
            Organization.objects.filter(pk=acme.id).update(support_until=timezone.now() - timedelta(seconds=1))
        case "held":
            organizations.suspend("Unpaid", by=acme.by)
        case "left elsewhere":
            support.leave(SupportAccess.objects.get(), by=acme.by)
        case "no operator any more":
            User.objects.filter(user_name="root").update(is_active=False)
    assert operator.get("/settings/users/", **htmx()).status_code == 401
    assert operator.get("/settings/users/").status_code in (302, 403)


def test_a_visit_does_not_come_back_with_the_switch(operator: Client, acme: Tenant) -> None:
    ask_for_support(acme)
    enter(operator, acme)
    support.request(False, by=acme.by)
    ask_for_support(acme)
    assert operator.get("/settings/users/").status_code == 302
    assert list(support.operators_present(Organization.objects.get(pk=acme.id))) == []


def test_entering_another_organization_leaves_the_first(operator: Client, acme: Tenant) -> None:
    other = open_tenant("initech")
    ask_for_support(acme)
    ask_for_support(other)
    enter(operator, acme)
    enter(operator, other)
    assert "support.left" in actions(acme)
    assert "Initech" in operator.get("/settings/organization/").content.decode()


def test_the_switch_is_an_admins_and_lasts_a_week(acme: Tenant, signed_in: SignedIn) -> None:
    client = signed_in(acme)
    for _ in range(2):
        client.post("/settings/organization/support/", {"wanted": "on"})
    until = Organization.objects.get(pk=acme.id).support_until
    assert until is not None
    assert timedelta(days=6, hours=23) < until - timezone.now() <= timedelta(days=7)
    assert actions(acme).count("support.requested") == 1
    html = client.get("/settings/organization/").content.decode()
    assert "ends by itself after 7 days" in html
    assert "On until" in html
    client.post("/settings/organization/support/", {"wanted": "off"})
    assert acme.last_event().action == "support.ended"
    assert Organization.objects.get(pk=acme.id).support_until is None
