"""Many operations in one request (RFC 7644 section 3.7)."""

import json
from typing import Any
from uuid import uuid4

import pytest
import scim2_models
from django.db import IntegrityError, OperationalError, connection
from django.test.utils import CaptureQueriesContext

from audit.models import AuditEvent
from provisioning.models import Connection
from provisioning.services.connections.connections import base_url_at
from tests.identity_provider import Idp, read
from tests.scim.storage.test_statements import CONTROL
from users.models import Headcount, User, UserValue
from users.services import accounts

BASE = base_url_at("acme")
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
REQUEST = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
RESPONSE = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

Operation = dict[str, Any]


def bulk(idp: Idp, *operations: Operation, **members: Any) -> list[Any]:
    """Send the operations; what the answer says of each."""
    response = idp.send("POST", "/Bulk", {"schemas": [REQUEST], "Operations": list(operations), **members})
    assert response.status_code == 200, response.content
    answer = read(response)
    assert answer["schemas"] == [RESPONSE]
    told: list[Any] = answer["Operations"]
    return told


def make(bulk_id: str, user_name: str = "", **attributes: Any) -> Operation:
    """The operation that makes a user; by default, the bulkId is what stands before the @."""
    data = {"schemas": [USER], "userName": user_name or f"{bulk_id}@acme.example", **attributes}
    return {"method": "POST", "path": "/Users", "bulkId": bulk_id, "data": data}


def make_group(bulk_id: str, *members: str, **attributes: Any) -> Operation:
    data = {"schemas": [GROUP], "displayName": bulk_id, "members": [{"value": each} for each in members], **attributes}
    return {"method": "POST", "path": "/Groups", "bulkId": bulk_id, "data": data}


def managed_by(value: str) -> dict[str, Any]:
    return {ENTERPRISE: {"manager": {"value": value}}}


def patch(path: str, *operations: Operation, **members: Any) -> Operation:
    return {"method": "PATCH", "path": path, "data": {"schemas": [PATCH], "Operations": list(operations)}, **members}


def statuses(told: list[Any]) -> list[str]:
    return [each["status"] for each in told]


def id_of(told: Any) -> str:
    """The id in the location of what was made."""
    return str(told["location"].rpartition("/")[2])


class TestAnswers:
    """RFC 7644 section 3.7.3."""

    @pytest.mark.clause("7644-3.7-6", "7644-3.7-9", "7644-3.7-12", "7644-3.7.3-1", "7644-3.7.3-2", "7644-3.7.3-3")
    def test_every_operation_is_told_of_as_the_rfc_has_it(self, idp: Idp) -> None:
        ben, eve, kim = (idp.create(f"{name}@acme.example")["id"] for name in ("ben", "eve", "kim"))
        told = bulk(
            idp,
            make("qwerty", "alice@acme.example"),
            {
                "method": "PUT",
                "path": f"/Users/{ben}",
                "version": 'W/"1"',
                "data": {"schemas": [USER], "id": ben, "userName": "bob@acme.example"},
            },
            patch(f"/Users/{eve}", {"op": "add", "path": "nickName", "value": "Dave"}, version='W/"1"'),
            {"method": "DELETE", "path": f"/Users/{kim}", "version": 'W/"1"'},
        )
        alice = id_of(told[0])
        assert told == [
            {
                "method": "POST",
                "bulkId": "qwerty",
                "version": 'W/"1"',
                "location": f"{BASE}/Users/{alice}",
                "status": "201",
            },
            {"method": "PUT", "version": 'W/"2"', "location": f"{BASE}/Users/{ben}", "status": "200"},
            {"method": "PATCH", "version": 'W/"2"', "location": f"{BASE}/Users/{eve}", "status": "200"},
            {"method": "DELETE", "location": f"{BASE}/Users/{kim}", "status": "204"},
        ]
        assert read(idp.get(f"/Users/{alice}"))["userName"] == "alice@acme.example"
        assert read(idp.get(f"/Users/{ben}"))["userName"] == "bob@acme.example"
        assert read(idp.get(f"/Users/{eve}"))["nickName"] == "Dave"
        assert idp.get(f"/Users/{kim}").status_code == 404

    @pytest.mark.clause("7644-3.7-7", "7644-3.7-8", "7644-3.7.3-2", "7644-3.7.3-3", "7644-3.7.3-4")
    def test_each_failure_is_told_with_its_error_and_leaves_nothing(self, idp: Idp) -> None:
        ben = idp.create("ben@acme.example")
        unknown = str(uuid4())
        told = bulk(
            idp,
            make("a", "nonsense"),
            {
                "method": "PUT",
                "path": f"/Users/{ben['id']}",
                "version": 'W/"7"',
                "data": {"userName": "b@acme.example"},
            },
            patch(f"/Users/{ben['id']}", {"op": "add", "path": "title", "value": "x"}, {"op": "add", "path": "nope"}),
            {"method": "DELETE", "path": f"/Users/{unknown}"},
            make("b", "BEN@acme.example"),
        )
        assert statuses(told) == ["400", "412", "400", "404", "409"]
        for each, path in zip(told, (None, ben["id"], ben["id"], unknown, None), strict=True):
            assert each.get("location") == (path and f"{BASE}/Users/{path}")
            assert each["response"]["schemas"] == [ERROR]
            assert each["response"]["status"] == each["status"]
            assert each["response"]["detail"]
        assert [each["response"].get("scimType") for each in told] == [
            "invalidValue", None, "invalidValue", None, "uniqueness",
        ]  # fmt: skip
        assert [each.get("bulkId") for each in told] == ["a", None, None, None, "b"]
        assert read(idp.get("/Users"))["Resources"] == [ben]

    def test_another_implementation_reads_the_answer_as_it_was_meant(self, idp: Idp) -> None:
        ada = idp.create()["id"]
        operations = [
            make("a"),
            make("b", "nope"),
            make_group("G", "bulkId:a"),
            patch(f"/Users/{ada}", {"op": "replace", "path": "title", "value": "Countess"}),
            {"method": "DELETE", "path": f"/Users/{ada}", "version": 'W/"9"'},
        ]
        request = {"schemas": [REQUEST], "failOnErrors": 5, "Operations": operations}
        anything = scim2_models.User[scim2_models.EnterpriseUser] | scim2_models.Group
        assert len(scim2_models.BulkRequest[anything].model_validate(request).operations) == 5
        answer = read(idp.send("POST", "/Bulk", request))
        assert scim2_models.BulkResponse[anything].model_validate(answer).model_dump() == answer

    def test_the_method_may_be_in_any_letter_case_and_slashes_are_forgiven(self, idp: Idp) -> None:
        told = bulk(idp, {**make("ada"), "method": "post", "path": "//Users/"})
        assert (told[0]["method"], told[0]["status"]) == ("POST", "201")

    def test_names_of_members_may_be_in_any_letter_case(self, idp: Idp) -> None:
        operation = {name.upper(): value for name, value in make("ada").items()}
        response = idp.send("POST", "/Bulk", {"SCHEMAS": [REQUEST], "operations": [operation], "failonerrors": 1})
        assert statuses(read(response)["Operations"]) == ["201"]

    def test_users_and_groups_are_told_of_in_the_order_of_their_coming(self, idp: Idp) -> None:
        ada = idp.create()["id"]
        told = bulk(
            idp,
            make_group("Makers", "bulkId:bob", ada),
            make("bob"),
            patch("/Groups/bulkId:Makers", {"op": "remove", "path": f'members[value eq "{ada}"]'}),
            make("cem"),
        )
        assert [(each["method"], each["status"], each.get("bulkId")) for each in told] == [
            ("POST", "201", "Makers"), ("POST", "201", "bob"), ("PATCH", "200", None), ("POST", "201", "cem"),
        ]  # fmt: skip
        group, bob = id_of(told[0]), id_of(told[1])
        assert told[2]["location"] == f"{BASE}/Groups/{group}"
        assert told[2]["version"] == 'W/"2"'
        assert idp.members(group) == [bob]


class TestReferences:
    """RFC 7644 section 3.7.2."""

    @pytest.mark.clause("7644-3.7.2-1")
    def test_a_new_group_has_a_new_user_as_member(self, idp: Idp) -> None:
        told = bulk(idp, make("qwerty", "alice@acme.example"), make_group("Tour Guides", "bulkId:qwerty"))
        assert statuses(told) == ["201", "201"]
        group = read(idp.get(f"/Groups/{id_of(told[1])}"))
        assert [(each["value"], each["type"]) for each in group["members"]] == [(id_of(told[0]), "User")]

    @pytest.mark.clause("7644-3.7.2-2")
    def test_a_new_user_has_a_new_user_as_manager(self, idp: Idp) -> None:
        alice, bob = bulk(
            idp,
            make("ytrewq", "bob@acme.example", **managed_by("bulkId:qwerty")),
            make("qwerty", "alice@acme.example", displayName="Alice"),
        )[::-1]
        manager = read(idp.get(f"/Users/{id_of(bob)}"))[ENTERPRISE]["manager"]
        assert manager["value"] == id_of(alice)
        assert manager["displayName"] == "Alice"
        assert manager["$ref"].endswith(f"Users/{id_of(alice)}")

    def test_a_chain_of_references_may_be_as_long_as_the_request(self, idp: Idp) -> None:
        chain = [make(f"u{number}", **managed_by(f"bulkId:u{number + 1}")) for number in range(150)]
        told = bulk(idp, *chain, make("u150"))
        assert set(statuses(told)) == {"201"}
        first = read(idp.get(f"/Users/{id_of(told[0])}"))
        assert first[ENTERPRISE]["manager"]["value"] == id_of(told[1])
        assert first[ENTERPRISE]["manager"]["displayName"] == "u1@acme.example"

    @pytest.mark.parametrize(
        "operation",
        [
            {"op": "add", "path": "members", "value": [{"value": "bulkId:new"}]},
            {"op": "add", "path": "members", "value": "bulkId:new"},
            {"op": "add", "value": {"members": [{"value": "bulkId:new", "$ref": "../Users/bulkId:new"}]}},
            {"op": "replace", "path": "members", "value": [{"value": "bulkId:new"}]},
        ],
    )
    def test_a_reference_may_stand_in_a_patch_of_what_is_there(self, idp: Idp, operation: Operation) -> None:
        group = idp.create_group("Engineering")["id"]
        told = bulk(idp, patch(f"/Groups/{group}", operation), make("new"))
        assert statuses(told) == ["200", "201"]
        assert idp.members(group) == [id_of(told[1])]

    def test_a_reference_may_stand_in_a_filter_and_in_every_path(self, idp: Idp) -> None:
        told = bulk(
            idp,
            make("a"),
            make("b"),
            make_group("G", "bulkId:a", "bulkId:b"),
            patch("/Groups/bulkId:G", {"op": "remove", "path": 'members[value eq "bulkId:a"]'}),
            patch("/Users/bulkId:b", {"op": "replace", "path": "title", "value": "Boss"}),
            {"method": "PUT", "path": "/Users/bulkId:a", "data": {"userName": "z@acme.example"}},
            {"method": "DELETE", "path": "/Users/bulkId:a"},
        )
        assert statuses(told) == ["201", "201", "201", "200", "200", "200", "204"]
        assert idp.members(id_of(told[2])) == [id_of(told[1])]
        assert [user.user_name for user in idp.users()] == ["b@acme.example"]
        assert read(idp.get(f"/Users/{id_of(told[1])}"))["title"] == "Boss"

    def test_who_refers_to_what_could_not_be_made_fails_too(self, idp: Idp) -> None:
        told = bulk(
            idp,
            make_group("G", "bulkId:bad"),
            make("worse", **managed_by("bulkId:bad")),
            make("bad", "bad@evil.example"),
            patch("/Users/bulkId:bad", {"op": "replace", "path": "title", "value": "x"}),
            make("worst", **managed_by("bulkId:worse")),
            make("good"),
        )
        assert statuses(told) == ["409", "409", "400", "409", "409", "201"]
        assert "bulkId:bad" in told[0]["response"]["detail"]
        assert "bulkId:worse" in told[4]["response"]["detail"]
        assert "location" not in told[3]
        assert [user.user_name for user in idp.users()] == ["good@acme.example"]
        assert read(idp.get("/Groups"))["totalResults"] == 0

    def test_a_bulk_id_that_nobody_has_is_an_invalid_value(self, idp: Idp) -> None:
        told = bulk(idp, make_group("G", "bulkId:nobody"), patch("/Users/bulkId:nobody"), make("a"))
        assert [(each["status"], each.get("response", {}).get("scimType")) for each in told] == [
            ("400", "invalidValue"), ("400", "invalidValue"), ("201", None),
        ]  # fmt: skip
        assert "nobody" in told[0]["response"]["detail"]

    def test_only_resources_that_the_request_makes_can_be_referred_to(self, idp: Idp) -> None:
        ada = idp.create()["id"]
        change = patch(f"/Users/{ada}", {"op": "replace", "path": "title", "value": "x"}, bulkId="ada")
        assert statuses(bulk(idp, change, make_group("G", "bulkId:ada"))) == ["200", "400"]


class TestCircles:
    """RFC 7644 section 3.7.1."""

    @pytest.mark.clause("7644-3.7.1-1")
    def test_two_who_manage_each_other(self, idp: Idp) -> None:
        told = bulk(idp, make("a", **managed_by("bulkId:b")), make("b", **managed_by("bulkId:a")))
        assert statuses(told) == ["201", "201"]
        a, b = (read(idp.get(f"/Users/{id_of(each)}")) for each in told)
        assert a[ENTERPRISE]["manager"]["value"] == b["id"]
        assert b[ENTERPRISE]["manager"]["value"] == a["id"]
        assert a[ENTERPRISE]["manager"]["displayName"] == "b@acme.example"

    def test_who_is_their_own_manager(self, idp: Idp) -> None:
        (told,) = bulk(idp, make("boss", **managed_by("bulkId:boss")))
        assert read(idp.get(f"/Users/{id_of(told)}"))[ENTERPRISE]["manager"]["value"] == id_of(told)

    def test_a_group_of_people_who_manage_each_other(self, idp: Idp) -> None:
        told = bulk(
            idp,
            make_group("Board", "bulkId:a", "bulkId:c"),
            make("a", **managed_by("bulkId:b")),
            make("b", **managed_by("bulkId:c")),
            make("c", **managed_by("bulkId:a")),
        )
        assert statuses(told) == ["201"] * 4
        assert set(idp.members(id_of(told[0]))) == {id_of(told[1]), id_of(told[3])}

    def test_of_a_circle_in_which_one_is_refused_nobody_is_there(self, idp: Idp) -> None:
        told = bulk(
            idp,
            make("a", **managed_by("bulkId:b")),
            make("b", "b@evil.example", **managed_by("bulkId:c")),
            make("c", **managed_by("bulkId:a")),
            make("d", "a@acme.example"),
        )
        assert statuses(told) == ["409", "400", "409", "201"]
        assert [user.user_name for user in idp.users()] == ["a@acme.example"]

    def test_groups_within_each_other_are_refused(self, idp: Idp) -> None:
        told = bulk(
            idp,
            make_group("Group A", "bulkId:Group B"),
            make_group("Group B", "bulkId:Group A"),
            make_group("Group C", "bulkId:Group A"),
            make_group("Group D", "bulkId:Group D"),
        )
        assert statuses(told) == ["409"] * 4
        assert read(idp.get("/Groups"))["totalResults"] == 0

    def test_the_groups_that_a_user_says_to_be_in_make_no_circle(self, idp: Idp) -> None:
        told = bulk(idp, make("a", groups=[{"value": "bulkId:G"}]), make_group("G", "bulkId:a"))
        assert statuses(told) == ["201", "201"]
        assert idp.members(id_of(told[1])) == [id_of(told[0])]


class TestFailOnErrors:
    OPERATIONS = (make("a"), make("x", "nope"), make("b"), make("y", "nope"), make("c"), make_group("G"))

    @pytest.mark.clause("7644-3.7-11")
    @pytest.mark.parametrize(
        ("limit", "expected", "there"),
        [
            (1, ["201", "400"], "a"),
            (2, ["201", "400", "201", "400"], "ab"),
            (3, ["201", "400", "201", "400", "201", "201"], "abc"),
            (None, ["201", "400", "201", "400", "201", "201"], "abc"),
        ],
    )
    def test_what_comes_after_that_many_failures_is_neither_done_nor_told_of(
        self, idp: Idp, limit: int | None, expected: list[str], there: str
    ) -> None:
        assert statuses(bulk(idp, *self.OPERATIONS, failOnErrors=limit)) == expected
        assert [user.user_name[0] for user in idp.users()] == list(there)
        assert Headcount.objects.get(organization=idp.organization).users == len(there)
        assert read(idp.get("/Groups"))["totalResults"] == (expected[-1] == "201")

    def test_failures_of_any_kind_count(self, idp: Idp) -> None:
        told = bulk(
            idp,
            {"method": "DELETE", "path": "/Users/nobody"},
            {"method": "TRACE", "path": "/Users"},
            make("a", **managed_by("bulkId:zzz")),
            make("b"),
            failOnErrors=3,
        )
        assert statuses(told) == ["404", "400", "400"]

    def test_the_rfcs_example_of_a_name_that_is_taken(self, idp: Idp) -> None:
        idp.create("alice@acme.example")
        told = bulk(
            idp,
            make("qwerty", "Alice@acme.example"),
            {"method": "PUT", "path": f"/Users/{uuid4()}", "data": {"userName": "bob@acme.example"}},
            failOnErrors=1,
        )
        assert [(each["method"], each["bulkId"], each["status"]) for each in told] == [("POST", "qwerty", "409")]
        assert told[0]["response"]["scimType"] == "uniqueness"


class TestOneBatch:
    def test_equal_names_in_one_request_are_taken_by_the_first(self, idp: Idp) -> None:
        told = bulk(
            idp,
            make("a", "ada@acme.example"),
            make("b", "ADA@acme.example"),
            make("c", emails=[{"value": "Ada@ACME.example", "primary": True}]),
            make("d", emails=[{"value": "c@acme.example"}]),
            make("e", "c@acme.example"),
        )
        assert statuses(told) == ["201", "409", "409", "201", "409"]
        alone = read(idp.send("POST", "/Users", {"userName": "c@acme.example"}))["detail"].partition(" (request")[0]
        assert told[4]["response"]["detail"].startswith(alone)

    def test_everything_that_one_user_leaves_many_leave_too(self, idp: Idp) -> None:
        emails = [{"value": f"{name}@acme.test", "type": "work"} for name in ("x", "y")]
        told = bulk(idp, make("a", emails=emails, externalId="1"), make("b", roles=[{"value": "HR"}], active=False))
        a, b = idp.users()
        assert (a.user_name_key, a.email_key, a.external_id) == ("a@acme.example", "x@acme.test", "1")
        assert not a.has_usable_password()
        assert (b.role and b.role.name, b.is_active) == ("HR", False)
        assert list(UserValue.objects.of(idp.organization.pk).values_list("value_key", flat=True)) == [
            "x@acme.test", "y@acme.test",
        ]  # fmt: skip
        assert Headcount.objects.get(organization=idp.organization).users == 2
        events = AuditEvent.objects.filter(organization_id=idp.organization.pk, action="user.created")
        assert {event.target_id for event in events} == {id_of(each) for each in told}
        assert {event.request_id for event in events} == {idp.log()[-1].request_id}
        assert {event.changes["profile"][1]["userName"] for event in events} == {"a@acme.example", "b@acme.example"}

    def test_users_are_listed_in_the_order_in_which_they_were_made(self, idp: Idp) -> None:
        names = [f"{letter}@acme.example" for letter in "zmakq"]
        bulk(idp, *(make(str(number), name) for number, name in enumerate(names)))
        assert [user["userName"] for user in read(idp.get("/Users"))["Resources"]] == names

    def test_the_number_of_statements_does_not_depend_on_that_of_users(self, idp: Idp) -> None:
        boss = idp.create("boss@acme.example")["id"]
        counts = []
        for number in (20, 200):
            operations = [
                make(
                    f"{number}-{each}",
                    emails=[{"value": f"{number}.{each}@acme.test"}],
                    roles=[{"value": "HR"}],
                    **managed_by(f"bulkId:{number}-{each - 1}" if each else boss),
                )
                for each in range(number)
            ]
            with CaptureQueriesContext(connection) as captured:
                assert set(statuses(bulk(idp, *operations))) == {"201"}
            counts.append(len([query for query in captured.captured_queries if not CONTROL.match(query["sql"])]))
        # Token, roles, managers, domains, names; users, e-mail addresses, events, headcount.
        assert counts == [9, 9]

    @pytest.mark.parametrize("fault", [IntegrityError("taken"), OperationalError("deadlock detected")])
    def test_who_loses_a_race_goes_on_one_by_one(
        self, idp: Idp, monkeypatch: pytest.MonkeyPatch, fault: Exception
    ) -> None:
        insert = accounts.sql.insert

        def inserted(model: Any, rows: Any) -> None:
            insert(model, rows)
            if model is User and len(rows) > 1:
                raise fault

        monkeypatch.setattr(accounts.sql, "insert", inserted)
        told = bulk(idp, make("a"), make("b", "A@acme.example"), make("c"), failOnErrors=1)
        assert statuses(told) == ["201", "409"]
        assert [user.user_name for user in idp.users()] == ["a@acme.example"]
        assert Headcount.objects.get(organization=idp.organization).users == 1

    def test_a_database_that_stays_away_is_not_asked_a_thousand_times(
        self, idp: Idp, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked = []

        def away(*_args: Any, **_options: Any) -> None:
            asked.append(1)
            raise OperationalError("gone")

        monkeypatch.setattr("scim.operations.bulk._CHANGES", {("/Users", "PATCH"): away})
        monkeypatch.setattr("scim.operations.users.create", away)
        monkeypatch.setattr("scim.operations.users.create_many", away)
        told = bulk(idp, *[op for n in range(25) for op in (patch(f"/Users/{uuid4()}"), make(f"u{n}"))])
        assert statuses(told) == ["503"] * 50
        assert len(asked) < 6

    def test_a_value_that_only_the_database_refuses_is_one_operations_fault(self, idp: Idp) -> None:
        def emails(name: str) -> list[dict[str, str]]:
            return [{"value": f"{name}@acme.example", "type": "\ufdfa" * 1024}]  # eighteen times as long when folded

        alone = idp.send("POST", "/Users", {"userName": "x@acme.example", "emails": emails("x")}).status_code
        told = bulk(idp, make("a"), make("b", emails=emails("b")), make("c"))
        assert statuses(told) == ["201", str(alone), "201"]

    def test_a_fault_of_ours_is_that_operations_alone(self, idp: Idp, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(*_args: Any, **_options: Any) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr("scim.operations.bulk._CHANGES", {("/Users", "PATCH"): broken})
        assert statuses(bulk(idp, patch(f"/Users/{uuid4()}"), make("a"))) == ["500", "201"]


class TestSurroundings:
    def test_operations_on_groups_fail_where_groups_are_off(self, idp: Idp) -> None:
        group = idp.create_group()["id"]
        Connection.objects.update(groups_enabled=False)
        told = bulk(idp, make_group("G"), patch(f"/Groups/{group}"), make("a"))
        assert statuses(told) == ["404", "404", "201"]

    def test_another_organizations_resources_do_not_exist(self, idp: Idp, anonymous: Idp) -> None:
        eve, group = anonymous.create("eve@globex.example")["id"], anonymous.create_group()["id"]
        told = bulk(
            idp,
            {"method": "DELETE", "path": f"/Users/{eve}"},
            {"method": "PUT", "path": f"/Users/{eve}", "data": {"userName": "eve@acme.example"}},
            {"method": "DELETE", "path": f"/Groups/{group}"},
            make_group("G", eve),
        )
        assert statuses(told) == ["404", "404", "404", "400"]
        assert len(anonymous.users()) == 1

    def test_the_log_says_what_came_of_it(self, idp: Idp) -> None:
        idp.create("ben@acme.example")
        bulk(idp, make("a", title=5), make("b"), make("c", "ben@acme.example"), make("d", nonsense=1), make_group("G"))
        row = idp.log()[-1]
        assert (row.path.endswith("/Bulk"), row.status, row.cause) == (True, 200, "InvalidValue")
        assert row.result == "Carried out a bulk request of 5 operations: 3 created, 2 failed."
        assert row.notices[0] == "POST /Users (bulkId 'a'): 400, 'title' takes a text, not a number."
        assert row.notices[1].startswith("POST /Users (bulkId 'c'): 409, A user with the userName")
        assert any("nonsense" in notices for notices in row.notices)

    def test_the_log_says_what_was_not_reached(self, idp: Idp) -> None:
        bulk(idp, make("x", "nope"), make("a"), failOnErrors=1)
        assert "1 failed, 1 not reached." in idp.log()[-1].result

    def test_strict_mode_holds_for_the_request_and_for_each_operation(self, idp: Idp) -> None:
        Connection.objects.update(strict=True)
        unnamed = idp.send("POST", "/Bulk", {"Operations": [make("a")]})
        assert (unnamed.status_code, read(unnamed)["scimType"]) == (400, "invalidSyntax")
        assert statuses(bulk(idp, make("a", active="true"), make("b"))) == ["400", "201"]

    @pytest.mark.clause("7644-3.7.4-1")
    def test_the_limits_are_announced(self, idp: Idp) -> None:
        announced = read(idp.get("/ServiceProviderConfig"))["bulk"]
        assert announced == {"supported": True, "maxOperations": 1000, "maxPayloadSize": 2 * 1024 * 1024}

    def test_only_post_applies(self, idp: Idp) -> None:
        response = idp.get("/Bulk")
        assert (response.status_code, response.headers["Allow"]) == (405, "POST")

    def test_a_token_is_needed(self, idp: Idp) -> None:
        idp.token = "wrong"
        assert idp.send("POST", "/Bulk", {"Operations": [make("a")]}).status_code == 401
        assert json.loads(idp.send("POST", "/Bulk", b"[").content)["status"] == "401"
