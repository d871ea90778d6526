"""Every oddity that is forgiven is one that a transcript shows; strict mode refuses it, and nothing else."""

import inspect
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from provisioning.models import Connection, RequestLog
from provisioning.services.onboarding import open_organization
from provisioning.services.request_log import writer
from scim.protocol import quirks
from tests.idp.runner import TRANSCRIPTS, simulate

SCRIPTS = {transcript: json.loads(transcript.read_text())["exchanges"] for transcript in TRANSCRIPTS}
TOLERATED = {
    name
    for name, function in inspect.getmembers(quirks, inspect.isfunction)
    if function.__module__ == quirks.__name__ and function is not quirks.tolerate_form
}
REFUSALS = {"invalidSyntax", "invalidValue", "invalidPath", "invalidFilter", "noTarget"}


@pytest.fixture
def met(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    """The names of the oddities that the server has met, as long as nobody empties it."""
    names: set[str] = set()

    def noting(name: str, stock: Callable[..., Any]) -> Callable[..., Any]:
        def function(*arguments: Any, **options: Any) -> Any:
            found = stock(*arguments, **options)
            if found is not None:
                names.add(name)
            return found

        return function

    for name in TOLERATED:
        monkeypatch.setattr(quirks, name, noting(name, getattr(quirks, name)))
    yield names


def test_a_transcript_shows_every_oddity() -> None:
    shown = {name for exchanges in SCRIPTS.values() for exchange in exchanges for name in exchange.get("quirks", ())}
    assert shown == TOLERATED


@pytest.mark.django_db
@pytest.mark.parametrize("transcript", TRANSCRIPTS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_strict_mode_refuses_what_is_odd_and_nothing_else(transcript: Path, met: set[str]) -> None:
    opened = open_organization("Acme", "acme", domains_with_requests=["example.com"], enable_scim=True)
    exchanges = iter(SCRIPTS[transcript])
    http = Client()

    def ask(method: str, path: str, headers: dict[str, str], body: Any) -> tuple[int, Any, Any]:
        headers = {"Authorization": f"Bearer {opened.bearer_token}"} | headers
        raw = b"" if body is None else json.dumps(body).encode()
        content_type = headers.get("Content-Type", "")
        response = http.generic(
            method, f"/scim/acme/v2{path}", raw, content_type, headers=headers, CONTENT_LENGTH=str(len(raw))
        )
        return response.status_code, response.headers, json.loads(response.content) if response.content else None

    def be_strict(wanted: bool) -> None:
        Connection.objects.update(strict=wanted)

    def send(*request: Any) -> tuple[int, Any, Any]:
        odd = set(next(exchanges).get("quirks", ()))
        if not odd:
            be_strict(True)
            answer = ask(*request)
            assert met == set()
            return answer
        be_strict(True)
        status, _headers, error = ask(*request)
        assert (status, error["scimType"] in REFUSALS) == (400, True), error
        assert "Strict mode is on" in error["detail"]
        assert last_row().cause == "strict-mode"
        be_strict(False)
        met.clear()
        answer = ask(*request)
        assert met == odd
        assert len(last_row().notices) >= len(odd)
        met.clear()
        return answer

    simulate(transcript, send)


def last_row() -> RequestLog:
    writer.flush()
    row = RequestLog.objects.order_by("pk").last()
    assert row is not None
    return row
