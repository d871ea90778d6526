"""Settings > Organization > Your organization > Domains: who may be provisioned, one click for each domain."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from domains import services
from domains.addresses import canonical_domain
from domains.models import Domain
from organizations import pages
from organizations.pages import Context, Control, Page, Section

# The name under which the app that knows users offers how many there are in each domain.
USERS_PER_DOMAIN = "users-per-domain"

LONGEST_SEARCH = 253


def _context(request: HttpRequest) -> Context:
    organization_id = pages.organization_of(request).pk
    search = request.GET.get("domain", "").replace("\x00", "").strip()[:LONGEST_SEARCH]
    domains = Domain.objects.of(organization_id)
    found = domains.filter(name__contains=canonical_domain(search)) if search else domains
    users = pages.figures(USERS_PER_DOMAIN, organization_id)
    changed = request.GET.get("changed", "")
    return {
        "rows": [_row(domain, users.get(domain.name, 0), changed=str(domain.pk) == changed) for domain in found],
        "total": domains.count(),
        "search": search,
        "may_edit": _may_edit(request),
    }


def _row(domain: Domain, users: int, *, changed: bool) -> dict[str, Any]:
    """``changed``: the switch has just been used, so the row says what that means and offers to undo it."""
    return {"domain": domain, "users": users, "changed": changed}


def _may_edit(request: HttpRequest) -> bool:
    user: Any = request.user
    return bool(user.has_perm("domains.edit"))


def set_user_requests(request: HttpRequest, domain_id: UUID) -> HttpResponse:
    """Tick or un-tick User requests of one domain."""
    actor = pages.actor_of(request)
    domain = services.set_user_requests(domain_id, pages.wanted(request), by=actor)
    if not pages.is_htmx(request):
        query = urlencode({"changed": str(domain.pk)})
        return redirect(f"{reverse('settings:organization')}?{query}#domain-{domain.pk}")
    users = pages.figures(USERS_PER_DOMAIN, actor.organization_id).get(domain.name, 0)
    context = {"row": _row(domain, users, changed=True), "may_edit": True}
    return render(request, "settings/sections/domain_row.html", context)


def whereabouts(organization_id: UUID, ids: Collection[str]) -> Mapping[str, str]:
    """Where each of the domains is shown."""
    found = Domain.objects.of(organization_id).filter(pk__in=ids).values_list("pk", flat=True)
    return {str(pk): f"{reverse('settings:organization')}#domain-{pk}" for pk in found}


DOMAINS = Section(
    page=Page.ORGANIZATION,
    key="domains",
    title="Domains",
    position=20,
    permission="domains.view",
    within="your-organization",
    template="settings/sections/domains.html",
    context=_context,
    controls=(
        Control(
            "organization/domains/<uuid:domain_id>/user-requests/", "user-requests", "domains.edit", set_user_requests
        ),
    ),
)
