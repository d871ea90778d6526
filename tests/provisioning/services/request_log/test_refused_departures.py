"""A suspension or deletion that is refused shows on the checklist at once, and is mailed, once an hour at most."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from provisioning.models import DepartureAlert
from provisioning.services.connections import connections
from provisioning.services.request_log import writer
from scim.protocol.departures import asks_to_suspend
from tests.growth import assert_linear
from tests.identity_provider import Idp
from tests.provisioning.services.request_log.test_failure_streaks import mailed
from tests.provisioning.services.request_log.test_setup_steps import reached
from tests.scim.operations.test_bulk import bulk
from tests.tenants import Tenant
from users.models import Source, User
from users.permissions import BuiltIn

PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
SUSPEND = {"op": "replace", "path": "active", "value": False}
SUBJECT = "SCIM could not suspend or delete "


@pytest.fixture
def idp(acme: Tenant) -> Idp:
    """Acme's identity provider, of whose failures one Admin hears."""
    text = connections.generate_token(acme.connection, by=acme.by)[1]
    connections.set_enabled(acme.connection, True, by=acme.by)
    acme.add("root", BuiltIn.ADMIN, source=Source.MANUAL)
    mailed()
    return Idp(acme.organization, text)


def manual(tenant: Tenant, login: str) -> User:
    """Somebody whom SCIM may not suspend, for it has not taken them over."""
    return tenant.add(login, source=Source.MANUAL)


def alerts() -> list[Any]:
    return [message for message in mailed() if message.subject.startswith(SUBJECT)]


def suspend_by_put(idp: Idp, user: User) -> Any:
    return idp.send("PUT", f"/Users/{user.pk}", {"userName": user.user_name, "active": "False"})


def suspend_by_patch(idp: Idp, user: User) -> Any:
    return idp.patch(str(user.pk), SUSPEND)


def suspend_in_bulk(idp: Idp, user: User) -> Any:
    data = {"schemas": [PATCH_OP], "Operations": [{"op": "Replace", "value": {"active": False}}]}
    return bulk(idp, {"method": "PATCH", "path": f"/Users/{user.pk}", "data": data})


def delete(idp: Idp, user: User) -> Any:
    return idp.send("DELETE", f"/Users/{user.pk}")


def delete_in_bulk(idp: Idp, user: User) -> Any:
    return bulk(idp, {"method": "DELETE", "path": f"/Users/{user.pk}"})


@pytest.mark.parametrize(
    ("ask", "step"),
    [
        (suspend_by_put, "deactivate"),
        (suspend_by_patch, "deactivate"),
        (suspend_in_bulk, "deactivate"),
        (delete, "delete"),
        (delete_in_bulk, "delete"),
    ],
)
def test_a_refusal_shows_on_the_checklist_and_is_mailed_at_once(ask: Any, step: str, acme: Tenant, idp: Idp) -> None:
    ask(idp, manual(acme, "kim"))
    (message,) = alerts()
    assert reached(idp) == {step: "409 not-adopted"}
    assert message.to == ["root@acme.example"]
    assert message.subject == "SCIM could not suspend or delete 1 user of Acme. This user can still sign in."
    assert "kim@acme.example" in message.body
    assert "was not made by SCIM" in message.body
    assert "Until then, suspend the user in Settings > Users." in message.body
    assert "log/?cause=not-adopted" in message.body


@pytest.mark.parametrize(("ask", "step"), [(suspend_in_bulk, "deactivate"), (delete_in_bulk, "delete")])
def test_what_goes_well_within_a_bulk_request_ends_it(ask: Any, step: str, acme: Tenant, idp: Idp) -> None:
    ask(idp, manual(acme, "kim"))
    mailed()
    ask(idp, acme.add("lee"))
    assert reached(idp)[step] == "done"


def test_a_body_that_can_not_be_read_is_a_refused_suspension_too(acme: Tenant, idp: Idp) -> None:
    kim = acme.add("kim")
    refused = idp.patch(str(kim.pk), SUSPEND, {"op": "replace", "path": "userNmae", "value": "x"})
    assert refused.status_code == 400
    (message,) = alerts()
    assert "kim@acme.example" in message.body
    assert reached(idp) == {"deactivate": "400 InvalidPath"}


def test_a_mail_names_no_user_of_another_organization(acme: Tenant, globex: Tenant, idp: Idp) -> None:
    text = connections.generate_token(globex.connection, by=globex.by)[1]
    connections.set_enabled(globex.connection, True, by=globex.by)
    globex.add("root", BuiltIn.ADMIN, source=Source.MANUAL)
    theirs = globex.add("secret.person")
    mailed()
    # Both in one batch of the writer.
    for each in (idp, Idp(globex.organization, text)):
        assert each.send("PATCH", f"/Users/{theirs.pk}", {"Operations": [SUSPEND, "?"]}).status_code == 400
    idp.log()
    of_acme, of_globex = sorted((message.body for message in mailed()), key=lambda body: "secret.person" in body)
    assert str(theirs.pk) in of_acme and "secret.person" not in of_acme
    assert "secret.person@globex.example" in of_globex


def test_no_id_that_a_client_makes_up_costs_the_log_its_rows(acme: Tenant, idp: Idp) -> None:
    for made_up in ("x%00y", "%ED%A0%80", "x" * 3000, "%F0%9F%92%A9", "a%0Ab"):
        answer = idp.send("PATCH", f"/Users/{made_up}", {"Operations": [SUSPEND, "?"]})
        assert answer.status_code == 400
    assert len(idp.log()) == 5
    assert writer.dropped() == 0
    (alert,) = DepartureAlert.objects.all()
    assert all(name.isprintable() and len(name) <= 64 for name in alert.users)


def test_then_once_an_hour_with_all_who_were_refused_since(acme: Tenant, idp: Idp) -> None:
    kim, lee, max_ = (manual(acme, login) for login in ("kim", "lee", "max"))
    suspend_by_patch(idp, kim)
    assert len(alerts()) == 1
    suspend_by_patch(idp, lee)
    suspend_by_patch(idp, kim)
    assert alerts() == []
    with time_machine.travel(timezone.now() + timedelta(minutes=61)):
        delete(idp, max_)
        (message,) = alerts()
        assert all(f"{login}@acme.example" in message.body for login in ("kim", "lee", "max"))


def test_another_cause_is_mailed_at_once(acme: Tenant, idp: Idp) -> None:
    suspend_by_patch(idp, manual(acme, "kim"))
    assert len(alerts()) == 1
    idp.patch(str(acme.add("lee").pk), SUSPEND, {"op": "replace", "path": "userNmae", "value": "x"})
    assert len(alerts()) == 1


@pytest.mark.parametrize("odd", [None, {"path": "/Users/x"}, {"method": "POST", "bulkId": 5, "path": "/Users"}])
def test_whom_a_bulk_request_that_is_refused_as_a_whole_keeps_in_is_told(acme: Tenant, idp: Idp, odd: Any) -> None:
    kim, lee = acme.add("kim"), acme.add("lee")
    data = {"schemas": [PATCH_OP], "Operations": [SUSPEND]}
    operations = [
        {"method": "PATCH", "path": f"/Users/{kim.pk}", "data": data},
        odd,
        {"method": "DELETE", "path": f"/Users/{lee.pk}"},
    ]
    answer = idp.send("POST", "/Bulk", {"Operations": operations})
    assert answer.status_code == 400
    [mail] = alerts()
    assert kim.user_name in mail.body and lee.user_name in mail.body
    assert [reached(idp)[step][:3] for step in ("deactivate", "delete")] == ["400", "400"]


def test_whom_a_bulk_request_that_is_refused_unread_keeps_in_is_told(acme: Tenant, idp: Idp) -> None:
    kim = acme.add("kim")
    operation = f'{{"method": "DELETE", "path": "/Users/{kim.pk}"}}'
    answer = idp.send("POST", "/Bulk", f'{{"x": 1, "x": 2, "Operations": [{operation}]}}'.encode())
    assert answer.status_code == 400
    assert kim.user_name in alerts()[0].body


def test_the_brakes_own_mail_is_the_mail(acme: Tenant, idp: Idp) -> None:
    for number in range(12):
        delete(idp, acme.add(f"p{number}"))
    subjects = [message.subject for message in mailed()]
    assert len([each for each in subjects if "held back" in each]) == 1
    assert not [each for each in subjects if each.startswith(SUBJECT)]
    assert reached(idp)["delete"] == "429 provisioning-paused"


def test_what_keeps_nobody_in_is_not_mailed(acme: Tenant, idp: Idp) -> None:
    kim = acme.add("kim")
    idp.send("DELETE", f"/Users/{kim.pk}", if_match='W/"999"')
    idp.send("DELETE", "/Users/nobody")
    idp.patch(str(manual(acme, "lee").pk), {"op": "replace", "path": "title", "value": "x"})
    Idp(acme.organization, "smgr_wrong").send("DELETE", f"/Users/{kim.pk}")
    assert alerts() == []


@pytest.mark.parametrize("value", [0, "0", "no", "f"])
@pytest.mark.parametrize("in_bulk", [False, True], ids=["alone", "in bulk"])
def test_what_means_false_but_is_no_boolean_is_a_suspension_that_failed(in_bulk: bool, value: Any, idp: Idp) -> None:
    path = f"/Users/{idp.create()['id']}"
    body = {"schemas": [PATCH_OP], "Operations": [{**SUSPEND, "value": value}]}
    if in_bulk:
        bulk(idp, {"method": "PATCH", "path": path, "data": body})
    else:
        assert idp.send("PATCH", path, body).status_code == 400
    assert reached(idp) == {"create": "done", "deactivate": "400 InvalidValue"}
    assert len(alerts()) == 1


CUSTOM = "urn:okta:custom:1.0:user:active"
STAYS: list[tuple[str, dict[str, Any]]] = [
    ("PATCH", {"Operations": [{**SUSPEND, "path": CUSTOM}]}),
    ("PATCH", {"Operations": [SUSPEND, {**SUSPEND, "value": True}]}),
    ("PATCH", {"Operations": [{"op": "remove", "path": "active", "value": False}]}),
    ("PUT", {"userName": "kim@acme.example", CUSTOM: False}),
    ("PUT", {"userName": "kim@acme.example", "urn:ietf:params:scim:schemas:core:2.0:Users:active": False}),
]


@pytest.mark.parametrize("in_bulk", [False, True], ids=["alone", "in bulk"])
@pytest.mark.parametrize(("method", "body"), STAYS, ids=str)
def test_the_step_is_done_only_by_what_leaves_the_user_inactive(
    method: str, body: dict[str, Any], in_bulk: bool, idp: Idp
) -> None:
    kim = idp.create("kim@acme.example")

    def send(method: str, body: dict[str, Any]) -> None:
        body = {"schemas": [PATCH_OP], **body}
        if in_bulk:
            bulk(idp, {"method": method, "path": f"/Users/{kim['id']}", "data": body})
        else:
            idp.send(method, f"/Users/{kim['id']}", body)
        writer.flush()

    refused = {"Operations": [SUSPEND, {"op": "replace", "path": "title", "value": 5}]}
    send("PATCH", refused)
    send(method, body)
    assert User.objects.get(pk=kim["id"]).is_active
    assert reached(idp)["deactivate"].startswith("400 ")
    # Whom the same suspends who was inactive before is suspended all the same.
    for _ in range(2):
        send("PATCH", {"Operations": [SUSPEND]})
        assert reached(idp)["deactivate"] == "done"


@pytest.mark.parametrize(
    ("body", "asks"),
    [
        ({"active": False}, True),
        ({"Active": "False"}, True),
        ({"active": [{"value": "False"}]}, True),
        ({"active": [False]}, True),
        ({"active": {"value": " false "}}, True),
        ({"urn:ietf:params:scim:schemas:core:2.0:User:active": False}, True),
        (
            {
                "Operations": [
                    {"op": "add", "path": "urn:ietf:params:scim:schemas:core:2.0:User", "value": {"Active": ["False"]}}
                ]
            },
            True,
        ),
        ({"urn:ietf:params:scim:schemas:core:2.0:User": {"active": False}}, True),
        (
            {"Operations": [{"op": "add", "value": {"urn:ietf:params:scim:schemas:core:2.0:User": {"active": False}}}]},
            True,
        ),
        ({"Operations": {"op": "replace", "path": "active", "value": False}}, True),
        ({"Operations": [{"op": "replace", "value": [{"active": False}]}]}, True),
        ({"active.value": False}, True),
        ({"Operations": [{"op": "replace", "path": "active[primary eq true]", "value": "False"}]}, True),
        ({"active": True}, False),
        ({"active": [[False]]}, False),
        *(({"active": each}, True) for each in (0, 0.0, "0", "no", "No ", "f", "N", "off", ["0"], {"value": "no"})),
        *(({"active": each}, False) for each in (1, "1", "", "x", None, [[0]], {"value": {}}, "yes", [])),
        ({"title": "False"}, False),
        ({"urn:ietf:params:scim:schemas:core:2.0:Users:active": False}, True),
        ({"urn:ietf:params:scim:schemas:core:2.0:User.active": False}, True),
        ({"urn:ietf:params:scim:schemas:core:2.0:Users": [{"active": False}]}, True),
        ({"urn:okta:custom:1.0:user:active": False}, False),
        ({"name.active": False}, False),
        ({"Operations": [{"op": "replace", "path": "urn:okta:custom:1.0:user:active", "value": False}]}, False),
        ({"Operations": [{"op": "replace", "path": "active", "value": each} for each in (False, True)]}, False),
        ({"Operations": [{"op": "replace", "path": "active", "value": each} for each in (True, False)]}, True),
        ({"Operations": [{"op": "remove", "path": "active", "value": False}]}, False),
        ({"Operations": [{"op": "Replace", "path": "active", "value": "False"}]}, True),
        ({"operations": [{"OP": "Replace", "value": {"active": False}}]}, True),
        ({"Operations": [{"op": "replace", "path": "active", "value": [{"value": "false"}]}]}, True),
        ({"Operations": [{"op": "replace", "path": "title", "value": False}]}, False),
        ({"Operations": [{"op": "replace", "value": [False]}, "x", None]}, False),
        ({"Operations": {"active": False}}, False),
        ([], False),
        (None, False),
    ],
)
def test_what_asks_to_suspend(body: Any, asks: bool) -> None:
    assert asks_to_suspend(body) is asks


def test_telling_so_takes_linear_time() -> None:
    def worst(size: int) -> Any:
        return {"Operations": [{"op": "replace", "path": "active:" * 10, "value": "x"}] * size}

    assert_linear(asks_to_suspend, worst, 20_000)
