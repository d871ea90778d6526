"""Settings > Organization > Your organization > Request support: turn support access on or off."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from console import reauthentication, requests, responses
from console.requests import actor_of, member_of
from console.sections import Context, Page, PageAction, Section
from organizations.services import support
from organizations.views.current import organization_of


def _context(request: HttpRequest) -> Context:
    organization = organization_of(request)
    user = member_of(request)
    return {
        "organization": organization,
        "operators_present": support.operators_present(organization),
        "days": support.LASTS.days,
        "may_edit": user.has_perm("organization.edit"),
    }


def set_request(request: HttpRequest) -> HttpResponse:
    """Let operators look for a week, or send them away."""
    wanted = requests.wanted(request)
    if (
        wanted
        and (question := reauthentication.ask_to_reauthenticate(request, SUPPORT.address, "turn on Request support"))
        is not None
    ):
        return question
    support.request(wanted, by=actor_of(request))
    organization_of(request).refresh_from_db()
    message = (
        f"Operators may look at your organization for {support.LASTS.days} days." if wanted else "Nobody may look."
    )
    return responses.done(request, SUPPORT, message)


SUPPORT = Section(
    page=Page.ORGANIZATION,
    key="request-support",
    title="Request support",
    position=14,
    permission="organization.view",
    within="your-organization",
    template="settings/support/section.html",
    context=_context,
    actions=(PageAction("organization/support/", "request-support", "organization.edit", set_request),),
)
