"""Settings > Users > Roles: the list, a role in words, switches, and an organization's own roles from start to end."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.signed_in import SignedIn, htmx
from tests.tenants import Tenant, waiting_request
from users import profile as profiles
from users.models import Invitation, Role, User
from users.permissions import Area, BuiltIn
from users.services import role_reassignment
from users.views import role_reassignment as progress

PAGE = "/settings/users/"
NEW, ADD = "/settings/users/roles/new/", "/settings/users/roles/add/"

NOTHING = dict.fromkeys(map(str, Area), "none")


@pytest.fixture
def client(acme: Tenant, signed_in: SignedIn) -> Client:
    return signed_in(acme)


def of(role: Role, action: str = "") -> str:
    """The address of a role, or of what can be done to it."""
    return f"/settings/users/roles/{role.pk}/{action}"


def text(html: str) -> str:
    """What is read on a page."""
    return " ".join(re.sub(r"<[^>]*>", " ", html.partition("<main")[2]).split()).replace(" .", ".")


def shown(client: Client, address: str) -> str:
    return text(client.get(address).content.decode())


def message_of(client: Client, answer: Any) -> str:
    return shown(client, answer.headers["Location"])


def test_the_list_says_how_many_have_each_role(acme: Tenant, client: Client) -> None:
    for login in ("ann", "bob"):
        acme.add(login, BuiltIn.HR)
    hr = acme.role(BuiltIn.HR)
    html = client.get(PAGE).content.decode()
    assert f'<a href="/settings/users/?role={hr.pk}#users" aria-label="2 with the role HR">2</a>' in html
    assert "App management Default role, built in 0" in text(html)


def test_the_list_costs_the_same_however_many_roles_there_are(acme: Tenant, client: Client) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as asked:
            client.get(PAGE)
        return len(asked)

    acme.add("p", "role")
    few = statements()
    for number in range(10):
        acme.add(f"p{number}", f"role {number}")
    assert statements() == few


def test_a_role_opens_to_what_it_may_do_in_words(acme: Tenant, client: Client) -> None:
    words = shown(client, of(acme.role(BuiltIn.DOMAIN_MANAGER)))
    assert "Domains Edit. Adds, verifies and removes domains" in words
    assert "Organization View. Sees the name" in words
    assert "Nobody has it. Built-in" in words
    assert "and nothing else of Settings" in shown(client, of(acme.role(BuiltIn.IT)))
    assert "Admin may do everything" in shown(client, of(acme.role(BuiltIn.ADMIN)))


def test_a_role_is_made_like_another_and_given(acme: Tenant, client: Client) -> None:
    html = client.get(NEW, {"from": str(acme.role(BuiltIn.DOMAIN_MANAGER).pk)}).content.decode()
    chosen = re.findall(
        r'name="([a-z-]+)"[^>]*>\s*(?:<option value="\w+">\w+</option>\s*)*<option value="(\w+)" sel', html
    )
    assert dict(chosen) == {**NOTHING, "domains": "edit", "organization": "view"}
    answer = client.post(ADD, {"name": "Front desk", **NOTHING, "users": "view"})
    assert "Made the role Front desk. It can be given now." in message_of(client, answer)
    role = acme.own_roles("Front desk").get()
    assert role.permissions == {"users.view"}
    assert f'<option value="{role.pk}">Front desk</option>' in client.get(PAGE).content.decode()


@pytest.mark.parametrize("wanted", ["no-uuid", "00000000-0000-0000-0000-000000000000", "\x00"])
def test_a_new_role_like_one_that_is_not_there_begins_empty(wanted: str, client: Client) -> None:
    assert client.get(NEW, {"from": wanted}).status_code == 200


def test_another_organizations_role_is_no_model(acme: Tenant, globex: Tenant, client: Client) -> None:
    foreign = globex.role("users.edit")
    html = client.get(NEW, {"from": str(foreign.pk)}).content.decode()
    assert '<option value="edit" selected>' not in html


@pytest.mark.parametrize(
    ("form", "reason"),
    [
        ({"name": "hr"}, "There is a role named &#x27;hr&#x27; already."),
        ({"name": ""}, "This field is required."),
        ({"name": "x" * 61}, "at most 60 characters"),
        ({"name": "a\x00b"}, "Null characters are not allowed"),
        ({"name": "Desk", "users": "all"}, "Select a valid choice"),
        ({"name": "Desk", "expected_version": "x"}, ""),
    ],
)
def test_what_can_not_be_is_said_and_what_was_typed_stays(
    form: dict[str, str], reason: str, acme: Tenant, client: Client
) -> None:
    before = list(Role.objects.of(acme.id).values())
    answer = client.post(ADD, {**NOTHING, "domains": "edit", **form})
    html = answer.content.decode()
    assert answer.status_code == 200
    assert reason in html
    assert '<option value="edit" selected>Edit</option>' in html
    assert list(Role.objects.of(acme.id).values()) == before


def test_a_form_without_anything_makes_no_role(acme: Tenant, client: Client) -> None:
    assert client.post(ADD, {}).status_code == 200
    assert not Role.objects.of(acme.id).filter(key="").exists()


def test_a_role_is_changed(acme: Tenant, client: Client) -> None:
    role = acme.role("users.view")
    form = {"name": "Front desk", **NOTHING, "audit-log": "view", "expected_version": "1"}
    answer = client.post(of(role, "save/"), form)
    assert answer.headers["Location"] == of(role)
    words = message_of(client, answer)
    assert "Saved." in words and "Audit log View. Reads who changed what" in words
    role.refresh_from_db()
    assert (role.name, role.rights, role.version) == ("Front desk", "audit-log.view", 2)


def test_the_second_of_two_who_change_a_role_is_told_and_may_replace_it(acme: Tenant, client: Client) -> None:
    role = acme.role("users.view")
    client.post(of(role, "save/"), {"name": "First", **NOTHING, "expected_version": "1"})
    html = client.post(of(role, "save/"), {"name": "Second", **NOTHING, "expected_version": "1"}).content.decode()
    assert "Somebody else has changed this role meanwhile" in html and 'value="Second"' in html
    role.refresh_from_db()
    assert role.name == "First"
    expected_version = re.search(r'name="expected_version" value="(\d+)"', html)
    assert expected_version
    client.post(of(role, "save/"), {"name": "Second", **NOTHING, "expected_version": expected_version[1]})
    role.refresh_from_db()
    assert role.name == "Second"


def test_deleting_a_role_says_who_gets_which_and_does_it(acme: Tenant, client: Client) -> None:
    role, replacement = acme.role("users.view"), acme.role(BuiltIn.READ_ONLY)
    ann = acme.add("ann", "users.view")
    assert "Its 1 person gets" in shown(client, of(role))
    form = {"expected_version": "1", "replacement": str(replacement.pk)}
    words = text(client.post(of(role, "delete/"), form).content.decode())
    assert "1 person gets the role Read-only in place of users.view" in words
    assert User.objects.get(pk=ann.pk).role == role
    answer = client.post(of(role, "delete/"), {**form, "confirmed": "read"})
    assert "Deleted the role users.view. 1 person has the role Read-only now." in message_of(client, answer)
    assert User.objects.get(pk=ann.pk).role == replacement
    assert client.post(of(role, "delete/"), {**form, "confirmed": "read"}).status_code == 404
    assert client.get(of(role)).status_code == 404


@pytest.mark.parametrize("script", [True, False])
@pytest.mark.parametrize(
    ("key", "done"), [("users.view", "Deleted the role users.view."), ("hr", "The role HR is off.")]
)
def test_many_people_are_given_another_role_while_a_page_shows_how_far_it_is(
    key: str, done: str, script: bool, acme: Tenant, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(role_reassignment, "TOGETHER", 2)
    monkeypatch.setattr(progress, "STEPS_OF_A_PRESS", 2)
    replacement, kind = acme.role(BuiltIn.READ_ONLY), BuiltIn(key) if key in set(BuiltIn) else key
    role, people = acme.role(kind), [acme.add(f"p{number}", kind) for number in range(7)]
    address = of(role, "switch/" if role.is_built_in else "delete/")
    form = {"expected_version": "1", "wanted": "off", "replacement": str(replacement.pk)}
    assert "the next page shows how far it is" in text(client.post(address, form).content.decode())
    html = client.post(address, {**form, "confirmed": "read"}).content.decode()
    assert "2 of 7 people have the role Read-only now" in text(html)
    headers = htmx("moving") if script else {}
    for said in ("4 of 7", "6 of 7") if script else ("6 of 7",):
        assert f'hx-post="{address}"' in html
        sent = hidden(html) | ({} if script else {"press": "yes"})
        html = client.post(address, sent, **headers).content.decode()
        assert f"{said} people have the role Read-only now" in html
        assert ("<main" in html) is not script
    # Whoever leaves here finds the role as it is, and can go on.
    assert f"Its {7 - int(said[0])} p" in shown(client, of(role))
    answer = client.post(address, {**form, "confirmed": "read", "moved": said[0]}, **headers)
    leads = answer.headers["HX-Redirect" if script else "Location"]
    assert f"{done} 7 people have the role Read-only now." in shown(client, leads)
    assert set(User.objects.filter(pk__in=[each.pk for each in people]).values_list("role", flat=True)) == {
        replacement.pk
    }


@pytest.fixture
def of_many(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> Role:
    """A role of seven people, who are rewritten two at a time."""
    monkeypatch.setattr(role_reassignment, "TOGETHER", 2)
    monkeypatch.setattr(progress, "STEPS_OF_A_PRESS", 2)
    for number in range(7):
        acme.add(f"p{number}", "users.view")
    return acme.role("users.view")


RENAMED = {"name": "Front desk", **NOTHING, "users": "view", "expected_version": "1"}


def hidden(html: str) -> dict[str, str]:
    """What the form on the page that shows how far it is sends."""
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', html))


@pytest.mark.parametrize("script", [True, False])
def test_many_people_get_a_new_name_of_their_role_while_a_page_shows_how_far_it_is(
    script: bool, of_many: Role, client: Client
) -> None:
    assert "a page shows how far it is" in shown(client, of(of_many))
    html = client.post(of(of_many, "save/"), RENAMED).content.decode()
    assert "0 of 7 people&#x27;s profiles say Front desk now" in text(html)
    assert "The others say users.view until it is their turn." in text(html)
    headers, address = htmx("moving") if script else {}, of(of_many, "rename/")
    for said in ("2 of 7", "4 of 7", "6 of 7") if script else ("4 of 7",):
        assert f'hx-post="{address}"' in html
        html = client.post(address, hidden(html) | ({} if script else {"press": "yes"}), **headers).content.decode()
        assert f"{said} people&#x27;s profiles say Front desk now" in html
        assert ("<main" in html) is not script
    answer = client.post(address, hidden(html) | ({} if script else {"press": "yes"}), **headers)
    leads = answer.headers["HX-Redirect" if script else "Location"]
    assert leads == of(of_many)
    words = shown(client, leads)
    assert "The profiles of all its people say Front desk now." in words and "still" not in words
    assert {profiles.read(user)["roles"][0]["value"] for user in User.objects.filter(role=of_many)} == {"Front desk"}


def test_who_has_left_goes_on_from_the_page_of_the_role(
    of_many: Role, acme: Tenant, client: Client, signed_in: SignedIn
) -> None:
    html = client.post(of(of_many, "save/"), RENAMED).content.decode()
    client.post(of(of_many, "rename/"), hidden(html), **htmx("moving"))
    said = "2 of 7 people&#x27;s profiles say Front desk now. The others may still call this role users.view"
    html = client.get(of(of_many)).content.decode()
    assert said in text(html)
    for role in (BuiltIn.READ_ONLY, "roles.edit"):
        words = shown(signed_in(acme, role), of(of_many))
        assert said in words and "Go on" not in words
    form = re.search(rf'<form method="post" action="{of(of_many, "rename/")}">(.*?)</form>', html, re.DOTALL)
    assert form and "Go on" in form[1]
    words = text(client.post(of(of_many, "rename/"), hidden(form[1])).content.decode())
    assert "4 of 7 people&#x27;s profiles say Front desk now" in words


def test_while_people_get_the_new_name_only_rights_are_saved(of_many: Role, client: Client) -> None:
    client.post(of(of_many, "save/"), RENAMED)
    words = text(
        client.post(of(of_many, "save/"), {**RENAMED, "name": "Back desk", "expected_version": "2"}).content.decode()
    )
    assert "still call it &#x27;users.view&#x27;. Go on with that change of name first" in words
    answer = client.post(of(of_many, "save/"), {**RENAMED, "users": "edit", "expected_version": "2"})
    assert "Saved." in message_of(client, answer)
    of_many.refresh_from_db()
    assert (of_many.name, of_many.rights) == ("Front desk", "users.edit")


def test_another_name_for_few_people_shows_no_page_in_between(acme: Tenant, client: Client) -> None:
    role = acme.role("users.view")
    acme.add("ann", "users.view")
    assert "shows how far it is" not in shown(client, of(role))
    answer = client.post(of(role, "save/"), RENAMED)
    assert "Saved." in message_of(client, answer)
    answer = client.post(of(role, "rename/"))
    assert "The profiles of all its people say Front desk now." in message_of(client, answer)


@pytest.mark.parametrize("confirmed", ["read", ""])
@pytest.mark.parametrize("replacement", ["", "no-uuid"])
def test_nobody_is_left_without_a_role(confirmed: str, replacement: str, acme: Tenant, client: Client) -> None:
    role = acme.role("users.view")
    ann = acme.add("ann", "users.view")
    answer = client.post(
        of(role, "delete/"), {"expected_version": "1", "replacement": replacement, "confirmed": confirmed}
    )
    assert answer.status_code == (404 if replacement else 302)
    if not replacement:
        assert "Choose the role that they get instead." in message_of(client, answer)
    assert User.objects.get(pk=ann.pk).role == role


@pytest.mark.parametrize("expected_version", ["", "x", "-1", "9" * 40, "7"])
def test_a_role_that_was_not_seen_as_it_is_stays(expected_version: str, acme: Tenant, client: Client) -> None:
    role = acme.role("users.view")
    answer = client.post(of(role, "delete/"), {"expected_version": expected_version, "confirmed": "read"})
    assert "Somebody else has changed this role meanwhile" in message_of(client, answer)
    assert (
        client.post(of(role, "save/"), {"name": "Mine", **NOTHING, "expected_version": expected_version}).status_code
        == 200
    )
    role.refresh_from_db()
    assert role.name == "users.view"


@pytest.mark.parametrize("script", [True, False])
def test_an_optional_role_goes_off_and_on_in_one_click(script: bool, acme: Tenant, client: Client) -> None:
    hr, headers = acme.role(BuiltIn.HR), htmx() if script else {}
    for wanted, said in (("off", "The role HR is off."), ("on", "The role HR can be given again.")):
        answer = client.post(of(hr, "switch/"), {"wanted": wanted}, **headers)
        assert said in (answer.content.decode() if script else message_of(client, answer))
        hr.refresh_from_db()
        assert hr.is_enabled is (wanted == "on")
        assert (f'<option value="{hr.pk}">HR' in client.get(PAGE).content.decode().partition("bulk-role")[2]) is (
            wanted == "on"
        )


def test_who_has_a_role_that_goes_off_gets_one_that_is_chosen_first(acme: Tenant, client: Client) -> None:
    hr, replacement = acme.role(BuiltIn.HR), acme.role(BuiltIn.IT)
    ann = acme.add("ann", BuiltIn.HR)
    answer = client.post(of(hr, "switch/"), {"wanted": "off"})
    assert answer.headers["Location"] == f"{of(hr)}#offered"
    assert client.post(of(hr, "switch/"), {"wanted": "off"}, **htmx()).headers["HX-Redirect"] == f"{of(hr)}#offered"
    form = {"wanted": "off", "replacement": str(replacement.pk)}
    assert "1 person gets the role IT in place of HR" in text(client.post(of(hr, "switch/"), form).content.decode())
    hr.refresh_from_db()
    assert hr.is_enabled
    answer = client.post(of(hr, "switch/"), {**form, "confirmed": "read"})
    assert "The role HR is off. 1 person has the role IT now." in message_of(client, answer)
    assert User.objects.get(pk=ann.pk).role == replacement
    assert "Built-in Off" in shown(client, of(hr))


def test_the_default_role_is_not_switched_off(acme: Tenant, client: Client) -> None:
    hr = acme.role(BuiltIn.HR)
    client.post("/settings/users/default-role/", {"role": str(hr.pk)})
    answer = client.post(of(hr, "switch/"), {"wanted": "off"})
    assert "HR is the default role. Choose another default role first." in message_of(client, answer)
    assert "Choose another default role before you switch it off." in shown(client, of(hr))


def test_another_organizations_role_takes_over_nobody(acme: Tenant, globex: Tenant, client: Client) -> None:
    role, foreign = acme.role("users.view"), globex.role(BuiltIn.HR)
    ann = acme.add("ann", "users.view")
    for address, form in (
        (of(role, "delete/"), {"expected_version": "1"}),
        (of(acme.role(BuiltIn.HR), "switch/"), {"wanted": "off"}),
    ):
        for confirmed in ("read", ""):
            answer = client.post(address, {**form, "replacement": str(foreign.pk), "confirmed": confirmed})
            assert answer.status_code == 404
    assert User.objects.get(pk=ann.pk).role == role


# Somebody whose own role does not reach everything


def test_who_may_edit_roles_is_offered_only_levels_that_they_have(acme: Tenant, signed_in: SignedIn) -> None:
    client = signed_in(acme, "roles.edit users.view")
    html = client.get(NEW).content.decode()
    fields = {name: re.findall(r'<option value="(\w+)"', options) for name, options in re.findall(
        r'<select name="([a-z-]+)"[^>]*>(.*?)</select>', html, re.DOTALL
    )}  # fmt: skip
    assert fields["roles"] == ["none", "view", "edit"]
    assert fields["users"] == ["none", "view"]
    assert fields["domains"] == ["none"]
    answer = client.post(ADD, {"name": "More", **NOTHING, "domains": "edit"})
    assert "Select a valid choice" in answer.content.decode()
    assert not acme.own_roles("More").exists()


def test_a_copy_has_no_more_than_who_makes_it(acme: Tenant, signed_in: SignedIn) -> None:
    html = (
        signed_in(acme, "roles.edit users.view").get(NEW, {"from": str(acme.role(BuiltIn.ADMIN).pk)}).content.decode()
    )
    assert re.findall(r'<option value="(\w+)" selected', html.partition("Copy its rights")[2]) == [
        "view", "edit", "none", "none", "none", "none",
    ]  # fmt: skip


def test_who_may_do_more_is_shown_without_a_way_to_change_them(acme: Tenant, signed_in: SignedIn) -> None:
    boss = acme.add("boss", BuiltIn.ADMIN)
    client = signed_in(acme, "users.edit")
    html = client.get(f"/settings/users/{boss.pk}/").content.decode()
    assert "The role Admin may do more than yours" in html
    assert "Suspend…" not in html
    listed = client.get(PAGE).content.decode().partition('id="bulk-role"')[2].partition("</select>")[0]
    assert "HR" in listed and "Admin" not in listed and "Read-only" not in listed


def test_a_role_beyond_ones_own_is_not_given_from_a_page(acme: Tenant, signed_in: SignedIn) -> None:
    grace = acme.add("grace")
    client = signed_in(acme, "users.edit")
    form = {"action": "role", "person": f"{grace.pk}.1", "role": str(acme.role(BuiltIn.ADMIN).pk), "confirmed": "read"}
    assert "The role Admin may do more than yours." in message_of(client, client.post("/settings/users/change/", form))
    answer = client.post("/settings/users/change/", {**form, "of_person": str(grace.pk)})
    assert answer.headers["Location"] == f"/settings/users/{grace.pk}/#access"
    grace.refresh_from_db()
    assert grace.role == acme.role(BuiltIn.APP_MANAGEMENT)


def test_a_role_beyond_ones_own_is_shown_without_controls(acme: Tenant, signed_in: SignedIn) -> None:
    more = acme.role("domains.edit")
    client = signed_in(acme, "roles.edit")
    words = shown(client, of(more))
    assert "This role may do more than yours" in words
    assert "Delete" not in words and "Save" not in words
    answer = client.post(of(more, "delete/"), {"expected_version": "1", "confirmed": "read"})
    assert "may do more than yours" in message_of(client, answer)
    assert acme.own_roles("domains.edit").exists()
    default = client.get(PAGE).content.decode().partition('id="role"')[2].partition("</select>")[0]
    assert "HR" in default and "Admin" not in default


def test_domains_are_reached_without_a_right_on_the_organization(acme: Tenant, signed_in: SignedIn) -> None:
    html = signed_in(acme, "domains.edit").get("/settings/organization/").content.decode()
    assert 'id="domains"' in html and 'id="add-domain"' in html
    assert 'name="time_zone"' not in html and "Europe/" not in html


def test_nobody_is_invited_with_a_role_beyond_ones_own(acme: Tenant, signed_in: SignedIn) -> None:
    client = signed_in(acme, "users.edit")
    offered = client.get("/settings/users/invite/").content.decode().partition("<select")[2].partition("</select>")[0]
    assert "HR" in offered and "Admin" not in offered
    form = {"addresses": "ann@x.example", "role": str(acme.role(BuiltIn.ADMIN).pk)}
    answer = client.post("/settings/users/invitations/send/", form)
    assert "The role Admin may do more than yours." in message_of(client, answer)
    assert not Invitation.objects.of(acme.id).exists()


def test_nobody_is_approved_with_a_role_beyond_the_approvers_own(acme: Tenant, signed_in: SignedIn) -> None:
    asked = waiting_request(acme)
    client = signed_in(acme, "users.edit")
    form = {"asked": str(asked.pk), "role": str(acme.role(BuiltIn.ADMIN).pk), "confirmed": "read"}
    answer = client.post("/settings/users/requests/approve/", form)
    assert "The role Admin may do more than yours." in message_of(client, answer)
    asked.refresh_from_db()
    assert asked.state == asked.State.WAITING
    section = client.get("/settings/users/", headers={"HX-Request": "true", "HX-Target": "user-requests"})
    assert ">Admin<" not in section.content.decode()
