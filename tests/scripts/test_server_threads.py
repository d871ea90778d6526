"""The server's threads, which take turns at all clients: nobody is forgotten, and nobody gets another one's answer."""

import random
import select
import socket
import struct
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from scripts import serve, worker
from scripts.http1 import Reader, Refusal, Request
from scripts.postgres import free_port
from scripts.worker import LEAVE, READ, BufferingWorker, Connection, Limits
from tests.scripts.echo import echo
from tests.scripts.hostile import HEAD, connect, read_all, read_one
from tests.servers import Server, running, wait_until_alive

GET = b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
AT_ONCE = struct.pack("ii", 1, 0)

Start = Callable[..., Server]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a server that runs `tests.scripts.echo`."""
    port, log = free_port(), tmp_path / "log"
    running_one = None

    def start(workers: int, **environment: str) -> Server:
        nonlocal running_one
        command = serve.server(
            host="127.0.0.1", port=port, workers=workers, application="tests.scripts.echo:application"
        )
        running_one = running(command, environment, log)
        server = Server(f"http://127.0.0.1:{port}", running_one.__enter__(), log)
        wait_until_alive(server)
        return server

    yield start
    if running_one:
        running_one.__exit__(None, None, None)


def ask(chance: random.Random, name: str) -> tuple[bytes, bytes]:
    """One of many kinds of requests, and the body of its answer."""
    size = chance.choice([0, 0, 0, 100, 100_000, 1_000_000])
    target = f"/?name={name}&ms={chance.choice([0, 0, 0, 1, 20])}&size={size}".encode()
    if chance.random() < 0.5:
        return b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n" % target, echo(name, b"", size)
    body = chance.randbytes(chance.choice([1, 1000, 100_000]))
    head = b"POST %b HTTP/1.1\r\nHost: x\r\nExpect: %b\r\n" % (target, b"100-continue")
    if chance.random() < 0.5:
        return head + b"Content-Length: %d\r\n\r\n" % len(body) + body, echo(name, body, size)
    chunks = [body[each : each + 7000] for each in range(0, len(body), 7000)]
    coded = b"".join(b"%x\r\n%b\r\n" % (len(each), each) for each in chunks) + b"0\r\n\r\n"
    return head + b"Transfer-Encoding: chunked\r\n\r\n" + coded, echo(name, body, size)


def final_answer(client: socket.socket, kept: bytearray) -> bytes:
    """The body of the next answer that is not 100, what came behind it being kept."""

    def more() -> None:
        data = client.recv(65536)
        assert data, bytes(kept[:200])
        kept.extend(data)

    while True:
        while (end := kept.find(b"\r\n\r\n")) < 0:
            more()
        head = bytes(kept[:end])
        del kept[: end + 4]
        if not head.startswith(b"HTTP/1.1 100 "):
            break
    assert head.startswith(b"HTTP/1.1 200 "), head
    length = int(head.partition(b"Content-Length: ")[2].split(b"\r\n")[0])
    while len(kept) < length:
        more()
    body = bytes(kept[:length])
    del kept[:length]
    return body


def test_every_request_gets_its_own_answer(start: Start) -> None:
    """Clients that send several at once, in parts, with pauses, that end half way, and that read slowly."""
    server = start(2, SWITCH_INTERVAL="0.00002")
    ends = time.monotonic() + 5

    def simulate(number: int) -> int:
        chance, count = random.Random(number), 0  # noqa: S311
        while time.monotonic() < ends:
            with connect(server, receive_buffer=chance.choice([0, 0, 4096])) as client, ThreadPoolExecutor(1) as other:
                kept = bytearray()
                for _ in range(chance.choice([1, 5])):
                    asked = [ask(chance, f"{number}x{count + each}") for each in range(chance.choice([1, 1, 2, 8]))]
                    data, breaks_off = b"".join(sent for sent, _ in asked), chance.random() < 0.1
                    if breaks_off:
                        client.sendall(data[: chance.randrange(1, min(len(data), 5000))])
                        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
                        break
                    place = chance.randrange(len(data))
                    sending = other.submit(send, client, data[:place], data[place:], chance.random() * 0.02)
                    for _sent, answer in asked:
                        assert final_answer(client, kept) == answer
                        count += 1
                    sending.result()
                    assert not kept
        return count

    with ThreadPoolExecutor(12) as pool:
        assert min(pool.map(simulate, range(12))) > 0
    assert not server.log.read_text().count("Traceback")


def send(client: socket.socket, first: bytes, second: bytes, pause: float) -> None:
    client.sendall(first)
    time.sleep(pause)
    client.sendall(second)


def test_all_requests_that_have_come_are_answered_when_the_server_stops(start: Start) -> None:
    """Also those that no thread had the time to read."""
    server = start(1)
    clients = [connect(server) for _ in range(100)]
    for client in clients:
        client.sendall(GET)
        read_one(client)
    for client in clients[:2]:
        client.sendall(b"GET /?name=slow&ms=800 HTTP/1.1\r\nHost: x\r\n\r\n")
    time.sleep(0.3)
    for client in clients[2:]:
        client.sendall(GET)
    server.process.terminate()
    for client in clients:
        with client:
            assert read_all(client).startswith(b"HTTP/1.1 200 ")
    assert server.process.wait(10) == 0


# What hardly ever happens, made to happen


class Worker(SimpleNamespace):
    """As much of a worker as attends to clients without threads."""

    def __init__(self, **named: Any) -> None:
        super().__init__(connections={}, again=deque(), limits=Limits(), woken=0, asked=[], **named)

    def __getattr__(self, name: str) -> Any:
        return getattr(BufferingWorker, name).__get__(self)

    def _wake(self) -> None:
        self.woken += 1


@pytest.fixture
def pair() -> Iterator[tuple[Connection, socket.socket, list[int]]]:
    """A connection, its client, and what the connection has waited for."""
    here, there = socket.socketpair()
    waited: list[int] = []
    with here, there:
        here.setblocking(False)
        there.settimeout(5)
        yield Connection(here, {}, Limits(), 0.0, lambda _fd, events: waited.append(events)), there, waited


Pair = tuple[Connection, socket.socket, list[int]]


@pytest.mark.parametrize(("stopping_since", "accepted"), [(None, 3), (0.0, 0)])
def test_who_has_called_before_the_server_stops_is_accepted(stopping_since: float | None, accepted: int) -> None:
    """In time; and nobody calls in vain afterwards."""
    with ExitStack() as stack, select.epoll() as poll:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        address = listener.getsockname()
        clients = [stack.enter_context(socket.create_connection(address)) for _ in range(3)]
        stopping = Worker(alive=False, stopping_since=stopping_since, poll=poll)
        stopping._accept_until_stopped(listener)
        for connection in stopping.connections.values():
            stack.enter_context(connection.socket)
        assert [each.surroundings["REMOTE_PORT"] for each in stopping.connections.values()] == [
            str(client.getsockname()[1]) for client in clients[:accepted]
        ]
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address)


def test_who_answers_the_last_request_knows_that_there_is_more_to_read(pair: Pair) -> None:
    connection, _client, _ = pair
    told: list[bool] = []

    class Answered(deque[Any]):
        """Requests that are all answered by another thread right after somebody has counted them."""

        def __len__(self) -> int:
            if (number := super().__len__()) > 1:
                self.clear()
                told.append(connection.is_unread)
            return number

    connection.reader.received = Answered(["one", "two"])
    Worker()._read(connection)
    assert told == [True]


def test_one_connection_is_read_only_for_so_long(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    connection, client, _ = pair
    client.sendall(b"x" * 150_000)
    fed: list[bytes] = []

    def feed(data: bytes) -> None:
        fed.append(data)
        time.sleep(worker.LONGEST_READ)

    connection.reader = SimpleNamespace(received=deque(), feed=feed, discards=False, is_amid=True, size=0)  # type: ignore[assignment]
    attending = Worker(poll=SimpleNamespace(poll=lambda *_: []))
    attending._read(connection)
    assert len(fed) == 1 and list(attending.again) == [connection]
    # What epoll says meanwhile does not bring its turn forward.
    attending._read(connection)
    assert len(fed) == 1
    monkeypatch.setattr(worker, "LONGEST_ATTENTION", worker.LONGEST_READ / 2)
    attending._attend_to_all(1)
    assert len(fed) == 2 and list(attending.again) == [connection]


@pytest.mark.parametrize(("idle", "woken"), [(0, 0), (1, 1)])
def test_an_idle_thread_is_woken_for_what_is_left_to_read(idle: int, woken: int, pair: Pair) -> None:
    attending = Worker(waiting=SimpleNamespace(lacks_a_thread=False, idle=idle))
    attending._wake_if_wanted()
    assert attending.woken == 0
    attending.again.append(pair[0])
    attending._wake_if_wanted()
    assert attending.woken == woken


def test_leave_to_send_that_does_not_fit_is_sent_when_there_is_room(pair: Pair) -> None:
    connection, client, waited = pair
    filled = 0
    while True:
        try:
            filled += connection.socket.send(b"x" * 65536)
        except BlockingIOError:
            break
    connection.reader.feed(HEAD + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    assert waited == [READ | select.EPOLLOUT]
    while filled:
        filled -= len(client.recv(65536))
    assert connection.unsent.send(connection.socket) > 0
    assert client.recv(100).startswith(b"HTTP/1.1 100 ")


def test_whole_requests_behind_an_answer_that_nobody_reads_give_way_too(pair: Pair) -> None:
    connection, _client, _ = pair
    connection.unsent.append(b"x")
    connection.reader.feed(HEAD + b"Content-Length: 5\r\n\r\nhello" + HEAD + b"Content-Length: 9\r\n\r\nhel")
    connection.reader.refuse(Refusal(worker.HTTPStatus.BAD_REQUEST, "Some other reason."))
    assert connection.reader.size == 5
    Worker()._give_way(connection)
    (refusal,) = connection.reader.received
    assert isinstance(refusal, Refusal) and refusal.status == 503
    assert connection.reader.size == 0
    # Nothing is left that could give way again.
    connection.reader.received.clear()
    Worker()._give_way(connection)
    assert not connection.reader.received


def test_as_many_give_way_as_are_too_many() -> None:
    asked: list[int] = []
    everyone = [SimpleNamespace(reader=SimpleNamespace(size=size), taken=0, fd=size) for size in (0, 1, 4, 5, 6, 7)]
    attending = Worker(
        room_until=0.0, _connections=lambda: everyone, _attend=lambda connection, _event: asked.append(connection.fd)
    )
    attending.connections = {each.fd: each for each in everyone}
    attending.limits = SimpleNamespace(buffered=11)
    attending._make_room()
    assert asked == [7, 6]


def test_a_refusal_does_not_mind_that_a_thread_takes_the_last_request() -> None:
    class Taken(deque[Any]):
        """Requests of which the last one is gone when somebody wants to see it."""

        def __bool__(self) -> bool:
            return True

    reader = Reader(100, lambda: None)
    reader.received = Taken()
    reader.refuse(Refusal(worker.HTTPStatus.BAD_REQUEST, "No."))
    assert [type(each) for each in list(reader.received)] == [Refusal]


def test_a_tunnel_that_a_thread_has_at_once_is_the_last_request() -> None:
    reader, taken = Reader(100, lambda: None), []

    class Taken(deque[Any]):
        def append(self, request: Any) -> None:
            taken.append(request)

    reader.received = Taken()
    reader.feed(b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n")
    assert [isinstance(each, Request) and each.keep_alive for each in taken] == [False]


def test_who_is_just_sending_a_request_leaves_after_those_who_rest() -> None:
    asked: list[str] = []
    everyone = [
        SimpleNamespace(name="sends", since=1.0, amid_since=9.0, is_served=False),
        SimpleNamespace(name="rests", since=5.0, amid_since=None, is_served=False),
    ]
    attending = Worker(
        evicted=SimpleNamespace(set=lambda: None),
        _connections=lambda: everyone,
        _attend=lambda connection, event: asked.append((connection.name, event)),
    )
    attending.limits = SimpleNamespace(connections=1)
    attending.connections = dict(enumerate(everyone))
    attending._evict()
    assert asked == [("rests", LEAVE), ("sends", LEAVE)]
