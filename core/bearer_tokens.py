"""Bearer tokens of every kind: their text, its digest and the columns of their state (RFC 6750).

The text has 256 random bits behind a word that tells the kind, and ends with a checksum: a shape that secret scanners
can tell from others. Only its SHA-256 is kept, and a prefix by which people know it again.
"""

import binascii
import hashlib
import re
import secrets
import string
from datetime import timedelta
from typing import ClassVar, Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.tenancy import Row, TenantModel, TenantQuerySet

_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
_SHOWN_DIGITS = 6

SOON = timedelta(days=20)

# RFC 6750 section 2.1; the scheme's name has no case (RFC 9110 section 11.1).
_BEARER = re.compile(r"bearer +([A-Za-z0-9._~+/-]{1,512}=*) *", re.IGNORECASE | re.ASCII)


class TokenQuerySet(TenantQuerySet[Row]):
    """Queries about tokens."""

    def live(self) -> Self:
        """Those that are neither revoked nor expired."""
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=timezone.now()), revoked_at=None)


class BearerToken(TenantModel):
    """Whoever shows the text may act for what the token stands for. ``word`` begins the texts of a kind."""

    word: ClassVar[str]

    digest = models.CharField(max_length=64, unique=True, editable=False)
    prefix = models.CharField(max_length=16, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False)
    last_used_address = models.GenericIPAddressField(null=True, editable=False)
    last_used_client = models.CharField(max_length=200, blank=True, editable=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.prefix}…"

    @property
    def expires_soon(self) -> bool:
        """Whether it is time to think of the next one."""
        return self.expires_at is not None and self.expires_at - timezone.now() <= SOON

    def draw(self) -> str:
        """Give a new token its text, and return it: it is kept nowhere, and nobody can see it again."""
        random = f"{self.word}_{_base62(secrets.randbits(256), 43)}"
        text = f"{random}_{_base62(binascii.crc32(random.encode()), 6)}"
        self.digest, self.prefix = digest(text), text[: len(self.word) + 1 + _SHOWN_DIGITS]
        return text


def digest(text: str) -> str:
    """What is kept of a token: its SHA-256 in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def presented(authorization: str) -> str | None:
    """The digest of the token in an Authorization header; None for a header without one."""
    found = _BEARER.fullmatch(authorization)
    return digest(found[1]) if found else None


def _base62(number: int, width: int) -> str:
    digits = []
    for _ in range(width):
        number, rest = divmod(number, 62)
        digits.append(_BASE62[rest])
    return "".join(reversed(digits))
