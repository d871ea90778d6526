"""The rules that SCIM has here beyond the RFCs: domains, roles, people made by hand, the last Admin."""

from typing import Any

import pytest

import domains.services
from core.actors import operator_at_the_command_line
from provisioning.models import Connection
from tests.identity_provider import Idp, read
from users.models import Role, Source, User
from users.permissions import BuiltIn
from users.services import accounts, roles

DOMAINS_PAGE = "Settings > Organization > Your organization > Domains"


def role(idp: Idp, key: BuiltIn) -> Role:
    return Role.objects.of(idp.organization.pk).get(key=key)


def manual(idp: Idp, address: str, key: BuiltIn = BuiltIn.READ_ONLY) -> User:
    by = operator_at_the_command_line(idp.organization.pk)
    return accounts.create(accounts.NewUser({"userName": address}, role(idp, key), Source.MANUAL, outsider=True), by=by)


def let_scim_manage_admins() -> None:
    Connection.objects.update(manage_admins=True)


class TestDomains:
    @pytest.mark.parametrize("address", ["ada@evil.example", "ada@acme-unchecked.example", "ada@sub.acme.example"])
    @pytest.mark.parametrize("place", ["userName", "emails"])
    def test_an_address_outside_the_checked_domains_is_refused_by_name(
        self, idp: Idp, address: str, place: str
    ) -> None:
        body: dict[str, Any] = {"userName": "ada@acme.example", "emails": [{"value": "ada@acme.example"}]}
        body |= {"userName": address} if place == "userName" else {"emails": [*body["emails"], {"value": address}]}
        response = idp.send("POST", "/Users", body)
        assert response.status_code == 400
        error = read(response)
        assert error["scimType"] == "invalidValue"
        assert address.partition("@")[2] in error["detail"]
        assert DOMAINS_PAGE in error["detail"]
        assert idp.users() == []

    def test_it_is_refused_on_put_and_patch_too(self, idp: Idp) -> None:
        user = idp.create()
        put = idp.send("PUT", f"/Users/{user['id']}", {"userName": "ada@evil.example"})
        patch = idp.patch(user["id"], {"op": "add", "path": "emails", "value": [{"value": "ada@evil.example"}]})
        assert put.status_code == patch.status_code == 400
        assert read(idp.get(f"/Users/{user['id']}")) == user

    def test_unticking_a_domain_never_blocks_people_who_are_there(self, idp: Idp) -> None:
        user = idp.create()
        by = operator_at_the_command_line(idp.organization.pk)
        domain = domains.services.find("acme.example", organization_id=idp.organization.pk)
        domains.services.set_user_requests(domain.pk, False, by=by)
        assert idp.send("PUT", f"/Users/{user['id']}", {**user, "title": "Countess"}).status_code == 200
        assert idp.patch(user["id"], {"op": "replace", "path": "active", "value": False}).status_code == 200
        assert idp.send("POST", "/Users", {"userName": "bob@acme.example"}).status_code == 400

    @pytest.mark.clause("7643-4.1.1-1")
    @pytest.mark.parametrize("name", ["ada", "", "a@b@acme.example", "ada @acme.example", "@acme.example", "a" * 300])
    def test_a_user_name_is_an_email_address(self, idp: Idp, name: str) -> None:
        response = idp.send("POST", "/Users", {"userName": name})
        assert response.status_code == 400
        assert read(response)["scimType"] == "invalidValue"


class TestRoles:
    def test_who_is_sent_without_a_role_gets_the_default_role(self, idp: Idp) -> None:
        assert idp.create()["roles"] == [{"value": "App management", "primary": True}]
        by = operator_at_the_command_line(idp.organization.pk)
        roles.make_default(role(idp, BuiltIn.IT), by=by)
        assert idp.create("bob@acme.example")["roles"][0]["value"] == "IT"

    @pytest.mark.parametrize("sent", [["read-ONLY"], "Read-only", [{"value": "x", "display": "Read-only"}]])
    def test_a_known_role_is_given_whatever_shape_it_comes_in(self, idp: Idp, sent: Any) -> None:
        user = idp.create(roles=sent)
        assert User.objects.get(pk=user["id"]).role == role(idp, BuiltIn.READ_ONLY)

    def test_the_primary_entry_wins_and_entries_are_kept_as_sent(self, idp: Idp) -> None:
        sent = [{"value": "IT", "type": "x"}, {"value": "Finance", "primary": True}]
        user = idp.create(roles=sent)
        assert user["roles"] == sent
        assert User.objects.get(pk=user["id"]).role == role(idp, BuiltIn.FINANCE)

    def test_an_unknown_role_is_left_out_with_an_advice(self, idp: Idp) -> None:
        user = idp.create(roles=[{"value": "Emperor"}])
        assert user["roles"][0]["value"] == "App management"
        assert any("Emperor" in notices for notices in idp.log()[-1].notices)

    def test_a_role_that_is_added_takes_the_place_of_the_default_one(self, idp: Idp) -> None:
        user = idp.create()
        added = read(idp.patch(user["id"], {"op": "add", "path": "roles", "value": [{"value": "IT"}]}))
        assert added["roles"] == [{"value": "IT"}]

    def test_an_unknown_role_that_is_added_leaves_the_default_one(self, idp: Idp) -> None:
        user = idp.create()
        for path in ("roles", 'roles[primary eq "True"].value'):
            value = [{"value": "Emperor"}] if path == "roles" else "Emperor"
            assert read(idp.patch(user["id"], {"op": "Add", "path": path, "value": value}))["roles"] == user["roles"]

    def test_an_update_without_roles_or_with_unknown_ones_keeps_the_role(self, idp: Idp) -> None:
        user = idp.create(roles=[{"value": "IT"}])
        for sent in (None, [], [{"value": "Emperor"}]):
            replaced = read(idp.send("PUT", f"/Users/{user['id']}", {"userName": "ada@acme.example", "roles": sent}))
            assert replaced["roles"] == [{"value": "IT"}]

    def test_a_role_change_bumps_the_version(self, idp: Idp) -> None:
        user = idp.create()
        changed = read(idp.patch(user["id"], {"op": "replace", "path": "roles", "value": [{"value": "HR"}]}))
        assert changed["meta"]["version"] == 'W/"2"'
        assert User.objects.get(pk=user["id"]).role == role(idp, BuiltIn.HR)

    @pytest.mark.clause("7644-2-4", "7644-2-6", "7644-7.7-3")
    def test_admin_is_not_given_by_scim_unless_the_switch_is_on(self, idp: Idp) -> None:
        user = idp.create(roles=[{"value": "Admin"}])
        assert user["roles"][0]["value"] == "App management"
        changed = idp.patch(user["id"], {"op": "add", "path": "roles", "value": [{"value": "Admin", "primary": True}]})
        assert User.objects.get(pk=user["id"]).role == role(idp, BuiltIn.APP_MANAGEMENT)
        assert "Admin" not in [entry["value"] for entry in read(changed)["roles"]]
        let_scim_manage_admins()
        idp.patch(user["id"], {"op": "replace", "path": "roles", "value": [{"value": "Admin"}]})
        assert User.objects.get(pk=user["id"]).role == role(idp, BuiltIn.ADMIN)

    def test_admin_is_not_taken_by_scim_unless_the_switch_is_on(self, idp: Idp) -> None:
        let_scim_manage_admins()
        manual(idp, "root@acme.example", BuiltIn.ADMIN)
        user = idp.create(roles=[{"value": "Admin"}])
        Connection.objects.update(manage_admins=False)
        idp.patch(user["id"], {"op": "replace", "path": "roles", "value": [{"value": "HR"}]})
        assert User.objects.get(pk=user["id"]).role == role(idp, BuiltIn.ADMIN)

    def test_admin_as_default_role_is_not_given_by_scim(self, idp: Idp) -> None:
        roles.make_default(role(idp, BuiltIn.ADMIN), by=operator_at_the_command_line(idp.organization.pk))
        assert idp.create()["roles"][0]["value"] == "App management"
        assert any("Admin" in notices for notices in idp.log()[-1].notices)


class TestAdoption:
    def test_people_made_by_hand_are_listed_and_readable(self, idp: Idp) -> None:
        user = manual(idp, "eve@outside.example")
        assert idp.found('userName eq "eve@outside.example"') == ["eve@outside.example"]
        assert idp.get(f"/Users/{user.pk}").status_code == 200

    @pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
    def test_a_write_without_external_id_is_refused_and_says_how(self, idp: Idp, method: str) -> None:
        user = manual(idp, "eve@acme.example")
        body = {"userName": "eve@acme.example", "Operations": [{"op": "replace", "path": "title", "value": "x"}]}
        response = idp.send(method, f"/Users/{user.pk}", body)
        assert response.status_code == 409
        assert "externalId" in read(response)["detail"]

    def test_a_put_with_external_id_adopts_and_keeps_email_role_and_password(self, idp: Idp) -> None:
        user = manual(idp, "eve@acme.example")
        user.set_password("correct horse battery staple")
        user.save()
        body = {
            "userName": "eve.new@acme.example",
            "externalId": "e1",
            "title": "Spy",
            "emails": [{"value": "mallory@acme.example"}],
            "roles": [{"value": "HR"}],
        }
        response = idp.send("PUT", f"/Users/{user.pk}", body)
        assert response.status_code == 200
        adopted = User.objects.get(pk=user.pk)
        assert (adopted.source, adopted.external_id) == (Source.SCIM, "e1")
        assert (adopted.user_name, adopted.email) == ("eve@acme.example", "eve@acme.example")
        assert adopted.role == role(idp, BuiltIn.READ_ONLY)
        assert adopted.check_password("correct horse battery staple")
        assert read(response)["title"] == "Spy"
        assert idp.log()[-1].result == "Took over eve@acme.example from manual management."
        assert idp.send("PUT", f"/Users/{user.pk}", body).status_code == 200
        assert User.objects.get(pk=user.pk).user_name == "eve.new@acme.example"

    def test_a_patch_of_external_id_adopts(self, idp: Idp) -> None:
        user = manual(idp, "eve@acme.example")
        response = idp.patch(str(user.pk), {"op": "add", "path": "externalId", "value": "e1"})
        assert response.status_code == 200
        assert User.objects.get(pk=user.pk).source == Source.SCIM

    def test_an_admin_is_not_adopted_unless_the_switch_is_on(self, idp: Idp) -> None:
        admin = manual(idp, "root@acme.example", BuiltIn.ADMIN)
        operation = {"op": "add", "path": "externalId", "value": "e1"}
        assert idp.patch(str(admin.pk), operation).status_code == 403
        let_scim_manage_admins()
        assert idp.patch(str(admin.pk), operation).status_code == 200


class TestLastAdmin:
    @pytest.fixture
    def admin(self, idp: Idp) -> dict[str, Any]:
        let_scim_manage_admins()
        return idp.create("root@acme.example", roles=[{"value": "Admin"}])

    @pytest.mark.clause("7644-3.12-7")
    def test_the_last_active_admin_cannot_be_lost(self, idp: Idp, admin: dict[str, Any]) -> None:
        path = f"/Users/{admin['id']}"
        attempts = [
            idp.send("DELETE", path),
            idp.send("PUT", path, {**admin, "active": False}),
            idp.send("PUT", path, {**admin, "roles": [{"value": "HR"}]}),
            idp.patch(admin["id"], {"op": "replace", "path": "active", "value": "False"}),
            idp.patch(admin["id"], {"op": "replace", "value": {"roles": [{"value": "HR"}]}}),
        ]
        assert [response.status_code for response in attempts] == [403] * 5
        assert all("last active Admin" in read(response)["detail"] for response in attempts)
        assert read(idp.get(path)) == admin

    def test_with_a_second_one_it_can(self, idp: Idp, admin: dict[str, Any]) -> None:
        idp.create("second@acme.example", roles=[{"value": "Admin"}])
        assert idp.send("DELETE", f"/Users/{admin['id']}").status_code == 204


class TestLeaving:
    def test_suspended_people_stay_readable_and_findable(self, idp: Idp) -> None:
        user = idp.create()
        changed = read(idp.patch(user["id"], {"op": "Replace", "path": "active", "value": "False"}))
        assert changed["active"] is False
        assert idp.found("active eq false") == ["ada@acme.example"]

    def test_suspending_ends_sessions_and_restoring_revives_none(self, idp: Idp) -> None:
        user = idp.create()
        before = User.objects.get(pk=user["id"]).get_session_auth_hash()
        for value in (False, True):
            idp.patch(user["id"], {"op": "replace", "path": "active", "value": value})
        assert User.objects.get(pk=user["id"]).get_session_auth_hash() != before
