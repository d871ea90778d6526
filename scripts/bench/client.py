"""An HTTP client that costs little beside what it measures: kept-alive sockets, one thread."""

import select
import socket
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from scripts.bench.calls import Call, Target

TIMEOUT = 30
CHUNK = 256 * 1024
END_OF_HEAD = b"\r\n\r\n"
LENGTH = b"content-length:"


class Feed:
    """A stream of requests whose next one is made while the servers are at work, so that nobody waits for it."""

    def __init__(self, calls: Iterator[Call]) -> None:
        self._calls = calls
        self._made: list[Call] = []

    def take(self) -> Call:
        return self._made.pop() if self._made else next(self._calls)

    def prepare(self) -> None:
        if not self._made:
            self._made.append(next(self._calls))


class WrongAnswerError(Exception):
    """A server did not answer what it was asked; the message shows both."""


@dataclass(frozen=True, slots=True)
class Load:
    """What came of a round: how many answers in how many seconds, and half of them within how many seconds each."""

    answers: int
    seconds: float
    p50: float

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.answers / self.seconds


class Connection:
    """One kept-alive connection, with at most one request under way."""

    def __init__(self, port: int, target: Target) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sent_at = 0.0
        self._base_path = target.base_path
        self._headers = (
            f"Host: 127.0.0.1:{port}\r\nAuthorization: Bearer {target.token}\r\nAccept: application/scim+json\r\n"
            "User-Agent: bench\r\n"
        )
        self._call: Call
        self._parts: list[bytes] = []
        self._missing: int | None = None

    @property
    def port(self) -> int:
        """This end's own."""
        return int(self.socket.getsockname()[1])

    def send(self, call: Call) -> None:
        head = f"{call.method} {self._base_path}{call.path} HTTP/1.1\r\n{self._headers}"
        if call.body:
            head += f"Content-Type: application/scim+json\r\nContent-Length: {len(call.body)}\r\n"
        self._call, self._parts, self._missing = call, [], None
        self.sent_at = time.perf_counter()
        self.socket.sendall(f"{head}\r\n".encode() + call.body)

    def receive(self) -> bytes | None:
        """Take in what has come; the answer when that is all of it. Raises WrongAnswerError."""
        part = self.socket.recv(CHUNK)
        if not part:
            raise WrongAnswerError(f"{self._asked}: the server closed the connection.")
        self._parts.append(part)
        if self._missing is None:
            self._missing = self._length()
        if self._missing is not None:
            self._missing -= len(part)
            if self._missing <= 0:
                return b"".join(self._parts)
        return None

    def check(self, answer: bytes) -> bytes:
        """The body of the answer. Raises WrongAnswerError if it is not the one that was wanted."""
        head, _, body = answer.partition(END_OF_HEAD)
        status = int(head[9:12])
        if status != self._call.status:
            raise WrongAnswerError(f"{self._asked}: {status} {body[:500].decode(errors='replace')}")
        if body.count(self._call.proof) != self._call.times:
            raise WrongAnswerError(
                f"{self._asked}: {self._call.proof.decode()} is there {body.count(self._call.proof)} times instead of "
                f"{self._call.times} in {body[:500].decode(errors='replace')}"
            )
        return body

    def ask(self, call: Call) -> bytes:
        """One exchange. Raises WrongAnswerError."""
        self.send(call)
        while (answer := self.receive()) is None:
            pass
        return self.check(answer)

    def close(self) -> None:
        self.socket.close()

    def _length(self) -> int | None:
        """The bytes of the whole answer, the last part not yet taken off; None before the end of its head."""
        so_far = b"".join(self._parts)
        head, end, _ = so_far.partition(END_OF_HEAD)
        if not end:
            return None
        found = head.lower().find(LENGTH)
        if found < 0:
            raise WrongAnswerError(f"{self._asked}: an answer without Content-Length.")
        length = int(head[found + len(LENGTH) :].partition(b"\r\n")[0])
        return len(head) + len(END_OF_HEAD) + length - (len(so_far) - len(self._parts[-1]))

    @property
    def _asked(self) -> str:
        return f"{self._call.method} {self._call.path}"


def drive(connections: Sequence[Connection], feed: Feed, *, seconds: float, most: int | None = None) -> Load:
    """Keep every connection busy for so many seconds, or with so many requests at ``most``. Raises WrongAnswerError."""
    now, waits = time.perf_counter, []
    poll, by_number = select.poll(), {connection.socket.fileno(): connection for connection in connections}
    started = last = now()
    for number, connection in by_number.items():
        poll.register(number, select.POLLIN)
        connection.send(feed.take())
    left = len(connections)
    more = float("inf") if most is None else most - left
    while left:
        if more > 0:
            feed.prepare()
        ready = poll.poll(TIMEOUT * 1000)
        if not ready:
            raise WrongAnswerError(f"No answer within {TIMEOUT} seconds.")
        for number, _event in ready:
            connection = by_number[number]
            answer = connection.receive()
            if answer is None:
                continue
            last = now()
            waits.append(last - connection.sent_at)
            connection.check(answer)
            if last - started < seconds and more > 0:
                more -= 1
                connection.send(feed.take())
            else:
                left -= 1
    return Load(len(waits), last - started, statistics.median(waits))
