"""Clients that mean harm, or are only slow: raw sockets that send what no library would."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from urllib.parse import urlsplit

from tests.servers import Server

HEAD = b"POST /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n"


def connect(server: Server, *, timeout: float = 20, receive_buffer: int = 0) -> socket.socket:
    """Open a connection."""
    client = socket.socket()
    if receive_buffer:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    client.settimeout(timeout)
    client.connect(("127.0.0.1", urlsplit(server.url).port))
    return client


@contextmanager
def many(server: Server, sent: bytes, number: int, *, receive_buffer: int = 0) -> Iterator[list[socket.socket]]:
    """Keep so many connections open that have sent only this."""
    with ExitStack() as stack:
        clients = []
        for _ in range(number):
            client = stack.enter_context(connect(server, receive_buffer=receive_buffer))
            client.sendall(sent)
            clients.append(client)
        yield clients


def exchange(server: Server, sent: bytes, *, timeout: float = 20) -> bytes:
    """Send this and return all that comes until the server closes the connection."""
    with connect(server, timeout=timeout) as client:
        client.sendall(sent)
        return read_all(client)


def read_all(client: socket.socket) -> bytes:
    """Everything until the server closes."""
    received = b""
    with suppress(ConnectionResetError):
        while data := client.recv(65536):
            received += data
    return received


def read_one(client: socket.socket) -> bytes:
    """One answer with a Content-Length, head and body."""
    received = b""
    while b"\r\n\r\n" not in received:
        data = client.recv(65536)
        assert data, received
        received += data
    head, _, body = received.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        body += client.recv(65536)
    return head + b"\r\n\r\n" + body


def seconds_until_closed(client: socket.socket) -> float:
    """How long the server keeps the connection."""
    started = time.monotonic()
    read_all(client)
    return time.monotonic() - started
