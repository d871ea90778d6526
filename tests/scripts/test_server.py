"""The server by itself, without a proxy in front: slow and hostile clients, and workers that die."""

import itertools
import json
import logging
import os
import re
import signal
import socket
import sqlite3
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from django.http import parse_cookie

from scripts import http1, serve
from scripts.http1 import LONGEST_HEAD, MOST_WAITING, Reader, Refusal, Request
from scripts.postgres import free_port
from scripts.server import LONGEST_WAIT, Lasting
from scripts.worker import GIVE_WAY, BufferingWorker, Connection, Limits
from tests.growth import assert_linear
from tests.scripts.hostile import HEAD, connect, exchange, many, read_all, read_one, seconds_until_closed
from tests.servers import Server, running, wait_until_alive

REQUEST_TIMEOUT = 3
KEEP_ALIVE_TIMEOUT = 5
GET = b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
CLOSING = b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Scim:
    """An organization on the server: where it is and with which headers."""

    path: str
    headers: dict[str, str]

    def create(self, server: Server, name: str) -> int:
        """Make a user and return the status."""
        user = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": f"{name}@acme.example"}
        return server.request("POST", f"{self.path}/Users", headers=self.headers, body=json.dumps(user)).status

    def names(self, server: Server) -> set[str]:
        """The names before the @ of all users."""
        found: set[str] = set()
        while True:
            start = len(found) + 1
            page = server.request("GET", f"{self.path}/Users?startIndex={start}&count=200", headers=self.headers).json()
            found |= {user["userName"].partition("@")[0] for user in page["Resources"]}
            if len(found) >= page["totalResults"]:
                return found


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return {
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "DATABASE_URL": f"sqlite:///{tmp_path_factory.mktemp('database') / 'db.sqlite3'}",
        "DATABASE_TIMEOUTS": "on",
        "TRUSTED_PROXY_COUNT": "1",
        "SCIM_LOG_INTERVAL": "0.1",
        "LOG_LEVEL": "WARNING",
    }


@pytest.fixture(scope="module")
def scim(environment: dict[str, str]) -> Scim:
    def manage(*arguments: str) -> str:
        command = [".venv/bin/python", "manage.py", *arguments]
        return subprocess.run(
            command, cwd=serve.ROOT, env={**os.environ, **environment}, check=True, capture_output=True, text=True
        ).stdout

    manage("migrate", "--verbosity", "0")
    manage("createcachetable")
    made = json.loads(
        manage("create_organization", "Acme", "--slug", "acme", "--domain", "acme.example", "--enable-scim", "--json")
        .strip()
        .splitlines()[-1]
    )
    token = next(value for value in re.findall(r"smgr_\w+", json.dumps(made)))
    return Scim("/scim/acme/v2", {"Authorization": f"Bearer {token}", "Content-Type": "application/scim+json"})


@pytest.fixture(scope="module")
def server(environment: dict[str, str], scim: Scim, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    port, log = free_port(), tmp_path_factory.mktemp("server") / "log"
    command = serve.server(
        host="127.0.0.1",
        port=port,
        workers=2,
        options=["--request-timeout", str(REQUEST_TIMEOUT), "--keep-alive-timeout", str(KEEP_ALIVE_TIMEOUT)],
    )
    with running(command, {**environment, "BASE_URL": f"http://127.0.0.1:{port}"}, log) as process:
        server = Server(f"http://127.0.0.1:{port}", process, log)
        wait_until_alive(server)
        yield server


def assert_serves(server: Server, scim: Scim, name: str) -> None:
    """Answer /livez within three seconds, each of some times, and SCIM, too."""
    for _ in range(10):
        started = time.monotonic()
        assert server.request("GET", "/livez").status == 200
        assert time.monotonic() - started < 3
    assert scim.create(server, name) == 201
    assert name in scim.names(server)


# Slow clients


def test_200_clients_that_never_end_their_headers_harm_nobody(server: Server, scim: Scim) -> None:
    with many(server, HEAD, 200):
        assert_serves(server, scim, "slow-headers")


def test_200_clients_that_never_end_their_bodies_harm_nobody(server: Server, scim: Scim) -> None:
    begun = b"POST /scim/acme/v2/Users HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n{"
    with many(server, begun, 200):
        assert_serves(server, scim, "slow-bodies")


def test_200_clients_that_never_read_their_answers_harm_nobody(server: Server, scim: Scim) -> None:
    asked = scim.headers["Authorization"].encode()
    schemas = b"GET /scim/acme/v2/Schemas HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: %b\r\n\r\n" % asked
    with many(server, schemas * 3, 200, receive_buffer=1024):
        assert_serves(server, scim, "slow-readers")


def test_a_body_that_stays_half_is_408_within_the_time_for_a_request(server: Server) -> None:
    with connect(server) as client:
        client.sendall(HEAD + b"Content-Length: 10\r\n\r\n12345")
        started = time.monotonic()
        answer = read_one(client)
        waited = time.monotonic() - started
        assert answer.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
        assert b"Connection: close" in answer
        assert REQUEST_TIMEOUT - 0.5 < waited < REQUEST_TIMEOUT + 2


def test_a_byte_now_and_then_prolongs_nothing(server: Server) -> None:
    with connect(server) as client:
        client.sendall(HEAD + b"Content-Length: 1000\r\n\r\n")
        started = time.monotonic()
        client.settimeout(0.2)
        answer = b""
        while not answer and time.monotonic() - started < REQUEST_TIMEOUT * 3:
            client.sendall(b"x")
            try:
                answer = client.recv(4096)
            except TimeoutError:
                continue
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert time.monotonic() - started < REQUEST_TIMEOUT + 2


def test_headers_that_stay_half_are_408(server: Server) -> None:
    assert exchange(server, b"GET /livez HT").startswith(b"HTTP/1.1 408 ")


def test_an_idle_connection_is_closed(server: Server) -> None:
    with connect(server) as client:
        client.sendall(GET)
        assert read_one(client).startswith(b"HTTP/1.1 200 ")
        assert KEEP_ALIVE_TIMEOUT - 2 < seconds_until_closed(client) < KEEP_ALIVE_TIMEOUT + 3


def test_a_client_that_reads_slowly_but_reads_gets_everything(server: Server, scim: Scim) -> None:
    schemas = "GET /scim/acme/v2/Schemas HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {}\r\n\r\n"
    asked = schemas.format(scim.headers["Authorization"]).encode()
    with connect(server) as client:
        client.sendall(asked)
        one = read_one(client)
    with connect(server, receive_buffer=4096) as client:
        client.sendall(asked * 40 + CLOSING)
        time.sleep(1)
        received = read_all(client)
    assert received.count(one.partition(b"\r\n\r\n")[2]) == 40


def test_what_comes_in_is_bounded_in_all(server: Server, scim: Scim) -> None:
    begun = HEAD + b"Content-Length: 16000000\r\n\r\n" + b"x" * 15_000_000
    (arbiter,) = [psutil.Process(server.process.pid)]
    with ThreadPoolExecutor(10) as pool, ExitStack() as stack:
        clients = [stack.enter_context(connect(server)) for _ in range(60)]

        def send(client: socket.socket) -> None:
            with suppress(OSError):  # of those that gave way
                client.sendall(begun)

        list(pool.map(send, clients))
        sizes = [worker.memory_info().rss for worker in arbiter.children()]
        assert max(sizes) < 600 * 1024 * 1024, sizes
        assert_serves(server, scim, "large-bodies")


def test_clients_that_break_off_take_nothing_from_those_that_come_after_them(server: Server) -> None:
    at_once = struct.pack("ii", 1, 0)
    ends = time.monotonic() + 4

    def break_off(_number: int) -> None:
        while time.monotonic() < ends:
            with connect(server) as client:
                client.sendall(GET * 3)
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)

    with ThreadPoolExecutor(4) as pool:
        broken = pool.map(break_off, range(4))
        while time.monotonic() < ends:
            assert exchange(server, CLOSING, timeout=10).startswith(b"HTTP/1.1 200 ")
        list(broken)


# What two readers could understand differently


@pytest.mark.parametrize(
    "fields",
    [
        b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
        b"Content-Length: 3\r\nContent-Length: 4\r\n",
        b"Content-Length: 3\r\nContent-Length: 3\r\n",
        b"Content-Length: 3, 3\r\n",
        b"Content-Length: +3\r\n",
        b"Content-Length: -3\r\n",
        b"Content-Length: 99999999999999999999\r\n",
        b"Content-Length : 3\r\n",
        b"Content-Length: 3\n",
        b"Transfer-Encoding: chunked, chunked\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: xchunked\r\n",
        b"Transfer-Encoding:\r\n chunked\r\n",
        b"X: a\r\n b\r\n",
        b"X: a\0b\r\n",
        b"X: a\rb: c\r\n",
        b": x\r\n",
        b"Host: another.example\r\n",
    ],
)
def test_an_ambiguous_head_is_400_and_the_connection_is_closed(server: Server, fields: bytes) -> None:
    smuggled = b"0\r\n\r\nGET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    received = exchange(server, HEAD + fields + b"\r\n" + smuggled)
    assert re.match(rb"HTTP/1\.1 (400|501) ", received)
    assert received.count(b"HTTP/1.1 ") == 1
    assert b"\r\nConnection: close\r\n" in received


@pytest.mark.parametrize(
    "body",
    [b"zz\r\n", b"-1\r\n", b"0x3\r\nabc\r\n", b"3 \r\nabc\r\n", b"3\r\nabcX\r\n", b"3\nabc\n", b"f" * 17 + b"\r\n"],
)
def test_bad_chunks_are_400_and_the_connection_is_closed(server: Server, body: bytes) -> None:
    received = exchange(server, HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + body)
    assert received.startswith(b"HTTP/1.1 400 ")
    assert received.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /livez HTTP/1.1\r\n\r\n", 400),
        (b"GET /livez HTTP/2.0\r\nHost: x\r\n\r\n", 505),
        (HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n", 501),
        (HEAD + b"Expect: money\r\n\r\n", 417),
        (HEAD + b"X: y\r\n" * 101 + b"\r\n", 431),
        (HEAD + b"X: " + b"y" * LONGEST_HEAD, 431),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    ],
)
def test_what_is_not_served_says_why(server: Server, sent: bytes, status: int) -> None:
    received = exchange(server, sent)
    assert received.startswith(b"HTTP/1.1 %d " % status)
    assert b"Content-Type: text/plain" in received


def test_header_names_with_underscores_do_not_reach_the_application() -> None:
    """By one of them, a client could call itself by any address: both spellings become the same WSGI variable."""
    for order in ((0, 1), (1, 0)):
        reader = Reader(100, lambda: None)
        lines = [b"X-Forwarded-For: 192.0.2.1\r\n", b"X_Forwarded_For: 203.0.113.9\r\n"]
        reader.feed(HEAD + b"".join(lines[each] for each in order) + b"Content_Length: 3\r\n\r\n")
        request = reader.received[0]
        assert isinstance(request, Request)
        assert request.fields == {"HTTP_HOST": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "192.0.2.1"}


def test_no_client_chooses_the_address_that_the_log_shows(
    server: Server, scim: Scim, environment: dict[str, str]
) -> None:
    spellings = ["X-Forwarded-For: 192.0.2.1", "X_Forwarded_For: 203.0.113.9", "X-Forwarded_For: 203.0.113.9"]
    orders = list(itertools.permutations(spellings))
    for fields in orders:
        head = f"GET {scim.path}/Underscores HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        assert b" 401 " in exchange(server, (head + "\r\n".join(fields) + "\r\n\r\n").encode())
    with closing(sqlite3.connect(environment["DATABASE_URL"].removeprefix("sqlite:///"))) as database:
        asked = "SELECT address, 1 + more FROM provisioning_requestlog WHERE path LIKE '%/Underscores'"
        found: list[tuple[str, int]] = []
        until = time.monotonic() + 20
        while sum(count for _address, count in found) < len(orders) and time.monotonic() < until:
            time.sleep(0.1)
            found = database.execute(asked).fetchall()
    assert sum(count for _address, count in found) == len(orders)
    assert {address for address, _count in found} == {"192.0.2.1"}


# What must go on working


def test_chunks_are_put_together(server: Server, scim: Scim) -> None:
    user = json.dumps(
        {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "chunked@acme.example"}
    ).encode()
    pieces = [user[each : each + 7] for each in range(0, len(user), 7)]
    body = b"".join(b"%x;a=b\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    headers = "".join(f"{name}: {value}\r\n" for name, value in scim.headers.items()).encode()
    with connect(server) as client:
        client.sendall(
            b"POST /scim/acme/v2/Users HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n"
            + headers
            + b"\r\n"
            + body
            + b"0\r\nX-Trailer: read past\r\n\r\n"
        )
        assert read_one(client).startswith(b"HTTP/1.1 201 ")
        client.sendall(GET)  # on the same connection
        assert read_one(client).startswith(b"HTTP/1.1 200 ")
    assert "chunked" in scim.names(server)


def test_requests_that_come_at_once_are_answered_in_their_order(server: Server) -> None:
    posted = HEAD + b"Content-Length: 3\r\n\r\nabc"
    received = exchange(server, (GET + posted) * 10 + CLOSING)
    statuses = [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+) ", received)]
    assert statuses == [200, 405] * 10 + [200]


def test_a_bad_request_behind_good_ones_takes_no_answer_from_them(server: Server) -> None:
    received = exchange(server, GET * 3 + b"NONSENSE\r\n\r\n")
    assert [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+) ", received)] == [200, 200, 200, 400]


def test_more_requests_at_once_than_may_wait_close_the_connection(server: Server) -> None:
    received = exchange(server, GET * (MOST_WAITING + 100))
    assert received.startswith(b"HTTP/1.1 200 ")
    assert b"HTTP/1.1 400 " in received


def test_a_client_that_waits_for_100_continue_is_told_to_go_on(server: Server) -> None:
    with connect(server) as client:
        client.sendall(HEAD + b"Content-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        assert client.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"abc")
        assert read_one(client).startswith(b"HTTP/1.1 405 ")


def test_a_client_that_asks_first_is_spared_a_body_that_is_too_large(server: Server, scim: Scim) -> None:
    with connect(server) as client:
        fields = f"Authorization: {scim.headers['Authorization']}\r\nContent-Type: application/scim+json\r\n".encode()
        client.sendall(
            b"POST /scim/acme/v2/Users HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000000\r\n"
            b"Expect: 100-continue\r\n" + fields + b"\r\n"
        )
        assert read_one(client).startswith(b"HTTP/1.1 413 ")


def test_head_has_the_length_and_no_body(server: Server) -> None:
    with connect(server) as client:
        client.sendall(b"HEAD /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" + CLOSING)
        received = read_all(client)
    head, _, rest = received.partition(b"\r\n\r\n")
    assert b"Content-Length: 16" in head
    assert rest.startswith(b"HTTP/1.1 200 ")


def test_http_1_0_closes_unless_asked_to_stay(server: Server) -> None:
    received = exchange(server, b"GET /livez HTTP/1.0\r\n\r\n")
    assert received.startswith(b"HTTP/1.1 200 ")
    assert b"Connection: close" in received
    with connect(server) as client:
        for _ in range(2):
            client.sendall(b"GET /livez HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            assert b"Connection: keep-alive" in read_one(client)


def test_who_stops_sending_still_gets_the_answer(server: Server) -> None:
    with connect(server) as client:
        client.sendall(GET)
        client.shutdown(socket.SHUT_WR)
        assert read_all(client).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("step", [1, 7, 1000])
@pytest.mark.parametrize(
    "sent",
    [b"Content-Length: 5\r\n\r\nhello", b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", b"\r\n"],
)
def test_an_offer_to_speak_http_2_is_declined_and_the_body_is_read(sent: bytes, step: int) -> None:
    reader = Reader(100, lambda: None)
    offer = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"
    data = b"PUT /x HTTP/1.1\r\nHost: a\r\n" + offer + sent + b"GET /y HTTP/1.1\r\nHost: b\r\n\r\n"
    for start in range(0, len(data), step):
        reader.feed(data[start : start + step])
    requests = [each for each in reader.received if isinstance(each, Request)]
    assert [(each.method, each.target, each.keep_alive) for each in requests] == [
        ("PUT", b"/x", True),
        ("GET", b"/y", True),
    ]
    assert [bytes(each.body) for each in requests] == [b"hello" if len(sent) > 2 else b"", b""]
    assert not reader.is_amid


def test_a_tunnel_is_not_opened() -> None:
    reader = Reader(100, lambda: None)
    reader.feed(b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n\x16\x03\x01")
    (request,) = reader.received
    assert isinstance(request, Request) and not request.keep_alive
    assert reader.discards


@pytest.mark.parametrize("sent", [b"GET /livez HT", HEAD, HEAD + b"Content-Length: 9\r\n\r\nabc"])
def test_who_stops_amid_a_request_is_told_so(server: Server, sent: bytes) -> None:
    with connect(server) as client:
        client.sendall(GET + sent)
        client.shutdown(socket.SHUT_WR)
        received = read_all(client)
    assert received.startswith(b"HTTP/1.1 200 ")
    assert b"HTTP/1.1 400 " in received
    assert b"The request ended before all of it was there." in received


def test_the_host_of_the_target_counts() -> None:
    reader = Reader(100, lambda: None)
    reader.feed(b"GET http://a.example:80/x?y HTTP/1.1\r\nHost: b.example\r\n\r\n")
    (request,) = reader.received
    assert isinstance(request, Request)
    environ = request.environ({})
    assert (environ["HTTP_HOST"], environ["PATH_INFO"], environ["QUERY_STRING"]) == ("a.example:80", "/x", "y")


def test_an_address_beyond_ascii_is_refused_with_a_hint(server: Server) -> None:
    received = exchange(server, "GET /scim/acme/v2/Users/ä HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    assert b" 400 " in received and b"have to be percent-encoded" in received


def test_a_filter_of_8192_characters_each_in_nine_reaches_the_application(server: Server, scim: Scim) -> None:
    path = f"{scim.path}/Users?filter=userName%20eq%20%22" + "%E2%82%AC" * 8000 + "%22"
    assert server.request("GET", path, headers=scim.headers).status == 200


# Bodies that are too large


@pytest.mark.parametrize("size", [2_000_000, 8_000_000, 20_000_000, 100_000_000])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_too_large_gets_an_answer_that_can_be_read(
    server: Server, scim: Scim, size: int, chunked: bool
) -> None:
    headers = "".join(f"{name}: {value}\r\n" for name, value in scim.headers.items()).encode()
    length = b"Transfer-Encoding: chunked\r\n" if chunked else b"Content-Length: %d\r\n" % size
    with connect(server) as client:
        client.sendall(b"POST /scim/acme/v2/Users HTTP/1.1\r\nHost: 127.0.0.1\r\n" + length + headers + b"\r\n")
        # As a simple client does it: first everything is sent, then the answer is read.
        piece = b" " * 1_000_000
        for _ in range(size // len(piece)):
            client.sendall(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
        if chunked:
            client.sendall(b"0\r\n\r\n")
        answer = read_one(client)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["status"] == "413"


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_a_form_that_is_too_large_is_a_page_that_says_so(server: Server, kind: str) -> None:
    answer = server.request("POST", "/sign-in/", headers={"Content-Type": kind}, body=b"x" * 20_000_000)
    assert answer.status == 413
    assert b"too much at once" in answer.body


def test_without_a_token_a_body_that_is_too_large_is_401(server: Server) -> None:
    headers = {"Content-Type": "application/scim+json"}
    answer = server.request("POST", "/scim/acme/v2/Users", headers=headers, body=b"x" * 20_000_000)
    assert answer.status == 401


# Reading costs what was sent


def pieces(size: int) -> bytes:
    return HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * size


def test_the_reader_is_linear() -> None:
    def read(sent: bytes) -> None:
        reader = Reader(1 << 24, lambda: None)
        for place in range(0, len(sent), 65536):
            reader.feed(sent[place : place + 65536])

    assert_linear(read, pieces, 20_000)
    assert_linear(read, lambda size: HEAD + b"".join(b"X%d: y\r\n" % each for each in range(size)), 20)
    assert_linear(read, lambda size: GET * size, 1000)


def test_a_body_in_tiny_chunks_is_refused_before_it_is_large() -> None:
    reader = Reader(1000, lambda: None)
    reader.feed(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    for _ in range(1000):
        reader.feed(b"1;" + b"x" * 1000 + b"\r\ny\r\n")
    (refusal,) = reader.received
    assert isinstance(refusal, Refusal)
    assert refusal.status == 400


def test_cookies_that_python_unquotes_in_quadratic_time_are_left_out() -> None:
    reader = Reader(100, lambda: None)
    quoted = b'a="' + b"\\1" * 20_000 + b'"'
    reader.feed(HEAD + b"Cookie: sessionid=abc; " + quoted + b"; csrftoken=def\r\nCookie: " + quoted + b"\r\n\r\n")
    (request,) = reader.received
    assert isinstance(request, Request)
    assert {"sessionid": "abc", "csrftoken": "def"}.items() <= parse_cookie(request.fields["HTTP_COOKIE"]).items()
    assert "\\" not in request.fields["HTTP_COOKIE"]


@pytest.fixture
def connection() -> Iterator[Connection]:
    here, there = socket.socketpair()
    with here, there:
        yield Connection(here, {}, Limits(), 0.0)


def test_a_fault_with_one_connection_ends_no_other(connection: Connection) -> None:
    told: list[object] = []

    def fail(_connection: object, _event: int) -> None:
        raise RuntimeError

    worker = SimpleNamespace(log=SimpleNamespace(exception=told.append), _close=told.append, _heed=fail)
    BufferingWorker._attend(worker, connection, 1)  # type: ignore[arg-type]
    assert told == ["A connection failed, and is closed.", connection]
    assert not connection.is_attended


def test_of_two_threads_that_come_to_one_connection_the_first_attends_for_both(connection: Connection) -> None:
    heeded: list[int] = []

    def heed(_connection: Connection, event: int) -> None:
        heeded.append(event)
        if event == 1:
            second = threading.Thread(target=BufferingWorker._attend, args=[worker, connection, 4])
            second.start()
            second.join()
            assert heeded == [1]

    worker = SimpleNamespace(_heed=heed)
    BufferingWorker._attend(worker, connection, 1)  # type: ignore[arg-type]
    assert heeded == [1, 4]


@pytest.mark.parametrize("fields", [1, 50])
def test_a_content_type_is_short(fields: int) -> None:
    reader = Reader(100, lambda: None)
    reader.feed(HEAD + fields * (b"Content-Type: a/b" + b";a" * (600 // fields) + b"\r\n") + b"\r\n")
    (refusal,) = reader.received
    assert isinstance(refusal, Refusal) and refusal.status == 431


def test_what_threads_have_counts_as_what_is_here() -> None:
    asked: list[object] = []
    coming = SimpleNamespace(reader=SimpleNamespace(size=3), taken=0, fd=1)
    served = SimpleNamespace(reader=SimpleNamespace(size=0), taken=8, fd=2)
    worker = SimpleNamespace(
        room_until=0.0,
        limits=SimpleNamespace(buffered=10),
        connections={1: coming, 2: served},
        _connections=lambda: [coming, served],
        _attend=lambda *what: asked.append(what),
    )
    BufferingWorker._make_room(worker)  # type: ignore[arg-type]
    assert asked == [(coming, GIVE_WAY)]


@pytest.mark.parametrize("answered_first", [True, False])
def test_who_asks_for_leave_to_send_gets_it_however_late_the_last_answer_ends(answered_first: bool) -> None:
    here, there = socket.socketpair()
    with here, there:
        connection = Connection(here, {}, Limits(), 0.0)
        connection.reader.feed(GET)
        connection.reader.received.clear()
        connection.is_served = not answered_first
        connection.reader.feed(HEAD + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        with connection.lock:
            connection.is_served = False
            connection.go_on()
        there.settimeout(5)
        assert there.recv(100).startswith(b"HTTP/1.1 100 ")
        connection.reader.feed(b"{}")
        connection.reader.received.clear()
        with connection.lock:
            connection.go_on()
        there.setblocking(False)
        with pytest.raises(BlockingIOError):
            there.recv(100)


def test_a_trailer_is_no_longer_than_a_head() -> None:
    reader = Reader(1 << 24, lambda: None)
    reader.feed(HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX: ")
    for _ in range(5):
        reader.feed(b"y" * 65536)
    (refusal,) = reader.received
    assert isinstance(refusal, Refusal)
    assert refusal.status == 431


def test_long_names_of_fields_are_not_remembered() -> None:
    http1._known_variable.cache_clear()
    Reader(1000, lambda: None).feed(HEAD + b"X" * 60_000 + b": y\r\nX-Short: y\r\n\r\n")
    assert http1._known_variable.cache_info().currsize < 5
    assert http1._variable(b"X" * 100) == "HTTP_" + "X" * 100


def test_whole_requests_that_wait_count_as_what_comes_in() -> None:
    reader = Reader(1 << 20, lambda: None)
    reader.feed(HEAD + b"Content-Length: 5\r\n\r\nhello")
    assert reader.size == 5


def test_after_thousands_of_young_deaths_the_next_one_still_waits_its_seconds() -> None:
    arbiter = SimpleNamespace(young=5_000, not_before=0.0, log=logging.getLogger("arbiter"))
    Lasting._wait(arbiter, "A worker has died.")
    assert arbiter.young == 5_001
    assert arbiter.not_before <= time.monotonic() + LONGEST_WAIT


# Workers that die


@pytest.fixture
def mortal(environment: dict[str, str], scim: Scim, tmp_path: Path) -> Iterator[Server]:
    """A server of its own, to be killed."""
    port, log = free_port(), tmp_path / "log"
    command = serve.server(host="127.0.0.1", port=port, workers=2)
    with running(command, {**environment, "BASE_URL": f"http://127.0.0.1:{port}"}, log) as process:
        server = Server(f"http://127.0.0.1:{port}", process, log)
        wait_until_alive(server)
        yield server


def workers(server: Server) -> list[psutil.Process]:
    return psutil.Process(server.process.pid).children()


def wait_for_workers(server: Server, number: int = 2, *, among: int = 0, within: float = 15) -> float:
    """Wait until so many workers run; return how long it took."""
    started = time.monotonic()
    while len([each for each in workers(server) if each.status() != psutil.STATUS_ZOMBIE]) < number:
        assert time.monotonic() - started < within, server.log.read_text()
        time.sleep(0.02)
    return time.monotonic() - started


def test_a_worker_that_is_killed_is_back_within_two_seconds_twice_in_six_seconds(mortal: Server) -> None:
    for _ in range(2):
        workers(mortal)[0].kill()
        time.sleep(0.1)
        assert wait_for_workers(mortal) < 2
        assert mortal.request("GET", "/livez").status == 200
        time.sleep(2.1)
    assert mortal.process.poll() is None
    assert "SIGKILL" in mortal.log.read_text()


def test_workers_that_die_at_once_again_and_again_are_waited_for_longer_each_time(mortal: Server) -> None:
    for _ in range(4):
        for worker in workers(mortal):
            worker.kill()
        time.sleep(0.1)
        wait_for_workers(mortal)
    assert mortal.process.poll() is None
    log = mortal.log.read_text()
    assert "The next one starts in 0.5 seconds." in log
    assert "The next one starts in 2.0 seconds." in log
    assert mortal.request("GET", "/livez").status == 200


def test_nothing_that_was_acknowledged_is_lost_to_killed_workers(mortal: Server, scim: Scim) -> None:
    acknowledged: list[str] = []
    ends = time.monotonic() + 8

    def create(number: int) -> None:
        count = 0
        while time.monotonic() < ends:
            count += 1
            try:
                if scim.create(mortal, f"killed-{number}-{count}") == 201:
                    acknowledged.append(f"killed-{number}-{count}")
            except OSError:
                continue  # its worker was killed; the client does not know

    clients = [threading.Thread(target=create, args=[number]) for number in range(3)]
    for client in clients:
        client.start()
    while time.monotonic() < ends - 2:
        time.sleep(2)
        workers(mortal)[0].kill()
    for client in clients:
        client.join()
    assert len(acknowledged) > 10
    assert set(acknowledged) <= scim.names(mortal)


def test_a_request_that_runs_is_finished_when_the_server_stops(mortal: Server, scim: Scim) -> None:
    body = json.dumps({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "last@acme.example"})
    headers = "".join(f"{name}: {value}\r\n" for name, value in scim.headers.items()).encode()
    with connect(mortal) as client, connect(mortal) as idle:
        idle.sendall(GET)
        read_one(idle)
        client.sendall(
            b"POST /scim/acme/v2/Users HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n" % len(body)
            + headers
            + b"\r\n"
            + body[:-1].encode()
        )
        time.sleep(0.2)
        mortal.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        client.sendall(body[-1:].encode())
        answer = read_one(client)
        assert answer.startswith(b"HTTP/1.1 201 ")
        assert b"Connection: close" in answer
        assert idle.recv(1) == b""
    assert mortal.process.wait(10) == 0


def test_a_port_that_is_taken_is_one_clear_sentence(mortal: Server) -> None:
    port = int(mortal.url.rpartition(":")[2])
    started = subprocess.run(
        serve.server(host="127.0.0.1", port=port, workers=1), cwd=serve.ROOT, capture_output=True, text=True, timeout=30
    )
    assert started.returncode == 1
    assert started.stderr.startswith(f"SaaS Manager cannot start: it cannot listen on port {port} of 127.0.0.1 (")
    assert len(started.stderr.splitlines()) == 1
