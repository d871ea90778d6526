"""What a person would find in the browser's console fails a page test, even if nothing on the page shows it."""

from typing import Any

import pytest
from playwright.sync_api import Page

ADD_INLINE_SCRIPT = "document.body.append(Object.assign(document.createElement('script'), {textContent: 'hacked = 1'}))"


@pytest.mark.django_db(transaction=True)
def test_an_inline_script_is_refused_and_noticed(page: Page, real_server: Any, complaints: list[str]) -> None:
    page.goto(f"{real_server.url}/sign-in/")
    page.evaluate(ADD_INLINE_SCRIPT)
    assert page.evaluate("typeof hacked") == "undefined"
    assert [c for c in complaints if "violates the following Content Security Policy directive" in c]
    complaints.clear()


@pytest.mark.django_db(transaction=True)
def test_an_error_in_a_script_is_noticed(page: Page, real_server: Any, complaints: list[str]) -> None:
    page.goto(f"{real_server.url}/sign-in/")
    with page.context.expect_event("weberror"):
        page.evaluate("setTimeout(() => { throw new Error('out of cheese') })")
    assert "out of cheese" in complaints[0]
    complaints.clear()
