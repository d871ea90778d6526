"""A small proxy that speaks HTTPS to a browser and HTTP to the server, as one stands in front of it in production."""

import http.client
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

# What is said between two neighbours, and not to the next one (RFC 9110 section 7.6.1).
BETWEEN_NEIGHBOURS = frozenset({"connection", "keep-alive", "transfer-encoding", "date", "server"})


@contextmanager
def in_front(port: int, behind: int, key: Path, certificate: Path) -> Iterator[None]:
    """Answer on a port of 127.0.0.1 with what the server behind another one answers."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            fields = {name: value for name, value in self.headers.items() if name.lower() not in BETWEEN_NEIGHBOURS}
            fields |= {"X-Forwarded-Proto": "https", "X-Forwarded-For": self.client_address[0]}
            client = http.client.HTTPConnection("127.0.0.1", behind, timeout=60)
            client.request(self.command, self.path, body or None, fields)
            answer = client.getresponse()
            content = answer.read()
            client.close()
            self.send_response_only(answer.status, answer.reason)
            for name, value in answer.getheaders():
                if name.lower() not in BETWEEN_NEIGHBOURS | {"content-length"}:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = pass_on

        def log_message(self, *_arguments: object) -> None:
            pass

    class Proxy(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_arguments: object) -> None:
            """A browser that tries the certificate out, and one that has left, are no news."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with Proxy(("127.0.0.1", port), Handler) as proxy:
        proxy.socket = context.wrap_socket(proxy.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=proxy.serve_forever, daemon=True)
        thread.start()
        try:
            yield
        finally:
            proxy.shutdown()
            thread.join()
