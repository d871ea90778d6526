"""``manage.py domain``: an organization's e-mail domains and their User requests checkmark from the command line."""

from typing import Any
from uuid import UUID

from django.core.management.base import CommandParser

from audit.actors import operator_at_the_command_line
from domains import services
from domains.models import Domain, Proof
from organizations.commands import Error, HouseCommand, Report, describe, find_organization

ACTIONS = ("add", "remove", "allow", "disallow", "list")
DONE = {
    "add": "Added {domain}, verified by operator. Its people are let in after: manage.py domain {slug} allow {domain}",
    "remove": "Removed {domain}. People who are there already stay.",
    "allow": "User requests are on for {domain}.",
    "disallow": "User requests are off for {domain}. People who are there already stay.",
}


class Command(HouseCommand):
    help = "Add (as verified by operator), remove, allow or disallow User requests for, or list e-mail domains."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("organization", metavar="ORGANIZATION", help="its slug, such as acme")
        parser.add_argument("action", choices=ACTIONS)
        parser.add_argument("domain", metavar="DOMAIN", nargs="?", help="for every action but list")

    def perform(self, **options: Any) -> Report:
        organization = find_organization(options["organization"])
        action, name = options["action"], options["domain"]
        if action == "list":
            if name is not None:
                raise Error("list shows all domains, so it takes no DOMAIN.")
            domains = list(Domain.objects.of(organization.pk))
            text = "\n".join(map(_line, domains)) or f"{organization} has no domains."
            return Report(text, {"organization": describe(organization), "domains": [_describe(d) for d in domains]})
        if name is None:
            raise Error(f"{action} needs a DOMAIN such as example.com.")
        domain = self._change(action, name, organization.pk)
        text = DONE[action].format(domain=domain, slug=organization.slug)
        return Report(text, {"organization": describe(organization), "domain": _describe(domain)})

    def _change(self, action: str, name: str, organization_id: UUID) -> Domain:
        by = operator_at_the_command_line(organization_id)
        if action == "add":
            return services.add(name, verified=True, by=by)
        domain = services.find(name, organization_id=organization_id)
        if action == "remove":
            services.remove(domain, by=by)
            return domain
        return services.set_user_requests(domain.pk, action == "allow", by=by)


def _describe(domain: Domain) -> dict[str, str | bool]:
    return {
        "name": domain.name,
        "verified": domain.is_verified,
        "proof": domain.proof,
        "user_requests": domain.user_requests,
    }


def _line(domain: Domain) -> str:
    verified = f"verified {Proof(domain.proof).label}" if domain.is_verified and domain.proof else "not verified"
    return f"{domain}  {verified}, User requests {'on' if domain.user_requests else 'off'}"
