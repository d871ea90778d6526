"""An application that says what it was asked, after so many milliseconds and in so many bytes as its query wants."""

import hashlib
import os
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs

# Threads that give way to each other all the time meet in places where they otherwise hardly ever do.
sys.setswitchinterval(float(os.environ.get("SWITCH_INTERVAL", "0.005")))


def application(environ: dict[str, Any], start: Callable[..., object]) -> Iterable[bytes]:
    """Answer by `echo`."""
    query = parse_qs(environ["QUERY_STRING"])
    name, milliseconds, size = (query.get(each, ["0"])[0] for each in ("name", "ms", "size"))
    body = environ["wsgi.input"].read()
    if milliseconds != "0":
        time.sleep(int(milliseconds) / 1000)
    start("200 OK", [("Content-Type", "text/plain")])
    return [echo(name, body, int(size))]


def echo(name: str, body: bytes, size: int) -> bytes:
    """What the one request of this name, body and size is answered."""
    return f"{name} {hashlib.sha256(body).hexdigest()} ".encode() + name[-1].encode() * size
