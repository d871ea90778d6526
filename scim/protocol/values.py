"""What a value of each data type compares as (RFC 7643 section 2.3)."""

import re
from datetime import UTC, datetime

from core.json_values import Json
from scim.protocol.attributes import Attribute, Type

# XML Schema part 2 section 3.3.7, which RFC 7643 section 2.3.5 refers to.
_DATETIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,12})?(?:Z|[+-]\d\d:\d\d)?", re.ASCII)


def comparable(attribute: Attribute, value: Json) -> str | int | float | bool | datetime | None:
    """The form in which a value of the attribute is compared; None for a value of another type than the attribute's."""
    match attribute.type, value:
        case ((Type.STRING | Type.REFERENCE | Type.BINARY), str()):
            return attribute.key(value)
        case Type.DATETIME, str():
            try:
                return read_instant(value)
            except ValueError:
                return None
        case Type.BOOLEAN, bool():
            return value
        case ((Type.INTEGER | Type.DECIMAL), (int() | float())) if not isinstance(value, bool):
            return value
    return None


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
