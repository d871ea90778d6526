"""Every row of the log knows whom it is about, however the request came out; bulk operations each know it too."""

import gzip
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from provisioning.models import Connection, RequestLog, RequestOperation, Token
from provisioning.services.request_log import operations as operation_rows
from provisioning.services.request_log import pruning, writer
from provisioning.views.request_log.search import RequestsForm, latest_about
from tests.identity_provider import Idp
from users.models import User
from users.permissions import BuiltIn

LENA = "lena.lost@acme.example"
PATCH_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
BULK_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"


def found(idp: Idp, **asked: str) -> list[RequestLog]:
    """What the request log's page finds, newest first."""
    writer.flush()
    return RequestsForm(asked, idp.organization.pk).narrow().take(50)


def bulk(idp: Idp, *operations: dict[str, Any], **more: Any) -> Any:
    return idp.send("POST", "/Bulk", {"schemas": [BULK_SCHEMA], "Operations": list(operations), **more})


def make(name: str, number: int = 1, **more: Any) -> dict[str, Any]:
    return {"method": "POST", "path": "/Users", "bulkId": f"b{number}", "data": {"userName": name, **more}}


# One request each, refused or not, about lena.lost@acme.example


def _post(idp: Idp, body: Any, **headers: str) -> Any:
    return idp.send("POST", "/Users", body, **headers)


def _existing(idp: Idp) -> str:
    """Lena, who is here; only her id is sent from now on."""
    made = idp.create(LENA)
    writer.flush()
    RequestLog.objects.all().delete()
    return str(made["id"])


def _admin(idp: Idp) -> str:
    user_id = _existing(idp)
    admin = User.objects.of(idp.organization.pk).get(pk=user_id)
    admin.role = type(admin.role).objects.of(idp.organization.pk).get(key=BuiltIn.ADMIN)
    admin.save(update_fields=["role"])
    return user_id


def _taken(idp: Idp) -> Any:
    _existing(idp)
    return _post(idp, {"userName": LENA.upper()})


def _strict(idp: Idp) -> Any:
    Connection.objects.update(strict=True)
    return _post(idp, {"userName": LENA, "active": "False"})


def _scim_off(idp: Idp) -> Any:
    user_id = _existing(idp)
    Connection.objects.update(enabled=False)
    return idp.patch(user_id, {"op": "replace", "path": "title", "value": "x"})


def _expired(idp: Idp) -> Any:
    Token.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    return idp.get("/Users", {"filter": f'userName eq "{LENA}"'})


def _gone(idp: Idp) -> Any:
    user_id = _existing(idp)
    idp.send("DELETE", f"/Users/{user_id}")
    writer.flush()
    RequestLog.objects.all().delete()
    return idp.send("PUT", f"/Users/{user_id}", {"userName": LENA})


REFUSED: list[tuple[str, int, Callable[[Idp], Any]]] = [
    ("unticked domain", 400, lambda idp: _post(idp, {"userName": "lena.lost@acme-unchecked.example"})),
    ("unreadable list", 400, lambda idp: _post(idp, {"userName": LENA, "emails": [7]})),
    ("no userName", 400, lambda idp: _post(idp, {"emails": [{"value": LENA}]})),
    ("userName in a list", 400, lambda idp: _post(idp, {"userName": {"x": 1}, "emails": LENA, "displayName": LENA})),
    ("taken", 409, _taken),
    ("strict mode", 400, _strict),
    ("malformed JSON", 400, lambda idp: _post(idp, b'{"userName": "lena.lost@acme.example",}')),
    ("twice", 400, lambda idp: _post(idp, b'{"userName": "lena.lost@acme.example", "title": 1, "title": 2}')),
    ("media type", 415, lambda idp: _post(idp, {"userName": LENA}, content_type="text/plain")),
    ("charset", 415, lambda idp: _post(idp, {"userName": LENA}, content_type="application/json; charset=latin1")),
    ("too large", 413, lambda idp: _post(idp, {"userName": LENA, "title": "x" * 1024 * 1024})),
    ("query", 400, lambda idp: idp.send("POST", "/Users?attributes=a&excludedAttributes=b", {"userName": LENA})),
    ("method", 405, lambda idp: idp.send("PUT", "/Users", {"userName": LENA})),
    ("endpoint", 404, lambda idp: idp.send("POST", "/User", {"userName": LENA})),
    ("gone", 404, _gone),
    ("invalid filter", 400, lambda idp: idp.get("/Users", {"filter": f'userNmae eq 1 or userName eq "{LENA}"'})),
    ("expired token", 401, _expired),
    ("SCIM off", 401, _scim_off),
    ("invalid path", 400, lambda idp: idp.patch(_existing(idp), {"op": "replace", "path": "userNmae", "value": 1})),
    ("version", 412, lambda idp: idp.send("DELETE", f"/Users/{_existing(idp)}", if_match='W/"99"')),
    ("protected", 403, lambda idp: idp.patch(_admin(idp), {"op": "add", "path": "userName", "value": "x@acme.test"})),
    ("malformed PATCH", 400, lambda idp: idp.send("PATCH", f"/Users/{_existing(idp)}", b"{")),
    ("search", 400, lambda idp: idp.send("POST", "/.search", {"filter": f'userName eq "{LENA}"', "count": "x"})),
]  # fmt: skip
DONE: list[tuple[str, int, Callable[[Idp], Any]]] = [
    ("create", 201, lambda idp: _post(idp, {"userName": LENA})),
    ("create, packed", 201, lambda idp: _post(idp, gzip.compress(b'{"userName":"lena.lost@acme.example"}'),
                                              content_encoding="gzip")),
    ("look-up", 200, lambda idp: idp.get("/Users", {"filter": f'userName eq "{LENA}"'})),
    ("look-up by e-mail", 200, lambda idp: idp.get("/Users", {"filter": f'emails[type eq "work"].value eq "{LENA}"'})),
    ("look-up by id", 200, lambda idp: idp.get("/Users", {"filter": f'id eq "{_existing(idp)}"'})),
    ("search", 200, lambda idp: idp.send("POST", "/Users/.search", {"filter": f'userName eq "{LENA}"'})),
    ("search of all", 200, lambda idp: idp.send("POST", "/.search", {"FILTER": f'userName eq "{LENA}"'})),
    ("is a member", 200, lambda idp: idp.get("/Groups", {"filter": f'members eq "{_existing(idp)}"'})),
    ("read", 200, lambda idp: idp.get(f"/Users/{_existing(idp)}")),
    ("suspend", 200, lambda idp: idp.patch(_existing(idp), {"op": "replace", "path": "active", "value": False})),
    ("delete", 204, lambda idp: idp.send("DELETE", f"/Users/{_existing(idp)}")),
    ("in a bulk request", 200, lambda idp: bulk(idp, make(LENA))),
]  # fmt: skip


@pytest.mark.parametrize(("status", "act"), [each[1:] for each in REFUSED + DONE], ids=[e[0] for e in REFUSED + DONE])
def test_a_request_is_found_by_parts_of_the_name_in_search_and_user_filter(
    status: int, act: Callable[[Idp], Any], idp: Idp
) -> None:
    assert act(idp).status_code == status
    row = idp.log()[-1]
    assert row.user_label.lower().startswith("lena.lost@acme")
    for field in ("q", "user"):
        assert found(idp, **{field: "ENA.Lost@acme"})[0] == row
        assert found(idp, **{field: row.user_label.upper()})[0] == row
        assert found(idp, **{field: "nena.lost"}) == []


@pytest.mark.parametrize(
    ("act", "label"),
    [
        (lambda idp: idp.create_group("Élèves"), "Élèves"),
        (lambda idp: idp.send("POST", "/Groups", {"displayName": "Élèves", "members": [7]}), "Élèves"),
        (lambda idp: idp.get("/Groups", {"filter": 'displayName eq "Élèves"'}), "Élèves"),
        (lambda idp: idp.patch_group(idp.create_group("Élèves")["id"], {"op": "add", "path": "nme"}), "Élèves"),
        (lambda idp: idp.send("DELETE", f"/Groups/{idp.create_group('Élèves')['id']}"), "Élèves"),
        (lambda idp: bulk(idp, {"method": "POST", "path": "/Groups", "bulkId": "1", "data": {"displayName": "Élèves"}}),
         "Élèves"),
    ],
)  # fmt: skip
def test_a_group_is_found_by_its_name(act: Callable[[Idp], Any], label: str, idp: Idp) -> None:
    act(idp)
    row = idp.log()[-1]
    assert row.user_label == label
    assert row.user_id is None
    assert found(idp, q="éLÈV")[0] == row


def test_an_external_id_finds_its_request_beside_the_name(idp: Idp) -> None:
    idp.send("POST", "/Users", {"userName": "lena@nowhere.example", "externalId": "00uAbC1"})
    idp.get("/Users", {"filter": 'externalId eq "00uabc1"'})
    assert len(found(idp, q="00UABC")) == 2
    assert found(idp, q="00uabc")[1].user_label == "lena@nowhere.example"


@pytest.mark.parametrize(
    "typed", ["kim@acme.co", "KIM@ACME.CO", "kim%40acme.co", 'userName eq "kim@acme.co"', "m@acme"]
)
@pytest.mark.parametrize(
    "query",
    [
        "filter=userName+eq+%22kim%40acme.co%22",
        "filter=userName%20eq%20%22kim@acme.co%22",
        'x=1&filter=userName+eq+"kim%40acme.co"',
    ],
)  # fmt: skip
@pytest.mark.parametrize("old", [False, True])
def test_what_is_typed_finds_queries_however_they_are_encoded(typed: str, query: str, old: bool, idp: Idp) -> None:
    idp.http.get(
        f"{idp.base}/Users", query_params=None, QUERY_STRING=query, headers={"authorization": f"Bearer {idp.token}"}
    )
    row = idp.log()[-1]
    assert "kim" in row.query
    if old:
        RequestLog.objects.update(subject_key="", user_label="")
    wanted = [] if typed == "kim%40acme.co" and "%40" not in query and old else [row]
    assert found(idp, q=typed) == wanted


def test_rows_of_before_are_found_as_they_were(idp: Idp) -> None:
    lena = idp.create(LENA)
    RequestLog.objects.bulk_create([])
    row = idp.log()[-1]
    RequestLog.objects.update(subject_key="")
    assert found(idp, q="lena.lost") == found(idp, user=LENA) == found(idp, user=lena["id"]) == [row]
    RequestLog.objects.update(user_id=None)
    assert found(idp, user=LENA) == [row]


def test_a_stranger_tells_of_nobody_by_an_id_or_a_body(idp: Idp) -> None:
    user_id = _existing(idp)
    idp.send("PATCH", f"/Users/{user_id}", {"userName": LENA}, authorization="Bearer smgr_unknown")
    (row,) = idp.log()
    assert (row.user_id, row.user_label, row.subject_key) == (None, "", "")


def test_another_organizations_ids_have_no_names_here(idp: Idp, anonymous: Idp) -> None:
    foreign = anonymous.create("zoe@globex.example")["id"]
    idp.patch(foreign, {"op": "replace", "path": "title", "value": "x"})
    (row,) = idp.log()
    assert row.user_label == ""
    assert found(idp, q="zoe") == []
    assert len(found(anonymous, q="zoe")) == 1


@pytest.mark.parametrize(
    "act",
    [
        lambda idp: _post(idp, {"userName": "hunter22@acme.io", "password": "hunter22@acme.io"}),
        lambda idp: _post(idp, b'{"userName": "hunter22@acme.io", "password": "hunter22@acme.io"'),
        lambda idp: _post(idp, {"userName": "hunter22@acme.io", "secret": "hunter22@acme.io"}, content_type="text/xml"),
        lambda idp: idp.get("/Users", {"filter": 'password eq "hunter22@acme.io" or userName eq "hunter22@acme.io"'}),
        lambda idp: idp.send("POST", "/.search", {"filter": 'password eq "hunter22@a" or userName eq "hunter22@a"'}),
        lambda idp: idp.send("POST", "/Users?token=hunter22@acme.io", {"userName": "hunter22@acme.io"}),
        lambda idp: bulk(idp, make("lena@acme.test", password="hunter22@acme.io", externalId="hunter22@acme.io")),
        lambda idp: bulk(idp, make("kim@acme.test", password="hunter22@acme.io"), make("hunter22@acme.io", 2)),
        lambda idp: _post(idp, {"userName": "Bearer hunter22", "externalId": "https://kim:hunter22@acme.io"}),
    ],
)  # fmt: skip
def test_a_secret_is_nobodys_name_in_the_log(act: Callable[[Idp], Any], idp: Idp) -> None:
    act(idp)
    idp.log()
    rows = json.dumps([*RequestLog.objects.values(), *RequestOperation.objects.values()], default=str)
    assert "hunter22" not in rows


@pytest.mark.parametrize(
    "name",
    ["\x00x", "a\nb", "\ud800", "x" * 5000, "\u202e", "<script>", "'; --", "%_\\", "a\x1f\x7f", {"a": 1}, [[[[1]]]]],
    ids=repr,
)  # fmt: skip
def test_odd_names_are_kept_as_far_as_a_row_can_hold_them(name: Any, idp: Idp) -> None:
    idp.send("POST", "/Users", json.dumps({"userName": name, "externalId": "odd-one"}).encode())
    idp.send("POST", "/Bulk", json.dumps({"schemas": [BULK_SCHEMA], "Operations": [make(name)]}).encode())
    idp.get("/Users", {"filter": f"userName eq {json.dumps(name)}"})
    assert len(idp.log()) == 3
    assert writer.dropped() == 0
    typed = str(name).encode(errors="replace").decode()
    for asked in ({"q": typed}, {"user": typed}):
        RequestsForm(asked, idp.organization.pk).narrow().take(5)


# Bulk requests


def test_each_operation_of_a_bulk_request_is_found(idp: Idp) -> None:
    people = [make(f"p{number}@acme.example", number, externalId=f"ext-{number}") for number in range(40)]
    kim = str(idp.create("kim@acme.example")["id"])
    others = [
        {"method": "PATCH", "path": f"/Users/{kim}", "data": {"schemas": [PATCH_SCHEMA], "Operations": [{"op": "x"}]}},
        {"method": "DELETE", "path": f"/Users/{(gone := str(uuid4()))}"},
        make("lena@nowhere.example", 99),
    ]
    bulk(idp, *people, *others)
    row = idp.log()[-1]
    assert (row.operations, row.failed_operations) == (43, 3)
    assert row.user_label == "p0@acme.example, p1@acme.example, p2@acme.example and 40 more"
    last = User.objects.of(idp.organization.pk).get(user_name_key="p39@acme.example")
    for asked in (
        *({"user": str(last.pk)}, {"user": "P39@acme.example"}, {"user": kim}, {"user": "lena@nowhere.example"}),
        *({"q": "P39@"}, {"q": "ext-39"}, {"q": "lena@nowhere"}, {"status": "partly"}),
        {"q": "kim@acme.example", "status": "partly"},
        {"user": kim, "status": "partly", "method": "POST"},
    ):
        assert found(idp, **asked)[:1] == [row], asked
    assert found(idp, q="p40@") == found(idp, user=str(uuid4())) == found(idp, user=kim, status="refused") == []
    operations = {each.user_label: each for each in RequestOperation.objects.of(idp.organization.pk)}
    labels = ("p39@acme.example", "kim@acme.example", "lena@nowhere.example", gone)
    assert [operations[label].status for label in labels] == [201, 400, 400, 404]
    assert operations["lena@nowhere.example"].cause == "domain-unknown"
    assert operations["lena@nowhere.example"].result.startswith("Refused: the e-mail domain 'nowhere.example'")
    assert operations["p39@acme.example"].user_id == last.pk


def test_a_persons_requests_include_refused_ones_and_those_in_bulk_requests(idp: Idp) -> None:
    idp.send("POST", "/Users", {"userName": LENA, "emails": [7]})
    bulk(idp, make("kim@acme.example"), make(LENA, 2))
    lena = User.objects.of(idp.organization.pk).get(user_name_key=LENA)
    bulk(idp, {"method": "DELETE", "path": f"/Users/{lena.pk}", "version": 'W/"99"'})
    idp.get(f"/Users/{lena.pk}")
    writer.flush()
    told = latest_about(lena, 10)
    assert [(each.row.method, each.operation.status if each.operation else each.row.status) for each in told] == [
        ("GET", 200), ("POST", 412), ("POST", 201), ("POST", 400),
    ]  # fmt: skip


def test_no_stranger_fills_a_persons_requests(idp: Idp) -> None:
    lena = User.objects.get(pk=idp.create(LENA)["id"])
    idp.send("POST", "/Users", {"userName": LENA, "emails": [7]})
    nobody = Idp(idp.organization, "wrong")
    for about in (f'userName eq "{LENA}"', f'id eq "{lena.pk}"'):
        for _ in range(6):
            nobody.get("/Users", {"filter": about})
    writer.flush()
    assert [each.row.status for each in latest_about(lena, 10)] == [400, 201]
    assert len(found(idp, q=LENA)) == 8, "the log itself finds them"


def test_operations_that_were_not_reached_are_told_of(idp: Idp) -> None:
    bulk(idp, make("x@nowhere.example"), make("late@acme.example", 2), failOnErrors=1)
    row = found(idp, q="late@acme")[0]
    assert [each.status for each in operation_rows.of_request(idp.organization.pk, row.pk)] == [400, 0]
    assert (row.operations, row.failed_operations) == (2, 1)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"Operations": [make(LENA)], "failOnErrors": 0}, 400),
        ({"Operations": [make(LENA), 7]}, 400),
        ({"Operations": [make(LENA), *({"method": "DELETE", "path": "/Users/x"} for _ in range(1000))]}, 413),
        ({"Operations": [make(LENA), make(LENA)]}, 400),
    ],
)
def test_a_bulk_request_that_is_refused_as_a_whole_is_found_too(body: dict[str, Any], status: int, idp: Idp) -> None:
    assert idp.send("POST", "/Bulk", {"schemas": [BULK_SCHEMA], **body}).status_code == status
    (row,) = found(idp, q="lena.lost")
    assert (row.status, row.operations, row.failed_operations) == (status, None, None)
    assert found(idp, user=LENA) == [row]


def test_a_user_in_very_many_bulk_requests_is_found_page_by_page(idp: Idp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("provisioning.views.request_log.search._AT_ONCE", 2)
    kim = str(idp.create("kim@acme.example")["id"])
    operation = {"method": "DELETE", "path": f"/Users/{kim}", "version": 'W/"99"'}
    for number in range(7):
        bulk(idp, operation, operation)
        if number % 2:
            idp.get(f"/Users/{kim}")
    rows = [row for row in reversed(idp.log()) if row.method in ("POST", "GET") and row.path.endswith(("Bulk", kim))]
    form = RequestsForm({"user": kim}, idp.organization.pk)
    way: list[RequestLog] = []
    while part := form.narrow().take(3, before=way[-1].pk if way else None):
        way += part
    assert way[:-1] == rows
    assert form.narrow().take(3, after=rows[5].pk) == rows[4:1:-1]
    assert sum(newer.count() for newer in form.newer_than(rows[4].pk)) == 4


def test_operations_go_with_their_request(idp: Idp, anonymous: Idp) -> None:
    for each in (idp, anonymous):
        bulk(each, make(f"x@{each.organization.slug}.example"))
        each.log()
    old = RequestLog.objects.of(idp.organization.pk).get()
    of_old = RequestOperation.objects.of(idp.organization.pk)
    of_before = UUID(int=old.pk.int & (2**74 - 1))
    of_old.update(request_id=of_before)
    RequestLog.objects.filter(pk=old.pk).update(id=of_before)
    assert pruning.prune() == 1
    assert not of_old.exists()
    assert RequestOperation.objects.of(anonymous.organization.pk).count() == 1


def test_what_waits_for_the_writer_is_bounded(idp: Idp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operation_rows, "MOST_WAITING", 2)
    for number in range(3):
        bulk(idp, make(f"p{number}@acme.example"), make(f"q{number}@nowhere.example", 2))
    assert [(row.operations, row.failed_operations) for row in idp.log()] == [(2, 1)] * 3
    assert RequestOperation.objects.count() == 2
    bulk(idp, make("again@acme.example"))
    assert len(found(idp, q="again@")) == 1


def test_names_are_looked_up_once_for_a_batch_and_never_for_what_went_well(idp: Idp) -> None:
    users = [idp.create(f"p{number}@acme.example")["id"] for number in range(5)]
    writer.flush()

    def statements() -> list[str]:
        with CaptureQueriesContext(connection) as captured:
            writer.flush()
        return [each["sql"] for each in captured if 'FROM "users_user"' in each["sql"]]

    for user_id in users:
        idp.get(f"/Users/{user_id}")
    assert statements() == []
    for user_id in users:
        idp.send("DELETE", f"/Users/{user_id}", if_match='W/"99"')
    assert len(statements()) == 1
