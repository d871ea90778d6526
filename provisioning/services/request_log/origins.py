"""Whether two addresses are of one server, whatever stands behind them (RFC 6454 section 4)."""

from urllib.parse import urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}


def same(first: str, second: str) -> bool:
    """Whether two origins, such as ``https://saas.example.com``, are one; what can't be read is like nothing."""
    return first == second or (parsed := _parsed(first)) is not None and parsed == _parsed(second)


def _parsed(origin: str) -> tuple[str, str, int] | None:
    try:
        parts = urlsplit(origin)
        port = parts.port or _DEFAULT_PORTS[parts.scheme]
    except (ValueError, KeyError):
        return None
    return (parts.scheme, parts.hostname, port) if parts.hostname else None
