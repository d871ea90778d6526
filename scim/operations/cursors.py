"""Cursors: places in a list, sealed so that only this server can have made them (RFC 9865)."""

import hashlib
import json
from dataclasses import dataclass
from uuid import UUID

from django.core.signing import BadSignature, SignatureExpired, TimestampSigner

from scim.operations.provider import CURSOR_TIMEOUT
from scim.protocol.errors import ExpiredCursor, InvalidCursor
from scim.storage.positions import Position


@dataclass(frozen=True, slots=True)
class CursorScope:
    """The list that a cursor is good for.

    ``path`` is the organization's slug and the endpoint. The filter is as the client spelled it, the order as the
    attribute's full name and the direction; None for none.
    """

    path: str
    filter: str | None = None
    order: str | None = None


def seal(position: Position, scope: CursorScope) -> str:
    """The cursor for a position in a list; unreserved characters only, some two thousand at most."""
    brief = position.shortened()
    fields = [brief.at.hex, brief.backwards, _fingerprint(scope), brief.key, brief.digest]
    return _signer(scope).sign_object(fields)


def unseal(cursor: str, scope: CursorScope) -> Position:
    """The position that a cursor stands for.

    Raises ExpiredCursor, and InvalidCursor for what this server did not give out for this list.
    """
    try:
        at, backwards, fingerprint, key, digest = _signer(scope).unsign_object(cursor, max_age=CURSOR_TIMEOUT)
    except SignatureExpired:
        raise ExpiredCursor(
            f"The cursor has expired: ask for the next page within {CURSOR_TIMEOUT} seconds. Start again without one."
        ) from None
    except BadSignature:
        raise InvalidCursor(
            "The cursor is not one that this server gave out here. Send 'nextCursor' or 'previousCursor' of the page"
            " before as it is, or an empty cursor for the first page."
        ) from None
    if fingerprint != _fingerprint(scope):
        raise InvalidCursor(
            "The cursor belongs to another filter or order. Keep 'filter', 'sortBy' and 'sortOrder' the same for all"
            " pages of a list."
        )
    return Position(UUID(hex=at), backwards, key, digest)


def _signer(scope: CursorScope) -> TimestampSigner:
    return TimestampSigner(salt=f"scim.position/{scope.path}", sep=".")


def _fingerprint(scope: CursorScope) -> str:
    return hashlib.sha256(json.dumps([scope.filter, scope.order]).encode()).hexdigest()[:32]
