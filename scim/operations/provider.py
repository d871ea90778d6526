"""The limits of this server: the figures that /ServiceProviderConfig shows and the code enforces."""

from core.json_values import Json

# Resources in one answer, and where the client does not say how many it wants (RFC 7644 section 3.4.2.4).
MAX_RESULTS = 200
DEFAULT_RESULTS = 100

# Members up to which a group that was changed by a PATCH is shown whole in the answer.
MAX_MEMBERS_UNASKED = 100

# Seconds within which the next page must be asked for by its cursor (RFC 9865 section 4).
CURSOR_TIMEOUT = 3600

# Bytes of a request's body, and of what it unpacks to.
MAX_BODY = 1024 * 1024
MAX_GROUP_BODY = 16 * 1024 * 1024
MAX_BULK_BODY = 2 * 1024 * 1024

# Operations in one bulk request (RFC 7644 section 3.7.4).
MAX_BULK_OPERATIONS = 1000

FEATURES: dict[str, Json] = {
    "patch": {"supported": True},
    "bulk": {"supported": True, "maxOperations": MAX_BULK_OPERATIONS, "maxPayloadSize": MAX_BULK_BODY},
    "filter": {"supported": True, "maxResults": MAX_RESULTS},
    "changePassword": {"supported": False},
    "pagination": {
        "cursor": True,
        "index": True,
        "defaultPaginationMethod": "index",
        "defaultPageSize": DEFAULT_RESULTS,
        "maxPageSize": MAX_RESULTS,
        "cursorTimeout": CURSOR_TIMEOUT,
    },
    "sort": {"supported": True},
    "etag": {"supported": True},
}

AUTHENTICATION_SCHEMES: list[Json] = [
    {
        "type": "oauthbearertoken",
        "name": "Bearer token",
        "description": "A token of the organization, generated on its settings page.",
        "specUri": "https://www.rfc-editor.org/info/rfc6750",
        "primary": True,
    }
]
