"""A mail server on loopback that answers as it is told to, so that sending is tried over a real socket (RFC 5321)."""

import socketserver
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from typing import Any

import pytest


@dataclass
class MailServer:
    """``refusals`` maps recipients to the answer that they get instead of 250; ``received`` is what came through.

    ``envelopes`` are the recipients as RCPT TO named them, whatever the header says.
    """

    port: int = 0
    refusals: dict[str, str] = field(default_factory=dict)
    received: list[Message] = field(default_factory=list)
    envelopes: list[str] = field(default_factory=list)


@pytest.fixture
def over_smtp(mailserver: MailServer, settings: Any) -> MailServer:
    """Mail leaves to that server, over a socket."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", mailserver.port
    return mailserver


@pytest.fixture
def mailserver() -> Iterator[MailServer]:
    """A server that takes every mail until it is told otherwise."""
    told = MailServer()

    class Conversation(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.say("220 here")
            while line := self.rfile.readline():
                verb, _, argument = line.decode().strip().partition(":")
                match verb.upper():
                    case "QUIT":
                        self.say("221 bye")
                        return
                    case "DATA":
                        self.say("354 go on")
                        lines = iter(self.rfile.readline, b".\r\n")
                        told.received.append(message_from_bytes(b"".join(lines)))
                        self.say("250 taken")
                    case "RCPT TO":
                        told.envelopes.append(argument.strip("<>"))
                        self.say(told.refusals.get(argument.strip("<>"), "250 known"))
                    case _:
                        self.say("250 fine")

        def say(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Conversation) as server:
        told.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield told
        server.shutdown()
