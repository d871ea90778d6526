"""Play a transcript of an identity provider against a server, and check what comes back; see README.md."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
TRANSCRIPTS = sorted(FOLDER.glob("*/*.json"))

ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"

# (method, path after the Base URL, headers, body as JSON or None) -> (status, headers, body as JSON or None)
Send = Callable[[str, str, dict[str, str], Any], tuple[int, Mapping[str, str], Any]]


def play(transcript: Path, send: Send) -> None:
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


def filled(value: Any, saved: Mapping[str, str]) -> Any:
    """The value with everything that was saved in the place of its name."""
    match value:
        case dict():
            return {name: filled(inner, saved) for name, inner in value.items()}
        case list():
            return [filled(inner, saved) for inner in value]
        case str():
            for name, text in saved.items():
                value = value.replace(f"{{{name}}}", text)
            return value
    return value


def check_every_answer(method: str, status: int, headers: Mapping[str, str], body: Any) -> None:
    """What every identity provider counts on, whatever it asked for."""
    if status == 204:
        assert body is None, "an answer without content has a body"
        return
    assert headers["content-type"].partition(";")[0] == "application/scim+json", headers["content-type"]
    assert not nulls(body, "$"), f"null at {', '.join(nulls(body, '$'))}"
    assert '"password":' not in json.dumps(body), "a password came back"
    if status >= 400:
        assert body["schemas"] == [ERROR] and body["status"] == str(status) and body["detail"], f"no SCIM error: {body}"
    elif LIST in body["schemas"]:
        assert type(body["totalResults"]) is int, "totalResults is no number"
        assert body["itemsPerPage"] == len(body["Resources"]), "itemsPerPage is not the number of resources"
        for resource in body["Resources"]:
            check_resource(resource)
    else:
        check_resource(body)
        if (method, status) == ("POST", 201):
            assert headers["location"] == body["meta"]["location"], "Location is not where the new resource is"


def check_resource(resource: dict[str, Any]) -> None:
    assert isinstance(resource["id"], str) and resource["id"], "a resource without an id"
    assert resource["meta"]["location"].endswith(f"/{resource['id']}"), "meta.location leads elsewhere"


def nulls(value: Any, where: str) -> list[str]:
    """Where in the value there is a null."""
    match value:
        case None:
            return [where]
        case dict():
            return [found for name, inner in value.items() for found in nulls(inner, f"{where}.{name}")]
        case list():
            return [found for place, inner in enumerate(value) for found in nulls(inner, f"{where}[{place}]")]
    return []


def check_this_answer(expect: dict[str, Any], headers: Mapping[str, str], body: Any) -> None:
    for name, value in expect.get("headers", {}).items():
        assert headers.get(name.lower()) == value, f"{name} is {headers.get(name.lower())!r}, not {value!r}"
    if "body" in expect:
        check_has(body, expect["body"], "$")
    for name in expect.get("absent", ()):
        assert name not in body, f"$.{name} should not be there: {body[name]!r}"


def check_has(value: Any, wanted: Any, where: str) -> None:
    """Check that an answer has what is wanted, and perhaps more members."""
    match wanted:
        case dict():
            assert isinstance(value, dict), f"{where}: {value!r} is no object"
            for name, inner in wanted.items():
                assert name in value, f"{where}.{name} is missing: {value!r}"
                check_has(value[name], inner, f"{where}.{name}")
        case list():
            assert isinstance(value, list), f"{where}: {value!r} is no list"
            assert len(value) == len(wanted), f"{where} has {len(value)} elements, not {len(wanted)}: {value!r}"
            for place, inner in enumerate(wanted):
                check_has(value[place], inner, f"{where}[{place}]")
        case _:
            assert value == wanted and type(value) is type(wanted), f"{where}: {value!r}, not {wanted!r}"
