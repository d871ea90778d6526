"""How fast tokens, organizations and strangers may go; what they are told, and that it counts as no failure."""

import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from core.turns import TURN
from organizations.models import Organization
from provisioning.models import DepartureAlert, RequestLog, SetupStep, Streak
from provisioning.services import limits
from provisioning.services.connections import connections
from provisioning.services.connections.connections import default_connection
from provisioning.services.limits import Buckets, Limit
from provisioning.services.request_log import pruning, rate_limit, writer
from provisioning.services.request_log.causes import LIMITS
from provisioning.services.request_log.results import TOKEN_FAULTS
from scim.operations import search
from scim.storage import credentials
from scripts.shares import Turn
from tests.identity_provider import JSON, Idp, read
from tests.scim.operations.test_bulk import bulk, make
from tests.scim.operations.test_me import me_of
from users.models import User

pytestmark = pytest.mark.django_db

WHO = ("TOKEN", "ORGANIZATION", "UNAUTHORIZED")


@pytest.fixture(autouse=True)
def low(settings: Any) -> Iterator[None]:
    """Limits that a test can reach: five requests at once, and hardly any more while it runs."""
    for who in WHO:
        setattr(settings, f"SCIM_{who}_RATE", 0.1)
        setattr(settings, f"SCIM_{who}_BURST", 5)
    _fill()
    yield
    # Other tests send from the same address.
    _fill()


def _fill() -> None:
    for limit in (limits.TOKEN, limits.ORGANIZATION, limits.UNAUTHORIZED):
        limit.buckets.clear()


def statuses(idp: Idp, number: int, **headers: str) -> list[int]:
    return [idp.get("/Users", **headers).status_code for _ in range(number)]


def another_token(idp: Idp) -> Idp:
    from core.actors import Actor, Channel

    by = Actor(idp.organization.pk, "Ada", Channel.PAGE)
    _, text = connections.generate_token(default_connection(idp.organization.pk), by=by)
    return Idp(idp.organization, text)


def test_a_token_beyond_its_burst_is_429_and_told_when_to_try_again(idp: Idp, settings: Any) -> None:
    settings.SCIM_ORGANIZATION_RATE = 0
    assert statuses(idp, 5) == [200] * 5
    refused = idp.get("/Users")
    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "10"
    assert refused.headers["Content-Type"] == JSON
    body = read(refused)
    assert body["status"] == "429"
    assert "This token sends more than 0.1 requests a second" in body["detail"]
    assert "Try again in 10 seconds." in body["detail"]


@pytest.mark.parametrize(("rate", "told"), [(1000.0, "1"), (0.2, "5"), (0.001, "30")])
def test_nobody_is_told_to_wait_for_less_than_a_second_or_more_than_thirty(
    rate: float, told: str, idp: Idp, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SCIM_TOKEN_RATE, settings.SCIM_TOKEN_BURST = rate, 1
    monkeypatch.setattr(limits.time, "monotonic", lambda: 5000.0)
    assert statuses(idp, 1) == [200]
    assert idp.get("/Users").headers["Retry-After"] == told


def test_a_bucket_fills_again(idp: Idp, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [5000.0]
    monkeypatch.setattr(limits.time, "monotonic", lambda: now[0])
    assert statuses(idp, 6) == [200] * 5 + [429]
    now[0] += 10
    assert statuses(idp, 2) == [200, 429]
    now[0] += 1000
    assert statuses(idp, 6) == [200] * 5 + [429]


def test_the_tokens_of_an_organization_share_its_bucket(idp: Idp, anonymous: Idp, settings: Any) -> None:
    settings.SCIM_ORGANIZATION_BURST = 7
    second = another_token(idp)
    assert statuses(idp, 5) == [200] * 5
    assert statuses(second, 3) == [200, 200, 429]
    assert "This organization's tokens together" in read(second.get("/Users"))["detail"]
    assert statuses(anonymous, 5) == [200] * 5


def test_peoples_own_tokens_keep_no_identity_provider_out(idp: Idp, settings: Any) -> None:
    settings.SCIM_TOKEN_RATE = 0
    settings.SCIM_ORGANIZATION_BURST = 3
    leaver = User.objects.get(pk=idp.create("leaver@acme.example")["id"])
    programs = [me_of(idp, leaver), me_of(idp, leaver)]
    assert [program.get("/Me").status_code for program in programs * 2] == [200, 200, 200, 429]
    assert "This organization's personal tokens together" in read(programs[0].get("/Me"))["detail"]
    assert [programs[0].get("/Users").status_code for _ in range(6)] == [403] * 6
    assert statuses(idp, 3) == [200, 200, 429]
    assert programs[0].get("/Me").status_code == 429


@pytest.mark.parametrize("is_suspended", [True, False])
def test_whoever_asked_all_through_an_outage_or_a_suspension_owes_nothing_for_that(
    idp: Idp, settings: Any, monkeypatch: pytest.MonkeyPatch, is_suspended: bool
) -> None:
    if is_suspended:
        Organization.objects.update(is_active=False)
    else:
        monkeypatch.setattr(credentials, "_connected", _unavailable)
        monkeypatch.setattr(search, "search", _unavailable)
    assert set(statuses(idp, 30)) == {403 if is_suspended else 503}
    assert limits.TOKEN.wait(_digest(idp)) <= 10, "the next request, at a rate of 0.1"


def _unavailable(*_args: Any, **_more: Any) -> None:
    raise OperationalError("away")


def test_what_was_refused_costs_nothing(idp: Idp, settings: Any) -> None:
    settings.SCIM_TOKEN_BURST = 2
    assert statuses(idp, 12) == [200] * 2 + [429] * 10
    assert statuses(another_token(idp), 2) == [200, 200]


def test_reads_that_fail_cost_like_those_that_succeed(idp: Idp) -> None:
    assert [idp.get("/Users/unknown").status_code for _ in range(6)] == [404] * 5 + [429]


def test_a_bulk_request_costs_one_for_ten_operations(idp: Idp) -> None:
    assert len(bulk(idp, *[make(f"p{number}") for number in range(31)])) == 31  # four of five
    assert statuses(idp, 2) == [200, 429]


def test_a_bulk_request_larger_than_the_burst_is_served_and_owed(idp: Idp, settings: Any) -> None:
    settings.SCIM_TOKEN_BURST = settings.SCIM_ORGANIZATION_BURST = 1
    assert len(bulk(idp, *[make(f"p{number}") for number in range(30)])) == 30
    assert idp.get("/Users").headers["Retry-After"] == "30"


def test_no_limit_is_0(idp: Idp, settings: Any) -> None:
    for who in WHO:
        setattr(settings, f"SCIM_{who}_RATE", 0)
    assert statuses(idp, 12) == [200] * 12
    assert statuses(Idp(idp.organization, "wrong"), 12) == [401] * 12


# Without a valid token


def test_wrong_tokens_beyond_the_limit_of_their_address_are_429(idp: Idp) -> None:
    wrong = Idp(idp.organization, "wrong")
    assert statuses(wrong, 7) == [401] * 5 + [429] * 2
    refused = wrong.get("/Users")
    assert 1 <= int(refused.headers["Retry-After"]) <= 30
    assert read(refused)["detail"].startswith("Too many requests without a valid bearer token come from this address.")


def test_a_valid_token_from_the_same_address_is_always_served(idp: Idp, anonymous: Idp) -> None:
    wrong = Idp(idp.organization, "wrong")
    assert statuses(wrong, 20)[-1] == 429
    assert statuses(idp, 5) == [200] * 5
    assert statuses(anonymous, 5) == [200] * 5


def test_wrong_tokens_take_nothing_of_the_organizations_bucket(idp: Idp) -> None:
    for number in range(20):
        Idp(idp.organization, f"smgr_wrong{number}").get("/Users", x_forwarded_for=f"192.0.2.{number}")
    assert statuses(idp, 5) == [200] * 5


def test_another_organizations_token_takes_nothing_either(idp: Idp, anonymous: Idp) -> None:
    foreign = Idp(idp.organization, anonymous.token)
    assert set(statuses(foreign, 20)) == {401, 429}
    assert statuses(idp, 5) == [200] * 5
    assert statuses(anonymous, 5) == [200] * 5


def test_who_is_over_the_organizations_limit_is_told_so_with_a_valid_token_only(idp: Idp, settings: Any) -> None:
    settings.SCIM_UNAUTHORIZED_RATE = 0
    assert statuses(idp, 6)[-1] == 429
    assert statuses(Idp(idp.organization, "wrong"), 2) == [401, 401]


def test_an_ipv6_network_is_one_address(idp: Idp) -> None:
    http = Client()
    asked = [
        http.get(idp.base + "/Users", REMOTE_ADDR=f"2001:db8:1:1::{number:x}").status_code for number in range(1, 8)
    ]
    assert asked == [401] * 5 + [429] * 2
    assert http.get(idp.base + "/Users", REMOTE_ADDR="2001:db8:1:2::1").status_code == 401


def test_ipv4_addresses_are_told_apart_also_as_a_socket_for_both_kinds_has_them(idp: Idp) -> None:
    http = Client()
    asked = [http.get(idp.base + "/Users", REMOTE_ADDR="::ffff:192.0.2.1").status_code for _ in range(6)]
    assert asked == [401] * 5 + [429]
    assert http.get(idp.base + "/Users", REMOTE_ADDR="::ffff:192.0.2.2").status_code == 401
    writer.flush()
    assert set(RequestLog.objects.values_list("address", flat=True)) == {"192.0.2.1", "192.0.2.2"}


def test_little_is_kept_of_what_a_stranger_sends(idp: Idp) -> None:
    asked = " or ".join(f'userName eq "somebody-{number:03}@acme.example"' for number in range(120))
    for client in (idp, Idp(idp.organization, "wrong")):
        client.get("/Users", {"filter": asked})
        client.get("/Users/" + "x" * 1900)
    writer.flush()
    own, other, foreign, nowhere = RequestLog.objects.order_by("pk")
    assert len(own.query) > 5000
    assert len(other.path) > 1900
    assert len(foreign.query) == len(nowhere.path) == 500
    names = [row.subject_key.split("\n")[2:-1] for row in (own, foreign)]
    assert [len(each) for each in names] == [8, 2]
    assert names[1] == names[0][:2]


def test_limits_are_of_scim_only(idp: Idp) -> None:
    assert statuses(Idp(idp.organization, "wrong"), 8)[-1] == 429
    assert statuses(idp, 8)[-1] == 429
    for address in ("/livez", "/readyz", "/sign-in/acme/"):
        assert {Client().get(address).status_code for _ in range(8)} == {200}


# What the log says, and what it counts for


def test_the_log_says_who_was_limited_and_counts_the_rest(idp: Idp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "_minute", lambda _started: 7)
    monkeypatch.setattr(writer, "PER_LIMITED_TOKEN", 2)
    statuses(idp, 10)
    rows = idp.log()
    assert [(row.status, row.cause, row.more) for row in rows[5:]] == [
        (429, "token-limit", 0),
        (429, "token-limit", 3),
    ]
    assert rows[5].result == (
        "Refused for now: the token sends more than 0.1 requests a second, after the first 5. Its identity provider "
        "was told to try again in 10 seconds."
    )
    assert rows[5].token is not None


def test_strangers_that_are_limited_are_logged_by_their_address(idp: Idp) -> None:
    statuses(Idp(idp.organization, "wrong"), 7)
    row = idp.log()[-1]
    assert (row.status, row.cause, row.token_label) == (429, "unauthorized-limit", "no valid token")
    assert row.result.startswith("Refused: 127.0.0.1 sends too many requests without a valid token.")


def test_the_limit_of_an_address_is_logged_where_its_other_rows_are_used_up(
    idp: Idp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "_minute", lambda _started: 7)
    monkeypatch.setattr(rate_limit, "PER_ADDRESS", 4)
    monkeypatch.setattr(rate_limit, "PER_LIMITED_ADDRESS", 2)
    statuses(Idp(idp.organization, "wrong"), 9)
    assert [(row.status, row.more) for row in idp.log()] == [(401, 0)] * 3 + [(401, 1)] + [(429, 0), (429, 2)]


def test_a_limit_is_no_failed_step_of_the_set_up(idp: Idp) -> None:
    statuses(idp, 5)
    idp.log()
    before = {(each.step, each.done_at, each.failed_at) for each in SetupStep.objects.all()}
    assert {failed for _step, _done, failed in before} == {None}
    ada = "/Users/01899a3c-0000-7000-8000-000000000000"
    assert {idp.send(*asked).status_code for asked in (("DELETE", ada), ("POST", "/Users"), ("GET", "/Groups"))} == {
        429
    }
    idp.log()
    assert {(each.step, each.done_at, each.failed_at) for each in SetupStep.objects.all()} == before


def test_a_strangers_limit_is_no_failed_step_either(idp: Idp) -> None:
    statuses(Idp(idp.organization, "wrong"), 5)
    idp.log()
    failed = SetupStep.objects.get(step="list").failed_request_id
    statuses(Idp(idp.organization, "wrong"), 5)
    idp.log()
    assert SetupStep.objects.get(step="list").failed_request_id == failed


def test_ten_limited_requests_are_mailed_to_nobody(idp: Idp) -> None:
    statuses(idp, 5)
    for _ in range(25):
        assert idp.send("DELETE", "/Users/01899a3c-0000-7000-8000-000000000000").status_code == 429
    idp.log()
    assert not Streak.objects.exists()
    assert not DepartureAlert.objects.exists()


def test_limited_requests_neither_begin_nor_end_a_row_of_failures(idp: Idp) -> None:
    for _ in range(3):
        idp.get("/Users/unknown")
    statuses(idp, 3)  # the last one is limited
    idp.get("/Users")
    idp.log()
    assert Streak.objects.get().failures == 0  # two lists went well in between
    limits.TOKEN.buckets.clear()
    for _ in range(4):
        idp.get("/Users/unknown")
    limits.TOKEN.charge(_digest(idp), 50)
    assert statuses(idp, 3) == [429] * 3
    idp.log()
    assert Streak.objects.get().failures == 4


def _digest(idp: Idp) -> str:
    from core.bearer_tokens import presented

    return presented(f"Bearer {idp.token}") or ""


# A request that waited for its organization's share in vain, as the server hands it on


def ask(idp: Idp, turn: Turn) -> Any:
    return Client().get(idp.base + "/Users", headers={"authorization": f"Bearer {idp.token}"}, **{TURN: turn})


def test_who_waited_in_vain_for_a_share_is_429(idp: Idp) -> None:
    turn = Turn("acme")
    turn.over_share = 4
    refused = ask(idp, turn)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "4")
    assert turn.organization == "acme"
    row = idp.log()[-1]
    assert (row.cause, row.arguments) == ("share-limit", {"seconds": "4 seconds"})


def test_a_stranger_who_waited_is_told_nothing_of_it(idp: Idp) -> None:
    turn = Turn("acme")
    turn.over_share = 4
    assert ask(Idp(idp.organization, "wrong"), turn).status_code == 401
    assert turn.organization == ""


def test_the_server_is_told_whose_a_request_was(idp: Idp) -> None:
    turn = Turn("acme")
    assert ask(idp, turn).status_code == 200
    assert turn.organization == "acme"


# Buckets


def test_buckets_are_shared_by_processes_that_were_forked_later() -> None:
    limit = Limit("test", "SCIM_TOKEN_RATE", "SCIM_TOKEN_BURST", Buckets(64))
    if (child := os.fork()) == 0:
        for _ in range(5):
            limit.charge("a")
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert limit.wait("a") > 0
    assert limit.wait("b") <= 0


def test_many_threads_lose_hardly_a_request(settings: Any) -> None:
    settings.SCIM_TOKEN_RATE = 0.001
    limit = Limit("test", "SCIM_TOKEN_RATE", "SCIM_TOKEN_BURST", Buckets(64))

    def charge() -> None:
        for _ in range(500):
            limit.charge("a")

    threads = [threading.Thread(target=charge) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1600 * 1000 < limit.wait("a") <= 2000 * 1000


def test_a_crowd_of_others_pushes_a_bucket_out_only_when_there_is_no_room() -> None:
    limit = Limit("test", "SCIM_TOKEN_RATE", "SCIM_TOKEN_BURST", Buckets(1024))
    for _ in range(9):
        limit.charge("acme")
    for number in range(200):
        limit.charge(f"other-{number}")
    assert limit.wait("acme") > 0
    for number in range(100_000):
        limit.charge(f"other-{number}")  # and it costs no more time than before


# The share of strangers in the log


def test_strangers_push_none_of_the_organizations_own_rows_out(idp: Idp, settings: Any) -> None:
    for who in WHO:
        setattr(settings, f"SCIM_{who}_RATE", 0)
    settings.SCIM_LOG_ROWS, settings.SCIM_LOG_UNKNOWN_ROWS = 4, 3
    own = [row.pk for row in [idp.get("/Users") and idp.log()[-1] for _ in range(6)]]
    statuses(Idp(idp.organization, "wrong"), 10)
    idp.http.get(idp.base + "/Users")
    idp.log()
    pruning.prune()
    rows = list(RequestLog.objects.of(idp.organization.pk).order_by("pk"))
    assert [row.pk for row in rows if row.status == 200] == own[-4:]
    assert [row.token_label for row in rows if row.status == 401] == ["unknown token"] * 2 + ["no token"]


def test_of_own_rows_the_figure_stays_where_strangers_came_first(idp: Idp, settings: Any) -> None:
    for who in WHO:
        setattr(settings, f"SCIM_{who}_RATE", 0)
    settings.SCIM_LOG_ROWS, settings.SCIM_LOG_UNKNOWN_ROWS = 4, 3
    statuses(Idp(idp.organization, "wrong"), 5)
    statuses(idp, 4)
    idp.log()
    pruning.prune()
    assert [row.status for row in idp.log()] == [401] * 3 + [200] * 4
    statuses(idp, 2)
    idp.log()
    pruning.prune()
    assert [row.status for row in idp.log()] == [401] * 3 + [200] * 4


def _as_anonymous(idp: Idp, number: int) -> list[Any]:
    """Send requests with a wrong token, write them, and return the ids of all rows of strangers, the oldest first."""
    statuses(Idp(idp.organization, "wrong"), number)
    return [row.pk for row in idp.log() if row.is_anonymous]


@pytest.fixture
def share(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of strangers' rows six may stay, and after each three it is looked whether there are more."""
    for who in WHO:
        setattr(settings, f"SCIM_{who}_RATE", 0)
    settings.SCIM_LOG_UNKNOWN_ROWS = 6
    monkeypatch.setattr(rate_limit, "PARTS", 2)
    monkeypatch.setattr(writer, "_overflow", rate_limit.Overflow())


@pytest.mark.usefixtures("share")
def test_the_writer_holds_strangers_to_their_share(idp: Idp) -> None:
    statuses(idp, 8)
    written: list[Any] = []
    for _ in range(12):
        rows = _as_anonymous(idp, 2)
        written += [row for row in rows if row not in written]
        assert rows == written[-len(rows) :]
        assert len(rows) <= 6 + 3, "the share, and a part of it"
    assert len(written) == 24
    assert [row.status for row in idp.log()].count(200) == 8


@pytest.mark.usefixtures("share")
def test_what_processes_wrote_that_are_gone_is_deleted_too(
    idp: Idp, anonymous: Idp, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as gone:
        gone.setattr(pruning, "prune_anonymous", lambda _organization: True)
        left = _as_anonymous(idp, 20)
        others = _as_anonymous(anonymous, 9)
    monkeypatch.setattr(pruning, "PRUNED_AT_ONCE", 4)
    monkeypatch.setattr(writer, "_overflow", rate_limit.Overflow())
    newest = _as_anonymous(idp, 1)
    assert newest[:-1] == left[4:], "one step at a time, so that the log does not wait"
    rows = [len(_as_anonymous(idp, 0)) for _ in range(5)]
    assert rows == [13, 9, 6, 6, 6]
    assert _as_anonymous(anonymous, 0) == others


@pytest.mark.usefixtures("share")
def test_rows_of_strangers_that_can_not_be_deleted_cost_the_log_nothing(
    idp: Idp, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_organization: Any) -> bool:
        raise OperationalError

    monkeypatch.setattr(pruning, "prune_anonymous", fail)
    assert len(_as_anonymous(idp, 8)) == 8
    assert statuses(idp, 1) == [200]
    assert [row.status for row in idp.log()].count(200) == 1
    assert writer.dropped() == 0


def test_strangers_fill_half_of_the_queue_at_most(idp: Idp, settings: Any) -> None:
    for who in WHO:
        setattr(settings, f"SCIM_{who}_RATE", 0)
    settings.SCIM_LOG_QUEUE = 6
    statuses(Idp(idp.organization, "wrong"), 10)
    statuses(idp, 3)
    assert [row.status for row in idp.log()] == [401] * 3 + [200] * 3
    assert writer.dropped() == 7


def test_a_token_that_was_revoked_fills_the_log_no_more_than_so(
    idp: Idp, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SCIM_UNAUTHORIZED_RATE = 0
    monkeypatch.setattr(writer, "_minute", lambda _started: 7)
    monkeypatch.setattr(writer, "PER_INVALID_TOKEN", 2)
    default_connection(idp.organization.pk).tokens.update(revoked_at="2026-01-01T00:00:00Z")
    assert statuses(idp, 6) == [401] * 6
    assert [(row.cause, row.more) for row in idp.log()] == [("token-revoked", 0), ("token-revoked", 4)]


def test_rows_of_strangers_are_known_by_what_they_say_of_the_token() -> None:
    from provisioning.models import ANONYMOUS_LABELS

    assert set(TOKEN_FAULTS.values()) == set(ANONYMOUS_LABELS)


def test_every_limit_has_words_and_a_fix() -> None:
    from provisioning.services.fixes import Fix
    from provisioning.services.request_log.causes import CAUSES

    assert {CAUSES[cause].fix for cause in LIMITS} == {Fix.SHOW_LIMITS}
