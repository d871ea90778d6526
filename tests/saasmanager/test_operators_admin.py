"""Django's admin for operators: its lists, what they hide, what they cost, and that services write."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.core.cache import cache
from django.db import connection
from django.db.models import Model
from django.test import Client, override_settings
from django.urls import path
from django.utils import timezone

import domains.services
from audit.actions import Action
from audit.models import AuditEvent
from audit.services import trail
from core.actors import Actor, Channel
from domains.models import Domain
from organizations.admin import without_links, without_people
from organizations.models import Mail, Organization, SupportAccess
from organizations.services import organizations, outbox, support
from provisioning.models import Connection, Token
from saasmanager import urls
from saasmanager.operators import OperatorSite
from tests.saasmanager.test_operators import operator
from tests.signed_in import PASSWORD, SignedIn, domain, signed_in, token
from tests.tenants import Tenant
from users.models import Group, Role, User
from users.permissions import BuiltIn

__all__ = ["domain", "operator", "signed_in", "token"]

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parents[2]

ORGANIZATIONS = "/admin/organizations/organization/"
MAILS = "/admin/organizations/mail/"
EVENTS = "/admin/audit/auditevent/"
LISTS = {
    Organization: ORGANIZATIONS,
    Mail: MAILS,
    AuditEvent: EVENTS,
    SupportAccess: "/admin/organizations/supportaccess/",
    Domain: "/admin/domains/domain/",
    Connection: "/admin/provisioning/connection/",
    Token: "/admin/provisioning/token/",
}
SECRET_NAMES = ("grace@acme.example", "Grace Hopper", "Ada Moreau", "for Grace")


def html(answer: Any) -> str:
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def by_root(tenant: Tenant, channel: Channel = Channel.OPERATOR) -> Actor:
    root = User.objects.get(user_name="root")
    return Actor(tenant.id, "root (operator of SaaS Manager)", channel, user_id=root.pk)


def a_mail(tenant: Tenant, **fields: Any) -> Mail:
    given = {
        "organization": tenant.organization, "name": "invitation", "to": "grace@acme.example", "attempts": 3,
        "subject": "Grace Hopper is invited", "text": "Dear Grace Hopper,\nhttps://saas.example.com/invitation/s3cr3t/",
        "failure": "451 4.2.0 <grace@acme.example>: greylisted", "due_at": timezone.now() + timedelta(hours=2),
    }  # fmt: skip
    return Mail.objects.create(**given | fields)


@pytest.fixture
def full(acme: Tenant, operator: Client, token: Token) -> Tenant:
    """An organization with a row of each model, all of which know a person by name."""
    Token.objects.update(name="for Grace", created_by_label="Grace Hopper")
    domains.services.add("labs.example", verified=True, by=acme.by)
    a_mail(acme)
    grace = acme.add("grace", profile={"displayName": "Grace Hopper"})
    trail.record(Action.USER_CREATED, grace, {"profile": [None, {"displayName": "Grace Hopper"}]}, by=by_root(acme))
    root = by_root(acme, Channel.SUPPORT)
    visit = SupportAccess.objects.create(
        organization=acme.organization, operator_id=root.user_id, operator_label="root"
    )
    trail.record(Action.SUPPORT_VIEWED, visit, by=root, label="/settings/users/?q=grace@acme.example")
    return acme


def pages_of(model: type[Model]) -> Iterator[str]:
    """The list of a model, and the page of each row that it has."""
    yield LISTS[model]
    rows = AuditEvent.objects.of_operators() if model is AuditEvent else model._default_manager.all()
    for row in rows:
        yield f"{LISTS[model]}{row.pk}/change/"


# As Django does it


def test_the_default_site_is_the_operators_and_finds_each_apps_models() -> None:
    assert isinstance(admin.site._wrapped, OperatorSite)  # type: ignore[attr-defined]
    assert set(admin.site._registry) == set(LISTS)
    assert OperatorSite.get_app_list is admin.AdminSite.get_app_list


def test_the_index_lists_the_models_of_each_app(operator: Client) -> None:
    index = html(operator.get("/admin/"))
    for address in LISTS.values():
        assert f'href="{address}"' in index
    app = html(operator.get("/admin/provisioning/"))
    assert "/admin/provisioning/token/" in app and MAILS not in app


def test_the_former_address_leads_there_with_path_and_query(operator: Client) -> None:
    answer = operator.get("/operator/organizations/organization/?q=a%20b&p=1")
    assert answer.headers["Location"] == f"{ORGANIZATIONS}?q=a%20b&p=1"
    assert Client().get("/operator/").headers["Location"] == "/admin/"
    assert operator.get("/operator//evil.example/").headers["Location"] == "/admin//evil.example/"


@pytest.mark.parametrize("model", LISTS)
def test_every_filter_of_a_list_can_be_chosen(model: type[Model], operator: Client) -> None:
    page = html(operator.get(LISTS[model]))
    for query in re.findall(r'<a href="(\?[^"]+)"', page):
        assert operator.get(LISTS[model] + query.replace("&amp;", "&")).status_code == 200, query


@override_settings(OPERATOR_URL="backstage/")
def test_the_former_address_does_not_tell_one_that_was_moved_but_to_operators(operator: Client) -> None:
    assert Client().get("/operator/").status_code == 404
    assert operator.get("/operator/").status_code == 302


@contextmanager
def registered(model: type[Model], admin_class: type[ModelAdmin[Any]] | None = None) -> Iterator[str]:
    """The address of a model that a developer has registered as Django's documentation does."""
    admin.register(model)(admin_class or type("PlainAdmin", (ModelAdmin,), {"search_fields": ("name",)}))
    try:
        with override_settings(ROOT_URLCONF=with_site(*admin.site.urls)):
            yield f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
    finally:
        admin.site.unregister(model)


def with_site(*site: Any) -> Any:
    patterns = [path("admin/", site), *urls.urlpatterns]
    return type("Addresses", (), {"urlpatterns": patterns, "handler400": urls.handler400})


def test_one_more_model_gets_the_pages_that_django_gives_it(operator: Client, acme: Tenant) -> None:
    with registered(Role) as address:
        role = acme.role(BuiltIn.HR)
        assert address in html(operator.get("/admin/"))
        assert str(role.pk) in html(operator.get(f"{address}?q=HR"))
        page = f"{address}{role.pk}/change/"
        assert 'name="name"' in html(operator.get(page))
        for other in ("add/", f"{role.pk}/history/", f"{role.pk}/delete/"):
            assert operator.get(f"{address}{other}").status_code == 200
        assert Client().get(address).headers["Location"].startswith("/admin/login/")


def test_a_plain_model_admin_saves_and_keeps_djangos_history(operator: Client, acme: Tenant) -> None:
    with registered(Group, type("GroupAdmin", (ModelAdmin,), {"fields": ("display_name",)})) as address:
        group = Group.objects.create(
            organization=acme.organization, display_name="Crew", created_at=timezone.now(), updated_at=timezone.now()
        )
        answer = operator.post(f"{address}{group.pk}/change/", {"display_name": "Team"})
        assert answer.status_code == 302
        assert "Changed" in html(operator.get(f"{address}{group.pk}/history/"))


def test_the_example_in_the_documentation_works(full: Tenant, operator: Client) -> None:
    example = (ROOT / "docs" / "architecture.md").read_text().partition("### A ModelAdmin for operators")[2]
    code = example.partition("```python\n")[2].partition("```")[0]
    group = Group.objects.create(
        organization=full.organization, display_name="Friends of Grace Hopper", created_at=timezone.now(),
        updated_at=timezone.now(),
    )  # fmt: skip
    try:
        exec(code, {"__name__": "example"})  # noqa: S102
        with override_settings(ROOT_URLCONF=with_site(*admin.site.urls)):
            assert str(group.pk) in html(operator.get("/admin/users/group/?q=acme"))
            page = f"/admin/users/group/{group.pk}/change/"
            assert "Grace" not in html(operator.get(page))
            support.request(True, by=full.by)
            assert "Friends of Grace Hopper" in html(operator.get(page))
            assert operator.post(page, {"display_name": "x"}).status_code == 403
    finally:
        admin.site.unregister(Group)


def test_organizations_are_narrowed_to_those_that_need_somebody(operator: Client, acme: Tenant, globex: Tenant) -> None:
    organizations.suspend("Unpaid", by=acme.by)
    support.request(True, by=globex.by)
    for query, name in (("state=suspended", "Acme"), ("state=active", "Globex"), ("support=on", "Globex")):
        shown = html(operator.get(f"{ORGANIZATIONS}?{query}"))
        assert shown.count('class="field-name"') == 1 and f">{name}</a>" in shown
    assert ">Acme</a>" in html(operator.get(f"{ORGANIZATIONS}?support=off"))


# Who gets in


@pytest.mark.parametrize("who", ["deactivated", "no superuser", "of an organization"])
def test_to_everybody_else_there_is_nothing(who: str, full: Tenant, operator: Client, signed_in: SignedIn) -> None:
    client = operator
    match who:
        case "deactivated":
            User.objects.filter(user_name="root").update(is_active=False)
        case "no superuser":
            User.objects.filter(user_name="root").update(is_superuser=False)
        case _:
            client = signed_in(full)
    addresses = [page for model in LISTS for page in pages_of(model)]
    for address in ("/admin/", "/admin/login/", "/admin/autocomplete/", "/admin/nowhere/", *addresses):
        assert client.get(address).status_code == 404, address
        assert client.post(address).status_code == 404, address


# Nobody's name


@pytest.mark.parametrize("model", LISTS, ids=lambda model: model.__name__)
def test_no_page_names_anybody_until_support_is_requested(model: type[Model], full: Tenant, operator: Client) -> None:
    for address in pages_of(model):
        shown = html(operator.get(address))
        assert [name for name in SECRET_NAMES if name in shown] == [], address
        history = html(operator.get(address.replace("/change/", "/history/"), follow=True))
        assert [name for name in SECRET_NAMES if name in history] == [], address


def test_mails_and_events_name_people_while_support_is_requested(full: Tenant, operator: Client) -> None:
    mail, event = Mail.objects.get(name="invitation"), AuditEvent.objects.get(action="user.created", channel="operator")
    assert "hidden" in html(operator.get(f"{MAILS}{mail.pk}/change/"))
    support.request(True, by=full.by)
    shown = html(operator.get(f"{MAILS}{mail.pk}/change/"))
    assert "grace@acme.example" in shown and "Grace Hopper is invited" in shown and "Dear Grace Hopper" in shown
    assert "s3cr3t" not in shown
    assert "Grace Hopper" in html(operator.get(f"{EVENTS}{event.pk}/change/"))
    organizations.suspend("Unpaid", by=full.by)
    assert "grace@" not in html(operator.get(f"{MAILS}{mail.pk}/change/"))


def test_reading_names_is_an_event_of_the_organization(full: Tenant, operator: Client) -> None:
    support.request(True, by=full.by)
    page = f"{MAILS}{Mail.objects.get(name='invitation').pk}/change/"
    for _ in range(2):
        operator.get(page)
    views = [event for event in full.events() if event.target_label == page]
    assert [(event.action, event.channel, event.actor_label) for event in views] == [
        ("support.viewed", "support", "root (operator of SaaS Manager)")
    ]


@pytest.mark.parametrize(
    "guess",
    [
        f"{MAILS}?to__startswith=grace", f"{MAILS}?subject__contains=Grace", f"{MAILS}?counted_as__isnull=0",
        f"{MAILS}?organization__slug=acme", "/admin/provisioning/token/?digest__startswith=a",
        "/admin/provisioning/token/?created_by__email=ada", f"{EVENTS}?target_label__contains=grace",
        f"{EVENTS}?target_id=a%00", "/admin/domains/domain/?created_by__startswith=Ada",
    ],
)  # fmt: skip
def test_nobody_guesses_at_names_by_what_a_list_finds(guess: str, full: Tenant, operator: Client) -> None:
    assert operator.get(guess).status_code == 400


@pytest.mark.parametrize("model", [*LISTS][1:], ids=lambda model: model.__name__)
def test_a_search_finds_an_organizations_rows_and_nobodys_name(
    model: type[Model], full: Tenant, operator: Client
) -> None:
    address = LISTS[model]
    for slug in ("acme", "ACME", str(full.id)):
        assert "field-tenant" in html(operator.get(f"{address}?q={slug}"))
    for text in ("globex", "grace", "Grace Hopper", "grace@", str(uuid4())):
        assert "field-tenant" not in html(operator.get(f"{address}?q={text}"))
    assert operator.get(f"{address}?q=%00").status_code == 200


def test_tokens_and_domains_are_found_by_what_they_are(full: Tenant, operator: Client) -> None:
    found = Token.objects.get()
    shown = html(operator.get(f"/admin/provisioning/token/?q={found.prefix}"))
    assert found.prefix in shown and found.digest not in shown
    assert "labs.example" in html(operator.get("/admin/domains/domain/?q=LABS"))
    assert "acme.example" not in html(operator.get("/admin/domains/domain/?q=labs"))


def test_completing_a_field_names_no_token(full: Tenant, operator: Client) -> None:
    field = "?app_label=provisioning&model_name=token&field_name=successor&term="
    answer = operator.get(f"/admin/autocomplete/{field}acme")
    assert [each["text"] for each in answer.json()["results"]] == [f"Token {Token.objects.get().prefix}…"]
    hidden = "?app_label=provisioning&model_name=token&field_name=created_by&term=ada"
    assert operator.get(f"/admin/autocomplete/{hidden}").status_code == 403


@pytest.mark.parametrize(
    ("failure", "shown"),
    [
        ("550 5.1.1 <grace@acme.example>: no such user", "550 5.1.1"),
        ("550 Grace is not here", "550"),
        ("[Errno 111] Connection refused", "[Errno 111] Connection refused"),
        ("Grace's address can't be mailed", "hidden"),
        ("", ""),
    ],
)
def test_a_failure_is_shown_without_the_words_that_may_name_somebody(failure: str, shown: str) -> None:
    assert without_people(failure) == shown


def test_a_mail_is_shown_without_its_links() -> None:
    assert without_links("Open\n  https://x.example/s3cr3t now") == "Open\n  [link] now"


# Services write


@pytest.mark.parametrize("model", LISTS, ids=lambda model: model.__name__)
def test_djangos_forms_change_and_delete_nothing(model: type[Model], full: Tenant, operator: Client) -> None:
    before = list(model._default_manager.order_by("pk").values())
    *_, page = pages_of(model)
    assert operator.post(page.replace("/change/", "/delete/"), {"post": "yes"}).status_code == 403
    assert operator.get(page.replace("/change/", "/delete/")).status_code == 403
    if model is not Organization:
        assert operator.get(f"{LISTS[model]}add/").status_code == 403
        assert operator.post(f"{LISTS[model]}add/", {}).status_code == 403
        assert operator.post(page, {"name": "x", "state": "sent", "to": "x@x.example"}).status_code == 403
    row = before[0]["id"]
    operator.post(LISTS[model], {"action": "delete_selected", "_selected_action": row, "post": "yes"})
    assert list(model._default_manager.order_by("pk").values()) == before


def test_an_organization_gets_another_name_and_slug_or_neither(operator: Client, acme: Tenant, globex: Tenant) -> None:
    page = f"{ORGANIZATIONS}{acme.id}/rename/"
    assert 'value="Acme"' in html(operator.get(page))
    form = {"name": "Acme Ltd", "slug": "globex", "expected_name": "Acme", "expected_slug": "acme"}
    assert "'globex' is taken" in html(operator.post(page, form))
    assert Organization.objects.get(pk=acme.id).name == "Acme"
    assert operator.post(page, {**form, "slug": "acme-ltd"}).status_code == 302
    renamed = Organization.objects.get(pk=acme.id)
    assert (renamed.name, renamed.slug) == ("Acme Ltd", "acme-ltd")
    events = [(event.action, event.channel) for event in acme.events()[:2]]
    assert sorted(events) == [("organization.slug-changed", "operator"), ("organization.updated", "operator")]
    assert "Somebody else has changed" in html(operator.post(page, {**form, "name": "Other"}))


def test_an_organization_without_an_admin_gets_one_who_can_sign_in(operator: Client, acme: Tenant) -> None:
    page = f"{ORGANIZATIONS}{acme.id}/first-admin/"
    assert page in html(operator.get(f"{ORGANIZATIONS}{acme.id}/change/"))
    shown = html(operator.post(page, {"admin_email": "ann@elsewhere.example"}))
    password = shown.partition("<dt>Password</dt>")[2].partition("<code>")[2].partition("</code>")[0]
    cache.clear()
    client = Client()
    client.post("/sign-in/acme/", {"login": "ann@elsewhere.example", "password": password})
    assert client.get("/settings/users/").status_code == 200
    event = acme.events()[1]
    assert (event.action, event.channel) == ("user.created", "operator")
    assert "has an Admin already" in html(operator.post(page, {"admin_email": "eve@elsewhere.example"}))
    assert page not in html(operator.get(f"{ORGANIZATIONS}{acme.id}/change/"))
    assert not User.objects.of(acme.id).filter(user_name="eve@elsewhere.example").exists()


def test_an_operator_vouches_for_a_domain(operator: Client, acme: Tenant) -> None:
    page = f"{ORGANIZATIONS}{acme.id}/vouch/"
    assert "acme.example is registered already" in html(operator.post(page, {"domain": "acme.example"}))
    assert operator.post(page, {"domain": "labs.example"}).status_code == 302
    found = Domain.objects.get(name="labs.example")
    assert (found.verified_by, found.user_requests) == ("operator", False)
    assert (acme.last_event().action, acme.last_event().channel) == ("domain.added", "operator")


def test_waiting_mails_are_tried_now_once(full: Tenant, operator: Client) -> None:
    waiting, leased = Mail.objects.get(name="invitation"), a_mail(full, due_at=timezone.now() + timedelta(minutes=4))
    sent = a_mail(full, state=Mail.State.SENT)
    chosen = {"action": "try_now", "_selected_action": [str(each.pk) for each in (waiting, leased, sent)]}
    answer = html(operator.post(MAILS, chosen, follow=True))
    assert "1 mail will leave at once." in answer and "2 not changed" in answer
    assert Mail.objects.get(pk=waiting.pk).due_at <= timezone.now()
    assert Mail.objects.get(pk=leased.pk).due_at == leased.due_at
    event = full.last_event()
    assert (event.action, event.channel, event.target_label) == ("mail.retried", "operator", "invitation")
    operator.post(MAILS, chosen)
    assert [event.action for event in full.events()].count("mail.retried") == 1


def test_nobody_tries_another_organizations_mail(acme: Tenant, globex: Tenant) -> None:
    assert not outbox.try_now(a_mail(acme).pk, by=globex.by)


def test_the_history_of_a_row_is_what_operators_did_to_it(full: Tenant, operator: Client) -> None:
    operator.post(f"{ORGANIZATIONS}{full.id}/vouch/", {"domain": "new.example"})
    found = Domain.objects.get(name="new.example")
    shown = html(operator.get(f"/admin/domains/domain/{found.pk}/history/", follow=True))
    assert "added the domain new.example" in shown and "labs.example" not in shown
    operator.post(f"{ORGANIZATIONS}{full.id}/suspend/", {"reason": "Unpaid"})
    shown = html(operator.get(f"{ORGANIZATIONS}{full.id}/history/", follow=True))
    assert "suspended the organization Acme" in shown and "new.example" in shown


def test_the_password_of_an_operator_is_changed_there(operator: Client) -> None:
    new = "a-battery-of-horses"
    form = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    assert "Password change successful" in html(operator.post("/admin/password_change/", form, follow=True))
    assert User.objects.get(user_name="root").check_password(new)


# Large lists


def crowd(tenant: Tenant, number: int) -> None:
    """Many rows of every model, of many organizations."""
    rows = [Organization(name=f"Org {n:03}", slug=f"org-{n:03}") for n in range(number)]
    Organization.objects.bulk_create(rows)
    for each in rows:
        Mail.objects.create(organization=each, name="m", to="a@x.example", subject="s")
        SupportAccess.objects.create(organization=each, operator_id=uuid4(), operator_label="root")
        domains.services.add("x.example", by=Actor(each.pk, "root", Channel.OPERATOR))
        found = Connection.objects.create(organization=each)
        Token.objects.create(organization=each, connection=found, name="t", digest=str(each.pk), prefix="smgr_1")


@pytest.mark.parametrize("model", LISTS, ids=lambda model: model.__name__)
def test_a_list_costs_the_same_however_long_it_is(
    model: type[Model], full: Tenant, operator: Client, django_assert_max_num_queries: Any
) -> None:
    crowd(full, 120)
    for address in (LISTS[model], f"{LISTS[model]}?p=2", f"{LISTS[model]}?q=acme"):
        with django_assert_max_num_queries(8):
            assert operator.get(address).status_code == 200
    assert html(operator.get(LISTS[model])).count("<tr>") <= 52


def test_no_list_counts_a_whole_table(full: Tenant, operator: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    crowd(full, 70)
    monkeypatch.setattr("console.operator_admin.MOST_LISTED", 60)
    assert "60 mails" in html(operator.get(MAILS))
    assert operator.get(f"{MAILS}?p=2").status_code == 200
    assert operator.get(f"{MAILS}?p=3").status_code == 302


def test_the_events_of_operators_have_an_index_of_their_own(full: Tenant) -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
    plan = AuditEvent.objects.of_operators()[:50].explain()
    assert "audit_by_operators" in plan
