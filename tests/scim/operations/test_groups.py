"""Groups: CRUD, members as rows, nesting, filters, the switch, and who may be a member (RFC 7643 section 4.2)."""

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.models import AuditEvent
from provisioning.models import Connection
from provisioning.services.connections.connections import base_url_at
from scim.protocol import patch as patching
from scim.protocol.errors import NoTarget
from scim.protocol.patch_request import read_patch
from scim.protocol.schemas import GROUP
from scim.storage import repository
from tests.identity_provider import Idp, read
from users import profile as profiles
from users.models import Group, GroupMember, User

BASE = base_url_at("acme")


@pytest.fixture
def ada(idp: Idp) -> str:
    return str(idp.create("ada@acme.example", displayName="Ada")["id"])


@pytest.fixture
def bob(idp: Idp) -> str:
    return str(idp.create("bob@acme.example")["id"])


def add(*members: str) -> dict[str, Any]:
    return {"op": "add", "path": "members", "value": [{"value": member} for member in members]}


def actions(idp: Idp) -> list[str]:
    events = AuditEvent.objects.filter(organization_id=idp.organization.pk, action__startswith="group.")
    return [event.action for event in events]


class TestLife:
    def test_a_group_is_made_with_its_members_and_read_back(self, idp: Idp, ada: str) -> None:
        group = idp.create_group("Engineering", ada, externalId="g-1")
        assert group["schemas"] == ["urn:ietf:params:scim:schemas:core:2.0:Group"]
        assert (group["displayName"], group["externalId"]) == ("Engineering", "g-1")
        assert group["members"] == [{"value": ada, "$ref": f"{BASE}/Users/{ada}", "type": "User", "display": "Ada"}]
        assert group["meta"]["location"] == f"{BASE}/Groups/{group['id']}"
        assert read(idp.get(f"/Groups/{group['id']}")) == group
        assert read(idp.get("/Groups"))["Resources"] == [group]
        assert actions(idp) == ["group.created"]
        assert idp.log()[-1].result == "Listed 1 of 1 group."
        assert "Created the group Engineering." in [row.result for row in idp.log()]

    def test_a_group_may_have_no_members(self, idp: Idp) -> None:
        assert "members" not in idp.create_group()

    @pytest.mark.clause("7644-3.3-6")
    @pytest.mark.parametrize("name", ["Engineering", "ENGINEERING"])
    def test_two_groups_of_one_name_are_a_conflict(self, idp: Idp, name: str) -> None:
        idp.create_group("Engineering")
        other = idp.create_group("Sales")
        refused = idp.send("POST", "/Groups", {"displayName": name})
        assert (refused.status_code, read(refused)["scimType"]) == (409, "uniqueness")
        renamed = idp.patch_group(other["id"], {"op": "replace", "value": {"displayName": name}})
        assert (renamed.status_code, read(renamed)["scimType"]) == (409, "uniqueness")

    def test_another_organization_has_its_own_groups(self, idp: Idp, anonymous: Idp) -> None:
        group = idp.create_group()
        anonymous.create_group()
        assert read(anonymous.get("/Groups"))["totalResults"] == 1
        for method in ("GET", "PUT", "PATCH", "DELETE"):
            body = {"displayName": "x", "Operations": [add()]}
            assert anonymous.send(method, f"/Groups/{group['id']}", body).status_code == 404
        assert read(idp.get(f"/Groups/{group['id']}")) == group

    @pytest.mark.parametrize("group_id", ["x", "0f3c6a51-9a43-4b3a-8a57-6f1c6ffb2c1e", "%00", "a" * 300])
    def test_a_group_that_is_not_there(self, idp: Idp, group_id: str) -> None:
        for method in ("GET", "PUT", "PATCH", "DELETE"):
            body = {"displayName": "x", "Operations": [add()]}
            assert idp.send(method, f"/Groups/{group_id}", body).status_code == 404

    @pytest.mark.clause("7644-3.5.1-2")
    def test_put_replaces_name_and_members(self, idp: Idp, ada: str, bob: str) -> None:
        group = idp.create_group("Engineering", ada, externalId="g-1")
        body = {"displayName": "Makers", "members": [{"value": bob, "display": None}]}
        after = read(idp.send("PUT", f"/Groups/{group['id']}", body))
        assert (after["displayName"], after["externalId"]) == ("Makers", "g-1")
        assert idp.members(group["id"]) == [bob]
        assert after["meta"]["version"] == 'W/"2"'

    @pytest.mark.parametrize(("body", "stays"), [({}, True), ({"members": None}, False), ({"members": []}, False)])
    def test_put_leaves_members_that_it_does_not_mention(
        self, idp: Idp, ada: str, body: dict[str, Any], stays: bool
    ) -> None:
        group = idp.create_group("Engineering", ada)
        assert idp.send("PUT", f"/Groups/{group['id']}", {"displayName": "Makers", **body}).status_code == 200
        assert idp.members(group["id"]) == ([ada] if stays else [])

    def test_a_deleted_group_is_gone_and_its_members_are_not(self, idp: Idp, ada: str) -> None:
        group = idp.create_group("Engineering", ada)
        assert idp.send("DELETE", f"/Groups/{group['id']}").status_code == 204
        assert idp.get(f"/Groups/{group['id']}").status_code == 404
        assert "groups" not in read(idp.get(f"/Users/{ada}"))
        assert actions(idp)[0] == "group.deleted"

    def test_a_deleted_user_leaves_their_groups_which_get_another_version(self, idp: Idp, ada: str, bob: str) -> None:
        group = idp.create_group("Engineering", ada, bob)
        idp.send("DELETE", f"/Users/{ada}")
        after = read(idp.get(f"/Groups/{group['id']}"))
        assert [member["value"] for member in after["members"]] == [bob]
        assert after["meta"]["version"] == 'W/"2"'

    def test_preconditions_hold(self, idp: Idp, ada: str) -> None:
        group = idp.create_group()
        path = f"/Groups/{group['id']}"
        assert idp.get(path, if_none_match='W/"1"').status_code == 304
        assert idp.patch_group(group["id"], add(ada), if_match='W/"7"').status_code == 412
        changed = idp.patch_group(group["id"], add(ada), if_match='W/"1"')
        assert (changed.status_code, changed.headers["ETag"]) == (200, 'W/"2"')
        assert idp.send("DELETE", path, if_match='W/"1"').status_code == 412

    def test_a_patch_tells_the_group_as_it_is_now(self, idp: Idp, ada: str) -> None:
        group = idp.create_group()
        changed = idp.patch_group(group["id"], add(ada))
        assert [member["value"] for member in read(changed)["members"]] == [ada]
        assert read(changed) == read(idp.get(f"/Groups/{group['id']}"))
        assert changed.headers["Location"] == group["meta"]["location"]

    def test_a_patch_tells_a_large_group_only_if_asked(self, idp: Idp, ada: str) -> None:
        people = [str(user.pk) for user in idp.add_people(100)]
        group = idp.create_group("Everybody", *people[:99])
        assert len(read(idp.patch_group(group["id"], add(people[99])))["members"]) == 100
        changed = idp.patch_group(group["id"], add(ada))
        assert (changed.status_code, changed.content, changed.headers["ETag"]) == (204, b"", 'W/"3"')

    def test_a_patch_tells_what_it_is_asked_for(self, idp: Idp, ada: str) -> None:
        group = idp.create_group()
        body = {"Operations": [add(ada)]}
        asked = read(idp.send("PATCH", f"/Groups/{group['id']}?attributes=members.value", body))
        assert asked["members"] == [{"value": ada}]
        assert "displayName" not in asked


class TestMembers:
    @pytest.mark.clause("7644-3.5.2.1-3", "7644-3.5.2.1-4")
    def test_adding_twice_or_removing_the_absent_changes_nothing(self, idp: Idp, ada: str, bob: str) -> None:
        group = idp.create_group("Engineering", ada)
        for operation in (
            add(ada, ada),
            {"op": "remove", "path": f'members[value eq "{bob}"]'},
            {"op": "remove", "path": "members", "value": [{"value": bob}, {"value": "nobody"}]},
        ):
            response = idp.patch_group(group["id"], operation)
            assert (response.status_code, response.headers["ETag"]) == (200, 'W/"1"')
        assert actions(idp) == ["group.created"]
        assert idp.log()[-1].result == "Nothing to change: the group Engineering is like that already."

    @pytest.mark.clause("7643-7-11", "7644-3.5.2-6")
    @pytest.mark.parametrize(
        "operation",
        [
            {"op": "replace", "path": 'members[value eq "x"].display', "value": "y"},
            {"op": "replace", "path": "members.value", "value": "y"},
            {"op": "replace", "path": 'members[value eq "x"]', "value": {"value": "y"}},
        ],
    )
    def test_a_member_can_not_be_changed(self, idp: Idp, ada: str, operation: dict[str, Any]) -> None:
        group = idp.create_group("Engineering", ada)
        response = idp.patch_group(group["id"], operation)
        assert (response.status_code, read(response)["scimType"]) == (400, "mutability")

    def test_who_is_nobody_here_can_be_no_member_and_nothing_is_changed(
        self, idp: Idp, anonymous: Idp, ada: str
    ) -> None:
        group = idp.create_group("Engineering")
        for other in (anonymous.create("eve@globex.example")["id"], anonymous.create_group()["id"], str(uuid4()), "x"):
            body = {"displayName": "Other", "members": [{"value": ada}, {"value": other}]}
            for response in (
                idp.send("POST", "/Groups", body),
                idp.send("PUT", f"/Groups/{group['id']}", body),
                idp.patch_group(group["id"], add(ada, other)),
            ):
                assert (response.status_code, read(response)["scimType"]) == (400, "invalidValue")
                assert (other if len(other) > 1 else "with that id") in read(response)["detail"]
        assert read(idp.get("/Groups"))["Resources"] == [group]
        assert GroupMember.objects.of(idp.organization.pk).count() == 0

    @pytest.mark.parametrize("members", [5, ["x"], [5], [{"value": 5}], [{"type": "User"}, {}], "x", [[]]])
    def test_members_that_make_no_sense_are_no_fault(self, idp: Idp, members: Any) -> None:
        assert idp.send("POST", "/Groups", {"displayName": "x", "members": members}).status_code in (201, 400)

    @pytest.mark.clause("7643-4.2-1")
    @pytest.mark.parametrize("name", [None, "", " ", "x" * 257, "\ufdfa" * 200])
    def test_a_name_that_is_none(self, idp: Idp, name: Any) -> None:
        assert read(idp.send("POST", "/Groups", {"displayName": name}))["scimType"] == "invalidValue"

    def test_a_large_body_is_taken_for_a_group(self, idp: Idp, ada: str) -> None:
        group = idp.create_group()
        body = {"displayName": "Big", "members": [{"value": ada, "display": "x" * 1000}] * 1500}
        assert idp.send("PUT", f"/Groups/{group['id']}", body).status_code == 200
        assert idp.members(group["id"]) == [ada]

    def test_membership_does_not_move_a_users_version(self, idp: Idp, ada: str) -> None:
        idp.create_group("Engineering", ada)
        assert read(idp.get(f"/Users/{ada}"))["meta"]["version"] == 'W/"1"'


class TestNesting:
    @pytest.fixture
    def inner(self, idp: Idp, ada: str) -> dict[str, Any]:
        return idp.create_group("Inner", ada)

    @pytest.mark.clause("7643-4.1.2-11")
    def test_users_show_direct_and_indirect_groups(self, idp: Idp, ada: str, inner: dict[str, Any]) -> None:
        outer = idp.create_group("Outer", inner["id"])
        reference = {"value": inner["id"], "$ref": f"{BASE}/Groups/{inner['id']}", "type": "Group", "display": "Inner"}
        assert outer["members"] == [reference]
        expected = [
            {"value": group["id"], "$ref": f"{BASE}/Groups/{group['id']}", "display": name, "type": kind}
            for group, name, kind in ((inner, "Inner", "direct"), (outer, "Outer", "indirect"))
        ]
        listed = read(idp.get("/Users", {"filter": 'userName eq "ada@acme.example"'}))["Resources"][0]
        changed = read(idp.patch(ada, {"op": "replace", "path": "title", "value": "Countess"}))
        assert read(idp.get(f"/Users/{ada}"))["groups"] == listed["groups"] == changed["groups"] == expected

    def test_a_user_who_leaves_while_being_read_has_no_groups(
        self, idp: Idp, ada: str, inner: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        idp.create_group("Outer", inner["id"])
        look_up = repository.groups_of

        def after_leaving(ids: Sequence[str], base_url: str) -> dict[str, str]:
            GroupMember.objects.filter(user=ada).delete()
            return look_up(ids, base_url)

        monkeypatch.setattr(repository, "groups_of", after_leaving)
        answer = idp.get(f"/Users/{ada}")
        assert answer.status_code == 200
        assert "groups" not in read(answer)

    def test_a_group_can_not_be_within_itself(self, idp: Idp, inner: dict[str, Any]) -> None:
        middle = idp.create_group("Middle", inner["id"])
        outer = idp.create_group("Outer", middle["id"])
        for circular in (inner, middle, outer):
            refused = idp.patch_group(inner["id"], add(circular["id"]))
            assert (refused.status_code, read(refused)["scimType"]) == (400, "invalidValue")
        assert read(idp.get(f"/Groups/{inner['id']}")) == inner

    def test_a_deleted_group_leaves_its_holders_which_get_another_version(
        self, idp: Idp, ada: str, inner: dict[str, Any]
    ) -> None:
        outer = idp.create_group("Outer", inner["id"])
        idp.send("DELETE", f"/Groups/{inner['id']}")
        after = read(idp.get(f"/Groups/{outer['id']}"))
        assert "members" not in after and after["meta"]["version"] == 'W/"2"'


class TestFilters:
    @pytest.fixture(autouse=True)
    def groups(self, idp: Idp, ada: str, bob: str) -> None:
        inner = idp.create_group("Inner", ada, externalId="G1")
        idp.create_group("Outer", inner["id"], bob)
        idp.create_group("Empty")

    @pytest.mark.clause("7644-3.4.2.2-1", "7644-3.4.2.2-8")
    @pytest.mark.parametrize(
        ("condition", "names"),
        [
            ('displayName eq "INNER"', ["Inner"]),
            ('displayName co "e"', ["Inner", "Outer", "Empty"]),
            ('displayName sw "o"', ["Outer"]),
            ('externalId eq "G1"', ["Inner"]),
            ('externalId eq "g1"', []),
            ('members.value eq "{ada}"', ["Inner"]),
            ('members[value eq "{bob}"]', ["Outer"]),
            ('members eq "{bob}"', ["Outer"]),
            ('not (members.value eq "{ada}")', ["Outer", "Empty"]),
            ('members.value eq "nobody"', []),
            ('members[type eq "Group"]', ["Outer"]),
            ('members[type eq "user" and not (value eq "{ada}")]', ["Outer"]),
            ('members.value eq "{inner}"', ["Outer"]),
            ("members pr", ["Inner", "Outer"]),
            ('members.display eq "ADA"', ["Inner"]),
            ('members.display co "ada" or members.display sw "inn"', ["Inner", "Outer"]),
            ('members[type eq "User" and display ew ".example"]', ["Outer"]),
            ('members[type eq "Group" and display ew ".example"]', []),
            ('members.type eq "Group" and members.display ew ".example"', ["Outer"]),
            ('members[value eq "{bob}" and type eq "User"]', ["Outer"]),
            ('members[value eq "{bob}" and type eq "Group"]', []),
            ('members.value sw "0" and not (members.value ew "zzz")', ["Inner", "Outer"]),
            ('members.value ge "{bob}"', ["Outer"]),
            ('members.type gt "GROUP"', ["Inner", "Outer"]),
            ('members.$ref co "/Groups/"', ["Outer"]),
            ('members.$ref co "/groups/"', []),
            ('members[$ref eq "' + BASE + '/Users/{ada}"]', ["Inner"]),
            ('id eq "{inner}"', ["Inner"]),
            ('meta.location ew "{inner}"', ["Inner"]),
            ('meta.created gt "2020-01-01T00:00:00Z" and not (members pr)', ["Empty"]),
            ('meta.resourceType eq "Group" and schemas co "Group"', ["Inner", "Outer", "Empty"]),
        ],
    )
    def test_find_groups(self, idp: Idp, ada: str, bob: str, condition: str, names: list[str]) -> None:
        inner = str(Group.objects.of(idp.organization.pk).get(display_name="Inner").pk)
        for name, value in (("{ada}", ada), ("{bob}", bob), ("{inner}", inner)):
            condition = condition.replace(name, value)
        assert idp.groups_found(condition) == names

    @pytest.mark.parametrize(
        ("condition", "names"),
        [
            ('groups.display eq "inner"', ["ada@acme.example"]),
            ('groups.value eq "{outer}"', ["ada@acme.example", "bob@acme.example"]),
            ('not (groups.display eq "Inner")', ["bob@acme.example"]),
            ("groups pr", ["ada@acme.example", "bob@acme.example"]),
            ('groups[display eq "Empty"]', []),
            ('groups.type eq "direct"', ["ada@acme.example", "bob@acme.example"]),
            ('groups.type eq "INDIRECT"', ["ada@acme.example"]),
            ('groups[type eq "direct" and display sw "Out"]', ["bob@acme.example"]),
            ('groups[type ne "direct" and display sw "Out"]', ["ada@acme.example"]),
            ('groups.display eq "Outer" and groups.type eq "direct"', ["ada@acme.example", "bob@acme.example"]),
            ('groups[value eq "{outer}" and not (display co "inn")]', ["ada@acme.example", "bob@acme.example"]),
            ('groups.$ref ew "/scim/acme/v2/Groups/{outer}"', ["ada@acme.example", "bob@acme.example"]),
            ('groups.$ref ew "/groups/{outer}"', []),
            ('groups.value gt "{outer}"', []),
            ('groups.value lt "{outer}" or groups.display ge "p"', ["ada@acme.example"]),
        ],
    )
    def test_find_users_by_group(self, idp: Idp, condition: str, names: list[str]) -> None:
        outer = str(Group.objects.of(idp.organization.pk).get(display_name="Outer").pk)
        assert idp.found(condition.replace("{outer}", outer)) == names

    @pytest.mark.parametrize(
        ("path", "condition"),
        [
            ("/Groups", 'userName eq "x"'),
            ("/Groups", "members.primary eq true"),
            ("/Groups", 'members[userName eq "x"]'),
            ("/Users", "groups.type eq true"),
            ("/Users", "groups[primary eq true]"),
        ],
    )
    def test_what_can_not_be_asked(self, idp: Idp, path: str, condition: str) -> None:
        response = idp.get(path, {"filter": condition})
        assert (response.status_code, read(response)["scimType"]) == (400, "invalidFilter")

    @pytest.mark.parametrize(
        ("profile", "called"),
        [
            ({"displayName": "Grace"}, "grace"),
            ({"name": {"formatted": "Dr. Grace", "givenName": "G"}}, "dr. grace"),
            ({"name": {"givenName": "Grace", "familyName": "Hopper"}}, "grace hopper"),
            ({"name": {"familyName": "Hopper"}}, "hopper"),
            ({"displayName": "", "name": {"givenName": "Grace"}}, "grace"),
            ({}, "g@bücher.example"),
        ],
    )
    def test_a_member_is_found_by_the_name_that_is_shown(self, idp: Idp, profile: dict[str, Any], called: str) -> None:
        user = idp.add_people(1)[0]
        profiles.write(user, {"userName": "G@bücher.example", "active": True, **profile})
        User.objects.filter(pk=user.pk).update(**{name: getattr(user, name) for name in profiles.COLUMNS})
        group = idp.create_group("Navy", str(user.pk))
        assert group["members"][0]["display"].lower() == called
        assert idp.groups_found(f'members.display eq "{called.upper()}"') == ["Navy"]

    def test_lists_are_paged_and_projected(self, idp: Idp) -> None:
        page = read(idp.get("/Groups", {"startIndex": 2, "count": 1, "excludedAttributes": "members"}))
        assert (page["totalResults"], page["startIndex"], page["itemsPerPage"]) == (3, 2, 1)
        assert page["Resources"][0]["displayName"] == "Outer"
        assert "members" not in page["Resources"][0]

    def test_another_organizations_groups_are_not_found(self, anonymous: Idp, ada: str) -> None:
        assert anonymous.groups_found(f'members.value eq "{ada}" or displayName pr') == []
        assert anonymous.found('groups.display eq "Inner" or groups pr') == []


class TestSwitch:
    def test_groups_that_are_off_are_nowhere(self, idp: Idp, ada: str) -> None:
        group = idp.create_group("Engineering", ada)
        Connection.objects.update(groups_enabled=False)
        for path in ("/Groups", f"/Groups/{group['id']}"):
            for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
                assert idp.send(method, path, {"displayName": "x"}).status_code == 404
        assert idp.get("/Groups", {"filter": "members pr"}).status_code == 404
        assert [kind["name"] for kind in read(idp.get("/ResourceTypes"))["Resources"]] == ["User"]
        assert idp.get("/ResourceTypes/Group").status_code == 404
        urn = group["schemas"][0]
        assert urn not in [schema["id"] for schema in read(idp.get("/Schemas"))["Resources"]]
        assert idp.get(f"/Schemas/{urn}").status_code == 404
        Connection.objects.update(groups_enabled=True)
        assert read(idp.get(f"/Groups/{group['id']}")) == group


PEOPLE = range(5)
SOME = st.lists(st.sampled_from(PEOPLE), max_size=4)
OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["add", "replace", "remove"]), SOME),
        st.tuples(st.just("filter"), st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=2)),
        st.tuples(st.just("clear"), st.just([])),
        st.tuples(st.just("pathless"), SOME),
    ),
    min_size=1,
    max_size=5,
)


def operation_of(kind: str, ids: list[str]) -> dict[str, Any]:
    values = [{"value": each} for each in ids]
    match kind:
        case "filter":
            return {"op": "remove", "path": "members[" + " or ".join(f'value eq "{each}"' for each in ids) + "]"}
        case "clear":
            return {"op": "remove", "path": "members"}
        case "pathless":
            return {"op": "replace", "value": {"members": values}}
    return {"op": kind, "path": "members", "value": values}


@pytest.mark.django_db
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(start=SOME, wanted=OPERATIONS)
def test_set_operations_on_rows_do_what_the_patch_engine_does(idp: Idp, start: list[int], wanted: Any) -> None:
    with transaction.atomic():
        people = [str(user.pk) for user in idp.add_people(len(PEOPLE))]
        members = dict.fromkeys(people[each] for each in start)
        group = idp.create_group("Engineering", *members)
        operations = [operation_of(kind, [people[each] for each in which]) for kind, which in wanted]
        oracle: dict[str, Any] = {"displayName": "x", "schemas": [], "members": [{"value": each} for each in members]}
        for operation in operations:
            # A filter that selects nobody is an error to the engine, and a repetition to a directory.
            try:
                oracle = patching.apply(oracle, read_patch({"Operations": [operation]}, GROUP).operations, GROUP)
            except NoTarget:
                continue
        assert idp.patch_group(group["id"], *operations).status_code == 200
        expected = {member["value"] for member in oracle.get("members", [])}
        assert set(idp.members(group["id"])) == expected
        assert len(idp.members(group["id"])) == len(expected)
        version = read(idp.get(f"/Groups/{group['id']}"))["meta"]["version"]
        assert version == ('W/"1"' if expected == set(members) else 'W/"2"')
        transaction.set_rollback(True)


def test_people_made_by_hand_can_be_members(idp: Idp) -> None:
    person = idp.add_people(1)[0]
    User.objects.filter(pk=person.pk).update(source="manual")
    assert idp.create_group("Engineering", str(person.pk))["members"][0]["value"] == str(person.pk)
