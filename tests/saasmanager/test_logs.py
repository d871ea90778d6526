"""A log line helps whoever reads it, and keeps secrets."""

import json
from typing import Any

import pytest
from django.test import Client
from structlog.testing import CapturingLogger

from saasmanager import logs

RESET_KEY = "3m2x9k8f7e6d5c4b3a2z1y0w-cxyz12-0123456789abcdef0123456789abcdef"


def test_a_field_nobody_listed_is_left_out() -> None:
    line = logs.known_fields_only(CapturingLogger(), "info", {"event": "x", "password": "secret", "code": 200})
    assert line == {"event": "x", "code": 200}


@pytest.mark.parametrize(
    ("request_line", "logged"),
    [
        ("GET /settings/?q=ada", "GET /settings/"),
        (f"GET /sign-in/reset/{RESET_KEY}/", "GET /sign-in/reset/***/"),
        ("GET /users/0198c0de-0000-7000-8000-000000000001", "GET /users/0198c0de-0000-7000-8000-000000000001"),
    ],
)
def test_an_address_is_logged_without_what_it_may_hide(request_line: str, logged: str) -> None:
    line = logs.address_without_secrets(CapturingLogger(), "info", {"request": request_line})
    assert line == {"request": logged}


@pytest.mark.parametrize("refused", ["Too Many Requests: {}", "Forbidden (CSRF cookie not set.): {}", "Gone: {}"])
def test_the_words_on_a_refused_request_hide_what_its_address_may_hide(refused: str) -> None:
    event = refused.format(f"/invitation/{RESET_KEY}/")
    line = logs.address_without_secrets(CapturingLogger(), "warning", {"event": event})
    assert line == {"event": refused.format("/invitation/***/")}


@pytest.mark.django_db(transaction=True)
def test_the_server_writes_one_json_line_a_request(real_server: Any) -> None:
    real_server.request("GET", "/sign-in/?token=smgr_secret1", headers={"Authorization": "Bearer smgr_secret2"})
    text = real_server.log.read_text()
    assert "smgr_secret" not in text
    last = json.loads(text.splitlines()[-1])
    assert {"level", "timestamp", "request_id"} < set(last)
    assert (last["event"], last["request"], last["code"]) == ("request_finished", "GET /sign-in/", 200)


@pytest.mark.django_db
def test_a_form_that_is_too_large_leaves_one_line_and_no_traceback(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("WARNING", logger="django"):
        answer = Client().post("/sign-in/", {"email": "x" * 2_700_000})
    assert answer.status_code == 413
    assert "This is too much at once" in answer.content.decode()
    (line,) = [record for record in caplog.records if record.levelname in ("WARNING", "ERROR", "CRITICAL")]
    assert (line.levelname, line.exc_info) == ("WARNING", None)
