"""Settings > Audit log: what an event looks like, what it can be narrowed to, the pages of the list, and the file."""

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.html import escape

import domains.services
from audit.actions import Action, title
from audit.models import AuditEvent
from audit.services import trail
from audit.views import log
from console.csv_download import harmless
from core.actors import Actor, Channel
from core.ids import first_id_at
from domains.models import Domain
from provisioning.services.connections import connections
from tests.signed_in import SignedIn, htmx
from tests.tenants import Tenant
from users.models import User
from users.permissions import BuiltIn
from users.services import accounts, roles

pytestmark = pytest.mark.django_db

PAGE, FILE = "/settings/audit-log/", "/settings/audit-log/export.csv"


@pytest.fixture
def client(acme: Tenant, signed_in: SignedIn) -> Client:
    return signed_in(acme)


def note(tenant: Tenant, label: str, action: Action = Action.DOMAIN_ADDED, actor: str = "", **changes: Any) -> None:
    """Write an event about something called so."""
    by = Actor(tenant.id, actor, Channel.SCIM, address="2001:db8::7") if actor else tenant.by
    trail.record(action, Domain(name=label), changes, by=by)


def rows(client: Client, **parameters: Any) -> list[str]:
    """The text of each row that the page shows, less how long ago it was."""
    html = re.sub(r"<time .*?</time>", "", client.get(PAGE, parameters).content.decode())
    bodies = re.findall(r"<tbody>(.*)</tbody>", html, re.DOTALL)
    found = re.findall(r"<tr>(.*?)</tr>", bodies[0], re.DOTALL) if bodies else []
    return [" ".join(unescape(re.sub(r"<[^>]+>", " ", row)).split()) for row in found]


def test_an_event_says_who_did_what_through_which_door_and_from_where(acme: Tenant, client: Client) -> None:
    note(acme, "labs.example", actor="SCIM token smgr_abc…", verified=[None, True])
    row = rows(client)[0]
    assert "SCIM token smgr_abc… added the domain labs.example SCIM · 2001:db8::7" in row
    assert row.endswith("verified nothing → became true")


def test_the_newest_event_comes_first(acme: Tenant, client: Client) -> None:
    for name in ("one.example", "two.example"):
        note(acme, name)
    assert [label for row in rows(client) for label in ("one.example", "two.example") if label in row] == [
        "two.example",
        "one.example",
    ]


def test_the_exact_time_is_in_the_organizations_zone(acme: Tenant, client: Client) -> None:
    acme.organization.time_zone = "Asia/Kolkata"
    acme.organization.save()
    note(acme, "labs.example")
    at = AuditEvent.objects.of(acme.id)[0].created_at
    html = client.get(PAGE).content.decode()
    local = at.astimezone(datetime.fromisoformat("2026-01-01T00:00:00+05:30").tzinfo)
    assert f'<time datetime="{local.isoformat()}" title="' in html
    assert f"{local:%H:%M:%S} IST" in html
    assert "in the time zone Asia/Kolkata" in html


def test_a_plain_date_as_until_means_the_whole_day(acme: Tenant, client: Client) -> None:
    acme.organization.time_zone = "Pacific/Kiritimati"
    acme.organization.save()
    note(acme, "labs.example")
    today = AuditEvent.objects.of(acme.id)[0].created_at.astimezone(ZoneInfo("Pacific/Kiritimati")).date()
    assert rows(client, until=today.isoformat()) == rows(client) != []
    assert rows(client, until=(today - timedelta(days=1)).isoformat()) == []
    assert rows(client, since=today.isoformat()) == rows(client)


def test_a_created_person_is_shown_field_by_field_and_folded(acme: Tenant, client: Client) -> None:
    acme.add("ann", profile={"name": {"givenName": "Ann", "familyName": "Lee"}, "title": "x" * 200})
    html = client.get(PAGE).content.decode()
    assert "<dt>name › givenName</dt>" in html
    assert f"<summary>{'x' * 80}…</summary>" in html
    assert f"<pre>{'x' * 200}</pre>" in html
    assert re.search(r"<summary>\d+ fields<span", html)


def test_nothing_in_an_event_is_taken_for_html(acme: Tenant, client: Client) -> None:
    note(acme, "<script>1</script>", actor="<img src=x>", note=["<b>old</b>", "<i>{actor}</i>" * 20])
    html = client.get(PAGE).content.decode()
    assert "<script>1" not in html
    assert "<img src=x" not in html
    assert "<b>old</b>" not in html
    assert "<i>{actor}" not in html
    assert "&lt;script&gt;1&lt;/script&gt;" in html


def test_an_action_of_another_release_is_shown_by_its_name(acme: Tenant, client: Client) -> None:
    trail.record("moon.landed", Domain(name="the moon"), by=acme.by)  # type: ignore[arg-type]
    assert "Ada Moreau : moon.landed, the moon" in rows(client)[0]
    assert "Ada Moreau: moon.landed, the moon" in client.get(FILE).getvalue().decode()


# Where a target leads


def test_a_target_links_to_where_it_is_shown(acme: Tenant, client: Client) -> None:
    ann = acme.add("ann")
    labs = domains.services.add("labs.example", by=acme.by)
    token, _text = connections.generate_token(acme.connection, by=acme.by)
    roles.make_default(acme.role(BuiltIn.HR), by=acme.by)
    html = client.get(PAGE).content.decode()
    for address, text in (
        (f"/settings/users/{ann.pk}/", "ann@acme.example"),
        (f"/settings/organization/#domain-{labs.pk}", "labs.example"),
        (f"/settings/users/roles/{acme.role(BuiltIn.HR).pk}/", "HR"),
        ("/settings/organization/#your-organization", "Acme"),
        (f"/settings/users/?connection={acme.connection.pk}#scim", escape(token)),
    ):
        assert f'<a href="{address}">{text}</a>' in html
    assert "ann@acme.example</h1>" in client.get(f"/settings/users/{ann.pk}/").content.decode()
    accounts.delete(accounts.find(ann.pk, organization_id=acme.id), by=acme.by)
    html = client.get(PAGE, {"target": "ann@"}).content.decode()
    assert "<b>ann@acme.example</b>" in html
    assert ">ann@acme.example</a>" not in html


def test_a_target_that_another_organization_owns_has_no_link(acme: Tenant, globex: Tenant, client: Client) -> None:
    gus = globex.add("gus")
    trail.record(Action.USER_UPDATED, gus, by=acme.by)
    assert f"<b>{gus}</b>" in client.get(PAGE).content.decode()


# Filters


@pytest.mark.parametrize("name", ["q", "target", "actor"])
def test_a_text_is_looked_for_among_the_newest_and_further_back_on_request(
    name: str, acme: Tenant, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "LOOKED_THROUGH", 2)
    march = datetime(2026, 3, 1, tzinfo=UTC)
    with time_machine.travel(march, tick=False):
        old = {
            "target_type": "domain",
            "target_id": uuid4(),
            "target_label": "old.lab.example",
            "target_key": "old.lab.example",
        }
        by = {"organization_id": acme.id, "actor_label": "lab", "actor_key": "lab", "channel": Channel.SCIM}
        AuditEvent.objects.create(id=first_id_at(march), action=Action.DOMAIN_ADDED, **by, **old)
    note(acme, "one.lab.example", actor="lab")
    note(acme, "two.lab.example", actor="lab")
    assert [re.findall(r"\w+\.lab", row) for row in rows(client, **{name: "lab"})] == [["two.lab"], ["one.lab"]]
    words = "Looked through: the newest 2 that the other filters leave."
    assert words in client.get(PAGE, {name: "lab"}).content.decode()
    before = {name: "lab", "until": "2026-04-01T00:00"}
    assert [re.findall(r"\w+\.lab", row) for row in rows(client, **before)] == [["old.lab"]]
    for asked in (before, {}):
        assert words not in client.get(PAGE, asked).content.decode()
    assert b"old.lab.example" in b"".join(client.get(FILE, {name: "lab"}).streaming_content)  # type: ignore[attr-defined]


def test_each_filter_narrows_and_all_go_together(acme: Tenant, client: Client) -> None:
    note(acme, "Straße.example", actor="Zoë")
    note(acme, "two.example", Action.DOMAIN_REMOVED, actor="Zoë")
    note(acme, "zoë.example", Action.DOMAIN_REMOVED, actor="Max")

    def found(**parameters: Any) -> set[str]:
        names = ("Straße.example", "two.example", "zoë.example", "acme.example")
        return {name for row in rows(client, **parameters) for name in names if name in row}

    assert found(q="ZOË") == {"Straße.example", "two.example", "zoë.example"}
    assert found(actor="zoë") == {"Straße.example", "two.example"}
    assert found(target="STRASSE") == {"Straße.example"}
    assert found(action="domain.removed") == {"two.example", "zoë.example"}
    assert found(action="domain.removed", actor="zoë", q="two", target="example") == {"two.example"}
    assert found(q="100%") == set()
    assert found(q="_") == set()


def test_times_are_meant_in_the_organizations_zone(acme: Tenant, client: Client) -> None:
    acme.organization.time_zone = "Pacific/Kiritimati"  # 14 hours ahead
    acme.organization.save()
    here = datetime.now(UTC) + timedelta(hours=14)
    an_hour_ago, in_an_hour = (f"{here + timedelta(hours=hours):%Y-%m-%dT%H:%M}" for hours in (-1, 1))
    assert rows(client, since=an_hour_ago, until=in_an_hour) == rows(client)
    assert rows(client, until=an_hour_ago) == []
    assert rows(client, since=in_an_hour) == []


def test_every_action_can_be_asked_for(acme: Tenant, client: Client) -> None:
    html = client.get(PAGE).content.decode()
    for action in Action.values:
        assert f'<option value="{action}">{title(action)}</option>' in html
    assert title("scim.token-generated") == "SCIM token generated"


def test_what_was_asked_stays_in_the_form(client: Client) -> None:
    html = client.get(
        PAGE, {"q": '"x', "actor": "ann", "action": "user.created", "since": "2026-01-02T03:04"}
    ).content.decode()
    assert 'value="&quot;x"' in html
    assert 'value="ann"' in html
    assert '<option value="user.created" selected>' in html
    assert 'value="2026-01-02T03:04"' in html
    assert "No event fits." in html
    assert 'href="/settings/audit-log/">Show all events' in html


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"since": "tomorrow"}, "Enter a valid date/time."),
        ({"until": "0001-01-01T00:00"}, "Ensure this value is greater than"),
        ({"since": "9999-12-31T23:59"}, "Ensure this value is less than"),
        ({"action": "user.borrowed"}, "Select a valid choice."),
        ({"actor": "\x00"}, "Null characters are not allowed."),
        ({"q": "x" * 321}, ""),
        ({"before": "x", "after": "\x00"}, ""),
    ],
)
def test_a_value_that_makes_no_sense_narrows_nothing(
    parameters: dict[str, str], words: str, acme: Tenant, client: Client
) -> None:
    acme.organization.time_zone = "Asia/Kolkata"
    acme.organization.save()
    answer = client.get(PAGE, parameters)
    assert answer.status_code == 200
    assert words in answer.content.decode()
    assert rows(client, **parameters) == rows(client)
    assert client.get(FILE, parameters).status_code == 200


def test_the_script_gets_the_section_alone(client: Client) -> None:
    html = client.get(PAGE, **htmx("audit-log")).content.decode()
    assert html.lstrip().startswith('<section id="audit-log"')


# Pages


def test_pages_go_back_and_forth_without_a_gap(acme: Tenant, client: Client) -> None:
    for number in range(60):
        note(acme, f"d{number:02}.example")
    first = client.get(PAGE, {"q": "example"}).content.decode()
    assert ">Newer<" not in first

    def follow(html: str, word: str) -> str:
        query = unescape(re.search(rf'href="([^"]+)"[^>]*>{word}<', html)[1])  # type: ignore[index]
        return client.get(f"{PAGE}{query}").content.decode()

    def shown(html: str) -> list[str]:
        return re.findall(r"d\d\d\.example", html)

    second = follow(first, "Older")
    third = follow(second, "Older")
    assert shown(first) + shown(second) + shown(third) == [f"d{number:02}.example" for number in reversed(range(60))]
    assert ">Older<" not in third
    assert shown(follow(third, "Newer")) == shown(second)
    assert shown(follow(second, "Newer")) == shown(first)
    # Events that come in meanwhile move nothing.
    note(acme, "d60.example")
    assert shown(follow(first, "Older")) == shown(second)
    assert rows(client, before="00000000-0000-7000-8000-000000000000") == rows(client)


def test_a_page_costs_the_same_at_any_depth(acme: Tenant, client: Client) -> None:
    def statements(**parameters: Any) -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert client.get(PAGE, parameters).status_code == 200
        return len(queries)

    few = statements()
    for number in range(60):
        note(acme, f"d{number:02}.example")
        acme.add(f"p{number}")
    middle = str(AuditEvent.objects.of(acme.id)[40].pk)
    assert statements(before=middle) <= few + 1  # where the people are shown
    assert statements(q="example", actor="Ada", since="2026-01-01T00:00") <= 6


# The file


def read_file(client: Client, **parameters: Any) -> list[dict[str, str]]:
    answer = client.get(FILE, parameters)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/csv; charset=utf-8")
    return list(csv.DictReader(io.StringIO(answer.getvalue().decode("utf-8-sig"), newline="")))


def test_the_file_has_every_event_that_the_filters_leave(
    acme: Tenant, globex: Tenant, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.newest_first.PER_CHUNK", 7)
    for number in range(30):
        note(acme, f"d{number:02}.example", verified=[None, True])
        note(globex, f"g{number:02}.example")
    expected = [str(event.pk) for event in acme.events()]
    everything = read_file(client)
    assert [row["Id"] for row in everything] == expected
    found = read_file(client, target="d1")
    assert [row["Target"] for row in found] == [f"d1{number}.example" for number in reversed(range(10))]
    event = AuditEvent.objects.get(pk=found[0]["Id"])
    assert found[0] == {
        "Time": event.created_at.isoformat(),
        "Event": "Ada Moreau added the domain d19.example",
        "Action": "domain.added",
        "Actor": "Ada Moreau",
        "Actor id": "",
        "Door": "Settings",
        "Address": "192.0.2.10",
        "Target type": "domain",
        "Target": "d19.example",
        "Target id": event.target_id,
        "Changes": '{"verified": [null, true]}',
        "Request id": "r-1",
        "Id": str(event.pk),
    }


def test_the_file_is_named_after_the_organization_and_its_times_are_in_its_zone(acme: Tenant, client: Client) -> None:
    acme.organization.time_zone = "Asia/Kolkata"
    acme.organization.save()
    answer = client.get(FILE)
    assert re.fullmatch(
        r'attachment; filename="audit-log-acme-\d{4}-\d\d-\d\d\.csv"', answer.headers["Content-Disposition"]
    )
    assert answer.streaming
    assert "+05:30," in answer.getvalue().decode()


def test_no_spreadsheet_takes_a_label_for_a_formula(acme: Tenant, client: Client) -> None:
    bad = '=HYPERLINK("http://evil.example","Ann"),\n"x'
    note(acme, bad, actor="@SUM(1)")
    row = read_file(client)[0]
    assert (row["Target"], row["Actor"]) == (f"'{bad}", "'@SUM(1)")


@pytest.mark.parametrize("cell", ["=1", "+1", "-1", "@x", "\tx", "\rx", "\nx"])
def test_a_cell_that_would_be_computed_gets_an_apostrophe(cell: str) -> None:
    assert harmless(cell) == f"'{cell}"
    assert harmless(f"x{cell}") == f"x{cell}"


def test_the_page_offers_the_file_of_what_it_shows(client: Client) -> None:
    html = client.get(PAGE, {"q": "ann lee", "before": str(uuid4())}).content.decode()
    assert re.search(r'href="/settings/audit-log/export\.csv\?q=ann\+lee" download', html)


def test_somebody_who_may_only_read_sees_it_all(acme: Tenant, signed_in: SignedIn) -> None:
    note(acme, "labs.example")
    client = signed_in(acme, BuiltIn.READ_ONLY)
    assert "labs.example" in rows(client, target="labs")[0]
    assert len(read_file(client)) == AuditEvent.objects.of(acme.id).exclude(action=Action.AUDIT_LOG_EXPORTED).count()
    assert User.objects.of(acme.id).get().role.key == BuiltIn.READ_ONLY  # type: ignore[union-attr]


def test_who_takes_the_log_away_is_in_it_with_the_filters_and_not_in_that_file(acme: Tenant, client: Client) -> None:
    note(acme, "labs.example")
    taken = read_file(client, q="labs", since="2020-01-01T00:00")
    assert [row["Target"] for row in taken] == ["labs.example"]
    event = acme.last_event()
    assert str(event) == "admin@acme.example exported the audit log of Acme"
    assert event.changes == {"q": [None, "labs"], "since": [None, "2020-01-01 00:00:00+00:00"]}
    assert Action.AUDIT_LOG_EXPORTED not in [row["Action"] for row in read_file(client, until="2020-01-01T00:00")]
    client.head(FILE)
    assert AuditEvent.objects.filter(action=Action.AUDIT_LOG_EXPORTED).count() == 2
