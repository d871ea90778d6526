"""One request on its way into the log: the notes taken while it is served, and its row.

No row has a secret in it, nor anything that a column or a page can't hold.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import orjson
from django.conf import settings

from core.notice import cause_of
from provisioning.services.request_log import subject_keys
from provisioning.services.request_log.causes import UNAUTHORIZED_LIMIT
from provisioning.services.request_log.logged_exchanges import LoggedExchange
from provisioning.services.request_log.masking import LONGEST_QUERY, Masking
from provisioning.services.request_log.operations import LONGEST_RESULT as LONGEST_RESULT_OF_OPERATION
from provisioning.services.request_log.operations import LoggedDeparture, LoggedOperation, Named
from provisioning.services.request_log.results import TOKEN_FAULTS, about_path
from provisioning.services.request_log.subject_keys import NOBODY, Subject

LONGEST_PATH = 2048
LONGEST_RESULT = 1000
LONGEST_CLIENT = 200
LONGEST_ARGUMENT = 320
LONGEST_LABEL = 254

# What is kept of path and query where no token of the organization came with them, and how many of the names in them:
# anybody can fill that share of the log, and a search reads all of it.
LONGEST_OF_ANONYMOUS = 500
MOST_NAMES_OF_ANONYMOUS = 2

# An entry with more characters than this is counted while it waits.
SHORT = 2048

# The table of connections' tokens, to which rows of the log refer; people's have a label there and nothing else.
CONNECTIONS = "provisioning_token"

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")

COLUMNS = (
    "id", "organization_id", "created_at", "request_id", "method", "path", "query", "status", "cause", "result",
    "notices", "arguments", "more", "duration_us", "token_id", "connection_id",
    "token_label", "client", "address", "user_id", "user_label", "subject_key", "operations", "failed_operations",
)  # fmt: skip


class QueryReader(Protocol):
    """Finds whom the filter in a query is about."""

    def __call__(self, query: str, masking: Masking, *, groups: bool = False) -> Subject: ...


def reads_nobody(query: str, masking: Masking, *, groups: bool = False) -> Subject:
    """For entries whose query names nobody."""
    return NOBODY


@dataclass(slots=True)
class Entry:
    """One request, filled in while it is served.

    ``authenticated`` tells that the digest was found valid; ``at_former_slug`` that the slug leads to an organization
    that has another one now; ``address`` is an IP address or empty. ``place`` is the row that the writer chose for it,
    which is another one's where a stranger has asked too often. ``origin`` is where the client thinks that it is, such
    as ``https://saas.example.com``; ``step`` what the request is in the set-up of a connection, if anything;
    ``departures`` are the suspensions and deletions within a bulk request. ``user_label`` is what the user or group is
    called here, ``subject`` whom the request was about as far as its body tells; what its query tells is read by the
    writer, with ``subject_of_query``. ``operations`` are those of a bulk request, ``operation_count`` and
    ``failed_operations`` their numbers. ``exchange`` has headers and bodies, while additional logging is on.
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
    result: str = ""
    notices: Sequence[str] = ()
    arguments: Mapping[str, str] = field(default_factory=dict)
    duration_us: int = 0
    user_id: UUID | str | None = None
    user_label: str = ""
    place: str = ""
    origin: str = ""
    step: str = ""
    departures: Sequence[LoggedDeparture] = ()
    subject: Subject = NOBODY
    subject_of_query: QueryReader = reads_nobody
    operations: Sequence[LoggedOperation] = ()
    operation_count: int | None = None
    failed_operations: int | None = None
    exchange: LoggedExchange | None = None
    reserved: int = field(default=0, init=False)

    @property
    def length(self) -> int:
        """How many characters it has whose number the client chooses."""
        return len(self.path) + len(self.query) + len(self.client) + len(self.origin)

    def shorten(self) -> None:
        """Let go of long texts. No query and no client are shown then, since a cut could go through a secret."""
        self.path, self.query, self.client, self.origin = self.path[:SHORT], "", "", ""

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


@dataclass(frozen=True, slots=True)
class Whom:
    """Whom a request was about: ``resource`` is User or Group where ``resource_id`` is the id of one.

    ``label`` is empty where nobody has told the name yet that belongs to the id. ``mask`` takes secrets out of
    whatever is said about the request.
    """

    mask: Masking
    resource: str
    resource_id: str
    label: str
    names: Sequence[str]
    sent: str


def whom(entry: Entry, own: Presented | None) -> Whom:
    """Whom a request was about; ``own`` is its token where that is one of the organization's."""
    mask = masking(entry.query)
    subject = entry.subject
    if subject is NOBODY and "ilter=" in entry.query:
        subject = entry.subject_of_query(entry.query, mask, groups="/Groups" in entry.path)
    resource, resource_id = "User", str(entry.user_id or "").lower()
    if not resource_id and own is not None:
        # An id that a stranger sends puts nothing on a user's page.
        resource, resource_id = ("User", subject.user_id) if subject.user_id else _in_path(entry.path)
    # What a query told was masked with it; what a body told, and what is stored, may repeat a secret of the query.
    doubtful = bool(entry.query) and entry.subject is not NOBODY
    names = [_name(name, mask if doubtful else None) for name in subject.names]
    sent = names[0] if len(names) == 1 else _name(subject.label, mask if doubtful else None)
    label = _name(entry.user_label, mask if entry.query else None)
    return Whom(mask, resource, resource_id, label, names, sent)


def _name(text: str, mask: Masking | None) -> str:
    """A name as a row keeps it."""
    return kept(text, LONGEST_LABEL, mask) if mask is not None and text else clean(text)[:LONGEST_LABEL]


_ID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_LONGEST_ID = 36


def _in_path(path: str) -> tuple[str, str]:
    """The kind of resource that a path leads to, and its id; that may be one of ours or not."""
    above, _, last = path[-2 * _LONGEST_ID :].rstrip("/").rpartition("/")
    if is_id(last):
        above = above.rstrip("/")
        if above.endswith("/Users"):
            return "User", last.lower()
        if above.endswith("/Groups"):
            return "Group", last.lower()
    return "", ""


def is_id(text: str) -> bool:
    """Whether a text may be the id of a resource."""
    return len(text) == _LONGEST_ID and _ID.fullmatch(text) is not None


def named(operations: Sequence[LoggedOperation], labels: Mapping[str, str], mask: Masking) -> list[Named]:
    """The operations of a bulk request as their rows have them; ``labels`` are the names of resources by their ids."""
    found = []
    for each in operations:
        known = each.label or labels.get(each.resource_id, "")
        label = kept(known or each.subject.label or each.resource_id, LONGEST_LABEL, mask)
        names = [label, *(kept(name, LONGEST_LABEL, mask) for name in each.subject.names)]
        user_id = each.resource_id if each.resource == "User" and is_id(each.resource_id) else ""
        message = kept(each.result, LONGEST_RESULT_OF_OPERATION, mask) if each.result else ""
        found.append(Named(each, user_id, label, subject_keys.key(names), message))
    return found


def some_of(names: Sequence[str]) -> str:
    """The first few of many names, and how many more there are."""
    shown: list[str] = []
    for name in names:
        if len(shown) == _NAMED or sum(map(len, shown)) + len(name) > LONGEST_LABEL - 30:
            break
        shown.append(name)
    left = len(names) - len(shown)
    if not shown:
        return ""
    return ", ".join(shown) + (f" and {left:,} more" if left else "")


_NAMED = 3


def row(
    entry: Entry,
    organization: str,
    token: Presented | None,
    about: Whom,
    label: str,
    key: Callable[[UUID | str], str],
    moment: Callable[[datetime], datetime | str | None],
) -> tuple[Any, ...]:
    """The values of COLUMNS; ``key`` and ``moment`` turn ids and times into what the database keeps.

    ``label`` is what those whom it is about are called.
    """
    own = own_token(token, organization)
    mask = about.mask
    notices = (*entry.notices, *about_path(entry.path))
    longest_path, longest_query, names = LONGEST_PATH, LONGEST_QUERY, about.names
    if own is None:
        longest_path = longest_query = LONGEST_OF_ANONYMOUS
        names = names[:MOST_NAMES_OF_ANONYMOUS]
    names = names if entry.operation_count is not None else [label, *names]
    return (
        key(entry.request_id),
        organization,
        moment(entry.started),
        entry.request_id,
        clean(entry.method)[:10],
        kept(entry.path, longest_path, mask),
        clean(mask.query(entry.query))[:longest_query],
        entry.status,
        (entry.cause or (cause_of(notices) if notices else ""))[:40],
        result(entry, mask),
        orjson.dumps([kept(sentence, LONGEST_RESULT, mask) for sentence in notices]).decode() if notices else "[]",
        arguments(entry, mask),
        0,
        entry.duration_us,
        own.key if own is not None and own.is_connections else None,
        own.connection if own is not None else None,
        own.label if own is not None else TOKEN_FAULTS.get(entry.cause, TOKEN_FAULTS["token-unknown"]),
        kept(entry.client, LONGEST_CLIENT, mask),
        entry.address or None,
        key(about.resource_id) if about.resource == "User" and about.resource_id else None,
        label,
        subject_keys.key(names) if label or names else "",
        entry.operation_count,
        entry.failed_operations,
    )


def own_token(token: Presented | None, organization: str) -> Presented | None:
    """The token, if it belongs to the organization at whose address it was presented."""
    return token if token is not None and token.organization == organization else None


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


def result(entry: Entry, mask: Masking) -> str:
    """What became of the request, in a sentence."""
    return kept(entry.result.replace("{user}", entry.user_label), LONGEST_RESULT, mask)


def arguments(entry: Entry, mask: Masking) -> str:
    """What the cause is about, such as the domain that is not registered, as JSON."""
    return as_arguments(entry.arguments, mask)


def as_arguments(about: Mapping[str, str], mask: Masking) -> str:
    """The things that a refusal speaks of, as a row keeps them."""
    return orjson.dumps({name: kept(text, LONGEST_ARGUMENT, mask) for name, text in about.items()}).decode()
