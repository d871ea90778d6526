"""The server's worker: a few threads that attend to all clients between requests.

A request takes a thread only once it has arrived, and an answer keeps none until it is read: whatever a client leaves
half done costs one entry in a table, bounded in bytes and in seconds. A thread that reads the last byte of a request
goes on to answer it, with no other thread to wake. While all of them are busy, the main thread attends to the clients.
"""

import os
import select
import signal
import socket
import struct
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import IO, Any

from gunicorn.workers.base import Worker

from scripts.http1 import Answer, Reader, Refusal, Request
from scripts.shares import TURN, Turn, Waiting


@dataclass(frozen=True, slots=True)
class Limits:
    """What clients may take of a worker. Times are in seconds, sizes in bytes."""

    # In all, from the first byte of a request to the last of its body.
    request: float = 30
    # Between requests.
    idle: float = 75
    # Within which a client that reads its answer must take another `step`.
    stall: float = 30
    step: int = 64 * 1024
    # For what a client still sends when it has been told that it is too much.
    drain: float = 30
    drained: int = 128 * 1024 * 1024
    # For requests that are only just coming in when the server stops.
    stop: float = 2

    body: int = 16 * 1024 * 1024
    # Of all requests that are here. When they are more, the largest of those that are coming in gives way.
    buffered: int = 256 * 1024 * 1024
    connections: int = 1000
    # Whether organizations share the threads fairly; without, who comes first is served first.
    shares: bool = True
    # Of one answer: what waits in memory, the rest in a file; beyond the second, its thread waits for the reader.
    unsent: int = 256 * 1024
    filed: int = 1024 * 1024 * 1024


CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
PIECE = 64 * 1024
# So often, in seconds, the sizes of all requests are added up.
LOOK = 0.05
# So many connections more than needed are closed at once when there are too many.
SPARE = 32
# Seconds for which one connection is read before others are. Tiny chunks take the parser a hundred times as long.
LONGEST_READ = 0.005
READ = select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLET
# Clients that one thread attends to before it looks whether a request is there to answer.
MOST_EVENTS = 16
# Seconds for which it then goes on with those that have more to be read.
LONGEST_ATTENTION = 0.01
# So often, in seconds, the main thread looks whether anybody attends to the clients.
TICK = 0.05
# What is asked of a connection beside what epoll says of it: is it late, is it to give way, is it to go if no thread
# has its request, is it to go if there is nothing to do for it.
LATE, GIVE_WAY, LEAVE, STOP = 1 << 20, 1 << 21, 1 << 22, 1 << 23
GONE = select.EPOLLERR | select.EPOLLHUP


def _wait_for_nothing(_fd: int, _events: int) -> None:
    pass


class Connection:
    """One client. One thread at a time attends to it: reads, sends what is left, closes. Who has its request writes."""

    def __init__(
        self,
        client: socket.socket,
        surroundings: dict[str, Any],
        limits: Limits,
        now: float,
        wait_for: Callable[[int, int], None] = _wait_for_nothing,
    ) -> None:
        self.socket = client
        self.fd = client.fileno()
        self.wait_for = wait_for
        self.surroundings = surroundings
        self.reader = Reader(limits.body, self._continue)
        self.unsent = Unsent(limits.unsent)
        # Held where several steps must look like one: by the thread that serves it, and by the one that attends to it.
        self.lock = threading.Lock()
        # What is to be attended to, and whether a thread is at it, which will see what comes in addition.
        self.events = 0
        self.is_attended = False
        self.is_served = False
        # Bytes of the body of the request that a thread has, or is to have.
        self.taken = 0
        self.owes_continue = False
        self.is_closed = False
        # No more answers: what still comes in is thrown away until the client closes.
        self.drains = False
        self.has_ended = False
        self.is_unread = False
        # There is more to be read than was allowed at once; it waits in the queue of those.
        self.is_again = False
        self.drained = 0
        self.amid_since: float | None = None
        self.since = now  # of the last time that something was done
        self.step = 0

    def send(self, data: bytes) -> None:
        """Send what fits; somebody sends the rest when there is room, which may be at once. The lock is held."""
        if self.is_closed:
            return
        if not self.unsent.size:
            try:
                sent = self.socket.send(data)
            except BlockingIOError:
                sent = 0
            except OSError:
                self.is_closed = True  # who attends to it will find the same
                return
            if sent == len(data):
                return
            data = data[sent:]
            self.since, self.step = time.monotonic(), 0
            self.wait_for(self.fd, READ | select.EPOLLOUT)
        self.unsent.append(data)

    def _continue(self) -> None:
        with self.lock:
            self.owes_continue = True
            self.go_on()

    def go_on(self) -> None:
        """Say to a client that asked first that it may send the body, once all before is answered. The lock is held."""
        if self.owes_continue and not (self.is_served or self.reader.received or self.drains):
            self.owes_continue = False
            if self.reader.is_amid:
                self.send(CONTINUE)


class Unsent:
    """What an answer has left to send: a little in memory, the rest in a file that has no name."""

    def __init__(self, most: int) -> None:
        self.size = 0
        self._most = most
        self._memory = bytearray()
        self._file: IO[bytes] | None = None
        self._filed = self._taken = 0

    def append(self, data: bytes) -> None:
        if self._file is None and self.size + len(data) <= self._most:
            self._memory += data
        else:
            if self._file is None:
                self._file = tempfile.TemporaryFile(prefix="saasmanager-answer-")  # noqa: SIM115
            view = memoryview(data)
            while view:
                written = os.pwrite(self._file.fileno(), view, self._filed)
                view = view[written:]
                self._filed += written
        self.size += len(data)

    def send(self, client: socket.socket) -> int:
        """Send what fits and return how much that was. Raises OSError."""
        before = self.size
        with suppress(BlockingIOError):
            while self._memory:
                sent = client.send(self._memory)
                del self._memory[:sent]
                self.size -= sent
            while self._file and self._taken < self._filed:
                sent = os.sendfile(client.fileno(), self._file.fileno(), self._taken, self._filed - self._taken)
                self._taken += sent
                self.size -= sent
            self.forget()
        return before - self.size

    def forget(self) -> None:
        """Let go of everything."""
        self._memory.clear()
        if self._file is not None:
            self._file.close()
            self._file = None
        self.size = self._filed = self._taken = 0


class BufferingWorker(Worker):
    """Serves WSGI from `cfg.threads` threads; gunicorn's arbiter starts, watches and stops it."""

    limits = Limits()

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.born = time.monotonic()

    def init_signals(self) -> None:
        super().init_signals()
        # Ctrl-C goes to every process of the terminal's group; the arbiter has it, too, and passes on what it means.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGQUIT})

    def run(self) -> None:
        """Serve until told to stop."""
        self.connections: dict[int, Connection] = {}
        self.waiting: Waiting[tuple[Connection, Request]] = Waiting(self.cfg.threads, shares=self.limits.shares)
        # Connections that have sent more than they may before others are attended to.
        self.again: deque[Connection] = deque()
        self.room_until = 0.0
        self.attention = threading.Event()
        self.evicted = threading.Event()
        self.stopping_since: float | None = None
        self.has_stopped = False
        self.poll = select.epoll()
        self.poll.register(self.PIPE[0], select.EPOLLIN | select.EPOLLET)
        threads = [
            threading.Thread(target=self._serve_until_stopped, name=f"serve-{number}", daemon=True)
            for number in range(self.cfg.threads)
        ]
        listeners = [
            threading.Thread(target=self._accept_until_stopped, args=[listener.sock], name="accept", daemon=True)
            for listener in self.sockets
        ]
        for thread in (*threads, *listeners):
            thread.start()
        self._watch(listeners)
        self.has_stopped = True
        self.poll.modify(self.PIPE[0], select.EPOLLIN)  # and nobody reads it, so it wakes all
        self._wake()
        for thread in threads:
            thread.join(timeout=self.cfg.graceful_timeout)

    # The thread that accepts

    def _accept_until_stopped(self, listener: socket.socket) -> None:
        # All workers wait in accept(), and the kernel wakes them in turn. Woken by epoll, one would get nearly all.
        listener.setblocking(True)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 0, 200_000))
        host, port = listener.getsockname()[:2]
        common = {
            "SCRIPT_NAME": "",
            "SERVER_NAME": host,
            "SERVER_PORT": str(port),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
            "wsgi.input_terminated": True,
        }
        callers = select.poll()
        callers.register(listener, select.POLLIN)
        # Who has called when the server stops would otherwise wait in vain, as long as a last request runs.
        while self.alive or (callers.poll(0) and not self._is_late()):
            try:
                client, address = listener.accept()
            except BlockingIOError:
                continue
            except OSError as error:  # out of file descriptors, say
                self.log.warning("No connection could be accepted: %s.", error)
                time.sleep(0.1)
                continue
            with suppress(OSError):
                client.setblocking(False)
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            surroundings = {**common, "REMOTE_ADDR": address[0], "REMOTE_PORT": str(address[1])}
            connection = Connection(client, surroundings, self.limits, time.monotonic(), self.poll.modify)
            # Nobody attends to it before it is registered.
            with connection.lock, suppress(OSError):
                self.connections[connection.fd] = connection
                self.poll.register(connection.fd, READ)
            while len(self.connections) > self.limits.connections:
                self.evicted.clear()
                self.attention.set()
                self.evicted.wait(0.01)
        listener.close()

    # The threads that run the application

    def _serve_until_stopped(self) -> None:
        waiting = self.waiting
        while not self.has_stopped:
            if (taken := waiting.take()) is None:
                try:
                    self._attend_to_all(waiting.patience())
                except Exception:
                    self.log.exception("A thread failed, and goes on.")
                finally:
                    waiting.back()
                continue
            self._wake_if_wanted()
            (connection, request), turn = taken
            try:
                closes = self._serve(connection, request, turn)
            except Exception:
                self.log.exception("A request could not be answered.")
                closes = True
            waiting.done(turn)
            try:
                self._finish(connection, closes)
                if waiting.is_any:
                    self._attend_to_all(0)  # so that all that have come are there to choose from
            except Exception:
                self.log.exception("A thread failed, and goes on.")

    def _serve(self, connection: Connection, request: Request, turn: Turn) -> bool:
        """Answer one request; say whether the connection is to be closed."""
        if connection.is_closed:
            return True
        answer = Answer(
            request,
            partial(self._send, connection),
            lambda: request.keep_alive and self.alive and not (connection.has_ended and not connection.reader.received),
        )
        try:
            environ = request.environ(connection.surroundings)
            environ[TURN] = turn
            body = self.wsgi(environ, answer.start)
            try:
                answer.write(body)
            finally:
                if hasattr(body, "close"):
                    body.close()
        except _ReaderGone:
            return True
        except Exception:
            self.log.exception("The application failed.")
            if not answer.has_started:
                self._send(connection, Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "Try again.").as_bytes())
            return True
        return answer.closes

    def _send(self, connection: Connection, data: bytes) -> None:
        with connection.lock:
            connection.send(data)
            if connection.is_closed:
                raise _ReaderGone
        while connection.unsent.size > self.limits.filed and not connection.is_closed:
            time.sleep(0.05)

    def _finish(self, connection: Connection, closes: bool) -> None:
        with connection.lock:
            connection.is_served, connection.taken = False, 0
            connection.since = time.monotonic()
            if closes:
                self._drain(connection)
            connection.go_on()
        if connection.reader.received:
            self._advance(connection)
        elif connection.is_unread or connection.has_ended or not self.alive:
            self._attend(connection, select.EPOLLRDHUP)

    def _advance(self, connection: Connection) -> None:
        """Hand on the next request of a connection, once the last one is answered and the answer is sent."""
        with connection.lock:
            if connection.is_served or connection.drains or connection.unsent.size or not connection.reader.received:
                return
            following = connection.reader.received.popleft()
            if isinstance(following, Request):
                connection.is_served, connection.taken = True, len(following.body)
                fields = following.fields
                authorization, cookie = fields.get("HTTP_AUTHORIZATION", ""), fields.get("HTTP_COOKIE", "")
                self.waiting.put((connection, following), following.target, authorization, cookie)
                return
            connection.send(following.as_bytes())
            self._drain(connection)

    def _drain(self, connection: Connection) -> None:
        """Answer no more, and close once the client has: sooner, it could lose the answer. The lock is held."""
        connection.drains = connection.reader.discards = True
        connection.reader.received.clear()
        connection.since = time.monotonic()
        if not connection.unsent.size and not connection.is_closed:
            with suppress(OSError):
                connection.socket.shutdown(socket.SHUT_WR)

    def _wake_if_wanted(self) -> None:
        """Wake an idle thread if there is something to do for it that no client will tell it."""
        if self.waiting.lacks_a_thread or (self.again and self.waiting.idle):
            self._wake()

    def _wake(self) -> None:
        with suppress(BlockingIOError):
            os.write(self.PIPE[1], b".")

    # Attending to clients

    def _attend_to_all(self, seconds: float) -> None:
        """Wait for so long until a client does something, and see to it."""
        for fd, event in self.poll.poll(0 if self.again else seconds, MOST_EVENTS):
            if (connection := self.connections.get(fd)) is not None:
                self._attend(connection, event)
            elif not self.has_stopped:
                with suppress(BlockingIOError):
                    os.read(self.PIPE[0], 4096)
        ends = time.monotonic() + LONGEST_ATTENTION if self.again else 0.0
        while self.again and time.monotonic() < ends:
            with suppress(IndexError):  # another thread was first
                connection = self.again.popleft()
                connection.is_again = False
                self._attend(connection, select.EPOLLRDHUP)

    def _attend(self, connection: Connection, event: int) -> None:
        """See to one connection. Who comes while another thread is at it leaves the event there."""
        with connection.lock:
            connection.events |= event
            if connection.is_attended:
                return
            connection.is_attended = True
        while True:
            with connection.lock:
                event, connection.events = connection.events, 0
                if not event:
                    connection.is_attended = False
                    return
            try:
                self._heed(connection, event)
            except Exception:
                self.log.exception("A connection failed, and is closed.")
                self._close(connection)

    def _heed(self, connection: Connection, event: int) -> None:
        if event & (select.EPOLLOUT | GONE):
            self._flush(connection)
        if event & (select.EPOLLIN | select.EPOLLRDHUP | GONE):
            # The number may have been another connection's when that was gone, so reading has to show it.
            self._read(connection, to_the_end=bool(event & (select.EPOLLRDHUP | GONE)))
        if event & LATE:
            self._look_at(connection)
        if event & GIVE_WAY:
            self._give_way(connection)
        if event & LEAVE and not connection.is_served:
            self._close(connection)
        if event & STOP and self._is_left(connection):
            self._close(connection)

    def _read(self, connection: Connection, *, to_the_end: bool = True) -> None:
        reader = connection.reader
        if connection.is_again:
            return  # its turn comes
        ends = time.monotonic() + LONGEST_READ
        while True:
            if connection.is_closed:
                self._close(connection)
                return
            if connection.has_ended:
                connection.is_unread = False
                break
            # Until some are answered. Said before it is known, or who answers the last of them could miss it.
            connection.is_unread = True
            if not connection.drains and (len(reader.received) > 1 or (reader.received and connection.unsent.size)):
                return
            connection.is_unread = False
            try:
                data = connection.socket.recv(PIECE)
            except BlockingIOError:
                break
            except OSError:
                self._close(connection)
                return
            if not data:
                connection.has_ended = True
                break
            if reader.discards:
                connection.drained += len(data)
                if connection.drained > self.limits.drained:
                    self._close(connection)
                    return
            else:
                reader.feed(data)
                if not reader.is_amid:
                    connection.amid_since = None
                elif connection.amid_since is None:
                    connection.amid_since = time.monotonic()
                if reader.size >= PIECE:
                    self._make_room()
                if reader.received:
                    self._advance(connection)
            if len(data) < PIECE and not to_the_end:
                break
            if time.monotonic() >= ends:
                connection.is_again = True
                self.again.append(connection)
                return
        if connection.has_ended and reader.is_amid and not reader.discards:
            self._refuse(connection, HTTPStatus.BAD_REQUEST, "The request ended before all of it was there.")
        is_idle = not (connection.is_served or connection.unsent.size)
        if connection.has_ended and is_idle and (connection.drains or not reader.received):
            self._close(connection)

    def _flush(self, connection: Connection) -> None:
        with connection.lock:
            if not connection.unsent.size or connection.is_closed:
                return
            try:
                sent = connection.unsent.send(connection.socket)
            except OSError:
                connection.is_closed = True
            else:
                connection.step += sent
                if connection.step >= self.limits.step or not connection.unsent.size:
                    connection.since, connection.step = time.monotonic(), 0
                if not connection.unsent.size:
                    self.poll.modify(connection.fd, READ)
                    if connection.drains:
                        self._drain(connection)
        if not connection.unsent.size:
            self._advance(connection)
            self._read(connection)

    def _make_room(self) -> None:
        """Let the largest of the requests that no thread has give way, if all that are here are too large together."""
        now = time.monotonic()
        if now < self.room_until:
            return
        # Each of many small pieces that come in would have all connections looked at.
        self.room_until = now + LOOK
        everyone = self._connections()
        coming = [(each.reader.size, each.fd) for each in everyone]
        surplus = sum(each.taken for each in everyone) + sum(size for size, _ in coming) - self.limits.buffered
        if surplus <= 0:
            return
        for size, fd in sorted(coming, reverse=True):
            if surplus <= 0 or not size:
                return
            surplus -= size
            if (largest := self.connections.get(fd)) is not None:
                self._attend(largest, GIVE_WAY)

    def _refuse(self, connection: Connection, status: HTTPStatus, reason: str) -> None:
        """Read no further, and say why, behind the answers to what came before."""
        connection.reader.refuse(Refusal(status, reason))
        connection.amid_since = None
        self._advance(connection)

    def _give_way(self, connection: Connection) -> None:
        """Refuse what is coming in and the whole requests before it that no thread has, which may be most of it."""
        with connection.lock:
            if connection.drains or not connection.reader.size:
                return  # a thread has it by now
            connection.reader.received.clear()
            connection.reader.discards = False
        self._refuse(connection, HTTPStatus.SERVICE_UNAVAILABLE, "Too much is coming in. Try again.")

    def _look_at(self, connection: Connection) -> None:
        """Part with a client that takes too long."""
        now, limits = time.monotonic(), self.limits
        if connection.amid_since is not None and now - connection.amid_since > limits.request:
            late = f"The request did not arrive within {limits.request:g} seconds."
            self._refuse(connection, HTTPStatus.REQUEST_TIMEOUT, late)
        passed = now - connection.since
        if connection.is_closed:
            self._close(connection)
        elif connection.unsent.size:
            if passed > limits.stall:
                self._close(connection)
        elif connection.drains:
            if passed > limits.drain:
                self._close(connection)
        elif connection.amid_since is None and not connection.is_served and passed > limits.idle:
            self._close(connection)

    # The main thread

    def _watch(self, listeners: list[threading.Thread]) -> None:
        """Look after everything until nothing is left to do."""
        every = min(1.0, self.limits.request / 4, self.limits.idle / 4)
        look_at = 0.0
        while True:
            self.attention.wait(TICK)
            self.attention.clear()
            if not self.waiting.idle:
                self._attend_to_all(0)
            now = time.monotonic()
            if now >= look_at or len(self.connections) > self.limits.connections:
                look_at = now + every
                self.waiting.let_go()
                self.notify()
                if self.ppid != os.getppid():
                    self.log.warning("The main process is gone, so this worker leaves.")
                    self.alive = False
                for connection in self._connections():
                    self._attend(connection, LATE)
                self._evict()
            self._wake_if_wanted()
            if not self.alive and self._has_stopped(listeners, now):
                return

    def _evict(self) -> None:
        """Close the most idle connections if there are too many."""
        surplus = len(self.connections) - self.limits.connections
        if surplus > 0:
            # Also those whose client reads its last answer slowly and has asked on meanwhile.
            idle = [each for each in self._connections() if not each.is_served]
            for connection in sorted(idle, key=lambda each: max(each.since, each.amid_since or 0))[: surplus + SPARE]:
                self._attend(connection, LEAVE)
            self.evicted.set()

    def _has_stopped(self, listeners: list[threading.Thread], now: float) -> bool:
        """Close what is idle; say whether nothing is left to do."""
        if self.stopping_since is None:
            self.stopping_since = now
        for connection in self._connections():
            if self._is_left(connection):
                # What has arrived by now is read first, and answered.
                self._attend(connection, select.EPOLLIN | STOP)
        return not self.connections and not any(listener.is_alive() for listener in listeners)

    def _is_late(self) -> bool:
        """Whether a server that stops waits no longer for what is only just coming."""
        return self.stopping_since is not None and time.monotonic() - self.stopping_since > self.limits.stop

    def _is_left(self, connection: Connection) -> bool:
        """Whether a server that stops need not wait for a connection."""
        if connection.is_served or connection.reader.received or connection.unsent.size:
            return False
        return self._is_late() or connection.drains or (connection.amid_since is None and not connection.is_again)

    def _connections(self) -> list[Connection]:
        return list(self.connections.values())

    def _close(self, connection: Connection) -> None:
        with connection.lock:
            connection.is_closed = True
            # The number of a file that was closed before may be another client's by now.
            if self.connections.get(connection.fd) is connection:
                del self.connections[connection.fd]
                connection.unsent.forget()
                connection.socket.close()


class _ReaderGone(Exception):
    """Nobody is there to read the rest of the answer."""
