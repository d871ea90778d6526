"""One request on its way into the log: what is noted of it while it is served, and the row that becomes of it.

No row has a secret in it, nor anything that a column or a page can't hold.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings

from scim.protocol.advice import cause_of
from scim.protocol.departures import Departure
from scim.protocol.masking import LONGEST_QUERY, Masking
from scim.services.causes import UNAUTHORIZED_LIMIT
from scim.services.details import Exchange
from scim.services.verdicts import TOKEN_FAULTS, about_path

LONGEST_PATH = 2048
LONGEST_VERDICT = 1000
LONGEST_CLIENT = 200
LONGEST_ARGUMENT = 320

# The table of connections' tokens, to which rows of the log refer; people's have a label there and nothing else.
CONNECTIONS = "scim_token"

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")

COLUMNS = (
    "id", "organization_id", "created_at", "request_id", "method", "path", "query", "status", "cause", "verdict",
    "advice", "arguments", "more", "duration_us", "token_id", "connection_id",
    "token_label", "client", "address", "user_id", "user_label",
)  # fmt: skip


@dataclass(slots=True)
class Entry:
    """One request, filled in while it is served.

    ``authenticated`` tells that the digest was found valid; ``at_former_slug`` that the slug leads to an organization
    that has another one now; ``address`` is an IP address or empty. ``place`` is the row that the writer chose for it,
    which is another one's where a stranger has asked too often. ``origin`` is where the client thinks that it is, such
    as ``https://saas.example.com``; ``step`` what the request is in the set-up of a connection, if anything;
    ``departures`` are the suspensions and deletions within a bulk request.
    ``exchange`` has headers and bodies, while additional logging is on.
    """

    slug: str
    request_id: str
    method: str
    path: str
    query: str
    client: str
    address: str
    started: datetime
    digest: str = ""
    authenticated: bool = False
    at_former_slug: bool = False
    status: int = 0
    cause: str = ""
    verdict: str = ""
    advice: Sequence[str] = ()
    arguments: Mapping[str, str] = field(default_factory=dict)
    duration_us: int = 0
    user_id: UUID | str | None = None
    user_label: str = ""
    place: str = ""
    origin: str = ""
    step: str = ""
    departures: Sequence[Departure] = ()
    exchange: Exchange | None = None

    @property
    def is_unauthorized(self) -> bool:
        """Whether it was answered that no valid token came with it."""
        return self.status == 401 or self.cause == UNAUTHORIZED_LIMIT


@dataclass(frozen=True, slots=True)
class Presented:
    """A token that exists: its table, and its organization, id, label and connection as rows of the log have them.

    ``is_test`` marks that of a test from the page; ``takes_a_place`` one whose first success retires another.
    """

    table: str
    organization: str
    key: str
    label: str
    connection: str | None
    is_test: bool
    takes_a_place: bool

    @property
    def is_connections(self) -> bool:
        """Whether it is a connection's, and no person's."""
        return self.table == CONNECTIONS


def row(
    entry: Entry,
    organization: str,
    token: Presented | None,
    key: Callable[[UUID | str], str],
    moment: Callable[[datetime], datetime | str | None],
) -> tuple[Any, ...]:
    """The values of COLUMNS; ``key`` and ``moment`` turn ids and times into what the database keeps."""
    own = token if token is not None and token.organization == organization else None
    mask = masking(entry.query)
    advice = (*entry.advice, *about_path(entry.path))
    return (
        key(entry.request_id),
        organization,
        moment(entry.started),
        entry.request_id,
        clean(entry.method)[:10],
        kept(entry.path, LONGEST_PATH, mask),
        clean(mask.query(entry.query))[:LONGEST_QUERY],
        entry.status,
        (entry.cause or (cause_of(advice) if advice else ""))[:40],
        verdict(entry, mask),
        orjson.dumps([kept(sentence, LONGEST_VERDICT, mask) for sentence in advice]).decode() if advice else "[]",
        arguments(entry, mask),
        0,
        entry.duration_us,
        own.key if own is not None and own.is_connections else None,
        own.connection if own is not None else None,
        own.label if own is not None else TOKEN_FAULTS.get(entry.cause, TOKEN_FAULTS["token-unknown"]),
        kept(entry.client, LONGEST_CLIENT, mask),
        entry.address or None,
        key(entry.user_id) if entry.user_id else None,
        entry.user_label[:254],
    )


def is_anonymous(entry: Entry, owners: Mapping[str, str], tokens: Mapping[str, Presented]) -> bool:
    """Whether no token of the organization came with it, valid or not; ``owners`` is by slug, ``tokens`` by digest."""
    token = tokens.get(entry.digest)
    return token is None or token.organization != owners[entry.slug]


def clean(text: str) -> str:
    """The text without what no column or page can hold."""
    return text if text.isprintable() else _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def kept(text: str, longest: int, mask: Masking) -> str:
    """What a column of so many characters keeps of a text."""
    return clean(mask.text(text, longest))[:longest]


def masking(query: str) -> Masking:
    """What takes secrets out of the words about a request, those of its query included."""
    found = Masking(settings.SCIM_SENSITIVE)
    found.query(query)
    return found


def verdict(entry: Entry, mask: Masking) -> str:
    """What became of the request, in a sentence."""
    return kept(entry.verdict.replace("{user}", entry.user_label), LONGEST_VERDICT, mask)


def arguments(entry: Entry, mask: Masking) -> str:
    """What the cause is about, such as the domain that is not registered, as JSON."""
    return as_arguments(entry.arguments, mask)


def as_arguments(about: Mapping[str, str], mask: Masking) -> str:
    """The things that a refusal speaks of, as a row keeps them."""
    return orjson.dumps({name: kept(text, LONGEST_ARGUMENT, mask) for name, text in about.items()}).decode()
