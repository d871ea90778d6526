"""How a play reaches a server: one HTTP connection with the token on every request, and no redirect followed."""

import http.client
import json
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from scim.play.player import Answer, Unreachable

TIMEOUT = 15.0
LONGEST_BODY = 4 * 1024 * 1024


class Client:
    """A SCIM server at ``base_url`` (http or https), asked with ``token``. Raises ValueError for another address."""

    def __init__(self, base_url: str, token: str) -> None:
        address = urlsplit(base_url)
        if address.scheme not in {"http", "https"} or not address.hostname:
            raise ValueError(f"'{base_url}' is no address such as https://saas.example.com/scim/acme/v2.")
        self._prefix = address.path.rstrip("/")
        self._token = token
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
        headers = {"User-Agent": "SaaS-Manager-SCIM-play", **headers, "Authorization": f"Bearer {self._token}"}
        try:
            self._connection.request(method, self._prefix + path, sent, headers)
            answer = self._connection.getresponse()
            text = answer.read(LONGEST_BODY + 1)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise Unreachable(f"No answer: {error or type(error).__name__}.") from None
        if len(text) > LONGEST_BODY:
            self.close()
            raise Unreachable(f"The answer is longer than {LONGEST_BODY >> 20} MiB.")
        answered = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, answered, _read(text))

    def close(self) -> None:
        """End the connection; the next request opens another."""
        self._connection.close()


def _read(text: bytes) -> Any:
    if not text:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text.decode(errors="replace")
