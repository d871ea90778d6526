"""``manage.py domain``: an organization's e-mail domains and their User requests checkmark."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.core.management.base import CommandParser

from core.actors import operator_at_the_command_line
from domains import services
from domains.dns_verification import Finding
from domains.models import Domain, VerificationMethod
from organizations.management.base import Error, HouseCommand, Report, describe, find_organization

ACTIONS = ("add", "remove", "allow", "disallow", "list", "verify")
DONE = {
    "add": "Added {domain}, verified by operator. Its people are let in after: manage.py domain {slug} allow {domain}",
    "vouch": "{domain}, which {created_by} had added, is verified by operator now. Its people are let in after: "
    "manage.py domain {slug} allow {domain}",
    "remove": "Removed {domain}. People who are there already stay.",
    "allow": "User requests are on for {domain}.",
    "disallow": "User requests are off for {domain}. People who are there already stay.",
}


class Command(HouseCommand):
    help = (
        "Add (as verified by operator, also what is there unverified), remove, verify by DNS, allow or disallow User "
        "requests for, or list domains."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "organization", metavar="ORGANIZATION", help="its slug, such as acme; 'verify --pending' needs none"
        )
        parser.add_argument("action", choices=ACTIONS, nargs="?")
        parser.add_argument("domain", metavar="DOMAIN", nargs="?", help="for every action but list")
        parser.add_argument("--pending", action="store_true", help="verify: every domain that waits to be verified")

    def perform(self, **options: Any) -> Report:
        action, name, pending = options["action"], options["domain"], options["pending"]
        if pending and (options["organization"], action) == ("verify", None):
            return _verify(list(services.pending().select_related("organization")))
        if action is None:
            raise Error(f"Say what to do with the domains of {options['organization']}: {', '.join(ACTIONS)}.")
        organization = find_organization(options["organization"])
        if pending != (action == "verify" and name is None):
            raise Error("--pending goes with verify alone, in place of a DOMAIN.")
        if pending:
            return _verify(list(services.pending(organization_id=organization.pk).select_related("organization")))
        if action == "list":
            if name is not None:
                raise Error("list shows all domains, so it takes no DOMAIN.")
            domains = list(Domain.objects.of(organization.pk))
            text = "\n".join(map(_line, domains)) or f"{organization} has no domains."
            return Report(text, {"organization": describe(organization), "domains": [_describe(d) for d in domains]})
        if name is None:
            raise Error(f"{action} needs a DOMAIN such as example.com.")
        if action == "verify":
            return _verify([services.find(name, organization_id=organization.pk)])
        domain = self._change(action, name, organization.pk)
        # One that an Admin has added on the page, say.
        was_here = action == "add" and domain.created_by != operator_at_the_command_line(organization.pk).label
        text = DONE["vouch" if was_here else action].format(
            domain=domain, slug=organization.slug, created_by=domain.created_by
        )
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


def _verify(domains: Sequence[Domain]) -> Report:
    """Look in DNS for the records of these domains. What somebody removes meanwhile is left out."""
    checked = []
    for domain, look in services.look_for_all(domains):
        try:
            done = services.conclude(domain.pk, look, by=operator_at_the_command_line(domain.organization_id))
        except services.DomainUnknown:
            continue
        checked.append((domain.organization.slug, done))
    verified = sum(domain.is_verified for _, domain in checked)
    lines = [f"{slug}  {domain}  {_found(domain)}" for slug, domain in checked]
    lines.append(f"Checked {len(checked)}, verified {verified}.")
    return Report(
        "\n".join(lines),
        {
            "checked": len(checked),
            "verified": verified,
            "domains": [
                {"organization": slug, **_describe(domain), "finding": domain.finding} for slug, domain in checked
            ],
        },
    )


def _found(domain: Domain) -> str:
    return "verified" if domain.is_verified else f"not verified: {Finding(domain.finding).label}"


def _describe(domain: Domain) -> dict[str, str | bool]:
    return {
        "name": domain.name,
        "verified": domain.is_verified,
        "verified_by": domain.verified_by,
        "user_requests": domain.user_requests,
    }


def _line(domain: Domain) -> str:
    verified = (
        f"verified {VerificationMethod(domain.verified_by).label}"
        if domain.is_verified and domain.verified_by
        else "not verified"
    )
    return f"{domain}  {verified}, User requests {'on' if domain.user_requests else 'off'}"
