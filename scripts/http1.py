"""HTTP/1.1 for the server (RFC 9110, RFC 9112): bytes in, whole requests or refusals out.

llhttp, by httptools, finds where each part begins and ends. It refuses what two readers could take for two different
requests: Content-Length beside Transfer-Encoding, more than one of either, white space before a colon, bare line feeds.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from io import BytesIO
from typing import Any
from urllib.parse import unquote_to_bytes

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

# Bytes of a request line with its header fields: a filter of 8,192 characters that are not Latin, each percent-encoded
# in nine characters, has room. And header fields in one request.
LONGEST_HEAD = 128 * 1024
# Django looks through the parameters of a Content-Type in time that grows with the square of their number.
LONGEST_CONTENT_TYPE = 1024
# Longer names of header fields are not remembered.
LONGEST_KNOWN_NAME = 64
MOST_FIELDS = 100

# Requests of one connection that may wait for an answer.
MOST_WAITING = 64

# Chunks may be as small as a byte, in six bytes: beyond this multiple of the limit it is no honest body.
WORST_CHUNKING = 8

_UNPREFIXED = {b"content-type": "CONTENT_TYPE", b"content-length": "CONTENT_LENGTH"}
_VERSIONS = {"1.0", "1.1"}
_WITHOUT_BODY = {204, 304}


@dataclass(slots=True)
class Request:
    """A request that has arrived whole; or one whose body is too large, without that body and with its length."""

    method: str
    target: bytes
    version: str
    fields: dict[str, str]
    body: bytes | bytearray
    keep_alive: bool

    def environ(self, surroundings: dict[str, Any]) -> dict[str, Any]:
        """The WSGI environment (PEP 3333), in the middle of what is the same for all requests of a connection."""
        host, path, query = parts_of(self.target)
        # The host of the target counts, whatever Host says (RFC 9112 section 3.2.2).
        fields = self.fields if host is None else {**self.fields, "HTTP_HOST": host.decode("latin-1")}
        environ = {
            **surroundings,
            **fields,
            "REQUEST_METHOD": self.method,
            "PATH_INFO": path.decode("latin-1"),
            "QUERY_STRING": query.decode("latin-1"),
            "SERVER_PROTOCOL": f"HTTP/{self.version}",
            "wsgi.input": BytesIO(self.body),
        }
        return environ


def parts_of(target: bytes) -> tuple[bytes | None, bytes, bytes]:
    """The host, if one is in it, the path and the query of a request's target; the path as the application sees it."""
    target, _, _fragment = target.partition(b"#")
    path, _, query = target.partition(b"?")
    host = None
    if not path.startswith(b"/") and b"://" in path:
        authority, _, path = path.split(b"://", 1)[1].partition(b"/")
        host, path = authority.rpartition(b"@")[2], b"/" + path
    return host, unquote_to_bytes(path) if b"%" in path else path, query


@dataclass(frozen=True, slots=True)
class Refusal:
    """What cannot be read, or has taken too long: answered without the application, then the connection is closed."""

    status: HTTPStatus
    reason: str

    def as_bytes(self) -> bytes:
        text = f"{self.status.value} {self.status.phrase}: {self.reason}\n".encode()
        retry = [("Retry-After", "2")] if self.status == HTTPStatus.SERVICE_UNAVAILABLE else []
        fields = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(text))), *retry]
        return head(f"{self.status.value} {self.status.phrase}", fields, "close") + text


class _Refused(Exception):
    def __init__(self, status: HTTPStatus, reason: str) -> None:
        self.refusal = Refusal(status, reason)


class Reader:
    """Reads what one connection sends. Complete requests, and at last perhaps a refusal, come into `received`.

    `limit` is the largest body in bytes. `buffered` counts the bytes of what has not arrived whole.
    """

    def __init__(self, limit: int, continue_: Callable[[], None]) -> None:
        self.limit = limit
        self.received: deque[Request | Refusal] = deque()
        self.discards = False
        self.buffered = 0
        self._continue = continue_
        self._parser = HttpRequestParser(self)
        self._in_head = True
        self._is_resuming = False
        self._framing = b""
        self._has_begun = False
        self._unbroken = 0
        self._begin()

    @property
    def size(self) -> int:
        """How many bytes of requests are kept here: of the one that is coming in, and of whole ones that wait."""
        # A copy, since the thread that has just answered may take the next one out meanwhile.
        return self.buffered + sum(len(each.body) for each in tuple(self.received) if isinstance(each, Request))

    @property
    def is_amid(self) -> bool:
        """Whether a request has begun and not ended."""
        return self._has_begun

    def feed(self, data: bytes) -> None:
        """Take in the next bytes."""
        if self.discards:
            return
        self.buffered += len(data)
        # Since the last piece of a body: within a head or a trailer, which the parser puts together piece by piece.
        self._unbroken += len(data)
        try:
            if self._unbroken > LONGEST_HEAD + len(data) or (self._in_head and self.buffered > LONGEST_HEAD):
                raise _Refused(
                    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                    f"The request line and the header fields may have {LONGEST_HEAD:,} bytes.",
                )
            self._parse(data)
            if self.buffered > LONGEST_HEAD + WORST_CHUNKING * self.limit:
                raise _Refused(HTTPStatus.BAD_REQUEST, "The chunks are too small.")
        except _Refused as refused:
            self.refuse(refused.refusal)
        except HttpParserError as error:
            cause = error.__context__
            hint = " Characters beyond ASCII have to be percent-encoded there." if "in url" in str(error) else ""
            self.refuse(
                cause.refusal
                if isinstance(cause, _Refused)
                else Refusal(HTTPStatus.BAD_REQUEST, f"This is not HTTP/1.1: {error}.{hint}")
            )

    def _parse(self, data: bytes) -> None:
        """Let llhttp read. It stops behind a head that offers another protocol, which is declined: then read on."""
        rest = memoryview(data)
        while rest:
            try:
                self._parser.feed_data(rest)
                return
            except HttpParserUpgrade as offer:
                if self._parser.get_method() == b"CONNECT":
                    self.refuse(None)
                    return
                rest = rest[offer.args[0] :]
                self._parser = HttpRequestParser(self)
                if self._framing:
                    framing, self._is_resuming = self._framing, True
                    self._parser.feed_data(b"POST / HTTP/1.1\r\n%b\r\n\r\n" % framing)
                    self._framing, self._is_resuming = b"", False

    def refuse(self, refusal: Refusal | None) -> None:
        """Read no further. What came before is still answered, then the refusal."""
        try:
            last = self.received[-1]
        except IndexError:  # also if a thread takes it just now
            last = None
        if refusal and not self.discards and not (isinstance(last, Request) and not last.keep_alive):
            self.received.append(refusal)
        elif isinstance(last, Request):
            last.keep_alive = False
        self.discards = True
        self._has_begun = False
        self.buffered = 0
        self._begin()

    def _begin(self) -> None:
        self._target = b""
        self._fields: dict[str, str] = {}
        self._count = 0
        self._body: bytes | bytearray = b""
        self._hosts = 0
        self._method = self._version = ""
        self._keep_alive = True
        # How a body is framed that follows an offer to speak another protocol.
        self._framing = b""

    # What llhttp calls

    def on_message_begin(self) -> None:
        self._has_begun = True

    def on_url(self, part: bytes) -> None:
        if not self._is_resuming:
            self._target += part

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count += 1
        if self._count > MOST_FIELDS:
            raise _Refused(
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"A request may have {MOST_FIELDS} header fields."
            )
        # Trailers are read past. X_Forwarded_For would become the same variable as X-Forwarded-For, which only proxies
        # of ours may write.
        if not self._in_head or b"_" in name:
            return
        variable, text = _variable(name), value.decode("latin-1")
        if variable in self._fields:
            if variable == "HTTP_HOST":
                self._hosts += 1
            text = f"{self._fields[variable]}{'; ' if variable == 'HTTP_COOKIE' else ','}{text}"
        if variable == "HTTP_COOKIE" and "\\" in text:
            # None of ours is quoted, and Python before 3.11.10 takes a quoted one apart in quadratic time.
            text = ";".join([each for each in text.split(";") if "\\" not in each])
        if variable == "CONTENT_TYPE" and len(text) > LONGEST_CONTENT_TYPE:
            raise _Refused(
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                f"A Content-Type may have {LONGEST_CONTENT_TYPE:,} characters.",
            )
        self._fields[variable] = text

    def on_headers_complete(self) -> None:
        if self._is_resuming:
            return
        self._in_head = False
        self._unbroken = 0
        self._method, self._version = self._parser.get_method().decode(), self._parser.get_http_version()
        self._keep_alive = self._parser.should_keep_alive()
        fields, version = self._fields, self._version
        if version not in _VERSIONS:
            raise _Refused(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "This server speaks HTTP/1.1.")
        if self._hosts or (version == "1.1" and "HTTP_HOST" not in fields):
            raise _Refused(HTTPStatus.BAD_REQUEST, "A request has exactly one Host.")
        if (coding := fields.pop("HTTP_TRANSFER_ENCODING", None)) is not None and (
            coding.lower() != "chunked" or version == "1.0"
        ):
            raise _Refused(HTTPStatus.NOT_IMPLEMENTED, "Of the transfer codings, this server knows chunked.")
        length = int(fields.get("CONTENT_LENGTH", 0))
        if expected := fields.get("HTTP_EXPECT"):
            if expected.lower() != "100-continue":
                raise _Refused(HTTPStatus.EXPECTATION_FAILED, "This server knows the expectation 100-continue.")
            if version == "1.1" and length <= self.limit and (length or coding):
                self._continue()
        if length > self.limit:
            self._complete(keep_alive=False)
            raise _TooLarge
        if self._parser.should_upgrade() and self._method != "CONNECT":
            self._framing = (
                b"Transfer-Encoding: chunked" if coding else b"Content-Length: %d" % length if length else b""
            )

    def on_body(self, part: bytes) -> None:
        self._unbroken = 0
        if not self._body:
            self._body = part
        else:
            if isinstance(self._body, bytes):
                self._body = bytearray(self._body)
            self._body += part
        if len(self._body) > self.limit:
            self._fields["CONTENT_LENGTH"] = str(len(self._body))
            self._body = b""
            self._complete(keep_alive=False)
            raise _TooLarge

    def on_message_complete(self) -> None:
        if self._framing:
            return
        if self._body:
            # It has been put together: as a proxy would, say how long it is (RFC 9112 section 7.1.3).
            self._fields["CONTENT_LENGTH"] = str(len(self._body))
        self._complete(keep_alive=self._keep_alive and self._method != "CONNECT")
        self._begin()
        self._in_head = True
        self._has_begun = False
        self.buffered = self._unbroken = 0

    def _complete(self, *, keep_alive: bool) -> None:
        if len(self.received) >= MOST_WAITING:
            raise _Refused(HTTPStatus.BAD_REQUEST, f"More than {MOST_WAITING} requests wait for their answers.")
        self.received.append(Request(self._method, self._target, self._version, self._fields, self._body, keep_alive))


class _TooLarge(_Refused):
    """The request is with the application, which answers it by its length alone; its body is not read."""

    def __init__(self) -> None:
        super().__init__(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is too large.")


class Answer:
    """Writes one answer (the WSGI side: `start`, then the body) to `send`."""

    # Django's files come in pieces of 4 kB.
    PIECE = 64 * 1024

    def __init__(self, request: Request, send: Callable[[bytes], None], keep_alive: Callable[[], bool]) -> None:
        self.has_started = False
        self.closes = False
        self._request, self._send, self._keep_alive = request, send, keep_alive
        self._status = ""
        self._fields: list[tuple[str, str]] = []

    def start(self, status: str, fields: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
        """WSGI's start_response; the old `write` that it should return is for applications of 2003."""
        self._status, self._fields = status, fields
        return _no_write

    def write(self, body: Iterable[bytes]) -> None:
        """Send everything, in as few pieces as are reasonable."""
        pieces = iter(body)
        first = next(pieces, b"")
        second = next(pieces, None)
        has_length = any(name.lower() == "content-length" for name, _ in self._fields)
        code = int(self._status[:3])
        is_bare = self._request.method == "HEAD" or code in _WITHOUT_BODY
        fields = self._fields
        chunked = False
        if second is None:
            if not has_length and code not in _WITHOUT_BODY and not (is_bare and not first):
                fields = [*fields, ("Content-Length", str(len(first)))]
        elif not has_length:
            chunked = self._request.version == "1.1"
            self.closes = not chunked
            if chunked:
                fields = [*fields, ("Transfer-Encoding", "chunked")]
        self.closes = self.closes or not self._keep_alive()
        connection = "close" if self.closes else "keep-alive" if self._request.version == "1.0" else ""
        begin = head(self._status, fields, connection)
        self.has_started = True
        if is_bare:
            self._send(begin)
        elif second is None:
            self._send(begin + first)
        else:
            self._stream(begin, first, second, pieces, chunked)

    def _stream(self, begin: bytes, first: bytes, second: bytes, rest: Iterable[bytes], chunked: bool) -> None:
        self._send(begin)
        waiting, size = [first, second], len(first) + len(second)
        for piece in rest:
            if size >= self.PIECE:
                self._send(_chunk(b"".join(waiting)) if chunked else b"".join(waiting))
                waiting, size = [], 0
            waiting.append(piece)
            size += len(piece)
        last = b"".join(waiting)
        self._send((_chunk(last) if last else b"") + b"0\r\n\r\n" if chunked else last)


def head(status: str, fields: Iterable[tuple[str, str]], connection: str) -> bytes:
    """The status line and the header fields of an answer, with the empty line after them."""
    lines = [f"HTTP/1.1 {status}\r\nDate: {_date(int(time.time()))}\r\n"]
    lines += [f"{name}: {value}\r\n" for name, value in fields]
    if connection:
        lines.append(f"Connection: {connection}\r\n")
    lines.append("\r\n")
    return "".join(lines).encode("latin-1")


@lru_cache(maxsize=2)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)


def _variable(name: bytes) -> str:
    """The WSGI variable of a header field; names that only an attacker sends are not remembered."""
    return _known_variable(name) if len(name) <= LONGEST_KNOWN_NAME else _known_variable.__wrapped__(name)


@lru_cache(maxsize=512)
def _known_variable(name: bytes) -> str:
    lower = name.lower()
    return _UNPREFIXED.get(lower) or "HTTP_" + lower.decode("latin-1").replace("-", "_").upper()


def _chunk(piece: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(piece), piece)


def _no_write(_data: bytes) -> None:
    raise NotImplementedError("Return the body instead.")
