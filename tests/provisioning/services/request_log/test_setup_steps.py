"""How far a set-up has come: what each request is in it, whose failure it is, and that strangers spoil nothing."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core import dialects
from core.actors import Actor, Channel
from provisioning.models import Connection, IdentityProvider, SetupStep, Token
from provisioning.services.connections import connections
from provisioning.services.request_log import setup_steps, writer
from provisioning.services.request_log.setup_steps import Step, StepOutcome
from provisioning.views.connections.checklist import TITLES
from tests.identity_provider import Idp, open_acme
from tests.scim.operations.test_bulk import bulk


def reached(idp: Idp) -> dict[str, str]:
    """Each step that the checklist shows, with how it last came out."""
    writer.flush()
    (only,) = connections.of_organization(idp.organization.pk)
    shown = {*TITLES, Step.GROUPS_READ}
    return {step: outcome(each) for step, each in setup_steps.of(only).items() if step in shown}


def outcome(setup_step: SetupStep) -> str:
    if setup_step.failed_at and (setup_step.done_at is None or setup_step.done_at < setup_step.failed_at):
        return f"{setup_step.failed_status} {setup_step.failed_cause}"
    return "done"


def by(idp: Idp) -> Actor:
    return Actor(idp.organization.pk, "Ada", Channel.PAGE)


def untried(idp: Idp) -> Idp:
    """The same before any of its tokens was used."""
    Token.objects.update(last_used_at=None)
    return idp


CALLS: list[tuple[str, Callable[[Idp, str], Any]]] = [
    ("list", lambda idp, _: idp.get("/Users", {"count": "2"})),
    ("look-up", lambda idp, _: idp.found('userName eq "x@acme.example"')),
    ("look-up", lambda idp, _: idp.send("POST", "/Users/.search", {"filter": 'userName eq "x"'})),
    ("create", lambda idp, _: idp.create("new@acme.example")),
    ("update", lambda idp, user: idp.patch(user, {"op": "replace", "path": "title", "value": "x"})),
    ("update", lambda idp, user: idp.send("PUT", f"/Users/{user}", {"userName": "ada@acme.example"})),
    ("deactivate", lambda idp, user: idp.patch(user, {"op": "replace", "path": "active", "value": False})),
    (
        "deactivate",
        lambda idp, user: idp.send("PUT", f"/Users/{user}", {"userName": "ada@acme.example", "active": False}),
    ),
    ("delete", lambda idp, user: idp.send("DELETE", f"/Users/{user}")),
    ("groups-read", lambda idp, _: idp.get("/Groups")),
    ("groups-read", lambda idp, _: idp.send("POST", "/Groups/.search", {"filter": 'displayName eq "x"'})),
    ("groups", lambda idp, _: idp.create_group()),
]


@pytest.mark.parametrize(("step", "call"), CALLS)
def test_a_request_that_went_well_is_its_step(step: str, call: Callable[[Idp, str], Any], idp: Idp) -> None:
    user = idp.create()
    writer.flush()
    SetupStep.objects.all().delete()
    call(idp, user["id"])
    assert reached(idp) == {step: "done"}


def test_what_is_no_step_leaves_none(idp: Idp) -> None:
    user = idp.create()
    writer.flush()
    SetupStep.objects.all().delete()
    for path in ("/Schemas", "/ServiceProviderConfig", f"/Users/{user['id']}", "/Nope"):
        idp.get(path)
    assert reached(idp) == {}


def test_a_failure_keeps_what_mends_it_until_the_step_goes_well(idp: Idp) -> None:
    idp.send("POST", "/Users", {"userName": "ada@acme-unchecked.example"})
    (row,) = idp.log()
    failed = SetupStep.objects.get(step=Step.CREATE)
    assert reached(idp) == {"create": "400 domain-without-user-requests"}
    assert failed.failed_arguments == {"domain": "acme-unchecked.example"}
    assert (failed.failed_result, failed.failed_request_id) == (row.result, row.pk)
    idp.create("bea@acme.example")
    assert reached(idp) == {"create": "done"}


def test_to_ask_for_what_is_gone_is_no_failure_but_to_change_it_is(idp: Idp) -> None:
    path = f"/Users/{idp.create()['id']}"
    idp.send("DELETE", path)
    idp.send("DELETE", path)
    idp.get(path)
    assert reached(idp) == {"create": "done", "delete": "done"}
    idp.send("PUT", path, {"userName": "ada@acme.example"})
    assert reached(idp)["update"] == "404 user-unknown"


def test_a_precondition_that_fails_is_no_failure_of_the_set_up(idp: Idp) -> None:
    path = f"/Users/{idp.create()['id']}"
    rename = {"userName": "ada@acme.example", "title": "Countess"}
    assert idp.send("PUT", path, rename, if_match='W/"1"').status_code == 200
    assert idp.send("PUT", path, rename, if_match='W/"1"').status_code == 412
    assert idp.send("DELETE", path, if_match='W/"1"').status_code == 412
    assert reached(idp) == {"create": "done", "update": "done"}


@pytest.mark.parametrize("in_bulk", [False, True], ids=["alone", "in bulk"])
def test_a_leaver_who_is_gone_or_was_changed_meanwhile_is_no_failure(in_bulk: bool, idp: Idp) -> None:
    suspend = {"Operations": [{"op": "replace", "path": "active", "value": False}]}
    whole = {"userName": "ada@acme.example", "active": False}
    changed, gone = idp.create()["id"], uuid4()
    idp.patch(changed, {"op": "replace", "path": "title", "value": "Countess"})
    before = reached(idp)
    for user_id, version, status in ((changed, 'W/"1"', 412), (gone, "", 404)):
        for method, body in (("PATCH", suspend), ("PUT", whole), ("DELETE", None)):
            path = f"/Users/{user_id}"
            if in_bulk:
                operation = {"method": method, "path": path, "data": body, "version": version}
                (result,) = bulk(idp, {name: value for name, value in operation.items() if value})
                assert result["status"] == str(status)
            else:
                answer = idp.send(method, path, body, **({"if_match": version} if version else {}))
                assert answer.status_code == status
            assert reached(idp) == before


def test_of_many_requests_the_latest_counts_whichever_process_writes_first(idp: Idp) -> None:
    only = connections.default_connection(idp.organization.pk)
    key = dialects.current().spell_id
    now = timezone.now()

    def keep(minutes: int, failed: bool) -> None:
        request_id = f"00000000-0000-7000-8000-{minutes:012}"
        place = key(only.organization_id), key(only.pk), Step.LIST, failed, now + timedelta(minutes=minutes)
        setup_steps.keep([StepOutcome(*place, request_id, *((500, "unexpected") if failed else ()))], key=key)

    for minutes, failed in ((5, False), (3, False), (4, True), (2, True)):
        keep(minutes, failed)
    setup_step = setup_steps.of(only)[Step.LIST]
    assert setup_step.done_at == now + timedelta(minutes=5)
    assert setup_step.failed_at == now + timedelta(minutes=4)
    assert outcome(setup_step) == "done"
    keep(6, True)
    assert outcome(setup_steps.of(only)[Step.LIST]) == "500 unexpected"


def test_the_checklist_is_one_query_however_long_the_log_is(idp: Idp) -> None:
    only = connections.default_connection(idp.organization.pk)
    idp.create()
    for number in range(10):
        idp.get("/Users")
        idp.get("/Groups")
        idp.send("DELETE", f"/Users/{number}")
        idp.send("POST", "/Users", {})
    assert len(idp.log()) > 4 * len(Step)
    with CaptureQueriesContext(connection) as queries:
        found = setup_steps.of(only)
    assert len(queries) == 1
    assert set(found) == {Step.LIST, Step.GROUPS_READ, Step.CREATE, Step.ADDRESS, Step.REQUEST}


# Whose fault it is


@pytest.mark.parametrize("header", ["", "Basic x", "Bearer smgr_mistyped"])
def test_a_mistyped_token_is_the_connections_failure_before_one_has_worked(header: str, idp: Idp) -> None:
    untried(idp).http.get(f"{idp.base}/Users", headers={"authorization": header})
    assert reached(idp)["list"].startswith("401 token-")


def test_another_organizations_token_is_too(idp: Idp, anonymous: Idp) -> None:
    untried(idp).send("GET", "/Users", authorization=f"Bearer {anonymous.token}")
    assert reached(idp) == {"list": "401 token-of-another-organization"}
    assert reached(anonymous) == {}


def test_once_a_token_has_worked_strangers_change_nothing(idp: Idp) -> None:
    idp.get("/Users")
    before = reached(idp)
    for _ in range(5):
        idp.send("GET", "/Users", authorization="Bearer smgr_junk")
        idp.send("DELETE", "/Users/x", authorization="Bearer smgr_junk")
    assert reached(idp) == before == {"list": "done"}


def test_junk_in_the_same_batch_as_the_first_success_changes_nothing(idp: Idp) -> None:
    idp.send("DELETE", "/Users/x", authorization="Bearer smgr_junk")
    untried(idp).get("/Users")
    assert reached(idp) == {"list": "done"}


def test_without_a_live_token_nobody_is_expected(idp: Idp) -> None:
    Token.objects.update(revoked_at=timezone.now())
    idp.send("GET", "/Users", authorization="Bearer smgr_junk")
    assert reached(idp) == {}


def test_with_two_connections_nobody_knows_whose_a_mistyped_token_is(idp: Idp) -> None:
    second = connections.add("Okta", IdentityProvider.OKTA, by=by(idp))
    connections.generate_token(second, by=by(idp))
    untried(idp).send("GET", "/Users", authorization="Bearer smgr_mistyped")
    writer.flush()
    assert not SetupStep.objects.exists()


@pytest.mark.parametrize("ended", ["revoked", "expired"])
def test_a_token_that_has_ended_counts_for_its_connection_while_no_other_works(ended: str, idp: Idp) -> None:
    now = timezone.now() - timedelta(seconds=1)
    Token.objects.update(**({"revoked_at": now} if ended == "revoked" else {"expires_at": now}))
    idp.get("/Users")
    assert reached(idp) == {"list": f"401 token-{ended}"}
    _, text = connections.generate_token(connections.default_connection(idp.organization.pk), by=by(idp))
    idp.send("GET", "/Users", authorization=f"Bearer {text}")
    idp.get("/Users")
    assert reached(idp) == {"list": "done"}


def test_while_scim_is_off_every_step_fails_for_that(idp: Idp) -> None:
    idp.get("/Users")
    Connection.objects.update(enabled=False)
    idp.get("/Users")
    assert reached(idp) == {"list": "401 scim-off"}


def test_each_connection_has_its_own_steps(idp: Idp) -> None:
    first = connections.default_connection(idp.organization.pk)
    second = connections.add("Okta", IdentityProvider.OKTA, by=by(idp))
    _, text = connections.generate_token(second, by=by(idp))
    connections.set_enabled(second, True, by=by(idp))
    idp.get("/Users")
    idp.send("GET", "/Groups", authorization=f"Bearer {text}")
    writer.flush()
    assert set(setup_steps.of(first)) == {Step.LIST, Step.ADDRESS, Step.REQUEST}
    assert set(setup_steps.of(second)) == {Step.GROUPS_READ, Step.ADDRESS, Step.REQUEST}


# The address


@pytest.mark.parametrize(
    ("base_url", "headers", "seen"),
    [
        ("http://testserver", {}, None),
        ("http://testserver:80", {}, None),
        ("https://testserver", {}, "http://testserver"),
        ("http://other.example", {}, "http://testserver"),
    ],
)
def test_it_is_kept_whether_requests_come_by_the_address_that_we_print(
    base_url: str, headers: dict[str, str], seen: str | None, idp: Idp
) -> None:
    with override_settings(BASE_URL=base_url):
        idp.get("/Users")
        writer.flush()
    setup_step = setup_steps.of(connections.default_connection(idp.organization.pk))[Step.ADDRESS]
    assert (setup_step.done_at is None) is (seen is not None)
    assert setup_step.failed_result == (seen or "")


def test_who_is_not_let_in_says_nothing_about_the_address(idp: Idp) -> None:
    idp.send("GET", "/Users", authorization="Bearer smgr_junk")
    writer.flush()
    assert not SetupStep.objects.filter(step=Step.ADDRESS).exists()


@pytest.mark.django_db(transaction=True)
def test_a_batch_that_is_tried_again_keeps_its_milestones(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = open_acme()
    idp = Idp(opened.organization, opened.bearer_token or "")
    keep, tries = setup_steps.keep, []

    def fails_once(*arguments: Any, **options: Any) -> None:
        tries.append(1)
        if len(tries) == 1:
            raise RuntimeError("once")
        keep(*arguments, **options)

    monkeypatch.setattr(setup_steps, "keep", fails_once)
    idp.get("/Users")
    assert reached(idp) == {"list": "done"}
    assert len(idp.log()) == 1
