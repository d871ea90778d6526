"""``manage.py scim``: an organization's SCIM set-up from the command line."""

from datetime import datetime
from typing import Any

from django.core.management.base import CommandParser

from audit.actors import operator_at_the_command_line
from organizations.commands import HouseCommand, Report, describe, find_organization
from organizations.models import Organization
from scim.models import Connection, Token
from scim.services import connections

ACTIONS = ("generate-token", "enable", "disable", "strict", "lenient", "status")


class Command(HouseCommand):
    help = "Generate a SCIM token (shown once), enable or disable SCIM or its strict mode, or show how it stands."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("organization", metavar="ORGANIZATION", help="its slug, such as acme")
        parser.add_argument("action", choices=ACTIONS)

    def perform(self, **options: Any) -> Report:
        organization = find_organization(options["organization"])
        by = operator_at_the_command_line(organization.pk)
        connection = connections.default_connection(organization.pk)
        bearer_token = None
        match options["action"]:
            case "generate-token":
                _, bearer_token = connections.generate_token(connection, by=by)
            case "enable" | "disable" as action:
                connection = connections.set_enabled(connection, action == "enable", by=by)
            case "strict" | "lenient" as action:
                connection = connections.set_strict(connection, action == "strict", by=by)
        tokens = connections.live_tokens(connection)
        data = {
            "organization": describe(organization),
            "scim": {
                "base_url": connections.base_url(organization),
                "bearer_token": bearer_token,
                "enabled": connection.enabled,
                "strict": connection.strict,
                "tokens": [_describe(token) for token in tokens],
            },
        }
        return Report(_text(organization, connection, bearer_token, tokens), data)


def _describe(token: Token) -> dict[str, str | None]:
    return {
        "prefix": token.prefix,
        "created_at": token.created_at.isoformat(),
        "created_by": token.created_by_label,
        "expires_at": token.expires_at.isoformat() if token.expires_at else None,
        "last_used_at": token.last_used_at.isoformat() if token.last_used_at else None,
    }


def _text(organization: Organization, connection: Connection, bearer_token: str | None, tokens: list[Token]) -> str:
    state = f"{'on' if connection.enabled else 'off'}{', strict mode is on' if connection.strict else ''}"
    lines = [
        f"SCIM of {organization} is {state}.",
        f"Base URL      {connections.base_url(organization)}",
    ]
    if bearer_token:
        lines += [f"Bearer token  {bearer_token}", "Copy the token now: it is not shown again."]
        if not connection.enabled:
            lines.append(f"It is not valid before: manage.py scim {organization.slug} enable")
    lines += [
        f"Live token    {token}  made {_minute(token.created_at)} by {token.created_by_label}, "
        f"{'expires ' + _minute(token.expires_at) + ', ' if token.expires_at else ''}"
        f"{'last used ' + _minute(token.last_used_at) if token.last_used_at else 'not used yet'}"
        for token in tokens
    ]
    return "\n".join(lines if tokens else [*lines, "There is no live token."])


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
