"""A play says what is wrong with a server, step by step, and leaves nothing behind."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from provisioning.simulator.checks import ERROR
from provisioning.simulator.scripts import JUMPCLOUD, SCRIPTS, Script
from provisioning.simulator.simulator import Answer, Result, StepResult, Unreachable, simulate

EMAIL = "test.user@example.com"
SCIM = {"content-type": "application/scim+json"}
BASE = "https://scim.example/v2"


class Server:
    """A small SCIM server in memory, and what it was asked; ``spoil`` may change any of its answers."""

    def __init__(self, spoil: Callable[[str, str, Answer], Answer] = lambda method, path, answer: answer) -> None:
        self.spoil = spoil
        self.asked: list[tuple[str, str, Any]] = []
        self.resources: dict[str, dict[str, Any]] = {}

    def __call__(self, method: str, path: str, headers: Mapping[str, str], body: Any) -> Answer:
        self.asked.append((method, path, body))
        return self.spoil(method, path, self.answer(method, path.partition("?")[0], path, body))

    def answer(self, method: str, place: str, path: str, body: Any) -> Answer:
        if method == "POST":
            if any(held.get("userName") == body.get("userName", ()) for held in self.resources.values()):
                return error(409, "A user with this userName exists already.")
            identifier = f"id-{len(self.asked)}"
            location = f"{BASE}{place}/{identifier}"
            made = self.resources[f"{place}/{identifier}"] = without_nulls(body) | {
                "id": identifier,
                "meta": {"location": location},
            }
            made.pop("password", None)
            return Answer(201, SCIM | {"location": location}, made)
        if place.count("/") == 1:
            found = [held for held in self.resources.values() if held.get("externalId", "-") in path]
            listed = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"], "totalResults": len(found)}
            return Answer(200, SCIM, listed | {"itemsPerPage": len(found), "Resources": found})
        held = self.resources.get(place)
        if held is None:
            return error(404, "Nobody here.")
        match method:
            case "DELETE":
                del self.resources[place]
                return Answer(204, {})
            case "PUT":
                held |= without_nulls(body) | {"meta": held["meta"]}
            case "PATCH":
                for operation in body["Operations"]:
                    self.patch(held, operation)
        return Answer(200, SCIM, held)

    def patch(self, held: dict[str, Any], operation: dict[str, Any]) -> None:
        path, value = operation.get("path", ""), operation.get("value")
        if not path:
            held |= value
        elif path == "active":
            held["active"] = value in (True, "True")
        elif path == "name.familyName":
            held["name"] = held["name"] | {"familyName": value}
        elif path.endswith(":department"):
            held[path.removesuffix(":department")] = {"department": value}
        else:
            held[path] = without_nulls(value)


def error(status: int, detail: str) -> Answer:
    return Answer(status, SCIM, {"schemas": [ERROR], "status": str(status), "detail": detail})


def without_nulls(value: Any) -> Any:
    match value:
        case dict():
            return {name: without_nulls(inner) for name, inner in value.items() if inner is not None}
        case list():
            return [without_nulls(inner) for inner in value]
    return value


def finished_run(server: Any, script: Script = JUMPCLOUD, *, groups: bool = False) -> list[StepResult]:
    return list(simulate(script, email=EMAIL, send=server, groups=groups))


@pytest.mark.parametrize("name", SCRIPTS)
@pytest.mark.parametrize("groups", [False, True])
def test_a_server_that_does_all_that_is_asked_passes_every_step_and_keeps_nothing(name: str, groups: bool) -> None:
    server = Server()
    outcomes = finished_run(server, SCRIPTS[name], groups=groups)
    assert [outcome for outcome in outcomes if outcome.result not in (Result.PASSED, Result.CLEANED)] == []
    assert server.resources == {}
    assert any("/Groups" in path for _method, path, _body in server.asked) is groups
    sent = json.dumps(server.asked)
    assert EMAIL in sent
    assert not [placeholder for placeholder in ("{email", "{guid", "{id}", "{group}") if placeholder in sent]


def test_okta_never_deletes_users_so_the_play_cleans_up_after_it() -> None:
    last = finished_run(Server(), SCRIPTS["okta"])[-1]
    assert (last.words, last.method, last.result, last.status) == ("Clean up", "DELETE", Result.CLEANED, 204)


def test_a_refused_create_skips_what_needs_the_user_and_says_what_the_server_said() -> None:
    def refuse(method: str, path: str, answer: Answer) -> Answer:
        return error(400, "The e-mail domain has no checkmark.") if method == "POST" else answer

    results = {outcome.words: outcome for outcome in finished_run(Server(refuse))}
    create = results["Create the test user"]
    assert create.result is Result.FAILED
    assert create.why == ("The answer is 400, not 201. The server says: The e-mail domain has no checkmark.",)
    assert results["Change the name"].result is Result.SKIPPED
    assert results["Change the name"].path == "/Users/{id}"
    assert results["Test Connection: read the list of users"].result is Result.PASSED


def test_a_step_that_fails_later_still_leaves_nothing_behind() -> None:
    def refuse(method: str, path: str, answer: Answer) -> Answer:
        return error(500, "Oh.") if method == "PUT" else answer

    server = Server(refuse)
    assert Result.FAILED in {outcome.result for outcome in finished_run(server)}
    assert server.resources == {}


def test_who_stops_listening_in_the_middle_leaves_nothing_behind_either() -> None:
    server = Server()
    outcomes = simulate(JUMPCLOUD, email=EMAIL, send=server)
    while not server.resources:
        next(outcomes)
    outcomes.close()  # type: ignore[attr-defined]
    assert server.resources == {}


def test_somebody_who_was_there_before_is_not_removed() -> None:
    server = Server()
    server.resources["/Users/old"] = {"id": "old", "userName": EMAIL}
    create = next(outcome for outcome in finished_run(server) if outcome.method == "POST")
    assert create.status == 409
    assert "Choose an address that nobody has." in create.why[1]
    assert "/Users/old" in server.resources


def test_what_can_not_be_removed_is_named() -> None:
    def keep(method: str, path: str, answer: Answer) -> Answer:
        return error(403, "Users are never deleted here.") if method == "DELETE" else answer

    last = finished_run(Server(keep))[-1]
    assert (last.result, last.why) == (Result.FAILED, ("It is still there: remove it by hand.",))
    assert last.path.startswith("/Users/id-")


@pytest.mark.parametrize(
    ("status", "headers", "body", "hint"),
    [
        (401, SCIM, {"schemas": [ERROR], "status": "401", "detail": "No."}, "does not take the token"),
        (301, {"location": "/Users/"}, None, "slash too many"),
        (302, {"location": "/sign-in/"}, None, "a page where people sign in"),
        (404, {"content-type": "text/html"}, "<h1>Not here</h1>", "Is the Base URL right?"),
    ],
)
def test_a_status_that_nobody_wanted_is_explained(status: int, headers: dict[str, str], body: Any, hint: str) -> None:
    first = finished_run(lambda *request: Answer(status, headers, body))[0]
    assert first.result is Result.FAILED
    assert f"The answer is {status}, not 200." in first.why[0]
    assert hint in first.why[1]


LISTED = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"], "totalResults": 0, "Resources": []}


@pytest.mark.parametrize(
    ("headers", "body", "fault"),
    [
        ({"content-type": "text/html"}, LISTED, "The media type is text/html, not application/scim+json."),
        ({}, LISTED, "The media type is missing"),
        (SCIM, LISTED | {"totalResults": "0"}, "TotalResults is no number."),
        (SCIM, LISTED | {"itemsPerPage": 3}, "ItemsPerPage is not the number of resources."),
        (SCIM, LISTED | {"startIndex": None}, "Null at $.startIndex."),
        (SCIM, LISTED | {"Resources": [{"userName": "pat"}]}, "A resource without an id."),
        (SCIM, LISTED | {"Resources": [{"id": "7", "meta": {}}]}, "Meta.location leads elsewhere: None."),
        (SCIM, "<html>", "The body is no JSON object."),
        (SCIM, [], "The body is no JSON object."),
    ],
)
def test_an_answer_with_the_right_status_is_looked_at_too(headers: dict[str, str], body: Any, fault: str) -> None:
    first = finished_run(lambda *request: Answer(200, headers, body))[0]
    assert first.result is Result.FAILED
    assert fault in " ".join(first.why)


def test_a_change_that_did_not_happen_is_found_out() -> None:
    def forget(method: str, path: str, answer: Answer) -> Answer:
        return Answer(200, SCIM, answer.body | {"active": True}) if method == "GET" and "/Users/id" in path else answer

    results = {outcome.words: outcome for outcome in finished_run(Server(forget))}
    assert results["See that it is inactive"].why == ("$.active: True, not False.",)


def test_a_server_that_does_not_answer_is_no_crash() -> None:
    def silent(*request: Any) -> Answer:
        raise Unreachable("No answer: timed out.")

    outcomes = finished_run(silent)
    assert outcomes[0].why == ("No answer: timed out.",)
    assert {outcome.result for outcome in outcomes} == {Result.FAILED, Result.SKIPPED}


def test_an_id_that_is_no_text_is_a_fault_and_nothing_more() -> None:
    def number(method: str, path: str, answer: Answer) -> Answer:
        return Answer(201, answer.headers, answer.body | {"id": 7}) if method == "POST" else answer

    results = {outcome.words: outcome for outcome in finished_run(Server(number))}
    assert "A resource without an id." in results["Create the test user"].why
    assert results["Change the name"].result is Result.SKIPPED
