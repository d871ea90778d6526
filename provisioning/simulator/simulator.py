"""Run a script against any SCIM server: each step, the faults of its answer, and no traces left."""

from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from time import perf_counter
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from provisioning.simulator.checks import faults, lacks
from provisioning.simulator.scripts import Script, Step


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: headers by lower-case names, and the body as JSON, as text if it is none, or None."""

    status: int
    headers: Mapping[str, str]
    body: Any = None


# (method, path after the Base URL, headers, body as JSON or None) -> Answer; raises Unreachable
Send = Callable[[str, str, Mapping[str, str], Any], Answer]


class Unreachable(Exception):
    """No answer came; the message says why."""


class Result(StrEnum):
    """What became of a step."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    CLEANED = "cleaned up"


@dataclass(frozen=True, slots=True)
class StepResult:
    """A step that was run. ``why`` says what is wrong, ``milliseconds`` how long the answer took.

    ``request_id`` is by what the server knows the request (X-Request-Id), and empty where it does not say.
    """

    words: str
    method: str
    path: str
    result: Result
    status: int | None = None
    milliseconds: float = 0.0
    why: tuple[str, ...] = ()
    request_id: str = ""


# What the steps are called by which a test run removes what it left.
CLEAN_UP = "Clean up"

_REDIRECTED = "The server redirects, which identity providers do not follow. "

# What a status that nobody wanted most often means.
HINTS: Mapping[int, str] = {
    **dict.fromkeys((301, 307, 308), f"{_REDIRECTED}Is there a slash too many or too few in the Base URL?"),
    **dict.fromkeys((302, 303), f"{_REDIRECTED}Does the Base URL lead to SCIM, or to a page where people sign in?"),
    401: "The server does not take the token. Is it the right one, whole, and is SCIM turned on?",
    403: "The server knows the token but does not let it do this.",
    404: "There is nothing at this address. Is the Base URL right?",
    409: "The server says that this exists already. Choose an address that nobody has.",
    429: "The server asks for patience. Try again later.",
    503: "The server is busy. Try again later.",
}

PAGE = "The answer is a web page. Does the Base URL lead to SCIM, and does no proxy in front answer in its place?"


def simulate(script: Script, *, email: str, send: Send, groups: bool = False) -> Generator[StepResult]:
    """Send every request of a script in its order, then remove what it made and left, also when it is closed early.

    A step that needs what an earlier one did not bring is skipped.
    """
    guid = uuid4()
    known = {
        "email": email,
        "email:quoted": quote(email, safe=""),
        "guid": str(guid),
        "guid:24": guid.hex[:24],
        "guid:17": guid.hex[:17],
    }
    left: list[str] = []
    try:
        for step in script.steps:
            if step.groups <= groups:
                yield _sent(step, script, known, left, send)
    finally:
        cleaned = [_cleaned(path, script, send) for path in reversed(left)]
    yield from cleaned


def _sent(step: Step, script: Script, known: dict[str, str], left: list[str], send: Send) -> StepResult:
    path = filled(step.path, known)
    if "{" in path:
        return StepResult(
            step.words, step.method, step.path, Result.SKIPPED, why=("An earlier step did not come off.",)
        )
    headers = dict(script.headers)
    if step.body is None:
        headers.pop("Content-Type", None)
    began = perf_counter()
    try:
        answer = send(step.method, path, headers, filled(step.body, known))
    except Unreachable as error:
        return StepResult(step.words, step.method, path, Result.FAILED, why=(str(error),))
    milliseconds = (perf_counter() - began) * 1000
    wrong = list(_wrong(step, answer, known))
    body = answer.body if isinstance(answer.body, dict) else {}
    if 200 <= answer.status < 300:
        known |= {name: body[member] for name, member in step.keeps.items() if isinstance(body.get(member), str)}
        made, removed = filled(step.makes, known), filled(step.removes, known)
        if made and "{" not in made:
            left.append(made)
        if removed in left:
            left.remove(removed)
    result = Result.FAILED if wrong else Result.PASSED
    request_id = answer.headers.get("x-request-id", "")
    return StepResult(step.words, step.method, path, result, answer.status, milliseconds, tuple(wrong), request_id)


def _wrong(step: Step, answer: Answer, known: Mapping[str, str]) -> Iterator[str]:
    yield from _unlike(step, answer, known)
    if answer.headers.get("content-type", "").startswith("text/html"):
        yield PAGE


def _unlike(step: Step, answer: Answer, known: Mapping[str, str]) -> Iterator[str]:
    if answer.status not in step.status:
        expected = " or ".join(map(str, step.status))
        yield f"The answer is {answer.status}, not {expected}. {_statement(answer)}".strip()
        if hint := HINTS.get(answer.status):
            yield hint
        return
    yield from (
        f"{fault[:1].upper()}{fault[1:]}." for fault in faults(step.method, answer.status, answer.headers, answer.body)
    )
    if answer.status != 204:
        yield from (f"{lack}." for lack in lacks(answer.body, filled(step.has, known)))


def _statement(answer: Answer) -> str:
    """What the server has to say about it."""
    match answer.body:
        case {"detail": str(detail)}:
            return f"The server says: {detail}"
        case str(text) if text.strip():
            return f"The server says: {' '.join(text.split())[:200]}"
    return f"It leads to {answer.headers['location']}." if "location" in answer.headers else ""


def _cleaned(path: str, script: Script, send: Send) -> StepResult:
    headers = {name: value for name, value in script.headers.items() if name != "Content-Type"}
    try:
        answer = send("DELETE", path, headers, None)
    except Unreachable as error:
        return StepResult(CLEAN_UP, "DELETE", path, Result.FAILED, why=(str(error),))
    status, request_id = answer.status, answer.headers.get("x-request-id", "")
    if status in (204, 404):
        return StepResult(CLEAN_UP, "DELETE", path, Result.CLEANED, status, request_id=request_id)
    still_there = ("It is still there: remove it by hand.",)
    return StepResult(CLEAN_UP, "DELETE", path, Result.FAILED, status, why=still_there, request_id=request_id)


def filled(value: Any, known: Mapping[str, str]) -> Any:
    """The value with everything that is known in the place of its name."""
    match value:
        case Mapping():
            return {name: filled(inner, known) for name, inner in value.items()}
        case list():
            return [filled(inner, known) for inner in value]
        case str():
            for name, text in known.items():
                value = value.replace(f"{{{name}}}", text)
            return value
    return value
