"""What all tests of the API rely on."""

from datetime import timedelta

import pytest

from audit.services import stream


@pytest.fixture(autouse=True)
def without_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    """One machine has one clock. What is held back is a test's own matter."""
    monkeypatch.setattr(stream, "DELAY", timedelta(milliseconds=-1000))
