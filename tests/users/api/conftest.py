"""What all tests of the API rely on."""

from datetime import timedelta

import pytest

from audit.services import stream


@pytest.fixture(autouse=True)
def nothing_held_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """One machine has one clock. What is held back is a test's own matter."""
    monkeypatch.setattr(stream, "HOLD_BACK", timedelta(milliseconds=-1000))
