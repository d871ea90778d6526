"""No address keeps a leaver in: a write that leaves a user inactive is done, and what it may not give is left out."""

from typing import Any

import pytest

from domains.models import Domain
from provisioning.models import Connection, RequestOperation
from provisioning.services.request_log import writer
from scim.protocol.departures import asks_to_suspend
from scim.protocol.schemas import CORE_USER, ENTERPRISE_USER
from tests.identity_provider import Idp, read
from tests.scim.operations.test_bulk import bulk
from users.models import User

HEX = "0123456789abcdef0123456789abcdef"
LONG = "a" * 60 + "@acme.example"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
REFUSED = {
    "an invisible character in the user's own": "ada@ac\u00adme.example",
    "no address": "no address",
    "too long": f"{'a' * 250}@acme.example",
    "domain unknown": "ada@elsewhere.example",
    "domain without checkmark": "ada@acme-unchecked.example",
    "taken": "bob@acme.example",
    "bad character": "a da@acme.example",
}


def put(idp: Idp, user: dict[str, Any], address: str) -> Any:
    return idp.send("PUT", f"/Users/{user['id']}", {"schemas": [CORE_USER.id], "userName": address, "active": False})


def patch(idp: Idp, user: dict[str, Any], address: str) -> Any:
    return idp.patch(
        user["id"],
        {"op": "replace", "path": "userName", "value": address},
        {"op": "replace", "path": "active", "value": False},
    )


def patch_without_path(idp: Idp, user: dict[str, Any], address: str) -> Any:
    return idp.patch(user["id"], {"op": "replace", "value": {"userName": address, "active": False}})


WRITES = {"PUT": put, "PATCH": patch, "PATCH without a path": patch_without_path}


@pytest.fixture
def user(idp: Idp) -> dict[str, Any]:
    idp.create("bob@acme.example")
    return idp.create("ada@acme.example")


@pytest.mark.parametrize("strict", [False, True], ids=["lenient", "strict"])
@pytest.mark.parametrize("was_active", [True, False], ids=["active", "inactive already"])
@pytest.mark.parametrize("write", WRITES)
def test_the_user_is_suspended_whatever_the_address(
    write: str, was_active: bool, strict: bool, idp: Idp, user: dict[str, Any]
) -> None:
    Connection.objects.update(strict=strict)
    for address in REFUSED.values():
        idp.patch(user["id"], {"op": "replace", "path": "active", "value": was_active})
        answer = WRITES[write](idp, user, address)
        assert answer.status_code == 200, answer.content
        assert read(answer)["active"] is False
        assert read(answer)["userName"] == "ada@acme.example"
        row = idp.log()[-1]
        assert row.cause == "address-left-out"
        assert "'userName' was left out" in row.notices[0]


@pytest.mark.parametrize("write", WRITES)
def test_of_the_rules_only_the_length_before_the_at_is_waived(write: str, idp: Idp) -> None:
    user = idp.create(LONG)
    answer = WRITES[write](idp, user, HEX + LONG)
    assert answer.status_code == 200, answer.content
    assert (read(answer)["active"], read(answer)["userName"]) == (False, HEX + LONG)
    assert idp.log()[-1].cause == ""
    # What stays as it is, is no reason to refuse later.
    assert idp.patch(user["id"], {"op": "replace", "path": "title", "value": "x"}).status_code == 200


def test_in_a_bulk_request_alike(idp: Idp, user: dict[str, Any]) -> None:
    operations = [{"op": "replace", "value": {"userName": "no address", "active": False}}]
    data = {"schemas": [PATCH_OP], "Operations": operations}
    (result,) = bulk(idp, {"method": "PATCH", "path": f"/Users/{user['id']}", "data": data})
    assert result["status"] == "200"
    assert not User.objects.get(pk=user["id"]).is_active


@pytest.mark.parametrize("address", REFUSED.values(), ids=REFUSED)
def test_who_stays_active_or_is_new_gets_no_such_address(address: str, idp: Idp, user: dict[str, Any]) -> None:
    refused = idp.patch(user["id"], {"op": "replace", "path": "userName", "value": address})
    assert refused.status_code in (400, 409)
    assert idp.send("POST", "/Users", {"userName": address, "active": False}).status_code in (400, 409)


def test_a_long_local_part_is_for_suspensions_only(idp: Idp, user: dict[str, Any]) -> None:
    assert idp.patch(user["id"], {"op": "replace", "path": "userName", "value": HEX + LONG}).status_code == 400
    assert idp.send("POST", "/Users", {"userName": HEX + LONG, "active": False}).status_code == 400


def entries(*addresses: str) -> list[dict[str, Any]]:
    return [{"value": each, "type": "work" if not n else "home", "primary": not n} for n, each in enumerate(addresses)]


@pytest.mark.parametrize(
    ("before", "sent", "after"),
    [
        (["a@acme.test"], ["x@elsewhere.example"], ["a@acme.test"]),
        (["a@acme.test"], ["a@acme.test", "x@elsewhere.example"], ["a@acme.test"]),
        (["a@acme.test", "b@acme.test"], ["x@elsewhere.example", "b@acme.test"], ["a@acme.test", "b@acme.test"]),
        (["a@acme.test"], ["x@elsewhere.example", "c@acme.test"], ["a@acme.test", "c@acme.test"]),
        (["a@acme.test"], ["bob@acme.example"], ["a@acme.test"]),
        (["a@acme.test"], ["c@acme.test", "no address"], ["c@acme.test"]),
        (["a@acme.test", "b@acme.test"], ["a@acme.test", "b@ac\u00adme.test"], ["a@acme.test"]),
        (["a@acme.test"], ["a@ac\u200bme.test"], ["a@acme.test"]),
        ([], ["x@elsewhere.example"], []),
        ([], ["x@elsewhere.example", "c@acme.test"], ["ada@acme.example", "c@acme.test"]),
    ],
)
def test_each_e_mail_is_given_or_left_out_by_itself(
    before: list[str], sent: list[str], after: list[str], idp: Idp
) -> None:
    idp.create("bob@acme.example")
    user = idp.create("ada@acme.example", **({"emails": entries(*before)} if before else {}))
    answer = idp.patch(user["id"], {"op": "replace", "value": {"active": False, "emails": entries(*sent)}})
    assert answer.status_code == 200, answer.content
    changed = read(answer)
    assert changed["active"] is False
    assert [entry["value"] for entry in changed.get("emails", [])] == after
    assert [entry.get("primary") for entry in changed.get("emails", [])][:1] in ([], [True])


def test_an_admin_is_suspended_and_keeps_the_address_while_the_switch_is_off(idp: Idp) -> None:
    Connection.objects.update(manage_admins=True)
    idp.create("root@acme.example", roles=[{"value": "Admin"}])
    user = idp.create("ada@acme.example", roles=[{"value": "Admin"}])
    Connection.objects.update(manage_admins=False)
    answer = patch(idp, user, "mallory@acme.example")
    assert answer.status_code == 200, answer.content
    found = User.objects.get(pk=user["id"])
    assert (found.is_active, found.user_name, found.email) == (False, "ada@acme.example", "ada@acme.example")
    assert patch(idp, user, "mallory@acme.example").status_code == 200
    assert User.objects.get(pk=user["id"]).user_name == "ada@acme.example"


def test_the_last_admin_stays(idp: Idp) -> None:
    Connection.objects.update(manage_admins=True)
    user = idp.create("ada@acme.example", roles=[{"value": "Admin"}])
    assert patch(idp, user, "no address").status_code == 403
    assert User.objects.get(pk=user["id"]).is_active


def test_who_comes_back_needs_an_address_that_is_let_in(idp: Idp) -> None:
    user = idp.create(LONG)
    assert patch(idp, user, HEX + LONG).status_code == 200
    refused = idp.patch(user["id"], {"op": "replace", "path": "active", "value": True})
    assert refused.status_code == 400
    assert "Send a valid userName" in read(refused)["detail"]
    back = idp.patch(user["id"], {"op": "replace", "value": {"active": True, "userName": LONG}})
    assert back.status_code == 200
    assert read(back)["userName"] == LONG


def test_so_does_who_comes_back_from_a_domain_that_was_closed_meanwhile(idp: Idp, user: dict[str, Any]) -> None:
    idp.patch(user["id"], {"op": "replace", "path": "active", "value": False})
    Domain.objects.filter(name="acme.example").update(user_requests=False)
    refused = idp.patch(user["id"], {"op": "replace", "path": "active", "value": True})
    assert refused.status_code == 400
    assert idp.log()[-1].cause == "domain-without-user-requests"
    Domain.objects.filter(name="acme.example").update(user_requests=True)
    assert idp.patch(user["id"], {"op": "replace", "path": "active", "value": True}).status_code == 200


UNREADABLE = [
    "", "   ", None, 5, True, {"value": "ada@acme.example"}, ["ada@acme.example"], "x" * 5000, "a\x01b@acme.example",
]  # fmt: skip


def shapes(value: Any) -> list[tuple[str, dict[str, Any]]]:
    """The method and the body of each way to suspend somebody together with an address."""
    emails = [{"value": value, "type": "work", "primary": True}]
    own = {"schemas": [CORE_USER.id], "active": False}
    operations = [
        {"op": "Replace", "path": "active", "value": "False"},
        {"op": "Replace", "path": "userName", "value": value},
        {"op": "Replace", "path": 'emails[type eq "work"].value', "value": value},
    ]
    whole = {"active": False, "username": value, "emails": emails}
    add = {"op": "add", "path": "emails", "value": emails}
    return [
        ("PUT", {**own, "userName": value}),
        ("PUT", {**own, "userName": "ada@acme.example", "emails": emails}),
        ("PUT", {**own, f"{CORE_USER.id}:userName": value, "emails": value}),
        ("PATCH", {"schemas": [PATCH_OP], "Operations": [{"op": "replace", "value": whole}]}),
        ("PATCH", {"schemas": [PATCH_OP], "Operations": operations}),
        ("PATCH", {"schemas": [PATCH_OP], "Operations": operations[::-1]}),
        ("PATCH", {"schemas": [PATCH_OP], "Operations": [add, operations[0]]}),
    ]


@pytest.mark.parametrize("value", UNREADABLE, ids=repr)
def test_the_user_is_suspended_also_where_the_address_can_not_be_read(
    value: Any, idp: Idp, user: dict[str, Any]
) -> None:
    path = f"/Users/{user['id']}"
    for method, body in shapes(value):
        for in_bulk in (False, True):
            idp.patch(user["id"], {"op": "replace", "path": "active", "value": True})
            if in_bulk:
                (result,) = bulk(idp, {"method": method, "path": path, "data": body})
                assert result["status"] == "200", result
            else:
                assert (answer := idp.send(method, path, body)).status_code == 200, answer.content
            found = User.objects.get(pk=user["id"])
            assert (found.is_active, found.user_name, found.email) == (False, "ada@acme.example", "ada@acme.example")


def test_what_else_can_not_be_read_is_refused_as_before(idp: Idp, user: dict[str, Any]) -> None:
    bad = {"op": "replace", "value": {"active": False, "userName": "", "title": 5}}
    refused = idp.patch(user["id"], bad)
    assert refused.status_code == 400 and "title" in read(refused)["detail"]
    assert idp.patch(user["id"], {"op": "replace", "value": {"userName": 5, "title": "x"}}).status_code == 400
    # What says false and true at once leaves nobody inactive, so it is no suspension.
    both = [{"op": "replace", "path": "active", "value": each} for each in (False, True)]
    assert idp.patch(user["id"], *both, {"op": "replace", "path": "userName", "value": 5}).status_code == 400
    assert User.objects.get(pk=user["id"]).is_active


@pytest.mark.parametrize("write", WRITES)
def test_what_holds_back_a_suspension_without_its_addresses_is_what_is_told(write: str, idp: Idp) -> None:
    """Or a client would take for good what ends when an Admin releases the brake."""
    users = [idp.create(f"p{number}@acme.example") for number in range(12)]
    User.objects.update(created_at="2020-01-01T00:00:00Z")
    answers = [WRITES[write](idp, user, "") for user in users]
    assert [answer.status_code for answer in answers] == [200] * 9 + [429] * 3
    assert idp.log()[-1].cause == "provisioning-paused"


@pytest.mark.parametrize("wrap", [{}, {"path": f"{CORE_USER.id} "}])
def test_the_core_schema_as_a_name_holds_what_suspends(wrap: dict[str, str], idp: Idp, user: dict[str, Any]) -> None:
    value = {CORE_USER.id: {"active": False, "userName": "ada@elsewhere.example"}}
    value = value if not wrap else value[CORE_USER.id]
    answer = idp.patch(user["id"], {"op": "replace", "value": value, **wrap})
    assert (read(answer)["active"], read(answer)["userName"]) == (False, "ada@acme.example")
    assert idp.log()[-1].cause == "address-left-out"


def test_the_core_schema_as_a_name_in_a_whole_user(idp: Idp, user: dict[str, Any]) -> None:
    body = {"schemas": [CORE_USER.id], CORE_USER.id: {"userName": "ada@elsewhere.example", "active": False}}
    answer = idp.send("PUT", f"/Users/{user['id']}", body)
    assert (read(answer)["active"], read(answer)["userName"]) == (False, "ada@acme.example")


@pytest.mark.parametrize(
    "path",
    [
        "urn:ietf:params:scim:schemas:core:2.0:Users:active",
        "urn:ietf:params:scim:schemas:core:2.0:active",
        "urn:scim:schemas:core:1.0:active",
    ],
)
def test_a_misspelt_core_schema_is_no_silent_success(path: str, idp: Idp, user: dict[str, Any]) -> None:
    answer = idp.patch(user["id"], {"op": "replace", "path": path, "value": False})
    assert (answer.status_code, read(answer)["scimType"]) == (400, "invalidPath")


def test_a_name_that_is_there_twice_says_nothing(idp: Idp, user: dict[str, Any]) -> None:
    answer = idp.patch(user["id"], {"op": "replace", "value": {"active": False, "Active": True}})
    assert (answer.status_code, read(answer)["scimType"]) == (400, "invalidSyntax")


MISSPELT = "urn:ietf:params:scim:schemas:core:2.0"


@pytest.mark.parametrize(
    "name",
    ["active.value", "active.", "active[]", f"{CORE_USER.id}:active.x", "Active [x]", "User:active", "active:value",
     f"{MISSPELT}:User.active", f"{MISSPELT}:Users:active", f"{MISSPELT}:active", f" {MISSPELT}.active",
     f"{CORE_USER.id}:active:value", "urn:scim:schemas:core:1.0:Active", f"{ENTERPRISE_USER.id}:active",
     "user.active", "Users.active", "core:2.0:User:active", "urm:ietf:params:scim:schemas:core:2.0:User:active"],
)  # fmt: skip
def test_what_goes_wrong_behind_active_is_not_left_out(name: str, idp: Idp, user: dict[str, Any]) -> None:
    sent = {"schemas": [CORE_USER.id], "userName": "ada@acme.example", name: False}
    for answer in (
        idp.patch(user["id"], {"op": "replace", "value": {name: False}}),
        idp.send("PUT", f"/Users/{user['id']}", sent),
        idp.send("POST", "/Users", {**sent, "userName": "new@acme.example"}),
    ):
        assert (answer.status_code, read(answer)["scimType"]) == (400, "invalidPath")


@pytest.mark.parametrize("urn", [f"{MISSPELT}:Users", "urn:scim:schemas:core:1.0", f"{MISSPELT}:User:x"])
@pytest.mark.parametrize("wrap", [lambda held: held, lambda held: [held]], ids=["object", "list"])
def test_nor_is_what_an_object_under_a_misspelt_core_schema_holds(
    urn: str, wrap: Any, idp: Idp, user: dict[str, Any]
) -> None:
    for held in ({"Active": False}, {"title": "x", f"{CORE_USER.id}:active": False}):
        sent = {urn: wrap(held)}
        for answer in (
            idp.patch(user["id"], {"op": "replace", "value": sent}),
            idp.send("PUT", f"/Users/{user['id']}", {"userName": "ada@acme.example", **sent}),
            idp.send("POST", "/Users", {"userName": "new@acme.example", **sent}),
        ):
            assert (answer.status_code, read(answer)["scimType"]) == (400, "invalidPath")


EXTENSIONS = ENTERPRISE_USER.id.removesuffix("2.0:User")
NEAR = [f"{EXTENSIONS}2.0:Usr", f"{EXTENSIONS}2.1:User", ENTERPRISE_USER.id]


@pytest.mark.parametrize("op", ["add", "replace", "remove"])
@pytest.mark.parametrize("urn", NEAR)
def test_a_path_to_active_under_a_misspelt_extension_is_no_silent_success(
    urn: str, op: str, idp: Idp, user: dict[str, Any]
) -> None:
    answer = idp.patch(user["id"], {"op": op, "path": f"{urn}:active", "value": False})
    assert (answer.status_code, read(answer)["scimType"]) == (400, "invalidPath")


@pytest.mark.parametrize("urn", [*NEAR, f"{ENTERPRISE_USER.id} ", ENTERPRISE_USER.id.lower()])
@pytest.mark.parametrize("wrap", [lambda held: held, lambda held: [held]], ids=["object", "list"])
def test_nor_is_active_in_the_object_of_an_extension(urn: str, wrap: Any, idp: Idp, user: dict[str, Any]) -> None:
    for held in ({"Active": False}, {"department": "x", "user.active": False}):
        sent = {urn: wrap(held)}
        own = {"userName": "ada@acme.example", CORE_USER.id: sent}
        for method, body in (
            ("PATCH", {"Operations": [{"op": "replace", "value": sent}]}),
            ("PATCH", {"Operations": [{"op": "replace", "path": urn, "value": sent[urn]}]}),
            ("PUT", {"userName": "ada@acme.example", **sent}),
            ("PUT", own),
        ):
            answer = idp.send(method, f"/Users/{user['id']}", body)
            assert (answer.status_code, read(answer)["scimType"]) == (400, "invalidPath"), (method, body)
            assert asks_to_suspend(body) or body is own


def test_a_misspelt_core_schema_clears_nothing_that_it_names(idp: Idp) -> None:
    user = idp.create(title="Boss", nickName="A", name={"givenName": "A"})
    for sent in ({f"{MISSPELT}:Users": {"title": "x", "name.givenName": "y"}},
                 {f"{MISSPELT}:Users:title": "x", f"{MISSPELT}:User.name": {"givenName": "y"}}):  # fmt: skip
        after = read(idp.send("PUT", f"/Users/{user['id']}", {"userName": user["userName"], **sent}))
        assert (after["title"], after["name"]) == ("Boss", {"givenName": "A"})


@pytest.mark.parametrize(
    "name",
    ["urn:okta:custom:1.0:user:active", "name.active", "custom.active", "activated", "custom:active",
     "acme:user:active", "custom:active:value"],
)  # fmt: skip
def test_what_only_resembles_active_is_left_out(name: str, idp: Idp, user: dict[str, Any]) -> None:
    sent = {name: False}
    for answer in (
        idp.patch(user["id"], {"op": "replace", "value": sent}),
        idp.send("PUT", f"/Users/{user['id']}", {"userName": "ada@acme.example", **sent}),
    ):
        assert (answer.status_code, read(answer)["active"]) == (200, True)
        assert idp.log()[-1].notices
        assert not asks_to_suspend(sent)


def both(method: str, user_name: Any, emails: Any) -> dict[str, Any]:
    """A suspension with both addresses, as a PUT, a PATCH without a path or one with paths."""
    whole = {"userName": user_name, "emails": emails, "active": False}
    operations = {
        "PUT": [],
        "PATCH": [{"op": "replace", "value": whole}],
        "PATCH with paths": [{"op": "replace", "path": name, "value": value} for name, value in whole.items()],
    }[method]
    return whole if method == "PUT" else {"schemas": [PATCH_OP], "Operations": operations}


GOOD = [{"value": "new@acme.test", "type": "work", "primary": True}]


@pytest.mark.parametrize("in_bulk", [False, True], ids=["alone", "in bulk"])
@pytest.mark.parametrize("method", ["PUT", "PATCH", "PATCH with paths"])
@pytest.mark.parametrize(
    ("user_name", "emails", "left_out"),
    [("new@acme.example", [{"email": "x"}], "'emails' was"), (5, GOOD, "'userName' was"), ("", GOOD, "'userName' was"),
     (5, [{"email": "x"}], "'userName' and 'emails' were")],
)  # fmt: skip
def test_only_the_address_that_can_not_be_read_is_left_out(
    user_name: Any, emails: Any, left_out: str, method: str, in_bulk: bool, idp: Idp
) -> None:
    user = idp.create("ada@acme.example", emails=[{"value": "ada@acme.test", "type": "work", "primary": True}])
    body, verb, path = both(method, user_name, emails), method.partition(" ")[0], f"/Users/{user['id']}"
    if in_bulk:
        bulk(idp, {"method": verb, "path": path, "data": body})
    else:
        assert idp.send(verb, path, body).status_code == 200
    after = read(idp.get(path))
    assert after["active"] is False
    assert after["userName"] == ("ada@acme.example" if "userName" in left_out else "new@acme.example")
    assert after["emails"][0]["value"] == ("ada@acme.test" if "emails" in left_out else "new@acme.test")
    assert any(f"The user is suspended, and {left_out} left out: " in each for each in idp.log()[-2].notices)


def test_the_row_of_an_operation_says_whose_address_was_left_out(idp: Idp, user: dict[str, Any]) -> None:
    other = idp.create("eve@acme.example")
    sent = [(user, "no address"), (other, "eve@acme.example")]
    data = [
        {"schemas": [PATCH_OP], "Operations": [{"op": "replace", "value": {"active": False, "userName": name}}]}
        for _, name in sent
    ]
    paths = [f"/Users/{each['id']}" for each, _ in sent]
    bulk(idp, *({"method": "PATCH", "path": path, "data": part} for path, part in zip(paths, data, strict=True)))
    writer.flush()
    left_out, done = RequestOperation.objects.order_by("position")
    assert (left_out.user_label, left_out.status) == ("ada@acme.example", 200)
    assert "'userName' was left out" in left_out.result
    assert (done.user_label, done.result) == ("eve@acme.example", "")


def test_a_name_that_is_not_sent_keeps_nobody_in(idp: Idp, user: dict[str, Any]) -> None:
    answer = idp.send("PUT", f"/Users/{user['id']}", {"schemas": [CORE_USER.id], "active": False})
    assert (read(answer)["active"], read(answer)["userName"]) == (False, "ada@acme.example")
