"""The description of the API for programs that read such (OpenAPI 3.1)."""

from collections.abc import Mapping
from typing import Any

from audit.actions import Action
from audit.services import stream
from core.actors import Channel
from users.services.personal_tokens import TokenScope

DEFAULT_LIMIT, MOST = 100, 1000

SUMMARY = "The audit log of an organization, oldest event first."
DESCRIPTION = f"""\
What is read is the log of the organization of the person whose personal token is sent. The token needs the scope
`{TokenScope.READ_AUDIT_LOG}`, and the person a role that may view the audit log.

Follow it for ever like this: ask without a cursor, keep `next`, ask again with it as `cursor`: at once while `has_more`
is true, else after a while. Every answer has a `next`, also one without events. Each event comes once, and none is left
out. An event comes when no other can come before it any more: {stream.DELAY.seconds} seconds after it was written,
and not before a change that began earlier is through. A cursor goes with the `since`, `until` and `filter` that it was
got with.

New actions and new properties may come up at any time."""
FILTER = f"""\
Terms with commas between, such as `action=user.created,action=domain.*`, at most {stream.MOST_TERMS}. Of terms with one
name any must fit; every name must have one that fits. `action`: an action, or the first word of several and `.*`.
`actor`: a person's id, or the label of an actor who is nobody. `target`: an id."""


def _object(**properties: Mapping[str, Any]) -> dict[str, Any]:
    """An object whose properties are always there."""
    return {"type": "object", "properties": properties, "required": list(properties)}


def _text(description: str, **more: Any) -> dict[str, Any]:
    return {"type": "string", "description": description, **more}


def _nullable(description: str, **more: Any) -> dict[str, Any]:
    return {"type": ["string", "null"], "description": description, **more}


def _refusal(description: str, **headers: str) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "description": description,
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    if headers:
        named = {
            name.replace("_", "-"): {"description": about, "schema": {"type": "string"}}
            for name, about in headers.items()
        }
        answer["headers"] = named
    return answer


def _parameter(name: str, description: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": description, "schema": schema}


_TIME = {"type": "string", "format": "date-time"}
# A plain date is one of the organization's time zone.
_TIME_OR_DATE = {"anyOf": [_TIME, {"type": "string", "format": "date"}]}

PARAMETERS = [
    _parameter("since", "Only events from this moment on (RFC 3339; write a plus sign as %2B).", _TIME),
    _parameter("until", "Only events before this moment, or up to the end of this date.", _TIME_OR_DATE),
    _parameter("filter", FILTER, {"type": "string"}),
    _parameter(
        "limit",
        "How many events at most.",
        {"type": "integer", "minimum": 1, "maximum": MOST, "default": DEFAULT_LIMIT},
    ),
    _parameter("cursor", "Where to go on: `next` of the answer before.", {"type": "string"}),
]

EVENT = _object(
    id=_text("The event's own id.", format="uuid"),
    time=_text("When it was written.", format="date-time"),
    action=_text("What was done.", examples=list(Action.values)),
    text=_text("The event as a sentence."),
    channel=_text("The way by which the change came in.", examples=list(map(str, Channel))),
    actor=_object(
        id=_nullable("The person's id; null for an actor who is nobody, such as a SCIM token.", format="uuid"),
        label=_text("Who it was, as known at that time."),
        address=_nullable("The IP address that the request came from."),
    ),
    target=_object(
        type=_text("What kind of thing was changed."),
        id=_text("Its id."),
        label=_text("What it was called at that time."),
    ),
    changes={
        "type": "object",
        "description": "Each field that was changed, with what it was before and after. Secrets are masked.",
        "additionalProperties": {"type": "array", "items": {}, "minItems": 2, "maxItems": 2},
    },
    request_id=_text("The id of the request, also in the server's log; empty where there was none."),
)
LOGS = _object(
    logs={"type": "array", "items": {"$ref": "#/components/schemas/Event"}},
    next=_text("The cursor for the next request. It never goes out of date."),
    has_more={"type": "boolean", "description": "Whether more events wait already."},
)
PROBLEM = _object(
    title=_text("The status in words."),
    status={"type": "integer", "description": "The status of the answer."},
    detail=_text("What is wrong, and what to do."),
)


def document(base_url: str) -> Mapping[str, Any]:
    """The description, for a server at that address."""
    operation = {
        "operationId": "readAuditLog",
        "summary": SUMMARY,
        "description": DESCRIPTION,
        "parameters": PARAMETERS,
        "responses": {
            "200": {
                "description": "The next events.",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Logs"}}},
            },
            "400": _refusal("A parameter makes no sense."),
            "401": _refusal("The token is missing or not valid.", WWW_Authenticate="The challenge (RFC 6750)."),
            "403": _refusal("The token lacks the scope, or the person's role may not view the audit log."),
            "405": _refusal("The audit log can only be read.", Allow="The methods that apply."),
            "500": _refusal("The server has failed."),
            "503": _refusal("The database did not answer in time.", Retry_After="Seconds to wait."),
        },
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "SaaS Manager: audit log", "version": "1", "summary": SUMMARY},
        "servers": [{"url": base_url}],
        "security": [{"personalToken": []}],
        "paths": {"/api/audit/v1/logs": {"get": operation}},
        "components": {
            "securitySchemes": {
                "personalToken": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": f"A personal token with the scope {TokenScope.READ_AUDIT_LOG}.",
                }
            },
            "schemas": {"Event": EVENT, "Logs": LOGS, "Problem": PROBLEM},
        },
    }
