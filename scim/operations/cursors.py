"""Cursors: where a walk through a list goes on, sealed so that only this server can have made them (RFC 9865)."""

import hashlib
from uuid import UUID

from django.core.signing import BadSignature, SignatureExpired, TimestampSigner

from scim.operations.provider import CURSOR_TIMEOUT
from scim.protocol.errors import ExpiredCursor, InvalidCursor
from scim.storage.repository import Position


def seal(position: Position, *, of: str, condition: str | None) -> str:
    """The cursor for a position in the list that an organization's filter gives; unreserved characters only.

    ``of`` names the list: the organization's slug and the resources' endpoint.
    """
    return _signer(of).sign_object([position.at.hex, position.backwards, _fingerprint(condition)])


def unseal(cursor: str, *, of: str, condition: str | None) -> Position:
    """The position that a cursor stands for.

    Raises ExpiredCursor, and InvalidCursor for what this server did not give out for this list with this filter.
    """
    try:
        at, backwards, fingerprint = _signer(of).unsign_object(cursor, max_age=CURSOR_TIMEOUT)
    except SignatureExpired:
        raise ExpiredCursor(
            f"The cursor has expired: ask for the next page within {CURSOR_TIMEOUT} seconds. Start again without one."
        ) from None
    except BadSignature:
        raise InvalidCursor(
            "The cursor is not one that this server gave out here. Send 'nextCursor' or 'previousCursor' of the page"
            " before as it is, or an empty cursor for the first page."
        ) from None
    if fingerprint != _fingerprint(condition):
        raise InvalidCursor("The cursor belongs to another filter. Keep the filter the same for all pages of a list.")
    return Position(UUID(hex=at), backwards)


def _signer(of: str) -> TimestampSigner:
    return TimestampSigner(salt=f"scim.cursor/{of}", sep=".")


def _fingerprint(condition: str | None) -> str | None:
    return condition if condition is None else hashlib.sha256(condition.encode()).hexdigest()[:32]
