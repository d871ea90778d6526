"""Actor: who acts, for which organization and through which door; every verb takes one as ``by``."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class Door(StrEnum):
    """The way by which a change came in."""

    PAGE = "page"
    SCIM = "scim"
    SIGN_IN = "sign-in"
    COMMAND = "command"


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who acts on one organization's data.

    ``label`` is kept in the trail and must make sense after the person or token is gone. ``address`` is the IP address.
    """

    organization_id: UUID
    label: str
    door: Door
    user_id: UUID | None = None
    address: str = ""
    request_id: str = ""


def operator_at_the_command_line(organization_id: UUID) -> Actor:
    """Whoever has a shell on the server."""
    return Actor(organization_id, "Operator (command line)", Door.COMMAND)
