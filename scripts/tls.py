"""A small TLS proxy in front of the server: what a reverse proxy does in production.

Not for production: each request takes a thread, and bodies and answers are kept whole in memory.
"""

import http.client
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

# Headers of one connection (RFC 9110 section 7.6.1); the proxy writes its own.
_HOP_BY_HOP = {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
_FORWARDED = {"x-forwarded-proto", "x-forwarded-for"}


@contextmanager
def ending_tls(*, host: str, folder: Path, port: int, server_port: int) -> Iterator[None]:
    """Accept HTTPS for `host` on 127.0.0.1:`port` and pass each request to the server on `server_port`.

    The certificate is made in `folder` by openssl and signed by nobody. Raises CalledProcessError without openssl.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*_certificate(host, folder))

    class Handler(_Forwarding):
        upstream = server_port

    proxy = _Proxy(("127.0.0.1", port), Handler, context)
    thread = Thread(target=proxy.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        proxy.shutdown()
        proxy.server_close()
        thread.join()


def _certificate(host: str, folder: Path) -> tuple[Path, Path]:
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", f"/CN={host}"]
        + ["-keyout", str(key), "-out", str(certificate)],
        check=True,
        stderr=subprocess.DEVNULL,
    )
    return certificate, key


class _Proxy(ThreadingHTTPServer):
    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler], context: ssl.SSLContext):
        super().__init__(address, handler)
        # The handshake is left to the thread of the connection: a browser opens some that it does not use yet.
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a browser breaks off connections as it likes."""


class _Forwarding(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    upstream = 0

    def _forward(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP | _FORWARDED}
        headers |= {"X-Forwarded-Proto": "https", "X-Forwarded-For": self.client_address[0]}
        client = http.client.HTTPConnection("127.0.0.1", self.upstream, timeout=60)
        try:
            client.request(self.command, self.path, body or None, headers)
            answer = client.getresponse()
            content = answer.read()
        finally:
            client.close()
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in _HOP_BY_HOP | {"content-length"}:
                self.send_header(name, value)
        if self.command == "HEAD":
            self.send_header("Content-Length", answer.headers.get("Content-Length", "0"))
        elif answer.status not in (204, 304):
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _forward

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the server behind writes the log."""
