"""``manage.py personal_token``: a person's tokens from the command line."""

from typing import Any

from django.core.management.base import CommandParser

from core.actors import Actor, operator_at_the_command_line
from organizations.management.base import Error, HouseCommand, Report, describe, find_organization
from users.models import PersonalToken, User
from users.services import personal_tokens
from users.services.personal_tokens import TokenScope

ACTIONS = ("make", "revoke", "list")


class Command(HouseCommand):
    help = "Make a personal token, by which a person's program may use /Me (shown once), revoke one, or list them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("organization", metavar="ORGANIZATION", help="its slug, such as acme")
        parser.add_argument("action", choices=ACTIONS)
        parser.add_argument("user", metavar="USER", help="the person's userName or e-mail address")
        parser.add_argument("--name", help="make: what the token is for")
        parser.add_argument(
            "--scope",
            choices=list(map(str, TokenScope)),
            action="append",
            default=[],
            help="make: what it may do (repeatable)",
        )
        parser.add_argument("--days", type=int, help="make: how long it lives (default: for ever)")
        parser.add_argument("--token", metavar="PREFIX", help="revoke: the first characters, as the list shows them")

    def perform(self, **options: Any) -> Report:
        organization = find_organization(options["organization"])
        by = operator_at_the_command_line(organization.pk)
        user = User.objects.known_as(organization.pk, options["user"])
        if user is None:
            raise Error(f"{organization} has no user '{options['user']}'.")
        bearer_token = None
        match options["action"]:
            case "make":
                bearer_token = _make(user, options, by)
            case "revoke":
                personal_tokens.revoke(_find(user, options["token"]).pk, by=by)
        tokens = personal_tokens.live(user)
        data = {
            "organization": describe(organization),
            "user": {"id": str(user.pk), "user_name": user.user_name},
            "bearer_token": bearer_token,
            "tokens": [_describe(token) for token in tokens],
        }
        return Report(_text(user, bearer_token, tokens), data)


def _make(user: User, options: dict[str, Any], by: Actor) -> str:
    if options["name"] is None:
        raise Error("make needs --name, which says what the token is for.")
    scopes = {TokenScope(scope) for scope in options["scope"]}
    return personal_tokens.make(user.pk, options["name"], scopes, days=options["days"], by=by)[1]


def _find(user: User, prefix: str | None) -> PersonalToken:
    if prefix is None:
        raise Error("revoke needs --token with the token's first characters.")
    found = [token for token in personal_tokens.live(user) if token.prefix == prefix.rstrip("…")]
    if len(found) != 1:
        raise Error(f"{user} has no live token '{prefix}', or more than one: see the list.")
    return found[0]


def _describe(token: PersonalToken) -> dict[str, Any]:
    return {
        "prefix": token.prefix,
        "name": token.name,
        "scopes": token.scopes.split(),
        "created_at": token.created_at.isoformat(),
        "expires_at": token.expires_at.isoformat() if token.expires_at else None,
        "last_used_at": token.last_used_at.isoformat() if token.last_used_at else None,
    }


def _text(user: User, bearer_token: str | None, tokens: list[PersonalToken]) -> str:
    lines = []
    if bearer_token:
        lines += [f"Bearer token  {bearer_token}", "Copy the token now: it is not shown again."]
    lines += [
        f"Live token    {token}  '{token.name}', {token.scopes}, "
        f"{f'expires {token.expires_at:%Y-%m-%d %H:%M} UTC, ' if token.expires_at else ''}"
        f"{f'last used {token.last_used_at:%Y-%m-%d %H:%M} UTC' if token.last_used_at else 'not used yet'}"
        for token in tokens
    ]
    return "\n".join(lines if tokens else [*lines, f"{user} has no live token."])
