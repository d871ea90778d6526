"""Ids that have the time in them (UUIDv7, RFC 9562 section 5.7)."""

from datetime import datetime
from uuid import UUID


def first_id_at(moment: datetime, later_ms: int = 0) -> UUID:
    """What no id made at that millisecond, or later, is below: a UUIDv7 begins with the time (RFC 9562 section 5.7)."""
    return UUID(int=max(0, int(moment.timestamp() * 1000) + later_ms) << 80)
