"""Every page of the product in Chromium, over the demo: axe, room, times, the keyboard, the console, and no script.

One server and one browser serve all of it; each page is walked to twice.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.urls import Resolver404, URLPattern, get_resolver, resolve
from playwright.sync_api import Browser, BrowserContext, Page, StorageState

from console import actions
from scripts import postgres, screenshots
from scripts.walking import GWEN, OPERATOR, Look, Person, Walk, arrive, sign_in
from scripts.walks import NOT_PAGES, WALKS
from tests.everybody import assert_for_everybody

# The demo has a database of its own.
pytestmark = pytest.mark.once

PICTURES = Path(__file__).resolve().parents[2] / "docs" / "pictures"

# Several pictures may be of parts of one page.
PAGES = list({(walk.person, walk.address, tuple(walk.steps)): walk for walk in reversed(WALKS)}.values())[::-1]

# The size that the table's pages are first opened in has the menu beside them.
WIDE: Any = Look.LIGHT.size

# Of Tab, between two looks at what it has come to.
PRESSES = 10

# All that Tab should come to, and what is still missing; of radio buttons the keyboard comes to the one that is chosen.
REMEMBER_CONTROLS = """() => {
  // Nothing is to be put in place of what is remembered.
  for (const e of document.querySelectorAll('[data-poll]')) e.removeAttribute('data-poll');
  document.activeElement.blur();
  const all = [...document.querySelectorAll(
    'a[href], button:not([disabled]), select, summary, textarea, input:not([type=hidden]), [tabindex="0"]')];
  window.missing = new Set(all.filter(e => e.checkVisibility() && e.tabIndex >= 0 && (e.type != 'radio' || e.checked)));
  const lookOf = e => { const s = getComputedStyle(e); return s.outlineStyle + s.outlineWidth + s.boxShadow; };
  const unfocused = new Map([...window.missing].map(e => [e, lookOf(e)]));
  window.plain = [];
  document.addEventListener('focusin', ({target: e}) => {
    if (window.missing.delete(e) && unfocused.get(e) === lookOf(e)) window.plain.push(e.outerHTML.slice(0, 200));
  });
  return window.missing.size;
}"""
NAMES_OF_MISSING = "() => [...window.missing].filter(e => e.isConnected).map(e => e.outerHTML.slice(0, 200))"

# Moments that are no <time>, and those that do not give themselves exactly, in the time of whose page it is, to who
# points at them.
POOR_TIMES = r"""([offset, zone]) => {
  const exactly = new RegExp('\\d\\d:\\d\\d:\\d\\d ' + zone + '$');
  const texts = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT);
  const bare = [];
  while (texts.nextNode()) {
    const inTime = texts.currentNode.parentElement.closest('time, option, input');
    if (!inTime && /\d (s|min) ago|\b\d\d:\d\d\b/.test(texts.currentNode.data)) bare.push(texts.currentNode.data);
  }
  const exact = e => new RegExp(offset + '$').test(e.dateTime) && exactly.test(e.title);
  return [...bare, ...[...document.querySelectorAll('time')].filter(e => !exact(e)).map(e => e.outerHTML)];
}"""

BERLIN, NEW_YORK, UTC = (r"\+0[12]:00", "CES?T"), ("-0[45]:00", "E[SD]T"), (r"\+00:00", "UTC")


# The table


def names(patterns: Any, namespace: str = "") -> Iterator[str]:
    """The names of all addresses, also of those of a namespace."""
    for pattern in patterns:
        if isinstance(pattern, URLPattern):
            yield f"{namespace}{pattern.name}" if pattern.name else ""
        else:
            yield from names(pattern.url_patterns, f"{pattern.namespace}:" if pattern.namespace else namespace)


def test_every_page_is_in_the_table() -> None:
    only_forms = {f"settings:{action.name}" for action, _ in actions.actions() if not action.reads}
    expected = set(names(get_resolver().url_patterns)) - only_forms - set(NOT_PAGES)
    assert len(expected) >= 12
    assert expected <= {walk.view for walk in WALKS}
    assert set(NOT_PAGES) <= set(names(get_resolver().url_patterns))


def test_every_page_has_its_picture_and_no_other_is_kept() -> None:
    assert {path.name for path in PICTURES.glob("*.png")} == set(screenshots.pictures())
    assert len({walk.name for walk in WALKS}) == len(WALKS)
    assert all(Look.LIGHT in walk.looks for walk in WALKS)


# The pages


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[screenshots.Demo]:
    port = postgres.free_port()
    with screenshots.demo(tmp_path_factory.mktemp("demo"), port, f"http://127.0.0.1:{port}") as running:
        yield running


@pytest.fixture(scope="module")
def sessions(browser: Browser, place: screenshots.Demo) -> dict[Person | None, StorageState]:
    """What the browsers of those who have signed in keep."""
    kept: dict[Person | None, StorageState] = {}
    for person in dict.fromkeys(walk.person for walk in WALKS):
        context = browser.new_context()
        if person:
            sign_in(context, person, place.base_url)
        kept[person] = context.storage_state()
        context.close()
    return kept


def watched(context: BrowserContext, complaints: list[str]) -> Page:
    page = context.new_page()
    # What axe does to a page while it looks at it comes from no address.
    page.on(
        "console",
        lambda message: (
            complaints.append(message.text) if message.type == "error" and message.location["url"] else None
        ),
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return page


@pytest.mark.parametrize("walk", PAGES, ids=lambda walk: walk.name)
def test_a_page_is_for_everybody(
    walk: Walk, place: screenshots.Demo, sessions: dict[Person | None, StorageState], browser: Browser
) -> None:
    complaints: list[str] = []
    context = browser.new_context(storage_state=sessions[walk.person], viewport=WIDE)
    page = watched(context, complaints)
    arrive(page, walk, place.base_url, place.mails)
    assert view_at(page) == walk.view
    assert page.locator("h1").count() == 1
    assert page.evaluate(POOR_TIMES, zone_at(page, walk)) == []
    assert_for_everybody(page)
    page.set_viewport_size(WIDE)
    reach_everything(page)
    forms = page.locator("form").count()
    context.close()
    assert [text for text in complaints if f"status of {walk.status}" not in text] == []

    context = browser.new_context(storage_state=sessions[walk.person], java_script_enabled=False)
    page = context.new_page()
    arrive(page, walk, place.base_url, place.mails)
    assert view_at(page) == walk.view
    assert page.locator("h1").is_visible()
    assert page.locator("form").count() == forms
    # Django's admin puts its list into a form for actions, of which there are none here.
    for form in page.locator("form:not(#changelist-form)").all():
        # What a form is for can be pressed, be it under something that has to be unfolded.
        assert form.locator("[type=submit]").count() >= 1
    context.close()


def zone_at(page: Page, walk: Walk) -> tuple[str, str]:
    """How moments are written there; operators, whose list has organizations of all zones, read UTC."""
    if walk.person == OPERATOR:
        return UTC if urlsplit(page.url).path.startswith("/admin/") else NEW_YORK
    return NEW_YORK if walk.person == GWEN else BERLIN


def view_at(page: Page) -> str:
    try:
        return resolve(urlsplit(page.url).path).view_name
    except Resolver404:
        return ""


def reach_everything(page: Page) -> None:
    """Press Tab until everything that can be used had the focus, and showed it."""
    # A field for a moment takes a press for each of its parts.
    most = 2 * page.evaluate(REMEMBER_CONTROLS) + 20
    for _ in range(0, most, PRESSES):
        for _ in range(PRESSES):
            page.keyboard.press("Tab")
        if not page.evaluate("window.missing.size"):
            break
    assert page.evaluate("window.plain") == [], "These do not show that they have the focus."
    assert page.evaluate(NAMES_OF_MISSING) == []
