"""Play a transcript of an identity provider against a server, and check what comes back; see README.md."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from provisioning.simulator.checks import faults, lacks
from provisioning.simulator.simulator import filled

FOLDER = Path(__file__).parent
TRANSCRIPTS = sorted(FOLDER.glob("*/*.json"))

# (method, path after the Base URL, headers, body as JSON or None) -> (status, headers, body as JSON or None)
Send = Callable[[str, str, dict[str, str], Any], tuple[int, Mapping[str, str], Any]]


def simulate(transcript: Path, send: Send) -> None:
    """Send every request of the transcript in its order; an answer that is not as expected is an AssertionError."""
    script = json.loads(transcript.read_text())
    saved: dict[str, str] = {}
    for number, exchange in enumerate(script["exchanges"], start=1):
        request, expect = filled(exchange["request"], saved), filled(exchange["expect"], saved)
        headers = script["headers"] | request.get("headers", {})
        if "body" not in request:
            headers.pop("Content-Type", None)
        status, answered, body = send(request["method"], request["path"], headers, request.get("body"))
        answered = {name.lower(): value for name, value in answered.items()}
        step = f"{transcript.parent.name}/{transcript.name}, exchange {number} ({exchange['comment']}): "
        try:
            assert status == expect["status"], f"status {status}, not {expect['status']}: {body}"
            check_every_answer(request["method"], status, answered, body)
            check_this_answer(expect, answered, body)
        except AssertionError as error:
            raise AssertionError(step + str(error)) from None
        saved |= {name: body[member] for name, member in exchange.get("save", {}).items()}


def check_every_answer(method: str, status: int, headers: Mapping[str, str], body: Any) -> None:
    """What every identity provider counts on, whatever it asked for; and no password, however deep."""
    wrong = list(faults(method, status, headers, body))
    assert not wrong, "; ".join(wrong)
    assert '"password":' not in json.dumps(body), "a password came back"


def check_this_answer(expect: dict[str, Any], headers: Mapping[str, str], body: Any) -> None:
    for name, value in expect.get("headers", {}).items():
        assert headers.get(name.lower()) == value, f"{name} is {headers.get(name.lower())!r}, not {value!r}"
    if "body" in expect:
        missing = list(lacks(body, expect["body"]))
        assert not missing, "; ".join(missing)
    for name in expect.get("absent", ()):
        assert name not in body, f"$.{name} should not be there: {body[name]!r}"
