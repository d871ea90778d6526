"""Verbs on domains, and the one rule about which e-mail addresses an organization lets in."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from audit import rows, trail
from audit.actions import Action
from audit.actors import Actor
from domains.addresses import AddressError, canonical_domain, check_domain, domain_of
from domains.models import Domain, Proof
from organizations.refusals import Refusal

DOMAINS_PAGE = "Settings > Organization > Your organization > Domains"


class DomainInvalid(Refusal):
    """The text is no domain name."""

    code = "domain-invalid"


class DomainTaken(Refusal):
    """The domain is here already, or verified elsewhere; the answer never names another owner."""

    code = "domain-taken"


class DomainUnknown(Refusal):
    """No such domain in this organization."""

    code = "domain-unknown"


class DomainUnverified(Refusal):
    """User requests need a verified domain."""

    code = "domain-unverified"


class AddressRefused(Refusal):
    """An e-mail address outside the domains that this organization lets in; ``domain`` is the one in question."""

    code = "address-refused"

    def __init__(self, message: str, *, domain: str, reason: str) -> None:
        super().__init__(message)
        self.domain = domain
        self.reason = reason


@transaction.atomic
def add(name: str, *, verified: bool = False, by: Actor) -> Domain:
    """Register a domain; ``verified`` only where an operator vouches for it.

    Raises DomainInvalid or DomainTaken.
    """
    try:
        canonical_name = check_domain(name.strip())
    except AddressError as error:
        raise DomainInvalid(str(error)) from None
    domain = Domain(organization_id=by.organization_id, name=canonical_name, created_by=by.label)
    if verified:
        domain.verified_at, domain.proof = timezone.now(), Proof.OPERATOR
    try:
        with transaction.atomic():
            domain.save(force_insert=True)
    except IntegrityError:
        if Domain.objects.of(by.organization_id).filter(name=canonical_name).exists():
            raise DomainTaken(f"{canonical_name} is registered already.") from None
        raise DomainTaken(f"{canonical_name} can't be registered here. Ask support if it is yours.") from None
    trail.record(Action.DOMAIN_ADDED, domain, {"verified": [None, verified]}, by=by)
    return domain


@transaction.atomic
def remove(domain: Domain, *, by: Actor) -> None:
    """Take a domain off the list; people who are there already stay."""
    trail.record(Action.DOMAIN_REMOVED, domain, {"user_requests": [domain.user_requests, None]}, by=by)
    domain.delete()


@transaction.atomic
def set_user_requests(domain_id: UUID, wanted: bool, *, by: Actor) -> Domain:
    """Tick or un-tick User requests; asking for what is so already changes nothing.

    Raises DomainUnknown, and DomainUnverified when the domain's owner is not proven.
    """
    domain = Domain.objects.of(by.organization_id).select_for_update().filter(pk=domain_id).first()
    if domain is None:
        raise DomainUnknown("This domain is no longer in the list. Reload the page.")
    if domain.user_requests == wanted:
        return domain
    if wanted and not domain.is_verified:
        raise DomainUnverified(f"Verify {domain} before you allow User requests for it.")
    domain.user_requests = wanted
    domain.save(update_fields=["user_requests"])
    action = Action.DOMAIN_ALLOWED if wanted else Action.DOMAIN_DISALLOWED
    trail.record(action, domain, {"user_requests": [not wanted, wanted]}, by=by)
    return domain


def find(name: str, *, organization_id: UUID) -> Domain:
    """The organization's domain of that name. Raises DomainUnknown."""
    domain = Domain.objects.of(organization_id).filter(name=canonical_domain(name)).first()
    if domain is None:
        raise DomainUnknown(f"The organization has no domain {name}.")
    return domain


def check_addresses(addresses: Iterable[str], *, organization_id: UUID) -> None:
    """Make sure that every address lies in a domain with the User requests checkmark (exact match, no sub-domains).

    One query for all. Raises AddressRefused for the first that does not; the message names the domain and the page.
    """
    asked = list(addresses)
    Gate(asked, organization_id=organization_id).check(asked)


# Asked at every creation of a user: the ORM would take longer to word it than it runs.
_KNOWN = {
    vendor: (
        "SELECT d.name, d.user_requests, d.verified_at IS NOT NULL FROM domains_domain d"  # noqa: S608
        f" WHERE d.organization_id = %s AND d.name {among}"
    )
    for vendor, among in rows.AMONG.items()
}


@dataclass(frozen=True, slots=True)
class _Known:
    user_requests: bool
    is_verified: bool


class Gate:
    """The domains in which some addresses lie, asked of the database once, however many the addresses are."""

    def __init__(self, addresses: Iterable[str], *, organization_id: UUID) -> None:
        names = {domain_of(address) for address in addresses}
        statement, values = _KNOWN[connection.vendor], [rows.key(organization_id), rows.among(names)]
        self._known = {name: _Known(*rest) for name, *rest in (rows.select(statement, values) if names else ())}

    def check(self, addresses: Iterable[str]) -> None:
        """Let some of those addresses in. Raises AddressRefused as ``check_addresses`` does."""
        for name in dict.fromkeys(domain_of(address) for address in addresses):
            domain = self._known.get(name)
            if domain is None:
                raise AddressRefused(
                    f"The e-mail domain '{name}' is not registered in this organization. "
                    f"Add it in {DOMAINS_PAGE} and tick User requests.",
                    domain=name,
                    reason="domain-unknown",
                )
            if not domain.user_requests:
                then = " and" if domain.is_verified else ", verify it and"
                raise AddressRefused(
                    f"The e-mail domain '{name}' does not have the User requests checkmark. "
                    f"Open {DOMAINS_PAGE}{then} tick User requests.",
                    domain=name,
                    reason="domain-without-user-requests" if domain.is_verified else "domain-unverified",
                )
