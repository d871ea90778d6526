"""Settings > Organization > Your organization > Slug: change it, and see the former ones."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from console import reauthentication
from console.actions import Outcome, Saved, action
from console.requests import actor_of, member_of
from console.sections import Context, Page, Section, shows
from core.refusals import Refusal
from organizations.models import Organization
from organizations.services import slugs
from organizations.views.current import organization_of

LONGEST_TYPED = 200

# What has the slug in it. The paths are written out: the apps that answer there lie further up.
ADDRESSES: Mapping[str, str] = {
    "SCIM Base URL": "{base}/scim/{slug}/v2",
    "Sign-in address": "{base}/sign-in/{slug}/",
}


SLUG = Section(
    page=Page.ORGANIZATION,
    key="slug",
    title="Slug",
    lead="The word that stands for your organization in addresses.",
    position=12,
    permission="organization.view",
    within="your-organization",
    template="settings/slug/section.html",
)


@shows(SLUG)
def _context(request: HttpRequest) -> Context:
    organization = organization_of(request)
    user = member_of(request)
    return {
        "organization": organization,
        "former": slugs.former(organization.pk),
        "may_edit": user.has_perm("organization.edit"),
    }


@action(SLUG, "organization/slug/", "slug", permission="organization.edit", reads=True)
def ask(request: HttpRequest) -> HttpResponse:
    """The page on which a slug is typed and, once one is, what it will change."""
    return _page(request, request.GET.get("slug"))


@action(SLUG, "organization/slug/change/", "change-slug", permission="organization.edit")
def change(request: HttpRequest) -> Outcome:
    """Take another slug, which the page has shown the consequences of."""
    actor = actor_of(request)
    typed = request.POST.get("slug", "")[:LONGEST_TYPED]
    back = f"{reverse('settings:slug')}?{urlencode({'slug': typed})}"
    reauthentication.require(request, "change the slug", back=back)
    try:
        organization = slugs.change(typed, expected_slug=request.POST.get("expected_slug", ""), by=actor)
    except Refusal as refusal:
        return _page(request, typed, wrong=refusal.message)
    return Saved(f"The slug is {organization.slug} now. Give the new Base URL to your identity provider.")


def _page(request: HttpRequest, typed: str | None, wrong: str = "") -> HttpResponse:
    organization = Organization.objects.get(pk=organization_of(request).pk)
    slug = ""
    if typed is not None:
        typed = typed.replace("\x00", "")[:LONGEST_TYPED]
        try:
            slug = slugs.check(typed, organization)
        except slugs.SlugRefused as refusal:
            wrong = wrong or refusal.message
    context = {
        "title": "Change the slug",
        "page": Page.ORGANIZATION,
        "organization": organization,
        "typed": organization.slug if typed is None else typed,
        "slug": slug,
        "wrong": wrong,
        "changes": [(name, _at(text, organization.slug), _at(text, slug)) for name, text in ADDRESSES.items()],
        "until": timezone.now() + slugs.GRACE,
        "days": slugs.GRACE.days,
        "back": SLUG.address,
    }
    return render(request, "settings/slug/slug.html", context)


def _at(address: str, slug: str) -> str:
    return address.format(base=settings.BASE_URL, slug=slug)


@action(SLUG, "organization/slug/<uuid:former_id>/extend/", "extend-slug", permission="organization.edit")
def extend(request: HttpRequest, former_id: UUID) -> Saved:
    """Let a former slug work for longer."""
    former = slugs.extend(former_id, by=actor_of(request))
    return Saved(f"The former slug {former.slug} works for {slugs.GRACE.days} days from now.")


@action(SLUG, "organization/slug/<uuid:former_id>/end/", "end-slug", permission="organization.edit")
def end(request: HttpRequest, former_id: UUID) -> Saved:
    """Let a former slug lead nowhere from now on."""
    reauthentication.require(request, "end the former slug")
    former = slugs.end(former_id, by=actor_of(request))
    return Saved(f"The former slug {former.slug} leads nowhere any more.")


def links(organization_id: UUID, ids: Collection[str]) -> Mapping[str, str]:
    """Where former slugs are shown."""
    found = slugs.former(organization_id)
    return {str(row.pk): SLUG.address for row in found if str(row.pk) in ids}
