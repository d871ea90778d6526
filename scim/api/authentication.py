"""Bearer tokens: from the Authorization header to credentials (RFC 6750)."""

from typing import Any

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from core.bearer_tokens import presented
from scim.protocol.errors import Unauthorized
from scim.storage.credentials import INVALID, Credentials


class BearerToken(BaseAuthentication):
    """Every request needs one; whom it belongs to is found out by the statement that serves the request."""

    def authenticate(self, request: Request) -> tuple[None, Credentials]:
        """Read the header. Raises Unauthorized for one that is missing or malformed, before anything is looked up."""
        header: Any = request._request.META.get("HTTP_AUTHORIZATION", "")
        digest = presented(header)
        if digest is None:
            raise Unauthorized(INVALID, cause="token-malformed" if header.strip() else "token-missing")
        return None, Credentials(digest, request.parser_context["kwargs"].get("slug", ""))

    def authenticate_header(self, request: Request) -> str:
        """The challenge of a 401."""
        return 'Bearer realm="SCIM"'
