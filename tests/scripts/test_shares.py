"""Who gets the next thread: organizations take turns, none holds more than its share, and no stranger poses as one."""

import os
import signal
import sys
from collections.abc import Iterator
from io import BytesIO

import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.http import parse_cookie
from hypothesis import example, given
from hypothesis import strategies as st

from scripts import shares
from scripts.shares import Presence, Seats, Turn, Waiting
from tests.growth import assert_linear

THREADS = 4


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """The time, which a test moves on."""
    moment = [1000.0]
    monkeypatch.setattr(shares.time, "monotonic", lambda: moment[0])
    yield moment
    sys.setswitchinterval(shares.USUALLY)


class Server:
    """Threads that take what they are told to."""

    def __init__(self, presence: Presence | None = None, seats: Seats | None = None, *, fair: bool = True) -> None:
        self.waiting: Waiting[str] = Waiting(THREADS, presence or Presence(), seats or Seats(THREADS), shares=fair)
        self.served: list[tuple[str, Turn]] = []

    def know(self, *slugs: str, seconds: float = 0, now: list[float] | None = None) -> None:
        """Serve a request of each whose token is valid, which takes so long."""
        for slug in slugs:
            self.ask(slug)
            (turn,) = self.take()
            if now:
                now[0] += seconds
            self.end(turn, slug)

    def ask(self, *slugs: str, mark: str = "t") -> None:
        for slug in slugs:
            self.waiting.put(slug, f"/scim/{slug}/v2/Users?count=1".encode(), f"Bearer {mark}")

    def browse(self, *slugs: str, seconds: float = 0, now: list[float] | None = None) -> None:
        """Serve a page to somebody of each, who is signed in."""
        for slug in slugs:
            self.open(slug)
            (turn,) = self.take()
            if now:
                now[0] += seconds
            self.end(turn, slug)

    def open(self, *slugs: str, spelled: str = "theme=dark; sessionid={}-session") -> None:
        for slug in slugs:
            self.waiting.put(slug, b"/settings/users/", "", spelled.format(slug))

    def take(self) -> list[Turn]:
        """All that gets a thread now, as long as there are threads."""
        taken = []
        while sum(self.waiting._running.values()) < THREADS:
            if (found := self.waiting.take()) is None:
                self.waiting.back()
                break
            self.served.append(found)
            taken.append(found[1])
        return taken

    def end(self, turn: Turn, organization: str | None = None) -> None:
        turn.organization = turn.place if organization is None else organization
        self.waiting.done(turn)


def places(turns: list[Turn]) -> list[str]:
    return [turn.place for turn in turns]


def test_alone_an_organization_has_all_threads(now: list[float]) -> None:
    server = Server()
    server.know("acme")
    server.ask(*["acme"] * 6)
    assert places(server.take()) == ["acme"] * THREADS


def test_beside_others_that_wait_it_has_half_of_them(now: list[float]) -> None:
    server = Server()
    server.know("acme", "globex")
    server.ask(*["acme"] * 6, *["globex"] * 6)
    taken = server.take()
    assert sorted(places(taken)) == ["acme", "acme", "globex", "globex"]
    server.end(taken[places(taken).index("globex")])
    assert places(server.take()) == ["globex"]


def test_organizations_take_turns_however_many_requests_one_has(now: list[float]) -> None:
    server = Server()
    server.know("acme", "globex", "initech")
    now[0] += 60
    server.ask(*["acme"] * 50, "globex", "initech")
    assert sorted(places(server.take())) == ["acme", "acme", "globex", "initech"]


def test_slow_requests_leave_a_thread_to_others_that_were_there_a_moment_ago(now: list[float]) -> None:
    server = Server()
    server.know("acme", seconds=0.9, now=now)
    server.know("globex")
    server.ask(*["acme"] * 6)
    assert places(server.take()) == ["acme", "acme"]
    server.ask("globex")
    assert places(server.take()) == ["globex"]


def test_quick_requests_need_leave_none(now: list[float]) -> None:
    server = Server()
    server.know("acme", "globex")
    server.ask(*["acme"] * 6)
    assert places(server.take()) == ["acme"] * THREADS


def test_who_has_left_is_waited_for_no_longer(now: list[float]) -> None:
    server = Server()
    server.know("globex")
    server.know("acme", seconds=0.9, now=now)
    server.ask(*["acme"] * 6)
    assert len(server.take()) == THREADS // 2
    now[0] += shares.PRESENCE
    assert len(server.take()) == THREADS // 2


def test_other_processes_tell_that_an_organization_is_there(now: list[float]) -> None:
    presence = Presence()
    here, elsewhere = Server(presence), Server(presence)
    here.know("acme", seconds=0.9, now=now)
    elsewhere.know("globex")
    here.ask(*["acme"] * 6)
    assert places(here.take()) == ["acme", "acme"]


def test_slow_organizations_together_leave_half_of_the_threads_to_quick_ones(now: list[float]) -> None:
    server = Server()
    server.know("acme", "initech", "umbrella", seconds=0.1, now=now)
    server.know("globex")
    server.ask("acme", "initech", "umbrella", "acme")
    assert len(server.take()) == THREADS // 2
    server.ask("globex", "globex")
    assert places(server.take()) == ["globex", "globex"]


def test_costly_requests_beside_quick_ones_take_seats_of_the_whole_machine(now: list[float]) -> None:
    presence, seats = Presence(), Seats(1)
    here, elsewhere = Server(presence, seats), Server(presence, seats)
    here.know("acme", seconds=0.9, now=now)
    elsewhere.know("acme", seconds=0.9, now=now)
    here.know("globex")
    here.ask("acme", "acme")
    elsewhere.ask("acme", "acme")
    (turn,) = here.take()
    assert elsewhere.take() == []
    now[0] += 0.9
    here.end(turn)
    here.know("globex")
    assert here.take() == []  # it has just had a seat, and lets others look
    now[0] += 3 * Seats.LOOK
    assert places(elsewhere.take()) == ["acme"]
    assert here.take() == []


def test_who_waits_for_a_seat_within_the_share_is_not_refused(now: list[float]) -> None:
    presence, seats = Presence(), Seats(1)
    seats.take(now[0])
    server = Server(presence, seats)
    server.know("acme", seconds=0.9, now=now)
    server.know("globex")
    server.ask(*["acme"] * 3)
    now[0] += 2.5
    assert [turn.over_share > 0 for turn in server.take()] == [True]
    assert len(server.waiting._queues["acme"]) == THREADS // 2


def test_alone_costly_requests_need_no_seat(now: list[float]) -> None:
    seats = Seats(1)
    server = Server(seats=seats)
    server.know("acme", seconds=0.9, now=now)
    server.ask(*["acme"] * 4)
    assert len(server.take()) == THREADS


def test_a_process_that_dies_leaves_its_seat() -> None:
    seats = Seats(1)
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        os.write(writer, b"x" if seats.take(1.0) == 0 else b"-")
        os.read(os.pipe()[0], 1)
    assert os.read(reader, 1) == b"x"
    assert seats.take(1.0) is None
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert seats.take(1.0) == 0


def test_a_request_over_the_share_waits_for_two_seconds_and_is_refused_then(now: list[float]) -> None:
    server = Server()
    server.know("acme", seconds=0.9, now=now)
    server.know("globex")
    server.ask(*["acme"] * 4)
    assert len(server.take()) == 2
    now[0] += 1.9
    server.ask("globex")
    assert places(server.take()) == ["globex"]
    assert server.take() == []
    now[0] += 0.2
    refused = server.take()
    assert [turn.over_share > 0 for turn in refused] == [True]
    assert 1 <= refused[0].over_share <= 30


def test_a_crowd_over_the_share_is_refused_at_once(now: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shares, "MOST_WAITING", 6)
    server = Server()
    server.know("acme", seconds=0.9, now=now)
    server.know("globex")
    server.ask(*["acme"] * 10)
    taken = server.take()
    assert [turn.over_share > 0 for turn in taken] == [False, False, True, True]
    assert len(server.waiting._queues["acme"]) == 6


def test_refusals_wait_for_no_thread_of_the_share(now: list[float]) -> None:
    server = Server()
    server.know("acme", seconds=0.9, now=now)
    server.know("globex")
    server.ask(*["acme"] * 3)
    server.take()
    now[0] += 2
    server.ask("globex")
    turns = {turn.place: turn.over_share for turn in server.take()}
    assert turns.keys() == {"globex", shares.REFUSED}
    assert turns["globex"] == 0 < turns[shares.REFUSED]


def test_alone_nobody_is_refused_however_long_it_takes(now: list[float]) -> None:
    server = Server()
    server.know("acme", seconds=0.9, now=now)
    server.ask(*["acme"] * 5)
    running = server.take()
    now[0] += 60
    assert server.take() == []
    server.end(running[0])
    (last,) = server.take()
    assert last.over_share == 0


def test_strangers_share_one_place_whatever_address_they_make_up(now: list[float]) -> None:
    server = Server()
    server.know("acme", "globex")
    server.ask(*[f"made-up-{number}" for number in range(50)])
    server.ask(*["acme"] * 2)
    assert sorted(places(server.take())) == [shares.ANONYMOUS, shares.ANONYMOUS, "acme", "acme"]


def test_wrong_tokens_at_an_organizations_address_take_nothing_of_its_share(now: list[float]) -> None:
    server = Server()
    server.know("acme")
    for number in range(50):
        server.ask("acme", mark=f"wrong-{number}")
    server.ask("acme")
    assert "acme" in places(server.take())


def test_strangers_are_never_refused_for_a_share(now: list[float]) -> None:
    server = Server()
    server.know("acme")
    server.ask(*["globex"] * 4, "acme")
    assert sorted(places(server.take())) == [shares.ANONYMOUS, shares.ANONYMOUS, "acme"]
    now[0] += 2.5
    assert server.take() == []
    now[0] += 60
    assert [(turn.place, turn.over_share) for turn in server.take()] == [(shares.ANONYMOUS, 0)]


def test_a_token_that_is_not_valid_any_more_is_a_strangers(now: list[float]) -> None:
    server = Server()
    server.know("acme")
    server.ask("acme")
    (turn,) = server.take()
    server.end(turn, "")
    server.ask("acme")
    assert places(server.take()) == [shares.ANONYMOUS]


def test_a_former_slug_is_its_organizations(now: list[float]) -> None:
    server = Server()
    server.ask("acme-former")
    (turn,) = server.take()
    server.end(turn, "acme")
    server.ask("acme-former")
    assert places(server.take()) == ["acme"]


def test_who_waits_as_a_stranger_is_known_once_the_first_is(now: list[float]) -> None:
    server = Server()
    server.ask(*["acme"] * 5)
    turns = server.take()
    assert places(turns) == [shares.ANONYMOUS] * THREADS
    server.end(turns[0], "acme")
    assert places(server.take()) == ["acme"]


def test_probes_come_first_and_pages_are_never_refused(now: list[float]) -> None:
    server = Server()
    server.know("acme", "globex")
    for _ in range(10):
        server.waiting.put("page", b"/settings/users/", "")
    server.ask("acme", "globex")
    server.waiting.put("probe", b"/livez", "")
    assert places(server.take())[0] == shares.PROBES
    now[0] += 60
    for turn in [turn for _item, turn in server.served if turn.place == shares.PAGES]:
        server.waiting.done(turn)
    assert all(turn.over_share == 0 for turn in server.take() if turn.place == shares.PAGES)


def test_strangers_pages_leave_half_of_the_threads_to_organizations_that_wait(now: list[float]) -> None:
    server = Server()
    server.know("acme")
    for _ in range(10):
        server.waiting.put("page", b"/settings/users/", "")
    server.ask(*["acme"] * 6)
    assert sorted(places(server.take())) == [shares.PAGES, shares.PAGES, "acme", "acme"]


def test_pages_of_organizations_take_turns(now: list[float]) -> None:
    server = Server()
    server.browse("acme", "globex")
    server.open(*["acme"] * 10, *["globex"] * 10)
    assert sorted(places(server.take())) == ["acme/pages", "acme/pages", "globex/pages", "globex/pages"]


@pytest.mark.parametrize("spelled", ['sessionid="{}-session"', "a=b;sessionid=other;  sessionid={}-session ;x"])
def test_however_its_cookie_is_spelled_a_session_is_known(now: list[float], spelled: str) -> None:
    server = Server()
    server.browse("acme")
    server.open("acme", spelled=spelled)
    assert places(server.take()) == ["acme/pages"]


PARTS = ["sessionid", "sessionid=", "=", ";", " ", "\t", "\x1f", '"', "key", "\xa0", "\u3000", "\x85", "é", b"\xa0"]


@given(st.lists(st.sampled_from(PARTS)))
@example(["\xa0", "sessionid=", "key"])
@example(["sessionid=", "key", "\u3000"])
def test_its_session_is_the_one_that_the_application_reads(parts: list[str | bytes]) -> None:
    sent = b"".join(each.encode() if isinstance(each, str) else each for each in parts).decode("latin-1")
    request = WSGIRequest({"REQUEST_METHOD": "GET", "wsgi.input": BytesIO(), "HTTP_COOKIE": sent})
    assert shares._session_of(sent) == request.COOKIES.get("sessionid", "")


def test_a_cookie_of_many_parts_is_not_taken_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    monkeypatch.setattr(shares, "parse_cookie", lambda cookie: read.append(cookie) or parse_cookie(cookie))
    many = "a;" * 30_000
    Server().waiting.put("page", b"/settings/", "", f"{many}sessionid=key;{many}")
    assert read == ["sessionid=key"]


def test_pages_and_scim_of_an_organization_have_one_share(now: list[float]) -> None:
    server = Server()
    server.know("acme", "globex")
    server.browse("acme")
    server.ask(*["acme"] * 3)
    server.open(*["acme"] * 3)
    server.ask(*["globex"] * 3)
    assert sorted(places(server.take())) == ["acme", "acme/pages", "globex", "globex"]


def test_alone_an_organization_has_all_threads_for_pages_and_scim(now: list[float]) -> None:
    server = Server()
    server.know("acme")
    server.browse("acme")
    server.ask(*["acme"] * 6)
    server.open(*["acme"] * 6)
    assert sorted(places(server.take())) == ["acme", "acme", "acme/pages", "acme/pages"]


def test_slow_pages_leave_half_of_the_threads_to_quick_neighbours(now: list[float]) -> None:
    server = Server()
    server.browse("acme", seconds=0.1, now=now)
    server.know("globex")
    server.open(*["acme"] * 6)
    assert places(server.take()) == ["acme/pages"] * (THREADS // 2)


def test_slow_pages_that_nobody_knows_leave_half_of_the_threads_too(now: list[float]) -> None:
    server = Server()
    server.browse("acme", seconds=0.1, now=now)
    server.know("globex")
    server.open(*[f"session-{number}" for number in range(6)])
    assert places(server.take()) == [shares.PAGES] * (THREADS // 2)


def test_who_signs_in_waits_for_no_seat_since_a_new_session_asked_for_a_costly_page(now: list[float]) -> None:
    seats = Seats(1)
    server = Server(seats=seats)
    server.browse("acme", seconds=0.9, now=now)
    seats.take(now[0])
    server.know("globex")
    server.waiting.put("page", b"/sign-in/", "")
    assert places(server.take()) == [shares.PAGES]


def test_costly_pages_take_seats_of_the_machine(now: list[float]) -> None:
    server = Server(seats=Seats(1))
    server.browse("acme", seconds=0.5, now=now)
    server.know("globex")
    server.open(*["acme"] * 6)
    assert places(server.take()) == ["acme/pages"]


def test_a_download_keeps_others_waiting_for_two_seconds_and_no_longer(now: list[float]) -> None:
    server = Server(seats=Seats(1))
    server.browse("acme", seconds=0.5, now=now)
    server.know("initech", seconds=0.5, now=now)
    server.know("globex")
    server.open("acme")
    (download,) = server.take()
    server.ask("initech")
    now[0] += 1.9
    server.waiting.let_go()
    server.know("globex")
    assert server.take() == []
    now[0] += 0.2
    server.waiting.let_go()
    now[0] += 0.1  # for other processes
    assert places(server.take()) == ["initech"]
    server.end(download)


def test_a_request_that_was_let_go_is_counted_off_once(now: list[float]) -> None:
    server = Server()
    server.browse("acme", seconds=0.1, now=now)
    server.know("globex")
    server.open(*["acme"] * 6)
    turns = server.take()
    now[0] += 2
    server.waiting.let_go()
    server.waiting.let_go()
    assert sys.getswitchinterval() == pytest.approx(shares.USUALLY)
    server.ask("globex")
    assert "acme/pages" in places(server.take()), "which counts as slow in its turn"
    for turn in turns:
        server.end(turn)
    assert sys.getswitchinterval() == pytest.approx(shares.BESIDE_SLOW)


def test_a_long_download_is_soon_forgotten(now: list[float]) -> None:
    server = Server()
    server.browse("acme", seconds=60, now=now)
    for _ in range(18):
        server.browse("acme")
    server.know("globex")
    server.open(*["acme"] * 6)
    assert places(server.take()) == ["acme/pages"] * THREADS


def test_files_wait_for_no_slow_page(now: list[float]) -> None:
    server = Server(seats=Seats(1))
    server.browse("acme", seconds=0.9, now=now)
    server.know("globex")
    server.open(*["acme"] * 2)
    assert places(server.take()) == ["acme/pages"], "and the other waits for a seat"
    server.waiting.put("style", b"/static/console/page.css", "", "sessionid=acme-session")
    assert places(server.take()) == [shares.FILES]


def test_what_no_page_is_asked_for_makes_nobody_quick(now: list[float]) -> None:
    server = Server(seats=Seats(1))
    server.browse("acme", seconds=0.9, now=now)
    for _ in range(20):
        server.waiting.put("style", b"/favicon.ico", "", "sessionid=acme-session")
        (turn,) = server.take()
        server.waiting.done(turn)
    server.know("globex")
    server.open(*["acme"] * 6)
    assert places(server.take()) == ["acme/pages"]


def test_who_runs_nothing_is_not_kept_in_mind_as_running(now: list[float]) -> None:
    server = Server()
    server.know(*[f"organization-{number}" for number in range(20)])
    assert not server.waiting._running


def test_pages_are_refused_to_a_crowd_only(now: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shares, "MOST_WAITING", 10)
    server = Server()
    server.browse("acme")
    server.know("globex")
    server.open(*["acme"] * 12)
    server.ask(*["globex"] * 5)
    turns = server.take()
    assert sorted(places(turns)) == ["acme/pages", "acme/pages", "globex", "globex"], "and 10 pages wait"
    now[0] += 60
    server.end(turns[places(turns).index("globex")])
    assert places(server.take()) == ["globex"]
    server.open("acme")
    server.end(server.served[-1][1])
    assert places(server.take()) == [shares.REFUSED]


def test_who_signs_out_is_a_stranger(now: list[float]) -> None:
    server = Server()
    server.browse("acme")
    server.open("acme")
    (turn,) = server.take()
    server.end(turn, "")
    server.open("acme")
    assert places(server.take()) == [shares.PAGES]


def test_a_session_that_nobody_looks_at_is_believed_for_a_while_only(now: list[float]) -> None:
    server = Server()

    def place_of_a_file() -> str:
        server.waiting.put("file", b"/favicon.ico", "", "sessionid=acme-session")
        (turn,) = server.take()
        server.waiting.done(turn)
        return turn.place

    server.browse("acme")
    now[0] += shares.BELIEVED - 1
    server.browse("acme")
    now[0] += shares.BELIEVED - 1
    assert place_of_a_file() == "acme/pages"
    now[0] += 1
    assert place_of_a_file() == shares.PAGES, "its user may have been suspended long ago"
    server.browse("acme")
    assert place_of_a_file() == "acme/pages"


def test_a_token_is_believed_however_seldom_it_is_used(now: list[float]) -> None:
    server = Server()
    server.know("acme")
    now[0] += 100 * shares.BELIEVED
    server.ask("acme")
    assert places(server.take()) == ["acme"]


def test_a_personal_token_is_its_organizations_at_the_api_and_at_no_other_address(now: list[float]) -> None:
    server = Server()
    server.waiting.put("api", b"/api/audit/v1/logs", "Bearer t")
    (turn,) = server.take()
    server.end(turn, "acme")
    server.waiting.put("api", b"//api/audit/v1/logs?limit=5", "Bearer t")
    server.waiting.put("scim", b"/scim/acme/v2/Me", "Bearer t")
    assert places(server.take()) == ["acme/pages", shares.ANONYMOUS]


def test_a_new_slug_is_believed_from_the_next_request_on(now: list[float]) -> None:
    server = Server()
    server.browse("acme")
    server.open("acme")
    (turn,) = server.take()
    server.end(turn, "acme-new")
    server.open("acme")
    assert places(server.take()) == ["acme-new/pages"]


def test_beside_a_slow_request_threads_let_each_other_go_on_sooner(now: list[float]) -> None:
    server = Server()
    server.know("acme", seconds=0.1, now=now)
    server.ask("acme", "acme")
    first, second = server.take()
    assert sys.getswitchinterval() == pytest.approx(shares.BESIDE_SLOW)
    server.end(first)
    assert sys.getswitchinterval() == pytest.approx(shares.BESIDE_SLOW)
    server.end(second)
    assert sys.getswitchinterval() == pytest.approx(shares.USUALLY)


def test_a_flood_of_probes_leaves_every_second_turn_to_others(now: list[float]) -> None:
    server = Server()
    server.know("acme")
    for _ in range(10):
        server.waiting.put("probe", b"/livez", "")
    server.ask("acme", "acme", "acme")
    order = []
    for _ in range(2):
        turns = server.take()
        order += places(turns)
        for turn in turns:
            server.end(turn)
    assert order[:6] == [shares.PROBES, "acme", shares.PROBES, "acme", shares.PROBES, "acme"]
    assert set(order[6:]) == {shares.PROBES}, "when nobody else waits, they have every turn"


def test_many_spellings_of_an_address_are_one_organizations(now: list[float]) -> None:
    server = Server()
    for target in (b"/scim/acme/v2/Users", b"//scim//acme/Users", b"http://127.0.0.1/scim/acme?x", b"/scim/acme"):
        server.waiting.put("acme", target, "Bearer t")
        (turn,) = server.take()
        server.end(turn, "acme")
        server.waiting.put("acme", target, "Bearer t")
        (turn,) = server.take()
        assert turn.place == "acme"
        server.end(turn)


@pytest.mark.parametrize(
    "target",
    [
        b"/%73cim/acme/v2/Users",
        b"/scim/%61cm%65/v2/Users",
        b"/scim/acme%2Fv2%2f%2fUsers",
        b"/%2f%2Fscim%2facme/Users?filter=a/b",
        b"http://127.0.0.1/%73cim/acme#x",
    ],
)
def test_an_encoded_address_leads_out_of_no_share(now: list[float], target: bytes) -> None:
    server = Server()
    server.know("acme")
    server.waiting.put("acme", target, "Bearer t")
    assert places(server.take()) == ["acme"]


@pytest.mark.parametrize("authorization", ["bearer t", "BEARER  t", "Bearer" + " " * 500 + "t ", "Bearer t  "])
def test_however_its_header_is_spelled_a_token_is_known(now: list[float], authorization: str) -> None:
    server = Server()
    server.know("acme")
    server.waiting.put("acme", b"/scim/acme/v2/Users", authorization)
    assert places(server.take()) == ["acme"]


def test_what_the_application_reads_otherwise_is_no_organizations(now: list[float]) -> None:
    server = Server()
    server.know("acme")
    for target in (b"/scim/acme%3Fx/Users", b"/scim/acme%23/Users", b"/scim/acme%20/Users", b"/scim/ACME/Users"):
        server.waiting.put("acme", target, "Bearer t")
        (turn,) = server.take()
        assert turn.place == shares.ANONYMOUS
        server.end(turn, "")
    server.ask("acme")
    assert places(server.take()) == ["acme"], "and its own token is still known at its own address"


def test_without_shares_who_comes_first_is_served_first(now: list[float]) -> None:
    server = Server(fair=False)
    server.know("acme", "globex")
    server.ask("globex", *["acme"] * 6, "globex")
    server.take()
    assert [item for item, _turn in server.served[2:]] == ["globex", "acme", "acme", "acme"]


def test_a_thread_is_lacked_while_one_is_idle_and_a_request_waits(now: list[float]) -> None:
    server = Server()
    server.know("acme")
    assert not server.waiting.lacks_a_thread
    assert server.waiting.take() is None
    assert not server.waiting.lacks_a_thread
    server.ask("acme")
    assert server.waiting.lacks_a_thread
    server.waiting.back()
    assert not server.waiting.lacks_a_thread


def test_who_waits_is_looked_at_again_when_its_patience_ends(now: list[float]) -> None:
    server = Server()
    server.know("acme", "globex")
    assert server.waiting.patience() == 1
    server.ask(*["acme"] * 4, "globex")
    server.take()
    assert 0 < server.waiting.patience() <= shares.PATIENCE


def test_many_waiting_requests_cost_in_proportion() -> None:
    assert_linear(_serve_all, lambda size: size, 500)


def _serve_all(size: int) -> None:
    waiting: Waiting[int] = Waiting(2, Presence())
    for number in range(size):
        waiting.put(number, b"/scim/acme/v2/Users", "Bearer t")
    for _ in range(size):
        taken = waiting.take()
        assert taken is not None
        waiting.done(taken[1])
