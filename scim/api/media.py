"""Bodies over HTTP: their media types, size and compression, in both directions.

RFC 7644 sections 3.1 and 3.12, 8.1; RFC 9110 sections 8.4 and 15.
"""

import re
import zlib
from collections.abc import Mapping

import orjson
from django.http import HttpRequest, HttpResponse

from scim.operations.provider import MAX_BODY
from scim.protocol.errors import InvalidSyntax, PayloadTooLarge, ScimError, UnsupportedMediaType, shown_name
from scim.protocol.responses import error_body

MEDIA_TYPE = "application/scim+json"

# Where the environment of a request has its LoggedExchange (``provisioning.services.request_log.logged_exchanges``),
# while additional logging is on.
EXCHANGE = "saasmanager.exchange"

READABLE = frozenset({MEDIA_TYPE, "application/json"})

# What an error needs besides its body.
HEADERS: Mapping[int, Mapping[str, str]] = {
    401: {"WWW-Authenticate": 'Bearer realm="SCIM"'},
    415: {"Accept": ", ".join(sorted(READABLE)), "Accept-Encoding": "gzip"},
    # Until a person has looked at it; every identity provider comes again with its next sync anyway. What is beyond a
    # limit is let in sooner, and its error says when.
    429: {"Retry-After": "900"},
    503: {"Retry-After": "2"},
}

# What fits into one packet anyway is sent as it is. Level 1 packs a page of 100 users to an eighth of its 100 kB in
# 0.4 ms; level 6 takes 1.1 ms for two percent of the page more.
PACKED_FROM = 1400
PACKING_LEVEL = 1

_GZIP_WINDOW = 31
_WEIGHT = re.compile(r"q *= *(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)")

# JSON between systems is UTF-8 (RFC 8259 section 8.1), of which ASCII is a part.
_CHARSET = re.compile(r"""\bcharset\s*=\s*["']?([^\s"';]+)""", re.IGNORECASE)
_UTF_8 = frozenset({"utf-8", "utf8", "us-ascii"})


def read_bytes(request: HttpRequest, limit: int = MAX_BODY) -> bytes:
    """The request's body, which is JSON of at most ``limit`` bytes, packed or not; unpacked.

    Raises UnsupportedMediaType, PayloadTooLarge and InvalidSyntax.
    """
    media_type, _, parameters = request.META.get("CONTENT_TYPE", "").partition(";")
    media_type = media_type.strip().lower()
    if media_type not in READABLE:
        raise UnsupportedMediaType(
            f"Send the body as {MEDIA_TYPE} or application/json, not as '{shown_name(media_type)}'."
        )
    if (charset := _CHARSET.search(parameters)) and charset[1].lower() not in _UTF_8:
        raise UnsupportedMediaType(f"Send the body in UTF-8, not in '{shown_name(charset[1])}'.")
    body = _body(request, limit)
    if (exchange := request.META.get(EXCHANGE)) is not None:
        exchange.read(body)
    return body


def glance(request: HttpRequest, longest: int) -> bytes:
    """The beginning of a body that was refused unread; nothing of one that was read, or can't be."""
    length = request.META.get("CONTENT_LENGTH") or ""
    if not _is_length(length):
        return b""
    try:
        return request.read(min(longest, int(length)))
    except OSError:
        return b""


def answer(body: bytes | str, status: int = 200, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """A finished SCIM answer."""
    # Of a text, Django would first look up the encoding in the media type.
    content = body.encode() if isinstance(body, str) else body
    return HttpResponse(content, status=status, content_type=MEDIA_TYPE, headers=headers)


def answer_nothing(status: int, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """An answer that has no body, and so no media type."""
    response = HttpResponse(status=status, headers=headers)
    del response.headers["Content-Type"]
    return response


def answer_error(error: ScimError, request_id: str, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """The error as a SCIM answer. A stranger's 401 is always the same, so it names no request."""
    body = error_body(error, "" if error.status == 401 else request_id)
    return answer(orjson.dumps(body), error.status, {**HEADERS.get(error.status, {}), **(headers or {})})


def pack(response: HttpResponse, accepted: str | None) -> None:
    """Compress a large answer for a client whose Accept-Encoding asks for gzip.

    Safe beside TLS, which hides a body but not its length (the BREACH attack): nothing that we answer holds a secret,
    and no foreign page can make a browser send the bearer token along. Entity tags are weak, so they stay the same.
    """
    if accepted and len(response.content) >= PACKED_FROM and takes_gzip(accepted):
        response.content = zlib.compress(response.content, PACKING_LEVEL, wbits=_GZIP_WINDOW)
        response.headers["Content-Encoding"] = "gzip"


def takes_gzip(accepted: str) -> bool:
    """Whether an Accept-Encoding takes gzip, and likes nothing better that we have (RFC 9110 section 12.5.3)."""
    weights = {}
    for item in accepted.lower().split(","):
        coding, _, parameter = item.partition(";")
        weight = _WEIGHT.fullmatch(parameter.strip()) if parameter else None
        weights[coding.strip()] = float(weight[1]) if weight else float(not parameter)
    gzip = weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0)))
    return gzip > 0 and gzip >= weights.get("identity", 0.0)


def _body(request: HttpRequest, limit: int) -> bytes:
    encoding = request.META.get("HTTP_CONTENT_ENCODING", "identity").strip().lower()
    match encoding:
        case "identity" | "":
            return _read(request, limit)
        case "gzip" | "x-gzip":
            return _unpacked(_read(request, limit), limit)
    raise UnsupportedMediaType(f"Bodies may be compressed by gzip, not by '{shown_name(encoding)}'.")


def _read(request: HttpRequest, limit: int) -> bytes:
    length = request.META.get("CONTENT_LENGTH") or ""
    if _is_length(length) and int(length) <= limit:
        return request.read(limit + 1)
    if length:
        raise _too_large(limit)
    # Of a body that came in chunks, the server has put together the pieces and says the length.
    return b""


def _is_length(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 20


def _unpacked(packed: bytes, limit: int) -> bytes:
    unpacking = zlib.decompressobj(_GZIP_WINDOW)
    try:
        body = unpacking.decompress(packed, limit + 1)
    except zlib.error:
        raise InvalidSyntax("The body is not what Content-Encoding says: gzip.") from None
    if len(body) > limit:
        raise _too_large(limit)
    if not unpacking.eof or unpacking.unused_data:
        raise InvalidSyntax("The gzip body is cut off, or something follows it.")
    return body


def _too_large(limit: int) -> PayloadTooLarge:
    return PayloadTooLarge(f"The body is larger than {limit:,} bytes.")
