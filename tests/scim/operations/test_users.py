"""Creating, reading, replacing, changing and deleting users (RFC 7644 sections 3.3 to 3.6)."""

from typing import Any

import pytest

from audit.models import AuditEvent
from tests.identity_provider import Idp, read
from users.models import User, UserValue

URN = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


@pytest.mark.clause(
    "7643-2.1-1",
    "7643-3-1",
    "7643-3-2",
    "7643-3.1-2",
    "7643-3.1-4",
    "7643-3.1-13",
    "7643-3.3-1",
    "7643-3.3-2",
    "7644-3.3-3",
    "7644-3.3-4",
    "7644-3.3-5",
    "7644-3.14-1",
    "7644-3.14-2",
)
def test_a_created_user_is_answered_with_201_location_and_version(idp: Idp) -> None:  # 3.3
    response = idp.send("POST", "/Users", {"userName": "ada@acme.example", "name": {"familyName": "Lovelace"}})
    user = read(response)
    assert response.status_code == 201
    assert response.headers["Location"] == user["meta"]["location"]
    assert user["meta"]["location"] == f"http://testserver{idp.base}/Users/{user['id']}"
    assert response.headers["ETag"] == user["meta"]["version"]
    assert user["schemas"] == ["urn:ietf:params:scim:schemas:core:2.0:User"]
    assert user["active"] is True
    assert user["meta"]["created"] == user["meta"]["lastModified"]


@pytest.mark.clause("7643-3.1-6", "7644-3.1-4")
def test_what_was_created_reads_back_the_same(idp: Idp) -> None:  # 3.4.1
    user = idp.create(
        emails=[{"value": "ada@acme.test", "type": "work", "primary": True}],
        title="Countess",
        **{URN: {"department": "R&D"}},
    )
    assert read(idp.get(f"/Users/{user['id']}")) == user
    assert user["schemas"] == ["urn:ietf:params:scim:schemas:core:2.0:User", URN]


def test_a_body_may_come_as_plain_json_and_with_a_charset(idp: Idp) -> None:
    for number, content_type in enumerate(["application/json", "application/scim+json; charset=utf-8"]):
        body = {"userName": f"a{number}@acme.example"}
        assert idp.send("POST", "/Users", body, content_type=content_type).status_code == 201


@pytest.mark.clause("7643-4.1.1-8", "7643-4.1.1-13", "7643-7-12", "7643-9.2-1")
def test_password_is_accepted_and_never_seen_again(idp: Idp) -> None:
    user = idp.create(password="correct horse battery staple")
    assert "password" not in user
    stored = User.objects.get(pk=user["id"])
    assert "battery" not in stored.document
    assert not stored.has_usable_password()
    assert "battery" not in str(AuditEvent.objects.order_by("-pk").first().changes)  # type: ignore[union-attr]
    assert idp.get("/Users", {"filter": 'password eq "x"'}).status_code == 400


@pytest.mark.clause("7643-4.1.1-2", "7643-4.1.1-3", "7643-7-13", "7643-7-14", "7644-3.3-6", "7644-3.12-9")
def test_a_second_user_of_the_same_name_in_any_case_is_refused(idp: Idp) -> None:  # 3.3.1
    idp.create("ada@acme.example")
    response = idp.send("POST", "/Users", {"userName": "ADA@Acme.Example"})
    assert response.status_code == 409
    assert read(response)["scimType"] == "uniqueness"
    assert "userName" in read(response)["detail"]


def test_a_primary_email_of_somebody_else_is_refused_and_named(idp: Idp) -> None:
    idp.create("ada@acme.example", emails=[{"value": "info@acme.example", "primary": True}])
    response = idp.send("POST", "/Users", {"userName": "bob@acme.example", "emails": [{"value": "INFO@acme.example"}]})
    assert response.status_code == 409
    assert "INFO@acme.example" in read(response)["detail"]


@pytest.mark.clause("7643-3.1-6", "7644-3.6-2", "7644-3.6-3", "7644-3.6-4", "7644-3.6-5")
def test_after_delete_the_user_is_gone_and_the_name_is_free_with_a_new_id(idp: Idp) -> None:  # 3.6
    user = idp.create()
    response = idp.send("DELETE", f"/Users/{user['id']}")
    assert (response.status_code, response.content) == (204, b"")
    assert "Content-Type" not in response.headers
    assert idp.get(f"/Users/{user['id']}").status_code == 404
    assert idp.send("DELETE", f"/Users/{user['id']}").status_code == 404
    assert idp.found('userName eq "ada@acme.example"') == []
    assert not UserValue.objects.filter(user_id=user["id"]).exists()
    assert idp.create()["id"] != user["id"]


@pytest.mark.clause("7644-3.12-8")
@pytest.mark.parametrize("user_id", ["1", "ffffffff-ffff-7fff-bfff-ffffffffffff", "not-an-id", "%00", "..", "a" * 500])
def test_an_unknown_id_is_404(idp: Idp, user_id: str) -> None:
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        body = {"userName": "x@acme.example", "Operations": [{"op": "replace", "path": "title", "value": "x"}]}
        response = idp.send(method, f"/Users/{user_id}", body)
        assert response.status_code == 404, (method, response.content)
        assert read(response)["status"] == "404"


def test_an_id_is_its_one_spelling(idp: Idp) -> None:
    user = idp.create()
    assert idp.get(f"/Users/{user['id'].upper()}").status_code == 404
    assert idp.get(f"/Users/{user['id'].replace('-', '')}").status_code == 404
    assert idp.found(f'id eq "{user["id"].upper()}"') == []


class TestReplace:
    """PUT (RFC 7644 section 3.5.1)."""

    @pytest.mark.clause("7644-3.5-1")
    def test_attributes_that_were_left_out_are_cleared(self, idp: Idp) -> None:
        user = idp.create(title="Countess", emails=[{"value": "ada@acme.test"}])
        replaced = read(idp.send("PUT", f"/Users/{user['id']}", {"userName": "ada@acme.example", "nickName": "Ada"}))
        assert "title" not in replaced
        assert "emails" not in replaced
        assert replaced["nickName"] == "Ada"
        assert User.objects.get(pk=user["id"]).email == "ada@acme.example"

    @pytest.mark.clause("7643-2.5-1")
    @pytest.mark.parametrize("emails", [None, []])
    def test_null_and_the_empty_list_mean_no_value(self, idp: Idp, emails: None | list[str]) -> None:
        user = idp.create(emails=[{"value": "ada@acme.test"}])
        body = {"userName": "ada@acme.example", "emails": emails}
        response = idp.send("PUT", f"/Users/{user['id']}", body)
        assert response.status_code == 200
        assert "emails" not in read(response)

    def test_role_external_id_and_active_survive_a_client_that_leaves_them_out(self, idp: Idp) -> None:
        user = idp.create(externalId="a1", active=False, roles=[{"value": "Read-only"}])
        replaced = read(idp.send("PUT", f"/Users/{user['id']}", {"userName": "ada@acme.example"}))
        assert (replaced["externalId"], replaced["active"]) == ("a1", False)
        assert replaced["roles"] == [{"value": "Read-only"}]

    def test_the_same_again_writes_nothing(self, idp: Idp) -> None:
        user = idp.create(title="Countess", externalId="a1")
        events = AuditEvent.objects.count()
        response = idp.send("PUT", f"/Users/{user['id']}", user)
        assert read(response) == user
        assert response.headers["ETag"] == user["meta"]["version"]
        assert AuditEvent.objects.count() == events

    @pytest.mark.clause("7643-3.1-7", "7643-3.1-11", "7643-4.1.2-12", "7643-7-10", "7644-3.5.1-6")
    def test_read_only_members_are_ignored(self, idp: Idp) -> None:
        user = idp.create()
        body = {**user, "id": "other", "meta": {"created": "1999-01-01T00:00:00Z"}, "groups": [{"value": "g"}]}
        replaced = read(idp.send("PUT", f"/Users/{user['id']}", body))
        assert replaced == user

    @pytest.mark.clause("7644-3.5.1-2")
    def test_user_name_may_change_within_the_domains(self, idp: Idp) -> None:
        user = idp.create()
        assert read(idp.send("PUT", f"/Users/{user['id']}", {"userName": "ada.king@acme.test"}))["id"] == user["id"]
        assert idp.found('userName eq "ada.king@acme.test"') == ["ada.king@acme.test"]
        assert idp.found('userName eq "ada@acme.example"') == []

    def test_somebody_elses_name_is_refused_and_nothing_changes(self, idp: Idp) -> None:
        idp.create("bob@acme.example")
        user = idp.create()
        response = idp.send("PUT", f"/Users/{user['id']}", {"userName": "bob@acme.example"})
        assert response.status_code == 409
        assert read(idp.get(f"/Users/{user['id']}")) == user


class TestPatch:
    """PATCH (RFC 7644 section 3.5.2)."""

    @pytest.mark.clause("7644-3.5-2", "7644-3.5.2-15")
    def test_it_answers_with_the_changed_user_and_the_next_version(self, idp: Idp) -> None:
        user = idp.create()
        response = idp.patch(user["id"], {"op": "replace", "path": "name.givenName", "value": "Ada"})
        assert response.status_code == 200
        changed = read(response)
        assert changed["name"] == {"givenName": "Ada"}
        assert changed["meta"]["version"] == response.headers["ETag"] == 'W/"2"'
        assert changed["meta"]["created"] == user["meta"]["created"]
        assert read(idp.get(f"/Users/{user['id']}")) == changed

    @pytest.mark.clause("7644-3.5.2-11", "7644-3.5.2-12", "7644-3.5.2-13")
    def test_all_operations_apply_or_none(self, idp: Idp) -> None:
        user = idp.create()
        response = idp.patch(
            user["id"],
            {"op": "replace", "path": "title", "value": "Countess"},
            {"op": "replace", "path": "userName", "value": "ada@evil.example"},
        )
        assert response.status_code == 400
        assert read(idp.get(f"/Users/{user['id']}")) == user

    def test_what_changes_nothing_writes_nothing(self, idp: Idp) -> None:
        user = idp.create(title="Countess")
        response = idp.patch(user["id"], {"op": "replace", "path": "title", "value": "Countess"})
        assert read(response) == user

    def test_active_that_was_removed_is_not_shown_and_the_user_stays_active(self, idp: Idp) -> None:
        user = idp.create()
        changed = read(idp.patch(user["id"], {"op": "remove", "path": "active"}))
        assert "active" not in changed
        assert read(idp.get(f"/Users/{user['id']}")) == changed
        assert User.objects.get(pk=user["id"]).is_active
        assert idp.found("active pr") == idp.found("active eq true") == idp.found("active eq false") == []
        assert idp.found("not (active eq true)") == idp.found("active eq null") == ["ada@acme.example"]

    @pytest.mark.parametrize("wanted", [True, False])
    def test_active_shows_again_when_it_is_set_again(self, idp: Idp, wanted: bool) -> None:
        user = idp.create(title="Countess")
        idp.patch(user["id"], {"op": "remove", "path": "active"})
        assert "active" not in read(idp.patch(user["id"], {"op": "remove", "path": "title"}))
        assert "active" not in read(idp.send("PUT", f"/Users/{user['id']}", {"userName": "ada@acme.example"}))
        changed = read(idp.patch(user["id"], {"op": "replace", "path": "active", "value": wanted}))
        assert changed["active"] is User.objects.get(pk=user["id"]).is_active is wanted
        assert idp.found(f"active eq {str(wanted).lower()}") == ["ada@acme.example"]

    @pytest.mark.parametrize(
        "operation",
        [
            {"op": "remove", "path": "active"},
            {"op": "replace", "path": "active", "value": None},
            {"op": "replace", "value": {"active": None}},
        ],
    )
    def test_removing_active_does_not_let_anybody_in(self, idp: Idp, operation: dict[str, Any]) -> None:
        user = idp.create(active=False)
        assert read(idp.patch(user["id"], operation)) == user
        assert not User.objects.get(pk=user["id"]).is_active
        assert idp.log()[-1].notices == [
            "'active' stays false: removing it does not let a suspended user in again; send true for that."
        ]

    @pytest.mark.parametrize(
        "operation", [{"op": "remove", "path": "roles"}, {"op": "remove", "path": 'roles[value eq "Read-only"]'}]
    )
    def test_roles_that_were_removed_are_not_shown_and_the_role_stays(
        self, idp: Idp, operation: dict[str, Any]
    ) -> None:
        user = idp.create(roles=[{"value": "Read-only"}])
        assert "roles" not in read(idp.patch(user["id"], operation))
        kept = [
            idp.patch(user["id"], {"op": "replace", "path": "title", "value": "Countess"}),
            idp.patch(user["id"], {"op": "add", "path": "roles", "value": [{"value": "No such role"}]}),
            idp.send("PUT", f"/Users/{user['id']}", {"userName": "ada@acme.example"}),
            idp.get(f"/Users/{user['id']}"),
        ]
        assert not any("roles" in read(response) for response in kept)
        found = User.objects.select_related("role").get(pk=user["id"])
        assert found.role and found.role.name == "Read-only"
        assert idp.found("roles pr") == []

    def test_roles_show_again_when_a_role_is_given_again(self, idp: Idp) -> None:
        user = idp.create(roles=[{"value": "Read-only"}])
        idp.patch(user["id"], {"op": "remove", "path": "roles"})
        changed = read(idp.patch(user["id"], {"op": "add", "path": "roles", "value": [{"value": "HR"}]}))
        assert changed["roles"] == [{"value": "HR"}]
        found = User.objects.select_related("role").get(pk=user["id"])
        assert found.role and found.role.name == "HR"

    @pytest.mark.parametrize("operation", [{"op": "add", "path": "roles", "value": []}, {"op": "add", "value": {}}])
    def test_to_add_nothing_removes_nothing(self, idp: Idp, operation: dict[str, Any]) -> None:
        user = idp.create()
        assert read(idp.patch(user["id"], operation)) == user

    def test_emails_that_were_changed_are_found_by_their_new_value_only(self, idp: Idp) -> None:
        user = idp.create(emails=[{"value": "ada@acme.test", "type": "work"}])
        idp.patch(user["id"], {"op": "replace", "path": 'emails[type eq "work"].value', "value": "countess@acme.test"})
        assert idp.found('emails[type eq "work" and value eq "countess@acme.test"]') == ["ada@acme.example"]
        assert idp.found('emails eq "ada@acme.test"') == []

    @pytest.mark.clause("7643-7-10", "7644-3.5.2-4", "7644-3.5.2-5", "7644-3.5.2-6", "7644-3.5.2-7", "7644-3.5.2-14")
    @pytest.mark.parametrize(
        ("operation", "scim_type"),
        [
            ({"op": "replace", "path": "nonsense", "value": 1}, "invalidPath"),
            ({"op": "replace", "path": "id", "value": "x"}, "mutability"),
            ({"op": "replace", "path": "meta.version", "value": "x"}, "mutability"),
            ({"op": "remove", "path": "userName"}, "mutability"),
            ({"op": "remove"}, "noTarget"),
            ({"op": "replace", "path": 'emails[type eq "home"].value', "value": 5}, "invalidValue"),
            ({"op": "dance", "path": "title", "value": "x"}, "invalidSyntax"),
        ],
    )
    def test_what_cannot_be_done_says_why(self, idp: Idp, operation: dict[str, object], scim_type: str) -> None:
        user = idp.create()
        response = idp.patch(user["id"], operation)
        assert response.status_code == 400
        assert read(response)["scimType"] == scim_type
        assert read(idp.get(f"/Users/{user['id']}")) == user


class TestVersions:
    """ETags (RFC 7644 section 3.14)."""

    def test_reading_again_what_one_has_is_304(self, idp: Idp) -> None:
        user = idp.create()
        response = idp.get(f"/Users/{user['id']}", if_none_match=user["meta"]["version"])
        assert (response.status_code, response.content) == (304, b"")
        assert response.headers["ETag"] == user["meta"]["version"]
        assert idp.get(f"/Users/{user['id']}", if_none_match='W/"99", "7"').status_code == 200

    @pytest.mark.clause("7644-3.12-10")
    @pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
    def test_a_write_on_a_version_that_has_passed_is_412(self, idp: Idp, method: str) -> None:
        user = idp.create()
        changed = read(idp.patch(user["id"], {"op": "replace", "path": "title", "value": "Countess"}))
        body = {"userName": "ada@acme.example", "Operations": [{"op": "replace", "path": "title", "value": "x"}]}
        response = idp.send(method, f"/Users/{user['id']}", body, if_match=user["meta"]["version"])
        assert response.status_code == 412
        assert read(idp.get(f"/Users/{user['id']}")) == changed
        accepted = idp.send(method, f"/Users/{user['id']}", body, if_match=changed["meta"]["version"])
        assert accepted.status_code in (200, 204)

    def test_any_version_will_do_for_a_star(self, idp: Idp) -> None:
        user = idp.create()
        assert idp.send("DELETE", f"/Users/{user['id']}", if_match="*").status_code == 204

    @pytest.mark.parametrize("text", ["1", "W/1", "'1'", ""])
    def test_a_header_that_is_no_etag_matches_nothing_and_is_told_what_would(self, idp: Idp, text: str) -> None:
        user = idp.create()
        response = idp.send("DELETE", f"/Users/{user['id']}", if_match=text)
        assert response.status_code == 412
        assert 'no ETag. That of the resource is W/"1"' in read(response)["detail"]


class TestProjection:
    """attributes and excludedAttributes (RFC 7644 section 3.9)."""

    @pytest.mark.clause("7644-3.4.2.5-1", "7644-3.4.2.5-2", "7644-3.5.2-16", "7644-3.9-1", "7644-3.9-2")
    def test_on_every_verb_that_answers_with_a_user(self, idp: Idp) -> None:
        user = idp.create(title="Countess")
        expected = {"schemas", "id", "title"}
        path = f"/Users/{user['id']}?attributes=title"
        assert read(idp.get(f"/Users/{user['id']}", {"attributes": "title"})).keys() == expected
        operation = {"op": "replace", "path": "nickName", "value": "Ada"}
        assert read(idp.send("PATCH", path, {"Operations": [operation]})).keys() == expected
        assert read(idp.send("PUT", path, {**user, "nickName": "x"})).keys() == expected
        body = {"userName": "bob@acme.example", "title": "x"}
        assert read(idp.send("POST", "/Users?attributes=title", body)).keys() == expected

    @pytest.mark.clause("7644-3.4.2.5-1", "7644-3.4.2.5-2")
    def test_on_lists(self, idp: Idp) -> None:
        idp.create(name={"givenName": "Ada", "familyName": "Lovelace"})
        (user,) = read(idp.get("/Users", {"attributes": "name.givenName"}))["Resources"]
        assert user["name"] == {"givenName": "Ada"}
        (user,) = read(idp.get("/Users", {"excludedAttributes": "name,meta"}))["Resources"]
        assert "name" not in user
        assert "meta" not in user
        assert user["userName"] == "ada@acme.example"

    def test_both_at_once_are_refused(self, idp: Idp) -> None:
        user = idp.create()
        query = {"attributes": "title", "excludedAttributes": "name"}
        assert idp.get("/Users", query).status_code == 400
        assert idp.get(f"/Users/{user['id']}", query).status_code == 400


@pytest.mark.clause("7643-3.3-5", "7643-4.1.1-6", "7643-4.3-1", "7643-4.3-2")
def test_a_manager_who_is_a_colleague_is_shown_with_name_and_address(idp: Idp) -> None:
    boss = idp.create("boss@acme.example", displayName="The Boss")
    user = idp.create(**{URN: {"manager": {"value": boss["id"]}}})
    assert user[URN]["manager"] == {"value": boss["id"], "$ref": f"Users/{boss['id']}", "displayName": "The Boss"}
    changed = idp.patch(user["id"], {"op": "add", "path": f"{URN}:manager", "value": "12345"})
    assert read(changed)[URN]["manager"] == {"value": "12345"}


@pytest.mark.clause("7644-2-5")
def test_audit_names_the_token_and_the_request(idp: Idp) -> None:
    response = idp.send("POST", "/Users", {"userName": "ada@acme.example"})
    event = AuditEvent.objects.order_by("-pk")[0]
    assert event.actor_label.startswith("SCIM token 'Token 1' (smgr_")
    assert event.request_id == response.headers["X-Request-Id"]
    assert event.channel == "scim"
