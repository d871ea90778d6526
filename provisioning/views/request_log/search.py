"""What a search of the request log finds: read off an index, or looked for among the newest requests.

Requests without a token of the organization are looked for among themselves: else they would hide the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote, unquote
from uuid import UUID

from django import forms
from django.db.models import Q, Subquery, UUIDField, Value
from django.db.models.functions import Coalesce

from console.moments import MomentField
from core import parsing
from core.addresses import canonical, fold
from core.ids import first_id_at
from core.tenancy import TenantQuerySet
from provisioning.models import Connection, InlineValue, RequestLog, RequestLogQuerySet, RequestOperation, Token
from provisioning.services.request_log import subject_keys
from provisioning.services.request_log.causes import CAUSES
from users.models import User

# What no index serves is looked for among so many of the organization's own newest requests, as many operations of bulk
# requests, and so many of the newest requests without a token of it: however many these are, they hide none of the own.
LOOKED_THROUGH = 50_000
LOOKED_THROUGH_OF_ANONYMOUS = 5_000

# The same where a page asks every few seconds, or shows only the latest.
LOOKED_AT_FOR_NEW = 1_000
LOOKED_AT_FOR_LATEST = 2_000
LOOKED_AT_FOR_FAILURES = 1_000

# So many requests without a connection's token are shown among those of a connection, and so many strangers' ones.
MOST_OTHERS = 3

# So many of a user's operations are looked up at once, and so many are told of a request.
_AT_ONCE = 500
_NOTICES = 3

NO_TOKEN = "none"  # noqa: S105
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD")
OUTCOMES = (
    ("", "Any status"),
    ("done", "2xx and 3xx, done"),
    ("partly", "2xx, partly failed"),
    ("refused", "4xx, refused"),
    ("failed", "5xx, failed"),
)

# The signs that clients leave as they are in a query: none, one that looks better, or all that they may.
_LEFT = ("", "@", '"', '"@', "@:/,.[]()*'!$;")

Rows = RequestLogQuerySet
Operations = TenantQuerySet[RequestOperation]


@dataclass(frozen=True, slots=True)
class FoundRequests:
    """Requests that were found in more than one way; each way is read off an index of its own.

    ``ways`` are requests that fit by themselves. Of the ``whole``, those fit too that have one of the ``operations``.
    """

    ways: Sequence[Rows]
    whole: Rows
    operations: Operations | None = None

    def take(self, limit: int, *, before: UUID | None = None, after: UUID | None = None) -> list[RequestLog]:
        """The newest of them, or those next before an id, newest first; or those next after one, oldest first."""
        ways = [_beside(way, before, after) for way in self.ways]
        if self.operations is None and len(ways) == 1:
            return list(ways[0][:limit])
        ids = {pk for way in ways for pk in way.values_list("pk", flat=True)[:limit]}
        if self.operations is not None:
            ids.update(self._by_operations(self.operations, limit, before, after))
        chosen = sorted(ids, reverse=after is None)[:limit]
        by_id = self.whole.in_bulk(chosen)
        return [by_id[each] for each in chosen if each in by_id]

    def _by_operations(
        self, operations: Operations, limit: int, before: UUID | None, after: UUID | None
    ) -> Sequence[UUID]:
        """The ids of the requests that have such an operation, next to a place; a part of the operations at a time."""
        found: list[UUID] = []
        while len(found) < limit:
            part = list(
                _beside(operations, before, after, "request_id").values_list("request_id", flat=True)[:_AT_ONCE]
            )
            if not part:
                break
            found += _beside(self.whole.filter(pk__in=set(part)), None, None).values_list("pk", flat=True)
            before, after = (part[-1], None) if after is None else (None, part[-1])
        return found


def _beside(rows: Any, before: UUID | None, after: UUID | None, key: str = "id") -> Any:
    if after is not None:
        return rows.filter(**{f"{key}__gt": after}).order_by(key)
    return (rows.filter(**{f"{key}__lt": before}) if before is not None else rows).order_by(f"-{key}")


class RequestsForm(forms.Form):
    """What the log is narrowed to; a value that makes no sense narrows nothing, and the page says so."""

    q = forms.CharField(label="Search", required=False, max_length=320)
    status = forms.ChoiceField(label="Status", choices=OUTCOMES, required=False)
    cause = forms.ChoiceField(label="Cause", required=False)
    method = forms.ChoiceField(
        label="Method", choices=[("", "Any method"), *((method, method) for method in METHODS)], required=False
    )
    token = forms.ChoiceField(label="Token", required=False)
    user = forms.CharField(
        label="User",
        required=False,
        max_length=320,
        widget=forms.TextInput(attrs={"placeholder": "Name, address or part of it"}),
    )
    since = MomentField("From")
    until = MomentField("Until", ends=True)

    def __init__(self, data: Any, organization_id: UUID) -> None:
        super().__init__(data, auto_id="requests-%s")
        self._organization_id = organization_id
        causes = sorted(((code, cause.name) for code, cause in CAUSES.items()), key=lambda choice: choice[1])
        tokens = [(str(token.pk), str(token)) for token in Token.objects.of(organization_id).filter(is_test=False)]
        fields: Any = self.fields
        fields["cause"].choices = [("", "Any cause"), *causes]
        fields["token"].choices = [("", "Any token"), (NO_TOKEN, "No valid token"), *tokens]
        self.is_valid()
        # The values that make sense.
        self.given = {name: value for name, value in self.cleaned_data.items() if value}

    @property
    def narrows(self) -> bool:
        """Whether anything is asked for."""
        return bool(self.given)

    @property
    def is_bounded(self) -> bool:
        """Whether only the newest requests are looked through."""
        unindexed = self.given.keys() & {"method", "token"} or self.given.get("status") == "done"
        return bool(unindexed or self._text or self._named)

    @cached_property
    def _request_id(self) -> UUID | None:
        """The id that is searched for, if a request has it."""
        pk = id_of(self.given.get("q", ""))
        return pk if pk and RequestLog.objects.of(self._organization_id).filter(pk=pk).exists() else None

    @cached_property
    def _text(self) -> str:
        """What is searched for, if that is no request's id."""
        text: str = self.given.get("q", "")
        return "" if self._request_id else str(id_of(text) or text)

    @property
    def _has_text(self) -> Q:
        """Whether a row or an operation is about what is searched for, by name or by a user's id."""
        user_id = id_of(self._text)
        return _has_part(self._text) | Q(user_id=user_id) if user_id else _has_part(self._text)

    @cached_property
    def _user_names(self) -> set[str]:
        """What the user who is asked for may be called in the log: of an id the name, else what was typed."""
        typed = self.given.get("user", "")
        if (user_id := id_of(typed)) is None:
            return _readings(typed)
        users = User.objects.of(self._organization_id).filter(pk=user_id)
        return set(users.values_list("user_name", flat=True))

    @cached_property
    def _user(self) -> tuple[UUID | None, Q | None]:
        """The id of the user who is asked for, and what fits of the names that requests and operations are about.

        An id stands for the user's whole name; of a name a part will do, as in a search.
        """
        typed, names = self.given.get("user", ""), self._user_names
        if not typed:
            return None, None
        if (user_id := id_of(typed)) is not None:
            return user_id, Q(subject_key__contains=subject_keys.whole(*names)) if names else None
        users = User.objects.of(self._organization_id).filter(user_name_key__in={canonical(each) for each in names})
        return users.values_list("pk", flat=True).first(), _has_part(typed)

    @property
    def _named(self) -> Q | None:
        return self._user[1]

    def narrow(self) -> FoundRequests:
        """The requests that fit every value given."""
        rows = self._indexed(RequestLog.objects.of(self._organization_id).select_related("token"))
        if "user" not in self.given:
            return FoundRequests(self._looked_through(rows), rows)
        user_id, names = self._user
        ways = self._looked_through(rows.filter(user_id=user_id)) if user_id else []
        if names is not None:
            named = self._by_name(names, self._newest_operations)
            ways += [self._fitting(newest, self._newest_operations).filter(named) for newest in self._newest(rows)]
        operations = RequestOperation.objects.of(self._organization_id).filter(user_id=user_id) if user_id else None
        return FoundRequests(ways, self._fitting(rows, self._newest_operations), operations)

    def newer_than(self, newest: UUID) -> Sequence[Rows]:
        """Those of them with a later id, in one way or in several without a request in common.

        They are looked for among no more than there is time for.
        """
        rows = self._indexed(RequestLog.objects.of(self._organization_id).filter(pk__gt=newest))
        if not self.is_bounded and "user" not in self.given:
            return [rows]
        return [self._newer(self._own(rows), newest), self._newer(rows.anonymous(), newest)]

    def _newer(self, rows: Rows, newest: UUID) -> Rows:
        operations = RequestOperation.objects.of(self._organization_id).filter(request_id__gt=newest)
        if (oldest := _last_of(rows, LOOKED_AT_FOR_NEW)) is not None:
            rows, operations = rows.filter(pk__gte=oldest), operations.filter(request_id__gte=oldest)
        rows = self._fitting(rows, operations)
        if "user" not in self.given:
            return rows
        user_id, names = self._user
        whom = self._by_name(names, operations) if names is not None else Q()
        if user_id:
            whom |= Q(user_id=user_id) | Q(pk__in=operations.filter(user_id=user_id).values("request_id"))
        return rows.filter(whom)

    def operations_of(self, rows: Iterable[RequestLog]) -> Mapping[UUID, list[RequestOperation]]:
        """The operations within bulk requests that fit what is searched for, the first few of each request."""
        ids = [row.pk for row in rows if row.operations]
        user_id, names = self._user
        whom = Q()
        if user_id:
            whom |= Q(user_id=user_id)
        if names is not None:
            whom |= names
        if self._text:
            whom &= self._has_text
        if not ids or not whom:
            return {}
        found: dict[UUID, list[RequestOperation]] = {}
        fitting = RequestOperation.objects.of(self._organization_id).filter(whom, request_id__in=ids)
        for operation in fitting.order_by("-request_id", "position")[:LOOKED_AT_FOR_NEW]:
            of_request = found.setdefault(operation.request_id, [])
            if len(of_request) < _NOTICES:
                of_request.append(operation)
        return found

    def _indexed(self, rows: Rows) -> Rows:
        given = self.given
        if self._request_id:
            rows = rows.filter(pk=self._request_id)
        match given.get("status"):
            case "refused":
                rows = rows.filter(status__gte=InlineValue(400), status__lt=500)
            case "failed":
                rows = rows.filter(status__gte=InlineValue(500))
            case "partly":
                rows = rows.filter(failed_operations__gt=InlineValue(0))
        if cause := given.get("cause"):
            rows = rows.by_cause(cause)
        if since := given.get("since"):
            rows = rows.filter(pk__gte=first_id_at(since))
        if until := given.get("until"):
            rows = rows.filter(pk__lt=first_id_at(until))
        return rows

    def _looked_through(self, rows: Rows) -> list[Rows]:
        unindexed = self.given.keys() & {"method", "token"} or self.given.get("status") == "done"
        if not unindexed and not self._text:
            return [rows]
        return [self._fitting(newest, self._newest_operations) for newest in self._newest(rows)]

    def _newest(self, rows: Rows) -> list[Rows]:
        """The newest of the organization's own requests, and those of strangers, if there are any."""
        anonymous = rows.anonymous()
        if not anonymous.exists():
            return [_newest_of(rows, LOOKED_THROUGH)]
        own = _newest_of(self._own(rows), LOOKED_THROUGH)
        if self.given.get("token", NO_TOKEN) != NO_TOKEN:
            return [own]
        return [own, _newest_of(anonymous, LOOKED_THROUGH_OF_ANONYMOUS)]

    def _own(self, rows: Rows) -> Rows:
        """The organization's own of some rows that were narrowed to what has an index."""
        has_index = self.given.keys() & {"cause"} or self.given.get("status", "done") != "done"
        return rows.own_of_few() if has_index else rows.own()

    @cached_property
    def _newest_operations(self) -> Operations:
        operations = RequestOperation.objects.of(self._organization_id)
        newest = operations.order_by("-request_id", "position").values_list("request_id", flat=True)
        oldest = newest[LOOKED_THROUGH - 1 : LOOKED_THROUGH].first()
        return operations if oldest is None else operations.filter(request_id__gte=oldest)

    def _fitting(self, rows: Rows, operations: Operations) -> Rows:
        """Those of some newest requests that fit what no index serves, by themselves or by one of the operations."""
        given = self.given
        if self._text:
            fitting = operations.filter(self._has_text).order_by().values("request_id")
            # Rows of before have no key.
            sent = Q(path__icontains=self._text) | Q(subject_key="", user_label__icontains=self._text)
            for spelling in _spellings(self._text):
                sent |= Q(query__icontains=spelling)
            rows = rows.filter(sent | self._has_text | Q(pk__in=fitting))
        if given.get("status") == "done":
            rows = rows.filter(Q(failed_operations=None) | Q(failed_operations=0), status__lt=400)
        if method := given.get("method"):
            rows = rows.filter(method=method)
        if presented := given.get("token"):
            rows = rows.filter(token=None if presented == NO_TOKEN else presented)
        return rows

    def _by_name(self, names: Q, operations: Operations) -> Q:
        """Of some newest requests those that are about such a name, or have such an operation."""
        fitting = operations.filter(names).order_by().values("request_id")
        # Rows of before have no key.
        labelled = Q()
        for each in self._user_names:
            labelled |= Q(user_label__icontains=each)
        return names | Q(subject_key="") & labelled | Q(pk__in=fitting)


def _last_of(rows: Rows, number: int) -> UUID | None:
    """The id of the last of so many newest rows; None where there are fewer."""
    last: UUID | None = rows.order_by("-pk").values_list("pk", flat=True)[number - 1 : number].first()
    return last


def _newest_of(rows: Rows, number: int) -> Rows:
    oldest = _last_of(rows, number)
    return rows if oldest is None else rows.filter(pk__gte=oldest)


def _has_part(text: str) -> Q:
    parts = Q()
    for each in _readings(text):
        parts |= Q(subject_key__contains=" ".join(fold(each).split()))
    return parts


def _readings(text: str) -> set[str]:
    """The text as it was typed, and as it reads where it was copied out of an address; none holds a NUL."""
    return {each for each in (text, unquote(text)) if each.strip() and "\0" not in each}


def _spellings(text: str) -> set[str]:
    """The text as it may stand in a query."""
    spelled = {text}
    for left in _LEFT:
        encoded = quote(text, safe=left)
        spelled |= {encoded, encoded.replace("%20", "+")}
    return spelled


def id_of(text: str) -> UUID | None:
    """The id that a text is; None for any other text."""
    return parsing.id_of(text.strip())


def latest_of(connection: Connection, number: int, *, others: bool = True) -> list[RequestLog]:
    """The latest requests of a connection, among the newest that carried a token of the organization.

    With ``others`` also the last few that carried none, or a personal one: they may be its provider's, with a mistyped
    one, or a stranger's, who must push neither the connection's own off the page nor those with a personal token.
    """
    rows = RequestLog.objects.of(connection.organization_id).select_related("token").order_by("-pk")
    oldest = Subquery(rows.own().values("pk")[LOOKED_AT_FOR_LATEST - 1 : LOOKED_AT_FOR_LATEST])
    newest = rows.own().filter(pk__gte=Coalesce(oldest, Value(UUID(int=0), output_field=UUIDField())))
    ways: list[Any] = [newest.filter(connection_id=connection.pk).values("pk")[:number]]
    if others:
        some = newest.filter(connection_id=None), rows.anonymous()
        ways += [each.values("pk")[:MOST_OTHERS] for each in some]
    return list(rows.filter(pk__in=_together(RequestLog.objects.of(connection.organization_id), ways))[:number])


def _together(rows: Rows, ways: Sequence[Any]) -> Any:
    """The ids that are found in several ways, each cut off, of which each is read off an index of its own."""
    # SQLite takes a limit in a union only one step further in.
    whole = [rows.filter(pk__in=way).order_by().values("pk") for way in ways]
    return whole[0].union(*whole[1:])


@dataclass(frozen=True, slots=True)
class OfUser:
    """A request as it is told of one user: ``operation`` is what it had about them, where it had others too."""

    row: RequestLog
    operation: RequestOperation | None


def latest_about(user: User, number: int) -> list[OfUser]:
    """The latest requests about a user, refused ones included that only had the name, those in bulk requests too."""
    assert user.organization_id is not None  # noqa: S101  (only operators have none, and they are no users of a tenant)
    rows = RequestLog.objects.of(user.organization_id)
    operations = RequestOperation.objects.of(user.organization_id)
    # Anybody can send a name without a token, and would have the page to themselves with ten requests.
    failures = (
        rows.own_of_few().filter(status__gte=InlineValue(400)).order_by("-pk").values("pk")[:LOOKED_AT_FOR_FAILURES]
    )
    named = rows.filter(pk__in=failures, subject_key__contains=subject_keys.whole(user.user_name))
    own = operations.filter(user_id=user.pk)
    ways: list[Any] = [
        rows.filter(user_id=user.pk).order_by("-pk").values("pk"),
        named.order_by("-pk").values("pk"),
        own.order_by("-request_id").values("request_id").distinct(),
    ]
    found = list(rows.filter(pk__in=_together(rows, [way[:number] for way in ways])).order_by("-pk")[:number])
    bulk = [row.pk for row in found if row.operations]
    of_bulk = own.filter(request_id__in=bulk).order_by("position") if bulk else ()
    by_request = {operation.request_id: operation for operation in of_bulk}
    return [OfUser(row, by_request.get(row.pk)) for row in found]
