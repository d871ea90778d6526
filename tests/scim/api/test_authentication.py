"""Who gets in, and what everybody else is told (RFC 7644 section 2, RFC 6750)."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

import organizations.services.organizations
from core.actors import operator_at_the_command_line
from core.bearer_tokens import digest
from organizations.models import Mail
from provisioning.models import Connection, SetupStep, Token
from provisioning.services.connections import connections
from provisioning.services.request_log.setup_steps import Step
from scim.protocol.errors import Unauthorized
from scim.storage.credentials import Credentials
from tests.identity_provider import Idp, read

PATHS = [
    "/Users",
    "/Users/1",
    "/ServiceProviderConfig",
    "/ResourceTypes",
    "/ResourceTypes/User",
    "/Schemas",
    "/Nope",
    "",
]
WRONG = {
    "none": "",
    "empty": "Bearer",
    "blank": "Bearer  ",
    "unknown": "Bearer smgr_wrong",
    "another scheme": "Basic YTpi",
    "two words": "Bearer a b",
    "not ASCII": "Bearer é",
    "endless": "Bearer " + "a" * 5000,
}


def turn_off(idp: Idp) -> None:
    connection = connections.default_connection(idp.organization.pk)
    connections.set_enabled(connection, False, by=operator_at_the_command_line(idp.organization.pk))


@pytest.mark.clause("7644-2-3", "7644-3.12-6")
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE"])
def test_nothing_answers_without_a_token(idp: Idp, method: str, path: str) -> None:
    response = idp.http.generic(method, idp.base + path)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert read(response)["status"] == "401"


@pytest.mark.clause("7644-3.12-6")
@pytest.mark.parametrize("header", WRONG.values(), ids=WRONG.keys())
def test_every_wrong_token_gets_the_same_answer(idp: Idp, header: str) -> None:
    expected = idp.http.get(idp.base + "/Users").content
    response = idp.http.get(idp.base + "/Users", headers={"authorization": header})
    assert (response.status_code, response.content) == (401, expected)


def test_strangers_cannot_tell_an_organization_that_exists_from_one_that_does_not(idp: Idp, anonymous: Idp) -> None:
    authorization = {"authorization": f"Bearer {anonymous.token}"}
    here = idp.http.get(idp.base + "/Users", headers=authorization)
    nowhere = idp.http.get("/scim/nobody/v2/Users", headers=authorization)
    assert here.status_code == nowhere.status_code == 401
    assert here.content == nowhere.content
    assert here.headers.keys() == nowhere.headers.keys()


def test_a_bad_filter_does_not_hide_that_the_token_is_bad(idp: Idp) -> None:
    idp.token = "smgr_wrong"
    assert idp.get("/Users", {"filter": "???"}).status_code == 401
    assert idp.send("POST", "/Users", b"{", content_type="text/plain").status_code == 401


def test_a_revoked_token_is_refused_at_once(idp: Idp) -> None:
    user = idp.create()
    token = Token.objects.of(idp.organization.pk).get()
    connections.revoke_token(token.pk, by=operator_at_the_command_line(idp.organization.pk))
    assert idp.get(f"/Users/{user['id']}").status_code == 401
    assert idp.get("/Users").status_code == 401
    assert idp.get("/Users", {"filter": 'userName eq "ada@acme.example"'}).status_code == 401
    assert idp.send("DELETE", f"/Users/{user['id']}").status_code == 401
    assert [row.cause for row in idp.log()[1:]] == ["token-revoked"] * 4


def test_an_expired_token_is_refused(idp: Idp) -> None:
    Token.objects.update(expires_at=timezone.now() + timedelta(minutes=1))
    assert idp.get("/Users").status_code == 200
    Token.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert idp.get("/Users").status_code == 401
    assert idp.log()[-1].result == "Refused: this token has expired. Give the identity provider a new one."


def test_who_has_the_right_token_learns_that_scim_is_off(idp: Idp, anonymous: Idp) -> None:
    turn_off(idp)
    response = idp.get("/Users")
    assert response.status_code == 401
    assert "Enable SCIM" in read(response)["detail"]
    anonymous_here = Idp(idp.organization, anonymous.token).get("/Users")
    assert "Enable SCIM" not in read(anonymous_here)["detail"]


def test_a_new_token_works_only_once_scim_is_enabled(idp: Idp) -> None:
    turn_off(idp)
    connection = connections.default_connection(idp.organization.pk)
    by = operator_at_the_command_line(idp.organization.pk)
    _token, idp.token = connections.generate_token(connection, by=by)
    assert idp.get("/Users").status_code == 401
    connections.set_enabled(connection, True, by=by)
    assert idp.get("/Users").status_code == 200


SUSPENDED_REQUESTS: list[tuple[str, str, Any]] = [
    ("GET", "/Users", None),
    ("GET", "/ServiceProviderConfig", None),
    ("GET", "/Users?filter=nonsense", None),
    ("GET", "/nowhere", None),
    ("POST", "/Users", {"userName": "ada@acme.example"}),
    ("POST", "/Users", b"{"),
    ("POST", "/.search", {}),
    ("POST", "/Bulk", {"Operations": []}),
    ("PATCH", "/Groups/01a22bd8-d600-7000-8000-000000000001", {"Operations": []}),
    ("DELETE", "/Users/01a22bd8-d600-7000-8000-000000000001", None),
]


@pytest.mark.parametrize(("method", "path", "body"), SUSPENDED_REQUESTS)
def test_the_right_token_is_told_that_its_organization_is_suspended_and_no_other_is(
    method: str, path: str, body: Any, idp: Idp, anonymous: Idp, settings: Any
) -> None:
    settings.OPERATOR_CONTACT = "support@saas.example"
    wrong, elsewhere = Idp(idp.organization, "smgr_no"), Idp(idp.organization, anonymous.token)
    before = [_told(each.send(method, path, body)) for each in (wrong, elsewhere)]
    organizations.services.organizations.suspend("Unpaid", by=operator_at_the_command_line(idp.organization.pk))
    status, detail = _told(idp.send(method, path, body))
    assert status == 403
    assert "This organization is suspended" in detail and "support@saas.example" in detail
    assert [_told(each.send(method, path, body)) for each in (wrong, elsewhere)] == before == [before[0]] * 2
    assert before[0][0] == 401
    connections.revoke_token(
        Token.objects.get(digest=digest(idp.token)).pk, by=operator_at_the_command_line(idp.organization.pk)
    )
    assert _told(idp.send(method, path, body)) == before[0], "a token that is over learns nothing"


def test_a_suspended_organization_is_served_again_once_it_is_reactivated(idp: Idp) -> None:
    by = operator_at_the_command_line(idp.organization.pk)
    organizations.services.organizations.suspend("Unpaid", by=by)
    assert idp.get("/Users").status_code == 403
    organizations.services.organizations.reactivate("Paid", by=by)
    assert idp.get("/Users").status_code == 200


def test_what_a_suspended_organization_is_refused_neither_mails_nor_fails_a_step(idp: Idp) -> None:
    organizations.services.organizations.suspend("Unpaid", by=operator_at_the_command_line(idp.organization.pk))
    for _ in range(12):
        idp.send("POST", "/Users", {"userName": "ada@acme.example"})
        idp.send("DELETE", "/Users/01a22bd8-d600-7000-8000-000000000001")
    rows = idp.log()
    assert {(row.status, row.cause) for row in rows} == {(403, "organization-suspended")}
    assert not Mail.objects.exists()
    # What was asked last is told of the connection; no step of its set-up fails by it.
    assert not SetupStep.objects.exclude(failed_status=None).exclude(step=Step.REQUEST).exists()


def _told(response: Any) -> tuple[int, str]:
    return response.status_code, read(response)["detail"]


def test_a_token_says_nothing_about_its_tenant_before_it_is_verified(idp: Idp) -> None:
    forged = Credentials("0" * 64, "acme")
    with pytest.raises(AttributeError):
        _ = forged.organization_id  # type: ignore[attr-defined]
    with pytest.raises(Unauthorized):
        forged.principal()


def test_the_scheme_is_read_in_any_letter_case(idp: Idp) -> None:
    assert idp.http.get(idp.base + "/Users", headers={"authorization": f"bEARER {idp.token}"}).status_code == 200


def test_using_a_token_is_remembered_with_time_address_and_client(idp: Idp) -> None:
    idp.get("/Users", user_agent="Okta SCIM Client 1.0.0")
    idp.log()
    token = Token.objects.get()
    assert token.last_used_at is not None
    assert (token.last_used_address, token.last_used_client) == ("127.0.0.1", "Okta SCIM Client 1.0.0")


def test_a_refused_token_does_not_count_as_used(idp: Idp) -> None:
    Connection.objects.update(enabled=False)
    idp.get("/Users")
    idp.log()
    assert Token.objects.get().last_used_at is None
