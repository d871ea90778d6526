"""What RFC 7644 asks of every exchange, and no test of one feature shows (RFC 7644 sections 1 to 8)."""

import gzip
import json
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from core.actors import operator_at_the_command_line
from provisioning.models import Connection, Token
from provisioning.services.connections import connections
from scim.operations.provider import MAX_BODY
from tests.identity_provider import Idp, read

MESSAGES = "urn:ietf:params:scim:api:messages:2.0:"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
ADA = "ada@acme.example"


class TestDiscovery:
    """Section 4, and sections 5 and 6 of RFC 7643."""

    # fmt: off
    @pytest.mark.clause(
        "7643-2.3.4-1", "7643-5-1", "7643-5-2", "7643-5-3", "7643-5-4", "7643-5-5", "7643-5-6", "7643-5-7", "7643-5-8",
        "7643-5-9", "7643-5-10", "7643-5-11", "7643-5-12", "7643-5-13", "7643-5-14", "7643-5-15",
    )
    # fmt: on
    def test_the_configuration_tells_of_every_feature_and_its_limits(self, idp: Idp) -> None:
        config = read(idp.get("/ServiceProviderConfig"))
        for feature in ("patch", "bulk", "filter", "changePassword", "sort", "etag"):
            assert type(config[feature]["supported"]) is bool, feature
        for feature, limit in (("bulk", "maxOperations"), ("bulk", "maxPayloadSize"), ("filter", "maxResults")):
            assert type(config[feature][limit]) is int, limit

    @pytest.mark.clause("7643-5-16", "7643-5-18", "7643-5-19", "7643-5-20", "7643-1.1-1")
    def test_every_authentication_scheme_has_type_name_and_description(self, idp: Idp) -> None:
        schemes = read(idp.get("/ServiceProviderConfig"))["authenticationSchemes"]
        assert [scheme["type"] for scheme in schemes] == ["oauthbearertoken"]
        assert all(scheme["name"] and scheme["description"] for scheme in schemes)

    @pytest.mark.clause("7643-6-1", "7643-6-2", "7643-6-3", "7643-6-4", "7643-6-5", "7643-6-7", "7643-6-9", "7643-6-11")
    @pytest.mark.clause("7644-4-3")
    def test_every_resource_type_has_all_that_one_has(self, idp: Idp) -> None:
        listed = read(idp.get("/ResourceTypes"))
        assert listed["schemas"] == [f"{MESSAGES}ListResponse"]
        for kind in listed["Resources"]:
            assert kind["schemas"] == ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"]
            assert kind["name"] and kind["description"] and kind["schema"]
            assert kind["endpoint"] == f"/{kind['name']}s"
            assert all(each["schema"] and each["required"] is False for each in kind["schemaExtensions"])

    @pytest.mark.clause("7644-4-5")
    @pytest.mark.parametrize("path", ["/ResourceTypes/User", "/Schemas/urn:ietf:params:scim:schemas:core:2.0:User"])
    @pytest.mark.parametrize("condition", ['name eq "User"', "", "("])
    def test_one_alone_is_not_filtered_either(self, idp: Idp, path: str, condition: str) -> None:
        response = idp.get(path, {"filter": condition})
        assert response.status_code == 403
        assert "Filters don't apply" in read(response)["detail"]

    @pytest.mark.clause("7644-3.1-1", "7644-3.1-2")
    def test_messages_have_schemas_that_no_list_shows(self, idp: Idp) -> None:
        shown = [schema["id"] for schema in read(idp.get("/Schemas"))["Resources"]]
        for message in ("ListResponse", "Error", "PatchOp", "SearchRequest", "BulkRequest", "BulkResponse"):
            assert idp.get(f"/Schemas/{MESSAGES}{message}").status_code == 404
        assert not [urn for urn in shown if urn.startswith("urn:ietf:params:scim:api:")]
        assert read(idp.get("/Users"))["schemas"] == [f"{MESSAGES}ListResponse"]
        assert read(idp.get("/Nope"))["schemas"] == [f"{MESSAGES}Error"]


class TestAddresses:
    """Sections 1.2, 1.3, 3.3.1 and 3.13."""

    @pytest.mark.clause("7644-1.2-1", "7644-1.3-1", "7644-3.3.1-1")
    def test_addresses_are_percent_encoded_have_no_query_and_lead_to_their_type(self, idp: Idp) -> None:
        user, group = idp.create(), idp.create_group()
        discovered = read(idp.get("/Schemas"))["Resources"] + read(idp.get("/ResourceTypes"))["Resources"]
        for resource in (user, group, *discovered):
            location = resource["meta"]["location"]
            assert urlsplit(location).query == urlsplit(location).fragment == ""
            assert quote(location, safe=":/") == location
        assert (user["meta"]["resourceType"], group["meta"]["resourceType"]) == ("User", "Group")

    @pytest.mark.clause("7644-3.13-3")
    def test_without_a_version_the_latest_one_is_meant(self, idp: Idp) -> None:
        authorization = {"authorization": f"Bearer {idp.token}"}
        body = json.dumps({"userName": ADA})
        made = read(idp.http.generic("POST", "/scim/acme/Users", body, "application/json", headers=authorization))
        assert made["meta"]["location"] == f"http://testserver{idp.base}/Users/{made['id']}"
        for path in ("/Users", f"/Users/{made['id']}", "/ServiceProviderConfig", "/Schemas", "/Nope"):
            without = idp.http.get(f"/scim/acme{path}", headers=authorization)
            assert without.status_code == idp.get(path).status_code
            if without.status_code == 200:
                assert without.content == idp.get(path).content

    @pytest.mark.clause("7644-3.13-2")
    @pytest.mark.parametrize("version", ["v1", "v3", "v2.1", "V2"])
    def test_another_version_of_the_protocol_is_refused(self, idp: Idp, version: str) -> None:
        path = f"/scim/acme/{version}/Users"
        for method in ("GET", "POST"):
            response = idp.http.generic(
                method,
                path,
                json.dumps({"userName": ADA}),
                "application/json",
                headers={"authorization": f"Bearer {idp.token}"},
            )
            assert response.status_code == 404
        assert idp.users() == []


class TestVerbs:
    """Section 3.2; RFC 9110 section 15.5.6."""

    VERBS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY")
    COLLECTION = ("GET", "HEAD", "POST")
    RESOURCE = ("GET", "HEAD", "PUT", "PATCH", "DELETE")
    DOCUMENT = ("GET", "HEAD")

    @pytest.mark.parametrize(
        ("path", "allowed"),
        [
            ("/Users", COLLECTION),
            ("/Users/{}", RESOURCE),
            ("/Groups", COLLECTION),
            ("/Groups/{}", RESOURCE),
            ("/ServiceProviderConfig", DOCUMENT),
            ("/ResourceTypes", DOCUMENT),
            ("/ResourceTypes/User", DOCUMENT),
            ("/Schemas", DOCUMENT),
            ("/Schemas/urn:ietf:params:scim:schemas:core:2.0:User", DOCUMENT),
            ("/.search", ("POST",)),
            ("/Users/.search", ("POST",)),
            ("/Groups/.search", ("POST",)),
        ],
    )
    def test_every_endpoint_says_which_verbs_apply(self, idp: Idp, path: str, allowed: tuple[str, ...]) -> None:
        path = path.format("0190163d-8694-739b-aea5-966c26f8ad91")
        for verb in self.VERBS:
            response = idp.send(verb, path, {})
            assert (response.status_code == 405) is (verb not in allowed), verb
            if verb not in allowed:
                assert response.headers["Allow"] == ", ".join(allowed)
                assert verb == "HEAD" or verb in read(response)["detail"]


class TestWriting:
    """Sections 3.2, 3.3, 3.5 and 3.6."""

    @pytest.mark.clause("7644-3.3-1", "7644-3.3-2", "7643-3.1-7", "7643-3.1-11", "7643-7-10")
    def test_what_only_the_server_sets_is_ignored_on_create(self, idp: Idp) -> None:
        mine = {"id": "mine", "meta": {"created": "1999-01-01T00:00:00Z", "version": "9"}, "groups": [{"value": "g"}]}
        manager = {ENTERPRISE: {"manager": {"value": "7", "displayName": "Me"}}}
        user = read(idp.send("POST", "/Users", {"userName": ADA, "title": "x", **mine, **manager}))
        assert user["id"] != "mine"
        assert not user["meta"]["created"].startswith("1999")
        assert user["meta"]["version"] == 'W/"1"'
        assert "groups" not in user
        assert (user["title"], user[ENTERPRISE]["manager"]) == ("x", {"value": "7"})

    @pytest.mark.clause("7644-3.2-3", "7644-3.5.1-1")
    @pytest.mark.parametrize("path", ["/Users/{}", "/Groups/{}"])
    def test_put_makes_nothing(self, idp: Idp, path: str) -> None:
        wanted = path.format("0190163d-8694-739b-aea5-966c26f8ad91")
        assert idp.send("PUT", wanted, {"userName": ADA, "displayName": "x"}).status_code == 404
        assert read(idp.send("POST", "/.search", {"schemas": [f"{MESSAGES}SearchRequest"]}))["totalResults"] == 0

    @pytest.mark.clause("7644-3.6-1")
    def test_whatever_is_asked_of_what_was_deleted_is_404(self, idp: Idp) -> None:
        for path, body in (
            (f"/Users/{idp.create()['id']}", {"userName": ADA}),
            (f"/Groups/{idp.create_group()['id']}", {"displayName": "x"}),
        ):
            assert idp.send("DELETE", path).status_code == 204
            change = {
                "schemas": [f"{MESSAGES}PatchOp"],
                "Operations": [{"op": "add", "path": "externalId", "value": "x"}],
            }
            for method, sent in (("GET", None), ("HEAD", None), ("PUT", body), ("PATCH", change), ("DELETE", None)):
                assert idp.send(method, path, sent).status_code == 404, method

    @pytest.mark.clause("7644-3.5.2.1-3", "7644-3.5.2.1-4", "7644-3.5.2.1-5")
    def test_adding_what_is_there_succeeds_and_moves_no_time(self, idp: Idp) -> None:
        user = idp.create(title="Countess", emails=[{"value": "ada@acme.test", "type": "work"}])
        response = idp.patch(
            user["id"],
            {"op": "add", "path": "title", "value": "Countess"},
            {"op": "add", "path": "emails", "value": [{"value": "ada@acme.test", "type": "work"}]},
        )
        assert response.status_code == 200
        assert read(response) == user

    @pytest.mark.clause("7644-3.5.2-8", "7644-3.5.2-9")
    def test_operations_find_the_extension_that_earlier_ones_brought_or_took(self, idp: Idp) -> None:
        user = idp.create()
        department = {"op": "add", "path": f"{ENTERPRISE}:department", "value": "R&D"}
        after = read(idp.patch(user["id"], department, {**department, "op": "replace", "value": "Tours"}))
        assert after["schemas"] == [*user["schemas"], ENTERPRISE]
        assert after[ENTERPRISE] == {"department": "Tours"}
        gone = read(idp.patch(user["id"], {"op": "remove", "path": ENTERPRISE}, {**department, "path": "title"}))
        assert (gone["schemas"], gone["title"]) == (user["schemas"], "R&D")

    @pytest.mark.clause("7644-3.5.2.2-6")
    @pytest.mark.parametrize(
        ("path", "name"),
        [
            ("/Users", "userName"),
            ("/Users", "id"),
            ("/Users", "meta"),
            ("/Users", "groups"),
            ("/Groups", "displayName"),
        ],
    )
    def test_what_is_required_or_read_only_is_not_removed(self, idp: Idp, path: str, name: str) -> None:
        made = idp.create() if path == "/Users" else idp.create_group()
        change = {"schemas": [f"{MESSAGES}PatchOp"], "Operations": [{"op": "remove", "path": name}]}
        response = idp.send("PATCH", f"{path}/{made['id']}", change)
        assert (response.status_code, read(response)["scimType"]) == (400, "mutability")
        assert read(idp.get(f"{path}/{made['id']}")) == made


class TestQueries:
    """Sections 3.4.2 and 3.4.3."""

    @pytest.mark.clause("7644-3.4.2-1")
    def test_parameters_that_nobody_knows_are_ignored(self, idp: Idp) -> None:
        user = idp.create()
        known = {"count": 5, "sortBy": "id"}
        assert read(idp.get("/Users", {**known, "shoeSize": "43", "Filter": "(", "x[]": ""})) == read(
            idp.get("/Users", known)
        )
        assert read(idp.get(f"/Users/{user['id']}", {"count": "x", "shoeSize": "43"})) == user

    @pytest.mark.clause("7644-3.4.2.2-4", "7644-3.4.2.2-5", "7644-3.4.2.2-6", "7644-3.4.2.2-7")
    @pytest.mark.parametrize("operator", ["gt", "ge", "lt", "le"])
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("active", "true"),
            ("emails.primary", "false"),
            ("x509Certificates.value", '"AA=="'),
            ("x509Certificates", '"A"'),
        ],
    )
    def test_booleans_and_binaries_have_no_order(self, idp: Idp, operator: str, name: str, value: str) -> None:
        response = idp.get("/Users", {"filter": f"{name} {operator} {value}"})
        assert (response.status_code, read(response)["scimType"]) == (400, "invalidFilter")
        assert operator in read(response)["detail"]

    @pytest.mark.clause("7644-3.4.2.2-13")
    def test_a_default_is_found_by_the_value_that_was_answered(self, idp: Idp) -> None:
        user = idp.create()
        assert idp.found(f"active eq {json.dumps(user['active'])}") == [ADA]
        assert idp.found(f'roles.value eq "{user["roles"][0]["value"]}"') == [ADA]
        assert idp.found("active pr and roles pr") == [ADA]

    @pytest.mark.clause("7644-3.4.3-8", "7644-3.4.3-7")
    def test_a_search_is_sorted_by_a_name_in_standard_notation(self, idp: Idp) -> None:
        for name, family in (("b@acme.example", "Alpha"), ("a@acme.example", "Beta")):
            idp.create(name, name={"familyName": family})
        for sort_by, wanted in (
            ("urn:ietf:params:scim:schemas:core:2.0:User:userName", ["a@acme.example", "b@acme.example"]),
            ("name.familyName", ["b@acme.example", "a@acme.example"]),
        ):
            found = read(
                idp.send("POST", "/Users/.search", {"schemas": [f"{MESSAGES}SearchRequest"], "sortBy": sort_by})
            )
            assert [user["userName"] for user in found["Resources"]] == wanted
        refused = idp.send("POST", "/Users/.search", {"schemas": [f"{MESSAGES}SearchRequest"], "sortBy": "/userName"})
        assert (refused.status_code, read(refused)["scimType"]) == (400, "invalidPath")

    @pytest.mark.clause("7644-3.4.3-4", "7644-3.4.2.5-4", "7644-3.9-3")
    def test_what_is_always_returned_can_not_be_left_out(self, idp: Idp) -> None:
        idp.create()
        without = {"schemas": [f"{MESSAGES}SearchRequest"], "excludedAttributes": ["id", "schemas", "userName"]}
        for response in (
            idp.send("POST", "/Users/.search", without),
            idp.get("/Users", {"excludedAttributes": "id,schemas,userName"}),
        ):
            (user,) = read(response)["Resources"]
            assert {"id", "schemas"} <= user.keys()
            assert "userName" not in user


class TestContent:
    """Sections 3.8, 3.12, 5 and 7.8; RFC 9110 section 8."""

    @pytest.mark.clause("7644-3.8-1", "7644-3.8-2")
    @pytest.mark.parametrize(
        "content_type",
        [
            "application/scim+json",
            "application/json",
            "application/scim+json; charset=utf-8",
            'application/json;charset="UTF-8"',
            "Application/SCIM+JSON ; Charset = utf8",
        ],
    )
    def test_bodies_are_utf_8_whether_they_say_so_or_not(self, idp: Idp, content_type: str) -> None:
        name = "Ádá Łovelace 🎓 علي"
        body = json.dumps({"userName": ADA, "displayName": name}, ensure_ascii=False).encode()
        for sent, encoding in ((body, "identity"), (gzip.compress(body), "gzip")):
            response = idp.send("POST", "/Users", sent, content_type=content_type, content_encoding=encoding)
            assert json.loads(response.content.decode("utf-8"))["displayName"] == name
            assert idp.found(f'displayName eq "{name.upper()}"') == [ADA]
            assert idp.send("DELETE", f"/Users/{read(response)['id']}").status_code == 204

    @pytest.mark.parametrize("charset", ["iso-8859-1", "utf-16", "windows-1252"])
    def test_another_encoding_is_415_and_not_misread(self, idp: Idp, charset: str) -> None:
        body = json.dumps({"userName": ADA, "displayName": "Ádá"}, ensure_ascii=False).encode(charset)
        response = idp.send("POST", "/Users", body, content_type=f"application/scim+json; charset={charset}")
        assert response.status_code == 415
        assert charset in read(response)["detail"] and "UTF-8" in read(response)["detail"]
        assert idp.users() == []

    @pytest.mark.clause("7644-3.12-11")
    def test_a_body_that_is_too_large_is_told_the_limit(self, idp: Idp) -> None:
        response = idp.send("POST", "/Users", b" " * (MAX_BODY + 1))
        assert response.status_code == 413
        assert f"{MAX_BODY:,} bytes" in read(response)["detail"]

    @pytest.mark.clause("7644-5-1", "7644-7.8-1")
    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("ada@acme.example", "ADA@acme.example"),
            ("ada@acme.example", "ada@ａｃｍｅ.example"),
            ("a\u0308da@acme.example", "\u00e4da@acme.example"),
            ("\u212bda@acme.example", "\u00c5da@acme.example"),
        ],
        ids=["case", "width", "composition", "compatibility"],
    )
    def test_user_names_are_prepared_before_they_are_compared(self, idp: Idp, one: str, other: str) -> None:
        idp.create(one)
        again = idp.send("POST", "/Users", {"userName": other})
        assert (again.status_code, read(again)["scimType"]) == (409, "uniqueness")
        assert idp.found(f'userName eq "{other}"') == [one]


class TestCursorsAndRights:
    """RFC 9865 section 5.2."""

    @pytest.mark.clause("9865-5.2-2")
    def test_a_walk_ends_with_the_token(self, idp: Idp) -> None:
        cursor = self.begun(idp, "/Users")
        token = Token.objects.of(idp.organization.pk).get()
        connections.revoke_token(token.pk, by=operator_at_the_command_line(idp.organization.pk))
        assert idp.get("/Users", {"cursor": cursor, "count": 1}).status_code == 401

    @pytest.mark.clause("9865-5.2-2", "9865-5.2-3")
    def test_a_walk_through_groups_ends_when_they_are_turned_off(self, idp: Idp) -> None:
        cursor = self.begun(idp, "/Groups")
        Connection.objects.update(groups_enabled=False)
        assert idp.get("/Groups", {"cursor": cursor, "count": 1}).status_code == 404

    def begun(self, idp: Idp, path: str) -> Any:
        for number in range(2):
            idp.create(f"u{number}@acme.example")
            idp.create_group(f"Group {number}")
        return read(idp.get(path, {"cursor": "", "count": 1}))["nextCursor"]
