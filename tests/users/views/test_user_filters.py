"""The list of people: searched, narrowed and sorted by the server, page by page, all of it in the address."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.signed_in import SignedIn, htmx
from tests.tenants import Tenant
from users.models import Source, User
from users.permissions import BuiltIn
from users.services import accounts
from users.services.accounts import NewUser
from users.views.user_filters import ORDERS as ORDERS_OF_LISTS
from users.views.user_filters import Place, Sort, UserOrder

PAGE = "/settings/users/"


@pytest.mark.parametrize("sort", Sort)
def test_every_order_is_read_off_an_index(sort: Sort, acme: Tenant) -> None:
    people = ORDERS_OF_LISTS[sort].of(User.objects.of(acme.id))[:26]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # So few people would be read as a whole, and sorted.
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_sort = off")
    plan = people.explain()
    assert "user" in plan
    assert "Sort" not in plan and "TEMP B-TREE" not in plan, plan


@pytest.fixture
def client(acme: Tenant, signed_in: SignedIn) -> Client:
    return signed_in(acme)


def html(client: Client, address: str = PAGE, **query: str) -> str:
    return client.get(address, query or None).content.decode()


def names(page: str) -> list[str]:
    """The names in the list, top to bottom."""
    return re.findall(r"<b>([^<]+)</b>", page.partition("People of this organization")[2].partition("</table>")[0])


def link(page: str, name: str) -> str:
    """Where Previous or Next leads; empty where there is no such link."""
    found = re.search(rf'id="people-{name}" href="([^"]+)"', page)
    return PAGE + found[1].replace("&amp;", "&") if found else ""


def walk(client: Client, page: str, way: str) -> list[list[str]]:
    """The names on each page from here on."""
    pages = [names(page)]
    while address := link(page, way):
        page = html(client, address)
        pages.append(names(page))
    return pages


def crowd(tenant: Tenant, number: int = 60) -> None:
    role = tenant.role(BuiltIn.APP_MANAGEMENT)
    profiles = [
        {
            "userName": f"p{each:02}@{tenant.domain}",
            "name": {"givenName": "ABCDEFGHIJ"[each * 7 % 10], "familyName": f"Family{each % 3}"},
        }
        for each in range(number)
    ]
    accounts.create_many([NewUser(profile, role, Source.SCIM) for profile in profiles], by=tenant.by)


ORDERS: list[tuple[str, Any]] = [
    ("", lambda user: user.user_name_key),
    ("address", lambda user: user.user_name_key),
    ("name", lambda user: (user.name_key, user.pk)),
    ("oldest", lambda user: user.pk),
    ("newest", lambda user: -user.pk.int),
]


@pytest.mark.parametrize(("sort", "key"), ORDERS, ids=[sort or "default" for sort, _ in ORDERS])
def test_every_order_shows_everybody_once_there_and_back(sort: str, key: Any, acme: Tenant, client: Client) -> None:
    crowd(acme)
    expected = [user.display_name for user in sorted(User.objects.of(acme.id), key=key)]
    first = html(client, sort=sort)
    pages = walk(client, first, "next")
    assert [len(page) for page in pages] == [25, 25, 11]
    assert [name for page in pages for name in page] == expected
    page = first
    while address := link(page, "next"):
        page = html(client, address)
    assert walk(client, page, "previous") == pages[::-1]


def test_the_foot_says_where_in_the_list_one_is(acme: Tenant, client: Client) -> None:
    crowd(acme)
    page = html(client)
    assert "1–25 of 61" in page and not link(page, "previous")
    page = html(client, link(page, "next"))
    assert "26–50 of 61" in page
    page = html(client, link(page, "next"))
    assert "51–61 of 61" in page and not link(page, "next")


def test_paging_keeps_what_the_list_is_narrowed_to(acme: Tenant, client: Client) -> None:
    crowd(acme)
    address = link(html(client, q="p", status="active", sort="newest"), "next")
    assert "q=p&status=active&sort=newest&after=" in address
    assert 'value="p"' in html(client, address)
    assert '<option value="newest" selected>' in html(client, address)


def test_a_place_outlives_the_person_who_stood_there(acme: Tenant, client: Client) -> None:
    crowd(acme)
    page = html(client)
    after = names(html(client, link(page, "next")))
    User.objects.of(acme.id).filter(display_name=names(page)[-1]).delete()
    assert names(html(client, link(page, "next"))) == after


def test_who_comes_in_before_a_place_moves_nobody_to_another_page(acme: Tenant, client: Client) -> None:
    crowd(acme)
    page = html(client)
    after = names(html(client, link(page, "next")))
    acme.add("aaron")
    assert names(html(client, link(page, "next"))) == after


def test_going_back_past_the_beginning_shows_a_whole_first_page(acme: Tenant, client: Client) -> None:
    crowd(acme)
    second = html(client, link(html(client), "next"))
    User.objects.of(acme.id).filter(user_name_key__startswith="p0").delete()
    page = html(client, link(second, "previous"))
    assert len(names(page)) == 25 and "1–25 of" in page


@pytest.mark.parametrize("page", ["2", "0", "-1", "x", "9" * 30, "\N{SUPERSCRIPT TWO}"])
def test_a_page_that_makes_no_sense_is_the_first(page: str, acme: Tenant, client: Client) -> None:
    acme.add("grace")
    assert len(names(html(client, after="x", page=page))) == 2


@pytest.mark.parametrize("name", ["after", "before"])
@pytest.mark.parametrize("sort", ["", "name", "newest"])
@pytest.mark.parametrize(
    "text",
    ["", "x", "%", "a" * 5000, "bnVsbA", "W10", "WyIiXQ", "WzFd", "WyJcdTAwMDAiXQ", "WyJcdWQ4MDAiXQ", "WyJhIiwiYiJd"]
    + ["W" * 1998, "\N{SNOWMAN}"],
)
def test_a_place_that_makes_no_sense_shows_a_page(
    text: str, sort: str, name: str, acme: Tenant, client: Client
) -> None:
    acme.add("grace")
    answer = client.get(PAGE, {name: text, "sort": sort, "page": "2"})
    assert answer.status_code == 200
    assert len(names(answer.content.decode())) == 2


def test_a_place_of_another_order_starts_again(acme: Tenant, client: Client) -> None:
    crowd(acme)
    address = link(html(client, sort="name"), "next").replace("sort=name", "sort=newest")
    assert "1–25 of 61" in html(client, address)


def test_the_longest_names_can_be_sorted_and_paged(acme: Tenant, client: Client) -> None:
    for each in range(30):
        acme.add(f"p{each:02}", profile={"displayName": "\N{SNOWMAN}" * 1000 + str(each)})
    pages = walk(client, html(client, sort="name"), "next")
    assert [len(page) for page in pages] == [25, 6]
    assert len({name for page in pages for name in page}) == 31


def test_the_list_narrows_to_a_domain(acme: Tenant, client: Client) -> None:
    acme.tick("sub.acme.example")
    acme.add("grace@sub.acme.example")
    acme.add("ivo")
    assert names(html(client, domain="sub.acme.example")) == ["grace@sub.acme.example"]
    assert names(html(client, domain="acme.example")) == ["admin@acme.example", "ivo@acme.example"]
    assert len(names(html(client, domain="elsewhere.example"))) == 3, "a domain that is not ours narrows nothing"


def test_an_address_is_found_however_its_domain_is_spelled(acme: Tenant, client: Client) -> None:
    acme.tick("münchen.example")
    acme.add("anna@münchen.example")
    for text in ("anna@münchen.example", "ANNA@MÜNCHEN.EXAMPLE", "anna@xn--mnchen-3ya.example", "nna@münchen.example"):
        assert names(html(client, q=text)) == ["anna@münchen.example"], text


def test_many_who_fit_are_not_counted_to_the_end(acme: Tenant, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("users.views.user_filters.COUNTED", 30)
    crowd(acme)
    assert "1–25 of more than 30" in html(client, status="active")
    assert "1–25 of 61" in html(client), "all people are counted already"
    assert "1–1 of 1<" in html(client, source=Source.MANUAL)


@pytest.mark.parametrize("sort", ["", "name", "newest", "oldest"])
def test_a_page_far_back_costs_the_statements_of_the_first(sort: str, acme: Tenant, client: Client) -> None:
    crowd(acme)
    page = html(client, sort=sort)
    with CaptureQueriesContext(connection) as first:
        client.get(PAGE, {"sort": sort}, **htmx("users"))
    while address := link(page, "next"):
        page = html(client, address)
        last = address
    with CaptureQueriesContext(connection) as far:
        client.get(last, **htmx("users"))
    assert len(far) == len(first) <= 8
    assert not any("OFFSET" in query["sql"] for query in far)


def test_places_are_read_as_they_were_written() -> None:
    order = UserOrder(("sorted_name", "id"))
    user = User(name_key='æon \N{SNOWMAN} "quoted"')
    place = Place.at(user, order)
    assert Place.read(str(place), order) == place
    assert place.values[1] == user.pk


def test_only_who_may_edit_finds_boxes_to_tick(acme: Tenant, signed_in: SignedIn) -> None:
    assert 'type="checkbox"' in html(signed_in(acme))
    read_only = html(signed_in(acme, BuiltIn.READ_ONLY))
    assert 'type="checkbox"' not in read_only and "Export CSV" in read_only


def test_who_is_alone_is_told_how_people_get_here(client: Client) -> None:
    assert "So far it is only you" in html(client)
