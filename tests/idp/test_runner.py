"""The runner of transcripts sees what is wrong with an answer; it passes what is right."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from provisioning.simulator.checks import ERROR, LIST
from tests.idp.runner import Send, simulate

SCIM = {"Content-Type": "application/scim+json", "Location": "https://scim.example/v2/Users/7"}
PAT = {
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
    "id": "7",
    "userName": "pat@example.com",
    "emails": [{"value": "pat@example.com"}],
    "meta": {"location": "https://scim.example/v2/Users/7"},
}
TRANSCRIPT = {
    "title": "A user is created and found",
    "headers": {"Content-Type": "application/scim+json"},
    "exchanges": [
        {
            "comment": "Created",
            "request": {"method": "POST", "path": "/Users", "body": {"userName": "pat@example.com"}},
            "expect": {"status": 201, "body": {"emails": [{"value": "pat@example.com"}]}, "absent": ["title"]},
            "save": {"id": "id"},
        },
        {
            "comment": "Found",
            "request": {"method": "GET", "path": "/Users/{id}"},
            "expect": {"status": 200, "body": {"id": "{id}"}},
        },
    ],
}


@pytest.fixture
def transcript(tmp_path: Path) -> Path:
    file = tmp_path / "transcript.json"
    file.write_text(json.dumps(TRANSCRIPT))
    return file


def answering(*answers: tuple[int, Mapping[str, str], Any], sent: list[Any] | None = None) -> Send:
    left = list(answers)

    def send(method: str, path: str, headers: dict[str, str], body: Any) -> tuple[int, Mapping[str, str], Any]:
        if sent is not None:
            sent.append((method, path, headers, body))
        return left.pop(0)

    return send


def test_right_answers_pass_and_what_was_saved_is_used(transcript: Path) -> None:
    sent: list[Any] = []
    simulate(transcript, answering((201, SCIM, PAT), (200, SCIM, PAT), sent=sent))
    assert sent == [
        ("POST", "/Users", {"Content-Type": "application/scim+json"}, {"userName": "pat@example.com"}),
        ("GET", "/Users/7", {}, None),
    ]


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        ((200, SCIM, PAT), "status 200, not 201"),
        ((301, SCIM, None), "status 301"),
        ((201, {"Content-Type": "application/json"}, PAT), "application/json"),
        ((201, SCIM, PAT | {"nickName": None}), r"null at \$.nickName"),
        ((201, SCIM, PAT | {"password": "x"}), "a password came back"),
        ((201, SCIM, PAT | {"id": ""}), "without an id"),
        ((201, SCIM, PAT | {"meta": {"location": "https://scim.example/v2/Users/8"}}), "leads elsewhere"),
        ((201, SCIM | {"Location": "/Users/7"}, PAT), "Location"),
        ((201, SCIM, PAT | {"title": "x"}), r"\$.title should not be there"),
        ((201, SCIM, PAT | {"emails": []}), r"\$.emails has 0 elements, not 1"),
        ((201, SCIM, PAT | {"emails": [{"type": "work"}]}), r"\$.emails\[0\].value is missing"),
        ((201, SCIM, PAT | {"emails": [{"value": "lee@example.com"}]}), r"\$.emails\[0\].value: 'lee@example.com'"),
        ((201, SCIM, PAT | {"emails": "none"}), "is no list"),
    ],
)
def test_a_wrong_answer_is_told_with_its_place(
    transcript: Path, answer: tuple[int, Mapping[str, str], Any], complaint: str
) -> None:
    with pytest.raises(AssertionError, match=rf"transcript.json, exchange 1 \(Created\): .*{complaint}"):
        simulate(transcript, answering(answer))


@pytest.mark.parametrize(
    ("status", "body", "complaint"),
    [
        (404, {"schemas": [ERROR], "status": "400", "detail": "No."}, "no SCIM error"),
        (404, {"schemas": [ERROR], "status": "404", "detail": ""}, "no SCIM error"),
        (200, {"schemas": [LIST], "totalResults": "0", "itemsPerPage": 0, "Resources": []}, "no number"),
        (200, {"schemas": [LIST], "totalResults": 1, "itemsPerPage": 100, "Resources": [PAT]}, "itemsPerPage"),
        (204, {}, "has a body"),
    ],
)
def test_errors_lists_and_empty_answers_have_their_form(
    tmp_path: Path, status: int, body: dict[str, Any], complaint: str
) -> None:
    exchange = {"comment": "x", "request": {"method": "GET", "path": "/Users"}, "expect": {"status": status}}
    file = tmp_path / "transcript.json"
    file.write_text(json.dumps({"title": "x", "headers": {}, "exchanges": [exchange]}))
    with pytest.raises(AssertionError, match=complaint):
        simulate(file, answering((status, SCIM, body)))
