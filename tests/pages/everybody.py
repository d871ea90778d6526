"""A page is for everybody: axe finds nothing, and nothing sticks out, in light and dark, at 320 pixels and at 200 %."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from scripts.walking import Look

# Colours are the same in every width, and looking at them takes most of the time.
COLOURS_OF = {Look.LIGHT, Look.DARK}

# What else axe has found out is as large as the page, so it stays there.
FOUND_BY_AXE = """colours => axe.run(document, {rules: {'color-contrast': {enabled: colours}}}).then(
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
        faults = page.evaluate(FOUND_BY_AXE, look in COLOURS_OF) + page.evaluate(STICKING_OUT)
        assert not faults, f"{look}: {faults}"
        assert page.evaluate("document.documentElement.scrollWidth") <= look.size["width"], look
