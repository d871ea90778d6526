"""Settings > Users > Single Sign-On (SSO) > "Would this address be accepted?": all rules, with fixes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode

from console.sections import Context, Page, Section, shows
from core.addresses import domain_of
from domains.models import Domain
from organizations.views.current import organization_of
from provisioning.services.connections import address_check
from provisioning.services.connections.address_check import Ruling
from provisioning.views.which_connection import SCIM

LONGEST_ADDRESS = 254


ADDRESS_BOX = Section(
    page=Page.USERS,
    key="scim-address",
    title="Would this address be accepted?",
    lead="Try a test user's address before your identity provider does: the rules are asked as SCIM asks them.",
    position=60,
    permission="sign-in.view",
    within="single-sign-on",
    template="settings/address_check/section.html",
)


@shows(ADDRESS_BOX)
def _context(request: HttpRequest) -> Context:
    address = request.GET.get("accepted", "").replace("\x00", "").strip()[:LONGEST_ADDRESS]
    if not address:
        return {}
    rulings = list(address_check.rulings(address, organization_of(request)))
    return {
        "address": address,
        "accepted": all(ruling.passed for ruling in rulings),
        "rows": [(ruling, *_fix(ruling, address, request)) for ruling in rulings],
    }


def _fix(ruling: Ruling, address: str, request: HttpRequest) -> tuple[str, str]:
    """What the link beside a "no" says and where it leads; empty where there is none for who asks."""
    permission, words, find = _FIXES.get(ruling.reason, ("", "", None))
    if find is None or not request.user.has_perm(permission):
        return "", ""
    return words.format(domain=domain_of(address)), find(ruling, address, request)


def _scim(ruling: Ruling, address: str, request: HttpRequest) -> str:
    return SCIM.address


def _add_domain(ruling: Ruling, address: str, request: HttpRequest) -> str:
    return f"{reverse('settings:organization')}?{urlencode({'add': domain_of(address)})}"


def _domain(ruling: Ruling, address: str, request: HttpRequest) -> str:
    domain = Domain.objects.of(organization_of(request).pk).get(name=domain_of(address))
    return reverse("settings:domain", args=[domain.pk])


def _domains(ruling: Ruling, address: str, request: HttpRequest) -> str:
    return f"{reverse('settings:organization')}?{urlencode({'domain': domain_of(address)})}#domains"


def _person(ruling: Ruling, address: str, request: HttpRequest) -> str:
    return reverse("settings:person", args=[ruling.holder.pk]) if ruling.holder else ""


# Which permission a fix needs, what its link says, and where it leads.
_FIXES: Mapping[str, tuple[str, str, Callable[[Ruling, str, HttpRequest], str]]] = {
    "no-token": ("sign-in.edit", "Generate a token", _scim),
    "scim-off": ("sign-in.edit", "Enable SCIM", _scim),
    "domain-unknown": ("domains.edit", "Add {domain}", _add_domain),
    "domain-unverified": ("domains.edit", "Verify {domain}", _domain),
    "domain-without-user-requests": ("domains.edit", "Allow {domain} for User requests", _domains),
    "exists": ("users.view", "Show the user", _person),
}
