"""How a test run reaches a server: one HTTP connection, the token on every request, no redirects."""

import http.client
import json
import socket
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from provisioning.simulator.simulator import Answer, Unreachable

# How a test run calls itself, and how the logs of servers tell it from identity providers.
NAME = "SaaS-Manager-SCIM-play"

# Seconds for each thing that is waited for.
TIMEOUT = 15.0
LONGEST_BODY = 4 * 1024 * 1024


class Client:
    """A SCIM server at ``base_url`` (http or https), asked with ``token``. Raises ValueError for another address.

    ``host`` is the name by which the server is asked where that is not the one under which it is found.
    """

    def __init__(self, base_url: str, token: str, host: str = "") -> None:
        address = urlsplit(base_url)
        if address.scheme not in {"http", "https"} or not address.hostname:
            raise ValueError(f"'{base_url}' is no address such as https://saas.example.com/scim/acme/v2.")
        self._prefix = address.path.rstrip("/")
        self._token = token
        self._where = address.netloc.rpartition("@")[2]
        self._host = {"Host": host} if host else {}
        self._connection: http.client.HTTPConnection
        if address.scheme == "https":
            context = ssl.create_default_context()
            self._connection = http.client.HTTPSConnection(
                address.hostname, address.port, timeout=TIMEOUT, context=context
            )
        else:
            self._connection = http.client.HTTPConnection(address.hostname, address.port, timeout=TIMEOUT)

    def __call__(self, method: str, path: str, headers: Mapping[str, str], body: Any) -> Answer:
        """Send one request. Raises Unreachable."""
        sent = None if body is None else json.dumps(body).encode()
        headers = {"User-Agent": NAME, **self._host, **headers, "Authorization": f"Bearer {self._token}"}
        try:
            self._connection.request(method, self._prefix + path, sent, headers)
            answer = self._connection.getresponse()
            text = answer.read(LONGEST_BODY + 1)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise Unreachable(_why(error, self._where)) from None
        if len(text) > LONGEST_BODY:
            self.close()
            raise Unreachable(f"The answer is longer than {LONGEST_BODY >> 20} MiB.")
        answered = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, answered, _read(text))

    def close(self) -> None:
        """End the connection; the next request opens another."""
        self._connection.close()


def _why(error: Exception, where: str) -> str:
    """What kept an answer away, and what to look at."""
    match error:
        case ssl.SSLCertVerificationError():
            return (
                f"No answer: the certificate of {where} is not trusted from here ({error.verify_message}). Is it valid "
                "for this name, and does the server send the certificates between it and its authority too?"
            )
        case ssl.SSLError():
            return f"No answer: no encrypted connection to {where} comes about ({error.reason}). Does it speak https?"
        case TimeoutError():
            return f"No answer from {where} within {TIMEOUT:.0f} seconds. Is it busy, or does a firewall stand between?"
        case ConnectionRefusedError():
            return f"No answer: nothing listens at {where}. Are host and port right, and is the server running?"
        case socket.gaierror():
            return f"No answer: the name {where} leads nowhere from here. Is it spelled right, and does DNS know it?"
    return f"No answer from {where}: {error or type(error).__name__}."


def _read(text: bytes) -> Any:
    if not text:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text.decode(errors="replace")
