"""Values out of texts that clients send: ids and whole numbers. Knows no Django."""

from uuid import UUID


def id_of(text: str) -> UUID | None:
    """Return the UUID that a text is, in any of its spellings; None for any other text."""
    try:
        return UUID(text)
    except ValueError:
        return None


def canonical_id(text: str) -> UUID | None:
    """Return the UUID that a text is in the one spelling in which ids are given out; None for any other text."""
    try:
        identifier = UUID(text)
    except ValueError:
        return None
    return identifier if str(identifier) == text else None


def number_of(text: str, digits: int = 9) -> int | None:
    """Return the number that a text of at most so many decimal digits is; None for any other text."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= digits else None
