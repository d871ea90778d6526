"""Chromium for the page tests: how it is found and started, and what no page may make it complain about."""

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, expect

GET_CHROMIUM = "Chromium is missing, so the pages are not tested. On Debian: apt-get install chromium"
NAMES = ("chromium", "chromium-browser", "google-chrome")
# It must not look for updates, accounts or faster protocols: nothing here may depend on the network.
FLAGS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
]

# Milliseconds that a page has to show what is expected of it. Nothing waits longer than it must, so that this is for a
# machine that does much else.
PATIENCE = 30_000
expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="session")
def base_url() -> str:
    """Pages are opened by their whole address; the plugin's own fixture of this name warns under pytest 9."""
    return ""


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser's path; without one its tests are skipped, and fail where CI=true."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if not found:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(GET_CHROMIUM)
    return found


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any], chromium: str) -> dict[str, Any]:
    # Playwright keeps an event loop running in this thread, in which Django would refuse to touch the database.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    # The sandbox needs a user other than root.
    flags = [*FLAGS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    return {**browser_type_launch_args, "executable_path": chromium, "args": flags}


@pytest.fixture
def complaints() -> list[str]:
    """What the browser's console complained about. A test that provokes an error looks at this list and clears it."""
    return []


@pytest.fixture
def context(context: BrowserContext, complaints: list[str]) -> Iterator[BrowserContext]:
    """Fails the test if any page broke the Content Security Policy, failed to load something or threw an error."""
    context.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    yield context
    assert complaints == []
