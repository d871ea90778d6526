"""Would SCIM let this address in? Every rule in its order, asked of the very functions that a create asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from core.addresses import AddressError, canonical, check_address
from core.refusals import Refusal
from domains.services import AddressRefused, check_addresses
from organizations.models import Organization
from provisioning.services.connections import connections
from users.models import Source, User
from users.services import accounts

SCIM_IS_ON = "SCIM is on and has a token that is valid"
IS_ADDRESS = "It is an e-mail address"
IS_REGISTERED = "Its domain is registered in this organization"
IS_VERIFIED = "The domain is verified"
HAS_CHECKMARK = "The domain has the User requests checkmark"
IS_FREE = "Nobody here has this address yet"

# What a refusal of the domain means for the three rules about it.
_DOMAIN_RULES: Mapping[str, str] = {
    IS_REGISTERED: "domain-unknown",
    IS_VERIFIED: "domain-unverified",
    HAS_CHECKMARK: "domain-without-user-requests",
}

_KNOWN = (
    "A provider that looks first, as JumpCloud does, finds this user and goes on with it; a second create is refused."
)
_ADOPTED = (
    "A provider that looks first finds this user and takes it over with its first change. A create, such as that of a "
    "test user, is refused."
)
_AN_ADMIN = "An Admin who was made by hand is not taken over by SCIM, unless its switch for Admins is on."


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a rule says of an address. ``reason`` is the code of a "no", and then ``why`` a sentence that fixes it.

    ``passed`` None: the rule can't be asked before an earlier one passes. ``holder`` is who has the address already.
    """

    rule: str
    passed: bool | None
    why: str = ""
    reason: str = ""
    holder: User | None = None


def rulings(address: str, organization: Organization) -> Iterator[Ruling]:
    """All rules for a user whose userName and only e-mail address that would be; one that can't be asked says so."""
    yield _connection(organization)
    spelled = _address(address)
    yield spelled
    if spelled.passed:
        yield from _domain(address, organization)
        yield _name(address, organization)
    else:
        yield from (Ruling(rule, None) for rule in (*_DOMAIN_RULES, IS_FREE))


def _connection(organization: Organization) -> Ruling:
    with_token = [each for each in connections.of_organization(organization.pk) if connections.live_tokens(each)]
    if not with_token:
        return Ruling(SCIM_IS_ON, False, "There is no token: generate one, then enable SCIM.", "no-token")
    if not any(connection.enabled for connection in with_token):
        return Ruling(SCIM_IS_ON, False, "SCIM is turned off, so no token is valid: enable it.", "scim-off")
    return Ruling(SCIM_IS_ON, True)


def _address(address: str) -> Ruling:
    try:
        check_address(address)
    except AddressError as error:
        return Ruling(IS_ADDRESS, False, str(error), "no-address")
    return Ruling(IS_ADDRESS, True)


def _domain(address: str, organization: Organization) -> Iterator[Ruling]:
    reason, why = "", ""
    try:
        check_addresses([address], organization_id=organization.pk)
    except AddressRefused as refusal:
        reason, why = refusal.reason, refusal.message
    failed = False
    for rule, code in _DOMAIN_RULES.items():
        if code == reason:
            yield Ruling(rule, False, why, reason)
            failed = True
        else:
            yield Ruling(rule, None if failed else True)


def _name(address: str, organization: Organization) -> Ruling:
    try:
        accounts.refuse_taken_names(address, organization_id=organization.pk)
    except Refusal as refusal:
        holder = User.objects.known_as(organization.pk, canonical(address))
        return Ruling(IS_FREE, False, f"{refusal.message} {_what_then(holder, organization)}", "exists", holder)
    return Ruling(IS_FREE, True)


def _what_then(holder: User | None, organization: Organization) -> str:
    if holder is None or holder.source == Source.SCIM:
        return _KNOWN
    is_admin = holder.role is not None and holder.role.is_admin
    may_adopt = not is_admin or any(each.manage_admins for each in connections.of_organization(organization.pk))
    return _ADOPTED if may_adopt else _AN_ADMIN
