"""Labels as a search compares them, on both databases alike."""

import unicodedata


def folded(label: str) -> str:
    """The label without regard to case and width: NFKC, case folding, NFKC."""
    if label.isascii():
        return label.lower()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", label).casefold())
