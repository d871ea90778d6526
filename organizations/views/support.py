"""Settings > Organization > Your organization > Request support: turn support access on or off."""

from __future__ import annotations

from django.http import HttpRequest

from console import reauthentication
from console.actions import Saved, action
from console.forms import SwitchForm
from console.requests import actor_of, member_of
from console.sections import Context, Page, Section, shows
from organizations.services import support
from organizations.views.current import organization_of

SUPPORT = Section(
    page=Page.ORGANIZATION,
    key="request-support",
    title="Request support",
    position=14,
    permission="organization.view",
    within="your-organization",
    template="settings/support/section.html",
)


@shows(SUPPORT)
def _context(request: HttpRequest) -> Context:
    organization = organization_of(request)
    user = member_of(request)
    return {
        "organization": organization,
        "operators_present": support.operators_present(organization),
        "days": support.LASTS.days,
        "may_edit": user.has_perm("organization.edit"),
    }


@action(SUPPORT, "organization/support/", "request-support", permission="organization.edit", form=SwitchForm)
def set_request(request: HttpRequest, form: SwitchForm) -> Saved:
    """Let operators look for a week, or send them away."""
    if form.is_on:
        reauthentication.require(request, "turn on Request support")
    support.request(form.is_on, by=actor_of(request))
    organization_of(request).refresh_from_db()
    message = (
        f"Operators may look at your organization for {support.LASTS.days} days." if form.is_on else "Nobody may look."
    )
    return Saved(message)
