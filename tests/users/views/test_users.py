"""Settings > Users: who is here, found by name and e-mail, and the role that new people get."""

import re
from typing import Any

import pytest
from django.test import Client

from audit.actions import Action
from tests.signed_in import SignedIn, htmx
from tests.tenants import Tenant
from users.models import Headcount, Role
from users.permissions import BuiltIn

PAGE = "/settings/users/"
DEFAULT_ROLE = "/settings/users/default-role/"


@pytest.fixture
def client(acme: Tenant, signed_in: SignedIn) -> Client:
    return signed_in(acme)


def names(client: Client, **query: Any) -> list[str]:
    """The names in the list, top to bottom."""
    html = client.get(PAGE, query).content.decode()
    return re.findall(r"<b>([^<]+)</b>", html.partition("People of this organization")[2].partition("</table>")[0])


def some_people(tenant: Tenant) -> None:
    for given, family, role in (
        ("Grace", "Moss", BuiltIn.HR),
        ("Ivo", "Petrov", BuiltIn.IT),
        ("Mei", "Åström", BuiltIn.HR),
    ):
        name = {"givenName": given, "familyName": family}
        tenant.add(given.lower(), role, profile={"name": name})


def test_each_person_is_shown_with_role_status_and_source(acme: Tenant, client: Client) -> None:
    some_people(acme)
    acme.update(acme.add("sue"), active=False)
    html = client.get(PAGE).content.decode()
    row = " ".join(html[html.index("<b>Grace Moss</b>") :].partition("</tr>")[0].split())
    assert "grace@acme.example" in row and ">HR<" in row and ">Active<" in row and ">SCIM<" in row and "Never" in row
    row = html[html.index("<b>sue@acme.example</b>") :].partition("</tr>")[0]
    assert "Suspended" in row
    assert "5 people in this organization." in html


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("moss", ["Grace Moss"]),
        ("GRACE m", ["Grace Moss"]),
        ("ivo@acme", ["Ivo Petrov"]),
        ("åström", ["Mei Åström"]),
        ("ÅSTRÖM", ["Mei Åström"]),
        ("nobody at all", []),
        ("%", []),
        ("_", []),
        ("'", []),
    ],
)
def test_search_looks_at_names_and_addresses(text: str, found: list[str], acme: Tenant, client: Client) -> None:
    some_people(acme)
    assert names(client, q=text) == found


def test_the_list_narrows_to_role_status_and_source(acme: Tenant, client: Client) -> None:
    some_people(acme)
    acme.update(acme.add("sue", BuiltIn.HR), active=False)
    hr = str(acme.role(BuiltIn.HR).pk)
    assert names(client, role=hr) == ["Grace Moss", "Mei Åström", "sue@acme.example"]
    assert names(client, role=hr, status="suspended") == ["sue@acme.example"]
    assert names(client, source="manual") == ["admin@acme.example"]
    assert names(client, q="grace", status="suspended") == []


@pytest.mark.parametrize(
    "query",
    [{"page": "0"}, {"page": "-1"}, {"page": "x"}, {"page": "9" * 30}, {"role": "no-uuid"}, {"status": "?"}]
    + [{"source": "x"}, {"q": "\x00"}, {"q": "q" * 1000}],
)
def test_a_value_that_makes_no_sense_narrows_nothing(query: dict[str, str], acme: Tenant, client: Client) -> None:
    some_people(acme)
    assert len(names(client, **query)) == 4


def test_the_script_gets_the_one_section_it_asks_for(acme: Tenant, client: Client) -> None:
    some_people(acme)
    html = client.get(PAGE, {"q": "grace"}, **htmx("users")).content.decode()
    assert html.strip().startswith('<section id="users"')
    assert "Grace Moss" in html and "Ivo Petrov" not in html and "Default role" not in html


def test_nobody_found_says_so_and_leads_back(acme: Tenant, client: Client) -> None:
    html = client.get(PAGE, {"q": "nobody at all"}).content.decode()
    assert "Nobody fits." in html and "Show all 1" in html


def test_a_name_full_of_markup_is_shown_as_typed(acme: Tenant, client: Client) -> None:
    acme.add("eve", profile={"displayName": "<script>alert(1)</script>"})
    html = client.get(PAGE).content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "<script>alert" not in html


def test_the_page_costs_the_same_however_many_people_there_are(
    acme: Tenant, client: Client, django_assert_max_num_queries: Any
) -> None:
    for number in range(30):
        acme.add(f"p{number:02}")
    assert Headcount.objects.get(organization=acme.organization).users == 31
    # Session, user; brakes that hold; domains to narrow by, head count, invitations that wait, page, roles to narrow
    # by, roles to give; requests that wait, whether anybody may ask, those that are closed; roles, default role; roles
    # with their people; connections, tokens, steps, domains with the checkmark, default role, the connection's log with
    # the last few requests without a token, former addresses, tokens ever made, its brake, end of additional logging;
    # connections, tests, a domain and whether the test's address is free there; role rules, how far they are applied,
    # default role; who is mailed.
    with django_assert_max_num_queries(33):
        client.get(PAGE)


# Default role


def default_of(tenant: Tenant) -> Role:
    return Role.objects.of(tenant.id).get(is_default=True)


def test_a_role_is_made_the_default_and_kept_in_the_trail(acme: Tenant, client: Client) -> None:
    hr = acme.role(BuiltIn.HR)
    answer = client.post(DEFAULT_ROLE, {"role": str(hr.pk)}, **htmx())
    html = answer.content.decode()
    assert "Saved. New users get the role HR." in html
    assert f'value="{hr.pk}" selected' in html
    assert default_of(acme) == hr
    event = acme.last_event()
    assert event.action == Action.DEFAULT_ROLE_CHANGED
    assert event.changes == {"default role": ["App management", "HR"]}


def test_without_script_the_page_comes_back_with_the_message(acme: Tenant, client: Client) -> None:
    answer = client.post(DEFAULT_ROLE, {"role": str(acme.role(BuiltIn.IT).pk)})
    assert answer.headers["Location"] == f"{PAGE}#default-role"
    assert "Saved. New users get the role IT." in client.get(PAGE).content.decode()
    assert "Saved." not in client.get(PAGE).content.decode(), "said once"


@pytest.mark.parametrize("script", [True, False])
def test_admin_becomes_the_default_only_after_a_warning(script: bool, acme: Tenant, client: Client) -> None:
    admin = acme.role(BuiltIn.ADMIN)
    answer = client.post(DEFAULT_ROLE, {"role": str(admin.pk)}, **(htmx() if script else {}))
    html = (answer if script else client.get(answer.headers["Location"])).content.decode()
    assert "Admin may do everything." in html and "Nothing is saved yet." in html
    assert default_of(acme).key == BuiltIn.APP_MANAGEMENT
    client.post(DEFAULT_ROLE, {"role": str(admin.pk), "confirmed": "yes"})
    assert default_of(acme) == admin
    assert "may do everything" in client.get(PAGE).content.decode(), "the warning stays while it is so"


def test_a_role_that_is_switched_off_can_not_be_the_default(acme: Tenant, client: Client) -> None:
    Role.objects.of(acme.id).filter(key=BuiltIn.FINANCE).update(is_enabled=False)
    finance = acme.role(BuiltIn.FINANCE)
    assert (
        f'<option value="{finance.pk}" >Finance' not in client.get(PAGE).content.decode().partition("default-role")[2]
    )
    answer = client.post(DEFAULT_ROLE, {"role": str(finance.pk)}, **htmx())
    assert answer.status_code == 404
    assert "Reload the page and choose another" in answer.content.decode()
    assert default_of(acme).key == BuiltIn.APP_MANAGEMENT


def test_the_rights_of_each_role_are_shown_from_the_one_table(client: Client) -> None:
    html = client.get(PAGE).content.decode().partition("What each role may do")[2].partition("</table>")[0]
    text = {row.split("</b>")[0].split("<b>")[1]: row for row in html.split("<tr>")[2:]}
    shown = {name: re.findall(r">(Edit|View|None)<", row) for name, row in text.items()}
    assert shown["Admin"] == ["Edit"] * 6
    assert shown["Read-only"] == ["View"] * 6
    assert shown["Domain manager"] == ["None", "None", "None", "Edit", "View", "None"]
    assert shown["App management"] == shown["HR"] == shown["IT"] == shown["Finance"] == ["None"] * 6
    assert "Default role" in text["App management"]
