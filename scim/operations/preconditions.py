"""If-Match, If-None-Match: act only on the version that the client knows (RFC 7644 section 3.14)."""

import re
from dataclasses import dataclass

from scim.protocol.errors import PreconditionFailed
from users.profile import etag

_TAG = re.compile(r'(?:W/)?("[^"]*+")')


@dataclass(frozen=True, slots=True)
class Preconditions:
    """The entity tags of both headers, without their weakness; None for a header that was not sent, "*" for any."""

    match: frozenset[str] | None = None
    none_match: frozenset[str] | None = None

    @classmethod
    def parse(cls, if_match: str | None, if_none_match: str | None) -> "Preconditions":
        """Read the two headers; what is no entity tag matches no version."""
        if if_match is None and if_none_match is None:
            return NONE
        return cls(_tags(if_match), _tags(if_none_match))

    def is_known(self, version: int) -> bool:
        """Whether a reader said with If-None-Match that it has this version already."""
        return self.none_match is not None and _has(self.none_match, version)

    def check(self, version: int) -> None:
        """Raise PreconditionFailed unless a writer's headers allow a change of this version."""
        if self.match is not None and not self.match:
            raise PreconditionFailed(
                f"The version that was sent is no ETag. That of the resource is {etag(version)}, quotes included."
            )
        if self.match is not None and not _has(self.match, version):
            raise PreconditionFailed(
                f"The resource has changed in the meantime: its version is {etag(version)}. Read it again, then repeat."
            )
        if self.is_known(version):
            raise PreconditionFailed("The resource has the version that If-None-Match rules out.")


NONE = Preconditions()


def _tags(header: str | None) -> frozenset[str] | None:
    if header is None:
        return None
    return frozenset("*") if header.strip() == "*" else frozenset(_TAG.findall(header))


def _has(tags: frozenset[str], version: int) -> bool:
    return "*" in tags or f'"{version}"' in tags
