"""The bodies of answers that are no resource: ListResponse and Error (RFC 7644 section 3)."""

from collections.abc import Sequence

from core.json_values import Json
from scim.protocol.errors import ERROR_SCHEMA, ScimError

LIST_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:ListResponse"


def list_response(resources: Sequence[Json], *, total: int, start_index: int = 1) -> dict[str, Json]:
    """A page of results; ``itemsPerPage`` is the number of those that are in it (RFC 7644 section 3.4.2.4)."""
    return {
        "schemas": [LIST_SCHEMA],
        "totalResults": total,
        "startIndex": start_index,
        "itemsPerPage": len(resources),
        "Resources": list(resources),
    }


def error_body(error: ScimError, request_id: str = "") -> dict[str, Json]:
    """The error as clients get it; the detail ends with the id that finds the request in the log."""
    body: dict[str, Json] = {"schemas": [ERROR_SCHEMA], "status": str(error.status)}
    if error.scim_type:
        body["scimType"] = error.scim_type
    body["detail"] = f"{error.detail} (request {request_id})" if request_id else error.detail
    return body
