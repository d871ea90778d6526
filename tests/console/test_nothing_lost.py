"""What somebody has chosen in a form is still chosen when a rule refuses it, with and without the page's script."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from core.actors import Actor, Channel
from provisioning.models import IdentityProvider
from provisioning.services.connections import connections
from tests.signed_in import SignedIn
from tests.tenants import Tenant, waiting_request
from users.models import AccountRequest, Invitation, Role, User
from users.permissions import BuiltIn
from users.services import accounts, invitations, roles

pytestmark = pytest.mark.django_db

SETTINGS = "/settings/users/"

# What is sent, what the page has to say, and what must still be chosen in it, as the beginnings of tags.
Case = tuple[str, dict[str, Any], str, list[str]]


def ticks(tenant: Tenant) -> list[str]:
    return [f"{tenant.add(name).pk}.1" for name in ("grace", "hopper")]


def role_not_chosen(tenant: Tenant) -> Case:
    people = ticks(tenant)
    form = {"action": "role", "person": people, "role": "", "list": "q=acme&sort=name"}
    return "change/", form, "Choose the role", [f'name="person" value="{each}" checked' for each in people]


def nobody_ticked(tenant: Tenant) -> Case:
    role = tenant.role(BuiltIn.HR).pk
    return "change/", {"action": "role", "role": role}, "Tick the people first", [f'<option value="{role}" selected']


def too_many_ticked(tenant: Tenant) -> Case:
    people = [*ticks(tenant), *(f"{role.pk}.1" for role in Role.objects.all() for _ in range(20))]
    people += [f"01a22bd8-d600-7000-8000-{number:012}.1" for number in range(100)]
    tags = [f'name="person" value="{each}" checked' for each in people[:2]]
    return "change/", {"action": "suspend", "person": people}, "Tick at most 100 people", tags


def changed_meanwhile(tenant: Tenant) -> Case:
    people = ticks(tenant)
    grace = tenant.update(User.objects.get(user_name="grace@acme.example"), title="Rear admiral")
    form = {"action": "role", "person": people, "role": str(tenant.role(BuiltIn.HR).pk), "confirmed": "read"}
    role = tenant.role(BuiltIn.HR).pk
    return "change/", form, "changed by somebody else", [f'value="{grace.pk}.2" checked', f'"{role}" selected']


def on_the_page_of_a_person(tenant: Tenant) -> Case:
    grace = tenant.add("grace")
    expected_version, role = f"{grace.pk}.1", str(tenant.role(BuiltIn.HR).pk)
    tenant.update(grace, title="Rear admiral")
    form = {"action": "role", "person": expected_version, "of_person": grace.pk, "role": role, "confirmed": "needless"}
    return "change/", form, "changed by somebody else", [f'<option value="{role}" selected']


def invitations_changed_meanwhile(tenant: Tenant) -> Case:
    invitations.invite(["a@x.example", "b@x.example"], role=tenant.role(BuiltIn.HR), by=tenant.by)
    first, second = Invitation.objects.order_by("pk")
    form = {"action": "resend", "invitation": [f"{first.pk}.7", f"{second.pk}.1"], "list": "status=invited"}
    return "invitations/change/", form, "has been sent again since", [f'value="{first.pk}.1" checked']


def no_invitation_ticked(tenant: Tenant) -> Case:
    invitations.invite(["a@x.example"], role=tenant.role(BuiltIn.HR), by=tenant.by)
    return (
        "invitations/change/",
        {"action": "resend", "list": "status=invited&q=x"},
        "Tick the invitations",
        ['value="x"'],
    )


def requests_refused(tenant: Tenant) -> Case:
    asked = [waiting_request(tenant, login).pk for login in ("grace", "hopper")]
    tenant.tick(tenant.domain, False)
    role = tenant.role(BuiltIn.HR).pk
    form = {"asked": asked, "role": role, "list": "request=acme"}
    tags = [f'name="asked" value="{each}" checked' for each in asked]
    return "requests/approve/", form, "User requests", [*tags, f'<option value="{role}" selected', 'value="acme"']


def no_request_ticked(tenant: Tenant) -> Case:
    waiting_request(tenant, "grace"), waiting_request(tenant, "hopper")
    role = tenant.role(BuiltIn.HR).pk
    return "requests/approve/", {"role": role}, "Tick the requests first", [f'<option value="{role}" selected']


def connection_of_a_taken_name(tenant: Tenant) -> Case:
    form = {"name": str(tenant.connection), "identity_provider": IdentityProvider.OKTA.value}
    tags = ['id="new-connection" open', f'name="name" value="{tenant.connection}"', '"okta" selected']
    return "scim/connections/add/", form, "already. Choose another name.", tags


def connection_renamed_to_a_taken_name(tenant: Tenant) -> Case:
    other = connections.add("Okta", IdentityProvider.OKTA, by=tenant.by)
    form = {"name": str(tenant.connection), "identity_provider": IdentityProvider.OKTA.value}
    tags = ['id="this-connection" open', f'name="name" value="{tenant.connection}"']
    return f"scim/{other.pk}/change/", form, "already. Choose another name.", tags


def role_with_people_deleted_without_another(tenant: Tenant) -> Case:
    own = roles.create("Own", {}, by=tenant.by)
    accounts.change_role(tenant.add("grace").pk, own, by=tenant.by)
    replacement = tenant.role(BuiltIn.HR).pk
    form = {"expected_version": own.version + 5, "replacement": replacement, "confirmed": "read"}
    return f"roles/{own.pk}/delete/", form, "Own", [f'<option value="{replacement}" selected']


def undo_of_what_moved_on(tenant: Tenant) -> Case:
    grace = tenant.add("grace", profile={"title": "A", "nickName": "B"})
    by = Actor(tenant.id, "SCIM token 'Okta' (smgr_1…)", Channel.SCIM)
    _update(grace, by, title="C", nickName="D")
    event = tenant.last_event()
    form = {"part": ["title"], "expected_version": "1"}
    return f"changes/{event.pk}/undo/", form, "", ['name="part" value="title" checked']


def _update(user: User, by: Actor, **changes: Any) -> None:
    from django.db import transaction

    from users import profile as profiles

    with transaction.atomic():
        found = accounts.find(user.pk, organization_id=by.organization_id)
        accounts.update(found, {**profiles.read(found), **changes}, by=by)


CASES = (
    role_not_chosen, nobody_ticked, too_many_ticked, changed_meanwhile, on_the_page_of_a_person,
    invitations_changed_meanwhile, no_invitation_ticked, requests_refused, no_request_ticked,
    connection_of_a_taken_name, connection_renamed_to_a_taken_name, role_with_people_deleted_without_another,
    undo_of_what_moved_on,
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_what_was_chosen_is_still_there_where_it_is_refused(
    case: Callable[[Tenant], Case], acme: Tenant, signed_in: SignedIn
) -> None:
    client = signed_in(acme)
    address, form, said, tags = case(acme)
    before = [User.objects.count(), AccountRequest.objects.filter(state="waiting").count()]
    page = client.post(SETTINGS + address, form, follow=True).content.decode()
    assert said in page
    plain = re.sub(r"\s+", " ", page)
    assert [tag for tag in tags if tag not in plain] == []
    assert [User.objects.count(), AccountRequest.objects.filter(state="waiting").count()] == before


def test_what_was_kept_is_shown_once_and_not_to_others(acme: Tenant, signed_in: SignedIn) -> None:
    client, other = signed_in(acme), signed_in(acme, BuiltIn.READ_ONLY)
    address, form, _said, tags = role_not_chosen(acme)
    location = client.post(SETTINGS + address, form).headers["Location"]
    assert location.startswith(f"{SETTINGS}?q=acme&sort=name")
    assert " checked " not in _list(other, location)
    assert all(tag in _list(client, location) for tag in tags[:1])
    assert " checked " not in _list(client, location)


def _list(client: Client, address: str) -> str:
    return client.get(address).content.decode().partition("People of this organization")[2].partition("</table>")[0]


def test_too_much_to_keep_is_not_kept_and_breaks_nothing(acme: Tenant, signed_in: SignedIn) -> None:
    client = signed_in(acme)
    form = {"action": "role", "person": ticks(acme), "role": "", "more": "x" * 100_000}
    assert "Choose the role" in client.post(f"{SETTINGS}change/", form, follow=True).content.decode()
