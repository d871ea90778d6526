"""Additional logging keeps headers and bodies, masked, for as long as it is on, and costs nothing while it is off."""

import gzip
import json
import time
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit.actions import Action
from audit.models import AuditEvent
from core.actors import Actor, Channel
from organizations.models import FormerSlug
from provisioning.models import BodyKept, Connection, IdentityProvider, RequestDetail, RequestLog
from provisioning.services.connections import connections
from provisioning.services.request_log import additional_logging, logged_exchanges, writer
from tests.identity_provider import Idp

SECRET = "hunter2~Zq9"


def actor(idp: Idp) -> Actor:
    return Actor(idp.organization.pk, "Ada Moreau", Channel.PAGE)


def default(idp: Idp) -> Connection:
    return connections.default_connection(idp.organization.pk)


def turn_on(idp: Idp, connection: Connection | None = None) -> None:
    additional_logging.turn_on(connection or default(idp), by=actor(idp))
    additional_logging.look_again()


def kept(idp: Idp) -> list[RequestDetail]:
    """What was kept, oldest first."""
    idp.log()
    return list(RequestDetail.objects.of(idp.organization.pk).order_by("pk"))


def actions(idp: Idp) -> list[str]:
    events = AuditEvent.objects.of(idp.organization.pk).filter(action__startswith="scim.logging").order_by("pk")
    return [event.action for event in events]


def test_it_is_off_by_default_and_then_nothing_more_is_kept(idp: Idp) -> None:
    idp.create()
    idp.get("/Users")
    assert kept(idp) == []


def test_while_it_is_on_headers_and_bodies_of_both_sides_are_kept(idp: Idp) -> None:
    turn_on(idp)
    idp.send("POST", "/Users", {"userName": "ada@acme.example"}, user_agent="Okta 1.0", accept_encoding="gzip")
    (detail,) = kept(idp)
    (row,) = idp.log()
    assert detail.pk == row.pk
    assert "User-Agent: Okta 1.0" in detail.sent_headers.splitlines()
    assert "Authorization: Bearer ***" in detail.sent_headers.splitlines()
    assert json.loads(detail.sent_body) == {"userName": "ada@acme.example"}
    assert f"X-Request-Id: {row.request_id}" in detail.answer_headers.splitlines()
    assert json.loads(detail.answer_body)["userName"] == "ada@acme.example"
    assert (detail.sent_kept, detail.answer_kept) == (BodyKept.WHOLE, BodyKept.WHOLE)
    assert detail.sent_size == len('{"userName": "ada@acme.example"}')


def test_no_secret_is_kept_on_either_side(idp: Idp) -> None:
    turn_on(idp)
    user = idp.create(password=SECRET, apiKey=SECRET)
    idp.patch(user["id"], {"op": "replace", "path": "password", "value": SECRET}, cookie=f"session={SECRET}")
    idp.patch(user["id"], {"op": "replace", "value": {"urn:ietf:params:scim:schemas:core:2.0:User:password": SECRET}})
    operation = {"method": "POST", "path": "/Users", "data": {"userName": "bo@acme.example", "password": SECRET}}
    idp.send("POST", "/Bulk", {"schemas": [], "Operations": [operation]})
    idp.get("/Users", {"filter": f'password eq "{SECRET}"'})
    idp.send("POST", "/.search", {"filter": f'userName eq "x" and password eq "{SECRET}"'})
    idp.send("POST", "/Users", b'{"password": "' + SECRET.encode())
    idp.http.get(f"{idp.base}/Users", {"token": SECRET}, headers={"authorization": f"Bearer {SECRET}"})
    assert len(kept(idp)) == 8
    everything = json.dumps([*RequestDetail.objects.values(), *RequestLog.objects.values()], default=str)
    assert SECRET not in everything
    assert idp.token.removeprefix("smgr_")[:12] not in everything


def test_the_log_itself_holds_no_secret_of_a_filter_while_it_is_off(idp: Idp) -> None:
    idp.get("/Users", {"filter": f'userName eq "ada@acme.example" and password eq "{SECRET}"'})
    idp.get(f"/Users/password={SECRET}")
    rows = json.dumps(list(RequestLog.objects.of(idp.organization.pk).values()), default=str)
    assert SECRET not in rows + json.dumps([row.query + row.path + row.result for row in idp.log()])


def test_what_the_settings_name_is_masked_without_regard_to_case(idp: Idp, settings: Any) -> None:
    settings.SCIM_SENSITIVE = ["COSTCENTER"]
    turn_on(idp)
    enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
    idp.create(**{enterprise: {"costCenter": SECRET, "department": "Tools"}})
    (detail,) = kept(idp)
    assert SECRET not in detail.sent_body + detail.answer_body
    assert '"department": "Tools"' in detail.sent_body
    assert '"department": "Tools"' in detail.answer_body


def test_who_is_refused_for_the_token_is_kept_too(idp: Idp) -> None:
    turn_on(idp)
    Idp(idp.organization, "smgr_mistyped").send("POST", "/Users", {"userName": SECRET})
    (detail,) = kept(idp)
    assert detail.sent_body == ""
    assert detail.sent_kept == BodyKept.NOT_READ
    assert '"status": "401"' in detail.answer_body
    assert "mistyped" not in detail.sent_headers


def test_packed_bodies_are_kept_unpacked(idp: Idp) -> None:
    turn_on(idp)
    idp.send("POST", "/Users", gzip.compress(b'{"userName": "ada@acme.example"}'), content_encoding="gzip")
    (detail,) = kept(idp)
    assert json.loads(detail.sent_body) == {"userName": "ada@acme.example"}


def test_a_long_body_is_cut_off_and_a_huge_one_told_of(idp: Idp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logged_exchanges, "LONGEST_BODY", 50)
    monkeypatch.setattr(logged_exchanges, "LONGEST_MASKED", 400)
    turn_on(idp)
    idp.send("POST", "/Users", {"userName": "ada@acme.example", "title": "x" * 100})
    idp.send("POST", "/Users", {"userName": "bo@acme.example", "title": "x" * 1000})
    cut, huge = kept(idp)
    assert (len(cut.sent_body), cut.sent_kept) == (50, BodyKept.CUT)
    assert (huge.sent_body, huge.sent_kept) == ("", BodyKept.TOO_LARGE)
    assert huge.sent_size > 1000


def test_what_waits_for_the_writer_is_bounded_in_bytes(idp: Idp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logged_exchanges, "MOST_WAITING", 300)
    turn_on(idp)
    for _ in range(3):
        idp.send("POST", "/Users", {"userName": "nobody@elsewhere.example", "title": "x" * 100})
    found = kept(idp)
    assert [detail.sent_kept for detail in found] == [BodyKept.CROWDED] * 3
    assert [detail.answer_headers != "" for detail in found] == [True] * 3
    monkeypatch.setattr(logged_exchanges, "MOST_WAITING", 10_000)
    for _ in range(50):
        idp.get("/Nope")
        assert kept(idp)[-1].answer_kept == BodyKept.WHOLE
    assert logged_exchanges.waiting._bytes == 0


def test_a_length_that_no_column_holds_is_no_fault(idp: Idp) -> None:
    turn_on(idp)
    idp.http.generic(
        "POST", f"{idp.base}/Users", headers={"authorization": f"Bearer {idp.token}"}, CONTENT_LENGTH="9" * 15
    )
    assert len(kept(idp)) == 1


def test_one_that_can_not_be_masked_costs_the_others_nothing(idp: Idp, monkeypatch: pytest.MonkeyPatch) -> None:
    turn_on(idp)

    def fail(*_arguments: Any) -> None:
        raise RuntimeError(SECRET)

    idp.get("/Users")
    with monkeypatch.context() as patched:
        patched.setattr(logged_exchanges, "_detail", fail)
        assert len(idp.log()) == 1
    assert kept(idp) == []


def test_it_ends_by_itself_whether_or_not_the_database_answers(idp: Idp, monkeypatch: pytest.MonkeyPatch) -> None:
    turn_on(idp)
    day_after = timezone.now() + timedelta(hours=25)
    with monkeypatch.context() as patched:
        patched.setattr(timezone, "now", lambda: day_after)
        assert not additional_logging.is_on_at("acme")
    assert additional_logging.is_on_at("acme")


def test_that_it_ended_by_itself_is_in_the_audit_trail_once(idp: Idp) -> None:
    turn_on(idp)
    Connection.objects.update(details_until=timezone.now() - timedelta(seconds=1))
    additional_logging.look_again()
    additional_logging.look_again()
    idp.get("/Users")
    assert kept(idp) == []
    assert actions(idp) == [Action.SCIM_LOGGING_STARTED, Action.SCIM_LOGGING_ENDED]
    assert default(idp).details_until is None


def test_turning_it_on_prolonging_and_turning_it_off_are_audited(idp: Idp) -> None:
    turn_on(idp)
    turn_on(idp)
    Connection.objects.update(details_until=timezone.now() + timedelta(hours=1))
    turn_on(idp)
    until = default(idp).details_until
    assert until is not None
    assert until > timezone.now() + timedelta(hours=23)
    additional_logging.turn_off(default(idp), by=actor(idp))
    additional_logging.turn_off(default(idp), by=actor(idp))
    additional_logging.look_again()
    idp.get("/Users")
    assert kept(idp) == []
    assert actions(idp) == [
        Action.SCIM_LOGGING_STARTED,
        Action.SCIM_LOGGING_PROLONGED,
        Action.SCIM_LOGGING_STOPPED,
    ]


def test_requests_of_another_connection_are_not_kept(idp: Idp) -> None:
    okta = connections.add("Okta", IdentityProvider.OKTA, by=actor(idp))
    _, text = connections.generate_token(okta, by=actor(idp))
    connections.set_enabled(okta, True, by=actor(idp))
    turn_on(idp, okta)
    idp.get("/Users")
    assert kept(idp) == []
    Idp(idp.organization, text).get("/Users")
    assert len(kept(idp)) == 1


def test_one_that_is_removed_ends_its_logging(idp: Idp) -> None:
    okta = connections.add("Okta", IdentityProvider.OKTA, by=actor(idp))
    turn_on(idp, okta)
    connections.remove(okta, replacement=None, by=actor(idp))
    additional_logging.look_again()
    assert not additional_logging.is_on_at("acme")
    assert actions(idp)[-1] == Action.SCIM_LOGGING_ENDED


def test_another_organizations_requests_are_not_kept(idp: Idp, anonymous: Idp) -> None:
    turn_on(idp)
    anonymous.get("/Users")
    assert kept(anonymous) == []


def test_requests_at_the_former_slug_are_kept(idp: Idp) -> None:
    FormerSlug.objects.create(organization=idp.organization, slug="acme-old", until=timezone.now() + timedelta(days=1))
    turn_on(idp)
    idp.http.get("/scim/acme-old/v2/Users", headers={"authorization": f"Bearer {idp.token}"})
    assert len(kept(idp)) == 1


def test_the_path_of_a_request_asks_the_database_no_more_while_it_is_off_or_on(idp: Idp) -> None:
    user = idp.create()

    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            idp.get(f"/Users/{user['id']}")
        return len(captured)

    before = statements()
    turn_on(idp)
    assert statements() == before


def test_looking_where_it_is_on_is_one_statement_while_it_is_nowhere(idp: Idp) -> None:
    with CaptureQueriesContext(connection) as captured:
        additional_logging.look_again()
    assert len(captured) == 1


def test_a_database_that_stays_away_changes_nothing_of_what_is_known(idp: Idp, monkeypatch: pytest.MonkeyPatch) -> None:
    turn_on(idp)

    def fail() -> None:
        raise OperationalError("database is locked")

    with monkeypatch.context() as patched:
        patched.setattr(additional_logging, "look_again", fail)
        patched.setattr(connection, "close", lambda: None)
        additional_logging.look_again_or_go_on()
    assert additional_logging.is_on_at("acme")


def test_a_process_that_has_served_nothing_keeps_its_first_request(idp: Idp) -> None:
    turn_on(idp)
    additional_logging._watched = None
    idp.get("/Users")
    assert len(kept(idp)) == 1


def test_of_an_organization_only_the_newest_are_kept(idp: Idp, settings: Any) -> None:
    settings.SCIM_DETAIL_ROWS = 3
    turn_on(idp)
    for _ in range(5):
        idp.get("/Users")
    newest = [row.pk for row in idp.log()[-3:]]
    assert [detail.pk for detail in kept(idp)] == newest


def test_requests_without_a_token_of_the_organization_push_none_of_the_others_out(idp: Idp, settings: Any) -> None:
    settings.SCIM_DETAIL_ROWS = 20
    turn_on(idp)
    for _ in range(5):
        idp.get("/Users")
    for _ in range(30):
        idp.http.get(idp.base + "/Users")
    idp.log()
    assert [detail.is_anonymous for detail in kept(idp)] == [False] * 5 + [True] * 2


def test_they_go_with_the_log_and_after_some_days_before_it(idp: Idp, settings: Any) -> None:
    turn_on(idp)
    for _ in range(3):
        idp.get("/Users")
    assert len(kept(idp)) == 3
    settings.SCIM_LOG_ROWS = 2
    call_command("prune_request_log")
    assert len(kept(idp)) == 2
    settings.SCIM_DETAIL_DAYS = 0
    call_command("prune_request_log")
    assert kept(idp) == []
    assert RequestLog.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_the_thread_that_writes_the_log_learns_where_it_is_on(idp: Idp, settings: Any) -> None:
    settings.SCIM_LOG_INTERVAL = 0.05
    Connection.objects.update(details_until=timezone.now() + timedelta(hours=1))
    try:
        idp.get("/Users")
        assert _eventually(lambda: additional_logging.is_on_at("acme"))
        idp.get("/Users")
        assert _eventually(lambda: RequestDetail.objects.count() == 1)
    finally:
        writer.stop()


def _eventually(happened: Any) -> bool:
    deadline = time.monotonic() + 10
    while not happened() and time.monotonic() < deadline:
        time.sleep(0.05)
    return bool(happened())
