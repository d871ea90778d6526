"""``manage.py create_organization``: make an organization with domains, first Admin and SCIM set-up."""

from typing import Any

from django.core.management.base import CommandParser

from organizations.management.base import Error, HouseCommand, Report, describe
from provisioning.services.connections import connections
from provisioning.services.onboarding import Opened, open_organization


class Command(HouseCommand):
    help = "Make an organization. The token and a generated password are shown once and never again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME", help="what people call it")
        parser.add_argument("--slug", required=True, help="its name in addresses, such as acme")
        parser.add_argument(
            "--domain",
            metavar="D",
            action="append",
            default=[],
            help="register a domain with the User requests checkmark (repeatable)",
        )
        parser.add_argument(
            "--domain-without-requests",
            metavar="D",
            action="append",
            default=[],
            help="register a domain without the checkmark (repeatable)",
        )
        parser.add_argument("--admin", metavar="EMAIL", help="make this person the first Admin")
        parser.add_argument("--admin-password", metavar="P", help="the Admin's password (default: a generated one)")
        parser.add_argument("--generate-token", action="store_true", help="make a SCIM token, valid once SCIM is on")
        parser.add_argument("--enable-scim", action="store_true", help="make a SCIM token and let it be used")

    def perform(self, **options: Any) -> Report:
        if options["admin_password"] is not None and options["admin"] is None:
            raise Error("--admin-password needs --admin EMAIL.")
        opened = open_organization(
            options["name"],
            options["slug"],
            domains_with_requests=options["domain"],
            domains_without_requests=options["domain_without_requests"],
            admin_email=options["admin"],
            admin_password=options["admin_password"],
            generate_token=options["generate_token"],
            enable_scim=options["enable_scim"],
        )
        data = {
            "organization": describe(opened.organization),
            "scim": {
                "base_url": connections.base_url(opened.organization),
                "bearer_token": opened.bearer_token,
                "enabled": opened.connection.enabled,
            },
            "admin": opened.admin and {"email": opened.admin.email, "password": opened.admin_password},
        }
        return Report(_text(opened), data)


def _text(opened: Opened) -> str:
    lines = [f"Made the organization {opened.organization} ({opened.organization.slug})."]
    if opened.admin:
        lines += [f"Admin         {opened.admin.email}", f"Password      {opened.admin_password}"]
    lines.append(f"Base URL      {connections.base_url(opened.organization)}")
    if opened.bearer_token:
        lines.append(f"Bearer token  {opened.bearer_token}")
    lines.append(f"SCIM          {'on' if opened.connection.enabled else 'off'}")
    if opened.bearer_token or opened.admin:
        lines.append("Copy what is secret here now: it is not shown again.")
    return "\n".join(lines)
