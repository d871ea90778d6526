"""dateTime values as instants (RFC 7643 section 2.3.5, XML Schema part 2 section 3.3.7)."""

import re
from datetime import UTC, datetime

_DATETIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,12})?(?:Z|[+-]\d\d:\d\d)?", re.ASCII)


def read_instant(text: str) -> datetime:
    """The instant that an xsd:dateTime names, aware and in UTC, to the microsecond; UTC where it names no offset.

    Raises ValueError for any other text and for what lies outside the years 1 to 9999.
    """
    if not _DATETIME.fullmatch(text):
        raise ValueError("not a dateTime")
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("outside the years 1 to 9999") from None
