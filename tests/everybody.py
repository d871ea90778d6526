"""A page is for everybody: axe finds nothing, and nothing sticks out, in light and dark, at 320 pixels and at 200 %."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from scripts.walking import Look

# What axe looks at, which takes most of the time: in the dark only the colours are others, at 320 pixels only the shape
# is, and at 200 % what is there at 320.
RULES: dict[Look, dict[str, Any]] = {
    Look.LIGHT: {},
    Look.DARK: {"runOnly": ["color-contrast"]},
    Look.NARROW: {"rules": {"color-contrast": {"enabled": False}}},
}

# What else axe has found out is as large as the page, so it stays there.
FOUND_BY_AXE = """rules => axe.run(document, {...rules, resultTypes: ['violations']}).then(
  ({violations}) => violations.flatMap(({id, nodes}) => nodes.map(e => `${id}: ${e.html} ${e.failureSummary}`)))"""
# Django's admin fades from one colour to the next.
LET_COLOURS_SETTLE = """() => Promise.allSettled(
  document.getAnimations().filter(each => each instanceof CSSTransition).map(each => each.finished))"""
STICKING_OUT = """() => [...document.querySelectorAll('body *')]
  .filter(e => e.checkVisibility() && e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('.table, .unseen'))
  .map(e => e.outerHTML.slice(0, 200))"""


def assert_for_everybody(page: Page) -> None:
    """What the page shows now can be used by everybody, in every look; its size and colours are changed."""
    page.evaluate(Axe().axe_script)
    for look in Look:
        page.emulate_media(color_scheme=look.scheme)
        page.set_viewport_size(look.size)
        page.evaluate(LET_COLOURS_SETTLE)
        faults = page.evaluate(STICKING_OUT)
        if look in RULES:
            faults += page.evaluate(FOUND_BY_AXE, RULES[look])
        assert not faults, f"{look}: {faults}"
        assert page.evaluate("document.documentElement.scrollWidth") <= look.size["width"], look
