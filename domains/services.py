"""Verbs on domains: add, verify, remove, and decide which e-mail addresses are let in."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from audit.actions import Action
from audit.services import trail
from core import sql
from core.actors import Actor
from core.addresses import (
    AddressError,
    canonical_domain,
    check_domain,
    domain_in,
    domain_of,
    is_respelled,
    readable_domain,
)
from core.dialects import spelled
from core.refusals import Kind, Refusal
from core.search_keys import sought
from domains import dns_verification, lookalikes
from domains.dns_verification import Finding, LookupResult
from domains.models import Domain, VerificationMethod

DOMAINS_PAGE = "Settings > Organization > Your organization > Domains"

# How many domains an organization may have that nobody has verified yet.
MAX_UNVERIFIED = 100

# Looks at DNS from the page: this long apart for a domain, and this many a minute for an organization.
CHECK_EVERY = timedelta(seconds=10)
CHECKS_A_MINUTE = 20

# How many domains a command asks DNS about at the same time.
LOOKS_AT_ONCE = 8

_GONE = "This domain is no longer in the list. Reload the page."


class DomainInvalid(Refusal):
    """The text is no domain name."""

    code = "domain-invalid"


class DomainTaken(Refusal):
    """The domain is here already, or verified elsewhere; the answer never names another owner."""

    code = "domain-taken"


class DomainUnknown(Refusal):
    """No such domain in this organization."""

    code = "domain-unknown"
    kind = Kind.UNKNOWN


class DomainUnverified(Refusal):
    """User requests need a verified domain."""

    code = "domain-unverified"


class TooManyUnverified(Refusal):
    """The organization has as many domains as may wait to be verified."""

    code = "too-many-unverified"


class CheckedTooOften(Refusal):
    """DNS has been asked about this a moment ago."""

    code = "checked-too-often"


class AddressRefused(Refusal):
    """An e-mail address outside the domains that this organization lets in; ``domain`` is the one in question."""

    code = "address-refused"

    def __init__(self, message: str, *, domain: str, reason: str) -> None:
        super().__init__(message, about={"domain": domain})
        self.domain = domain
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Proposal:
    """A domain that could be added; ``notes`` and ``warnings`` are sentences that should be read before."""

    name: str
    readable: str
    notes: Sequence[str]
    warnings: Sequence[str]


def propose(name: str, *, organization_id: UUID) -> Proposal:
    """What adding a domain would come to, also of one in a web or e-mail address; adds nothing.

    Raises what ``add`` raises.
    """
    meant = domain_in(name)
    canonical_name = _parse(meant)
    domains = Domain.objects.of(organization_id)
    if domains.filter(name=canonical_name).exists():
        raise _taken(canonical_name, here=True)
    _refuse_unless_verifiable(canonical_name, organization_id)
    warnings = lookalikes.warnings(canonical_name, domains.values_list("name", flat=True))
    notes = []
    if is_respelled(meant):
        notes.append(f"You typed “{name.strip()}”. DNS knows this domain as {canonical_name}.")
    elif meant != name.strip():
        notes.append(f"You typed “{name.strip()}”. The domain in it is {canonical_name}.")
    return Proposal(canonical_name, readable_domain(canonical_name), notes, warnings)


@transaction.atomic
def add(name: str, *, verified: bool = False, by: Actor) -> Domain:
    """Register a domain; ``verified`` only where an operator vouches for it, also for one that is here unverified.

    Raises DomainInvalid, DomainTaken (also where another organization has verified it) and TooManyUnverified.
    """
    canonical_name = _parse(name)
    if verified and (present := Domain.objects.of(by.organization_id).filter(name=canonical_name).first()):
        return _vouched(present.pk, by)
    domain = Domain(organization_id=by.organization_id, name=canonical_name, created_by=by.label)
    if verified:
        domain.verified_at, domain.verified_by = timezone.now(), VerificationMethod.OPERATOR
    else:
        _refuse_unless_verifiable(canonical_name, by.organization_id)
    try:
        with transaction.atomic():
            domain.save(force_insert=True)
    except IntegrityError:
        here = Domain.objects.of(by.organization_id).filter(name=canonical_name).exists()
        raise _taken(canonical_name, here=here) from None
    trail.record(Action.DOMAIN_ADDED, domain, {"verified": [None, verified]}, by=by)
    return domain


def _vouched(domain_id: UUID, by: Actor) -> Domain:
    domain = _locked(domain_id, by.organization_id)
    if domain.is_verified:
        raise _taken(domain.name, here=True)
    domain.verified_at, domain.verified_by = timezone.now(), VerificationMethod.OPERATOR
    try:
        with transaction.atomic():
            domain.save(update_fields=["verified_at", "verified_by"])
    except IntegrityError:
        raise _taken(domain.name, here=False) from None
    trail.record(Action.DOMAIN_VERIFIED, domain, {"verified_by": ["", VerificationMethod.OPERATOR]}, by=by)
    return domain


def _taken(name: str, *, here: bool) -> DomainTaken:
    readable = readable_domain(name)
    if here:
        return DomainTaken(f"{readable} is registered already.")
    return DomainTaken(f"{readable} can't be registered here. Ask support if it is yours.")


def _parse(name: str) -> str:
    """The canonical form of a domain. Raises DomainInvalid, with the domain that was meant where there is one."""
    try:
        return check_domain(name.strip())
    except AddressError as error:
        message = str(error)
    with suppress(AddressError):
        if (meant := domain_in(name)) != name.strip():
            message = f"{message} Do you mean {check_domain(meant)}?"
    raise DomainInvalid(message)


def _is_verified(name: str) -> bool:
    """Whether any organization has verified the domain: the one question here that does not start from a tenant."""
    return Domain.objects.filter(name=name, verified_at__isnull=False).exists()


def _refuse_unless_verifiable(name: str, organization_id: UUID) -> None:
    domains = Domain.objects.of(organization_id)
    if len(name) > dns_verification.LONGEST_DOMAIN:
        raise DomainInvalid(
            f"A domain of more than {dns_verification.LONGEST_DOMAIN} characters leaves no room for the name of the"
            f" DNS "
            f"record that verifies it. Ask your operator to register it."
        )
    if not domains.filter(name=name).exists() and _is_verified(name):
        raise _taken(name, here=False)
    if domains.filter(verified_at__isnull=True).count() >= MAX_UNVERIFIED:
        raise TooManyUnverified(
            f"{MAX_UNVERIFIED} domains wait to be verified, and there can be no more. Verify or remove some of them."
        )


def verify(domain_id: UUID, *, by: Actor) -> Domain:
    """Look in DNS for the record that proves the domain, and keep what was found, which ``finding`` tells.

    Takes up to ``dns_verification.PATIENCE_SECONDS``, so no transaction stays open meanwhile. A verified domain stays
    as it is. Raises DomainUnknown and CheckedTooOften.
    """
    with transaction.atomic():
        domain = _locked(domain_id, by.organization_id)
        if domain.is_verified:
            return domain
        now = timezone.now()
        if domain.checked_at and now - domain.checked_at < CHECK_EVERY:
            raise CheckedTooOften("DNS was asked a moment ago. Wait some seconds, then check again.")
        if not _counts(f"domain-checks:{by.organization_id}:{int(now.timestamp()) // 60}"):
            raise CheckedTooOften("DNS was asked very often within this minute. Wait a minute, then check again.")
        domain.checked_at = now
        domain.save(update_fields=["checked_at"])
    return conclude(domain.pk, dns_verification.look(domain.name, domain.challenge), by=by)


def _counts(key: str) -> bool:
    """Whether there is room for one more check under that key."""
    cache.add(key, 0, 120)
    return cache.incr(key) <= CHECKS_A_MINUTE


def pending(*, organization_id: UUID | None = None) -> QuerySet[Domain]:
    """The domains that nobody has verified yet, of one organization or, for operators, of all."""
    domains = Domain.objects.all() if organization_id is None else Domain.objects.of(organization_id)
    return domains.filter(verified_at__isnull=True).order_by("pk")


def look_for_all(domains: Sequence[Domain]) -> Iterable[tuple[Domain, LookupResult]]:
    """Look in DNS for the records of all these domains, several at a time. Nothing is kept: see ``conclude``."""
    with ThreadPoolExecutor(max_workers=LOOKS_AT_ONCE) as pool:
        yield from zip(domains, pool.map(_look, domains), strict=True)


def _look(domain: Domain) -> LookupResult:
    return dns_verification.look(domain.name, domain.challenge)


@transaction.atomic
def conclude(domain_id: UUID, look: LookupResult, *, by: Actor) -> Domain:
    """Keep what a look in DNS found; the record itself makes the domain verified, unless it is so elsewhere already.

    Raises DomainUnknown.
    """
    domain = _locked(domain_id, by.organization_id)
    if domain.is_verified:
        return domain
    domain.checked_at, domain.finding, domain.found = timezone.now(), look.finding, list(look.values)
    if look.finding == Finding.FOUND:
        domain.verified_at, domain.verified_by = domain.checked_at, VerificationMethod.DNS
        try:
            with transaction.atomic():
                domain.save()
        except IntegrityError:
            # Somebody else was faster. Who that is, is not for here.
            domain.verified_at, domain.verified_by, domain.finding = None, "", Finding.TAKEN
        else:
            trail.record(Action.DOMAIN_VERIFIED, domain, {"verified_by": ["", VerificationMethod.DNS]}, by=by)
            return domain
    domain.save()
    return domain


@transaction.atomic
def remove(domain: Domain, *, by: Actor) -> None:
    """Take a domain off the list; people who are there already stay. Raises DomainUnknown when it is gone already."""
    domain = _locked(domain.pk, by.organization_id)
    trail.record(Action.DOMAIN_REMOVED, domain, {"user_requests": [domain.user_requests, None]}, by=by)
    domain.delete()


@transaction.atomic
def set_user_requests(domain_id: UUID, wanted: bool, *, by: Actor) -> Domain:
    """Tick or un-tick User requests; asking for what is so already changes nothing.

    Raises DomainUnknown, and DomainUnverified when the domain's owner is not proven.
    """
    domain = _locked(domain_id, by.organization_id)
    if domain.user_requests == wanted:
        return domain
    if wanted and not domain.is_verified:
        raise DomainUnverified(f"Verify {domain.readable} before you allow User requests for it.")
    domain.user_requests = wanted
    domain.save(update_fields=["user_requests"])
    action = Action.DOMAIN_ALLOWED if wanted else Action.DOMAIN_DISALLOWED
    trail.record(action, domain, {"user_requests": [not wanted, wanted]}, by=by)
    return domain


def _locked(domain_id: UUID, organization_id: UUID) -> Domain:
    domain = Domain.objects.of(organization_id).select_for_update().filter(pk=domain_id).first()
    if domain is None:
        raise DomainUnknown(_GONE)
    return domain


def get(domain_id: UUID, *, organization_id: UUID) -> Domain:
    """The organization's domain of that id. Raises DomainUnknown."""
    domain = Domain.objects.of(organization_id).filter(pk=domain_id).first()
    if domain is None:
        raise DomainUnknown(_GONE)
    return domain


def search(text: str, *, organization_id: UUID) -> QuerySet[Domain]:
    """The organization's domains with that text in their names, as people write them or as DNS has them."""
    domains = Domain.objects.of(organization_id)
    return named_like(domains, text) if text else domains


def named_like(domains: QuerySet[Domain], text: str) -> QuerySet[Domain]:
    """Those of some domains with that text in their names, as people write them or as DNS has them."""
    return domains.filter(sought(domain_in(text), "search_key"))


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
    AddressPolicy(asked, organization_id=organization_id).check(asked)


# Asked at every creation of a user: the ORM would take longer to word it than it runs.
_KNOWN = spelled(
    lambda dialect: (
        "SELECT d.name, d.user_requests, d.verified_at IS NOT NULL FROM domains_domain d"  # noqa: S608
        f" WHERE d.organization_id = %s AND d.name {dialect.among}"
    )
)


@dataclass(frozen=True, slots=True)
class _Known:
    user_requests: bool
    is_verified: bool


class AddressPolicy:
    """The domains in which some addresses lie, asked of the database once, however many the addresses are."""

    def __init__(self, addresses: Iterable[str], *, organization_id: UUID) -> None:
        names = {domain_of(address) for address in addresses}
        statement, values = _KNOWN(), [sql.key(organization_id), sql.among(names)]
        self._known = {name: _Known(*rest) for name, *rest in (sql.select(statement, values) if names else ())}

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

    def check_secondary(self, address: str) -> None:
        """Let in an address that stands for nobody. Raises AddressRefused; what is nobody's domain here has its own
        reason, ``secondary-domain-unknown``.
        """
        name = domain_of(address)
        if name not in self._known:
            raise AddressRefused(
                f"The secondary address '{address}' lies in '{name}', which is not registered in this organization. "
                f"Add it in {DOMAINS_PAGE} and tick User requests, or turn on 'Allow secondary addresses' in "
                "Settings > Users > Single Sign-On (SSO) > SCIM.",
                domain=name,
                reason="secondary-domain-unknown",
            )
        self.check([address])

    def check_registered(self, addresses: Iterable[str]) -> None:
        """Let addresses stand for somebody who has had them: their domains need no checkmark for that.

        Raises AddressRefused for a domain that is not the organization's.
        """
        strange = [address for address in addresses if not self._is_verified(domain_of(address))]
        self.check(strange)

    def _is_verified(self, name: str) -> bool:
        return name in self._known and self._known[name].is_verified
