"""After a change of address by SCIM the former address is told, and a password is reset by mail only days later."""

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from audit.actions import Action
from organizations.services import outbox
from provisioning.services.connections import connections
from tests.identity_provider import Idp, quiet_writer
from tests.provisioning.views.request_log.test_log import shown
from tests.signed_in import PASSWORD, SignedIn
from tests.tenants import Tenant
from users.models import User
from users.permissions import BuiltIn

# What a test leaves in the queue, some of it from days ahead, must not turn up in the next one's log.
__all__ = ["quiet_writer"]

pytestmark = pytest.mark.django_db

NEW = "ada.king@acme.example"
TOLD = "Your address in Acme was changed"
LINK, ASK_AN_ADMIN = "Set your password for Acme", "Ask an Admin to set your password for Acme"


@pytest.fixture
def idp(acme: Tenant) -> Idp:
    _, text = connections.generate_token(acme.connection, by=acme.by)
    connections.set_enabled(acme.connection, True, by=acme.by)
    return Idp(acme.organization, text)


@pytest.fixture
def ada(acme: Tenant) -> User:
    """Somebody whom SCIM has made, and who has set a password."""
    return acme.add("ada", password=PASSWORD)


def rename(idp: Idp, user: User, address: str = NEW) -> None:
    assert idp.patch(str(user.pk), {"op": "replace", "path": "userName", "value": address}).status_code == 200


def mailed() -> list[tuple[list[str], str]]:
    """To whom which subjects have gone since the last time."""
    return [(message.to, message.subject) for message in letters()]


def letters() -> list[Any]:
    mail.outbox.clear()
    outbox.deliver()
    return list(mail.outbox)


def ask(address: str) -> str:
    """Ask for a link as a stranger does; the page that answers."""
    cache.clear()
    answer = Client().post("/sign-in/acme/password/", {"email": address})
    assert answer.status_code == 200
    return re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", answer.content.decode())


def plain(html: str) -> str:
    """The words of a page, without tags."""
    return " ".join(re.sub(r"<[^>]+>", "", html).split())


def works(link: str) -> bool:
    client = Client()
    answer = client.get(link, follow=True)
    return 'name="password1"' in answer.content.decode()


def link_in(message: Any) -> str:
    found = re.search(r"http://testserver(\S+)", message.body)
    assert found
    return found[1]


def test_the_former_address_is_told(idp: Idp, ada: User) -> None:
    rename(idp, ada)
    (message,) = letters()
    assert (message.to, message.subject) == (["ada@acme.example"], TOLD)
    for text in (message.body, message.alternatives[0][0]):
        assert "in Acme" in text or "<b>Acme</b>" in text
        assert "by the identity provider of Acme" in text
        assert "Sign-in name: ada@acme.example" in text and "Email: ada@acme.example" in text
        assert f"Mail about your account goes to {NEW} from now on" in text
        assert NEW in text
        assert f"{timezone.now():%Y}" in text
        assert "tell an Admin of Acme at once" in text
        assert "we mail no password links for 72 hours" in text


def test_where_only_the_user_name_changed_the_mail_says_that_mail_stays(acme: Tenant, idp: Idp) -> None:
    ada = acme.add("ada", password=PASSWORD, profile={"emails": [{"value": "a@acme.example", "primary": True}]})
    rename(idp, ada)
    (message,) = letters()
    for text in (message.body, message.alternatives[0][0]):
        assert f"You sign in as {NEW} from now on. Mail about your account still goes to a@acme.example" in text
        assert "goes to the new address" not in text and "Email:" not in text
    # And so it is.
    User.objects.update(password_reset_blocked_until=None)
    ask("a@acme.example")
    ask(NEW)
    assert mailed() == [(["a@acme.example"], LINK), ([NEW], LINK)]


@pytest.mark.parametrize(
    ("before", "sent", "told"),
    [
        ({"emails": ["a@acme.example"]}, {"userName": NEW}, ["ada@acme.example"]),
        ({"emails": ["a@acme.example"]}, {"emails": [NEW]}, ["a@acme.example"]),
        ({"emails": ["a@acme.example"]}, {"userName": NEW, "emails": [NEW]}, ["a@acme.example", "ada@acme.example"]),
        ({"emails": ["a@acme.example"]}, {"emails": ["A@acme.example", "b@acme.example"]}, []),
        ({"emails": ["a@acme.example", "b@acme.example"]}, {"emails": ["b@acme.example"]}, ["a@acme.example"]),
        ({}, {"userName": "ADA@acme.example"}, []),
        ({}, {"title": "Countess"}, []),
    ],
)
def test_each_address_that_was_given_up_is_told_and_no_other(
    before: dict[str, Any], sent: dict[str, Any], told: list[str], acme: Tenant, idp: Idp
) -> None:
    def attributes(of: dict[str, Any]) -> dict[str, Any]:
        return {name: [{"value": each} for each in value] if name == "emails" else value for name, value in of.items()}

    ada = acme.add("ada", profile=attributes(before))
    answer = idp.patch(str(ada.pk), {"op": "replace", "value": attributes(sent)})
    assert answer.status_code == 200
    assert mailed() == [([address], TOLD) for address in told]


def test_so_it_is_in_a_bulk_request_and_for_who_is_suspended(idp: Idp, ada: User) -> None:
    User.objects.filter(pk=ada.pk).update(is_active=False)
    operation = {"method": "PUT", "path": f"/Users/{ada.pk}", "data": {"userName": NEW, "active": False}}
    body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": [operation]}
    assert idp.send("POST", "/Bulk", body).status_code == 200
    assert User.objects.get(pk=ada.pk).user_name == NEW
    assert mailed() == [(["ada@acme.example"], TOLD)]


def test_a_refused_change_tells_nobody(acme: Tenant, idp: Idp, ada: User) -> None:
    acme.add("lee")
    for address in ("lee@acme.example", "ada@elsewhere.example"):
        refused = idp.patch(str(ada.pk), {"op": "replace", "path": "userName", "value": address})
        assert refused.status_code in (400, 409)
    assert mailed() == []


def test_the_reset_mail_says_to_ask_an_admin_for_72_hours(idp: Idp, ada: User) -> None:
    rename(idp, ada)
    mailed()
    ask(NEW)
    (message,) = letters()
    assert (message.to, message.subject) == ([NEW], ASK_AN_ADMIN)
    assert "/new-password/" not in message.body and "/new-password/" not in message.alternatives[0][0]
    assert "until" in message.body and "Allow password reset" in message.body
    with time_machine.travel(timezone.now() + timedelta(hours=71, minutes=59)):
        ask(NEW)
        assert mailed() == [([NEW], ASK_AN_ADMIN)]
    with time_machine.travel(timezone.now() + timedelta(hours=72, minutes=1)):
        ask(NEW)
        (message,) = letters()
        assert message.subject == LINK
        assert works(link_in(message))


def test_a_second_change_begins_the_72_hours_anew(idp: Idp, ada: User) -> None:
    rename(idp, ada)
    with time_machine.travel(timezone.now() + timedelta(hours=48)):
        rename(idp, ada, "countess@acme.example")
        told = mailed()
        assert told == [(["ada@acme.example"], TOLD), ([NEW], TOLD)]
    with time_machine.travel(timezone.now() + timedelta(hours=96)):
        ask("countess@acme.example")
        assert mailed() == [(["countess@acme.example"], ASK_AN_ADMIN)]


def test_a_stranger_sees_no_difference(acme: Tenant, idp: Idp, ada: User) -> None:
    acme.add("lee", password=PASSWORD)
    rename(idp, ada)
    pages = {ask(address).replace(address, "") for address in (NEW, "lee@acme.example", "nobody@acme.example")}
    assert len(pages) == 1


@pytest.mark.parametrize(
    ("role", "password", "subject"),
    [
        (BuiltIn.APP_MANAGEMENT, None, LINK),
        (BuiltIn.APP_MANAGEMENT, PASSWORD, ASK_AN_ADMIN),
        (BuiltIn.READ_ONLY, None, ASK_AN_ADMIN),
        ("domains.view", None, ASK_AN_ADMIN),
        (BuiltIn.ADMIN, None, ASK_AN_ADMIN),
    ],
)
def test_who_had_neither_password_nor_rights_sets_one_at_once(
    role: str, password: str | None, subject: str, acme: Tenant, idp: Idp
) -> None:
    connections.set_manage_admins(acme.connection, True, by=acme.by)
    acme.add("root", BuiltIn.ADMIN)
    ada = acme.add("ada", role, password=password)
    outbox.deliver()
    rename(idp, ada)
    mailed()
    ask(NEW)
    assert mailed() == [([NEW], subject)]


@pytest.mark.parametrize("back", [False, True], ids=["changed", "changed and back"])
@pytest.mark.parametrize("password", [None, PASSWORD])
def test_a_link_that_was_sent_before_dies_with_the_change(
    password: str | None, back: bool, acme: Tenant, idp: Idp
) -> None:
    ada = acme.add("ada", password=password)
    ask("ada@acme.example")
    link = link_in(letters()[0])
    assert works(link)
    rename(idp, ada)
    if back:
        rename(idp, ada, "ada@acme.example")
    assert not works(link)
    User.objects.update(password_reset_blocked_until=None)
    assert not works(link)


def test_a_link_dies_also_where_only_the_user_name_was_changed(acme: Tenant, idp: Idp) -> None:
    ada = acme.add("ada", profile={"emails": [{"value": "a@acme.example", "primary": True}]})
    ask("ada@acme.example")
    link = link_in(letters()[0])
    rename(idp, ada)
    assert User.objects.get(pk=ada.pk).email == "a@acme.example"
    assert not works(link)


def test_a_link_of_before_dies_with_a_block(acme: Tenant, ada: User) -> None:
    ask("ada@acme.example")
    link = link_in(letters()[0])
    User.objects.update(password_reset_blocked_until=timezone.now() + timedelta(hours=1))
    assert not works(link)


# Allow password reset


def change(client: Client, *people: User, confirmed: bool = True, of_person: bool = False) -> str:
    form = {
        "action": "allow-reset",
        "person": [f"{user.pk}.{User.objects.get(pk=user.pk).version}" for user in people],
        **({"confirmed": "read"} if confirmed else {}),
        **({"of_person": str(people[0].pk)} if of_person else {}),
    }
    return client.post("/settings/users/change/", form, follow=True).content.decode()


def test_an_admin_allows_it_on_the_persons_page(acme: Tenant, idp: Idp, ada: User, signed_in: SignedIn) -> None:
    client, page = signed_in(acme), f"/settings/users/{ada.pk}/"
    assert "Allow password reset" not in shown(client, page)
    rename(idp, ada)
    mailed()
    assert "Password reset by mail Blocked until" in shown(client, page)
    assert "Allow password reset…" in shown(client, page)
    asked = change(client, ada, confirmed=False, of_person=True)
    assert f"{NEW}: a link to set a password can be mailed to {NEW} again." in plain(asked)
    assert "ask the user by phone or in person" in plain(asked)
    assert User.objects.get(pk=ada.pk).is_password_reset_blocked
    assert f"{NEW} was allowed to set a password by mail." in change(client, ada, of_person=True)
    event = acme.last_event()
    assert (event.action, event.target_id, event.actor_label) == (
        Action.USER_RESET_ALLOWED, str(ada.pk), "admin@acme.example",
    )  # fmt: skip
    assert "Allow password reset" not in shown(client, page)
    ask(NEW)
    assert mailed() == [([NEW], LINK)]
    # A later change blocks it again.
    rename(idp, ada, "countess@acme.example")
    mailed()
    ask("countess@acme.example")
    assert mailed() == [(["countess@acme.example"], ASK_AN_ADMIN)]


def test_several_are_allowed_at_once(acme: Tenant, idp: Idp, ada: User, signed_in: SignedIn) -> None:
    client, lee = signed_in(acme), acme.add("lee", password=PASSWORD)
    assert "Allow password reset…" in shown(client, "/settings/users/")
    rename(idp, ada)
    rename(idp, lee, "lee.king@acme.example")
    kim = acme.add("kim")
    said = change(client, ada, lee, kim)
    assert "2 people were allowed to set a password by mail." in said
    assert not any(User.objects.get(pk=user.pk).is_password_reset_blocked for user in (ada, lee))
    assert [event.action for event in acme.events()[:2]] == [Action.USER_RESET_ALLOWED] * 2


def test_the_question_speaks_of_those_who_are_blocked_and_of_nobody_else(
    acme: Tenant, idp: Idp, ada: User, signed_in: SignedIn
) -> None:
    client, kim, lee = signed_in(acme), acme.add("kim"), acme.add("lee")
    rename(idp, ada)
    asked = plain(change(client, ada, kim, lee, confirmed=False))
    assert f"can be mailed to {NEW} again. Your identity provider changed this address" in asked
    assert "2 of the selected users are not blocked; nothing changes for them." in asked
    assert f"Allow password reset for {NEW}" in asked
    assert "kim" not in asked and "lee" not in asked
    said = plain(change(client, kim, confirmed=False))
    assert "Password reset is not blocked for the selected users" in said
    assert "Your identity provider changed" not in said


def test_it_tells_when_the_provider_changed_the_address_not_when_an_admin_did(
    acme: Tenant, idp: Idp, signed_in: SignedIn
) -> None:
    ada = acme.add("ada", password=PASSWORD, profile={"emails": [{"value": "a@acme.example", "primary": True}]})
    rename(idp, ada)
    renamed_at = User.objects.get(pk=ada.pk).password_reset_blocked_since
    with time_machine.travel(timezone.now() + timedelta(hours=2)):
        acme.update(ada, userName="countess@acme.example")
        client = signed_in(acme)
        assert renamed_at is not None
        for html in (client.get(f"/settings/users/{ada.pk}/").content.decode(), change(client, ada, confirmed=False)):
            assert timezone.localtime(renamed_at).isoformat() in html
        assert "mailed to a@acme.example or countess@acme.example again. Your identity provider changed one of" in (
            plain(change(client, ada, confirmed=False))
        )


def test_the_list_marks_and_finds_those_who_are_blocked(acme: Tenant, idp: Idp, ada: User, signed_in: SignedIn) -> None:
    client, kim = signed_in(acme), acme.add("kim")
    User.objects.filter(pk=kim.pk).update(password_reset_blocked_until=timezone.now() - timedelta(minutes=1))
    rename(idp, ada)
    assert client.get("/settings/users/").content.decode().count('warn">Password reset blocked') == 1
    found = shown(client, "/settings/users/?status=reset-blocked")
    assert NEW in found and "kim@acme.example" not in found


@pytest.mark.parametrize(("role", "of_ada"), [(BuiltIn.READ_ONLY, "app-management"), ("users.edit", "read-only")])
def test_only_who_may_change_the_person_does(
    role: str, of_ada: str, acme: Tenant, idp: Idp, signed_in: SignedIn
) -> None:
    ada = acme.add("ada", of_ada, password=PASSWORD)
    rename(idp, ada)
    client = signed_in(acme, role)
    assert "Allow password reset" not in shown(client, f"/settings/users/{ada.pk}/")
    change(client, ada)
    assert User.objects.get(pk=ada.pk).is_password_reset_blocked
