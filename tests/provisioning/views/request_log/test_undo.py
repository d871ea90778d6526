"""Undo on the pages: what it comes to is said first, done once, and by whoever may."""

import html as markup
import re
from typing import Any

import pytest
from django.test import Client

from audit.models import AuditEvent
from provisioning.models import Connection, RequestLog
from provisioning.services.connections import connections
from provisioning.views.request_log import undo
from tests.identity_provider import Idp, read
from tests.saasmanager.test_operators import ask_for_support, enter, operator
from tests.signed_in import SignedIn
from tests.tenants import Tenant
from tests.users.views.test_user_actions import text
from users import profile as profiles
from users.models import Role, Source, User
from users.permissions import BuiltIn

__all__ = ["operator"]

AGAIN = "Your identity provider may send the change again"


@pytest.fixture
def idp(acme: Tenant) -> Idp:
    Connection.objects.of(acme.id).update(enabled=True)
    return Idp(acme.organization, connections.generate_token(acme.connection, by=acme.by)[1])


@pytest.fixture
def client(acme: Tenant, signed_in: SignedIn) -> Client:
    return signed_in(acme)


@pytest.fixture(autouse=True)
def _time_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """One answer has time for all of a request, however busy this machine is."""
    monkeypatch.setattr(undo, "UNDOES_FOR", 3600)


def replace(**attributes: Any) -> dict[str, Any]:
    return {"op": "replace", "value": attributes}


def last_event(tenant: Tenant) -> AuditEvent:
    return next(event for event in tenant.events() if event.target_type == "user")


def page_of(event: AuditEvent, back: str = "") -> str:
    return f"/settings/users/changes/{event.pk}/" + (f"?back={back}" if back else "")


def shown(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return text(answer.content.decode())


def confirm(client: Client, address: str, **instead: Any) -> str:
    """Open the page that asks, send its form as a browser does, and read what is said then."""
    return text(client.post(*filled(client, address, **instead), follow=True).content.decode())


def filled(client: Client, address: str, **instead: Any) -> tuple[str, dict[str, Any]]:
    """Where the form of a page is sent, and what."""
    page = client.get(address).content.decode()
    main = page[page.index("<main") :]
    form: dict[str, Any] = dict(re.findall(r'type="hidden" name="(expected_version|back)" value="([^"]*)"', main))
    form["part"] = re.findall(r'name="part" value="([^"]+)" checked', main)
    action = re.search(r'method="post" action="([^"]+)"', main)
    assert action
    return action[1], {
        name: markup.unescape(value) if name == "back" else value for name, value in form.items()
    } | instead


def title(person: str | User) -> Any:
    return profiles.read(User.objects.get(pk=getattr(person, "pk", person))).get("title")


def logged(idp: Idp) -> RequestLog:
    """The last request as the log has it."""
    return idp.log()[-1]


def page_of_request(row: RequestLog) -> str:
    return f"/settings/users/scim/log/{row.pk}/"


# From the request


def test_a_request_shows_what_it_changed_and_leads_to_its_undo(acme: Tenant, idp: Idp, client: Client) -> None:
    user_id = idp.create("grace@acme.example", title="Engineer")["id"]
    idp.patch(user_id, replace(title="Boss"))
    address = page_of_request(logged(idp))
    page = client.get(address).content.decode()
    assert re.search(r"What it changed .* changed grace@acme\.example title Engineer → became Boss Undo…", text(page))
    link = re.search(r'href="(/settings/users/changes/[^"]+)"', page)
    assert link
    said = shown(client, markup.unescape(link[1]))
    assert "Undo a change of grace@acme.example?" in said
    assert "Title title Boss → became Engineer" in said
    assert AGAIN in said
    assert title(user_id) == "Boss"
    after = confirm(client, markup.unescape(link[1]))
    assert "The change of grace@acme.example is undone." in after
    assert f"Request {address.split('/')[-2]}" in after
    assert "All of this is as it was before." in after
    assert title(user_id) == "Engineer"
    event = last_event(acme)
    assert (event.action, event.channel, event.actor_label) == ("user.change-undone", "page", "admin@acme.example")


@pytest.mark.parametrize(
    ("rights", "sees", "may_undo"),
    [
        ("sign-in.view", False, False),
        ("sign-in.view audit-log.view", True, False),
        ("sign-in.view users.view", False, False),
        ("sign-in.view users.edit", True, True),
    ],
)
def test_what_was_before_is_for_those_who_may_see_or_undo_it(
    rights: str, sees: bool, may_undo: bool, acme: Tenant, idp: Idp, signed_in: SignedIn
) -> None:
    idp.create("grace@acme.example")
    idp.patch(idp.users()[0].pk, replace(title="Boss"))  # type: ignore[arg-type]
    page = signed_in(acme, rights).get(page_of_request(logged(idp))).content.decode()
    assert ("What it changed" in page, "Undo…" in page) == (sees, may_undo)


def test_a_request_that_changed_nobody_shows_no_changes(acme: Tenant, idp: Idp, client: Client) -> None:
    user_id = idp.create("grace@acme.example")["id"]
    for send in (
        lambda: idp.get(f"/Users/{user_id}"),
        lambda: idp.patch(user_id, replace(active=True)),
        lambda: idp.patch(user_id, replace(userName="x@evil.example")),
    ):
        send()
        assert "What it changed" not in shown(client, page_of_request(logged(idp)))


def test_of_two_requests_at_the_same_time_each_shows_its_own(acme: Tenant, idp: Idp, client: Client) -> None:
    for name in ("ann", "bob"):
        idp.create(f"{name}@acme.example")
    first, second = idp.log()
    # Both began at the same moment and were long at work.
    RequestLog.objects.filter(pk__in=[first.pk, second.pk]).update(created_at=first.created_at, duration_us=5_000_000)
    assert "created bob@acme.example" not in shown(client, page_of_request(first))
    assert "created bob@acme.example" in shown(client, page_of_request(second))


# From the person, and from the audit log


def test_the_history_of_a_person_leads_to_the_undo_of_what_scim_did(acme: Tenant, idp: Idp, client: Client) -> None:
    user_id = idp.create("grace@acme.example", title="Engineer")["id"]
    idp.patch(user_id, replace(title="Boss"))
    acme.update(User.objects.get(pk=user_id), nickName="G")
    page = client.get(f"/settings/users/{user_id}/").content.decode()
    # The creation and the change; what somebody did here is changed here.
    links = re.findall(r'href="(/settings/users/changes/[^"]+)"', page)
    assert len(links) == 2
    after = confirm(client, links[0])
    assert "The change of grace@acme.example is undone." in after
    assert (title(user_id), profiles.read(User.objects.get(pk=user_id))["nickName"]) == ("Engineer", "G")
    # The undo can be undone; the change itself is as if it had not been.
    links = re.findall(
        r'href="(/settings/users/changes/[^"]+)"', client.get(f"/settings/users/{user_id}/").content.decode()
    )
    assert [link.split("/")[4] for link in links] == [
        str(last_event(acme).pk),
        str(AuditEvent.objects.get(action="user.created", target_id=user_id).pk),
    ]
    confirm(client, links[0])
    assert title(user_id) == "Boss"


def test_the_audit_log_leads_to_the_undo_of_a_removal(acme: Tenant, idp: Idp, client: Client) -> None:
    user_id = idp.create("grace@acme.example", title="Engineer", roles=[{"value": "HR"}])["id"]
    idp.create_group("Makers", user_id)
    assert idp.send("DELETE", f"/Users/{user_id}").status_code == 204
    page = client.get("/settings/audit-log/?action=user.deleted").content.decode()
    (link,) = re.findall(r'href="(/settings/users/changes/[^"]+)"', page)
    said = shown(client, markup.unescape(link))
    for sentence in (
        "Bring grace@acme.example back?",
        "is here again as the same person, with the profile below and the role HR",
        "Back in these groups, as far as they are still here: Makers.",
        "The password and personal tokens don't come back.",
        "Your identity provider may remove the user again",
        "Title Engineer",
    ):
        assert sentence in said
    assert "grace@acme.example is here again." in confirm(client, markup.unescape(link))
    assert title(user_id) == "Engineer"
    assert len(idp.members(read(idp.get("/Groups"))["Resources"][0]["id"])) == 1


def test_the_audit_log_offers_no_undo_to_whoever_may_not(acme: Tenant, idp: Idp, signed_in: SignedIn) -> None:
    idp.create("grace@acme.example")
    assert (
        "/settings/users/changes/"
        not in signed_in(acme, BuiltIn.READ_ONLY).get("/settings/audit-log/").content.decode()
    )


def test_the_audit_log_offers_an_undo_of_what_is_left_to_undo(acme: Tenant, idp: Idp, client: Client) -> None:
    user_id = idp.create("grace@acme.example")["id"]
    idp.patch(user_id, replace(title="Boss"))
    idp.send("DELETE", f"/Users/{user_id}")
    page = client.get("/settings/audit-log/").content.decode()
    # The person is not here, so there is neither a change nor the making of them to undo.
    (link,) = re.findall(r'href="/settings/users/changes/([^/]+)/', page)
    assert link == str(last_event(acme).pk)


# What is said


def test_undoing_the_making_of_a_person_says_that_they_are_removed(acme: Tenant, idp: Idp, client: Client) -> None:
    user_id = idp.create("grace@acme.example")["id"]
    event, back = last_event(acme), f"/settings/users/{user_id}/"
    said = shown(client, page_of(event, back))
    for sentence in ("Remove grace@acme.example again?", "can't sign in any more", "makes the user again"):
        assert sentence in said
    answer = client.post(*filled(client, page_of(event, back)))
    # Their page is gone with them.
    assert answer.headers["Location"] == "/settings/users/#users"
    assert "grace@acme.example was removed." in shown(client, "/settings/users/")
    assert not User.objects.filter(pk=user_id).exists()


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [(True, False, "can sign in again"), (False, True, "can't sign in any more, and every session")],
)
def test_it_says_what_becomes_of_the_access(
    before: bool, after: bool, sentence: str, acme: Tenant, idp: Idp, client: Client
) -> None:
    user_id = idp.create("grace@acme.example", active=before)["id"]
    idp.patch(user_id, replace(active=after))
    assert sentence in shown(client, page_of(last_event(acme)))
    confirm(client, page_of(last_event(acme)))
    assert User.objects.get(pk=user_id).is_active is before


def test_what_was_changed_again_is_shown_and_goes_back_on_purpose_only(acme: Tenant, idp: Idp, client: Client) -> None:
    user_id = idp.create("grace@acme.example", title="Engineer", nickName="A")["id"]
    idp.patch(user_id, replace(title="Boss", nickName="B"))
    event = last_event(acme)
    acme.update(User.objects.get(pk=user_id), title="Chief")
    said = shown(client, page_of(event))
    assert (
        "Title title Chief → became Engineer Somebody has changed this again since. The change had made it: Boss."
        in said
    )
    confirm(client, page_of(event))
    assert (title(user_id), profiles.read(User.objects.get(pk=user_id))["nickName"]) == ("Chief", "A")
    confirm(client, page_of(event), part=["title"])
    assert title(user_id) == "Engineer"


def test_nothing_ticked_is_told(acme: Tenant, idp: Idp, client: Client) -> None:
    user_id = idp.create("grace@acme.example", title="Engineer")["id"]
    idp.patch(user_id, replace(title="Boss"))
    assert "Tick what is to go back" in confirm(client, page_of(last_event(acme)), part=[])
    assert title(user_id) == "Boss"


def test_a_role_that_can_not_be_given_is_told_and_the_rest_goes_back(acme: Tenant, idp: Idp, client: Client) -> None:
    user_id = idp.create("grace@acme.example", title="Engineer", roles=[{"value": "HR"}])["id"]
    idp.patch(user_id, replace(title="Boss", roles=[{"value": "IT"}]))
    Role.objects.filter(pk=acme.role(BuiltIn.HR).pk).update(is_enabled=False)
    assert "The role “HR” can't be given any more" in shown(client, page_of(last_event(acme)))
    confirm(client, page_of(last_event(acme)))
    user = User.objects.get(pk=user_id)
    assert (title(user), user.role) == ("Engineer", acme.role(BuiltIn.IT))


def test_a_refusal_is_said_on_the_page_that_asked(acme: Tenant, idp: Idp, client: Client) -> None:
    user_id = idp.create("grace@acme.example")["id"]
    idp.patch(user_id, replace(userName="g@acme.example"))
    event = last_event(acme)
    idp.create("grace@acme.example")
    said = confirm(client, page_of(event))
    assert "Undo a change of g@acme.example?" in said
    assert "A user with the userName 'grace@acme.example' exists already." in said


def test_who_was_changed_while_the_page_was_open_is_left_alone(acme: Tenant, idp: Idp, client: Client) -> None:
    user_id = idp.create("grace@acme.example", title="Engineer")["id"]
    idp.patch(user_id, replace(title="Boss"))
    form = filled(client, page_of(last_event(acme)))
    idp.patch(user_id, replace(nickName="G"))
    answer = client.post(*form, follow=True)
    assert "has been changed by somebody else since you opened the page" in text(answer.content.decode())
    assert title(user_id) == "Boss"


def test_a_double_click_undoes_once(acme: Tenant, idp: Idp, client: Client) -> None:
    user_id = idp.create("grace@acme.example", title="Engineer")["id"]
    idp.patch(user_id, replace(title="Boss"))
    form = filled(client, page_of(last_event(acme)))
    client.post(*form)
    events = len(acme.events())
    assert "Nothing is left to undo." in text(client.post(*form, follow=True).content.decode())
    assert len(acme.events()) == events


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example/settings/", "/sign-out/", "nonsense\x00"])
def test_one_comes_back_to_the_settings_only(back: str, acme: Tenant, idp: Idp, client: Client) -> None:
    user_id = idp.create("grace@acme.example", title="Engineer")["id"]
    idp.patch(user_id, replace(title="Boss"))
    answer = client.post(*filled(client, page_of(last_event(acme)), back=back))
    assert answer.headers["Location"] == f"/settings/users/{user_id}/#history"


@pytest.mark.parametrize("expected_version", ["", "x", "-1", "9" * 30, "²"])
def test_a_form_that_can_not_be_read_changes_nothing(
    expected_version: str, acme: Tenant, idp: Idp, client: Client
) -> None:
    user_id = idp.create("grace@acme.example", title="Engineer")["id"]
    idp.patch(user_id, replace(title="Boss"))
    action, form = filled(client, page_of(last_event(acme)))
    assert client.post(action, {**form, "expected_version": expected_version}).status_code == 302
    assert title(user_id) == "Boss"


# Who may


def test_nobody_undoes_a_change_of_who_may_do_more(acme: Tenant, idp: Idp, signed_in: SignedIn) -> None:
    user_id = idp.create("grace@acme.example", title="Engineer", roles=[{"value": "Domain manager"}])["id"]
    idp.patch(user_id, replace(title="Boss"))
    event, row = last_event(acme), logged(idp)
    editor = signed_in(acme, "users.edit sign-in.view audit-log.view")
    assert "which may do more than yours" in shown(editor, page_of(event))
    for address in (page_of_request(row), f"/settings/users/{user_id}/"):
        assert "Undo…" not in shown(editor, address)
    editor.post(f"{page_of(event)}undo/", {"expected_version": "2", "part": "title"})
    assert title(user_id) == "Boss"
    idp.send("DELETE", f"/Users/{user_id}")
    assert "The role Domain manager may do more than yours" in shown(editor, page_of(last_event(acme)))
    editor.post(f"{page_of(last_event(acme))}undo/", {"expected_version": "0"})
    assert not User.objects.filter(pk=user_id).exists()


def test_changes_of_another_organization_are_not_found(
    acme: Tenant, globex: Tenant, idp: Idp, signed_in: SignedIn
) -> None:
    user_id = idp.create("grace@acme.example")["id"]
    event, row = last_event(acme), logged(idp)
    anonymous = signed_in(globex)
    assert anonymous.get(page_of(event)).status_code == 404
    assert anonymous.post(f"{page_of(event)}undo/", {"expected_version": "1"}).status_code == 404
    assert anonymous.get(f"{page_of_request(row)}undo/").status_code == 404
    assert anonymous.post(f"{page_of_request(row)}undo/all/").status_code == 404
    assert User.objects.filter(pk=user_id).exists()


def test_what_was_done_here_is_not_undone_there(acme: Tenant, client: Client) -> None:
    acme.add("grace", source=Source.MANUAL)
    assert client.get(page_of(last_event(acme))).status_code == 404


# All of a request


def bulk(idp: Idp, *operations: dict[str, Any]) -> RequestLog:
    body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations}
    assert idp.send("POST", "/Bulk", body).status_code == 200
    return logged(idp)


def patching(user_id: str, **attributes: Any) -> dict[str, Any]:
    return {"method": "PATCH", "path": f"/Users/{user_id}", "data": {"Operations": [replace(**attributes)]}}


def making(name: str) -> dict[str, Any]:
    return {"method": "POST", "path": "/Users", "bulkId": name, "data": {"userName": f"{name}@acme.example"}}


def removing(user_id: str) -> dict[str, Any]:
    return {"method": "DELETE", "path": f"/Users/{user_id}"}


def test_all_of_a_bulk_request_is_undone_at_once(acme: Tenant, idp: Idp, client: Client) -> None:
    ann, bob, cem = (idp.create(f"{name}@acme.example", title="A")["id"] for name in ("ann", "bob", "cem"))
    before = {user_id: profiles.read(User.objects.get(pk=user_id)) for user_id in (ann, bob, cem)}
    row = bulk(
        idp, making("new"), patching(ann, title="B"), patching(ann, title="C"), patching(bob, title="B"), removing(bob),
        patching(cem, title="B", nickName="C"),
    )  # fmt: skip
    acme.update(User.objects.get(pk=cem), title="D")
    assert "Undo all…" in shown(client, page_of_request(row))
    said = shown(client, f"{page_of_request(row)}undo/")
    for sentence in (
        "3 changes of people", "1 person whom the request made is removed", "1 person whom the request removed is here",
        "send all of it again", "created new@acme.example", "deleted bob@acme.example",
    ):  # fmt: skip
        assert sentence in said
    after = confirm(client, f"{page_of_request(row)}undo/")
    assert "5 changes were undone." in after
    assert "cem@acme.example: title has been changed again since." in after
    assert {user_id: profiles.read(User.objects.get(pk=user_id)) for user_id in (ann, bob)} == {
        user_id: before[user_id] for user_id in (ann, bob)
    }
    assert title(cem) == "D"
    assert not User.objects.filter(user_name="new@acme.example").exists()
    events = len(acme.events())
    assert "No change was undone." not in confirm(client, f"{page_of_request(row)}undo/")
    assert len(acme.events()) == events


def test_when_all_is_undone_it_says_so(acme: Tenant, idp: Idp, client: Client) -> None:
    row = bulk(idp, making("ann"), making("bob"))
    form = filled(client, f"{page_of_request(row)}undo/")
    assert "2 changes were undone." in text(client.post(*form, follow=True).content.decode())
    assert "No change was undone." in text(client.post(*form, follow=True).content.decode())
    assert "Nothing is left to undo" in shown(client, f"{page_of_request(row)}undo/")


def test_a_large_request_is_shown_in_pages_and_costs_few_statements(
    acme: Tenant, idp: Idp, client: Client, django_assert_max_num_queries: Any
) -> None:
    row = bulk(idp, *(making(f"p{number:03}") for number in range(120)))
    with django_assert_max_num_queries(20):
        first = shown(client, page_of_request(row))
    assert "Changes 1 to 50 of 120" in first
    assert "created p119@acme.example" in shown(client, f"{page_of_request(row)}?page=3")
    with django_assert_max_num_queries(16):
        assert "… and 20 more" in shown(client, f"{page_of_request(row)}undo/")
    assert "120 changes were undone." in confirm(client, f"{page_of_request(row)}undo/")
    assert not User.objects.filter(source=Source.SCIM).exists()


def test_of_many_refusals_the_first_are_told_and_the_rest_counted(acme: Tenant, idp: Idp, client: Client) -> None:
    row = bulk(idp, *(making(f"p{number:02}") for number in range(25)))
    User.objects.filter(source=Source.SCIM).update(role=acme.role(BuiltIn.ADMIN))
    User.objects.filter(user_name_key__startswith="admin").update(role=acme.role("users.edit sign-in.view"))
    after = confirm(client, f"{page_of_request(row)}undo/")
    assert after.count("which may do more than yours") == 20
    assert "5 changes were refused, too." in after


# Operators who look


def test_a_visiting_operator_undoes_nothing(acme: Tenant, idp: Idp, operator: Client) -> None:
    user_id = idp.create("grace@acme.example")["id"]
    event, row = last_event(acme), logged(idp)
    ask_for_support(acme)
    enter(operator, acme)
    assert "Undo…" not in shown(operator, page_of_request(row))
    assert operator.get(page_of(event)).status_code == 403
    assert operator.post(f"{page_of(event)}undo/", {"expected_version": "1"}).status_code == 403
    assert operator.post(f"{page_of_request(row)}undo/all/").status_code == 403
    assert User.objects.filter(pk=user_id).exists()
