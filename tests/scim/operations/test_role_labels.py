"""A role entry's `display` names the role that its `value` names, never the one before it."""

import json
from typing import Any

import pytest

from tests.identity_provider import Idp, read
from tests.scim.operations.test_bulk import bulk
from users.models import User

PATH = 'roles[primary eq "True"]'
IT = {"value": "IT", "display": "IT", "primary": True}


@pytest.fixture
def user(idp: Idp) -> dict[str, Any]:
    return idp.create(roles=[{"value": "HR", "display": "HR", "primary": True}])


def role(user: dict[str, Any]) -> str:
    return str(User.objects.select_related("role").get(pk=user["id"]).role)


@pytest.mark.parametrize("op", ["add", "replace"])
@pytest.mark.parametrize(
    ("path", "value"),
    [(f"{PATH}.value", "Nobody"), ("roles.value", "Nobody"), (PATH, {"value": "Nobody"}),
     (f"{PATH}.value", '{"id": "x", "value": "Nobody"}')],
)  # fmt: skip
def test_an_unknown_role_is_not_read_from_the_former_ones_display(
    op: str, path: str, value: Any, idp: Idp, user: dict[str, Any]
) -> None:
    answer = idp.patch(user["id"], {"op": op, "path": path, "value": value})
    assert answer.status_code == 200, answer.content
    assert (role(user), read(answer)["roles"]) == ("HR", user["roles"])
    assert "There is no role 'Nobody'; the entry was left out." in idp.log()[-1].notices


def test_nor_in_a_bulk_request(idp: Idp, user: dict[str, Any]) -> None:
    data = {"Operations": [{"op": "replace", "path": f"{PATH}.value", "value": "Nobody"}]}
    bulk(idp, {"method": "PATCH", "path": f"/Users/{user['id']}", "data": data})
    assert any("There is no role 'Nobody'" in each for each in idp.log()[-1].notices)


def test_a_known_role_loses_the_former_ones_display(idp: Idp, user: dict[str, Any]) -> None:
    answer = idp.patch(user["id"], {"op": "replace", "path": f"{PATH}.value", "value": "IT"})
    assert (role(user), read(answer)["roles"]) == ("IT", [{"value": "IT", "primary": True}])


@pytest.mark.parametrize("order", [1, -1])
def test_a_display_that_is_sent_stays_in_either_order(order: int, idp: Idp, user: dict[str, Any]) -> None:
    operations = [
        {"op": "replace", "path": f"{PATH}.value", "value": "IT"},
        {"op": "replace", "path": f"{PATH}.display", "value": "HR"},
    ]
    answer = idp.patch(user["id"], *operations[::order])
    assert (role(user), read(answer)["roles"]) == ("IT", [{**IT, "display": "HR"}])


@pytest.mark.parametrize("op", ["Add", "replace"])
def test_json_text_brings_its_display_name_along(op: str, idp: Idp, user: dict[str, Any]) -> None:
    text = json.dumps({"id": "5", "value": "IT", "displayName": "The IT"})
    answer = idp.patch(user["id"], {"op": op, "path": f"{PATH}.value", "value": text})
    assert (role(user), read(answer)["roles"]) == ("IT", [{**IT, "display": "The IT"}])
    assert "A value of 'roles' is JSON text; the 'value' within it was read." in idp.log()[-1].notices


@pytest.mark.parametrize("op", ["add", "replace"])
@pytest.mark.parametrize("end", [".value", ""])
def test_json_text_does_not_say_which_value_it_is_about(op: str, end: str, idp: Idp) -> None:
    entries = [{"value": f"{kind}@acme.test", "type": kind, "primary": kind == "work"} for kind in ("work", "home")]
    user = idp.create(emails=entries)
    text = json.dumps({"value": "new@acme.test", "type": "home", "primary": False, "display": "x", "displayName": "y"})
    after = read(idp.patch(user["id"], {"op": op, "path": f'emails[type eq "work"]{end}', "value": text}))
    work, home = user["emails"]
    if op == "replace" and not end:
        work = {"type": "work"}
    assert after["emails"] == [{**work, "value": "new@acme.test"}, home]


def test_nor_which_role_it_is_about(idp: Idp, user: dict[str, Any]) -> None:
    text = json.dumps({"value": "IT", "primary": False, "type": "x", "displayName": "The IT"})
    answer = idp.patch(user["id"], {"op": "replace", "path": f"{PATH}.value", "value": text})
    assert (role(user), read(answer)["roles"]) == ("IT", [{**IT, "display": "The IT"}])
    text = json.dumps({"value": "HR", "display": "x"})
    again = {"op": "add", "path": 'roles[display eq "The IT"].value', "value": text}
    assert "x" not in [each.get("display") for each in read(idp.patch(user["id"], again))["roles"]]


def test_another_change_keeps_the_display(idp: Idp, user: dict[str, Any]) -> None:
    answer = idp.patch(user["id"], {"op": "replace", "path": f"{PATH}.type", "value": "app"})
    assert read(answer)["roles"] == [{**user["roles"][0], "type": "app"}]
