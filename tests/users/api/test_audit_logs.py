"""GET /api/audit/v1/logs: whom it is open to, what it gives, and that following it loses and repeats nothing."""

import json
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from django.db import OperationalError, connection, transaction
from django.test import Client
from django.utils import timezone

import domains.services
from audit.actions import Action
from audit.models import AuditEvent
from audit.services import stream, trail
from core.actors import Actor, Channel
from domains.models import Domain
from tests.tenants import Tenant
from users.models import PersonalToken, User
from users.permissions import BuiltIn
from users.services import accounts, personal_tokens
from users.services.personal_tokens import TokenScope

pytestmark = pytest.mark.django_db

LOGS = "/api/audit/v1/logs"
BOTH_ROLES_THAT_MAY = (BuiltIn.ADMIN, BuiltIn.READ_ONLY)


@pytest.fixture
def ada(acme: Tenant) -> User:
    return acme.add("ada", BuiltIn.ADMIN)


@pytest.fixture
def api(acme: Tenant, ada: User) -> "Api":
    return api_of(acme, ada)


class Api:
    """A program that reads an audit log."""

    def __init__(self, token: str) -> None:
        self.client = Client(headers={"Authorization": f"Bearer {token}"})

    def ask(self, **parameters: Any) -> Any:
        return self.client.get(LOGS, parameters)

    def read(self, **parameters: Any) -> dict[str, Any]:
        answer = self.ask(**parameters)
        assert answer.status_code == 200, answer.content
        found: dict[str, Any] = answer.json()
        return found

    def walk(self, **parameters: Any) -> Iterator[dict[str, Any]]:
        """All events that are there, by as many requests as that takes."""
        more: dict[str, Any] = {}
        while True:
            page = self.read(**parameters, **more)
            yield from page["logs"]
            more = {"cursor": page["next"]}
            if not page["has_more"]:
                return


def api_of(tenant: Tenant, user: User, *scopes: TokenScope) -> Api:
    return Api(personal_tokens.make(user.pk, "SIEM", scopes or (TokenScope.READ_AUDIT_LOG,), by=tenant.by)[1])


def note(tenant: Tenant, label: str, action: Action = Action.DOMAIN_ADDED, by: Actor | None = None) -> None:
    """Write an event about a domain of that name."""
    trail.record(action, Domain(name=label), {"verified": [None, True]}, by=by or tenant.by)


def labels(events: Any) -> list[str]:
    return [event["target"]["label"] for event in events]


# What it gives


def test_an_event_has_everything_that_the_page_shows(acme: Tenant, api: Api) -> None:
    start = api.read()["next"]
    domain = domains.services.add("labs.example", verified=True, by=acme.by)
    event = AuditEvent.objects.of(acme.id).first()
    assert event is not None
    assert api.read(cursor=start)["logs"] == [
        {
            "id": str(event.pk),
            "time": event.created_at.isoformat().replace("+00:00", "Z"),
            "action": "domain.added",
            "text": "Ada Moreau added the domain labs.example",
            "channel": "page",
            "actor": {"id": None, "label": "Ada Moreau", "address": "192.0.2.10"},
            "target": {"type": "domain", "id": str(domain.pk), "label": "labs.example"},
            "changes": {"verified": [None, True]},
            "request_id": "r-1",
        }
    ]


def test_the_oldest_comes_first_and_the_cursor_goes_on_for_ever(acme: Tenant, api: Api) -> None:
    everything = [str(event.pk) for event in AuditEvent.objects.of(acme.id).order_by("id")]
    assert [event["id"] for event in api.walk(limit=2)] == everything
    cursor = api.read(limit=1000)["next"]
    assert api.read(cursor=cursor) == {"logs": [], "next": cursor, "has_more": False}
    note(acme, "a.example")
    note(acme, "b.example")
    page = api.read(cursor=cursor, limit=1)
    assert (labels(page["logs"]), page["has_more"]) == (["a.example"], True)
    page = api.read(cursor=page["next"], limit=1)
    assert (labels(page["logs"]), page["has_more"]) == (["b.example"], False)


def test_the_limit_is_a_hundred_unless_told(acme: Tenant, api: Api) -> None:
    for number in range(120):
        note(acme, f"{number}.example")
    page = api.read()
    assert (len(page["logs"]), page["has_more"]) == (100, True)
    assert len(api.read(limit=1000)["logs"]) == AuditEvent.objects.of(acme.id).count()


def test_a_plain_date_means_the_whole_day_where_the_organization_is(acme: Tenant, api: Api) -> None:
    acme.organization.time_zone = "Pacific/Kiritimati"
    acme.organization.save()
    note(acme, "labs.example")
    at = AuditEvent.objects.of(acme.id)[0].created_at
    today = at.astimezone(ZoneInfo("Pacific/Kiritimati")).date()
    assert labels(api.walk(until=today.isoformat()))[-1] == "labs.example"
    assert list(api.walk(until=(today - timedelta(days=1)).isoformat())) == []
    for no_day in ("2026-02-30", "9999-12-31", "0001-01-01"):
        assert problem(api.ask(until=no_day))[0] == 400


def test_times_cut_out_a_stretch(acme: Tenant, api: Api) -> None:
    note(acme, "early.example")
    first = AuditEvent.objects.of(acme.id)[0].created_at
    note(acme, "late.example")
    second = AuditEvent.objects.of(acme.id)[0].created_at
    assert first < second
    assert labels(api.walk(since=second.isoformat())) == ["late.example"]
    assert labels(api.walk(since=first.isoformat(), until=second.isoformat())) == ["early.example"]
    in_india = second.astimezone(timezone.get_fixed_timezone(330)).isoformat()
    assert labels(api.walk(since=in_india)) == ["late.example"]
    assert list(api.walk(since="2999-01-01T00:00:00Z")) == []
    assert list(api.walk(until="1999-01-01T00:00:00.5z")) == []
    # What a client sends that does not encode the plus sign.
    answer = api.client.get(f"{LOGS}?since={second.isoformat()}")
    assert labels(answer.json()["logs"]) == ["late.example"]


def test_a_filter_takes_actions_actors_and_targets(acme: Tenant, api: Api, ada: User) -> None:
    by_ada = Actor(acme.id, "ada@acme.example", Channel.PAGE, user_id=ada.pk)
    note(acme, "one.example", by=by_ada)
    note(acme, "two.example", Action.DOMAIN_REMOVED)
    two = AuditEvent.objects.of(acme.id)[0].target_id
    assert labels(api.walk(filter="action=domain.removed")) == ["two.example"]
    assert labels(api.walk(filter="action=domain.removed, action=domain.added", since=_started(api))) == [
        "acme.example",
        "one.example",
        "two.example",
    ]
    assert {event["action"].partition(".")[0] for event in api.walk(filter="action=domain.*")} == {"domain"}
    assert labels(api.walk(filter=f"actor={ada.pk}")) == ["one.example"]
    assert labels(api.walk(filter=f"action=domain.*,actor={ada.pk},actor=Ada Moreau"))[-2:] == [
        "one.example",
        "two.example",
    ]
    assert labels(api.walk(filter=f"target={two}")) == ["two.example"]
    assert labels(api.walk(filter=f"target={two},action=domain.added")) == []


def _started(api: Api) -> str:
    started: str = api.read(limit=1)["logs"][0]["time"]
    return started


def test_a_filter_that_nothing_fits_moves_on_all_the_same(acme: Tenant, api: Api) -> None:
    start = api.read(filter="action=group.*")
    assert start["logs"] == []
    note(acme, "a.example")
    # Without the filter from there on: what came before is not looked at again.
    assert labels(api.read(cursor=start["next"])["logs"]) == ["a.example"]


# Following it while others write


def test_an_event_is_held_back_for_as_long_as_clocks_may_differ(
    acme: Tenant, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    cursor = api.read(limit=1000)["next"]
    note(acme, "a.example")
    monkeypatch.setattr(stream, "DELAY", timedelta(hours=1))
    assert api.read(cursor=cursor) == {"logs": [], "next": cursor, "has_more": False}
    monkeypatch.setattr(stream, "DELAY", timedelta(milliseconds=-1000))
    assert labels(api.read(cursor=cursor)["logs"]) == ["a.example"]


def test_without_any_settled_event_the_cursor_stays_at_the_beginning(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "DELAY", timedelta(days=1))
    nothing = api.read()
    assert nothing["logs"] == []
    monkeypatch.setattr(stream, "DELAY", timedelta(milliseconds=-1000))
    assert api.read(cursor=nothing["next"], limit=1)["logs"] == api.read(limit=1)["logs"]


@pytest.mark.django_db(transaction=True)
def test_an_event_that_was_begun_first_and_ends_last_is_not_passed_by(
    acme: Tenant, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first writer is still under way when the second has ended, and is asked about meanwhile."""
    monkeypatch.setattr(stream, "DELAY", timedelta(0))
    cursor = settled_to_the_end(acme, api)
    written, may_end = threading.Event(), threading.Event()

    def slow() -> None:
        try:
            with transaction.atomic():
                note(acme, "slow.example")
                written.set()
                may_end.wait(20)
        finally:
            connection.close()

    def quick() -> None:
        try:
            with transaction.atomic():
                note(acme, "quick.example")
        finally:
            connection.close()

    first, second = threading.Thread(target=slow), threading.Thread(target=quick)
    first.start()
    assert written.wait(20)
    second.start()
    if connection.vendor == "postgresql":
        second.join(20)  # on SQLite it waits for the first
    page = api.read(cursor=cursor)
    assert page["logs"] == []
    may_end.set()
    first.join(20)
    second.join(20)
    assert follow(api, page["next"], 2) == ["slow.example", "quick.example"]


@pytest.mark.django_db(transaction=True)
def test_who_follows_many_writers_gets_every_event_once(
    acme: Tenant, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "DELAY", timedelta(seconds=2))
    cursor = settled_to_the_end(acme, api)

    def write(writer: int) -> None:
        try:
            for number in range(10):
                with transaction.atomic():
                    note(acme, f"{writer}-{number}-a.example")
                    note(acme, f"{writer}-{number}-b.example")
        finally:
            connection.close()

    writers = [threading.Thread(target=write, args=[writer]) for writer in range(4)]
    for writer in writers:
        writer.start()
    got = follow(api, cursor, 80, limit=7)
    for writer in writers:
        writer.join(20)
    assert sorted(got) == sorted(f"{w}-{n}-{part}.example" for w in range(4) for n in range(10) for part in "ab")


def settled_to_the_end(tenant: Tenant, api: Api) -> str:
    """A cursor behind everything that is there by now."""
    newest = str(AuditEvent.objects.of(tenant.id)[0].pk)
    for _ in until_it_would_be_lost():
        page = api.read(limit=1000)
        if page["logs"] and page["logs"][-1]["id"] == newest:
            return str(page["next"])
    raise AssertionError("The newest event never came.")


def until_it_would_be_lost() -> Iterator[None]:
    """Turns for something that must happen soon, and is given a minute."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        yield


def follow(api: Api, cursor: str, count: int, **parameters: Any) -> list[str]:
    """What comes after a cursor, asked for again and again until that many events have come, and once more."""
    got: list[str] = []
    for _ in until_it_would_be_lost():
        if len(got) >= count:
            break
        page = api.read(cursor=cursor, **parameters)
        got += labels(page["logs"])
        cursor = page["next"]
    return got + labels(api.read(cursor=cursor)["logs"])


# Whom it is open to


@pytest.mark.parametrize("role", BuiltIn)
def test_the_persons_role_decides(role: BuiltIn, acme: Tenant) -> None:
    answer = api_of(acme, acme.add("pat", role)).ask()
    assert answer.status_code == (200 if role in BOTH_ROLES_THAT_MAY else 403)
    if role not in BOTH_ROLES_THAT_MAY:
        assert problem(answer) == (
            403,
            "The role of pat@acme.example does not allow this. Ask an Admin of the organization.",
        )


def test_the_token_needs_the_scope(acme: Tenant, ada: User) -> None:
    answer = api_of(acme, ada, TokenScope.READ_ME, TokenScope.WRITE_ME).ask()
    assert problem(answer) == (403, "This personal token lacks the scope audit.read. Make one that has it.")
    assert 'error="insufficient_scope", scope="audit.read"' in answer.headers["WWW-Authenticate"]


def test_whatever_is_wrong_with_a_token_the_answer_is_the_same(acme: Tenant, ada: User, api: Api) -> None:
    assert api.ask().status_code == 200
    answers = [Client().get(LOGS), Client(headers={"Authorization": "Basic YTpi"}).get(LOGS), Api("smgp_unknown").ask()]
    for spoil in (
        lambda: PersonalToken.objects.update(revoked_at=timezone.now()),
        lambda: PersonalToken.objects.update(revoked_at=None, expires_at=timezone.now() - timedelta(seconds=1)),
        lambda: (
            PersonalToken.objects.update(expires_at=None) and User.objects.filter(pk=ada.pk).update(is_active=False)
        ),
    ):
        spoil()
        answers.append(api.ask())
    User.objects.filter(pk=ada.pk).update(is_active=True)
    assert api.ask().status_code == 200
    assert {problem(answer) for answer in answers} == {
        (401, "The bearer token is missing or not valid. Use a personal token that is neither revoked nor expired.")
    }
    assert all(answer.headers["WWW-Authenticate"].startswith("Bearer ") for answer in answers)


def test_the_right_token_is_told_that_its_organization_is_suspended(acme: Tenant, api: Api) -> None:
    acme.organization.is_active = False
    acme.organization.save()
    status, detail = problem(api.ask())
    assert (status, "This organization is suspended" in detail) == (403, True)
    assert problem(Api("smgp_unknown").ask())[0] == 401


def test_suspending_the_person_ends_the_reading(acme: Tenant, api: Api, ada: User) -> None:
    acme.add("another-admin", BuiltIn.ADMIN)
    acme.update(ada, active=False)
    assert api.ask().status_code == 401
    accounts.delete(accounts.find(ada.pk, organization_id=acme.id), by=acme.by)
    assert api.ask().status_code == 401


def test_a_signed_in_browser_has_no_say_here(acme: Tenant, client: Client, ada: User) -> None:
    client.force_login(ada)
    assert client.get(LOGS).status_code == 401


def test_no_event_of_another_organization_comes_through(acme: Tenant, globex: Tenant, api: Api) -> None:
    foreign = api_of(globex, globex.add("gus", BuiltIn.ADMIN))
    theirs = AuditEvent.objects.of(globex.id)[0]
    assert "globex" not in json.dumps(list(api.walk(limit=1))).lower()
    for parameters in (
        {"cursor": stream.write_cursor(UUID(int=theirs.pk.int - 1))},
        {"cursor": foreign.read(limit=1)["next"]},
        {"filter": f"target={theirs.target_id}"},
        {"filter": f"actor={theirs.actor_label}"},
    ):
        assert "globex" not in json.dumps(api.read(**parameters)).lower()
    assert "acme" not in json.dumps(list(foreign.walk())).lower()


def test_a_request_costs_two_statements(acme: Tenant, api: Api, django_assert_num_queries: Any) -> None:
    api.read()
    for number in range(30):
        note(acme, f"{number}.example")
    with django_assert_num_queries(2):
        assert len(api.read()["logs"]) > 30
    with django_assert_num_queries(2):
        api.read(filter="action=user.*,actor=Nobody", since="2026-01-01T00:00:00Z", until="2999-01-01T00:00:00Z")


def test_when_a_token_was_used_is_kept_and_not_at_every_request(acme: Tenant, api: Api) -> None:
    token = PersonalToken.objects.get()
    assert token.last_used_at is None
    api.client.get(LOGS, headers={"User-Agent": "SIEM/1.0"})
    token.refresh_from_db()
    assert (token.last_used_address, token.last_used_client) == ("127.0.0.1", "SIEM/1.0")
    api.client.get(LOGS, headers={"User-Agent": "other"})
    token.refresh_from_db()
    assert token.last_used_client == "SIEM/1.0"
    PersonalToken.objects.update(last_used_at=timezone.now() - timedelta(minutes=2))
    api.client.get(LOGS, headers={"User-Agent": "other"})
    token.refresh_from_db()
    assert token.last_used_client == "other"


# What makes no sense


def problem(answer: Any) -> tuple[int, str]:
    """Status and detail of an answer that must be a problem (RFC 9457)."""
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Cache-Control"] == "no-store"
    body = answer.json()
    assert set(body) == {"title", "status", "detail"}
    assert body["status"] == answer.status_code
    return answer.status_code, body["detail"]


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"limit": "0"}, "from 1 to 1000"),
        ({"limit": "1001"}, "from 1 to 1000"),
        ({"limit": "-1"}, "from 1 to 1000"),
        ({"limit": "ten"}, "from 1 to 1000"),
        ({"limit": "١"}, "from 1 to 1000"),
        ({"limit": "9" * 5000}, "from 1 to 1000"),
        ({"since": "yesterday"}, "'since' must be a time with its offset"),
        ({"since": "2026-01-01"}, "'since' must be a time with its offset"),
        ({"since": "2026-01-01T00:00:00"}, "'since' must be a time with its offset"),
        ({"until": "2026-02-30T00:00:00Z"}, "'until' must be a time with its offset"),
        ({"until": "0001-01-01T00:00:00+14:00"}, "'until' must be a time with its offset"),
        ({"until": "9999-12-31T23:59:59-14:00"}, "'until' must be a time with its offset"),
        ({"until": "2026-01-01T00:00:00+99:99"}, "'until' must be a time with its offset"),
        ({"cursor": "first"}, "This cursor is none that was given out"),
        ({"cursor": "\x00"}, "This cursor is none that was given out"),
        ({"cursor": "é" * 22}, "This cursor is none that was given out"),
        ({"cursor": "A" * 23}, "This cursor is none that was given out"),
        ({"cursor": "!!AAAAAAAAAAAAAAAAAAAAAA"}, "This cursor is none that was given out"),
        ({"filter": "user.created"}, "Each term of the filter"),
        ({"filter": "action="}, "Each term of the filter"),
        ({"filter": "colour=red"}, "Each term of the filter"),
        ({"filter": "action=user.created,,"}, "Each term of the filter"),
        ({"filter": "target=\x00"}, "Each term of the filter"),
        ({"filter": "action=user.borrowed"}, "'user.borrowed' is no action"),
        ({"filter": "action=*"}, "'*' is no action"),
        ({"filter": ",".join(["target=1"] * 51)}, "at most 50 terms"),
        (
            {"untill": "2026-01-01T00:00:00Z"},
            "There is no parameter 'untill', only since, until, filter, limit, cursor.",
        ),
        ({"limit": ["1", "2"]}, "more than once"),
    ],
)
def test_a_parameter_that_makes_no_sense_is_named(parameters: dict[str, Any], words: str, api: Api) -> None:
    status, detail = problem(api.ask(**parameters))
    assert status == 400
    assert words in detail


def test_an_empty_parameter_is_none(api: Api) -> None:
    assert api.read(since="", until="", filter="", limit="", cursor="") == api.read()


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options"])
def test_the_log_can_only_be_read(method: str, api: Api) -> None:
    answer = getattr(api.client, method)(LOGS)
    assert problem(answer) == (405, "The audit log can only be read: GET.")
    assert answer.headers["Allow"] == "GET, HEAD"


def test_head_is_get_without_the_body(api: Api) -> None:
    answer = api.client.head(LOGS)
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize("address", ["/api/", "/api/audit/v1/", f"{LOGS}/", "/api/audit/v2/logs"])
def test_an_address_that_leads_nowhere_says_so_to_programs(address: str, db: None) -> None:
    assert problem(Client().get(address)) == (404, "There is no such endpoint. See /api/audit/v1/openapi.json.")


def test_faults_are_problems_without_details(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(error: Exception) -> Any:
        def read(*args: Any, **kwargs: Any) -> None:
            raise error

        return read

    monkeypatch.setattr(stream, "read", fail(OperationalError("secret: terminated")))
    answer = api.ask()
    assert problem(answer) == (503, "The database did not answer in time. Try again.")
    assert answer.headers["Retry-After"] == "1"
    monkeypatch.setattr(stream, "read", fail(ZeroDivisionError("secret")))
    assert problem(api.ask()) == (500, "This server has failed. The fault is in its log.")
