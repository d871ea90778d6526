"""Suspend, restore, remove and give a role on the pages: told first, all or nothing for each, reported, and once."""

import html as markup
import re
from typing import Any
from urllib.parse import parse_qs, urlparse

import pytest
from django.test import Client

from audit.actions import Action
from audit.services import trail
from tests.signed_in import SignedIn
from tests.tenants import Tenant, is_signed_in, session_of
from users import profile as profiles
from users.models import Source, User
from users.permissions import BuiltIn

CHANGE = "/settings/users/change/"
PAGE = "/settings/users/"


@pytest.fixture
def client(acme: Tenant, signed_in: SignedIn) -> Client:
    return signed_in(acme)


def expected_version(*people: User) -> list[str]:
    """How a form names people who were looked at in the state in which they are now."""
    return [f"{person.pk}.{User.objects.get(pk=person.pk).version}" for person in people]


def do(client: Client, action: str, *people: str, confirmed: str = "read", **more: Any) -> str:
    """Send the form and return, without markup, what the page says afterwards."""
    answer = client.post(CHANGE, {"action": action, "person": people, "confirmed": confirmed, **more}, follow=True)
    return text(answer.content.decode())


def text(page: str) -> str:
    main = page[page.index("<main") :]
    return markup.unescape(" ".join(re.sub(r"<[^>]+>", " ", main).split()))


def admin_of(tenant: Tenant) -> User:
    return User.objects.of(tenant.id).get(user_name_key=f"admin@{tenant.domain}")


# What will happen


@pytest.mark.parametrize(
    ("action", "sentences"),
    [
        ("suspend", ["Suspend Grace?", "every session and personal token ends at once", "lets them in again"]),
        ("restore", ["Restore Grace?", "can sign in again, with the role from before"]),
        ("remove", ["Remove Grace?", "This can't be undone.", "keeps the whole profile", "makes the user again"]),
        ("role", ["will have the role HR", "if your identity provider sends roles"]),
    ],
)
def test_first_it_says_what_will_happen_and_changes_nothing(
    action: str, sentences: list[str], acme: Tenant, client: Client
) -> None:
    grace = acme.add("grace", profile={"displayName": "Grace"})
    events = len(acme.events())
    said = do(client, action, *expected_version(grace), confirmed="", role=str(acme.role(BuiltIn.HR).pk))
    for sentence in sentences:
        assert sentence in said
    grace.refresh_from_db()
    assert (grace.is_active, grace.version) == (True, 1)
    assert len(acme.events()) == events


def test_what_the_identity_provider_will_do_is_said_of_its_own_people_only(acme: Tenant, client: Client) -> None:
    manual_user = acme.add("grace", source=Source.MANUAL)
    assert "identity provider" not in do(client, "remove", *expected_version(manual_user), confirmed="")


def test_the_form_that_follows_does_what_it_said(acme: Tenant, client: Client) -> None:
    people = [acme.add("grace"), acme.add("ivo")]
    form = {"action": "suspend", "person": expected_version(*people), "list": "q=acme&sort=name"}
    page = client.post(CHANGE, form).content.decode()
    sent = dict(re.findall(r'name="(action|role|of_person|list|confirmed)" value="([^"]*)"', page))
    form = {**{name: markup.unescape(value) for name, value in sent.items()}}
    answer = client.post(CHANGE, {**form, "person": re.findall(r'name="person" value="([^"]+)"', page)})
    assert parse_qs(urlparse(answer.headers["Location"]).query) == {"q": ["acme"], "sort": ["name"]}
    assert User.objects.of(acme.id).filter(is_active=False).count() == 2


def test_oneself_among_them_is_pointed_out(acme: Tenant, client: Client) -> None:
    assert "You are among them" in do(client, "suspend", *expected_version(admin_of(acme)), confirmed="")
    assert "You are among them" not in do(client, "suspend", *expected_version(acme.add("grace")), confirmed="")


def test_the_last_admin_is_spoken_of_where_an_admin_is_among_them(acme: Tenant, client: Client) -> None:
    assert "The last active Admin" in do(client, "suspend", *expected_version(admin_of(acme)), confirmed="")
    assert "The last active Admin" not in do(client, "suspend", *expected_version(acme.add("grace")), confirmed="")


def test_admin_is_given_only_after_a_warning(acme: Tenant, client: Client) -> None:
    grace, admin = acme.add("grace"), acme.role(BuiltIn.ADMIN)
    said = do(client, "role", *expected_version(grace), role=str(admin.pk), confirmed="needless")
    assert "Admin may do everything" in said
    grace.refresh_from_db()
    assert not grace.role.is_admin  # type: ignore[union-attr]
    do(client, "role", *expected_version(grace), role=str(admin.pk))
    grace.refresh_from_db()
    assert grace.role == admin


# What happens


def test_suspending_ends_sessions_and_is_kept_in_the_trail(acme: Tenant, client: Client) -> None:
    grace = acme.add("grace", password="correct-horse-battery")
    session = session_of(grace)
    assert "grace@acme.example was suspended." in do(client, "suspend", *expected_version(grace))
    assert not is_signed_in(session)
    event = acme.last_event()
    assert (event.action, event.actor_label, event.channel) == (Action.USER_SUSPENDED, "admin@acme.example", "page")
    assert "grace@acme.example was restored." in do(client, "restore", *expected_version(grace))
    grace.refresh_from_db()
    assert grace.is_active and profiles.read(grace)["active"] is True


def test_removing_keeps_the_document_in_the_trail(acme: Tenant, client: Client) -> None:
    grace = acme.add("grace", profile={"title": "Engineer"})
    assert "grace@acme.example was removed." in do(client, "remove", *expected_version(grace), of_person=str(grace.pk))
    assert not User.objects.filter(pk=grace.pk).exists()
    assert acme.last_event().changes["profile"][0]["title"] == "Engineer"
    assert acme.headcount() == 1


def test_a_role_is_given_to_several_at_once(acme: Tenant, client: Client) -> None:
    people = [acme.add("grace"), acme.add("ivo"), acme.add("mei", BuiltIn.HR)]
    said = do(client, "role", *expected_version(*people), role=str(acme.role(BuiltIn.HR).pk))
    assert "2 people were given the role HR. mei@acme.example was given the role HR already." in said
    assert User.objects.of(acme.id).filter(role__key=BuiltIn.HR).count() == 3
    assert profiles.read(User.objects.get(pk=people[0].pk))["roles"] == [{"value": "HR", "primary": True}]


@pytest.mark.parametrize("action", ["suspend", "remove", "role"])
def test_the_last_active_admin_stays_and_the_others_are_done(action: str, acme: Tenant, client: Client) -> None:
    grace, ivo = acme.add("grace"), acme.add("ivo")
    admin = admin_of(acme)
    said = do(client, action, *expected_version(grace, admin, ivo), role=str(acme.role(BuiltIn.HR).pk))
    assert re.search(r"2 people were [\w ]+\. 1 was refused:", said)
    assert "admin@acme.example is the last active Admin. Make somebody else Admin before" in said
    admin.refresh_from_db()
    assert admin.is_active and admin.role == acme.role(BuiltIn.ADMIN)


def test_of_all_admins_one_stays(acme: Tenant, client: Client) -> None:
    second = acme.add("second", BuiltIn.ADMIN)
    do(client, "suspend", *expected_version(second, admin_of(acme)))
    assert list(User.objects.of(acme.id).active_admins()) == [admin_of(acme)]


# Two at once, and twice


@pytest.mark.parametrize("action", ["suspend", "remove", "role"])
def test_the_second_of_two_who_change_a_person_is_told(action: str, acme: Tenant, client: Client) -> None:
    grace, ivo = acme.add("grace"), acme.add("ivo")
    looked_at = expected_version(grace, ivo)
    acme.update(grace, title="Director")
    said = do(client, action, *looked_at, role=str(acme.role(BuiltIn.IT).pk))
    assert "grace@acme.example has been changed by somebody else since you opened the page." in said
    assert "1 was refused:" in said
    grace.refresh_from_db()
    assert grace.is_active and grace.role == acme.role(BuiltIn.APP_MANAGEMENT)


@pytest.mark.parametrize(
    ("action", "said"),
    [
        ("suspend", "grace@acme.example was suspended already."),
        ("remove", "grace@acme.example was removed already."),
        ("role", "grace@acme.example was given the role HR already."),
    ],
)
def test_a_form_sent_twice_does_nothing_twice(action: str, said: str, acme: Tenant, client: Client) -> None:
    looked_at, role = expected_version(acme.add("grace")), str(acme.role(BuiltIn.HR).pk)
    do(client, action, *looked_at, role=role)
    events, people = len(acme.events()), list(User.objects.of(acme.id).values_list("pk", "version"))
    assert said in do(client, action, *looked_at, role=role)
    assert len(acme.events()) == events
    assert list(User.objects.of(acme.id).values_list("pk", "version")) == people


def test_somebody_who_came_back_under_the_same_id_can_be_removed_again(acme: Tenant, client: Client) -> None:
    grace = acme.add("grace")
    trail.record(Action.USER_DELETED, grace, by=acme.by)
    assert "grace@acme.example was removed. " in do(client, "remove", *expected_version(grace)) + " "
    assert not User.objects.filter(pk=grace.pk).exists()


def test_a_person_named_twice_is_changed_once(acme: Tenant, client: Client) -> None:
    looked_at = expected_version(acme.add("grace"))
    assert "grace@acme.example was suspended. " in do(client, "suspend", *looked_at * 3)


# Forms that make no sense


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"action": "suspend"}, "Tick the people first"),
        ({"action": "role", "person": "{grace}"}, "Choose the role that they are to get"),
        ({"action": "", "person": "{grace}"}, "Choose what to do with the people"),
        ({"action": "promote", "person": "{grace}"}, "Choose what to do with the people"),
        ({"action": "suspend", "person": "nobody"}, "a form that can't be read"),
        ({"action": "suspend", "person": "{grace}.1.1"}, "a form that can't be read"),
        ({"action": "suspend", "person": "-" * 36 + ".1"}, "a form that can't be read"),
        ({"action": "suspend", "person": "{grace}" + "9" * 40}, "a form that can't be read"),
    ],
)
def test_a_form_that_makes_no_sense_says_so_and_changes_nothing(
    form: dict[str, str], said: str, acme: Tenant, client: Client
) -> None:
    (grace,) = expected_version(acme.add("grace"))
    form = {name: value.format(grace=grace) for name, value in form.items()}
    answer = client.post(CHANGE, {**form, "confirmed": "read"}, follow=True)
    assert answer.status_code == 200
    assert said in text(answer.content.decode())
    assert User.objects.of(acme.id).filter(is_active=True).count() == 2


def test_more_than_fit_on_pages_are_refused_whole(acme: Tenant, client: Client) -> None:
    (grace,) = expected_version(acme.add("grace"))
    forged = [grace, *(f"00000000-0000-7000-8000-{number:012}.1" for number in range(100))]
    assert "Tick at most 100 people at once." in do(client, "suspend", *forged)
    assert User.objects.of(acme.id).filter(is_active=True).count() == 2


def test_nobody_ticked_leads_back_to_the_list_as_it_was(acme: Tenant, client: Client) -> None:
    answer = client.post(CHANGE, {"action": "suspend", "list": "q=grace&sort=name"})
    assert answer.headers["Location"] == f"{PAGE}?q=grace&sort=name#users"


@pytest.mark.parametrize("way", ["//evil.example", "https://evil.example/", "\r\nX-Evil: 1", "#x", "a" * 9000])
def test_the_way_back_stays_in_the_house(way: str, acme: Tenant, client: Client) -> None:
    for form in ({"list": way}, {"of_person": way}):
        answer = client.post(CHANGE, {"action": "suspend", **form})
        assert answer.headers["Location"].startswith(PAGE)
        assert "\n" not in answer.headers["Location"]


def test_who_is_gone_meanwhile_is_said_before_the_others_are_changed(acme: Tenant, client: Client) -> None:
    grace, ivo = acme.add("grace"), acme.add("ivo")
    looked_at = expected_version(grace, ivo)
    do(client, "remove", looked_at[0])
    assert "1 of those whom you ticked is no longer here." in do(client, "suspend", *looked_at, confirmed="")
    said = do(client, "suspend", *looked_at)
    assert "ivo@acme.example was suspended. 1 was refused: This person is no longer here." in said
