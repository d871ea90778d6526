"""The bodies of bulk messages (RFC 7644 section 3.7)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from core.json_values import Json
from scim.protocol import quirks
from scim.protocol.attributes import Resource, ResourceType
from scim.protocol.errors import (
    InvalidSyntax,
    InvalidValue,
    MethodNotAllowed,
    NotFound,
    PayloadTooLarge,
    ScimError,
    shown_name,
)
from scim.protocol.json_bodies import in_any_case, texts
from scim.protocol.reading import NOT_STRICT, Leniency, Reading
from scim.protocol.references import references_in
from scim.protocol.schemas import GROUP, USER

REQUEST_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
RESPONSE_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"

_PATH = re.compile(r"/+([A-Za-z]+)(?:/+([^/]+))?/*")
_KINDS: Mapping[str, ResourceType] = {kind.endpoint[1:]: kind for kind in (USER, GROUP)}


class Method(StrEnum):
    """What an operation does, in HTTP's words."""

    POST = "POST"
    PUT = "PUT"
    PATCH = "PATCH"
    DELETE = "DELETE"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation, as it was asked for.

    ``resource_id`` is what stands behind the endpoint in the path; ``refers`` are the bulkIds that path and data refer
    to. ``fault`` is why nothing can come of the operation; what else stands here is then only what its answer repeats.
    What was not sent is empty.
    """

    method: str
    bulk_id: str
    kind: ResourceType | None = None
    resource_id: str = ""
    data: dict[str, Json] = field(default_factory=dict)
    version: str | None = None
    refers: frozenset[str] = frozenset()
    fault: ScimError | None = None

    @property
    def makes(self) -> ResourceType | None:
        """What kind of resource this creates, if it does."""
        return self.kind if self.method == Method.POST and self.fault is None else None

    @property
    def name(self) -> str:
        """What people call the operation: method, endpoint and bulkId or id."""
        which = f" (bulkId '{shown_name(self.bulk_id)}')" if self.bulk_id else ""
        where = f" {self.kind.endpoint}/{self.resource_id[:64]}".rstrip("/") if self.kind else ""
        return f"{self.method}{where}{which}"


@dataclass(frozen=True, slots=True)
class BulkRequest:
    """Operations in the order of their coming, after how many failures to stop, and advice for the request log."""

    operations: tuple[Operation, ...]
    fail_on_errors: int | None
    notices: tuple[str, ...]


def read_bulk(body: dict[str, Json], *, limit: int, leniency: Leniency = NOT_STRICT) -> BulkRequest:
    """The operations that a body asks for; at most ``limit``.

    What is wrong with one operation is that operation's fault. Raises PayloadTooLarge; InvalidSyntax and InvalidValue
    where no answer could tell which operation it is about; for a quirk that ``leniency`` does not tolerate, its error.
    """
    members = in_any_case(body)
    reading = Reading(leniency)
    if REQUEST_SCHEMA not in texts(members.get("schemas")):
        reading.tolerate(quirks.schema_not_named(REQUEST_SCHEMA))
    operations = members.get("operations")
    if not isinstance(operations, list) or not operations:
        raise InvalidSyntax("'Operations' must be a list with at least one operation.")
    if len(operations) > limit:
        raise PayloadTooLarge(f"The request has {len(operations):,} operations, more than maxOperations ({limit:,}).")
    fail_on_errors = members.get("failonerrors")
    if fail_on_errors is not None and (type(fail_on_errors) is not int or fail_on_errors < 1):
        raise InvalidValue("'failOnErrors' must be a whole number from 1 on. To go on after any error, leave it out.")
    read = [_read(operation) for operation in operations]
    known = _bulk_ids(read)
    return BulkRequest(tuple(_resolvable(operation, known) for operation in read), fail_on_errors, reading.notices)


@dataclass(frozen=True, slots=True)
class Asked:
    """What an operation seems to ask for, whatever else is wrong with it; ``resource`` is the name of its type."""

    method: str
    resource: str
    resource_id: str
    data: dict[str, Json]


def glance_at(body: dict[str, Json], most: int) -> list[Asked]:
    """What the first operations of a body seem to ask for, one for each element. Never fails."""
    operations = next((value for name, value in body.items() if name.lower() == "operations"), None)
    return [_seen(each) for each in operations[:most]] if isinstance(operations, list) else []


def _seen(operation: Json) -> Asked:
    members = {name.lower(): value for name, value in operation.items()} if isinstance(operation, dict) else {}
    method, path, data = members.get("method"), members.get("path"), members.get("data")
    found = _PATH.fullmatch(path) if isinstance(path, str) else None
    kind = _KINDS.get(found[1]) if found else None
    return Asked(
        method[:10].upper() if isinstance(method, str) else "",
        kind.name if kind else "",
        (found[2] or "")[:64] if found else "",
        data if isinstance(data, dict) else {},
    )


def _read(operation: Json) -> Operation:
    if not isinstance(operation, dict):
        raise InvalidSyntax("Every operation must be an object with 'method', 'path' and, but for DELETE, 'data'.")
    members = in_any_case(operation)
    method, bulk_id = members.get("method"), members.get("bulkid")
    if not isinstance(method, str):
        raise InvalidSyntax("Every operation needs a 'method': POST, PUT, PATCH or DELETE.")
    if bulk_id is not None and not isinstance(bulk_id, str):
        raise InvalidSyntax("'bulkId' must be a text.")
    known = Operation(method[:16].upper(), bulk_id or "")
    try:
        kind, resource_id = _target(known.method, members.get("path"))
        known = replace(known, kind=kind, resource_id=resource_id)
        return _with_data(known, members)
    except ScimError as error:
        return replace(known, fault=error)


def _target(method: str, path: Json) -> tuple[ResourceType, str]:
    """The kind of resource that a path leads to, and the id in it."""
    if method not in list(Method):
        raise InvalidSyntax("'method' must be POST, PUT, PATCH or DELETE.")
    if not isinstance(path, str) or not path:
        raise InvalidValue("Every operation needs a 'path', such as /Users or /Users/ID.")
    found = _PATH.fullmatch(path)
    if found is None or found[1] not in _KINDS:
        raise NotFound(
            f"'{shown_name(path)}' leads nowhere: paths are /Users, /Groups and either of them with /ID.",
            cause="endpoint-unknown",
        )
    kind, resource_id = _KINDS[found[1]], found[2] or ""
    if method == Method.POST and resource_id:
        raise MethodNotAllowed(f"POST applies to {kind.endpoint}, not to one of its resources.")
    if method != Method.POST and not resource_id:
        raise MethodNotAllowed(f"{method} applies to one resource: the path must be {kind.endpoint}/ID.")
    return kind, resource_id


def _with_data(operation: Operation, members: dict[str, Json]) -> Operation:
    if operation.method == Method.POST and not operation.bulk_id:
        raise InvalidValue("A POST needs a 'bulkId', by which its answer can be told from the others.")
    version = members.get("version")
    if version is not None and not isinstance(version, str):
        raise InvalidValue("'version' must be a text: the ETag of the resource.")
    if operation.method == Method.DELETE:
        return replace(operation, version=version, refers=references_in(operation.resource_id))
    data = members.get("data")
    if not isinstance(data, dict):
        raise InvalidSyntax(f"{operation.method} needs 'data': the object that would be the body of the request.")
    if operation.kind is USER and "groups" in in_any_case(data):
        # Ignored in any body, so nothing waits for a group that a user says to be in.
        data = {name: value for name, value in data.items() if name.lower() != "groups"}
    refers = references_in(data) | references_in(operation.resource_id)
    return replace(operation, data=data, version=version, refers=refers)


def _bulk_ids(operations: Sequence[Operation]) -> set[str]:
    """The bulkIds that can be referred to: those of resources to be made, whatever comes of that."""
    known: set[str] = set()
    for operation in operations:
        if operation.method == Method.POST and operation.bulk_id:
            if operation.bulk_id in known:
                raise InvalidValue(
                    f"The bulkId '{shown_name(operation.bulk_id)}' stands for two resources; give each its own."
                )
            known.add(operation.bulk_id)
    return known


def _resolvable(operation: Operation, known: set[str]) -> Operation:
    unknown = min(operation.refers - known, default=None)
    if unknown is None:
        return operation
    fault = InvalidValue(f"No operation of this request makes a resource with the bulkId '{shown_name(unknown)}'.")
    return replace(operation, refers=frozenset(), fault=fault)


def answer_to(
    operation: Operation, status: int, *, location: str = "", version: str = "", error: Resource | None = None
) -> Json:
    """What the response says of one operation; ``error`` is the body of the answer to one that failed."""
    spelled = {
        "method": operation.method,
        "bulkId": operation.bulk_id,
        "version": version,
        "location": location,
        "status": str(status),
        "response": error,
    }
    return {name: value for name, value in spelled.items() if value}


def bulk_response(answers: Sequence[Json]) -> Resource:
    """The answer to a bulk request."""
    return {"schemas": [RESPONSE_SCHEMA], "Operations": list(answers)}
