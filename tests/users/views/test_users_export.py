"""The list of people as CSV: what the list shows, whole, streamed, and harmless in a spreadsheet."""

import csv
import io

import pytest
from django.http import StreamingHttpResponse
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from console import csv_download
from console.csv_download import FORMULA_BEGINS, harmless
from tests.growth import assert_linear
from tests.signed_in import SignedIn
from tests.tenants import Tenant
from users.models import User
from users.permissions import BuiltIn

EXPORT = "/settings/users/export/"


@pytest.fixture
def client(acme: Tenant, signed_in: SignedIn) -> Client:
    return signed_in(acme)


def rows(client: Client, **query: str) -> list[dict[str, str]]:
    answer = client.get(EXPORT, query)
    assert isinstance(answer, StreamingHttpResponse)
    text = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[arg-type]
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_each_person_is_a_line(acme: Tenant, client: Client) -> None:
    name = {"givenName": "Mei", "familyName": 'Åström, "the first"'}
    mei = acme.update(acme.add("mei", BuiltIn.HR, profile={"name": name}), active=False)
    (row,) = rows(client, q="mei")
    assert row["Name"] == 'Mei Åström, "the first"'
    assert (row["User name"], row["E-mail"]) == ("mei@acme.example", "mei@acme.example")
    assert (row["Role"], row["Status"], row["Source"], row["Last sign-in"]) == ("HR", "Suspended", "SCIM", "")
    assert row["Id"] == str(mei.pk)


def test_moments_are_in_the_organizations_time_zone(acme: Tenant, client: Client) -> None:
    type(acme.organization).objects.filter(pk=acme.id).update(time_zone="Asia/Kolkata")
    (row,) = rows(client, q="admin")
    assert row["Added"].endswith("+05:30")
    assert row["Last sign-in"].endswith("+05:30")


def test_the_file_has_everybody_in_the_lists_order_whatever_the_batches(
    acme: Tenant, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("users.views.users_export.AT_ONCE", 7)
    for number in range(30):
        acme.add(f"p{number:02}", profile={"displayName": f"Name {number % 4}"})
    expected = [str(pk) for pk in User.objects.of(acme.id).order_by("name_key", "id").values_list("pk", flat=True)]
    assert [row["Id"] for row in rows(client, sort="name")] == expected
    assert len(rows(client)) == 31
    assert len(rows(client, source="scim", page="9", after="x")) == 30


def test_the_file_is_named_and_kept_by_nobody(client: Client) -> None:
    answer = client.get(EXPORT)
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="users-acme-')
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert "no-store" in answer.headers["Cache-Control"]


def test_it_is_read_while_it_is_sent(acme: Tenant, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("users.views.users_export.AT_ONCE", 5)
    monkeypatch.setattr("console.csv_download.PER_WRITE", 5)
    for number in range(20):
        acme.add(f"p{number:02}")
    answer = client.get(EXPORT)
    parts = iter(answer)
    assert b"Name,User name" in next(parts)
    assert next(parts).count(b"\r\n") == 5
    acme.add("zoe")
    assert b"zoe@acme.example" in b"".join(parts)


def test_people_of_others_are_not_in_it(acme: Tenant, globex: Tenant, client: Client) -> None:
    globex.add("gabriel")
    assert [row["User name"] for row in rows(client)] == ["admin@acme.example"]


@pytest.mark.parametrize("name", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\tx", "  =1", "＝1", "\rx"])
def test_no_name_is_a_formula(name: str, acme: Tenant, client: Client) -> None:
    acme.add("eve", profile={"displayName": name})
    (row,) = rows(client, q="eve@")
    assert row["Name"] == f"'{name}"


@given(st.text())
def test_no_cell_begins_as_a_formula_does(text: str) -> None:
    assert not harmless(text).lstrip().startswith(FORMULA_BEGINS)
    assert harmless(text).replace("'", "") == text.replace("'", "")


CELL = st.text(st.sampled_from("=+-@＝＠;\t\r\n \"',x1\u2028"), max_size=12)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@given(rows=st.lists(st.lists(CELL, min_size=1, max_size=4), min_size=1, max_size=3))
def test_no_cell_begins_as_a_formula_does_wherever_a_spreadsheet_cuts(delimiter: str, rows: list[list[str]]) -> None:
    text = csv_download._lines([("Name", "Title"), *rows])
    # Some programs take no notice of quotes; none of these expects commas, of which there are too many in names.
    for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_MINIMAL if delimiter == "," else csv.QUOTE_NONE):
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quoting=quoting):
            for cell in row:
                assert not cell.lstrip(' "').startswith(csv_download.SIGNS), (text, cell)


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("x;=1+1;y", "x;'=1+1;y"),
        ("x\t=1+1\ty", "x\t'=1+1\ty"),
        ("x; =1", "x; '=1"),
        ('x;"=1"', 'x;"\'=1"'),
        ("x\n@SUM(A1)", "x\n'@SUM(A1)"),
        ("x;＝1;+2;-3", "x;'＝1;'+2;'-3"),
        ("\t=1", "'\t'=1"),
        ("a-b = c; d", "a-b = c; d"),
        ("ada@acme.example; bo@acme.example", "ada@acme.example; bo@acme.example"),
    ],
)
def test_a_sign_behind_a_semicolon_or_a_tab_gets_an_apostrophe_of_its_own(text: str, cell: str) -> None:
    assert harmless(text) == cell


@pytest.mark.parametrize("part", ["\t", ";", ' "', ";=", "\r\n", "; ", "+"])
def test_a_cell_is_read_in_linear_time(part: str) -> None:
    assert_linear(harmless, lambda size: part * size, 5_000)


def test_who_takes_the_list_away_is_in_the_audit_log_with_the_filters(acme: Tenant, client: Client) -> None:
    rows(client, q="ada", status="active", page="9")
    event = acme.last_event()
    assert str(event) == "admin@acme.example exported the list of people of Acme"
    assert event.changes == {"q": [None, "ada"], "status": [None, "active"]}
