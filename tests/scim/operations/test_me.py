"""/Me is the person whose personal token it is (RFC 7644 section 3.11)."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from audit.models import AuditEvent
from core.actors import Channel, operator_at_the_command_line
from organizations.models import Organization
from provisioning.models import Connection
from scim.operations import me as operations
from scim.operations.me import OWN
from scim.protocol.schemas import CORE_USER, ENTERPRISE_USER, USER
from scim.storage.credentials import Credentials, TokenUser
from tests.identity_provider import Idp, read
from tests.scim.storage.test_statements import at_most
from users.models import PersonalToken, Role, Source, User
from users.services import accounts, personal_tokens
from users.services.personal_tokens import TokenScope

BOTH = (TokenScope.READ_ME, TokenScope.WRITE_ME)
ENTERPRISE = ENTERPRISE_USER.id
PASSWORD_ATTEMPTS: list[tuple[str, dict[str, Any]]] = [
    ("PUT", {"userName": "ada@acme.example", "password": "t1meMa$heen"}),
    ("PUT", {"userName": "ada@acme.example", f"{CORE_USER.id}:password": "t1meMa$heen"}),
    ("PATCH", {"Operations": [{"op": "replace", "path": "password", "value": "t1meMa$heen"}]}),
    ("PATCH", {"Operations": [{"op": "add", "value": {"password": "t1meMa$heen"}}]}),
]


def me_of(idp: Idp, user: User, *scopes: TokenScope) -> Idp:
    """The person's own program."""
    by = operator_at_the_command_line(user.organization_id or idp.organization.pk)
    _, text = personal_tokens.make(user.pk, "Laptop", scopes or BOTH, by=by)
    return Idp(idp.organization, text)


def change(*operations: dict[str, Any]) -> dict[str, Any]:
    return {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": list(operations)}


@pytest.fixture
def ada(idp: Idp) -> User:
    boss = idp.create("boss@acme.example")
    made = idp.create(
        "ada@acme.example",
        externalId="a1",
        title="Countess",
        emails=[{"value": "ada@acme.test", "type": "work", "primary": True}],
        name={"givenName": "Ada", "familyName": "Lovelace"},
        roles=[{"value": "HR"}],
        **{ENTERPRISE: {"department": "Engines", "manager": {"value": boss["id"]}}},
    )
    return User.objects.get(pk=made["id"])


@pytest.fixture
def me(idp: Idp, ada: User) -> Idp:
    return me_of(idp, ada)


class TestReading:
    @pytest.mark.clause("7644-3.11-2")
    def test_it_is_the_users_resource_with_its_permanent_address(self, idp: Idp, me: Idp, ada: User) -> None:
        idp.create_group("Engineering", str(ada.pk))
        there, here = idp.get(f"/Users/{ada.pk}"), me.get("/Me")
        assert here.status_code == 200
        assert here.content == there.content
        for header in ("ETag", "Location"):
            assert here.headers[header] == there.headers[header]
        assert read(here)["meta"]["location"] == here.headers["Location"]
        assert read(here)["groups"][0]["display"] == "Engineering"

    def test_it_costs_one_statement(self, me: Idp) -> None:
        with at_most(1):
            assert me.get("/Me").status_code == 200

    def test_head_is_get_without_the_body(self, me: Idp) -> None:
        head, get = me.send("HEAD", "/Me"), me.get("/Me")
        assert head.status_code == 200 and head.content == b""
        assert head.headers["Content-Length"] == get.headers["Content-Length"]
        assert head.headers["ETag"] == get.headers["ETag"]

    def test_what_is_known_is_not_sent_again(self, me: Idp) -> None:
        tag = me.get("/Me").headers["ETag"]
        response = me.get("/Me", if_none_match=tag)
        assert (response.status_code, response.content) == (304, b"")
        assert me.get("/Me", if_none_match='W/"99"').status_code == 200

    def test_attributes_can_be_chosen(self, me: Idp) -> None:
        shown = read(me.get("/Me", {"attributes": "userName"}))
        assert shown.keys() == {"schemas", "id", "userName"}
        assert "emails" not in read(me.get("/Me", {"excludedAttributes": "emails"}))

    def test_people_made_by_hand_have_it_too(self, idp: Idp) -> None:
        by = operator_at_the_command_line(idp.organization.pk)
        role = Role.objects.of(idp.organization.pk).get(is_default=True)
        eve = accounts.create(accounts.NewUser({"userName": "eve@acme.example"}, role, Source.MANUAL), by=by)
        me = me_of(idp, eve)
        assert read(me.get("/Me"))["userName"] == "eve@acme.example"
        response = me.send("PATCH", "/Me", change({"op": "add", "path": "displayName", "value": "Eve"}))
        assert read(response)["displayName"] == "Eve"
        eve.refresh_from_db()
        assert eve.source == Source.MANUAL

    def test_it_does_not_depend_on_the_identity_provider(self, idp: Idp, me: Idp) -> None:
        Connection.objects.update(enabled=False)
        assert idp.get("/Users").status_code == 401
        assert me.get("/Me").status_code == 200


class TestWriting:
    @pytest.mark.clause("7644-3.11-2")
    def test_a_person_changes_what_is_theirs_by_patch(self, idp: Idp, me: Idp, ada: User) -> None:
        response = me.send(
            "PATCH",
            "/Me",
            change(
                {"op": "replace", "path": "displayName", "value": "Countess Ada"},
                {"op": "add", "path": "phoneNumbers", "value": [{"value": "tel:+1-555-555-0100", "type": "mobile"}]},
                {"op": "replace", "path": "name.familyName", "value": "King"},
            ),
        )
        assert response.status_code == 200
        assert response.headers["Location"].endswith(f"/Users/{ada.pk}")
        assert response.headers["ETag"] == 'W/"2"'
        assert read(response) == read(idp.get(f"/Users/{ada.pk}"))
        assert read(response)["name"] == {"givenName": "Ada", "familyName": "King"}

    def test_what_was_read_can_be_put_back_with_changes_to_what_is_theirs(self, idp: Idp, me: Idp, ada: User) -> None:
        idp.create_group("Engineering", str(ada.pk))
        before = read(me.get("/Me"))
        assert me.send("PUT", "/Me", before).headers["ETag"] == 'W/"1"'
        after = read(me.send("PUT", "/Me", {**before, "nickName": "Ada", "name": {"givenName": "Augusta"}}))
        assert after["nickName"] == "Ada" and after["name"] == {"givenName": "Augusta"}
        for name in ("userName", "externalId", "title", "emails", "roles", "groups", ENTERPRISE):
            assert after[name] == before[name]

    def test_a_put_takes_away_what_is_theirs_and_leaves_the_rest(self, me: Idp) -> None:
        before = read(me.get("/Me"))
        after = read(me.send("PUT", "/Me", {"schemas": [CORE_USER.id], "userName": "ada@acme.example"}))
        assert before.keys() - after.keys() == {"name"}

    @pytest.mark.clause("7644-2-6", "7644-3.12-7", "7644-7.7-3")
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("userName", "eve@acme.example"),
            ("emails", [{"value": "ada@acme.example", "type": "work", "primary": True}]),
            ("externalId", "a2"),
            ("active", False),
            ("roles", [{"value": "Admin"}]),
            ("title", "Queen"),
            ("userType", "Employee"),
            ("entitlements", [{"value": "everything"}]),
            ("x509Certificates", [{"value": "aGVsbG8="}]),
            (ENTERPRISE, {"employeeNumber": "7"}),
            (ENTERPRISE, {"manager": {"value": "somebody-else"}}),
        ],
    )
    @pytest.mark.parametrize("method", ["PUT", "PATCH"])
    def test_what_others_decide_is_refused(self, me: Idp, ada: User, method: str, name: str, value: Any) -> None:
        before = read(me.get("/Me"))
        body = {**before, name: value} if method == "PUT" else change({"op": "replace", "value": {name: value}})
        response = me.send(method, "/Me", body)
        assert response.status_code == 403
        assert read(response)["detail"].startswith(f"'{name}' is not yours to change. Ask an Admin")
        assert read(me.get("/Me")) == before
        assert not AuditEvent.objects.filter(actor_id=ada.pk).exists()

    @pytest.mark.parametrize("path", ["title", "externalId", "emails", f"{ENTERPRISE}:department", ENTERPRISE])
    def test_nor_can_they_take_it_away(self, me: Idp, path: str) -> None:
        assert me.send("PATCH", "/Me", change({"op": "remove", "path": path})).status_code == 403

    def test_saying_again_what_is_so_is_no_change(self, me: Idp) -> None:
        response = me.send(
            "PATCH",
            "/Me",
            change(
                {"op": "replace", "path": "title", "value": "Countess"},
                {"op": "replace", "path": "active", "value": True},
                {"op": "add", "path": "roles", "value": [{"value": "HR"}]},
            ),
        )
        assert (response.status_code, response.headers["ETag"]) == (200, 'W/"1"')

    @pytest.mark.parametrize(("method", "body"), PASSWORD_ATTEMPTS)
    def test_a_password_is_refused_since_it_would_not_be_kept(self, me: Idp, method: str, body: dict[str, Any]) -> None:
        response = me.send(method, "/Me", body)
        assert response.status_code == 403
        assert "sign-in page" in read(response)["detail"]
        assert me.send("PUT", "/Me", {"userName": "ada@acme.example", "password": None}).status_code == 200

    def test_read_only_attributes_are_ignored_in_a_body_and_refused_as_a_path(self, me: Idp) -> None:
        body = {**read(me.get("/Me")), "id": "7", "groups": [{"value": "7"}], "meta": {}}
        assert me.send("PUT", "/Me", body).status_code == 200
        response = me.send("PATCH", "/Me", change({"op": "replace", "path": "groups", "value": []}))
        assert (response.status_code, read(response)["scimType"]) == (400, "mutability")

    def test_a_version_can_be_insisted_on(self, me: Idp) -> None:
        rename = change({"op": "replace", "path": "nickName", "value": "Ada"})
        assert me.send("PATCH", "/Me", rename, if_match='W/"7"').status_code == 412
        assert me.send("PATCH", "/Me", rename, if_match='W/"1"').status_code == 200
        assert me.send("PUT", "/Me", {"userName": "ada@acme.example"}, if_match='W/"1"').status_code == 412

    def test_the_answer_shows_what_is_asked_for(self, me: Idp) -> None:
        response = me.send("PATCH", "/Me?attributes=nickName", change({"op": "add", "value": {"nickName": "A"}}))
        assert read(response).keys() == {"schemas", "id", "nickName"}

    def test_nobody_signs_up_or_leaves_this_way(self, idp: Idp, me: Idp) -> None:
        number = len(idp.users())
        post = me.send("POST", "/Me", {"userName": "eve@acme.example"})
        delete = me.send("DELETE", "/Me")
        assert (post.status_code, delete.status_code) == (501, 403)
        assert "Ask an Admin" in read(delete)["detail"]
        assert len(idp.users()) == number

    def test_other_methods_do_not_apply(self, me: Idp) -> None:
        response = me.send("OPTIONS", "/Me")
        assert response.status_code == 405
        assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}

    @pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"userName": 7}', b'{"Operations": 7}', b'{"a": {"a": ' * 50])
    @pytest.mark.parametrize("method", ["PUT", "PATCH"])
    def test_a_bad_body_is_a_scim_error(self, me: Idp, method: str, body: bytes) -> None:
        response = me.send(method, "/Me", body)
        assert response.status_code == 400 and read(response)["detail"]

    def test_every_attribute_that_is_theirs_exists(self) -> None:
        assert {attribute.name for attribute in USER.attributes} >= OWN


class TestTokens:
    def test_one_may_be_good_for_reading_only(self, idp: Idp, ada: User) -> None:
        me = me_of(idp, ada, TokenScope.READ_ME)
        assert me.get("/Me").status_code == 200
        for method in ("PUT", "PATCH"):
            response = me.send(method, "/Me", b"{")
            assert response.status_code == 403
            assert "scim.me.write" in read(response)["detail"]
            challenge = 'Bearer realm="SCIM", error="insufficient_scope", scope="scim.me.write"'
            assert response.headers["WWW-Authenticate"] == challenge

    def test_who_may_write_may_read(self, idp: Idp, ada: User) -> None:
        assert me_of(idp, ada, TokenScope.WRITE_ME).get("/Me").status_code == 200

    def test_one_of_no_use_here_reads_nothing(self, me: Idp) -> None:
        PersonalToken.objects.update(scopes="something.else")
        response = me.get("/Me")
        assert response.status_code == 403
        assert 'scope="scim.me.read"' in response.headers["WWW-Authenticate"]

    @pytest.mark.clause("7644-2-4")
    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("GET", "/Users"),
            ("GET", "/Users/{id}"),
            ("GET", "/Users?filter=userName+pr"),
            ("GET", "/Users?cursor"),
            ("GET", "/Users?sortBy=userName"),
            ("POST", "/Users/.search"),
            ("POST", "/.search"),
            ("POST", "/Users"),
            ("PATCH", "/Users/{id}"),
            ("DELETE", "/Users/{id}"),
            ("GET", "/Groups"),
            ("GET", "/Groups/{id}"),
            ("POST", "/Groups"),
            ("GET", "/Schemas"),
            ("GET", "/ResourceTypes"),
            ("GET", "/ServiceProviderConfig"),
            ("GET", "/Nope"),
        ],
    )
    def test_it_opens_nothing_but_me(self, me: Idp, ada: User, method: str, path: str) -> None:
        body = None if method == "GET" else {"displayName": "x"}
        response = me.send(method, path.replace("{id}", str(ada.pk)), body)
        assert response.status_code == 403
        assert "A personal token opens /Me" in read(response)["detail"]
        assert User.objects.filter(pk=ada.pk).exists()

    def test_it_opens_no_other_organization(self, me: Idp, anonymous: Idp) -> None:
        me.organization = anonymous.organization
        expected = anonymous.http.get(f"{anonymous.base}/Me").content
        for path in ("/Me", "/Users"):
            response = me.get(path)
            assert (response.status_code, response.content) == (401, expected)

    def test_it_ends_with_the_request_after(self, idp: Idp, me: Idp, ada: User) -> None:
        by = operator_at_the_command_line(idp.organization.pk)
        personal_tokens.revoke(PersonalToken.objects.get().pk, by=by)
        for method in ("GET", "PATCH", "DELETE", "POST"):
            assert me.send(method, "/Me", change({"op": "add", "path": "title", "value": "x"})).status_code == 401

    def test_it_expires(self, me: Idp) -> None:
        PersonalToken.objects.update(expires_at=timezone.now() + timedelta(minutes=1))
        assert me.get("/Me").status_code == 200
        PersonalToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        assert me.get("/Me").status_code == 401

    def test_suspension_ends_it_and_restoring_does_not_revive_it(self, idp: Idp, me: Idp, ada: User) -> None:
        for active in (False, True):
            assert idp.patch(str(ada.pk), {"op": "replace", "path": "active", "value": active}).status_code == 200
            for method in ("GET", "PUT", "PATCH"):
                assert me.send(method, "/Me", {"userName": "ada@acme.example"}).status_code == 401

    def test_a_suspended_person_is_refused_even_if_a_token_were_left(self, me: Idp, ada: User) -> None:
        User.objects.filter(pk=ada.pk).update(is_active=False)
        assert me.get("/Me").status_code == 401
        assert me.send("PUT", "/Me", {"userName": "ada@acme.example"}).status_code == 401

    @pytest.mark.parametrize("deed", ["suspend", "delete"])
    def test_whoever_leaves_while_they_write_writes_nothing(
        self, me: Idp, ada: User, deed: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stock, by = operations.may_write, operator_at_the_command_line(me.organization.pk)

        def leave_after_the_check(credentials: Credentials) -> TokenUser:
            person = stock(credentials)
            if deed == "suspend":
                accounts.set_active(ada.pk, False, by=by)
            else:
                accounts.delete(User.objects.get(pk=ada.pk), by=by)
            return person

        monkeypatch.setattr(operations, "may_write", leave_after_the_check)
        response = me.send("PATCH", "/Me", change({"op": "add", "path": "nickName", "value": "Ada"}))
        assert response.status_code == 401
        assert not User.objects.filter(pk=ada.pk, document__contains="nickName").exists()

    def test_deletion_ends_it(self, idp: Idp, me: Idp, ada: User) -> None:
        assert idp.send("DELETE", f"/Users/{ada.pk}").status_code == 204
        assert me.get("/Me").status_code == 401

    def test_a_suspended_organization_has_no_me_and_says_so(self, me: Idp) -> None:
        Organization.objects.update(is_active=False)
        answer = me.get("/Me")
        assert (answer.status_code, "is suspended" in read(answer)["detail"]) == (403, True)


class TestWhatIsKept:
    def test_the_trail_names_the_person_and_the_token(self, idp: Idp, me: Idp, ada: User) -> None:
        me.send("PATCH", "/Me", change({"op": "replace", "path": "nickName", "value": "Ada"}))
        event = AuditEvent.objects.filter(organization_id=idp.organization.pk).first()
        assert event is not None
        assert (event.actor_id, event.channel, event.target_id) == (ada.pk, Channel.API, str(ada.pk))
        assert event.actor_label == f"ada@acme.example (personal token {me.token[:11]}…)"
        assert event.changes == {"nickName": [None, "Ada"]}
        assert event.request_id == idp.log()[-1].request_id

    def test_every_request_is_in_the_log_without_the_token(self, idp: Idp, me: Idp, ada: User) -> None:
        me.get("/Me", user_agent="laptop 1.0")
        me.send("PATCH", "/Me", change({"op": "replace", "path": "title", "value": "Queen"}))
        me.get("/Users")
        me.get(f"/Users/{me.token}", {"x": me.token})
        rows = idp.log()[-4:]
        assert [(row.status, row.cause) for row in rows] == [
            (200, ""), (403, "not-yours"), (403, "token-personal"), (403, "token-personal"),
        ]  # fmt: skip
        assert {row.token_label for row in rows} == {f"{me.token[:11]}…"}
        assert {row.token for row in rows} == {None}
        assert rows[0].result == "Read ada@acme.example."
        assert rows[1].result == "Refused: 'title' is not yours to change. Ask an Admin of your organization."
        assert (rows[0].user_id, rows[0].user_label) == (ada.pk, "ada@acme.example")
        assert me.token[11:30] not in json.dumps([row.__dict__ for row in rows], default=str)

    def test_using_it_is_remembered(self, idp: Idp, me: Idp) -> None:
        me.get("/Me", user_agent="laptop 1.0")
        idp.log()
        token = PersonalToken.objects.get()
        assert token.last_used_at is not None
        assert (token.last_used_address, token.last_used_client) == ("127.0.0.1", "laptop 1.0")

    @pytest.mark.parametrize(
        ("fault", "cause"),
        [
            ({"revoked_at": timezone.now()}, "personal-token-revoked"),
            ({"expires_at": timezone.now()}, "personal-token-expired"),
        ],
    )
    def test_the_log_says_why_a_token_was_refused(self, idp: Idp, me: Idp, fault: dict[str, Any], cause: str) -> None:
        PersonalToken.objects.update(**fault)
        me.get("/Me")
        me.get("/Users")
        assert [(row.status, row.cause) for row in idp.log()[-2:]] == [(401, cause)] * 2
