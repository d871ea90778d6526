"""Several identity providers in one organization: each has tokens and switches of its own, and people that it keeps."""

from typing import Any
from uuid import UUID

import pytest

import domains.services
from audit.actions import Action
from audit.models import AuditEvent
from core.actors import Actor, Channel
from provisioning.models import Connection, IdentityProvider
from provisioning.services.connections import connections, transfer
from provisioning.services.connections.connections import (
    MAX_CONNECTIONS,
    ConnectionNameRefused,
    ConnectionUnknown,
    LastConnection,
    TooManyConnections,
)
from provisioning.services.connections.transfer import NotManaged
from tests.identity_provider import Idp, read
from tests.users.services.test_races import at_once
from users.models import Role, Source, User
from users.permissions import levels_of
from users.services import accounts, roles
from users.services.accounts import UserUnknown

SUSPEND = {"op": "replace", "path": "active", "value": False}
NEW_TITLE = {"op": "replace", "path": "title", "value": "Poet"}


@pytest.fixture
def by(idp: Idp) -> Actor:
    return Actor(idp.organization.pk, "Ada", Channel.PAGE)


@pytest.fixture
def first(idp: Idp) -> Connection:
    return connections.default_connection(idp.organization.pk)


@pytest.fixture
def second(by: Actor) -> Connection:
    return connections.add("Okta", IdentityProvider.OKTA, by=by)


@pytest.fixture
def okta(idp: Idp, second: Connection, by: Actor) -> Idp:
    """The second identity provider, turned on."""
    _, text = connections.generate_token(second, by=by)
    connections.set_enabled(second, True, by=by)
    return Idp(idp.organization, text)


def managed_by(user: dict[str, Any]) -> Any:
    return User.objects.get(pk=user["id"]).managed_by


# What a connection keeps


def test_a_connection_keeps_whom_it_made(idp: Idp, okta: Idp, first: Connection, second: Connection) -> None:
    assert managed_by(idp.create("ada@acme.example")) == first.pk
    assert managed_by(okta.create("ben@acme.example")) == second.pk


def test_everybody_is_listed_to_every_connection(idp: Idp, okta: Idp) -> None:
    ada = idp.create("ada@acme.example")
    assert okta.found('userName eq "ada@acme.example"') == ["ada@acme.example"]
    assert okta.get(f"/Users/{ada['id']}").status_code == 200


@pytest.mark.parametrize(
    ("method", "body"),
    [
        ("PATCH", {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [SUSPEND]}),
        ("PUT", {"userName": "ada@acme.example", "externalId": "okta-1", "active": False}),
        ("DELETE", None),
    ],
)
def test_another_connections_user_is_left_alone(method: str, body: Any, idp: Idp, okta: Idp, first: Connection) -> None:
    ada = idp.create("ada@acme.example", externalId="jc-1")
    answer = okta.send(method, f"/Users/{ada['id']}", body)
    assert answer.status_code == 409
    assert "managed by another connection" in read(answer)["detail"]
    assert read(idp.get(f"/Users/{ada['id']}"))["meta"] == ada["meta"]
    assert managed_by(ada) == first.pk
    assert idp.log()[-2].cause == "managed-elsewhere"


def test_within_a_bulk_request_too(idp: Idp, okta: Idp) -> None:
    ada = idp.create("ada@acme.example")
    body = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [
            {"method": "DELETE", "path": f"/Users/{ada['id']}"},
            {"method": "POST", "path": "/Users", "bulkId": "b", "data": {"userName": "ben@acme.example"}},
        ],
    }
    statuses = [operation["status"] for operation in read(okta.send("POST", "/Bulk", body))["Operations"]]
    assert statuses == ["409", "201"]
    assert User.objects.filter(pk=ada["id"]).exists()


def test_who_was_made_by_hand_belongs_to_the_connection_that_takes_over(
    idp: Idp, okta: Idp, second: Connection, by: Actor
) -> None:
    role = Role.objects.of(by.organization_id).get(is_default=True)
    user = accounts.create(accounts.NewUser({"userName": "eve@acme.example"}, role, Source.MANUAL), by=by)
    assert okta.patch(str(user.pk), {"op": "add", "path": "externalId", "value": "o-1"}).status_code == 200
    assert User.objects.get(pk=user.pk).managed_by == second.pk
    assert idp.patch(str(user.pk), NEW_TITLE).status_code == 409


def test_whose_connection_is_gone_belongs_to_the_next_that_changes_them(
    idp: Idp, okta: Idp, first: Connection, second: Connection, by: Actor
) -> None:
    ada = idp.create("ada@acme.example")
    connections.remove(first, replacement=None, by=by)
    assert managed_by(ada) is None
    assert okta.patch(ada["id"], NEW_TITLE).status_code == 200
    assert managed_by(ada) == second.pk


def test_switches_are_each_connections_own(idp: Idp, okta: Idp, second: Connection, by: Actor) -> None:
    connections.set_groups_enabled(second, False, by=by)
    assert (idp.get("/Groups").status_code, okta.get("/Groups").status_code) == (200, 404)
    connections.set_enabled(second, False, by=by)
    assert (idp.get("/Users").status_code, okta.get("/Users").status_code) == (200, 401)


def test_the_log_knows_whose_request_it_was(idp: Idp, okta: Idp, first: Connection, second: Connection) -> None:
    idp.get("/Users")
    okta.get("/Users")
    Idp(idp.organization, "smgr_wrong").get("/Users")
    assert [row.connection_id for row in idp.log()] == [first.pk, second.pk, None]


# Handing over


def test_a_person_is_handed_over(idp: Idp, okta: Idp, second: Connection, by: Actor) -> None:
    ada = idp.create("ada@acme.example")
    transfer.transfer(User.objects.get(pk=ada["id"]).pk, second, by=by)
    assert okta.patch(ada["id"], NEW_TITLE).status_code == 200
    assert idp.patch(ada["id"], NEW_TITLE).status_code == 409
    event = AuditEvent.objects.of(by.organization_id).get(action=Action.USER_TRANSFERRED)
    assert event.changes == {"connection": ["Default", "Okta"]}


def test_handing_over_what_is_so_already_changes_nothing(idp: Idp, first: Connection, by: Actor) -> None:
    ada = idp.create("ada@acme.example")
    transfer.transfer(User.objects.get(pk=ada["id"]).pk, first, by=by)
    assert not AuditEvent.objects.of(by.organization_id).filter(action=Action.USER_TRANSFERRED).exists()


def test_who_was_made_by_hand_is_not_handed_over(idp: Idp, first: Connection, by: Actor) -> None:
    (person,) = idp.add_people(1)
    User.objects.filter(pk=person.pk).update(source=Source.MANUAL)
    with pytest.raises(NotManaged):
        transfer.transfer(person.pk, first, by=by)


def test_another_organizations_people_are_not_handed_over(anonymous: Idp, first: Connection, by: Actor) -> None:
    foreign = anonymous.create("gil@globex.example")
    with pytest.raises(UserUnknown):
        transfer.transfer(User.objects.get(pk=foreign["id"]).pk, first, by=by)


def test_all_people_are_handed_over_at_once(
    idp: Idp, okta: Idp, first: Connection, second: Connection, by: Actor
) -> None:
    mine = [idp.create(f"p{number}@acme.example") for number in range(3)]
    theirs = okta.create("ben@acme.example")
    assert transfer.transfer_all(first, second, by=by) == 3
    assert {managed_by(user) for user in (*mine, theirs)} == {second.pk}
    event = AuditEvent.objects.of(by.organization_id).get(action=Action.USERS_TRANSFERRED)
    assert event.changes == {"managed by": ["Default", "Okta"], "users": [None, 3]}


# Adding, naming, removing


@pytest.mark.parametrize("name", ["", "   ", "x" * 61, "a\nb\x00", "OKTA", " okta "])
def test_a_name_that_says_nothing_or_is_taken_is_refused(name: str, second: Connection, by: Actor) -> None:
    with pytest.raises(ConnectionNameRefused):
        connections.add(name, IdentityProvider.ENTRA, by=by)
    assert Connection.objects.of(by.organization_id).count() == 2


def test_a_connection_may_keep_its_name(second: Connection, by: Actor) -> None:
    changed = connections.change(second, "okta", IdentityProvider.ENTRA, by=by)
    assert (changed.name, changed.identity_provider) == ("okta", "entra")
    event = AuditEvent.objects.of(by.organization_id).first()
    assert event and event.changes == {"name": ["Okta", "okta"], "identity provider": ["Okta", "Entra ID"]}


def test_there_is_a_most(first: Connection, by: Actor) -> None:
    for number in range(MAX_CONNECTIONS - 1):
        connections.add(f"Number {number}", IdentityProvider.OTHER, by=by)
    with pytest.raises(TooManyConnections):
        connections.add("One more", IdentityProvider.OTHER, by=by)


def test_the_only_connection_stays(first: Connection, by: Actor) -> None:
    with pytest.raises(LastConnection):
        connections.remove(first, replacement=None, by=by)


def test_removing_ends_the_tokens_and_hands_the_people_to_the_heir(
    idp: Idp, okta: Idp, first: Connection, second: Connection, by: Actor
) -> None:
    ada = idp.create("ada@acme.example")
    assert connections.remove(first, replacement=second, by=by) == 1
    assert managed_by(ada) == second.pk
    assert idp.get("/Users").status_code == 401
    assert idp.log()[-1].cause == "token-revoked"
    assert okta.patch(ada["id"], NEW_TITLE).status_code == 200
    assert connections.default_connection(by.organization_id) == second
    for deed in (
        lambda: connections.find(first.pk, organization_id=by.organization_id),
        lambda: connections.set_enabled(first, True, by=by),
        lambda: connections.generate_token(first, by=by),
        lambda: connections.remove(first, replacement=None, by=by),
    ):
        with pytest.raises(ConnectionUnknown):
            deed()
    assert connections.add("Default", IdentityProvider.JUMPCLOUD, by=by).pk != first.pk


@pytest.mark.django_db(transaction=True)
def test_a_removal_and_a_suspension_at_the_same_moment_both_happen(idp: Idp, first: Connection, by: Actor) -> None:
    helpdesk = roles.create("Helpdesk", levels_of("", "users.edit"), by=by)
    for number in range(10):
        second = connections.add("Okta", IdentityProvider.OKTA, by=by)
        people = [idp.create(f"r{number}u{at}@acme.example", roles=[{"value": "Helpdesk"}]) for at in range(3)]
        User.objects.filter(role=helpdesk).update(managed_by=second.pk)
        last = UUID(people[-1]["id"])
        # Who may invite is locked, and then the organization, since invitations end with the suspension.
        refusals = at_once(
            lambda: connections.remove(second, replacement=first, by=by),  # noqa: B023
            lambda: accounts.set_active(last, False, by=by),  # noqa: B023
        )
        assert refusals == [None, None], f"round {number}"
        found = User.objects.get(pk=last)
        assert (found.managed_by, found.is_active) == (first.pk, False)


def test_another_organizations_connection_is_no_heir(anonymous: Idp, second: Connection, by: Actor) -> None:
    foreign = connections.default_connection(anonymous.organization.pk)
    with pytest.raises(ConnectionUnknown):
        connections.remove(second, replacement=foreign, by=by)
    with pytest.raises(ConnectionUnknown):
        connections.find(foreign.pk, organization_id=by.organization_id)


# Secondary addresses

OUTSIDE = [{"value": "ada@acme.example", "primary": True}, {"value": "ada@home.example", "type": "home"}]


def test_a_secondary_address_elsewhere_is_refused_until_the_switch_is_on(
    idp: Idp, first: Connection, by: Actor
) -> None:
    answer = idp.send("POST", "/Users", {"userName": "ada@acme.example", "emails": OUTSIDE})
    assert answer.status_code == 400
    assert "'Allow secondary addresses'" in read(answer)["detail"]
    assert idp.log()[-1].cause == "secondary-domain-unknown"
    connections.set_secondary_addresses(first, True, by=by)
    ada = idp.create("ada@acme.example", emails=OUTSIDE)
    assert ada["emails"] == OUTSIDE
    assert idp.patch(ada["id"], {"op": "add", "path": "emails", "value": [{"value": "a@b.example"}]}).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {"userName": "ada@home.example"},
        {"userName": "ada@acme.example", "emails": [{"value": "ada@home.example", "primary": True}]},
        {"userName": "ada@acme.example", "emails": [{"value": "ada@home.example"}]},
    ],
)
def test_what_stands_for_the_person_stays_within_the_domains(
    body: dict[str, Any], idp: Idp, first: Connection, by: Actor
) -> None:
    connections.set_secondary_addresses(first, True, by=by)
    assert idp.send("POST", "/Users", body).status_code == 400
    assert idp.log()[-1].cause == "domain-unknown"


def test_a_secondary_address_elsewhere_can_not_become_the_primary_one(idp: Idp, first: Connection, by: Actor) -> None:
    connections.set_secondary_addresses(first, True, by=by)
    ada = idp.create("ada@acme.example", emails=OUTSIDE)
    swapped = [{**OUTSIDE[0], "primary": False}, {**OUTSIDE[1], "primary": True}]
    assert idp.patch(ada["id"], {"op": "replace", "path": "emails", "value": swapped}).status_code == 400
    assert idp.patch(ada["id"], {"op": "replace", "path": "userName", "value": "ada@home.example"}).status_code == 400
    assert read(idp.get(f"/Users/{ada['id']}"))["emails"] == OUTSIDE


def test_what_was_let_in_stays_when_the_switch_is_turned_off(idp: Idp, first: Connection, by: Actor) -> None:
    connections.set_secondary_addresses(first, True, by=by)
    ada = idp.create("ada@acme.example", emails=OUTSIDE)
    connections.set_secondary_addresses(first, False, by=by)
    assert idp.patch(ada["id"], NEW_TITLE).status_code == 200
    more = [*OUTSIDE, {"value": "ada@elsewhere.example"}]
    assert idp.patch(ada["id"], {"op": "replace", "path": "emails", "value": more}).status_code == 400


def test_an_own_second_address_becomes_the_primary_one_also_where_the_checkmark_is_gone(idp: Idp, by: Actor) -> None:
    own = [{"value": "ada@acme.example", "primary": True}, {"value": "ada@acme.test"}]
    ada = idp.create("ada@acme.example", emails=own)
    domain = domains.services.find("acme.test", organization_id=by.organization_id)
    domains.services.set_user_requests(domain.pk, False, by=by)
    swapped = [{**own[0], "primary": False}, {**own[1], "primary": True}]
    assert idp.patch(ada["id"], {"op": "replace", "path": "emails", "value": swapped}).status_code == 200


def test_nobody_is_told_apart_by_a_secondary_address(idp: Idp, first: Connection, by: Actor) -> None:
    connections.set_secondary_addresses(first, True, by=by)
    shared = {"value": "shared@home.example"}
    for login in ("ada", "ben"):
        idp.create(f"{login}@acme.example", emails=[{"value": f"{login}@acme.example", "primary": True}, shared])
    assert User.objects.known_as(by.organization_id, "shared@home.example") is None


def test_in_a_bulk_request_the_switch_holds_too(idp: Idp, first: Connection, by: Actor) -> None:
    connections.set_secondary_addresses(first, True, by=by)
    creates = [
        {
            "method": "POST", "path": "/Users", "bulkId": str(number),
            "data": {"userName": f"p{number}@acme.example", "emails": [
                {"value": f"p{number}@acme.example", "primary": True}, {"value": f"p{number}@home.example"}]},
        }
        for number in range(3)
    ]  # fmt: skip
    body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": creates}
    answered = read(idp.send("POST", "/Bulk", body))["Operations"]
    assert [operation["status"] for operation in answered] == ["201"] * 3


def test_groups_are_everybodys(idp: Idp, okta: Idp) -> None:
    """Two providers may fill one group; each answers for its own people."""
    ada, ben = idp.create("ada@acme.example"), okta.create("ben@acme.example")
    group = idp.create_group("Engineering", ada["id"])
    added = okta.patch_group(group["id"], {"op": "add", "path": "members", "value": [{"value": ben["id"]}]})
    assert added.status_code in (200, 204)
    assert sorted(idp.members(group["id"])) == sorted([ada["id"], ben["id"]])
