"""``manage.py organization``: suspend, reactivate and rename an organization from the command line."""

from typing import Any

from django.core.management.base import CommandParser

from core.actors import operator_at_the_command_line
from organizations.management.base import Error, HouseCommand, Report, describe, find_organization
from organizations.services import organizations, slugs

ACTIONS = ("suspend", "reactivate", "rename-slug")

# What scripts of before may say.
FORMER_WORDS = {"hold": "suspend", "release": "reactivate"}


class Command(HouseCommand):
    help = "Suspend an organization (nobody signs in, SCIM is refused), reactivate it, or give it another slug."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("organization", metavar="ORGANIZATION", help="its slug, such as acme")
        parser.add_argument("action", choices=ACTIONS, type=lambda word: FORMER_WORDS.get(word, word))
        parser.add_argument("slug", metavar="SLUG", nargs="?", help="rename-slug: the new one")
        parser.add_argument("--reason", metavar="R", help="suspend and reactivate: why; kept in the audit log")

    def perform(self, **options: Any) -> Report:
        organization = find_organization(options["organization"])
        by = operator_at_the_command_line(organization.pk)
        if (options["action"] == "rename-slug") != (options["slug"] is not None):
            raise Error("rename-slug, and no other action, takes the new slug.")
        if options["action"] != "rename-slug" and not options["reason"]:
            raise Error(
                f'Say why with --reason, as in: organization {organization.slug} {options["action"]} --reason "…"'
            )
        match options["action"]:
            case "suspend":
                organization = organizations.suspend(options["reason"], by=by)
                text = f"{organization} is suspended: nobody signs in, and SCIM is refused."
            case "reactivate":
                organization = organizations.reactivate(options["reason"], by=by)
                text = f"{organization} is active again."
            case _:
                organization = slugs.change(options["slug"], expected_slug=organization.slug, by=by)
                text = f"The slug of {organization} is {organization.slug} now; the old one leads to it for 90 days."
        data = {"organization": describe(organization), "active": organization.is_active}
        return Report(text, data)
