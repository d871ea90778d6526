"""Places in lists, from which pages go on."""

import hashlib
from dataclasses import dataclass, replace
from uuid import UUID

# What a list is sorted by, as the database gives it: PostgreSQL as text; None for who has no value.
Key = str | int | None

# Characters of a key that a position keeps; cursors are made of positions and stand in URLs.
_LONGEST = 100
_LAST_CODE_POINT = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a list: pages go on with the resource of that id and key, or end just before it if ``backwards``.

    The resource need not be there any more, nor have that key. With a ``digest``, which is that of the whole key,
    ``key`` is only its beginning.
    """

    at: UUID
    backwards: bool = False
    key: Key = None
    digest: str = ""

    def shortened(self) -> "Position":
        """The same place, but of a long key only the beginning and the digest."""
        if not isinstance(self.key, str) or len(self.key) <= _LONGEST:
            return self
        return replace(self, key=self.key[:_LONGEST], digest=_digest(self.key))

    def completed(self, present: Key, *, descending: bool) -> "Position":
        """The place with its whole key, which the resource has still if it is not gone and not changed.

        If it is, the place becomes one before all keys that begin so: some may be met again, and nobody is left out.
        """
        if isinstance(present, str) and _digest(present) == self.digest:
            return replace(self, key=present, digest="")
        falling = descending != self.backwards
        return Position(UUID(int=0), self.backwards, f"{self.key}{_LAST_CODE_POINT if falling else ''}")


START = Position(UUID(int=0))


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:32]
