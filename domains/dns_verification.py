"""The DNS record that proves a domain (TXT, RFC 1035).

Nothing but DNS is asked, and nobody but the resolvers of the settings: what a stranger's records say is only compared.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass

import dns.exception
import dns.name
import dns.nameserver
import dns.resolver
from django.conf import settings
from django.db import models

# A name of our own below the domain (RFC 8552), so that nobody has to touch the records that others read at its top.
LABEL = "_saasmanager-challenge"
WORD = "saas-manager-verification="
RANDOM_BYTES = 24

# The name of the record must fit in where the domain alone may have 253 characters.
LONGEST_DOMAIN = 253 - len(LABEL) - 1

# One look, both of its questions together.
PATIENCE_SECONDS = 4.0

VALUES_KEPT = 3
LONGEST_VALUE = 120


class Finding(models.TextChoices):
    """What the last look for a record found."""

    FOUND = "found", "The record is there."
    MISSING = "missing", "The record is not there yet."
    WRONG = "wrong", "There is a record, but with another value."
    NO_SUCH_DOMAIN = "no-such-domain", "DNS knows no such domain."
    UNREACHABLE = "unreachable", "DNS gave no answer."
    TAKEN = "taken", "The record is there, but the domain can't be verified here."


@dataclass(frozen=True, slots=True)
class LookupResult:
    """What a look found; ``values`` are some of the texts that stood there, cut to a length that a page can show."""

    finding: Finding
    values: tuple[str, ...] = ()


def draw() -> str:
    """A new token that nobody can guess: 192 random bits."""
    return secrets.token_urlsafe(RANDOM_BYTES)


def record_name(domain: str) -> str:
    """Where the record of a domain (A-labels) has to stand."""
    return f"{LABEL}.{domain}"


def record_value(token: str) -> str:
    """What the record has to say."""
    return f"{WORD}{token}"


def look(domain: str, token: str) -> LookupResult:
    """Ask DNS for the record of a domain (A-labels). Never fails, and takes no longer than PATIENCE_SECONDS."""
    until = time.monotonic() + PATIENCE_SECONDS
    try:
        resolver = _resolver()
        try:
            values = _texts(resolver, record_name(domain))
        except dns.resolver.NXDOMAIN:
            resolver.lifetime = max(until - time.monotonic(), 0.1)
            return LookupResult(Finding.MISSING if _exists(resolver, domain) else Finding.NO_SUCH_DOMAIN)
    except dns.exception.DNSException:
        return LookupResult(Finding.UNREACHABLE)
    if record_value(token) in values:
        return LookupResult(Finding.FOUND)
    # Those that were meant for us first.
    values.sort(key=lambda value: (not value.startswith(WORD), value))
    shown = tuple(value[:LONGEST_VALUE] for value in values[:VALUES_KEPT])
    return LookupResult(Finding.WRONG if values else Finding.MISSING, shown)


def _resolver() -> dns.resolver.Resolver:
    """The resolvers of the settings, or else the machine's own. Raises NoResolverConfiguration."""
    resolver = dns.resolver.Resolver(configure=not settings.DNS_RESOLVERS)
    if settings.DNS_RESOLVERS:
        resolver.nameservers = [
            dns.nameserver.Do53Nameserver(address, port) for address, port in settings.DNS_RESOLVERS
        ]
    resolver.lifetime = PATIENCE_SECONDS
    resolver.timeout = PATIENCE_SECONDS / 2
    return resolver


def _texts(resolver: dns.resolver.Resolver, name: str) -> list[str]:
    """Every text at a name, its strings joined (RFC 7208 section 3.3 reads them so too). Raises NXDOMAIN."""
    answer = resolver.resolve(dns.name.from_text(name), "TXT", raise_on_no_answer=False)
    records = answer.rrset or ()
    return [_printable(b"".join(record.strings)) for record in records]


def _exists(resolver: dns.resolver.Resolver, domain: str) -> bool:
    try:
        resolver.resolve(dns.name.from_text(domain), "SOA", raise_on_no_answer=False)
    except dns.resolver.NXDOMAIN:
        return False
    return True


def _printable(text: bytes) -> str:
    # People paste the value with the quotes that zone files have around it.
    decoded = text.decode("utf-8", "replace").strip().strip('"')
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in decoded)
