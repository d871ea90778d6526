"""No secret that a client sends is kept in the request log or shown on its pages, in its file or in an answer."""

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from audit.models import AuditEvent
from organizations.models import Mail
from provisioning.models import RequestDetail, RequestLog
from provisioning.services.connections import connections
from provisioning.services.request_log import additional_logging
from tests.identity_provider import Idp
from tests.provisioning.services.request_log.test_masking_corpus import (
    ANYWHERE,
    HEADERS,
    LEAKS,
    PARAMETERS,
    SECRET,
    SHAPES,
)
from tests.signed_in import SignedIn
from tests.tenants import Tenant

pytestmark = pytest.mark.django_db

LOG = "/settings/users/scim/log/"

# What a literal of a filter or of a path could be: the name of nothing, so that only its being one makes it a secret.
LITERAL = "Zebra-4711-Quagga"


@pytest.fixture
def idp(acme: Tenant) -> Idp:
    """Acme's identity provider, of whose requests headers and bodies are kept as well."""
    _, text = connections.generate_token(acme.connection, by=acme.by)
    connections.set_enabled(acme.connection, True, by=acme.by)
    additional_logging.turn_on(acme.connection, by=acme.by)
    additional_logging.look_again()
    return Idp(acme.organization, text)


def in_bodies(idp: Idp) -> Iterator[Any]:
    """Under names that nobody knows, in texts that say what they are, and in a PATCH; all of users who are refused."""
    for number, name in enumerate(ANYWHERE):
        yield idp.send("POST", "/Users", {"userName": f"u{number}@nowhere.example", name: SECRET})
        yield idp.send("POST", "/Users", {"userName": f"t{number}@nowhere.example", "title": f"{name}={SECRET}"})
    yield idp.patch("0", *({"op": "replace", "path": name, "value": SECRET} for name in ANYWHERE))
    for shape in SHAPES:
        yield idp.send("POST", "/Users", {"userName": shape, "title": shape})


def in_queries(idp: Idp) -> Iterator[Any]:
    for name in PARAMETERS:
        yield idp.get(f"/Users?{urlencode({name: SECRET})}")
    for name in ANYWHERE:
        yield idp.get("/Users", {"filter": f'{name} eq "{SECRET}"'})


def in_headers(idp: Idp) -> Iterator[Any]:
    for start in range(0, len(HEADERS), 10):
        names = [name for name in HEADERS[start : start + 10] if name.lower() not in ("authorization", "cookie")]
        yield idp.http.get(
            f"{idp.base}/Users",
            headers={name: SECRET for name in names} | {"Authorization": f"Bearer {idp.token}"},
        )
    for shape in SHAPES:
        yield idp.http.get(f"{idp.base}/Users", headers={"User-Agent": shape.replace("\n", " ")})


def in_paths(idp: Idp) -> Iterator[Any]:
    for shape in SHAPES:
        yield idp.get(f"/Users/{quote(shape, safe='')}")
        yield idp.patch("0", {"op": "replace", "path": f'emails[value eq "{shape}"', "value": 1})
    for name in ANYWHERE:
        yield idp.get(f"/Nope/{quote(name)}={SECRET}")


def in_bulk(idp: Idp) -> Iterator[Any]:
    operations = [
        {
            "method": "POST",
            "path": f"/Users?{urlencode({name: SECRET})}",
            "bulkId": f"{name}={SECRET}",
            "data": {name: SECRET},
        }
        for name in ANYWHERE
    ]
    yield idp.send("POST", "/Bulk", {"Operations": operations})


@pytest.mark.parametrize("sent", [in_bodies, in_queries, in_headers, in_paths, in_bulk], ids=lambda each: each.__name__)
def test_a_secret_is_in_no_row_on_no_page_and_in_no_file(
    sent: Callable[[Idp], Iterator[Any]], idp: Idp, acme: Tenant, signed_in: SignedIn
) -> None:
    before = set(Mail.objects.values_list("pk", flat=True))
    asked = sum(1 for _ in sent(idp))
    assert len(idp.log()) == asked
    assert RequestDetail.objects.of(acme.id).count() == asked
    browser = signed_in(acme)
    found = {
        "rows": list(RequestLog.objects.of(acme.id).values()),
        "headers and bodies": list(RequestDetail.objects.of(acme.id).values()),
        "mails": list(Mail.objects.exclude(pk__in=before).values()),
        "audit log": list(AuditEvent.objects.of(acme.id).filter(action__startswith="scim").values()),
        "file": browser.get(f"{LOG}export.csv").getvalue().decode(),  # type: ignore[attr-defined]
        "page": browser.get(LOG).content.decode(),
        "pages of requests": [
            browser.get(f"{LOG}{row.pk}/").content.decode()
            for row in RequestLog.objects.of(acme.id).order_by("-pk")[:20]
        ],
        "setup": browser.get("/settings/users/").content.decode(),
    }
    assert not [(where, leak) for where, shown in found.items() for leak in LEAKS if leak in str(shown)]


@pytest.mark.parametrize("strict", [False, True], ids=["lenient", "strict"])
def test_no_error_repeats_a_literal_of_a_filter_or_a_path(strict: bool, idp: Idp, acme: Tenant) -> None:
    connections.set_strict(acme.connection, strict, by=acme.by)
    user = acme.add("ada@acme.example")
    filters = [
        each.replace("?", LITERAL)
        for each in (
            'userName eq "?', 'userName eq ?', 'userName "?"', 'userName eq "?" and', 'nope eq "?"', 'active gt "?"',
            'userName eq "?" or (', 'emails[value eq "?"', 'emails[nope eq "?"]', 'userName foo "?"', '"?"', "'?'",
            'meta.created gt "?"', 'urn:x:? eq "a"', 'userName eq "a" "?"', 'not "?"', 'members eq "?"',
            'userName eq {"a": "?"}', 'id eq "?" and active eq "?"', 'userName pr "?"', 'emails.value[type eq "?"]',
        )
    ]  # fmt: skip
    answers = [idp.get("/Users", {"filter": each}) for each in filters]
    answers += [idp.send("POST", "/Users/.search", {"filter": each}) for each in filters]
    answers += [idp.send("POST", "/.search", {"filter": each}) for each in filters]
    answers += [
        idp.patch(str(user.pk), {"op": op, "path": f"{path}{end}", "value": "x"})
        for op in ("add", "replace", "remove")
        for path in (
            f'emails[value eq "{LITERAL}"',
            f'emails[type eq "{LITERAL}" and',
            f'phoneNumbers[x eq "{LITERAL}"',
        )
        for end in ("", "]", "].value", "].nope", "]]")
    ]
    answers += [idp.send("POST", "/Users/.search", {"sortBy": f'emails[value eq "{LITERAL}"]'})]
    refused = [answer.content.decode() for answer in answers if answer.status_code == 400]
    assert len(refused) > 80
    assert not [content for content in refused if LITERAL in content]
    rows = [(row.result, row.notices, row.arguments) for row in idp.log()]
    assert not [row for row in rows if LITERAL in json.dumps(row, default=str)]
