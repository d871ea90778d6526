"""Apply this address: an Admin gives a user with rights the address that the connection was not allowed to give."""

import pytest
from django.test import Client

from audit.actions import Action
from provisioning.models import RequestLog
from provisioning.services.connections import connections
from tests.identity_provider import Idp, quiet_writer
from tests.provisioning.views.request_log.test_log import latest, permalink, shown
from tests.signed_in import SignedIn
from tests.tenants import Tenant
from users.models import User
from users.permissions import BuiltIn

# What a test leaves in the queue, some of it from days ahead, must not turn up in the next one's log.
__all__ = ["quiet_writer"]

pytestmark = pytest.mark.django_db

NEW = "ada.king@acme.example"


@pytest.fixture
def idp(acme: Tenant) -> Idp:
    _, text = connections.generate_token(acme.connection, by=acme.by)
    connections.set_enabled(acme.connection, True, by=acme.by)
    return Idp(acme.organization, text)


@pytest.fixture
def ada(acme: Tenant) -> User:
    """An Admin whom SCIM has made."""
    emails = [{"value": "ada@acme.example", "type": "work", "primary": True}]
    return acme.add("ada", BuiltIn.ADMIN, profile={"emails": emails})


@pytest.fixture
def refused(idp: Idp, ada: User) -> RequestLog:
    emails = [{"value": NEW, "type": "work", "primary": True}]
    body = {"userName": NEW, "emails": emails, "title": "Countess"}
    assert idp.send("PUT", f"/Users/{ada.pk}", body).status_code == 403
    return latest(idp)


def apply(client: Client, row: RequestLog) -> str:
    answer = client.post(f"{permalink(row)}apply-address/")
    assert answer.headers["Location"].startswith(permalink(row)), answer.headers["Location"]
    return shown(client, permalink(row))


def own(user: User) -> tuple[str, str]:
    user = User.objects.get(pk=user.pk)
    return user.user_name, user.email


def test_an_admin_applies_exactly_the_address_that_was_refused(
    acme: Tenant, ada: User, refused: RequestLog, signed_in: SignedIn, idp: Idp
) -> None:
    client = signed_in(acme)
    page = shown(client, permalink(refused))
    assert "Apply this address…" in page
    why = "ada@acme.example has the role Admin, so this connection can't change their userName or primary email to"
    assert f"{why} {NEW}." in page
    assert "in the request log" not in page.partition("The request")[0]
    assert (
        f"ada@acme.example gets the address {NEW}. Mail to this user, including password links, then goes to {NEW}. "
        "Apply it only if you know it belongs to the same person. We notify ada@acme.example. "
        "After that, the next sync is no longer refused for this address." in page
    )
    assert f"{NEW} has this address now. The next sync is no longer refused" in apply(client, refused)
    assert own(ada) == (NEW, NEW)
    event = acme.last_event()
    assert (event.action, event.actor_label) == (Action.USER_ADDRESS_APPLIED, "admin@acme.example")
    assert set(event.changes) == {"userName", "emails"}
    assert "has this address now." in apply(client, refused)
    assert acme.last_event().pk == event.pk
    # What the provider sends next changes no address any more.
    body = {"userName": NEW, "emails": [{"value": NEW, "type": "work", "primary": True}], "title": "Countess"}
    assert idp.send("PUT", f"/Users/{ada.pk}", body).status_code == 200


@pytest.mark.parametrize("role", ["users.edit sign-in.edit roles.edit", BuiltIn.READ_ONLY])
def test_nobody_else_does(role: str, acme: Tenant, ada: User, refused: RequestLog, signed_in: SignedIn) -> None:
    client = signed_in(acme, role)
    assert "Apply this address" not in shown(client, permalink(refused))
    client.post(f"{permalink(refused)}apply-address/")
    assert own(ada)[0] == "ada@acme.example"


def test_another_organizations_admin_does_not_find_it(
    globex: Tenant, ada: User, refused: RequestLog, signed_in: SignedIn
) -> None:
    assert signed_in(globex).post(f"{permalink(refused)}apply-address/").status_code == 404
    assert own(ada)[0] == "ada@acme.example"


def test_every_rule_is_asked_again(acme: Tenant, ada: User, refused: RequestLog, signed_in: SignedIn) -> None:
    client = signed_in(acme)
    acme.tick("acme.example", False)
    assert "does not have the User requests checkmark" in apply(client, refused)
    acme.tick("acme.example")
    taker = acme.add(NEW)
    assert f"A user with the userName '{NEW}' exists already." in apply(client, refused)
    acme.update(taker, userName="x@acme.example")
    acme.update(ada, userName="countess@acme.example")
    assert "has another address by now" in apply(client, refused)
    assert own(ada)[0] == "countess@acme.example"


def test_who_applies_it_has_just_shown_who_they_are(
    acme: Tenant, ada: User, refused: RequestLog, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = signed_in(acme)
    monkeypatch.setattr("console.requests._reauthentications", [])
    answer = client.post(f"{permalink(refused)}apply-address/")
    assert answer.headers["Location"].startswith("/confirm/")
    assert own(ada)[0] == "ada@acme.example"


def test_where_only_the_user_name_changes_it_says_that_mail_stays(
    acme: Tenant, ada: User, idp: Idp, signed_in: SignedIn
) -> None:
    assert idp.patch(str(ada.pk), {"op": "replace", "path": "userName", "value": NEW}).status_code == 403
    page = shown(signed_in(acme), permalink(latest(idp)))
    assert (
        f"Mail to this user still goes to ada@acme.example, but password links can be requested for {NEW} and go there."
        in page
    )


def test_a_masked_address_is_not_offered(acme: Tenant, ada: User, idp: Idp, signed_in: SignedIn) -> None:
    assert idp.send("PUT", f"/Users/{ada.pk}", {"userName": "smgp_x@acme.example"}).status_code == 403
    client = signed_in(acme)
    assert "Apply this address" not in shown(client, permalink(latest(idp)))
    assert "smgp_x" not in client.get(permalink(latest(idp))).content.decode()
    client.post(f"{permalink(latest(idp))}apply-address/")
    assert own(ada)[0] == "ada@acme.example"
