"""What a client should be told of a request that succeeded all the same, with its cause."""

from collections.abc import Iterable

TOLERATED = "tolerated"


class Notice(str):
    """A sentence for the request log; ``cause`` is a word from its closed list, as an error's is."""

    cause: str

    def __new__(cls, text: str, cause: str) -> "Notice":
        notice = super().__new__(cls, text)
        notice.cause = cause
        return notice


def cause_of(notices: Iterable[str]) -> str:
    """Under what a request with that advice is filed: the first cause that somebody can act on, else TOLERATED."""
    return next((sentence.cause for sentence in notices if isinstance(sentence, Notice)), TOLERATED)
