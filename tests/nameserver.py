"""A name server on the loopback interface, which answers over UDP as real ones do, so that no test asks the network."""

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

LONGEST_MESSAGE = 4096
TXT_STRING = 255


@dataclass
class NameServer:
    """What the server knows: the names that there are, with the texts at each. Names below a name do not come with it.

    While it is ``silent`` it answers nothing, with ``trouble`` every answer is that error. ``asked`` is what it was
    asked so far, as name and type.
    """

    port: int
    texts: dict[str, list[str]] = field(default_factory=dict)
    silent: bool = False
    trouble: dns.rcode.Rcode | None = None
    asked: list[tuple[str, str]] = field(default_factory=list)

    def know(self, name: str, *texts: str) -> None:
        """Let there be a name with those texts in place of those that it had."""
        self.texts[name] = list(texts)

    def answer(self, wire: bytes) -> bytes | None:
        """The answer to one message; None for silence."""
        query = dns.message.from_wire(wire)
        question = query.question[0]
        name, kind = question.name.to_text(omit_final_dot=True), question.rdtype
        self.asked.append((name, dns.rdatatype.to_text(kind)))
        if self.silent:
            return None
        response = dns.message.make_response(query, recursion_available=True)
        if self.trouble is not None:
            response.set_rcode(self.trouble)
        elif name.lower() not in self.texts:
            response.set_rcode(dns.rcode.NXDOMAIN)
        elif kind == dns.rdatatype.TXT and self.texts[name.lower()]:
            quoted = [_quoted(text) for text in self.texts[name.lower()]]
            response.answer.append(dns.rrset.from_text(question.name, 60, "IN", "TXT", *quoted))
        return response.to_wire()


def _quoted(text: str) -> str:
    """A text as zone files have it: in strings of no more than 255 characters."""
    parts = [text[start : start + TXT_STRING] for start in range(0, len(text), TXT_STRING)] or [""]
    return " ".join('"' + part.replace("\\", "\\\\").replace('"', '\\"') + '"' for part in parts)


@pytest.fixture
def nameserver(settings: pytest.FixtureRequest) -> Iterator[NameServer]:
    """A name server that the application asks, and no other."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        wire.bind(("127.0.0.1", 0))
        server = NameServer(wire.getsockname()[1])
        thread = threading.Thread(target=_serve, args=(wire, server), daemon=True)
        thread.start()
        settings.DNS_RESOLVERS = [("127.0.0.1", server.port)]  # type: ignore[attr-defined]
        yield server
        # An empty message ends it.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", ("127.0.0.1", server.port))
        thread.join(5)


def _serve(wire: socket.socket, server: NameServer) -> None:
    while True:
        message, client = wire.recvfrom(LONGEST_MESSAGE)
        if not message:
            return
        if answer := server.answer(message):
            wire.sendto(answer, client)
