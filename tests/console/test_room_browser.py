"""Chromium: long texts stay within their card, and nothing moves under the pointer that has turned a switch."""

from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from provisioning.models import RequestLog, RequestOperation
from provisioning.services.connections import connections
from tests.console.test_browser import Open, lived_in, open_page, switch_of
from tests.everybody import STICKING_OUT
from tests.tenants import Tenant, waiting_request
from users.models import User
from users.services import accounts, groups, invitations, roles

__all__ = ["lived_in", "open_page"]

pytestmark = pytest.mark.django_db(transaction=True)

LONG = "aratherlongnamewithoutanyplaceinwhichitcouldbebrokenup"
ADDRESS = f"{LONG[:44]}@acme.example"
DOMAIN = f"{LONG}.example"
SIZES = ({"width": 1280, "height": 900}, {"width": 320, "height": 700})

# Tables that are wider than their card; that of what roles may do is a matrix, which scrolls.
TOO_WIDE = """() => [...document.querySelectorAll('.table')].filter(e => !e.querySelector('.rights'))
  .filter(e => e.scrollWidth > e.clientWidth + 1).map(e => `${e.scrollWidth} > ${e.clientWidth}: ${e.innerText}`)"""

# Words that begin on one line and end on another.
BROKEN_WORDS = r"""selector => [...document.querySelectorAll(selector)].flatMap(element => {
  const texts = document.createTreeWalker(element, NodeFilter.SHOW_TEXT), found = [];
  while (texts.nextNode()) for (const word of texts.currentNode.data.matchAll(/\S+/g)) {
    const range = document.createRange();
    range.setStart(texts.currentNode, word.index);
    range.setEnd(texts.currentNode, word.index + word[0].length);
    if (new Set([...range.getClientRects()].map(line => line.top)).size > 1) found.push(word[0]);
  }
  return found;
})"""


@pytest.fixture
def crowded(lived_in: Tenant) -> Tenant:
    """An organization in which everything is called by a name that cannot be broken."""
    lived_in.tick(DOMAIN)
    role = roles.create(LONG, {}, by=lived_in.by)
    user = lived_in.add(ADDRESS, profile={"displayName": LONG, "title": LONG})
    accounts.change_role(user.pk, role, by=lived_in.by)
    lived_in.add(f"x@{DOMAIN}")
    invitations.invite([f"{LONG}@x.example", f"x@{DOMAIN}"], role=role, by=lived_in.by)
    waiting_request(lived_in, LONG[:50], LONG)
    groups.create(display_name=LONG, external_id="", by=lived_in.by)
    connections.generate_token(lived_in.connection, by=lived_in.by, name=LONG[:60])
    for status, cause, result in (
        (400, "domain-unknown", f"Refused: the e-mail domain '{LONG}.test' of {ADDRESS} is not registered."),
        (409, "name-taken", f"Refused: a user with the userName '{ADDRESS}' exists already."),
        (200, "", f"Found {ADDRESS}"),
    ):
        RequestLog.objects.create(
            organization=lived_in.organization, created_at=timezone.now(), request_id="r", method="GET",
            path=f"/Users/{LONG}", query=f"filter=userName+eq+%22{ADDRESS}%22", status=status, cause=cause,
            result=result, notices=[f"The attribute '{LONG}' was left out."], duration_us=3400, token_label=LONG,
            client=LONG, user_id=user.pk, user_label=ADDRESS, arguments={"domain": f"{LONG}.test", "user": ADDRESS},
        )  # fmt: skip
    return lived_in


def test_words_about_a_bulk_request_are_not_broken_up(lived_in: Tenant, open_page: Open) -> None:
    row = RequestLog.objects.create(
        organization=lived_in.organization, created_at=timezone.now(), request_id="r", method="POST", path="/Bulk",
        status=200, result=f"Carried out. {LONG}", duration_us=3400, token_label=LONG, client=LONG,
        user_label=ADDRESS, operations=400, failed_operations=179,
    )  # fmt: skip
    name = "otto.outside@other.example"
    RequestOperation.objects.create(
        organization=lived_in.organization, request_id=row.pk, position=1, method="POST", resource="User",
        user_label=name, status=400, result="Refused: the e-mail domain 'other.example' is not registered. " * 3,
    )  # fmt: skip
    page = open_page("/settings/users/scim/log/")
    assert page.evaluate(BROKEN_WORDS, "[data-label='Status']") == []
    page = open_page(f"/settings/users/scim/log/{row.pk}/")
    assert name in page.locator("#operations td.about").inner_text()
    assert page.evaluate(BROKEN_WORDS, "#operations td.about") == []


def test_a_long_text_makes_no_table_wider_than_its_card(crowded: Tenant, open_page: Open) -> None:
    user = User.objects.get(user_name=ADDRESS)
    row = RequestLog.objects.filter(status=400).first()
    addresses = (
        *("users/", "users/?status=invited", f"users/{user.pk}/", "organization/", "audit-log/", "profile/"),
        *("users/scim/log/", f"users/scim/log/{row.pk if row else ''}/"),
    )
    found = {}
    for address in addresses:
        page = open_page(f"/settings/{address}")
        for size in SIZES:
            page.set_viewport_size(size)  # type: ignore[arg-type]
            found[address, size["width"]] = page.evaluate(TOO_WIDE) + page.evaluate(STICKING_OUT)
    assert [f"{place}: {text}" for place, wide in found.items() for text in wide] == []


@pytest.mark.parametrize("width", [1280, 320])
def test_what_a_checkmark_has_to_say_moves_nothing(width: int, open_page: Open, lived_in: Tenant) -> None:
    page = open_page("/settings/organization/")
    page.set_viewport_size({"width": width, "height": 900})
    before = _places(page)
    for domain in ("labs.example", "acme.example"):
        switch_of(page, domain).click()
        expect(page.locator("#live")).to_contain_text(domain)
        expect(page.get_by_role("row", name=domain).get_by_role("button", name="Undo")).to_be_visible()
        assert _places(page) == before


def test_what_a_switch_of_a_role_has_to_say_moves_nothing(open_page: Open) -> None:
    page = open_page("/settings/users/")
    before = _places(page)
    for name in ("The role HR can be given", "The role IT can be given"):
        page.get_by_role("switch", name=name).click()
        expect(page.get_by_role("switch", name=name)).not_to_be_checked()
        assert _places(page) == before


def _places(page: Page) -> Any:
    """Where each switch is within its page, in whole pixels."""
    return page.evaluate(
        "() => [...document.querySelectorAll('[role=switch]')].map(e => { const b = e.getBoundingClientRect();"
        " return [e.id, Math.round(b.left + scrollX), Math.round(b.top + scrollY)] })"
    )
