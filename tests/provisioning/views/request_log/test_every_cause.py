"""Each cause that the request log knows is given to the request that it belongs to, and its name is shown there."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from provisioning.models import IdentityProvider
from provisioning.services.connections import connections
from provisioning.services.request_log.causes import CAUSES
from provisioning.services.role_rules import rules
from scim.operations.provider import CURSOR_TIMEOUT
from tests.identity_provider import Idp, read
from tests.provisioning.views.request_log.test_log import HAPPENED, latest, permalink, shown
from tests.scim.operations.test_bulk import bulk, make, make_group
from tests.scim.operations.test_me import me_of
from tests.signed_in import SignedIn
from tests.tenants import Tenant, open_tenant
from users.models import PersonalToken, User
from users.permissions import BuiltIn
from users.services.personal_tokens import TokenScope

pytestmark = pytest.mark.django_db

Patched = pytest.MonkeyPatch
Act = Callable[[Tenant, Idp, Patched], Any]
CAUSED: dict[str, Act] = {}


def causes(word: str) -> Callable[[Act], Act]:
    """What a request has to be like to be refused, or healed, for that cause."""

    def remember(act: Act) -> Act:
        CAUSED[word] = act
        return act

    return remember


# The token


@causes("token-malformed")
def _(_acme: Tenant, idp: Idp, _patched: Patched) -> None:
    idp.get("/Users", authorization="Basic x")


@causes("token-of-another-organization")
def _(acme: Tenant, _idp: Idp, _patched: Patched) -> None:
    globex = open_tenant("globex")
    _, foreign = connections.generate_token(globex.connection, by=globex.by)
    Idp(acme.organization, foreign).get("/Users")


@causes("token-personal")
def _(acme: Tenant, idp: Idp, _patched: Patched) -> None:
    me_of(idp, acme.add("kim")).get("/Users")


@causes("personal-token-revoked")
def _(acme: Tenant, idp: Idp, _patched: Patched) -> None:
    me = me_of(idp, acme.add("kim"))
    PersonalToken.objects.update(revoked_at=timezone.now())
    me.get("/Me")


@causes("personal-token-expired")
def _(acme: Tenant, idp: Idp, _patched: Patched) -> None:
    me = me_of(idp, acme.add("kim"))
    PersonalToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    me.get("/Me")


@causes("person-suspended")
def _(acme: Tenant, idp: Idp, _patched: Patched) -> None:
    kim = acme.add("kim")
    me = me_of(idp, kim)
    User.objects.filter(pk=kim.pk).update(is_active=False)
    me.get("/Me")


@causes("scope-missing")
def _(acme: Tenant, idp: Idp, _patched: Patched) -> None:
    me_of(idp, acme.add("kim"), TokenScope.READ_ME).send("PUT", "/Me", {"userName": "kim@acme.example"})


@causes("not-yours")
def _(acme: Tenant, idp: Idp, _patched: Patched) -> None:
    me_of(idp, acme.add("kim")).send("DELETE", "/Me")


# People and domains


@causes("address-invalid")
def _(_acme: Tenant, idp: Idp, _patched: Patched) -> None:
    idp.send("POST", "/Users", {"userName": "kim@"})


@causes("address-left-out")
def _(_acme: Tenant, idp: Idp, _patched: Patched) -> None:
    user = idp.create("kim@acme.example")
    idp.patch(user["id"], {"op": "replace", "value": {"userName": "no address", "active": False}})


@causes("external-id-taken")
def _(_acme: Tenant, idp: Idp, _patched: Patched) -> None:
    idp.create("kim@acme.example", externalId="7")
    idp.send("POST", "/Users", {"userName": "lee@acme.example", "externalId": "7"})


@causes("managed-elsewhere")
def _(acme: Tenant, idp: Idp, _patched: Patched) -> None:
    kim = idp.create("kim@acme.example")
    okta = connections.add("Okta", IdentityProvider.OKTA, by=acme.by)
    _, text = connections.generate_token(okta, by=acme.by)
    connections.set_enabled(okta, True, by=acme.by)
    Idp(acme.organization, text).patch(kim["id"], {"op": "replace", "path": "title", "value": "x"})


@causes("secondary-domain-unknown")
def _(_acme: Tenant, idp: Idp, _patched: Patched) -> None:
    emails = [{"value": "kim@acme.example", "type": "work", "primary": True}, {"value": "k@x.example", "type": "home"}]
    idp.send("POST", "/Users", {"userName": "kim@acme.example", "emails": emails})


# Groups


@causes("group-unknown")
def _(_acme: Tenant, idp: Idp, _patched: Patched) -> None:
    idp.get(f"/Groups/{uuid4()}")


@causes("group-name-taken")
def _(_acme: Tenant, idp: Idp, _patched: Patched) -> None:
    idp.create_group("Tools")
    idp.send("POST", "/Groups", {"displayName": "Tools"})


@causes("group-invalid")
def _(_acme: Tenant, idp: Idp, _patched: Patched) -> None:
    idp.send("POST", "/Groups", {"displayName": "x" * 1000})


@causes("group-cycle")
def _(_acme: Tenant, idp: Idp, _patched: Patched) -> None:
    group = idp.create_group("Tools")["id"]
    idp.patch_group(group, {"op": "add", "path": "members", "value": [{"value": group}]})


@causes("member-unknown")
def _(_acme: Tenant, idp: Idp, _patched: Patched) -> None:
    idp.send("POST", "/Groups", {"displayName": "Tools", "members": [{"value": str(uuid4())}]})


# Roles


@causes("role-by-rule")
def _(acme: Tenant, idp: Idp, _patched: Patched) -> None:
    rule = rules.RuleInput("title", "is", "Controller", str(acme.role(BuiltIn.FINANCE).pk))
    rules.save([rule], expected_version=0, by=acme.by)
    idp.create("kim@acme.example", title="Controller")


# The request itself


@causes("slash-noticed")
def _(_acme: Tenant, idp: Idp, _patched: Patched) -> None:
    assert idp.get("//Users").status_code == 200


@causes("InvalidValue")
def _(_acme: Tenant, idp: Idp, _patched: Patched) -> None:
    idp.send("POST", "/Users", {"userName": "kim@acme.example", "title": {"x": 1}})


@causes("InvalidPath")
def _(_acme: Tenant, idp: Idp, _patched: Patched) -> None:
    idp.patch(idp.create()["id"], {"op": "replace", "path": "nothing[", "value": "x"})


@causes("NoTarget")
def _(_acme: Tenant, idp: Idp, _patched: Patched) -> None:
    idp.patch(idp.create()["id"], {"op": "remove"})


@causes("Mutability")
def _(_acme: Tenant, idp: Idp, _patched: Patched) -> None:
    idp.patch(idp.create()["id"], {"op": "remove", "path": "userName"})


@causes("InvalidCursor")
def _(_acme: Tenant, idp: Idp, _patched: Patched) -> None:
    idp.get("/Users", {"cursor": "x"})


@causes("ExpiredCursor")
def _(acme: Tenant, idp: Idp, _patched: Patched) -> None:
    acme.add("kim")
    acme.add("lee")
    with time_machine.travel(timezone.now() - timedelta(seconds=CURSOR_TIMEOUT + 10)):
        cursor = read(idp.get("/Users", {"cursor": "", "count": 1}))["nextCursor"]
    idp.get("/Users", {"cursor": cursor, "count": 1})


@causes("InvalidCount")
def _(_acme: Tenant, idp: Idp, _patched: Patched) -> None:
    idp.get("/Users", {"cursor": "", "count": 100_000})


@causes("reference-lost")
def _(_acme: Tenant, idp: Idp, _patched: Patched) -> None:
    bulk(idp, make_group("G", "bulkId:bad"), make("bad", "bad@evil.example"))


@causes("reference-circular")
def _(_acme: Tenant, idp: Idp, _patched: Patched) -> None:
    bulk(idp, make_group("G", "bulkId:H"), make_group("H", "bulkId:G"))


@causes("endpoint-unknown")
def _(_acme: Tenant, idp: Idp, _patched: Patched) -> None:
    idp.get("/Nope")


@causes("NotFound")
def _(_acme: Tenant, idp: Idp, _patched: Patched) -> None:
    idp.get("/Schemas/urn:nothing")


@causes("UnsupportedMediaType")
def _(_acme: Tenant, idp: Idp, _patched: Patched) -> None:
    idp.send("POST", "/Users", b"userName=kim", content_type="application/x-www-form-urlencoded")


@causes("NotImplementedHere")
def _(acme: Tenant, idp: Idp, _patched: Patched) -> None:
    me_of(idp, acme.add("kim")).send("POST", "/Me", {"userName": "kim@acme.example"})


# This server


def _failing(error: Exception) -> Act:
    def act(_acme: Tenant, idp: Idp, patched: Patched) -> None:
        def fail(*_arguments: Any, **_options: Any) -> None:
            raise error

        with patched.context() as within:
            within.setattr("scim.api.users.answer", fail)
            idp.get("/Users")

    return act


CAUSED["database"] = _failing(OperationalError("database is locked"))
CAUSED["unexpected"] = _failing(RuntimeError("nobody foresaw this"))


@pytest.fixture
def idp(acme: Tenant) -> Idp:
    """Acme's identity provider, whose token is valid."""
    _, text = connections.generate_token(acme.connection, by=acme.by)
    connections.set_enabled(acme.connection, True, by=acme.by)
    return Idp(acme.organization, text)


@pytest.mark.parametrize("cause", CAUSED)
def test_each_cause_is_given_to_its_request(
    cause: str, acme: Tenant, idp: Idp, signed_in: SignedIn, monkeypatch: Patched
) -> None:
    client: Client = signed_in(acme)
    CAUSED[cause](acme, idp, monkeypatch)
    row = latest(idp)
    assert row.cause == cause
    page = shown(client, permalink(row))
    assert CAUSES[cause].name in page
    assert (CAUSES[cause].sentence or row.result) in page


def test_there_is_a_test_for_each_cause_of_the_table() -> None:
    assert CAUSED.keys() | {cause for _act, cause, *_ in HAPPENED} == CAUSES.keys()
    assert not CAUSED.keys() & {cause for _act, cause, *_ in HAPPENED}
