"""While the Admin switch is off, a connection gives no user with rights another userName or primary e-mail address."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from core.actors import Actor, Channel
from organizations.models import Mail
from provisioning.models import Connection
from provisioning.services.connections import connections
from provisioning.services.role_rules import rules
from scim.protocol.schemas import CORE_USER
from tests.identity_provider import Idp, read
from tests.scim.operations.test_bulk import bulk
from users.models import Role, Source, User
from users.permissions import BuiltIn, levels_of
from users.services import accounts, roles

NEW = "mallory@acme.example"
PRIVILEGED = (BuiltIn.ADMIN, "users.edit", "roles.edit domains.view", "sign-in.edit")


@pytest.fixture
def by(idp: Idp) -> Actor:
    return Actor(idp.organization.pk, "Ada Moreau", Channel.PAGE)


def switch(idp: Idp, wanted: bool) -> None:
    connection = Connection.objects.get(organization=idp.organization)
    connections.set_manage_admins(connection, wanted, by=Actor(idp.organization.pk, "Ada Moreau", Channel.PAGE))


def role_of(idp: Idp, rights: str, by: Actor) -> Role:
    found = Role.objects.of(idp.organization.pk).filter(key=rights, rights="").exclude(key="").first()
    found = found or Role.objects.of(idp.organization.pk).filter(name=rights).first()
    return found or roles.create(rights, levels_of("", rights), by=by)


def with_role(idp: Idp, rights: str, by: Actor, **attributes: Any) -> dict[str, Any]:
    """Somebody whom SCIM made and who has that role, while the switch was on."""
    role = role_of(idp, rights, by)
    switch(idp, True)
    user = idp.create("ada@acme.example", roles=[{"value": role.name}], **attributes)
    switch(idp, False)
    return user


def emails(*addresses: str) -> list[dict[str, Any]]:
    return [{"value": address, "primary": not number} for number, address in enumerate(addresses)]


def own(user_id: str) -> tuple[str, str]:
    user = User.objects.get(pk=user_id)
    return user.user_name, user.email


WRITES = {
    "PUT": lambda idp, user: idp.send("PUT", f"/Users/{user['id']}", {**user, "userName": NEW}),
    "PUT without emails": lambda idp, user: idp.send(
        "PUT", f"/Users/{user['id']}", {"schemas": [CORE_USER.id], "userName": NEW}
    ),
    "PATCH with a path": lambda idp, user: idp.patch(user["id"], {"op": "replace", "path": "userName", "value": NEW}),
    "PATCH without a path": lambda idp, user: idp.patch(user["id"], {"op": "replace", "value": {"userName": NEW}}),
    "e-mail with a filter": lambda idp, user: idp.patch(
        user["id"], {"op": "replace", "path": "emails[primary eq true].value", "value": NEW}
    ),
    "e-mails": lambda idp, user: idp.patch(user["id"], {"op": "replace", "path": "emails", "value": emails(NEW)}),
    "another primary": lambda idp, user: idp.patch(
        user["id"], {"op": "replace", "path": 'emails[value eq "a@acme.test"].primary', "value": True}
    ),
    "removal": lambda idp, user: idp.patch(user["id"], {"op": "remove", "path": "emails[primary eq true]"}),
}


@pytest.mark.parametrize("strict", [False, True], ids=["lenient", "strict"])
@pytest.mark.parametrize("write", WRITES)
def test_an_admin_keeps_both_addresses(write: str, strict: bool, idp: Idp, by: Actor) -> None:
    user = with_role(idp, BuiltIn.ADMIN, by, emails=emails("ada@acme.example", "a@acme.test"))
    Connection.objects.update(strict=strict)
    refused = WRITES[write](idp, user)
    assert refused.status_code == 403, refused.content
    assert "An Admin can apply the new address" in read(refused)["detail"]
    assert own(user["id"]) == ("ada@acme.example", "ada@acme.example")
    row = idp.log()[-1]
    assert (row.cause, row.user_label) == ("address-protected", "ada@acme.example")
    switch(idp, True)
    assert WRITES[write](idp, user).status_code == 200


@pytest.mark.parametrize("rights", PRIVILEGED)
def test_so_does_everybody_who_may_edit_users_roles_or_sign_in(rights: str, idp: Idp, by: Actor) -> None:
    user = with_role(idp, rights, by)
    assert WRITES["PUT"](idp, user).status_code == 403
    refused = bulk(idp, {"method": "PATCH", "path": f"/Users/{user['id']}", "data": {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "replace", "path": "userName", "value": NEW}],
    }})  # fmt: skip
    assert refused[0]["status"] == "403"
    assert own(user["id"])[0] == "ada@acme.example"


@pytest.mark.parametrize("rights", [BuiltIn.APP_MANAGEMENT, BuiltIn.READ_ONLY, "domains.edit audit-log.view"])
def test_others_are_renamed_as_before(rights: str, idp: Idp, by: Actor) -> None:
    user = with_role(idp, rights, by)
    assert WRITES["PUT"](idp, user).status_code == 200
    assert own(user["id"])[0] == NEW


def test_whatever_else_changes_of_an_admin_goes_through(idp: Idp, by: Actor) -> None:
    user = with_role(idp, BuiltIn.ADMIN, by, emails=emails("ada@acme.example"))
    assert idp.patch(user["id"], {"op": "replace", "value": {"title": "Countess"}}).status_code == 200
    spelled = {**user, "userName": "Ada@ACME.example", "emails": emails("ada@acme.example", "b@acme.test")}
    assert idp.send("PUT", f"/Users/{user['id']}", spelled).status_code == 200


@pytest.mark.parametrize("kind", ["role sent", "role rule"])
def test_the_role_and_the_address_do_not_come_in_one_write(kind: str, idp: Idp, by: Actor) -> None:
    helpdesk = role_of(idp, "users.edit", by)
    if kind == "role rule":
        rule = rules.RuleInput("title", "is", "Helpdesk", str(helpdesk.pk))
        rules.save([rule], expected_version=0, by=by)
    user = idp.create("ada@acme.example")
    gives = {"roles": [{"value": helpdesk.name}]} if kind == "role sent" else {"title": "Helpdesk"}
    assert idp.patch(user["id"], {"op": "replace", "value": {"userName": NEW, **gives}}).status_code == 403
    assert idp.patch(user["id"], {"op": "replace", "value": gives}).status_code == 200
    assert User.objects.get(pk=user["id"]).role == helpdesk
    assert idp.patch(user["id"], {"op": "replace", "value": {"userName": NEW}}).status_code == 403


def test_adoption_leaves_the_addresses_and_the_next_write_is_refused(idp: Idp, by: Actor) -> None:
    role = role_of(idp, "users.edit", by)
    made = accounts.create(accounts.NewUser({"userName": "ada@acme.example"}, role, Source.MANUAL), by=by)
    adopted = idp.send("PUT", f"/Users/{made.pk}", {"userName": NEW, "externalId": "a1", "emails": emails(NEW)})
    assert adopted.status_code == 200
    assert own(str(made.pk)) == ("ada@acme.example", "ada@acme.example")
    assert idp.patch(str(made.pk), {"op": "replace", "value": {"userName": NEW}}).status_code == 403


@pytest.mark.parametrize("address", ["nonsense", "ada@elsewhere.example", "ada@ac\u00adme.example"])
def test_an_address_that_nobody_may_be_given_is_refused_as_such(address: str, idp: Idp, by: Actor) -> None:
    user = with_role(idp, "users.edit", by)
    refused = idp.patch(user["id"], {"op": "replace", "path": "userName", "value": address})
    assert refused.status_code == 400
    assert "An Admin can apply" not in read(refused)["detail"]


def test_an_address_that_changes_to_and_fro_is_not_mailed_without_end(idp: Idp) -> None:
    user = idp.create("ada@acme.example")
    for number in range(16):
        name = ("ceo@acme.example", "ada@acme.example")[number % 2]
        assert idp.patch(user["id"], {"op": "replace", "path": "userName", "value": name}).status_code == 200
    mails = Counter(Mail.objects.filter(name="address_changed").values_list("to", flat=True))
    assert mails == {"ada@acme.example": 3, "ceo@acme.example": 3}
    # Whoever loses another address hears of it all the same.
    idp.patch(user["id"], {"op": "replace", "path": "userName", "value": "new@acme.example"})
    idp.patch(user["id"], {"op": "replace", "path": "userName", "value": "newer@acme.example"})
    assert Mail.objects.filter(name="address_changed", to="new@acme.example").count() == 1


@pytest.mark.parametrize("kind", ["role sent", "group left"])
def test_nor_do_they_come_one_after_the_other(kind: str, idp: Idp, by: Actor) -> None:
    helpdesk = role_of(idp, "users.edit", by)
    user = idp.create("ada@acme.example")
    if kind == "role sent":
        takes = {"op": "replace", "path": "roles", "value": [{"value": "Read-only"}]}
        assert idp.patch(user["id"], {"op": "add", "value": {"roles": [{"value": helpdesk.name}]}}).status_code == 200
        assert idp.patch(user["id"], takes).status_code == 200
    else:
        rule = rules.RuleInput("group", "is", "Helpdesk", str(helpdesk.pk))
        rules.save([rule], expected_version=0, by=by)
        made = idp.send("POST", "/Groups", {"displayName": "Helpdesk", "members": [{"value": user["id"]}]})
        assert User.objects.get(pk=user["id"]).role == helpdesk
        idp.send("DELETE", f"/Groups/{read(made)['id']}")
    assert User.objects.get(pk=user["id"]).role != helpdesk
    refused = WRITES["PUT"](idp, user)
    assert refused.status_code == 403
    assert "for 72 hours from then this connection can't change" in read(refused)["detail"]
    assert own(user["id"])[0] == "ada@acme.example"
    with time_machine.travel(timezone.now() + timedelta(hours=73)):
        assert WRITES["PUT"](idp, user).status_code == 200
    assert own(user["id"])[0] == NEW
