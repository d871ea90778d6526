"""The description of the API: well formed, complete, and true of the answers (OpenAPI 3.1, JSON Schema 2020-12)."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from audit.actions import Action
from tests.tenants import Tenant
from tests.users.api.test_audit_logs import LOGS, Api, api_of, note
from users.api.audit_logs import PARAMETERS
from users.permissions import BuiltIn

pytestmark = pytest.mark.django_db

TYPES = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool, "null": type(None)}
FORMATS = {"uuid": UUID, "date-time": datetime.fromisoformat}


@pytest.fixture
def document() -> dict[str, Any]:
    answer = Client().get("/api/audit/v1/openapi.json")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    found: dict[str, Any] = answer.json()
    return found


@pytest.fixture
def api(acme: Tenant) -> Api:
    return api_of(acme, acme.add("ada", BuiltIn.ADMIN))


def every_object(value: Any) -> Iterator[dict[str, Any]]:
    match value:
        case dict():
            yield value
            for inner in value.values():
                yield from every_object(inner)
        case list():
            for inner in value:
                yield from every_object(inner)


def faults(value: Any, schema: dict[str, Any], document: dict[str, Any], path: str = "$") -> Iterator[str]:
    """What a schema has to say against a value, for the words of JSON Schema that the description uses."""
    if "$ref" in schema:
        schema = resolve(schema["$ref"], document)
    allowed = schema.get("type", list(TYPES))
    allowed = [allowed] if isinstance(allowed, str) else allowed
    if type(value) not in [TYPES[name] for name in allowed]:
        yield f"{path} is no {allowed}"
        return
    match value:
        case dict():
            properties, others = schema.get("properties", {}), schema.get("additionalProperties")
            yield from (f"{path}.{name} is missing" for name in schema.get("required", []) if name not in value)
            for name, inner in value.items():
                if name not in properties and others is None:
                    yield f"{path}.{name} is not described"
                else:
                    yield from faults(inner, properties.get(name, others), document, f"{path}.{name}")
        case list():
            if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
                yield f"{path} has {len(value)} items"
            for inner in value if schema.get("items") else []:
                yield from faults(inner, schema["items"], document, f"{path}[]")
        case str() if "format" in schema:
            FORMATS[schema["format"]](value)


def resolve(reference: str, document: dict[str, Any]) -> dict[str, Any]:
    found: Any = document
    assert reference.startswith("#/")
    for part in reference[2:].split("/"):
        found = found[part]
    assert isinstance(found, dict)
    return found


def test_the_description_has_the_parts_that_openapi_asks_for(document: dict[str, Any]) -> None:
    assert re.fullmatch(r"3\.1\.\d", document["openapi"])
    assert set(document) <= {"openapi", "info", "servers", "security", "paths", "components"}
    assert document["info"]["title"]
    assert document["info"]["version"]
    assert document["servers"] == [{"url": "http://testserver"}]
    for requirement in document["security"]:
        assert set(requirement) <= set(document["components"]["securitySchemes"])
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    for operation in operations:
        assert all(answer["description"] for answer in operation["responses"].values())
        for parameter in operation["parameters"]:
            assert set(parameter) == {"name", "in", "description", "schema"}
            assert parameter["in"] == "query"


def test_every_reference_leads_somewhere_and_every_type_exists(document: dict[str, Any]) -> None:
    found = list(every_object(document))
    references = {part["$ref"] for part in found if isinstance(part.get("$ref"), str)}
    assert references == {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    for part in found:
        if isinstance(part.get("required"), list):
            assert part["required"] == list(part["properties"])
        kinds = part.get("type", [])
        if isinstance(kinds, str | list) and "description" in part and "scheme" not in part:
            assert set([kinds] if isinstance(kinds, str) else kinds) <= set(TYPES)


def test_what_is_described_is_what_is_taken(document: dict[str, Any]) -> None:
    ((path, operations),) = document["paths"].items()
    assert (path, list(operations)) == (LOGS, ["get"])
    assert tuple(parameter["name"] for parameter in operations["get"]["parameters"]) == PARAMETERS
    action = document["components"]["schemas"]["Event"]["properties"]["action"]
    assert action["examples"] == list(Action.values)


def test_answers_are_as_described(acme: Tenant, api: Api, document: dict[str, Any]) -> None:
    acme.update(acme.add("ann"), title="Dr.")
    note(acme, "a.example")
    answers = [api.ask(), api.ask(limit=0), Client().get(LOGS), api.client.delete(LOGS)]
    described = document["paths"][LOGS]["get"]["responses"]
    for answer in answers:
        part = described[str(answer.status_code)]
        schema = part["content"][answer.headers["Content-Type"]]["schema"]
        assert list(faults(answer.json(), schema, document)) == []
        assert all(name in answer.headers for name in part.get("headers", {}))
    assert len(answers[0].json()["logs"]) > 5


def test_a_fault_would_be_seen(document: dict[str, Any]) -> None:
    wrong = {"title": 1, "detail": "x", "extra": True}
    assert list(faults(wrong, {"$ref": "#/components/schemas/Problem"}, document)) == [
        "$.status is missing",
        "$.title is no ['string']",
        "$.extra is not described",
    ]


@pytest.mark.parametrize("method", ["post", "delete"])
def test_the_description_can_only_be_read(method: str) -> None:
    assert getattr(Client(), method)("/api/audit/v1/openapi.json").status_code == 405
