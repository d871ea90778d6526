"""Why no answer came, in words that say what to look at; and the name by which a server is asked."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from provisioning.simulator import client
from provisioning.simulator.client import Client
from provisioning.simulator.simulator import Unreachable


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of somebody who takes connections and says nothing."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        yield listener.getsockname()[1]


def why(base_url: str) -> str:
    with closing(Client(base_url, "token")) as asking, pytest.raises(Unreachable) as unreachable:
        asking("GET", "/Users", {}, None)
    return str(unreachable.value)


def test_nobody_listens(silent: int) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as gone:
        port = gone.getsockname()[1]
    assert why(f"http://127.0.0.1:{port}/v2").startswith(f"No answer: nothing listens at 127.0.0.1:{port}.")


def test_nobody_says_anything(silent: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "TIMEOUT", 0.05)
    assert why(f"http://127.0.0.1:{silent}/v2").startswith(f"No answer from 127.0.0.1:{silent} within")


def test_a_name_that_is_none() -> None:
    assert why("http://nowhere.invalid/v2").startswith("No answer: the name nowhere.invalid leads nowhere")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ssl.SSLCertVerificationError(1, "self-signed"), "the certificate of saas.example.com is not trusted"),
        (ssl.SSLError(1, "wrong version"), "Does it speak https?"),
        (ConnectionResetError(104, "Connection reset by peer"), "Connection reset by peer"),
    ],
)
def test_what_went_wrong_on_the_wire(error: OSError, words: str) -> None:
    # OpenSSL fills these in, which the constructor does not.
    error.__dict__.update(verify_message="self-signed certificate", reason="WRONG_VERSION_NUMBER")
    assert words in client._why(error, "saas.example.com")


def test_a_server_is_asked_by_the_name_that_it_is_known_under() -> None:
    heard = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(self.headers.get_all("Host"))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.handle_request).start()
        with closing(Client(f"http://127.0.0.1:{server.server_port}/v2", "token", "saas.example.com")) as asking:
            assert asking("GET", "/Users", {}, None).status == 204
    assert heard == [["saas.example.com"]]
