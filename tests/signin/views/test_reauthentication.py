"""Before somebody becomes Admin the password is asked for once more, and what was sent is then carried on."""

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

import domains.services
from core.actors import Actor, Channel
from domains.models import Domain
from organizations.models import FormerSlug, Organization
from organizations.services import slugs
from provisioning.models import Connection, RoleRule
from provisioning.services.connections import connections
from tests.nameserver import NameServer
from tests.provisioning.views.connections.test_section import log, once
from tests.saasmanager.test_access import everything
from tests.signed_in import PASSWORD, SignedIn, htmx
from tests.tenants import Tenant, waiting_request
from tests.users.views.test_personal_tokens import once as once_for_oneself
from users.models import Invitation, Role, User
from users.permissions import BuiltIn
from users.services import accounts, invitations
from users.services.personal_tokens import TokenScope

Form = dict[str, Any]
Sent = tuple[str, Form]

SETTINGS, ORGANIZATION = "/settings/users/", "/settings/organization/"


def long_ago(client: Client) -> None:
    """Let the person have given the password longer ago than it counts."""
    session = client.session
    session["account_authentication_methods"] = []
    session.save()


def admin_of(tenant: Tenant) -> str:
    return str(tenant.role(BuiltIn.ADMIN).pk)


def provider(tenant: Tenant) -> Actor:
    return Actor(tenant.id, "SCIM token smgr_1…", Channel.SCIM)


def invite(tenant: Tenant) -> Sent:
    role = admin_of(tenant)
    return f"{SETTINGS}invitations/send/", {
        "addresses": "new@x.example\nother@x.example",
        "role": role,
        "confirmed": role,
    }


def give(tenant: Tenant) -> Sent:
    people = [f"{tenant.add(name).pk}.1" for name in ("grace", "hopper")]
    return f"{SETTINGS}change/", {"action": "role", "person": people, "role": admin_of(tenant), "confirmed": "read"}


def approve(tenant: Tenant) -> Sent:
    asked = str(waiting_request(tenant).pk)
    return f"{SETTINGS}requests/approve/", {"asked": asked, "role": admin_of(tenant), "confirmed": "read"}


def default(tenant: Tenant) -> Sent:
    return f"{SETTINGS}default-role/", {"role": admin_of(tenant), "confirmed": "read"}


def rule(tenant: Tenant) -> Sent:
    row = {"attribute": "group", "operator": "is", "value": "Owners", "role": admin_of(tenant)}
    return f"{SETTINGS}scim/role-rules/change/", {**row, "do": "save", "expected_version": "0"}


def switch(tenant: Tenant) -> Sent:
    return f"{SETTINGS}scim/{tenant.connection.pk}/switches/manage_admins/", {"wanted": "on"}


def fix(tenant: Tenant) -> Sent:
    row = log(tenant, status=403, cause="admin-not-given", arguments={})
    return f"{SETTINGS}scim/log/{row.pk}/switch/", {}


def go_back(tenant: Tenant) -> Sent:
    grace = tenant.add("grace", BuiltIn.ADMIN)
    tenant.add("other", BuiltIn.ADMIN)
    accounts.change_role(grace.pk, tenant.role(BuiltIn.HR), by=provider(tenant))
    return f"{SETTINGS}changes/{tenant.last_event().pk}/undo/", {"part": "roles", "expected_version": "2"}


def bring_back(tenant: Tenant) -> Sent:
    grace = tenant.add("grace", BuiltIn.ADMIN)
    tenant.add("other", BuiltIn.ADMIN)
    accounts.delete(accounts.find(grace.pk, organization_id=tenant.id), by=provider(tenant))
    return f"{SETTINGS}changes/{tenant.last_event().pk}/undo/", {"expected_version": "0"}


def leave(tenant: Tenant) -> Sent:
    role = tenant.role(BuiltIn.ADMIN)
    connections.set_manage_admins(tenant.connection, True, by=tenant.by)
    RoleRule.objects.create(
        organization=tenant.organization, position=1, attribute="title", value="Owner", value_key="owner", role=role
    )
    grace = tenant.add("grace", managed_by=tenant.connection.pk, given_by="provider", profile={"title": "Owner"})
    return f"{SETTINGS}scim/people/{grace.pk}/role-rules/", {}


def replace(tenant: Tenant) -> Sent:
    going = tenant.add("grace", "going").role
    assert going is not None
    return f"{SETTINGS}roles/{going.pk}/delete/", {
        "expected_version": "1",
        "confirmed": "read",
        "replacement": admin_of(tenant),
    }


def restore(tenant: Tenant) -> Sent:
    grace = tenant.add("grace", BuiltIn.ADMIN)
    tenant.add("other", BuiltIn.ADMIN)
    accounts.set_active(grace.pk, False, by=tenant.by)
    return f"{SETTINGS}change/", {"action": "restore", "person": [f"{grace.pk}.2"], "confirmed": "read"}


WAYS = (invite, give, approve, default, rule, switch, fix, go_back, bring_back, leave, replace, restore)


def state(tenant: Tenant) -> list[object]:
    return [*everything(tenant), list(RoleRule.objects.of(tenant.id).values("value", "role"))]


def fresh(tenant: Tenant) -> list[object]:
    """How much of Admin there is to be had in an organization."""
    admin = tenant.role(BuiltIn.ADMIN)
    return [
        User.objects.of(tenant.id).filter(role=admin, is_active=True).count(),
        Invitation.objects.of(tenant.id).filter(role=admin).count(),
        Role.objects.of(tenant.id).get(is_default=True).key,
        RoleRule.objects.of(tenant.id).filter(role=admin).count(),
        Connection.objects.of(tenant.id).filter(manage_admins=True).count(),
    ]


@pytest.mark.parametrize("script", [False, True], ids=["form", "script"])
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_the_password_is_asked_for_before_somebody_becomes_admin_and_then_it_is_done(
    way: Callable[[Tenant], Sent], script: bool, acme: Tenant, signed_in: SignedIn
) -> None:
    client = signed_in(acme)
    address, form = way(acme)
    before, admins = state(acme), fresh(acme)
    long_ago(client)
    asked = client.post(address, form, **(htmx() if script else {}))
    confirm = asked.headers["HX-Redirect" if script else "Location"]
    assert confirm.startswith("/confirm/?next=%2Fsettings%2F")
    assert state(acme) == before
    act = "let SCIM give and take the Admin role" if way in (switch, fix) else "give the role Admin"
    question = client.get(confirm).content.decode()
    assert f"To {act}, enter your password, admin@acme.example." in question
    assert re.search(r'<a class="button" href="/settings/[^"]*">Cancel</a>', question)
    assert f"To {act}, enter" in client.post(confirm, {"password": "wrong"}).content.decode()
    assert state(acme) == before
    done = client.post(confirm, {"password": PASSWORD})
    assert done.headers["Location"].startswith("/settings/")
    assert fresh(acme) != admins
    events = len(acme.events())
    # Nothing waits any more: to confirm again does nothing again, and says so.
    assert client.post(confirm, {"password": PASSWORD}).status_code == 409
    assert len(acme.events()) == events


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_who_has_just_given_the_password_is_not_asked(
    way: Callable[[Tenant], Sent], acme: Tenant, signed_in: SignedIn
) -> None:
    client = signed_in(acme)
    address, form = way(acme)
    admins = fresh(acme)
    assert client.post(address, form).headers["Location"].startswith("/settings/")
    assert fresh(acme) != admins


def test_all_that_was_chosen_is_carried_on(acme: Tenant, signed_in: SignedIn) -> None:
    client = signed_in(acme)
    address, form = invite(acme)
    long_ago(client)
    client.post(client.post(address, form).headers["Location"], {"password": PASSWORD})
    assert {each.email for each in Invitation.objects.of(acme.id)} == {"new@x.example", "other@x.example"}


def test_another_role_than_admin_is_given_without_the_password(acme: Tenant, signed_in: SignedIn) -> None:
    client, grace = signed_in(acme), acme.add("grace")
    long_ago(client)
    form = {
        "action": "role",
        "person": f"{grace.pk}.1",
        "role": str(acme.role(BuiltIn.READ_ONLY).pk),
        "confirmed": "read",
    }
    assert client.post(f"{SETTINGS}change/", form).headers["Location"].startswith("/settings/users/")
    grace.refresh_from_db()
    assert grace.role == acme.role(BuiltIn.READ_ONLY)


def test_turning_the_admin_switch_off_needs_no_password(acme: Tenant, signed_in: SignedIn) -> None:
    connections.set_manage_admins(acme.connection, True, by=acme.by)
    client = signed_in(acme)
    long_ago(client)
    address, _form = switch(acme)
    client.post(address, {"wanted": "off"})
    assert not Connection.objects.get(pk=acme.connection.pk).manage_admins


def test_what_was_given_up_is_not_done_with_the_next_confirmation(acme: Tenant, signed_in: SignedIn) -> None:
    client = signed_in(acme)
    address, form = give(acme)
    long_ago(client)
    client.post(address, form)
    other = client.post("/settings/organization/support/", {"wanted": "on"}).headers["Location"]
    admins = fresh(acme)
    client.post(other, {"password": PASSWORD})
    assert fresh(acme) == admins
    assert Organization.objects.get(pk=acme.id).wants_support


def test_rights_are_asked_again_when_it_is_carried_on(acme: Tenant, signed_in: SignedIn) -> None:
    client = signed_in(acme)
    address, form = give(acme)
    long_ago(client)
    confirm = client.post(address, form).headers["Location"]
    acme.add("other", BuiltIn.ADMIN)
    oneself = User.objects.of(acme.id).get(user_name_key__startswith="admin@")
    accounts.change_role(oneself.pk, acme.role("users.edit"), by=acme.by)
    admins = fresh(acme)
    client.post(confirm, {"password": PASSWORD})
    assert fresh(acme) == admins


def test_a_form_that_waited_is_gone_with_the_session(acme: Tenant, signed_in: SignedIn) -> None:
    client = signed_in(acme)
    address, form = give(acme)
    long_ago(client)
    confirm = client.post(address, form).headers["Location"]
    client.post("/sign-out/")
    admins = fresh(acme)
    assert client.post(confirm, {"password": PASSWORD}).headers["Location"].startswith("/sign-in/")
    assert fresh(acme) == admins


# All else that asks for the password


def generate(tenant: Tenant, client: Client) -> Sent:
    address = f"{SETTINGS}scim/{tenant.connection.pk}/generate-token/"
    return address, {"once": once(client), "name": "Okta, November", "expires": "90"}


def rotate(tenant: Tenant, client: Client) -> Sent:
    token, _ = connections.generate_token(tenant.connection, by=tenant.by)
    return f"{SETTINGS}scim/{tenant.connection.pk}/tokens/{token.pk}/rotate/", {"once": once(client), "by_itself": "on"}


def make_own(tenant: Tenant, client: Client) -> Sent:
    form = {"name": "SIEM", "scope": [TokenScope.READ_ME], "expires": "30"}
    return "/settings/profile/tokens/make/", {**form, "once": once_for_oneself(client)}


def verify(tenant: Tenant, client: Client) -> Sent:
    return f"{ORGANIZATION}domains/{domains.services.add('new.example', by=tenant.by).pk}/verify/", {}


def remove(tenant: Tenant, client: Client) -> Sent:
    return f"{ORGANIZATION}domains/{domains.services.add('new.example', by=tenant.by).pk}/remove/", {}


def let_operators_look(tenant: Tenant, client: Client) -> Sent:
    return f"{ORGANIZATION}support/", {"wanted": "on"}


def change_slug(tenant: Tenant, client: Client) -> Sent:
    return f"{ORGANIZATION}slug/change/", {"slug": "acme-new", "expected_slug": "acme"}


def end_slug(tenant: Tenant, client: Client) -> Sent:
    slugs.change("acme-new", expected_slug="acme", by=tenant.by)
    return f"{ORGANIZATION}slug/{FormerSlug.objects.of(tenant.id).get().pk}/end/", {}


def apply_address(tenant: Tenant, client: Client) -> Sent:
    grace = tenant.add("grace", BuiltIn.ADMIN)
    new = {"user_name": "g.hopper@acme.example", "email": "g.hopper@acme.example"}
    about = {"user_id": str(grace.pk), "user": grace.user_name, "email_before": grace.email, **new}
    row = log(tenant, status=403, cause="address-protected", arguments=about)
    return f"{SETTINGS}scim/log/{row.pk}/apply-address/", {}


def invite_again(tenant: Tenant, client: Client) -> Sent:
    invitations.invite(["new@x.example"], role=tenant.role(BuiltIn.ADMIN), by=tenant.by)
    row = Invitation.objects.of(tenant.id).get()
    return f"{SETTINGS}invitations/change/", {"action": "resend", "invitation": f"{row.pk}.{row.sent_count}"}


# What is sent, what the audit log has then, and what the page says.
OTHERS = [
    (generate, "scim.token-generated", "It is called Okta, November"),
    (rotate, "scim.token-rotated", "Copy this token now"),
    (make_own, "user.token-made", "Copy this token now"),
    (verify, "domain.verified", "Verified"),
    (remove, "domain.removed", "Removed new.example. Its people stay."),
    (let_operators_look, "support.requested", "Operators may look at your organization for 7 days."),
    (change_slug, "organization.slug-changed", "The slug is acme-new now."),
    (end_slug, "organization.slug-ended", "The former slug acme leads nowhere any more."),
    (apply_address, "user.address-applied", "g.hopper@acme.example has this address now."),
    (invite_again, "invitation.sent-again", "The invitation of new@x.example was sent again."),
]


@pytest.mark.parametrize("script", [False, True], ids=["form", "script"])
@pytest.mark.parametrize(("way", "action", "said"), OTHERS, ids=[row[0].__name__ for row in OTHERS])
def test_whatever_asks_for_the_password_is_done_once_it_is_given_and_says_so(
    way: Callable[[Tenant, Client], Sent],
    action: str,
    said: str,
    script: bool,
    acme: Tenant,
    signed_in: SignedIn,
    nameserver: NameServer,
) -> None:
    client = signed_in(acme)
    address, form = way(acme, client)
    if way is verify:
        new = Domain.objects.get(name="new.example")
        nameserver.know(new.record_name, new.record_value)
    long_ago(client)
    before = len(acme.events())
    asked = client.post(address, form, **(htmx() if script else {}))
    confirm = asked.headers["HX-Redirect" if script else "Location"]
    assert (len(acme.events()), 'name="form"' in client.get(confirm).content.decode()) == (before, True)
    done = client.post(confirm, {"password": PASSWORD}, follow=True)
    assert action in [event.action for event in acme.events()[: len(acme.events()) - before]]
    assert said in html.unescape(done.content.decode())


@pytest.mark.parametrize("way", [generate, remove], ids=lambda way: way.__name__)
def test_what_waits_no_longer_is_not_passed_over_in_silence(
    way: Callable[[Tenant, Client], Sent], acme: Tenant, signed_in: SignedIn
) -> None:
    client = signed_in(acme)
    address, form = way(acme, client)
    long_ago(client)
    confirm = client.post(address, form).headers["Location"]
    client.post(confirm, {"password": PASSWORD})
    again = client.post(confirm, {"password": PASSWORD})
    assert (again.status_code, "Nothing was done" in again.content.decode()) == (409, True)


def test_each_of_two_tabs_carries_on_with_what_it_was_asked_for(acme: Tenant, signed_in: SignedIn) -> None:
    client = signed_in(acme)
    first, second = rotate(acme, client), generate(acme, client)
    long_ago(client)
    confirm_first, confirm_second = (client.post(*each).headers["Location"] for each in (first, second))
    client.post(confirm_first, {"password": PASSWORD})
    assert [event.action for event in acme.events()[:1]] == ["scim.token-rotated"]
    client.post(confirm_second, {"password": PASSWORD})
    assert [event.action for event in acme.events()[:1]] == ["scim.token-generated"]


def test_a_refusal_after_the_password_says_why_and_keeps_what_was_chosen(acme: Tenant, signed_in: SignedIn) -> None:
    client = signed_in(acme)
    address, form = give(acme)
    long_ago(client)
    confirm = client.post(address, form).headers["Location"]
    grace = User.objects.get(user_name="grace@acme.example")
    acme.update(grace, title="Rear admiral")
    page = client.post(confirm, {"password": PASSWORD}, follow=True).content.decode()
    assert "grace@acme.example has been changed by somebody else" in page
    assert f'value="{grace.pk}.2" checked' in page
    assert page.count(" checked ") == 1, "the others are done"
