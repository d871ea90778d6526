"""Your profile: what everybody may see of themselves, whatever their role."""

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from console.sections import EVERYBODY, Context, Page, Section, shows
from organizations.views.current import organization_of

PROFILE = Section(
    page=Page.PROFILE,
    key="profile",
    title="Profile",
    position=10,
    permission=EVERYBODY,
    template="settings/own_profile/section.html",
)


@shows(PROFILE)
def _context(request: HttpRequest) -> Context:
    slug = organization_of(request).slug
    return {"address": f"{settings.BASE_URL}{reverse('sign-in', args=[slug])}"}
