"""/.search at the root finds users and groups (RFC 7644 section 3.4.3); groups are listed as users are."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from provisioning.models import Connection
from tests.identity_provider import Idp, read


class TestAtTheRoot:
    @pytest.mark.clause("7644-3.4.2.1-1")
    def test_users_and_groups_are_one_list(self, idp: Idp) -> None:
        user = idp.create()
        group = read(idp.send("POST", "/Groups", {"displayName": "Sales", "members": [{"value": user["id"]}]}))
        found = read(idp.send("POST", "/.search", {}))
        assert found["totalResults"] == 2
        assert [each["id"] for each in found["Resources"]] == [user["id"], group["id"]]

    def test_a_page_goes_on_from_users_to_groups(self, idp: Idp) -> None:
        users = [idp.create(f"user{number}@acme.example")["id"] for number in range(3)]
        groups = [read(idp.send("POST", "/Groups", {"displayName": name}))["id"] for name in ("Sales", "Support")]
        walked = []
        for start_index in (1, 3, 5):
            page = read(idp.send("POST", "/.search", {"startIndex": start_index, "count": 2}))
            assert page["totalResults"] == 5
            walked += [each["id"] for each in page["Resources"]]
        assert walked == users + groups

    @pytest.mark.clause("7644-3.4.2.1-3", "7644-3.4.2.1-4")
    def test_a_filter_finds_nothing_among_those_without_the_attribute(self, idp: Idp) -> None:
        user = idp.create()
        idp.send("POST", "/Groups", {"displayName": "Sales"})
        found = read(idp.send("POST", "/.search", {"filter": "userName pr"}))
        assert [each["id"] for each in found["Resources"]] == [user["id"]]

    @pytest.mark.clause("7644-3.4.2.1-3", "7644-3.4.2.1-4")
    @pytest.mark.parametrize(
        ("condition", "names"),
        [
            ('displayName eq "Sales" or userName sw "ada"', ["ada@acme.example", "Sales"]),
            ("not (userName pr)", ["Sales", "Support"]),
            ('userName ne "bob@acme.example"', ["ada@acme.example", "Sales", "Support"]),
            ("title eq null and members eq null", ["bob@acme.example", "Support"]),
            ("title ne null", ["ada@acme.example"]),
            ('members[type eq "User"] or emails[type eq "work"]', ["ada@acme.example", "Sales"]),
            ("name.familyName pr and displayName pr", []),
            ('urn:ietf:params:scim:schemas:core:2.0:User:userName co "@" and not (members pr)', ["ada@", "bob@"]),
            ('meta.resourceType eq "Group" and (displayName co "s" or userType eq "x")', ["Sales", "Support"]),
        ],
    )
    def test_what_a_type_does_not_have_is_without_a_value(self, idp: Idp, condition: str, names: list[str]) -> None:
        ada = idp.create("ada@acme.example", title="Countess", emails=[{"value": "ada@acme.test", "type": "work"}])
        idp.create("bob@acme.example")
        idp.create_group("Sales", ada["id"])
        idp.create_group("Support")
        found = read(idp.send("POST", "/.search", {"filter": condition}))
        shown = [each.get("userName", each.get("displayName")) for each in found["Resources"]]
        assert [name for name, wanted in zip(shown, names, strict=True) if not name.startswith(wanted)] == []
        assert found["totalResults"] == len(names)

    def test_an_attribute_of_nobody_is_invalid(self, idp: Idp) -> None:
        refused = idp.send("POST", "/.search", {"filter": "shoeSize pr"})
        assert (refused.status_code, read(refused)["scimType"]) == (400, "invalidFilter")

    def test_nobody_can_be_sorted_by_what_nobody_has(self, idp: Idp) -> None:
        refused = idp.send("POST", "/.search", {"sortBy": "shoeSize"})
        assert (refused.status_code, read(refused)["scimType"]) == (400, "invalidPath")

    def test_groups_have_a_search_of_their_own(self, idp: Idp) -> None:
        idp.create()
        group = read(idp.send("POST", "/Groups", {"displayName": "Sales"}))
        found = read(idp.send("POST", "/Groups/.search", {"filter": 'displayName eq "sales"'}))
        assert [each["id"] for each in found["Resources"]] == [group["id"]]


class TestOrderAtTheRoot:
    @pytest.fixture(autouse=True)
    def everybody(self, idp: Idp) -> None:
        ada = idp.create("ada@acme.example", displayName="b", title="Countess")["id"]
        makes: list[Callable[[], Any]] = [
            lambda: idp.create_group("C", ada),
            lambda: idp.create("bob@acme.example", displayName="D"),
            lambda: idp.create_group("a"),
            lambda: idp.create("eve@acme.example"),
        ]
        for make in makes:
            time.sleep(0.002)  # meta.created has milliseconds, and who has the same comes in the order of ids
            make()

    def names(self, idp: Idp, **query: Any) -> str:
        response = idp.send("POST", "/.search", query)
        assert response.status_code == 200, response.content
        return "".join(each.get("displayName", "-") for each in read(response)["Resources"])

    @pytest.mark.parametrize(
        ("sort_by", "ascending", "descending"),
        [
            ("displayName", "abCD-", "-DCba"),
            ("meta.created", "bCDa-", "-aDCb"),
            ("id", "bCDa-", "-aDCb"),
            ("title", "bCDa-", "CDa-b"),
            ("members.display", "CbDa-", "bDa-C"),
            ("meta.resourceType", "CabD-", "bD-Ca"),
        ],
    )
    def test_users_and_groups_are_in_one_order(self, idp: Idp, sort_by: str, ascending: str, descending: str) -> None:
        assert self.names(idp, sortBy=sort_by) == ascending
        assert self.names(idp, sortBy=sort_by, sortOrder="descending") == descending
        assert self.names(idp, sortBy=sort_by, startIndex=2, count=3) == ascending[1:4]

    def test_they_are_walked_forth_and_back_with_or_without_an_order(self, idp: Idp) -> None:
        for query, wanted in (({}, "bD-Ca"), ({"sortBy": "displayName"}, "abCD-"), ({"filter": "id pr"}, "bD-Ca")):
            first = read(idp.send("POST", "/.search", {"cursor": "", "count": 2, **query}))
            second = read(idp.send("POST", "/.search", {"cursor": first["nextCursor"], "count": 2, **query}))
            third = read(idp.send("POST", "/.search", {"cursor": second["nextCursor"], "count": 2, **query}))
            pages = [first, second, third]
            assert [page["totalResults"] for page in pages] == [5, 5, 5]
            assert "".join(each.get("displayName", "-") for page in pages for each in page["Resources"]) == wanted
            assert "nextCursor" not in third and "previousCursor" not in first
            back = read(idp.send("POST", "/.search", {"cursor": third["previousCursor"], "count": 2, **query}))
            assert back["Resources"] == second["Resources"]

    def test_resources_come_with_what_is_joined_into_them(self, idp: Idp) -> None:
        found = read(idp.send("POST", "/.search", {"sortBy": "displayName", "count": 3}))["Resources"]
        assert found[1]["groups"][0]["value"] == found[2]["id"]
        assert found[2]["members"][0]["value"] == found[1]["id"]
        cut = read(idp.send("POST", "/.search", {"sortBy": "displayName", "attributes": ["members.value", "title"]}))
        assert [sorted(each.keys() - {"schemas", "id"}) for each in cut["Resources"]] == [
            [], ["title"], ["members"], [], [],
        ]  # fmt: skip

    def test_a_filter_and_an_order_of_different_types_find_whom_the_filter_finds(self, idp: Idp) -> None:
        assert self.names(idp, filter="userName pr", sortBy="members.display") == "bD-"
        assert self.names(idp, filter="title pr", sortBy="displayName") == "b"

    def test_groups_that_are_off_are_not_among_them(self, idp: Idp) -> None:
        Connection.objects.update(groups_enabled=False)
        assert self.names(idp, sortBy="displayName") == "bD-"
        refused = idp.send("POST", "/.search", {"sortBy": "members"})
        assert (refused.status_code, read(refused)["scimType"]) == (400, "invalidPath")

    def test_a_cursor_of_the_root_is_good_there_only(self, idp: Idp) -> None:
        first = read(idp.send("POST", "/.search", {"cursor": "", "count": 2}))
        for path, query in (("/Users/.search", {}), ("/.search", {"sortBy": "id"}), ("/.search", {"filter": "id pr"})):
            refused = idp.send("POST", path, {"cursor": first["nextCursor"], "count": 2, **query})
            assert (refused.status_code, read(refused)["scimType"]) == (400, "invalidCursor")

    def test_nobody_elses_are_met(self, idp: Idp, anonymous: Idp) -> None:
        assert self.names(anonymous, sortBy="displayName") == self.names(anonymous, cursor="", sortBy="id") == ""


class TestGroupsInLists:
    def test_are_sorted_and_walked_like_users(self, idp: Idp) -> None:
        names = ["beta", "Alpha", "gamma"]
        for name in names:
            idp.send("POST", "/Groups", {"displayName": name})
        ordered = read(idp.get("/Groups", {"sortBy": "displayName", "sortOrder": "descending"}))
        assert [each["displayName"] for each in ordered["Resources"]] == ["gamma", "beta", "Alpha"]
        first = read(idp.get("/Groups", {"cursor": "", "count": 2}))
        second = read(idp.get("/Groups", {"cursor": first["nextCursor"], "count": 2}))
        assert [each["displayName"] for each in first["Resources"] + second["Resources"]] == names
        refused = idp.get("/Users", {"cursor": first["nextCursor"], "count": 2})
        assert read(refused)["scimType"] == "invalidCursor"

    def test_can_be_sorted_by_their_first_member_and_users_by_their_first_group(self, idp: Idp) -> None:
        ada, bob, eve = (idp.create(f"{name}@acme.example", displayName=name)["id"] for name in ("ada", "bob", "eve"))
        first, second = idp.create_group("b", bob, ada), idp.create_group("a", ada)
        idp.create_group("none")
        by_name = read(idp.get("/Groups", {"sortBy": "members.display"}))
        assert [each["displayName"] for each in by_name["Resources"]] == ["a", "b", "none"]
        by_value = read(idp.get("/Groups", {"sortBy": "members", "sortOrder": "descending"}))
        assert [each["displayName"] for each in by_value["Resources"]] == ["none", "b", "a"]
        users = read(idp.get("/Users", {"sortBy": "groups.display", "sortOrder": "descending"}))
        assert [each["id"] for each in users["Resources"]] == [eve, ada, bob]
        assert first["id"] < second["id"]
