"""Actor: who acts, for which organization and through which channel; every verb takes one as ``by``."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from typing import Any
from uuid import UUID

from django.conf import settings

from core.caching import cached_if_short


class Channel(StrEnum):
    """The way by which a change came in.

    API is a person's own program, with a personal token; SUPPORT an operator whom the organization has let in.
    """

    PAGE = "page"
    SCIM = "scim"
    API = "api"
    SIGN_IN = "sign-in"
    COMMAND = "command"
    OPERATOR = "operator"
    SUPPORT = "support"


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who acts on one organization's data.

    ``label`` is kept in the trail and must make sense after the person or token is gone; ``name`` is what pages call
    the person, by which the trail is searched, too. ``address`` is the IP address.
    ``is_reauthenticated``: there is no need to ask for the password again. It is false only for a person at a page who
    has not given it a short while ago.
    """

    organization_id: UUID
    label: str
    channel: Channel
    user_id: UUID | None = None
    address: str = ""
    request_id: str = ""
    name: str = ""
    is_reauthenticated: bool = True


def address_of_caller(meta: Mapping[str, Any]) -> str:
    """The IP address that a request came from, by its WSGI environment; empty where what stands there is none.

    Our own proxies each add to X-Forwarded-For the address that they were asked from; what stands before is hearsay.
    """
    proxies = settings.TRUSTED_PROXY_COUNT
    hops = meta.get("HTTP_X_FORWARDED_FOR", "").split(",") if proxies else []
    return _as_ip_address((hops[-proxies] if len(hops) >= proxies > 0 else "") or meta.get("REMOTE_ADDR", ""))


@cached_if_short(1024, longest=64)
def _as_ip_address(text: str) -> str:
    try:
        found = ip_address(text.strip())
    except ValueError:
        return ""
    # What a socket for both kinds makes of an IPv4 address; as IPv6 all of those would be one network.
    return str(getattr(found, "ipv4_mapped", None) or found)


def operator_at_the_command_line(organization_id: UUID) -> Actor:
    """Whoever has a shell on the server."""
    return Actor(organization_id, "Operator (command line)", Channel.COMMAND)
