"""What a client should be told of a request that succeeded all the same, with its cause."""

from collections.abc import Iterable

HEALED = "healed"


class Told(str):
    """A sentence for the request log; ``cause`` is a word from its closed list, as an error's is."""

    cause: str

    def __new__(cls, text: str, cause: str) -> "Told":
        told = super().__new__(cls, text)
        told.cause = cause
        return told


def cause_of(advice: Iterable[str]) -> str:
    """Under what a request with that advice is filed: the first cause that somebody can act on, else HEALED."""
    return next((sentence.cause for sentence in advice if isinstance(sentence, Told)), HEALED)
