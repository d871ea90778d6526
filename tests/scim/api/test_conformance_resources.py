"""What RFC 7643 asks of every resource, and no test of one feature shows (RFC 7643 sections 2 to 4)."""

import base64
import re
from typing import Any
from urllib.parse import urljoin

import pytest

from scim.protocol.attributes import Attribute, Type
from scim.protocol.schemas import CORE_USER, ENTERPRISE_USER, SCHEMAS
from tests.identity_provider import Idp, read

CORE = CORE_USER.id
ENTERPRISE = ENTERPRISE_USER.id
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


class TestTables:
    """Sections 2.1 to 2.4, of every attribute that /Schemas shows."""

    @pytest.mark.clause("7643-2.1-2")
    def test_names_are_made_of_what_the_grammar_allows(self) -> None:
        names = [attribute.name for schema in SCHEMAS for attribute in every(schema.attributes)]
        assert [name for name in names if not re.fullmatch(r"\$ref|[A-Za-z][A-Za-z0-9_-]*", name)] == []

    @pytest.mark.clause("7643-2.3-1", "7643-3.3-3", "7643-3.3-4")
    def test_the_extension_has_types_of_the_rfc_and_names_of_its_own(self) -> None:
        core = {attribute.name.lower() for attribute in CORE_USER.attributes}
        extension = {attribute.name.lower() for attribute in ENTERPRISE_USER.attributes}
        assert not core & extension
        types = {"string", "boolean", "decimal", "integer", "dateTime", "binary", "reference", "complex"}
        assert {str(attribute.type) for attribute in every(ENTERPRISE_USER.attributes)} <= types
        assert ENTERPRISE.startswith("urn:ietf:params:scim:schemas:extension:")

    @pytest.mark.clause("7643-2.3.8-2")
    def test_nothing_complex_is_within_something_complex_but_in_schema_itself(self) -> None:
        nested = {
            (schema.name, sub.name)
            for schema in SCHEMAS
            for attribute in schema.attributes
            for sub in attribute.sub_attributes
            if sub.type is Type.COMPLEX
        }
        assert nested == {("Schema", "subAttributes")}

    @pytest.mark.clause("7643-2.4-1", "7643-2.4-2")
    def test_lists_hold_objects_whose_usual_parts_are_the_same_everywhere(self) -> None:
        kinds: dict[str, set[Any]] = {name: set() for name in ("type", "primary", "display", "$ref")}
        for attribute in CORE_USER.attributes:
            if attribute.multi_valued:
                assert attribute.type is Type.COMPLEX
                for sub in attribute.sub_attributes:
                    if sub.name in kinds:
                        kinds[sub.name].add((sub.type, sub.multi_valued))
        assert kinds == {
            "type": {(Type.STRING, False)},
            "primary": {(Type.BOOLEAN, False)},
            "display": {(Type.STRING, False)},
            "$ref": {(Type.REFERENCE, False)},
        }


class TestReferences:
    """Section 2.3.7."""

    @pytest.mark.clause("7643-2.3.7-2", "7643-2.3.7-3", "7643-2.3.7-4", "7643-3.1-14")
    def test_every_reference_of_the_server_leads_to_the_resource(self, idp: Idp) -> None:
        boss = idp.create("boss@acme.example")
        user = idp.create(**{ENTERPRISE: {"manager": {"value": boss["id"]}}})
        group = idp.create_group("Engineering", user["id"])
        user = read(idp.get(f"/Users/{user['id']}"))
        for reference, wanted in (
            (user[ENTERPRISE]["manager"]["$ref"], boss["id"]),
            (user["groups"][0]["$ref"], group["id"]),
            (group["members"][0]["$ref"], user["id"]),
            (user["meta"]["location"], user["id"]),
        ):
            address = urljoin(f"http://testserver{idp.base}/", reference)
            response = idp.http.get(address, headers={"authorization": f"Bearer {idp.token}"})
            assert read(response)["id"] == wanted
            assert response.headers["Content-Location"] == read(response)["meta"]["location"] == address

    @pytest.mark.clause("7643-3.1-14")
    def test_whoever_is_written_is_told_where_the_answer_is_to_be_found(self, idp: Idp) -> None:
        created = idp.send("POST", "/Users", {"userName": "ada@acme.example"})
        location = read(created)["meta"]["location"]
        path = f"/Users/{read(created)['id']}"
        replaced = idp.send("PUT", path, {"userName": "ada@acme.example", "title": "x"})
        changed = idp.send("PATCH", path, {"Operations": [{"op": "add", "path": "title", "value": "y"}]})
        group = idp.send("POST", "/Groups", {"displayName": "Engineering"})
        assert {response.headers["Content-Location"] for response in (created, replaced, changed)} == {location}
        assert group.headers["Content-Location"] == read(group)["meta"]["location"]

    @pytest.mark.clause("7643-2.4-5")
    def test_a_member_is_the_same_whatever_version_its_reference_names(self, idp: Idp) -> None:
        user = idp.create()
        here = f"http://testserver{idp.base}/Users/{user['id']}"
        body = {"displayName": "x", "members": [{"value": user["id"], "$ref": here}]}
        group = read(idp.send("POST", "/Groups", body))
        for other in (here.replace("/v2", ""), here.replace("/v2", "/v1")):
            member = {"value": user["id"], "$ref": other}
            idp.patch_group(group["id"], {"op": "add", "path": "members", "value": [member]})
            assert read(idp.get(f"/Groups/{group['id']}")) == group
        assert [member["$ref"] for member in group["members"]] == [here]


class TestValues:
    """Sections 2.3.8 to 2.5."""

    @pytest.mark.clause("7643-2.3.8-1", "7643-3-5")
    def test_the_order_of_members_and_of_schemas_makes_no_difference(self, idp: Idp) -> None:
        body: dict[str, Any] = {
            "schemas": [CORE, ENTERPRISE],
            "userName": "ada@acme.example",
            "name": {"givenName": "Ada", "familyName": "Lovelace"},
            ENTERPRISE: {"department": "R&D", "division": "X"},
        }
        user = read(idp.send("POST", "/Users", body))
        turned = dict(reversed(body.items())) | {
            "schemas": [ENTERPRISE, CORE],
            "name": dict(reversed(body["name"].items())),
        }
        assert read(idp.send("PUT", f"/Users/{user['id']}", turned)) == user

    @pytest.mark.clause("7643-2.4-4")
    def test_a_value_that_does_not_say_to_be_primary_is_not(self, idp: Idp) -> None:
        idp.create("ada@acme.example", emails=[{"value": "ada@acme.test", "type": "work"}])
        idp.create("bob@acme.example", emails=[{"value": "bob@acme.test", "type": "work", "primary": True}])
        assert idp.found("emails[primary eq false]") == ["ada@acme.example"]
        assert idp.found('emails[type eq "work" and primary eq false]') == ["ada@acme.example"]
        assert idp.found("emails.primary eq false") == ["ada@acme.example"]
        assert idp.found("emails.primary ne false") == ["bob@acme.example"]
        assert idp.found("phoneNumbers.primary eq false") == []

    @pytest.mark.clause("7643-2.4-7")
    def test_no_value_is_returned_twice_with_the_same_type(self, idp: Idp) -> None:
        number = {"value": "tel:+1-201-555-0123", "type": "work"}
        sent = [number, {**number, "type": "Work", "display": "Desk"}, {**number, "type": "home"}, number]
        wanted = [{**number, "display": "Desk"}, {**number, "type": "home"}]
        user = idp.create(phoneNumbers=sent)
        assert user["phoneNumbers"] == wanted
        replaced = idp.send("PUT", f"/Users/{user['id']}", {"userName": user["userName"], "phoneNumbers": sent})
        assert read(replaced)["phoneNumbers"] == wanted
        change = {"op": "replace", "path": 'phoneNumbers[type eq "home"].type', "value": "work"}
        assert read(idp.patch(user["id"], change))["phoneNumbers"] == wanted[:1]

    @pytest.mark.clause("7643-2.4-6", "7644-3.1-4")
    def test_types_come_back_in_their_canonical_spelling(self, idp: Idp) -> None:
        user = idp.create(phoneNumbers=[{"value": "1", "type": "WORK"}, {"value": "2", "type": "Yacht"}])
        assert [number["type"] for number in user["phoneNumbers"]] == ["work", "Yacht"]
        changed = idp.patch(user["id"], {"op": "replace", "path": 'phoneNumbers[value eq "2"].type', "value": "Mobile"})
        assert [number["type"] for number in read(changed)["phoneNumbers"]] == ["work", "mobile"]

    @pytest.mark.clause("7643-2.3.6-1", "7643-4.1.2-13", "7643-7-9")
    def test_case_exact_values_keep_their_case(self, idp: Idp) -> None:
        certificate = base64.b64encode(b"aBcDeFgH").decode()
        user = idp.create(externalId="aBc", x509Certificates=[{"value": certificate}], profileUrl="https://a.test/aB")
        read_again = read(idp.get(f"/Users/{user['id']}"))
        assert read_again["externalId"] == "aBc"
        assert read_again["x509Certificates"] == [{"value": certificate}]
        assert read_again["profileUrl"] == "https://a.test/aB"


class TestCommonAttributes:
    """Sections 3 and 3.1."""

    @pytest.mark.clause("7643-3.1-5", "7643-3.1-8")
    def test_ids_are_unique_among_users_and_groups_and_never_say_bulk_id(self, idp: Idp, anonymous: Idp) -> None:
        made = [idp.create()["id"], idp.create_group()["id"], idp.create("bob@acme.example")["id"]]
        made += [anonymous.create("eve@globex.example")["id"], anonymous.create_group()["id"]]
        assert len(set(made)) == 5
        assert all(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", each) for each in made)

    @pytest.mark.clause("7643-3.1-9")
    def test_no_external_id_is_made_up(self, idp: Idp) -> None:
        assert "externalId" not in idp.create()
        assert "externalId" not in idp.create_group()

    @pytest.mark.clause("7643-2.3.5-1", "7643-2.3.5-2", "7643-2.3.5-3", "7643-3.1-12", "7643-3.1-15")
    def test_meta_has_instants_and_a_weak_version(self, idp: Idp) -> None:
        for meta in (idp.create()["meta"], idp.create_group()["meta"]):
            assert INSTANT.fullmatch(meta["created"]) and INSTANT.fullmatch(meta["lastModified"])
            assert re.fullmatch(r'W/"[^"]+"', meta["version"])

    @pytest.mark.clause("7643-3-4", "7643-3-6")
    def test_schemas_are_listed_once_and_common_attributes_are_there_whatever_they_say(self, idp: Idp) -> None:
        body = {"schemas": [ENTERPRISE, CORE, CORE, ENTERPRISE], "userName": "ada@acme.example", "externalId": "a1"}
        user = read(idp.send("POST", "/Users", {**body, ENTERPRISE: {"department": "R&D"}}))
        assert user["schemas"] == [CORE, ENTERPRISE]
        assert {"id", "externalId", "meta"} <= user.keys()

    @pytest.mark.clause("7643-3.1-3")
    def test_an_older_schema_does_not_change_what_an_id_is(self, idp: Idp) -> None:
        old = {
            "schemas": ["urn:scim:schemas:core:1.0"],
            "userName": "ada@acme.example",
            "id": "mine",
            "externalId": "A",
        }
        user = read(idp.send("POST", "/Users", old))
        assert user["id"] != "mine"
        assert idp.found('externalId eq "a"') == []
        assert idp.found('externalId eq "A"') == ["ada@acme.example"]


class TestGroupsOfUsers:
    """Section 4.1.2."""

    @pytest.mark.clause("7643-4.1.2-10", "7643-4.1.2-12")
    def test_a_direct_membership_is_ended_at_the_group_and_nowhere_else(self, idp: Idp) -> None:
        user = idp.create()
        group = idp.create_group("Engineering", user["id"])
        shown = read(idp.get(f"/Users/{user['id']}"))
        assert [entry["type"] for entry in shown["groups"]] == ["direct"]
        assert idp.patch(user["id"], {"op": "remove", "path": "groups"}).status_code == 400
        idp.send("PUT", f"/Users/{user['id']}", {**shown, "groups": []})
        assert read(idp.get(f"/Users/{user['id']}"))["groups"] == shown["groups"]
        idp.patch_group(group["id"], {"op": "remove", "path": f'members[value eq "{user["id"]}"]'})
        assert "groups" not in read(idp.get(f"/Users/{user['id']}"))


def every(attributes: tuple[Attribute, ...]) -> list[Attribute]:
    return [each for attribute in attributes for each in (attribute, *every(attribute.sub_attributes))]
