"""What can't be read, and what says nothing, never takes away what is there: every attribute by every verb."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provisioning.services.connections import connections
from scim.protocol.schemas import CORE_GROUP, CORE_USER, ENTERPRISE_USER
from tests.identity_provider import Idp, read
from tests.scim.operations.test_bulk import bulk

FULL: dict[str, Any] = {
    "schemas": [CORE_USER.id],
    "userName": "ada@acme.example",
    "emails": [{"value": "ada@acme.test", "type": "work"}, {"value": "ada2@acme.test", "type": "home"}],
    "phoneNumbers": [{"value": "1", "type": "work"}, {"value": "2", "type": "home"}],
    "ims": [{"value": "a", "type": "work"}],
    "photos": [{"value": "https://a.test/x", "type": "photo"}],
    "addresses": [{"locality": "London", "type": "work"}],
    "entitlements": [{"value": "x"}],
    "roles": [{"value": "HR"}],
    "x509Certificates": [{"value": "AAAA"}],
}
LISTS = [name for name, value in FULL.items() if isinstance(value, list) and name != "schemas"]
UNREADABLE: list[Any] = [
    {"id": "x"}, {"email": "x@acme.test"}, {"type": "work", "number": "5"}, {"$ref": "../x"}, 5, True, ["x", "y"],
    [["x"]], {"value": 7}, {"value": ["x", "y"]}, {"urn:x:y:z": "1"},
]  # fmt: skip
BLANKS: list[Any] = ["", " ", {}, {"value": ""}, {"value": None}, None, [], {"value": "\u200b", "type": None}]

Send = Callable[[Idp, str, str, Any], Any]


def put(idp: Idp, user_id: str, name: str, value: Any) -> Any:
    return idp.send("PUT", f"/Users/{user_id}", {**FULL, name: value})


def replace(idp: Idp, user_id: str, name: str, value: Any) -> Any:
    return idp.patch(user_id, {"op": "replace", "path": name, "value": value})


def replace_by_urn(idp: Idp, user_id: str, name: str, value: Any) -> Any:
    return replace(idp, user_id, f"{CORE_USER.id}:{name}", value)


def replace_without_path(idp: Idp, user_id: str, name: str, value: Any) -> Any:
    return idp.patch(user_id, {"op": "replace", "value": {name: value}})


def add(idp: Idp, user_id: str, name: str, value: Any) -> Any:
    return idp.patch(user_id, {"op": "add", "path": name, "value": value})


VERBS: list[Send] = [put, replace, replace_by_urn, replace_without_path, add]


@pytest.fixture(params=[False, True], ids=["lenient", "strict"])
def either(idp: Idp, request: pytest.FixtureRequest) -> Idp:
    connections.default_connection(idp.organization.pk)
    type(connections.default_connection(idp.organization.pk)).objects.update(strict=request.param)
    return idp


@pytest.mark.parametrize("verb", VERBS)
def test_a_list_of_which_nothing_can_be_read_is_refused(either: Idp, verb: Send) -> None:
    user = either.create(**{k: v for k, v in FULL.items() if k != "userName"})
    for name in LISTS:
        for element in UNREADABLE:
            response = verb(either, user["id"], name, [element])
            assert (response.status_code, read(response)["scimType"]) == (400, "invalidValue"), (name, element)
    assert read(either.get(f"/Users/{user['id']}")) == user


@pytest.mark.parametrize("verb", VERBS)
def test_blanks_are_not_sent_and_lists_of_them_change_nothing(either: Idp, verb: Send) -> None:
    user = either.create(**{k: v for k, v in FULL.items() if k != "userName"})
    for name in LISTS:
        for blanks in ([element] for element in BLANKS):
            response = verb(either, user["id"], name, blanks)
            assert response.status_code == 200, (name, blanks, response.content)
            assert read(response)[name] == user[name], (name, blanks)
            assert f"'{name}' was sent without a value, so it changes nothing." in either.log()[-1].notices
    assert read(either.get(f"/Users/{user['id']}")) == user


@pytest.mark.parametrize("name", LISTS)
def test_only_null_an_empty_list_and_remove_clear(either: Idp, name: str) -> None:
    for clearing in ({"op": "replace", "path": name, "value": []}, {"op": "replace", "path": name, "value": None},
                     {"op": "replace", "value": {name: []}}, {"op": "remove", "path": name}):  # fmt: skip
        user = either.create(**{k: v for k, v in FULL.items() if k != "userName"})
        assert name not in read(either.patch(user["id"], clearing))
        assert either.send("DELETE", f"/Users/{user['id']}").status_code == 204


@pytest.mark.parametrize("name", LISTS)
def test_one_element_that_cannot_be_read_refuses_what_replaces_and_is_left_out_of_what_adds(
    idp: Idp, name: str
) -> None:
    user = idp.create(**{k: v for k, v in FULL.items() if k != "userName"})
    for element in UNREADABLE:
        for verb in (put, replace, replace_without_path):
            assert verb(idp, user["id"], name, [*FULL[name], element]).status_code == 400, element
        made = idp.send("POST", "/Users", {"userName": "bob@acme.example", name: [*FULL[name], element]})
        assert (made.status_code, read(made)["scimType"]) == (400, "invalidValue")
        added = add(idp, user["id"], name, [*FULL[name], element])
        assert added.status_code == 200
        assert read(added)[name] == user[name]
        assert f"A value to be added to '{name}' can't be read; it was left out." in idp.log()[-1].notices


@pytest.mark.parametrize("blank", ["", " ", None, {"value": ""}, {"value": None, "type": "work"}])
def test_a_filtered_path_set_to_blanks_removes_that_value(idp: Idp, blank: Any) -> None:
    user = idp.create(**{k: v for k, v in FULL.items() if k != "userName"})
    whole = {"op": "replace", "path": 'emails[type eq "work"]', "value": blank}
    part = {"op": "replace", "path": 'phoneNumbers[type eq "work"].value', "value": "" if blank else blank}
    if isinstance(blank, dict):
        part["value"] = ""
    after = read(idp.patch(user["id"], whole, part))
    assert (after["emails"], after["phoneNumbers"]) == (FULL["emails"][1:], FULL["phoneNumbers"][1:])


@pytest.mark.parametrize(
    "value",
    [{}, {"number": ""}, {"number": None, "x": {}}, {"type": ""}, [{}], [{"number": ""}], [{}, {}], [[]], [None], [""],
     [{"x": ""}, {"y": ""}], {"value": {}}, {"value": [None]}, [{"value": []}]],
)  # fmt: skip
@pytest.mark.parametrize("op", ["replace", "add"])
def test_a_filtered_path_set_to_what_says_nothing_keeps_that_value(either: Idp, op: str, value: Any) -> None:
    user = either.create(**{k: v for k, v in FULL.items() if k != "userName"})
    for name in ("phoneNumbers", "addresses"):
        path = f'{name}[type eq "work"]'
        for body in ({"path": path, "value": value}, {"value": {path: value}}):
            response = either.patch(user["id"], {"op": op, **body})
            if response.status_code == 200:
                assert f"'{name}' was sent without a value, so it changes nothing." in either.log()[-1].notices
            assert read(either.get(f"/Users/{user['id']}")) == user


@pytest.mark.parametrize("value", [{"email": "x@acme.test"}, {"display": "Work"}, {"type": "work"}, 5, [1, 2],
                                   {"type": "work", "value": [None]}])  # fmt: skip
def test_a_filtered_path_set_to_what_cannot_be_read_is_refused(idp: Idp, value: Any) -> None:
    user = idp.create(**{k: v for k, v in FULL.items() if k != "userName"})
    for name in ("emails", "phoneNumbers"):
        assert replace(idp, user["id"], f'{name}[type eq "work"]', value).status_code == 400
    assert read(idp.get(f"/Users/{user['id']}")) == user


@pytest.mark.parametrize(
    "path",
    ['emails[value eq "x@acme.test"].type', 'phoneNumbers[value eq "9" and type eq "work"].display',
     'emails[value eq "x@acme.test"].value', 'addresses[locality eq "Paris"].country'],
)  # fmt: skip
@pytest.mark.parametrize("op", ["add", "replace"])
def test_a_filter_that_names_a_value_makes_none(either: Idp, op: str, path: str) -> None:
    user = either.create(**{k: v for k, v in FULL.items() if k != "userName"})
    response = either.patch(user["id"], {"op": op, "path": path, "value": "x@acme.test"})
    assert (response.status_code, read(response)["scimType"]) == (400, "noTarget")
    assert read(either.get(f"/Users/{user['id']}")) == user


def test_a_label_alone_makes_no_value_and_the_log_says_so(idp: Idp) -> None:
    user = idp.create(phoneNumbers=FULL["phoneNumbers"])
    label = {"op": "add", "path": 'phoneNumbers[type eq "fax"].display', "value": "Fax"}
    number = {"op": "add", "path": 'phoneNumbers[type eq "fax"].value', "value": "3"}
    assert read(idp.patch(user["id"], label)) == user
    none = "'phoneNumbers[type eq …].display' selects none of the values that are there; "
    assert idp.log()[-1].notices == [f"{none}without a 'value' none was made."]
    fax = {"type": "fax", "display": "Fax", "value": "3"}
    assert read(idp.patch(user["id"], label, number))["phoneNumbers"] == [*user["phoneNumbers"], fax]
    assert idp.log()[-1].notices == [f"{none}a value that it selects was made."]


@pytest.mark.parametrize("value", ["text", 5, [1, 2], True])
@pytest.mark.parametrize("name", ["name", ENTERPRISE_USER.id])
def test_an_object_is_due(either: Idp, name: str, value: Any) -> None:
    stored = {"name": {"givenName": "Ada"}, ENTERPRISE_USER.id: {"department": "R&D"}}
    user = either.create(**{k: v for k, v in FULL.items() if k != "userName"}, **stored)
    for verb in (put, replace, replace_without_path, add):
        assert verb(either, user["id"], name, value).status_code == 400
    assert read(either.get(f"/Users/{user['id']}")) == user


def test_an_object_that_says_nothing_keeps_what_is_there_and_empty_text_removes(either: Idp) -> None:
    stored = {"name": {"givenName": "Ada"}, ENTERPRISE_USER.id: {"manager": {"value": "7"}, "department": "R&D"}}
    body = FULL | stored | {"title": "Boss", "displayName": "Ada L"}
    user = either.create(**{k: v for k, v in body.items() if k != "userName"})
    for verb in (put, replace, replace_without_path, add):
        assert read(verb(either, user["id"], "name", {}))["name"] == {"givenName": "Ada"}
    after = read(
        either.patch(
            user["id"],
            {"op": "replace", "path": f"{ENTERPRISE_USER.id}:manager", "value": ""},
            {"op": "replace", "path": f"{ENTERPRISE_USER.id}:department", "value": " "},
            {"op": "replace", "value": {"title": "", "displayName": "\u00a0"}},
        )
    )
    assert not {"title", "displayName", ENTERPRISE_USER.id} & after.keys()
    assert either.users()[0].display_name == "Ada"
    assert replace(either, user["id"], "userName", " ").status_code == 400


FOREIGN = "urn:example:custom:2.0:User"


@pytest.mark.parametrize("path", [FOREIGN, f"{FOREIGN}:badge", f'{FOREIGN}:list[x eq "1"].y', "http://a.test/1:x"])
def test_a_foreign_name_is_left_out_or_in_strict_mode_refused_wherever_it_stands(idp: Idp, path: str) -> None:
    user = idp.create(**{k: v for k, v in FULL.items() if k != "userName"}, title="x")

    def answers() -> list[Any]:
        return [
            idp.send("POST", "/Users", {"schemas": [CORE_USER.id], "userName": "bob@acme.example", path: {"a": 1}}),
            put(idp, user["id"], path, {"a": 1}),
            *(replace_(idp, user["id"], path, {"a": 1}) for replace_ in (replace, replace_without_path, add)),
            idp.patch(user["id"], {"op": "remove", "path": path}),
            replace(idp, user["id"], "name", {"givenName": "A", path: 1}),
            put(idp, user["id"], "schemas", [CORE_USER.id, path]),
        ]

    assert {response.status_code for response in answers()} <= {200, 201}
    assert all(any("is not known here" in each for each in row.notices) for row in idp.log()[1:])
    type(connections.default_connection(idp.organization.pk)).objects.update(strict=True)
    assert [(response.status_code, idp.log()[-1].cause) for response in answers()] == [(400, "strict-mode")] * 8
    found = idp.get("/Users", {"filter": f'{FOREIGN}:badge eq "1"'})
    assert (found.status_code, read(found)["scimType"]) == (400, "invalidFilter")


@pytest.mark.parametrize("path", ["userNmae", f"{CORE_USER.id}:userNmae", f"{ENTERPRISE_USER.id}:shoe", "name.nick"])
def test_a_misspelt_path_is_refused_and_a_misspelt_name_left_out(either: Idp, path: str) -> None:
    user = either.create(**{k: v for k, v in FULL.items() if k != "userName"})
    response = replace(either, user["id"], path, "x")
    assert (response.status_code, read(response)["scimType"]) == (400, "invalidPath")
    assert read(replace_without_path(either, user["id"], path, "x")) == user
    found = either.get("/Users", {"filter": f'{path} eq "1"'})
    assert (found.status_code, read(found)["scimType"]) == (400, "invalidFilter")


@pytest.mark.parametrize("name", ["emails", "phoneNumbers", "addresses"])
def test_a_path_with_a_filter_in_a_whole_user_clears_nothing(idp: Idp, name: str) -> None:
    user = idp.create(**{k: v for k, v in FULL.items() if k != "userName"})
    rest = {k: v for k, v in FULL.items() if k != name}
    response = idp.send("PUT", f"/Users/{user['id']}", {**rest, f'{name}[type eq "work"].value': "x@acme.test"})
    assert read(response)[name] == user[name]
    assert "was left out" in idp.log()[-1].notices[0]
    # What was sent in full counts all the same.
    sent = {**FULL, name: user[name][:1], f'{name}[type eq "work"].value': "x@acme.test"}
    assert read(idp.send("PUT", f"/Users/{user['id']}", sent))[name] == user[name][:1]


@pytest.mark.parametrize(
    "name", ["title.", "title.value", "name.nick", f"{CORE_USER.id}:title.x", "emails.", "emails[]"]
)
def test_a_name_that_goes_wrong_behind_an_attribute_does_not_clear_it(idp: Idp, name: str) -> None:
    full = {**FULL, "title": "x", "name": {"givenName": "A"}}
    user = idp.create(**{k: v for k, v in full.items() if k != "userName"})
    attribute = name.rpartition(":")[2].partition(".")[0].partition("[")[0]
    rest = {k: v for k, v in full.items() if k != attribute}
    assert read(idp.send("PUT", f"/Users/{user['id']}", {**rest, name: "y"}))[attribute] == user[attribute]
    assert attribute not in read(idp.send("PUT", f"/Users/{user['id']}", rest))


@pytest.mark.parametrize(
    "name",
    ["User:departmnt", "User.departmnt", "User:department.x", "User:manager[x].y", "Users:department", "departmnt"],
)
def test_a_misspelt_name_of_an_extension_clears_nothing_of_it(idp: Idp, name: str) -> None:
    urn = ENTERPRISE_USER.id
    user = idp.create(title="x", **{urn: {"department": "R&D", "manager": {"value": "7"}, "division": "A"}})
    path = f"{urn.removesuffix('User')}{name}"
    for value in ("y", {"department": "y"}):
        after = read(idp.send("PUT", f"/Users/{user['id']}", {"userName": user["userName"], path: value}))
        named = {sub: user[urn][sub] for sub in ("department", "manager") if sub in name.split(":")[-1]} or user[urn]
        assert named.items() <= after[urn].items()
        idp.send("PUT", f"/Users/{user['id']}", user)
    # Nested and flat are read alike.
    for wrong in ({urn: {"departmnt": "y"}}, {f"{urn}:departmnt": "y"}):
        assert read(idp.send("PUT", f"/Users/{user['id']}", {"userName": user["userName"], **wrong}))[urn] == user[urn]


def test_what_was_sent_of_an_attribute_counts_beside_a_misspelt_part_of_it(idp: Idp) -> None:
    urn = ENTERPRISE_USER.id
    user = idp.create(name={"givenName": "A", "familyName": "B"}, **{urn: {"department": "R&D", "division": "A"}})
    flat = {"name.givenNam": "C", "name.familyName": "D", f"{urn}:departmnt": "x", f"{urn}:division": "E"}
    for body in (flat, dict(reversed(flat.items()))):
        after = read(idp.send("PUT", f"/Users/{user['id']}", {"userName": user["userName"], **body}))
        assert (after["name"], after[urn]) == ({"familyName": "D"}, {"division": "E"})


@pytest.mark.parametrize("name", ["values", "valu", "value ", "members", "urn:x:value"])
def test_a_removal_whose_list_is_misnamed_takes_nobody_away(either: Idp, name: str) -> None:
    ada = either.create(**{k: v for k, v in FULL.items() if k != "userName"})["id"]
    group = either.create_group("Engineering", ada, schemas=[CORE_GROUP.id])["id"]
    odd = {"op": "remove", "path": "members", name: [{"value": ada}]}
    for response in (
        either.patch_group(group, odd),
        either.patch(ada, {"op": "remove", "path": "emails", name: [{"value": "ada@acme.test"}]}),
        either.patch(ada, {"op": "remove", "path": "emails.value", name: "ada@acme.test"}),
    ):
        assert (response.status_code, read(response)["scimType"]) == (400, "invalidSyntax")
    # Microsoft Entra ID has long sent a name beside what it means.
    pinned = {"op": "remove", "path": f'members[value eq "{ada}"]', "name": "removeMember"}
    assert "members" not in read(either.patch_group(group, pinned))


# Groups


@pytest.mark.parametrize("element", [{"id": "ID"}, {"$ref": "../Users/ID"}, {"display": "Ada"}, 5, {"value": 5}])
def test_a_group_is_not_emptied_by_members_that_cannot_be_read(idp: Idp, element: Any) -> None:
    ada, bob = idp.create()["id"], idp.create("bob@acme.example")["id"]
    group = idp.create_group("Makers", ada)["id"]
    body = {"schemas": [CORE_GROUP.id], "displayName": "Makers", "members": [element]}
    for response in (
        idp.send("PUT", f"/Groups/{group}", body),
        idp.send("POST", "/Groups", body | {"displayName": "Others"}),
        *(
            idp.patch_group(group, operation)
            for op in ("replace", "add", "remove")
            for operation in ({"op": op, "path": "members", "value": [element]},)
        ),
        idp.patch_group(group, {"op": "replace", "value": {"members": [element]}}),
        idp.patch_group(group, {"op": "replace", "path": "members", "value": [{"value": ada}, element]}),
    ):
        assert (response.status_code, read(response)["scimType"]) == (400, "invalidValue")
    assert idp.members(group) == [ada]
    idp.patch_group(group, {"op": "add", "path": "members", "value": [{"value": bob}, element]})
    assert sorted(idp.members(group)) == sorted([ada, bob])


@pytest.mark.parametrize("text", ["ada@acme.example", "nobody", '{"id": "x"}'])
def test_who_is_to_leave_a_group_by_what_is_no_id_stays_by_no_silent_success(idp: Idp, text: str) -> None:
    ada = idp.create()["id"]
    group = idp.create_group("Engineering", ada)["id"]
    named, pinned = [{"value": text}], f'members[value eq "{text.replace(chr(34), "")}"]'
    for operation in ({"op": "remove", "path": "members", "value": named}, {"op": "remove", "path": pinned}):
        response = idp.patch_group(group, operation)
        assert (response.status_code, read(response)["scimType"]) == (400, "invalidValue")
    # Beside one that is an id it is left out, and clients repeat themselves.
    for _ in range(2):
        some = idp.patch_group(group, {"op": "remove", "path": "members", "value": [*named, {"value": f" {ada} "}]})
        assert "members" not in read(some)


@pytest.mark.parametrize("blank", BLANKS)
def test_a_group_keeps_its_members_when_blanks_are_sent(idp: Idp, blank: Any) -> None:
    ada = idp.create()["id"]
    group = idp.create_group("Makers", ada)["id"]
    body = {"schemas": [CORE_GROUP.id], "displayName": "Makers", "members": [blank]}
    assert idp.send("PUT", f"/Groups/{group}", body).status_code == 200
    for op in ("replace", "add", "remove"):
        assert idp.patch_group(group, {"op": op, "path": "members", "value": [blank]}).status_code == 200
    assert idp.members(group) == [ada]


def test_a_name_with_blanks_at_its_ends_is_the_same_groups_name(idp: Idp) -> None:
    idp.create_group("Makers")
    again = idp.send("POST", "/Groups", {"displayName": " MAKERS \u00a0"})
    assert (again.status_code, read(again)["scimType"]) == (409, "uniqueness")
    assert idp.groups_found('displayName eq "makers "') == ["Makers"]
    assert idp.groups_found('displayName sw " ma"') == []


# externalId


def refused_as_taken(response: Any) -> None:
    assert (response.status_code, read(response)["scimType"]) == (409, "uniqueness")
    assert "'ada@acme.example'" in read(response)["detail"]


def test_two_active_users_do_not_share_an_external_id(idp: Idp) -> None:
    ada = idp.create(externalId="7")["id"]
    refused_as_taken(idp.send("POST", "/Users", {"userName": "bob@acme.example", "externalId": "7"}))
    bob = idp.create("bob@acme.example", externalId="7", active=False)["id"]
    refused_as_taken(idp.patch(bob, {"op": "replace", "path": "active", "value": True}))
    assert idp.patch(bob, {"op": "replace", "path": "title", "value": "x"}).status_code == 200
    cem = idp.create("cem@acme.example")["id"]
    refused_as_taken(idp.patch(cem, {"op": "add", "path": "externalId", "value": "7"}))
    refused_as_taken(idp.send("PUT", f"/Users/{cem}", {"userName": "cem@acme.example", "externalId": "7"}))
    assert idp.patch(ada, {"op": "replace", "path": "active", "value": False}).status_code == 200
    assert idp.patch(bob, {"op": "replace", "path": "active", "value": True}).status_code == 200
    assert [user.external_id for user in idp.users() if user.is_active] == ["7", ""]


def test_those_who_share_one_already_can_be_changed_and_leave(idp: Idp) -> None:
    ids = [idp.create(f"u{number}@acme.example")["id"] for number in range(2)]
    for user in idp.users():
        user.external_id, user.document = "7", user.document.replace('"userName"', '"externalId":"7","userName"', 1)
        user.save()
    for user_id in ids:
        assert idp.patch(user_id, {"op": "replace", "value": {"title": "x", "externalId": "7"}}).status_code == 200
    assert idp.patch(ids[0], {"op": "replace", "value": {"active": False}}).status_code == 200
    assert idp.send("DELETE", f"/Users/{ids[1]}").status_code == 204


def test_a_bulk_request_gives_an_external_id_once(idp: Idp) -> None:
    def make(number: int, **more: Any) -> dict[str, Any]:
        data = {"userName": f"u{number}@acme.example", "externalId": "7", **more}
        return {"method": "POST", "path": "/Users", "bulkId": str(number), "data": data}

    told = bulk(idp, make(0, active=False), make(1), make(2), make(3, externalId="8"))
    assert [each["status"] for each in told] == ["201", "201", "409", "201"]


# Whatever is sent

ELEMENTS = st.sampled_from([*UNREADABLE, *BLANKS, {"value": "ada@acme.test"}, {"type": "work"}, "x", {"display": "d"}])
SENT = st.one_of(ELEMENTS, st.lists(ELEMENTS, min_size=1, max_size=3))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(verb=st.sampled_from(VERBS), name=st.sampled_from(LISTS), sent=SENT)
def test_no_request_that_is_answered_2xx_takes_away_what_it_does_not_name(
    idp: Idp, verb: Send, name: str, sent: Any
) -> None:
    with transaction.atomic():
        user = idp.create(**{k: v for k, v in FULL.items() if k != "userName"})
        response = verb(idp, user["id"], name, sent)
        after = read(idp.get(f"/Users/{user['id']}"))
        transaction.set_rollback(True)
    if response.status_code >= 400 or sent in (None, []):
        return
    for each in LISTS:
        kept = after.get(each)
        named = each == name and isinstance(sent, str | list | dict) and kept and kept != user[each]
        if each == name and named and verb is not add:
            assert all(value not in user[each] or value in kept for value in kept)  # replaced by what could be read
            assert kept
        else:
            assert kept is not None and all(value in kept for value in user[each]), (each, kept)
