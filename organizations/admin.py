"""Settings > Organization > Your organization: what the organization is called, and the place for its domains."""

from collections.abc import Collection, Mapping
from uuid import UUID

from django.http import HttpRequest

from organizations.pages import Context, Page, Section, organization_of


def _context(request: HttpRequest) -> Context:
    return {"organization": organization_of(request)}


def whereabouts(organization_id: UUID, ids: Collection[str]) -> Mapping[str, str]:
    """Where the organization is shown."""
    return dict.fromkeys(ids, YOUR_ORGANIZATION.address)


YOUR_ORGANIZATION = Section(
    page=Page.ORGANIZATION,
    key="your-organization",
    title="Your organization",
    position=10,
    permission="organization.view",
    template="settings/sections/your_organization.html",
    context=_context,
)
