"""A person's own page: the profile and who owns it, role and status, groups, requests and history."""

import re
from dataclasses import replace

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from uuid_utils.compat import uuid7

from core.actors import Channel
from provisioning.models import RequestLog
from tests.signed_in import SignedIn, person
from tests.tenants import Tenant
from tests.users.views.test_user_actions import text
from users import profile as profiles
from users.models import Source, User
from users.permissions import BuiltIn
from users.services import accounts, groups
from users.views.user import facts, words

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


@pytest.fixture
def client(acme: Tenant, signed_in: SignedIn) -> Client:
    return signed_in(acme)


def page_of(client: Client, user: User) -> str:
    return client.get(f"/settings/users/{user.pk}/").content.decode()


def request_about(tenant: Tenant, user: User, result: str) -> None:
    RequestLog.objects.create(
        id=uuid7(), organization=tenant.organization, created_at=timezone.now(), request_id="r", method="PATCH",
        path=f"/Users/{user.pk}", status=200, result=result, duration_us=3400, token_label="smgr_abcdef",
        user_id=user.pk,
    )  # fmt: skip


def test_the_list_leads_to_it(acme: Tenant, client: Client) -> None:
    grace = acme.add("grace")
    assert (
        f'<a href="/settings/users/{grace.pk}/"><b>grace@acme.example</b></a>'
        in client.get("/settings/users/").content.decode()
    )
    assert "<h1>grace@acme.example</h1>" in page_of(client, grace)


def test_the_profile_is_shown_in_words(acme: Tenant, client: Client) -> None:
    profile = {
        "name": {"givenName": "Grace", "familyName": "Moss"},
        "emails": [{"value": "grace@acme.example", "type": "work", "primary": True}, {"value": "g@acme.example"}],
        "phoneNumbers": [{"value": "+1-555-0100", "type": "mobile"}],
        "addresses": [{"locality": "Boulder", "country": "US", "type": "work"}],
        ENTERPRISE: {"costCenter": "CC-1", "manager": {"value": "0", "$ref": "/Users/0", "displayName": "Ada"}},
    }
    said = text(page_of(client, acme.add("grace", profile=profile)))
    for words_ in (
        "Name: given name Grace", "Emails grace@acme.example (work, primary) g@acme.example",
        "Phone numbers +1-555-0100 (mobile)", "Addresses Boulder, US (work)", "Cost center CC-1", "Manager Ada",
    ):  # fmt: skip
        assert words_ in said


@pytest.mark.parametrize(
    ("source", "shown", "hidden"),
    [
        (Source.SCIM, "Managed by SCIM: the identity provider will overwrite these.", "no identity provider manages"),
        (Source.MANUAL, "Kept here: no identity provider manages this person.", "will overwrite"),
    ],
)
def test_it_says_who_owns_the_profile(source: Source, shown: str, hidden: str, acme: Tenant, client: Client) -> None:
    said = text(page_of(client, acme.add("grace", source=source)))
    assert shown in said and hidden not in said


def test_groups_are_shown_with_those_that_come_through_others(acme: Tenant, client: Client) -> None:
    grace = acme.add("grace")
    inner = groups.create("Platform", members=[grace.pk], by=acme.by)
    outer = groups.create("Engineering", members=[inner.pk], by=acme.by)
    groups.create("Everybody", members=[outer.pk], by=acme.by)
    groups.create("Sales", by=acme.by)
    said = text(page_of(client, grace))
    assert "Engineering through another group Everybody through another group Platform" in said
    assert "Platform through" not in said and "Sales" not in said
    assert "In no group" in text(page_of(client, acme.add("ivo")))


def test_its_requests_are_shown_and_no_others(acme: Tenant, globex: Tenant, client: Client) -> None:
    grace = acme.add("grace")
    request_about(acme, grace, "Long ago")
    request_about(acme, grace, "Renamed grace@acme.example")
    request_about(acme, acme.add("ivo"), "Suspended ivo")
    request_about(globex, grace, "Not ours")
    said = text(page_of(client, grace))
    assert "Renamed grace@acme.example" in said and "Long ago" in said
    assert "Suspended ivo" not in said and "Not ours" not in said


def test_its_history_is_shown(acme: Tenant, client: Client) -> None:
    grace = acme.add("grace")
    acme.update(grace, title="Director", nickName="G")
    said = text(page_of(client, grace))
    assert "Ada Moreau created grace@acme.example" in said
    assert "Ada Moreau changed grace@acme.example" in said
    assert re.search("Title, Nick name|Nick name, Title", said)


def test_its_history_names_channels_and_fields_as_the_audit_log_does(acme: Tenant, client: Client) -> None:
    grace = acme.add("grace")
    found = accounts.find(grace.pk, organization_id=acme.id)
    work = {"costCenter": "4130", "manager": {"value": str(grace.pk)}}
    by = replace(acme.by, channel=Channel.SCIM)
    accounts.update(found, {**profiles.read(found), "title": "Director", ENTERPRISE: work}, by=by)
    html = page_of(client, grace)
    assert '<td data-label="Through">SCIM</td>' in html
    assert '<td data-label="Through">Settings</td>' in html
    assert "urn:ietf" not in html.lower()
    (fields,) = re.findall('<td data-label="Fields">(Title[^<]*|[^<]*Title)</td>', html)
    assert sorted(fields.split(", ")) == ["Cost center", "Manager", "Title"]


def test_pieces_are_shown_to_those_who_may_see_them(acme: Tenant, signed_in: SignedIn) -> None:
    grace = acme.add("grace")
    read_only = page_of(signed_in(acme, BuiltIn.READ_ONLY), grace)
    main = read_only[read_only.index("<main") :]
    assert "<form" not in main
    assert "History" in main and "SCIM requests" in main and "<dd>App management</dd>" in main


@pytest.mark.parametrize("active", [True, False])
def test_the_buttons_fit_the_status(active: bool, acme: Tenant, client: Client) -> None:
    grace = acme.update(acme.add("grace"), active=active)
    page = page_of(client, grace)
    assert ('value="suspend"' in page) is active
    assert ('value="restore"' in page) is not active
    assert f"{grace.pk}.{grace.version}" in page


def test_whoever_looks_at_themselves_is_told_so(acme: Tenant, client: Client) -> None:
    admin = User.objects.of(acme.id).get(user_name_key="admin@acme.example")
    assert "This is you." in page_of(client, admin)
    assert "This is you." not in page_of(client, acme.add("grace"))


def test_a_role_is_changed_from_here_and_said_here(acme: Tenant, client: Client) -> None:
    grace = acme.add("grace")
    form = {
        "action": "role", "person": f"{grace.pk}.1", "role": str(acme.role(BuiltIn.IT).pk), "confirmed": "needless",
        "of_person": str(grace.pk),
    }  # fmt: skip
    answer = client.post("/settings/users/change/", form)
    assert answer.headers["Location"] == f"/settings/users/{grace.pk}/#access"
    assert "grace@acme.example was given the role IT." in text(page_of(client, grace))


def test_a_role_that_is_switched_off_stays_chosen(acme: Tenant, client: Client) -> None:
    grace = acme.add("grace", BuiltIn.FINANCE)
    type(grace.role).objects.filter(pk=grace.role_id).update(is_enabled=False)  # type: ignore[union-attr, misc]
    assert '<option value="">Finance</option>' in page_of(client, grace)


def test_whether_a_password_is_set_is_said_and_nothing_more(acme: Tenant, client: Client) -> None:
    ivo = person(acme, BuiltIn.HR, "ivo")
    page = page_of(client, ivo)
    assert "Password Set" in text(page) and ivo.password not in page
    assert "Password None yet" in text(page_of(client, acme.add("grace")))


def test_a_profile_full_of_markup_is_shown_as_sent(acme: Tenant, client: Client) -> None:
    profile = {"displayName": "<script>alert(1)</script>", "title": "<b>", "locale": "x" * 1000}
    page = page_of(client, acme.add("eve", profile=profile))
    assert "<script>alert" not in page and "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_it_costs_the_same_however_many_requests_there_are(acme: Tenant, client: Client) -> None:
    grace = acme.add("grace")
    page_of(client, grace)
    with CaptureQueriesContext(connection) as few:
        page_of(client, grace)
    for _ in range(15):
        request_about(acme, grace, "Again")
    with CaptureQueriesContext(connection) as many:
        page_of(client, grace)
    assert len(many) == len(few) <= 9


@pytest.mark.parametrize("address", ["/settings/users/no-uuid/", "/settings/users/1/", "/settings/users/%00/"])
def test_an_id_that_is_none_is_not_found(address: str, client: Client) -> None:
    assert client.get(address).status_code == 404


def test_words_are_made_of_attribute_names() -> None:
    assert words("userName") == "User name"
    assert words("name", "honorificPrefix") == "Name: honorific prefix"
    assert words("x509Certificates") == "X509 certificates"
    assert dict(facts({"userName": "a", "active": True, "roles": [], "x": [True, 1]})) == {
        "User name": ["a"],
        "X": ["Yes", "1"],
    }
