"""``manage.py scim``: an organization's SCIM set-up from the command line."""

from datetime import datetime
from typing import Any

from django.core.management.base import CommandParser

from core.actors import operator_at_the_command_line
from organizations.management.base import Error, HouseCommand, Report, describe, find_organization
from organizations.models import Organization
from provisioning.models import Connection, IdentityProvider, Token
from provisioning.services import brake
from provisioning.services.connections import connections
from provisioning.services.connections.connections import ConnectionUnknown

ACTIONS = ("generate-token", "enable", "disable", "strict", "lenient", "release", "add-connection", "status")


class Command(HouseCommand):
    help = (
        "Generate a SCIM token (shown once), enable or disable SCIM or its strict mode, release what the mass-change"
        " brake holds back, or show how it stands."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("organization", metavar="ORGANIZATION", help="its slug, such as acme")
        parser.add_argument("action", choices=ACTIONS)
        parser.add_argument("--connection", metavar="NAME", help="which one, where there are several; else the oldest")
        parser.add_argument("--identity-provider", choices=IdentityProvider.values, default=IdentityProvider.OTHER)
        parser.add_argument("--name", default="", help="what to call the new token, such as 'JumpCloud, November'")

    def perform(self, **options: Any) -> Report:
        organization = find_organization(options["organization"])
        by = operator_at_the_command_line(organization.pk)
        name, action = options["connection"], options["action"]
        if action == "add-connection":
            connection = connections.add(name or "", IdentityProvider(options["identity_provider"]), by=by)
        else:
            connection = _connection(organization, name)
        bearer_token, resumed = None, None
        match action:
            case "generate-token":
                _, bearer_token = connections.generate_token(connection, by=by, name=options["name"])
            case "enable" | "disable":
                connection = connections.set_enabled(connection, action == "enable", by=by)
            case "strict" | "lenient":
                connection = connections.set_strict(connection, action == "strict", by=by)
            case "release":
                paused = brake.of(connection)
                if paused.paused_since is None:
                    raise Error(f"The mass-change brake of connection '{connection}' holds nothing back.")
                resumed = brake.resume(connection, expected_version=paused.version, by=by)
        tokens = connections.live_tokens(connection)
        data = {
            "organization": describe(organization),
            "scim": {
                "connection": connection.name,
                "identity_provider": connection.identity_provider,
                "base_url": connections.base_url(organization),
                "bearer_token": bearer_token,
                "enabled": connection.enabled,
                "strict": connection.strict,
                "provisioning_paused": brake.of(connection).paused_since is not None,
                "tokens": [_describe(token) for token in tokens],
            },
        }
        text = _text(organization, connection, bearer_token, tokens)
        if resumed and resumed.counts_from:
            until = _minute(resumed.counts_from)
            text = f"Released: the mass-change brake holds nothing back until {until}.\n{text}"
        return Report(text, data)


def _connection(organization: Organization, name: str | None) -> Connection:
    present = connections.of_organization(organization.pk)
    if name is None:
        return present[0]
    found = next((each for each in present if each.name.casefold() == name.casefold()), None)
    if found is None:
        names = ", ".join(f"'{each}'" for each in present)
        raise ConnectionUnknown(f"{organization} has no connection '{name}'. It has {names}.")
    return found


def _describe(token: Token) -> dict[str, str | None]:
    return {
        "name": token.name,
        "prefix": token.prefix,
        "created_at": token.created_at.isoformat(),
        "created_by": token.created_by_label,
        "expires_at": token.expires_at.isoformat() if token.expires_at else None,
        "retires_at": token.retires_at.isoformat() if token.retires_at else None,
        "last_used_at": token.last_used_at.isoformat() if token.last_used_at else None,
    }


def _text(organization: Organization, connection: Connection, bearer_token: str | None, tokens: list[Token]) -> str:
    state = f"{'on' if connection.enabled else 'off'}{', strict mode is on' if connection.strict else ''}"
    lines = [
        f"SCIM of {organization}, connection '{connection}', is {state}.",
        f"Base URL      {connections.base_url(organization)}",
    ]
    if brake.of(connection).paused_since:
        lines.append(f"The mass-change brake holds it back: manage.py scim {organization.slug} release")
    if bearer_token:
        lines += [f"Bearer token  {bearer_token}", "Copy the token now: it is not shown again."]
        if not connection.enabled:
            lines.append(f"It is not valid before: manage.py scim {organization.slug} enable")
    lines += [
        f"Live token    {token}  made {_minute(token.created_at)} by {token.created_by_label}, "
        f"{'expires ' + _minute(token.expires_at) + ', ' if token.expires_at else ''}"
        f"{'retires ' + _minute(token.retires_at) + ', ' if token.retires_at else ''}"
        f"{'last used ' + _minute(token.last_used_at) if token.last_used_at else 'not used yet'}"
        for token in tokens
    ]
    return "\n".join(lines if tokens else [*lines, "There is no live token."])


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
