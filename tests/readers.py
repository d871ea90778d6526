"""Every reader of what clients send, with what it would like least: name, reader, input of a size, and the size.

Inputs that a cache would keep are longer than ``core.caching.LONGEST``.
"""
# ruff: noqa: E501  (it is a table)

import gzip
import json
from collections.abc import Callable
from typing import Any, TypeVar

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.http import QueryDict
from django.test import RequestFactory
from django.test.utils import override_settings
from django.urls import Resolver404, resolve

from audit.services import stream
from console.csv_download import harmless
from core.actors import address_of_caller
from core.addresses import AddressError, canonical, check_address, check_domain, domain_in, fold, readable_domain
from core.bearer_tokens import presented
from domains import lookalikes
from provisioning.services.request_log import subject_keys
from provisioning.services.request_log.masking import Masking
from saasmanager.logs import address_without_secrets
from saasmanager.middleware import ENDPOINTS
from scim.api import subjects
from scim.api.media import read_bytes, takes_gzip
from scim.operations import cursors
from scim.operations.groups import steps_of
from scim.operations.preconditions import Preconditions
from scim.operations.search import Query
from scim.protocol import patch
from scim.protocol.bulk import glance_at, read_bulk
from scim.protocol.errors import ScimError
from scim.protocol.grammar import parse_filter, parse_patch_path
from scim.protocol.json_bodies import read_json
from scim.protocol.matching import matches
from scim.protocol.patch_request import read_patch
from scim.protocol.projection import Projection
from scim.protocol.references import in_order, with_ids
from scim.protocol.resolution import resolve_filter
from scim.protocol.schemas import GROUP, USER
from scim.protocol.searching import read_search
from scim.protocol.validation import read_resource
from users.api import audit_logs
from users.api.problems import Problem
from users.services.pasted_addresses import addresses

Sent = TypeVar("Sent")
ID = "01890a5d-ac96-774b-bcce-b302099a8057"
REFUSALS = (ScimError, AddressError, Problem, stream.Unreadable, Resolver404, SuspiciousOperation)


def _tried(run: Callable[[Sent], object]) -> Callable[[Sent], None]:
    """The reader, whose refusal of the input is as good as its answer."""

    def tried(sent: Sent) -> None:
        try:
            run(sent)
        except REFUSALS:
            return

    return tried


def _times(part: str, before: str = "", behind: str = "") -> Callable[[int], str]:
    return lambda size: before + part * (size // len(part)) + behind


def _bytes(part: str, before: str = "", behind: str = "") -> Callable[[int], bytes]:
    return lambda size: _times(part, before, behind)(size).encode()


def _members(size: int, *more: str) -> bytes:
    return ("{" + ",".join([*(f'"{number}":1' for number in range(size)), *more]) + "}").encode()


def _emails(size: int, value: str = "a{}@acme.example") -> list[dict[str, str]]:
    return [{"value": value.format(number), "type": f"t{number}"} for number in range(size)]


def _user(size: int, value: str = "a{}@acme.example") -> dict[str, Any]:
    return {"schemas": [USER.schema.id], "userName": "ada@acme.example", "emails": _emails(size, value)}


def _patch(operations: list[dict[str, Any]]) -> dict[str, Any]:
    return {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations}


def _op(path: str, value: Any, op: str = "replace") -> dict[str, Any]:
    return {"op": op, "path": path, "value": value}


def _patched(body: dict[str, Any]) -> None:
    patch.apply(_user(100), read_patch(body, USER).operations, USER)


def _bulk(size: int, refer: Callable[[int], str]) -> dict[str, Any]:
    data = [{"displayName": f"g{n}", "members": [{"value": refer(n)}]} for n in range(size)]
    operations = [{"method": "POST", "path": "/Groups", "bulkId": str(n), "data": each} for n, each in enumerate(data)]
    return {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations}


def _read_bulk(body: dict[str, Any]) -> None:
    asked = read_bulk(body, limit=10**6)
    places = {operation.bulk_id: place for place, operation in enumerate(asked.operations)}
    list(in_order([[places[each] for each in operation.refers] for operation in asked.operations]))
    for operation in asked.operations:
        with_ids(operation.data, dict.fromkeys(operation.refers, ID))


def _subject(body: dict[str, Any]) -> None:
    subjects.of_body(body, json.dumps(body).encode(), Masking(()))


def _unread(sent: bytes) -> None:
    subjects.of_unread(sent, Masking(()))


def _subject_of_filter(text: str) -> None:
    subjects.of_filter(text, Masking(()))


def _matched(text: str) -> None:
    matches(resolve_filter(parse_filter(text), USER), _user(3))


def _body(sent: bytes, **headers: str) -> None:
    request = RequestFactory().generic("POST", "/", sent, content_type="application/scim+json", **headers)
    read_json(read_bytes(request))


def _of_a_type(content_type: str) -> None:
    read_bytes(RequestFactory().generic("POST", "/", b"{}", content_type=content_type))


def _caller(hops: str) -> None:
    with override_settings(TRUSTED_PROXY_COUNT=2):
        address_of_caller({"HTTP_X_FORWARDED_FOR": hops, "REMOTE_ADDR": "192.0.2.1"})


def _path(path: str) -> None:
    for match, _view in ENDPOINTS:
        match(path)
    resolve(path)


def _audit(query: str) -> None:
    given = audit_logs._parameters(RequestFactory().get("/", QUERY_STRING=query))
    for read in (audit_logs._limit, lambda given: audit_logs._time(given, "since")):
        _tried(read)(given)
    stream.parse_filter(given.get("filter", ""))
    stream.read_cursor(given.get("cursor", ""))


def _line(text: str) -> None:
    address_without_secrets(None, "", {"request": f"GET {text}", "event": f"Gone: {text}"})


_SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
_COMBINED = _times("\u0300\u0327", "ä@", "")
_FIFTY = 'type eq "x" or ' * 49 + 'type eq "t1"'
_MARKS = _times("\u0300\u0327", "a")

TABLE: list[tuple[str, Callable[[Any], object], Callable[[int], Any], int]] = [
    (name, _tried(run), worst, size)
    for name, run, worst, size in [
        # JSON
        ("JSON: the last member twice", read_json, lambda n: _members(n, f'"{n - 1}":1'), 1_000),
        ("JSON: the first member twice", read_json, lambda n: _members(n, '"0":1'), 1_000),
        ("JSON: many members", read_json, _members, 1_000),
        ("JSON: many objects", read_json, _bytes('{"a":1},', '{"a":[', "1]}"), 5_000),
        ("JSON: members in other case", read_json, lambda n: _members(n, '"A":1', '"a":1'), 1_000),
        ("JSON: open brackets", read_json, _bytes("["), 4_000),
        ("JSON: nested objects", read_json, _bytes('{"a":'), 4_000),
        ("JSON: shallow lists", read_json, _bytes("[[[]]],", '{"a":[', "1]}"), 5_000),
        ("JSON: a long number", read_json, _bytes("1", '{"a":', "}"), 5_000),
        ("JSON: a long fraction", read_json, _bytes("1", '{"a":0.', "}"), 5_000),
        ("JSON: escapes", read_json, _bytes("\\u0041", '{"a":"', '"}'), 5_000),
        ("JSON: half surrogates", read_json, _bytes("\\ud800x", '{"a":"', '"}'), 5_000),
        ("JSON: cut off in a text", read_json, _bytes("\\\\", '{"a":"'), 5_000),
        ("JSON: blanks", read_json, _bytes(" \n"), 5_000),
        ("JSON: an error behind many lines", read_json, _bytes("\n", "{", "x"), 5_000),
        ("JSON: no UTF-8", read_json, lambda n: b"\xff" * n, 5_000),
        (
            "Body: gzip",
            lambda sent: _body(sent, HTTP_CONTENT_ENCODING="gzip"),
            lambda n: gzip.compress(b" " * n),
            9_999,
        ),
        (
            "Body: gzip in pieces",
            lambda sent: _body(sent, HTTP_CONTENT_ENCODING="gzip"),
            lambda n: gzip.compress(b"") * n,
            500,
        ),
        ("Header: Content-Type", _of_a_type, _times("charset ", "application/json;"), 4_000),
        ("Header: Content-Type, another", _of_a_type, _times(";"), 4_000),
        # Filters, paths, names
        ("Filter: terms", _matched, _times('title eq "a" or ', "", "title pr"), 600),
        ("Filter: a long text", _matched, _times("a", 'title co "', '"'), 600),
        ("Filter: marks", _matched, _times("\u0300\u0327", 'title co "a', '"'), 600),
        ("Filter: an address", _matched, _times("ä", 'emails co "@', '"'), 600),
        ("Filter: brackets", _matched, _times("(", "", "title pr"), 600),
        ("Filter: quotes", _matched, _times('"', "title eq "), 600),
        ("Filter: words", _matched, _times("a "), 600),
        ("Filter: not", _matched, _times("not ("), 600),
        ("Filter: an error at the end", _matched, _times('title eq "a" or '), 600),
        ("Path: a filter", parse_patch_path, _times('type eq "a" or ', "emails[", "type pr]"), 600),
        ("Names: attributes", lambda t: Projection.parse(t, None, USER), _times("emails.value,"), 600),
        ("Names: commas", lambda t: Projection.parse(None, t, USER), _times(","), 600),
        ("Names: one", lambda t: Projection.parse(t, None, USER), _times("a:"), 600),
        ("Search: a body", read_search, lambda n: {"schemas": [_SEARCH], "attributes": ["emails"] * n}, 2_000),
        ("Search: members", read_search, lambda n: {str(number): 1 for number in range(n)}, 2_000),
        ("Query: sortBy", lambda t: Query.parse({"sortBy": t}), _times("a."), 4_000),
        ("Query: count", lambda t: Query.parse({"count": t}), _times("1"), 4_000),
        ("Query: parameters", lambda t: QueryDict(t), _times("a=%41&"), 2_000),
        ("Query: cursor", lambda t: cursors.unseal(t, cursors.CursorScope("acme/Users")), _times("a."), 4_000),
        (
            "Query: cursor, packed",
            lambda t: cursors.unseal(t, cursors.CursorScope("acme/Users")),
            _times("A", ".", ":1:1"),
            4_000,
        ),
        # Whom the log says that a request is about
        (
            "Subject: a body",
            _subject,
            lambda n: {str(number): {"userName": "a", "password": "b"} for number in range(n)},
            500,
        ),
        ("Subject: names", _subject, lambda n: {f"{number}:userName": f"a{number}" * 9 for number in range(n)}, 400),
        ("Subject: operations", _subject, lambda n: _patch([_op("password", f"b{i}") for i in range(n)]), 2_000),
        ("Subject: no JSON", _unread, _bytes('"userName":"a","password":"b",', "{"), 4_000),
        (
            "Subject: other texts",
            _unread,
            lambda n: ('{"userName":"a","password":1,' + ",".join(f'"x{i:09}"' for i in range(n))).encode(),
            1_000,
        ),
        ("Subject: a filter", _subject_of_filter, _times('userName eq "a" or '), 600),
        ("Subject: quotes", _subject_of_filter, _times('eq "', "userName "), 600),
        ("Subject: brackets", _subject_of_filter, _times('emails[.value eq "a"]'), 600),
        ("Subject: a query", lambda t: subjects.of_query(t, Masking(())), _times("filter=%25&", "a"), 2_000),
        ("Subject: a name", lambda t: subject_keys.key([t]), _times("\u0300\u0327", "a"), 600),
        ("Bulk: a glance", lambda b: glance_at(b, 1000), lambda n: _bulk(n, str), 900),
        # Resources
        ("User: values", lambda b: read_resource(b, USER), _user, 25),
        ("User: equal values", lambda b: read_resource(b, USER), lambda n: _user(n, "a@acme.example"), 25),
        ("User: far too many values", lambda b: read_resource(b, USER), _user, 2_000),
        (
            "User: unknown members",
            lambda b: read_resource(b, USER),
            lambda n: {**_user(1), **{f"x{i}": 1 for i in range(n)}},
            2_000,
        ),
        (
            "User: paths as members",
            lambda b: read_resource(b, USER),
            lambda n: {**_user(1), **{f"name.x{i}": 1 for i in range(n)}},
            2_000,
        ),
        (
            "User: schemas",
            lambda b: read_resource(b, USER),
            lambda n: {**_user(1), "schemas": [f"urn:x:{i}" for i in range(n)]},
            2_000,
        ),
        (
            "User: parts of a value",
            lambda b: read_resource(b, USER),
            lambda n: {**_user(1), "name": {f"x{i}": 1 for i in range(n)}},
            2_000,
        ),
        ("User: a long text", lambda b: read_resource(b, USER), lambda n: {**_user(1), "title": "a" * n}, 4_000),
        (
            "User: a certificate",
            lambda b: read_resource(b, USER),
            lambda n: {**_user(1), "x509Certificates": [{"value": "=" * n}]},
            2_000,
        ),
        (
            "Group: members",
            lambda b: read_resource(b, GROUP),
            lambda n: {"displayName": "g", "members": [{"value": ID}] * n},
            2_000,
        ),
        (
            "PATCH: operations on values",
            _patched,
            lambda n: _patch([_op(f'emails[type eq "t{i % 99}"].value', f"b{i}@acme.example") for i in range(n)]),
            20,
        ),
        (
            "PATCH: operations on one attribute",
            _patched,
            lambda n: _patch([_op("title", f"t{i}") for i in range(n)]),
            200,
        ),
        ("PATCH: comparisons", _patched, lambda n: _patch([_op(f"emails[{_FIFTY}].value", "b@acme.example")] * n), 2),
        (
            "PATCH: the same value again",
            _patched,
            lambda n: _patch([_op("emails", [{"value": "a1@acme.example", "type": "t1"}], "add")] * n),
            30,
        ),
        ("PATCH: many values", _patched, lambda n: _patch([_op("emails", _emails(n))]), 25),
        ("PATCH: values taken away", _patched, lambda n: _patch([_op("emails", _emails(n), "remove")]), 25),
        (
            "PATCH: members of an object",
            _patched,
            lambda n: _patch([{"op": "add", "value": {f"x{i}": 1 for i in range(n)}}]),
            1_000,
        ),
        (
            "PATCH: members of a group",
            lambda b: steps_of(read_patch(b, GROUP).operations),
            lambda n: _patch([_op("members", [{"value": ID}] * n, "add")]),
            2_000,
        ),
        (
            "PATCH: members taken one by one",
            lambda b: steps_of(read_patch(b, GROUP).operations),
            lambda n: _patch([_op(f'members[value eq "{ID}"]', None, "remove")] * n),
            200,
        ),
        ("Bulk: a chain", _read_bulk, lambda n: _bulk(n, lambda i: f"bulkId:{min(i + 1, n - 1)}"), 200),
        ("Bulk: a circle", _read_bulk, lambda n: _bulk(n, lambda i: f"bulkId:{(i + 1) % n}"), 200),
        ("Bulk: all to one", _read_bulk, lambda n: _bulk(n, lambda i: "bulkId:0"), 200),
        ("Bulk: references within a text", lambda t: with_ids(t, {"a": ID}), _times('"bulkId:a"'), 4_000),
        # Headers
        ("Header: If-Match", lambda t: Preconditions.parse(t, None), _times('"1",'), 4_000),
        ("Header: If-None-Match, quotes", lambda t: Preconditions.parse(None, t), _times('W/"'), 4_000),
        ("Header: Accept-Encoding", takes_gzip, _times("gzip;q=0.1,"), 4_000),
        ("Header: Accept-Encoding, blanks", takes_gzip, _times(" ", "gzip;q"), 4_000),
        ("Header: Authorization", presented, _times("a", "Bearer "), 4_000),
        ("Header: X-Forwarded-For", _caller, _times("192.0.2.1,"), 5_000),
        ("Header: X-Forwarded-For, one", _caller, _times("1:", "", ",1.1.1.1"), 5_000),
        # Names and addresses
        ("Address: a label", canonical, _times("ä", "a@"), 600),
        ("Address: labels", canonical, _times("ä.", "a@"), 600),
        ("Address: marks", canonical, _COMBINED, 600),
        ("Address: what is passed over", canonical, _times("\u00ad", "a@ä"), 600),
        ("Address: before the @", canonical, _times("\u0300\u0327", "a", "@ä.example"), 600),
        ("Address: written", check_address, _times("ä.", "a@"), 600),
        ("Address: written, dots", check_address, _times("a.", "", "@a.example"), 600),
        ("Domain: a label", check_domain, _times("a"), 600),
        ("Domain: labels", check_domain, _times("a."), 600),
        ("Domain: A-labels", check_domain, _times("a", "xn--"), 600),
        ("Domain: A-labels, many", check_domain, _times("xn--a."), 600),
        ("Domain: in what was pasted", domain_in, _times("<a@//www.:1"), 4_000),
        ("Domain: as people write it", readable_domain, _times("xn--4ca.", "", "example"), 600),
        ("Domain: look-alikes", lambda t: lookalikes.warnings(t, ["acme.example"]), _times("xn--4ca."), 60),
        ("Text: marks", fold, _MARKS, 1_000),
        ("Text: marks that come apart", fold, _times("\u0344\u0327", "a"), 1_000),
        ("Text: letters that become many", fold, _times("\ufdfa"), 1_000),
        ("Text: syllables", fold, _times("\u1100\u1161\u11a8"), 1_000),
        ("Pasted: addresses", addresses, _times("ada@acme.example, "), 4_000),
        ("Pasted: names", addresses, _times('"Ada, A." <ada@acme.example>; '), 4_000),
        ("Pasted: brackets", addresses, _times("<"), 4_000),
        ("Pasted: quotes", addresses, _times('<"'), 4_000),
        ("Pasted: blanks", addresses, _times(" .", "<a>", "x"), 4_000),
        # Addresses of pages, the API for programs, files
        ("URL: slashes", _path, _times("/"), 4_000),
        ("URL: slashes below SCIM", _path, _times("/", "/scim/"), 4_000),
        ("URL: slashes behind a slug", _path, _times("/", "/scim/a", "v2"), 4_000),
        ("URL: versions", _path, _times("/v2", "/scim/a"), 4_000),
        ("URL: a slug", _path, _times("a", "/scim/"), 4_000),
        ("URL: a user", _path, _times("a", "/scim/a/v2/Users/", "\n/"), 4_000),
        ("URL: users", _path, _times("/Users", "/scim/a"), 4_000),
        ("URL: a page", _path, _times("a/", "/settings/"), 4_000),
        ("URL: a password's key", _path, _times("a-", "/new-password/"), 4_000),
        ("URL: a password's key, lines", _path, _times("\n", "/new-password/a-"), 4_000),
        ("URL: an operator's page", _path, _times("a/", f"/{settings.OPERATOR_URL}"), 4_000),
        ("Audit: terms", _audit, _times("action=user.created,", "filter="), 4_000),
        ("Audit: parameters", _audit, _times("a&"), 1_000),
        ("Audit: since", _audit, _times("1", "since=2020-01-01T00:00:00."), 4_000),
        ("Audit: limit", _audit, _times("0", "limit="), 4_000),
        ("Audit: cursor", _audit, _times("A", "cursor="), 4_000),
        ("File: a cell", harmless, _times(";="), 4_000),
        ("File: blanks", harmless, _times(" "), 4_000),
        ("Log: a path", _line, _times("/"), 4_000),
        ("Log: a long segment", _line, _times("a", "/"), 4_000),
    ]
]
