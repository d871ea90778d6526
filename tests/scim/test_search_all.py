"""/.search at the root finds users and groups (RFC 7644 section 3.4.3); groups are listed as users are."""

import pytest

from tests.scim.conftest import Idp, read


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

    @pytest.mark.parametrize("body", [{"sortBy": "displayName"}, {"cursor": ""}])
    def test_such_a_list_has_neither_order_nor_cursor(self, idp: Idp, body: dict[str, str]) -> None:
        refused = idp.send("POST", "/.search", body)
        assert (refused.status_code, read(refused)["scimType"]) == (400, "invalidValue")

    def test_groups_have_a_search_of_their_own(self, idp: Idp) -> None:
        idp.create()
        group = read(idp.send("POST", "/Groups", {"displayName": "Sales"}))
        found = read(idp.send("POST", "/Groups/.search", {"filter": 'displayName eq "sales"'}))
        assert [each["id"] for each in found["Resources"]] == [group["id"]]


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

    @pytest.mark.parametrize(("path", "name"), [("/Groups", "members"), ("/Users", "groups.display")])
    def test_membership_sorts_nothing(self, idp: Idp, path: str, name: str) -> None:
        refused = idp.get(path, {"sortBy": name})
        assert (refused.status_code, read(refused)["scimType"]) == (400, "invalidPath")
